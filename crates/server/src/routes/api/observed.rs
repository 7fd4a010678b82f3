//! What is observed of endpoints.

use std::sync::Arc;

use axum::extract::{Path, State};
use flyball_core::ErrorCode;
use flyball_serving::SlowRequest;
use serde_json::{Value, json};

use super::{Answer, answer};
use crate::app::App;

/// The slowest requests of an endpoint within the last hour, the slowest first.
#[utoipa::path(get, path = "/api/v1/endpoints/{name}/slow", tag = "endpoints", operation_id = "listSlowRequests",
    params(("name" = String, Path, description = "The endpoint")),
    responses((status = 200, description = "Up to 20 requests: how long each took at the model and waited before it, who \
        answered, and how it ended", body = Value), (status = 404, description = "There is no such endpoint")))]
pub(crate) async fn slow(State(app): State<Arc<App>>, Path(name): Path<String>) -> Answer {
    answer(move || Ok(app.platform.serving.endpoint(&name)?.slowest().iter().map(told).collect::<Vec<_>>())).await
}

fn told(slow: &SlowRequest) -> Value {
    let millis = |nanos: u64| nanos as f64 / 1e6;
    let by = slow.revision.as_ref();
    json!({
        "at": slow.at.to_string(), "duration_ms": millis(slow.total_nanos()), "model_ms": millis(slow.nanos),
        "waited_ms": slow.waited_nanos.map(millis), "rows": slow.rows, "model": by.map(|revision| &revision.model),
        "version": by.map(|revision| revision.version), "revision": by.map(|revision| &revision.id),
        "prediction_id": slow.prediction_id, "outcome": slow.failure.map_or("ok", ErrorCode::as_str),
    })
}
