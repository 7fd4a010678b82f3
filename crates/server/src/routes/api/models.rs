//! Registered models and their versions.

use std::sync::Arc;

use axum::extract::{Path, State};
use flyball_core::{Error, Permit, Read, Result};
use flyball_evaluation::GateReport;
use flyball_evaluation::store as gates;
use flyball_loops::declared::is_fallback;
use flyball_registry::{ModelVersion, aliases, packages, versions};
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
        app.platform.db.read(|tx| versions::newest(tx, &permit, 200))
    })
    .await
}

/// One version with its package, when Flyball can serve it, and the report of its gates.
#[utoipa::path(get, path = "/api/v1/models/{model}/versions/{version}", tag = "models", operation_id = "getModelVersion",
    params(("model" = String, Path, description = "The model"),
        ("version" = String, Path, description = "Its number, or latest")),
    responses((status = 200, description = "The version", body = Value), (status = 404, description = "There is none")))]
pub(crate) async fn get(State(app): State<Arc<App>>, Path((model, version)): Path<(String, String)>) -> Answer {
    answer(move || {
        let permit = reader()?;
        app.platform.db.read(|tx| {
            let found = version_of(tx, &permit, &model, &version)?;
            let package = packages::find(tx, &permit, &found.model, found.version)?;
            let report = gates_of(tx, &permit, &found)?;
            Ok(json!({ "version": found, "package": package, "gates": report }))
        })
    })
    .await
}

/// A version by its number or as `latest`.
pub(crate) fn version_of(tx: &mut Tx<'_>, permit: &Permit<Read>, model: &str, version: &str) -> Result<ModelVersion> {
    if version == "latest" {
        return aliases::get(tx, permit, model, version);
    }
    let number = version.parse().map_err(|_| Error::not_found("model version", format!("{model}/{version}")))?;
    versions::get(tx, permit, model, number)
}

/// The report of the gates that judged a version.
pub(crate) fn gates_of(tx: &mut Tx<'_>, permit: &Permit<Read>, version: &ModelVersion) -> Result<Option<GateReport>> {
    if is_fallback(&version.model) { Ok(None) } else { gates::get(tx, permit, &version.run_id) }
}
