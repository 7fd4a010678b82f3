//! Runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use flyball_core::{Edit, Error, ErrorCode, Permit, Read, Result, Timestamp};
use flyball_registry::provenance;
use flyball_store::Tx;
use flyball_tracking::batch::{self, Batch};
use flyball_tracking::runs::Update;
use flyball_tracking::search::{self, RunSearch};
use flyball_tracking::{Metric, NewRun, Pair, Point, Run, RunStatus, experiments, history, runs};
use flyball_web::ChartData;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::search::{Page, SearchQuery};
use super::{Answer, answer, change, pairs, reader};
use crate::app::App;
use crate::error::ApiError;

/// Finds runs, the newest first unless another order is asked for.
#[utoipa::path(get, path = "/api/v1/runs", tag = "runs", operation_id = "listRuns", params(SearchQuery),
    responses((status = 200, description = "The runs; the header next-page-token names the next page", body = Value)))]
pub(crate) async fn list(State(app): State<Arc<App>>, Query(query): Query<SearchQuery>) -> Result<Page, ApiError> {
    Page::read(app, move |tx, permit| {
        if query.is_plain() {
            return Ok((runs::newest(tx, permit, None, query.limit()?)?, None));
        }
        let search = RunSearch {
            experiment_ids: searched(tx, permit, query.experiment())?,
            filter: query.filter(),
            view: query.view(),
            max_results: query.limit()?,
            order_by: query.order_by(),
            page_token: query.page_token(),
        };
        let (numbers, token) = search::runs(tx, permit, &search)?;
        Ok((runs::load_with_lineage(tx, permit, &numbers)?, token))
    })
    .await
}

/// The numbers of the experiments to search: the named one, or all.
fn searched(tx: &mut Tx<'_>, permit: &Permit<Read>, name: Option<&str>) -> Result<Vec<i64>> {
    match name {
        None => experiments::numbers(tx, permit),
        Some(name) => match experiments::find(tx, permit, name)? {
            Some(experiment) => Ok(vec![experiment.id]),
            None => Err(Error::not_found("experiment", name).hint("flyball experiments list")),
        },
    }
}

/// One run with its parameters and metrics.
#[utoipa::path(get, path = "/api/v1/runs/{id}", tag = "runs", operation_id = "getRun",
    params(("id" = String, Path, description = "The run")),
    responses((status = 200, description = "The run", body = Value), (status = 404, description = "There is no such run")))]
pub(crate) async fn get(State(app): State<Arc<App>>, Path(id): Path<String>) -> Answer {
    answer(move || {
        let permit = reader()?;
        app.platform.db.read(|tx| runs::get(tx, &permit, &id))
    })
    .await
}

/// A new run.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRunBody {
    /// Its experiment, which is made when there is none of the name.
    experiment: String,
    /// Its name; made up when absent.
    name: Option<String>,
    /// When it started, as 2013-03-01T12:00:00Z; now when absent.
    started_at: Option<String>,
    /// Tags, by key.
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

/// Starts a run.
#[utoipa::path(post, path = "/api/v1/runs", tag = "runs", operation_id = "createRun", request_body = NewRunBody,
    responses((status = 200, description = "The run", body = Value)))]
pub(crate) async fn create(State(app): State<Arc<App>>, Json(body): Json<NewRunBody>) -> Answer {
    let id = app.ids.fresh_hex();
    change(app, move |tx, permit, now| {
        let new = NewRun {
            id,
            experiment_id: experiments::named(tx, permit, &body.experiment, now)?,
            name: body.name,
            user_id: permit.actor().to_owned(),
            started_at: body.started_at.map_or(Ok(now), |at| at.parse())?,
            tags: pairs(body.tags),
        };
        runs::create(tx, permit, &new, now)
    })
    .await
}

/// What changes of a run.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunChange {
    /// Its new name.
    name: Option<String>,
    /// How it stands now: running, scheduled, finished, failed or killed. One that ended gets the time of now as its end.
    #[schema(value_type = Option<String>)]
    status: Option<RunStatus>,
    /// Tags to set; null removes one.
    #[serde(default)]
    tags: BTreeMap<String, Option<String>>,
}

/// Changes the name, the status and the tags of a run.
#[utoipa::path(patch, path = "/api/v1/runs/{id}", tag = "runs", operation_id = "changeRun",
    params(("id" = String, Path, description = "The run")), request_body = RunChange,
    responses((status = 200, description = "The run", body = Value)))]
pub(crate) async fn update(State(app): State<Arc<App>>, Path(id): Path<String>, Json(body): Json<RunChange>) -> Answer {
    change(app, move |tx, permit, now| {
        for (key, value) in body.tags {
            match value {
                Some(value) => batch::set_tag(tx, permit, &id, &Pair { key, value })?,
                // One that is not there is gone already.
                None => runs::delete_tag(tx, permit, &id, &key).or_else(unless_missing)?,
            }
        }
        // A run that goes on has no end.
        let ended_at = body.status.map(|status| status.is_over().then_some(now));
        let change = Update { status: body.status, ended_at, name: body.name };
        runs::update(tx, permit, &id, &change)?;
        runs::get(tx, permit, &id)
    })
    .await
}

