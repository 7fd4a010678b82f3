//! Registered models and their versions.

use std::sync::Arc;

use axum::extract::{Path, State};
use flyball_core::{Error, Permit, Read, Result};
use flyball_evaluation::store as gates;
use flyball_registry::{ModelVersion, store};
use flyball_store::Tx;
use serde_json::json;

use super::{Answer, answer, reader};
use crate::app::App;

/// The newest versions of all models.
#[utoipa::path(get, path = "/api/v1/models", tag = "models", operation_id = "listModels",
    responses((status = 200, description = "The versions, newest first", body = Value)))]
pub(crate) async fn list(State(app): State<Arc<App>>) -> Answer {
    answer(move || {
        let permit = reader()?;
        app.platform.db.read(|tx| store::list(tx, &permit, None, 200))
    })
    .await
}

/// One version with the report of its gates.
#[utoipa::path(get, path = "/api/v1/models/{model}/versions/{version}", tag = "models", operation_id = "getModelVersion",
    params(("model" = String, Path, description = "The model"),
        ("version" = String, Path, description = "Its number, or latest")),
    responses((status = 200, description = "The version", body = Value), (status = 404, description = "There is none")))]
pub(crate) async fn get(State(app): State<Arc<App>>, Path((model, version)): Path<(String, String)>) -> Answer {
    answer(move || {
        let permit = reader()?;
        app.platform.db.read(|tx| {
            let found = version_of(tx, &permit, &model, &version)?;
            let report = gates::get(tx, &permit, &found.run_id)?;
            Ok(json!({ "version": found, "gates": report }))
        })
    })
    .await
}

/// A version by its number or as `latest`.
pub(crate) fn version_of(tx: &mut Tx<'_>, permit: &Permit<Read>, model: &str, version: &str) -> Result<ModelVersion> {
    if version == "latest" {
        let newest = store::list(tx, permit, Some(model), 1)?.into_iter().next();
        return newest.ok_or_else(|| Error::not_found("model", model));
    }
    let number = version.parse().map_err(|_| Error::not_found("model version", format!("{model}/{version}")))?;
    store::get(tx, permit, model, number)
}
