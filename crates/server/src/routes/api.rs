//! The native API: the domain's own types as JSON, under `/api/v1`.

pub(crate) mod alerts;
pub(crate) mod artifacts;
pub(crate) mod audit;
pub(crate) mod cards;
pub(crate) mod datasets;
pub(crate) mod endpoints;
pub(crate) mod evaluations;
pub(crate) mod experiments;
pub(crate) mod explain;
pub(crate) mod jobs;
pub(crate) mod labels;
pub(crate) mod loops;
pub(crate) mod models;
pub(crate) mod monitors;
pub(crate) mod notifications;
pub(crate) mod observed;
pub(crate) mod predict;
pub(crate) mod predictions;
pub(crate) mod remedies;
pub(crate) mod runs;
pub(crate) mod search;
pub(crate) mod secrets;
pub(crate) mod silences;
pub(crate) mod simulation;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use flyball_core::{Edit, Error, Permit, Read, Result, Timestamp};
use flyball_governance::identity;
use flyball_store::Tx;
use flyball_tracking::Pair;
use serde::Serialize;
use serde_json::Value;

use crate::app::App;
use crate::blocking::{blocking, write};
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

/// Changes the database and answers, when the change is on disk, what it gives.
pub(crate) async fn change<T: Serialize + Send + 'static>(
    app: Arc<App>,
    work: impl FnOnce(&mut Tx<'_>, &Permit<Edit>, Timestamp) -> Result<T> + Send + 'static,
) -> Answer {
    let (permit, now) = (editor()?, app.platform.clock.now());
    let outcome = write(&app.platform.db, move |tx| work(tx, &permit, now)).await?;
    Ok(Json(serde_json::to_value(outcome).map_err(Error::internal)?))
}

/// Parameters or tags, as a JSON object names them.
pub(crate) fn pairs(map: BTreeMap<String, String>) -> Vec<Pair> {
    map.into_iter().map(|(key, value)| Pair { key, value }).collect()
}
