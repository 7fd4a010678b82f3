//! Experiments.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use flyball_core::{Error, Permit, Result};
use flyball_store::Tx;
use flyball_tracking::search::{self, ExperimentSearch};
use flyball_tracking::{Experiment, NewExperiment, Pair, experiments};
use serde::Deserialize;
use utoipa::ToSchema;

use super::search::{Page, SearchQuery};
use super::{Answer, answer, change, pairs, reader};
use crate::app::App;
use crate::error::ApiError;

/// Finds experiments.
#[utoipa::path(get, path = "/api/v1/experiments", tag = "experiments", operation_id = "listExperiments",
    params(SearchQuery),
    responses((status = 200, description = "The experiments; the header next-page-token names the next page",
        body = Value)))]
pub(crate) async fn list(State(app): State<Arc<App>>, Query(query): Query<SearchQuery>) -> Result<Page, ApiError> {
    Page::read(app, move |tx, permit| {
        let search = ExperimentSearch {
            filter: query.filter(),
            view: query.view(),
            max_results: query.limit()?,
            order_by: query.order_by(),
            page_token: query.page_token(),
        };
        let (ids, token) = search::experiments(tx, permit, &search)?;
        Ok((experiments::load(tx, permit, &ids)?, token))
    })
    .await
}

/// One experiment.
#[utoipa::path(get, path = "/api/v1/experiments/{name}", tag = "experiments", operation_id = "getExperiment",
    params(("name" = String, Path, description = "The experiment")),
    responses((status = 200, description = "The experiment", body = Value), (status = 404, description = "There is none")))]
pub(crate) async fn get(State(app): State<Arc<App>>, Path(name): Path<String>) -> Answer {
    answer(move || {
        let permit = reader()?;
        app.platform.db.read(|tx| named(tx, &permit, &name))
    })
    .await
}

/// The experiment of this name, deleted or not.
fn named<L>(tx: &mut Tx<'_>, permit: &Permit<L>, name: &str) -> Result<Experiment> {
    experiments::find(tx, permit, name)?
        .ok_or_else(|| Error::not_found("experiment", name).hint("flyball experiments list"))
}

/// A new experiment.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewExperimentBody {
    /// Its name.
    name: String,
    /// Tags, by key.
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

/// Makes an experiment.
#[utoipa::path(post, path = "/api/v1/experiments", tag = "experiments", operation_id = "createExperiment",
    request_body = NewExperimentBody, responses((status = 200, description = "The experiment", body = Value)))]
pub(crate) async fn create(State(app): State<Arc<App>>, Json(body): Json<NewExperimentBody>) -> Answer {
    let new = NewExperiment { name: body.name, artifact_location: None, tags: pairs(body.tags) };
    change(app, move |tx, permit, now| {
        let id = experiments::create(tx, permit, &new, now)?;
        experiments::get(tx, permit, id)
    })
    .await
}

/// What changes of an experiment.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExperimentChange {
    /// Its new name.
    name: Option<String>,
    /// Tags to set; null removes one.
    #[serde(default)]
    tags: BTreeMap<String, Option<String>>,
}

/// Changes the name and tags of an experiment.
#[utoipa::path(patch, path = "/api/v1/experiments/{name}", tag = "experiments", operation_id = "changeExperiment",
    params(("name" = String, Path, description = "The experiment")), request_body = ExperimentChange,
    responses((status = 200, description = "The experiment", body = Value)))]
pub(crate) async fn update(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Json(body): Json<ExperimentChange>,
) -> Answer {
    change(app, move |tx, permit, now| {
        let id = named(tx, permit, &name)?.id;
        for (key, value) in body.tags {
            match value {
                Some(value) => experiments::set_tag(tx, permit, id, &Pair { key, value })?,
                None => experiments::delete_tag(tx, permit, id, &key)?,
            }
        }
        if let Some(name) = body.name {
            experiments::rename(tx, permit, id, &name, now)?;
        }
        experiments::get(tx, permit, id)
    })
    .await
}

/// Puts an experiment and its runs into the bin.
#[utoipa::path(delete, path = "/api/v1/experiments/{name}", tag = "experiments", operation_id = "deleteExperiment",
    params(("name" = String, Path, description = "The experiment")),
    responses((status = 200, description = "The experiment", body = Value)))]
pub(crate) async fn delete(State(app): State<Arc<App>>, Path(name): Path<String>) -> Answer {
    change(app, move |tx, permit, now| {
        let id = named(tx, permit, &name)?.id;
        experiments::delete(tx, permit, id, now)?;
        experiments::get(tx, permit, id)
    })
    .await
}

/// Takes an experiment and its runs out of the bin.
#[utoipa::path(post, path = "/api/v1/experiments/{name}/restore", tag = "experiments",
    operation_id = "restoreExperiment", params(("name" = String, Path, description = "The experiment")),
    responses((status = 200, description = "The experiment", body = Value)))]
pub(crate) async fn restore(State(app): State<Arc<App>>, Path(name): Path<String>) -> Answer {
    change(app, move |tx, permit, now| {
        let id = named(tx, permit, &name)?.id;
        experiments::restore(tx, permit, id, now)?;
        experiments::get(tx, permit, id)
    })
    .await
}
