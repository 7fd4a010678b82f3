//! `GET /v2/models/{model}` and its versions: what an endpoint takes and gives, and whether it answers.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use flyball_core::Result;
use flyball_core::model::Interface;
use flyball_serving::LiveEndpoint;
use serde_json::{Value, json};

use crate::app::App;
use crate::error::ApiError;
use crate::oip::{describe, version_number};

/// What an endpoint takes and gives.
#[utoipa::path(get, path = "/v2/models/{model}", tag = "inference", operation_id = "modelMetadata",
    params(("model" = String, Path, description = "The endpoint")),
    responses((status = 200, description = "Versions, inputs and outputs", body = Value),
        (status = 404, description = "There is no such endpoint")))]
pub(crate) async fn metadata(State(app): State<Arc<App>>, Path(model): Path<String>) -> Result<Json<Value>, ApiError> {
    let endpoint = app.platform.serving.endpoint(&model)?;
    Ok(Json(described(&endpoint, &*describe::interface(&endpoint, None)?)))
}

/// What one version takes and gives.
#[utoipa::path(get, path = "/v2/models/{model}/versions/{version}", tag = "inference",
    operation_id = "modelVersionMetadata",
    params(("model" = String, Path, description = "The endpoint"), ("version" = String, Path, description = "The version")),
    responses((status = 200, description = "Versions, inputs and outputs", body = Value),
        (status = 404, description = "It does not serve")))]
pub(crate) async fn metadata_of_version(
    State(app): State<Arc<App>>,
    Path((model, version)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let endpoint = app.platform.serving.endpoint(&model)?;
    let version = version_number(&version)?;
    Ok(Json(described(&endpoint, &*describe::interface(&endpoint, Some(version))?)))
}

/// Whether an endpoint answers.
#[utoipa::path(get, path = "/v2/models/{model}/ready", tag = "inference", operation_id = "modelReady",
    params(("model" = String, Path, description = "The endpoint")),
    responses((status = 200, description = "It answers", body = Value), (status = 503, description = "It does not"),
        (status = 404, description = "There is no such endpoint")))]
pub(crate) async fn ready(State(app): State<Arc<App>>, Path(model): Path<String>) -> Result<Json<Value>, ApiError> {
    app.platform.serving.endpoint(&model)?.ready_now()?;
    Ok(Json(json!({ "name": model, "ready": true })))
}

/// Whether one version answers.
#[utoipa::path(get, path = "/v2/models/{model}/versions/{version}/ready", tag = "inference",
    operation_id = "modelVersionReady",
    params(("model" = String, Path, description = "The endpoint"), ("version" = String, Path, description = "The version")),
    responses((status = 200, description = "It answers", body = Value), (status = 404, description = "It does not serve")))]
pub(crate) async fn ready_of_version(
    State(app): State<Arc<App>>,
    Path((model, version)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    app.platform.serving.endpoint(&model)?.version(version_number(&version)?)?;
    Ok(Json(json!({ "name": model, "ready": true })))
}

fn described(endpoint: &LiveEndpoint, interface: &Interface) -> Value {
    let versions: Vec<String> = endpoint.revisions.iter().map(|live| live.revision.version.to_string()).collect();
    json!({
        "name": endpoint.endpoint.name,
        "versions": versions,
        "platform": describe::PLATFORM,
        "inputs": describe::inputs(interface),
        "outputs": describe::outputs(interface),
    })
}
