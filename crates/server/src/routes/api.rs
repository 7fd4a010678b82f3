//! The native API: the domain's own types as JSON, under `/api/v1`.

pub(crate) mod alerts;
pub(crate) mod audit;
pub(crate) mod datasets;
pub(crate) mod endpoints;
pub(crate) mod jobs;
pub(crate) mod loops;
pub(crate) mod models;
pub(crate) mod predictions;
pub(crate) mod runs;
pub(crate) mod simulation;

use axum::Json;
use flyball_core::{Edit, Error, Permit, Read, Result};
use flyball_governance::identity;
use serde::Serialize;
use serde_json::Value;

use crate::blocking;
use crate::error::ApiError;

/// What a native route answers.
pub(crate) type Answer = Result<Json<Value>, ApiError>;

/// The permit of whoever passed the route's policy; in local mode that is the one local user.
pub(crate) fn editor() -> Result<Permit<Edit>> {
    Ok(identity::local_user()?.edit())
}

/// The same, to look only.
pub(crate) fn reader() -> Result<Permit<Read>> {
    Ok(editor()?.read())
}

/// Runs blocking work and answers what it gives.
pub(crate) async fn answer<T: Serialize>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Answer {
    let value = blocking(move || serde_json::to_value(work()?).map_err(Error::internal)).await?;
    Ok(Json(value))
}
