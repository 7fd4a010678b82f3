//! `GET /v2`, `/v2/health/live`, `/v2/health/ready`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::app::App;
use crate::blocking::blocking;
use crate::error::ApiError;
use crate::oip::describe;

/// What this server is.
#[utoipa::path(get, path = "/v2", tag = "inference", operation_id = "serverMetadata",
    responses((status = 200, description = "Name, version and extensions", body = Value)))]
pub(crate) async fn metadata() -> Json<Value> {
    Json(json!({ "name": "flyball", "version": env!("CARGO_PKG_VERSION"), "extensions": describe::EXTENSIONS }))
}

/// The process answers.
#[utoipa::path(get, path = "/v2/health/live", tag = "inference", operation_id = "serverLive",
    responses((status = 200, description = "The process answers", body = Value)))]
pub(crate) async fn live() -> Json<Value> {
    Json(json!({ "live": true }))
}

/// The database answers too.
#[utoipa::path(get, path = "/v2/health/ready", tag = "inference", operation_id = "serverReady", responses(
    (status = 200, description = "The server can work", body = Value),
    (status = 503, description = "The database does not answer")))]
pub(crate) async fn ready(State(app): State<Arc<App>>) -> Result<Json<Value>, ApiError> {
    blocking(move || app.platform.db.read(|tx| tx.query("SELECT 1 AS one", &[]))).await?;
    Ok(Json(json!({ "ready": true })))
}