fn unless_missing(error: Error) -> Result<()> {
    if error.code() == ErrorCode::NotFound { Ok(()) } else { Err(error) }
}

/// What is logged to a run, all of it or nothing.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogBody {
    /// Points of metrics.
    #[serde(default)]
    metrics: Vec<PointBody>,
    /// Parameters, by key.
    #[serde(default)]
    params: BTreeMap<String, String>,
    /// Tags, by key.
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

/// A point of a metric.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PointBody {
    /// The metric.
    key: String,
    /// The value; null stands for NaN.
    #[serde(deserialize_with = "Option::deserialize")]
    value: Option<f64>,
    /// The step of the training.
    #[serde(default)]
    step: i64,
    /// When it was measured, in milliseconds from 1970 on; now when absent.
    timestamp: Option<i64>,
}

/// Logs points of metrics, parameters and tags to a run.
#[utoipa::path(post, path = "/api/v1/runs/{id}/log", tag = "runs", operation_id = "logToRun",
    params(("id" = String, Path, description = "The run")), request_body = LogBody,
    responses((status = 200, description = "How much was logged", body = Value)))]
pub(crate) async fn log(State(app): State<Arc<App>>, Path(id): Path<String>, Json(body): Json<LogBody>) -> Answer {
    let now = app.platform.clock.now();
    let point = |body: PointBody| {
        let timestamp = body.timestamp.unwrap_or(now.0);
        Metric { key: body.key, point: Point { value: body.value.unwrap_or(f64::NAN), timestamp, step: body.step } }
    };
    let batch = Batch {
        metrics: body.metrics.into_iter().map(point).collect(),
        params: pairs(body.params),
        tags: pairs(body.tags),
    };
    batch.check()?;
    change(app, move |tx, permit, _now| {
        batch::log(tx, permit, &id, &batch)?;
        let logged = batch.metrics.len() + batch.params.len() + batch.tags.len();
        Ok(json!({ "run": id, "logged": logged }))
    })
    .await
}

/// Puts a run into the bin.
#[utoipa::path(delete, path = "/api/v1/runs/{id}", tag = "runs", operation_id = "deleteRun",
    params(("id" = String, Path, description = "The run")),
    responses((status = 200, description = "The run", body = Value)))]
pub(crate) async fn delete(State(app): State<Arc<App>>, Path(id): Path<String>) -> Answer {
    moved(app, id, runs::delete).await
}

/// Takes a run out of the bin.
#[utoipa::path(post, path = "/api/v1/runs/{id}/restore", tag = "runs", operation_id = "restoreRun",
    params(("id" = String, Path, description = "The run")),
    responses((status = 200, description = "The run", body = Value)))]
pub(crate) async fn restore(State(app): State<Arc<App>>, Path(id): Path<String>) -> Answer {
    moved(app, id, runs::restore).await
}

type Move = fn(&mut Tx<'_>, &Permit<Edit>, &str, Timestamp) -> Result<()>;

async fn moved(app: Arc<App>, id: String, to: Move) -> Answer {
    change(app, move |tx, permit, now| -> Result<Run> {
        to(tx, permit, &id, now)?;
        runs::get(tx, permit, &id)
    })
    .await
}

/// Where a run is from and what became of it: code, data, environment, other runs, models and their versions.
#[utoipa::path(get, path = "/api/v1/runs/{id}/lineage", tag = "runs", operation_id = "runLineage",
    params(("id" = String, Path, description = "The run")),
    responses((status = 200, description = "The lineage", body = Value)))]
pub(crate) async fn lineage(State(app): State<Arc<App>>, Path(id): Path<String>) -> Answer {
    answer(move || {
        let permit = reader()?;
        let mut found = app.platform.db.read(|tx| provenance::of_run(tx, &permit, &id))?;
        found.environment.iter_mut().for_each(|file| file.read(&app.platform.blobs));
        Ok(found)
    })
    .await
}

/// The history of a metric.
#[utoipa::path(get, path = "/api/v1/runs/{id}/metrics/{metric}", tag = "runs", operation_id = "runMetric",
    params(("id" = String, Path, description = "The run"), ("metric" = String, Path, description = "The metric")),
    responses((status = 200, description = "Points by step", body = Value)))]
pub(crate) async fn metric(State(app): State<Arc<App>>, Path((id, metric)): Path<(String, String)>) -> Answer {
    answer(move || {
        let permit = reader()?;
        let points = app.platform.db.read(|tx| history::of(tx, &permit, &id, &metric))?;
        Ok(curve(&metric, &points))
    })
    .await
}

/// A metric by step, at most as many points as a chart shows.
pub(crate) fn curve(metric: &str, history: &[Point]) -> ChartData {
    /// What a chart shows at the most.
    const POINTS: usize = 500;
    let every = history.len().div_ceil(POINTS).max(1);
    let points = || history.iter().step_by(every);
    let series = flyball_web::Series::new(metric, points().map(|point| point.value).collect());
    ChartData::by_number("iteration", points().map(|point| point.step as f64).collect(), vec![series])
}
