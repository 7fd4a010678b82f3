//! `GET /assets/{path}`.

use axum::extract::{Path, Query};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flyball_core::Error;
use serde::Deserialize;

use crate::error::ApiError;

/// Which version of a file is meant.
#[derive(Debug, Deserialize)]
pub(crate) struct AssetQuery {
    v: Option<String>,
}

/// A static file of the pages.
#[utoipa::path(get, path = "/assets/{*path}", tag = "pages", operation_id = "asset",
    params(("path" = String, Path, description = "The path of the file")),
    responses((status = 200, description = "The file"), (status = 404, description = "There is no such file")))]
pub(crate) async fn get(
    Path(path): Path<String>,
    Query(query): Query<AssetQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let asset = flyball_web::assets::asset(&path).ok_or_else(|| Error::not_found("file", path.escape_debug()))?;
    let (etag, caching) = (asset.etag(), asset.cache_control(query.v.as_deref()));
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response());
    }
    let head = [
        (header::CONTENT_TYPE, asset.content_type.to_owned()),
        (header::CACHE_CONTROL, caching.to_owned()),
        (header::ETAG, etag),
    ];
    Ok((head, asset.bytes.into_owned()).into_response())
}
