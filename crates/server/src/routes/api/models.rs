//! Registered models and their versions.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use flyball_core::{Error, Permit, Read, Result};
use flyball_evaluation::GateReport;
use flyball_evaluation::store as gates;
use flyball_loops::declared::is_fallback;
use flyball_registry::search::{self, Search};
use flyball_registry::{ModelVersion, NewModelVersion, aliases, models, packages, tags, versions};
use flyball_store::Tx;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::search::{Page, SearchQuery};
use super::{Answer, answer, change, pairs, reader};
use crate::app::App;
use crate::error::ApiError;

/// Finds versions, the latest changed first unless another order is asked for.
#[utoipa::path(get, path = "/api/v1/models", tag = "models", operation_id = "listModels", params(SearchQuery),
    responses((status = 200, description = "The versions; the header next-page-token names the next page",
        body = Value)))]
pub(crate) async fn list(State(app): State<Arc<App>>, Query(query): Query<SearchQuery>) -> Result<Page, ApiError> {
    let query = query.of_models()?;
    Page::read(app, move |tx, permit| {
        let search = Search {
            filter: query.filter(),
            max_results: query.limit()?,
            order_by: query.order_by(),
            page_token: query.page_token(),
        };
        let (mut found, token) = search::versions(tx, permit, &search)?;
        aliases::attach(tx, &mut found)?;
        Ok((found, token))
    })
    .await
}

/// One version with its package, when Flyball can serve it, and the report of its gates.
#[utoipa::path(get, path = "/api/v1/models/{model}/versions/{version}", tag = "models", operation_id = "getModelVersion",
    params(("model" = String, Path, description = "The model"),
        ("version" = String, Path, description = "Its number, or latest")),
    responses((status = 200, description = "The version", body = Value), (status = 404, description = "There is none")))]
pub(crate) async fn get(State(app): State<Arc<App>>, Path((model, version)): Path<(String, String)>) -> Answer {
    answer(move || {
        let permit = reader()?;
        app.platform.db.read(|tx| {
            let found = version_of(tx, &permit, &model, &version)?;
            let package = packages::find(tx, &permit, &found.model, found.version)?;
            let report = gates_of(tx, &permit, &found)?;
            Ok(json!({ "version": found, "package": package, "gates": report }))
        })
    })
    .await
}

/// A version by its number or as `latest`.
pub(crate) fn version_of(tx: &mut Tx<'_>, permit: &Permit<Read>, model: &str, version: &str) -> Result<ModelVersion> {
    if version == "latest" {
        return aliases::get(tx, permit, model, version);
    }
    let number = version.parse().map_err(|_| Error::not_found("model version", format!("{model}/{version}")))?;
    versions::get(tx, permit, model, number)
}

/// The report of the gates that judged a version.
pub(crate) fn gates_of(tx: &mut Tx<'_>, permit: &Permit<Read>, version: &ModelVersion) -> Result<Option<GateReport>> {
    if is_fallback(&version.model) { Ok(None) } else { gates::get(tx, permit, &version.run_id) }
}

/// A new version.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewVersionBody {
    /// The run that made it.
    run_id: Option<String>,
    /// The folder of its files among those of the run, or where they are, as `runs:/…`, `models:/…`; `model` when absent.
    source: Option<String>,
    /// What is to be known of it.
    description: Option<String>,
    /// Tags, by key.
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

/// Registers the next version of a model, which is made when there is none of the name.
#[utoipa::path(post, path = "/api/v1/models/{model}/versions", tag = "models", operation_id = "registerModelVersion",
    params(("model" = String, Path, description = "The model")), request_body = NewVersionBody,
    responses((status = 200, description = "The version", body = Value)))]
pub(crate) async fn register(
    State(app): State<Arc<App>>,
    Path(model): Path<String>,
    Json(body): Json<NewVersionBody>,
) -> Answer {
    change(app, move |tx, permit, now| {
        let source = body.source.unwrap_or_else(|| "model".to_owned());
        let source = match &body.run_id {
            Some(run) if !source.contains(":/") => format!("runs:/{run}/{source}"),
            _ => source,
        };
        models::ensure(tx, permit, &model, now)?;
        let new = NewModelVersion {
            model,
            source,
            run_id: body.run_id,
            description: body.description,
            tags: pairs(body.tags),
            ..NewModelVersion::default()
        };
        versions::create(tx, permit, &new, now)
    })
    .await
}

