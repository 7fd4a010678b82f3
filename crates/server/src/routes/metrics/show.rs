//! `GET /metrics`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use super::text;
use crate::app::App;
use crate::blocking::blocking;
use crate::error::ApiError;
use crate::process;

/// The figures of this process in the Prometheus text format.
#[utoipa::path(get, path = "/metrics", tag = "health", operation_id = "metrics",
    responses((status = 200, description = "The figures", body = String)))]
pub(crate) async fn show(State(app): State<Arc<App>>) -> Result<impl IntoResponse, ApiError> {
    let text = blocking(move || Ok(text::render(&app.platform.serving.snapshot(), process::figures()))).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text))
}
