//! `GET /ready`.

use std::sync::Arc;

use axum::extract::State;

use crate::app::App;
use crate::blocking::blocking;
use crate::error::ApiError;

/// The database answers too.
#[utoipa::path(get, path = "/ready", tag = "health", operation_id = "ready", responses(
    (status = 200, description = "The server can work", body = String),
    (status = 503, description = "The database does not answer")))]
pub(crate) async fn ready(State(app): State<Arc<App>>) -> Result<&'static str, ApiError> {
    blocking(move || app.platform.db.read(|tx| tx.query("SELECT 1 AS one", &[]))).await?;
    Ok("ready\n")
}