/// What changes of a version.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VersionChange {
    /// What is to be known of it.
    description: Option<String>,
    /// Tags to set; null removes one.
    #[serde(default)]
    tags: BTreeMap<String, Option<String>>,
}

/// Changes the description and the tags of a version.
#[utoipa::path(patch, path = "/api/v1/models/{model}/versions/{version}", tag = "models",
    operation_id = "changeModelVersion",
    params(("model" = String, Path, description = "The model"), ("version" = i64, Path, description = "Its number")),
    request_body = VersionChange, responses((status = 200, description = "The version", body = Value)))]
pub(crate) async fn update(
    State(app): State<Arc<App>>,
    Path((model, version)): Path<(String, i64)>,
    Json(body): Json<VersionChange>,
) -> Answer {
    change(app, move |tx, permit, now| {
        for (key, value) in body.tags {
            match value {
                Some(value) => tags::set_on_version(tx, permit, &model, version, (&key, &value), now)?,
                None => tags::delete_on_version(tx, permit, &model, version, &key, now)?,
            }
        }
        if let Some(description) = &body.description {
            versions::describe(tx, permit, &model, version, Some(description), now)?;
        }
        versions::get(tx, &permit.read(), &model, version)
    })
    .await
}

/// Removes a version.
#[utoipa::path(delete, path = "/api/v1/models/{model}/versions/{version}", tag = "models",
    operation_id = "deleteModelVersion",
    params(("model" = String, Path, description = "The model"), ("version" = i64, Path, description = "Its number")),
    responses((status = 200, description = "It is gone", body = Value)))]
pub(crate) async fn delete_version(State(app): State<Arc<App>>, Path((model, version)): Path<(String, i64)>) -> Answer {
    change(app, move |tx, permit, now| {
        versions::delete(tx, permit, &model, version, now)?;
        Ok(json!({ "deleted": format!("{model}/{version}") }))
    })
    .await
}

/// Removes a model with all its versions.
#[utoipa::path(delete, path = "/api/v1/models/{model}", tag = "models", operation_id = "deleteModel",
    params(("model" = String, Path, description = "The model")),
    responses((status = 200, description = "It is gone", body = Value)))]
pub(crate) async fn delete(State(app): State<Arc<App>>, Path(model): Path<String>) -> Answer {
    change(app, move |tx, permit, now| {
        models::delete(tx, permit, &model, now)?;
        Ok(json!({ "deleted": model }))
    })
    .await
}

/// Where an alias shall point.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AliasBody {
    /// The number of the version.
    version: i64,
    /// Why, for the audit log.
    reason: Option<String>,
}

/// Points an alias at a version.
#[utoipa::path(put, path = "/api/v1/models/{model}/aliases/{alias}", tag = "models", operation_id = "setAlias",
    params(("model" = String, Path, description = "The model"), ("alias" = String, Path, description = "The alias")),
    request_body = AliasBody, responses((status = 200, description = "The version", body = Value)))]
pub(crate) async fn set_alias(
    State(app): State<Arc<App>>,
    Path((model, alias)): Path<(String, String)>,
    Json(body): Json<AliasBody>,
) -> Answer {
    change(app, move |tx, permit, now| {
        aliases::set(tx, permit, &model, &alias, body.version, body.reason.as_deref(), now)?;
        versions::get(tx, &permit.read(), &model, body.version)
    })
    .await
}

/// Takes an alias away.
#[utoipa::path(delete, path = "/api/v1/models/{model}/aliases/{alias}", tag = "models", operation_id = "removeAlias",
    params(("model" = String, Path, description = "The model"), ("alias" = String, Path, description = "The alias")),
    responses((status = 200, description = "It is gone", body = Value)))]
pub(crate) async fn remove_alias(State(app): State<Arc<App>>, Path((model, alias)): Path<(String, String)>) -> Answer {
    change(app, move |tx, permit, now| {
        aliases::remove(tx, permit, &model, &alias, None, now)?;
        Ok(json!({ "deleted": alias }))
    })
    .await
}
