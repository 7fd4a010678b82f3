//! `GET /api/v1/openapi.json`.

use axum::http::header;
use axum::response::IntoResponse;
use flyball_core::Error;

use crate::error::ApiError;
use crate::routes::document;

/// The OpenAPI document of this server.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "api", operation_id = "openapi",
    responses((status = 200, description = "The document", body = serde_json::Value)))]
pub(crate) async fn show() -> Result<impl IntoResponse, ApiError> {
    let text = document().to_json().map_err(Error::internal)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text))
}
