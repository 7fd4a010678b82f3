//! Cards of model versions.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use flyball_loops::card::{self, markdown};
use serde::Deserialize;

use super::models::version_of;
use super::reader;
use crate::app::App;
use crate::blocking;
use crate::error::ApiError;

/// The form of a card.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Form {
    #[default]
    Json,
    Markdown,
}

/// How a card is wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CardQuery {
    #[serde(default)]
    format: Form,
}

/// The card of a version: what is known of it, and what people say in the tags `card.*` of the version and its model.
#[utoipa::path(get, path = "/api/v1/models/{model}/versions/{version}/card", tag = "models", operation_id = "getModelCard",
    params(("model" = String, Path, description = "The model"),
        ("version" = String, Path, description = "Its number, or latest"),
        ("format" = Option<String>, Query, description = "json, or markdown with the head that the Hugging Face Hub reads")),
    responses((status = 200, description = "The card", body = Value), (status = 404, description = "There is none")))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    Path((model, version)): Path<(String, String)>,
    Query(query): Query<CardQuery>,
) -> Result<Response, ApiError> {
    let card = blocking(move || {
        let permit = reader()?;
        let number = app.platform.db.read(|tx| version_of(tx, &permit, &model, &version))?.version;
        card::card(&app.platform, &permit, &model, number)
    })
    .await?;
    Ok(match query.format {
        Form::Json => Json(card).into_response(),
        Form::Markdown => ([(CONTENT_TYPE, "text/markdown; charset=utf-8")], markdown(&card)).into_response(),
    })
}
