//! `GET /metrics`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use super::super::api::reader;
use super::monitors::Monitors;
use super::text::{self, Figures};
use crate::app::App;
use crate::blocking::blocking;
use crate::error::ApiError;
use crate::process;

/// The figures of this process in the Prometheus text format.
#[utoipa::path(get, path = "/metrics", tag = "health", operation_id = "metrics",
    responses((status = 200, description = "The figures", body = String)))]
pub(crate) async fn show(State(app): State<Arc<App>>) -> Result<impl IntoResponse, ApiError> {
    let figures = move || {
        let (serving, observe) = (&app.platform.serving, &app.observe);
        let permit = reader()?;
        Ok(text::render(&Figures {
            endpoints: serving.snapshot(),
            queues: app.lanes.snapshot(),
            memory: serving.memory(),
            spans: observe.spans.as_ref().map(|spans| spans.figures()),
            process: process::figures(),
            monitors: app.platform.db.read(|tx| Monitors::read(tx, &permit))?,
            observe,
        }))
    };
    let text = blocking(figures).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text))
}
