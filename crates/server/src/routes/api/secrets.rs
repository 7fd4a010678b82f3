//! Secrets by name: they are set and forgotten here, and never shown.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use flyball_governance::vault;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::notifications::notifier;
use super::{Answer, answer, change, reader};
use crate::app::App;

/// The names of the secrets, when each was set and by whom.
#[utoipa::path(get, path = "/api/v1/secrets", tag = "governance", operation_id = "listSecrets",
    responses((status = 200, description = "The names", body = Value)))]
pub(crate) async fn list(State(app): State<Arc<App>>) -> Answer {
    answer(move || {
        let permit = reader()?;
        app.platform.db.read(|tx| vault::list(tx, &permit))
    })
    .await
}

/// A secret.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecretBody {
    /// The secret itself.
    value: String,
}

/// Sets a secret. Files name it as `${{ secrets.NAME }}`.
#[utoipa::path(put, path = "/api/v1/secrets/{name}", tag = "governance", operation_id = "setSecret",
    params(("name" = String, Path, description = "The name")), request_body = SecretBody,
    responses((status = 200, description = "It is set", body = Value),
        (status = 400, description = "It cannot be a name, or is no secret")))]
pub(crate) async fn set(State(app): State<Arc<App>>, Path(name): Path<String>, Json(body): Json<SecretBody>) -> Answer {
    let vault = notifier(&app)?.vault().clone();
    change(app, move |tx, permit, now| {
        vault.set(tx, permit, &name, &body.value, now)?;
        Ok(json!({ "name": name }))
    })
    .await
}

/// Forgets a secret.
#[utoipa::path(delete, path = "/api/v1/secrets/{name}", tag = "governance", operation_id = "deleteSecret",
    params(("name" = String, Path, description = "The name")),
    responses((status = 200, description = "It is gone", body = Value), (status = 404, description = "There is none")))]
pub(crate) async fn delete(State(app): State<Arc<App>>, Path(name): Path<String>) -> Answer {
    change(app, move |tx, permit, now| {
        vault::delete(tx, permit, &name, now)?;
        Ok(json!({ "name": name }))
    })
    .await
}
