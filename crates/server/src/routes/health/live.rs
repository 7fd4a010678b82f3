//! `GET /health`.

/// The process answers.
#[utoipa::path(get, path = "/health", tag = "health", operation_id = "health",
    responses((status = 200, description = "The process answers", body = String)))]
pub(crate) async fn live() -> &'static str {
    "OK"
}
