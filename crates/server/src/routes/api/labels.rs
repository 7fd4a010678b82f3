//! Labelling projects: what is asked, the tasks, files in and out, what the answers are worth, commits.

pub(crate) mod answers;
pub(crate) mod machines;

use std::sync::Arc;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use flyball_core::{Error, ErrorCode, Name, Result, limits};
use flyball_labels::consensus::Method;
use flyball_labels::exchange::{self, Format};
use flyball_labels::{ProjectState, Settings, TaskState, commit, projects, quality, tasks};
use flyball_stats::annotation::Filter;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::datasets::version_of;
use super::{Answer, answer, change, editor, reader};
use crate::app::App;
use crate::blocking::blocking;
use crate::error::ApiError;

/// A new project.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateBody {
    /// Its name.
    name: String,
    /// What is asked, and how.
    #[schema(value_type = Object)]
    settings: Settings,
}

/// What changes about a project.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateBody {
    /// All settings anew; as they are when absent.
    #[schema(value_type = Option<Object>)]
    settings: Option<Settings>,
    /// open or archived; as it is when absent.
    state: Option<String>,
}

/// Which rows become tasks.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TasksBody {
    /// The dataset, as NAME for its newest version or NAME@NUMBER; that of the project when absent.
    dataset: Option<String>,
    /// An SQL condition over the rows.
    #[serde(rename = "where")]
    condition: Option<String>,
}

/// Which tasks.
#[derive(Deserialize)]
pub(crate) struct TasksQuery {
    state: Option<String>,
    from: Option<i64>,
    limit: Option<usize>,
}

/// How answers become one.
#[derive(Deserialize)]
pub(crate) struct ConsensusQuery {
    method: Option<String>,
}

/// Whose probabilities are believed.
#[derive(Deserialize)]
pub(crate) struct IssuesQuery {
    source: String,
    filter: Option<String>,
}

/// What is committed, and where to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CommitBody {
    /// The dataset that gets the version; NAME-labels when absent.
    into: Option<String>,
    /// majority or `dawid_skene`; majority when absent.
    consensus: Option<String>,
}

fn method(text: Option<&str>) -> Result<Method> {
    text.map_or(Ok(Method::Majority), str::parse)
}

/// All projects, with how far they are.
#[utoipa::path(get, path = "/api/v1/labels/projects", tag = "labels", operation_id = "listLabelProjects",
    responses((status = 200, description = "The projects, by name", body = Value)))]
pub(crate) async fn list(State(app): State<Arc<App>>) -> Answer {
    answer(move || app.platform.db.read(|tx| projects::list(tx, &reader()?))).await
}

/// Makes a project.
#[utoipa::path(post, path = "/api/v1/labels/projects", tag = "labels", operation_id = "createLabelProject",
    request_body = CreateBody,
    responses((status = 200, description = "The project", body = Value),
        (status = 409, description = "There is one of that name")))]
pub(crate) async fn create(State(app): State<Arc<App>>, Json(body): Json<CreateBody>) -> Answer {
    let name: Name = body.name.parse()?;
    change(app, move |tx, permit, now| projects::create(tx, permit, &name, body.settings, now)).await
}

/// A project, with how far it is.
#[utoipa::path(get, path = "/api/v1/labels/projects/{name}", tag = "labels", operation_id = "getLabelProject",
    params(("name" = String, Path, description = "The project")),
    responses((status = 200, description = "The project", body = Value), (status = 404, description = "There is none")))]
pub(crate) async fn get(State(app): State<Arc<App>>, Path(name): Path<String>) -> Answer {
    answer(move || {
        let name = name.parse()?;
        app.platform.db.read(|tx| projects::get(tx, &reader()?, &name))
    })
    .await
}

/// Changes the settings or the state of a project.
#[utoipa::path(patch, path = "/api/v1/labels/projects/{name}", tag = "labels", operation_id = "updateLabelProject",
    params(("name" = String, Path, description = "The project")), request_body = UpdateBody,
    responses((status = 200, description = "The project", body = Value),
        (status = 409, description = "Answers would lose their meaning")))]
pub(crate) async fn update(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Json(body): Json<UpdateBody>,
) -> Answer {
    let name: Name = name.parse()?;
    let state: Option<ProjectState> = body.state.as_deref().map(str::parse).transpose()?;
    change(app, move |tx, permit, now| {
        if let Some(settings) = body.settings {
            projects::update(tx, permit, &name, settings, now)?;
        }
        if let Some(state) = state {
            projects::set_state(tx, permit, &name, state, now)?;
        }
        projects::get(tx, &permit.read(), &name)
    })
    .await
}

/// The tasks of a project, in their order.
#[utoipa::path(get, path = "/api/v1/labels/projects/{name}/tasks", tag = "labels", operation_id = "listLabelTasks",
    params(("name" = String, Path, description = "The project"),
        ("state" = Option<String>, Query, description = "open or done"),
        ("from" = Option<i64>, Query, description = "From this position on"),
        ("limit" = Option<usize>, Query, description = "At most so many; 100 when absent")),
    responses((status = 200, description = "The tasks", body = Value)))]
pub(crate) async fn list_tasks(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Query(query): Query<TasksQuery>,
) -> Answer {
    answer(move || {
        let name = name.parse()?;
        let state: Option<TaskState> = query.state.as_deref().map(str::parse).transpose()?;
        let (from, limit) = (query.from.unwrap_or(0), query.limit.unwrap_or(100));
        app.platform.db.read(|tx| tasks::list(tx, &reader()?, &name, state, from, limit))
    })
    .await
}

/// Makes tasks of the rows of a dataset version.
#[utoipa::path(post, path = "/api/v1/labels/projects/{name}/tasks", tag = "labels", operation_id = "addLabelTasks",
    params(("name" = String, Path, description = "The project")), request_body = TasksBody,
    responses((status = 200, description = "How many are new", body = Value),
        (status = 404, description = "There is no such project or dataset")))]
pub(crate) async fn add_tasks(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Json(body): Json<TasksBody>,
) -> Answer {
    answer(move || {
        let (name, platform, permit): (Name, _, _) = (name.parse()?, &app.platform, editor()?);
        let settings = platform.db.read(|tx| projects::get(tx, &permit.read(), &name))?.project.settings;
        let own = settings.dataset.as_ref().map(Name::to_string);
        let dataset = body
            .dataset
            .or(own)
            .ok_or_else(|| Error::invalid("the project names no dataset").hint("name one, as NAME or NAME@NUMBER"))?;
        let (dataset, number) = dataset.split_once('@').unwrap_or((&dataset, "latest"));
        let version = version_of(&platform.datasets, &permit.read(), dataset, number)?;
        let table = platform.datasets.table(&permit.read(), &version.id)?;
        let condition = body.condition.as_deref();
        let new = tasks::of_version(platform.query.as_ref(), &settings, &version, &table, condition)?;
        let now = platform.clock.now();
        platform.db.write(move |tx| tasks::add(tx, &permit, &name, &new, now))
    })
    .await
}

/// Brings a file of another tool in: tasks, answers, predictions.
#[utoipa::path(put, path = "/api/v1/labels/projects/{name}/files/{format}", tag = "labels",
    operation_id = "importLabels",
    params(("name" = String, Path, description = "The project"),
        ("format" = String, Path, description = "label-studio, coco, conll, jsonl or parquet")),
    request_body(content = String, description = "The file", content_type = "application/octet-stream"),
    responses((status = 200, description = "How much is new", body = Value),
        (status = 400, description = "The line, task or annotation that is wrong")))]
pub(crate) async fn import(
    State(app): State<Arc<App>>,
    Path((name, format)): Path<(String, String)>,
    body: Body,
) -> Answer {
    let bytes = to_bytes(body, limits::SCORING_BODY_BYTES).await.map_err(|error| {
        let message = format!("the file is larger than {} bytes, or broke off", limits::SCORING_BODY_BYTES);
        Error::new(ErrorCode::LimitExceeded, message).hint("split the file").cause(error)
    })?;
    answer(move || {
        let (name, format): (Name, Format) = (name.parse()?, format.parse()?);
        let (permit, now) = (editor()?, app.platform.clock.now());
        let settings = app.platform.db.read(|tx| projects::get(tx, &permit.read(), &name))?.project.settings;
        let items = exchange::parse(format, &settings, &bytes)?;
        app.platform.db.write(move |tx| exchange::import(tx, &permit, &name, format, &items, now))
    })
    .await
}

/// Everything of a project as a file for another tool.
#[utoipa::path(get, path = "/api/v1/labels/projects/{name}/files/{format}", tag = "labels",
    operation_id = "exportLabels",
    params(("name" = String, Path, description = "The project"),
        ("format" = String, Path, description = "label-studio, coco, conll, jsonl or parquet")),
    responses((status = 200, description = "The file"), (status = 404, description = "There is no such project")))]
pub(crate) async fn export(
    State(app): State<Arc<App>>,
    Path((name, format)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let bytes = blocking(move || {
        let (name, format): (Name, Format) = (name.parse()?, format.parse()?);
        let all = app.platform.db.read(|tx| exchange::everything(tx, &reader()?, &name))?;
        exchange::write(format, &all)
    });
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes.await?).into_response())
}

/// How far the annotators agree.
#[utoipa::path(get, path = "/api/v1/labels/projects/{name}/agreement", tag = "labels",
    operation_id = "getLabelAgreement", params(("name" = String, Path, description = "The project")),
    responses((status = 200, description = "Percent agreement, Krippendorff's alpha, Fleiss' and Cohen's kappa, F1 and \
        overlap, as far as they fit", body = Value)))]
pub(crate) async fn agreement(State(app): State<Arc<App>>, Path(name): Path<String>) -> Answer {
    answer(move || {
        let name = name.parse()?;
        app.platform.db.read(|tx| quality::agreement_of(tx, &reader()?, &name))
    })
    .await
}

/// One label for each task that has an answer.
#[utoipa::path(get, path = "/api/v1/labels/projects/{name}/consensus", tag = "labels",
    operation_id = "getLabelConsensus",
    params(("name" = String, Path, description = "The project"),
        ("method" = Option<String>, Query, description = "majority or dawid_skene; majority when absent")),
    responses((status = 200, description = "The labels, with their confidence", body = Value)))]
pub(crate) async fn consensus(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Query(query): Query<ConsensusQuery>,
) -> Answer {
    answer(move || {
        let (name, method) = (name.parse()?, method(query.method.as_deref())?);
        app.platform.db.read(|tx| quality::consensus_of(tx, &reader()?, &name, method))
    })
    .await
}

/// The labels that are probably wrong, worst first.
#[utoipa::path(get, path = "/api/v1/labels/projects/{name}/issues", tag = "labels", operation_id = "listLabelIssues",
    params(("name" = String, Path, description = "The project"),
        ("source" = String, Query, description = "Whose probabilities are believed"),
        ("filter" = Option<String>, Query, description = "prune_by_noise_rate (when absent), prune_by_class, both, \
            confident_learning or predicted_neq_given")),
    responses((status = 200, description = "The issues", body = Value)))]
pub(crate) async fn issues(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Query(query): Query<IssuesQuery>,
) -> Answer {
    answer(move || {
        let name = name.parse()?;
        let filter = match query.filter.as_deref() {
            None | Some("prune_by_noise_rate") => Filter::NoiseRate,
            Some("prune_by_class") => Filter::Class,
            Some("both") => Filter::Both,
            Some("confident_learning") => Filter::ConfidentLearning,
            Some("predicted_neq_given") => Filter::PredictedIsNotGiven,
            Some(_) => {
                let known = "prune_by_noise_rate, prune_by_class, both, confident_learning, predicted_neq_given";
                return Err(Error::invalid("there is no such filter").hint(format!("write one of: {known}")));
            }
        };
        app.platform.db.read(|tx| quality::issues(tx, &reader()?, &name, &query.source, filter))
    })
    .await
}

/// Makes a dataset version of the labels.
#[utoipa::path(post, path = "/api/v1/labels/projects/{name}/commits", tag = "labels", operation_id = "commitLabels",
    params(("name" = String, Path, description = "The project")), request_body = CommitBody,
    responses((status = 200, description = "The dataset version and the commit", body = Value),
        (status = 422, description = "Nothing is labelled yet")))]
pub(crate) async fn commit(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Json(body): Json<CommitBody>,
) -> Answer {
    answer(move || {
        let (name, platform, permit): (Name, _, _) = (name.parse()?, &app.platform, editor()?);
        let into: Option<Name> = body.into.as_deref().map(str::parse).transpose()?;
        let how = (into.as_ref(), method(body.consensus.as_deref())?);
        let (version, commit) =
            commit::commit(&platform.db, &platform.datasets, &permit, &name, how, platform.clock.now())?;
        Ok::<Value, Error>(json!({ "version": version, "commit": commit }))
    })
    .await
}

/// The commits of a project, newest first.
#[utoipa::path(get, path = "/api/v1/labels/projects/{name}/commits", tag = "labels", operation_id = "listLabelCommits",
    params(("name" = String, Path, description = "The project")),
    responses((status = 200, description = "The commits", body = Value)))]
pub(crate) async fn commits(State(app): State<Arc<App>>, Path(name): Path<String>) -> Answer {
    answer(move || {
        let name = name.parse()?;
        app.platform.db.read(|tx| commit::list(tx, &reader()?, &name))
    })
    .await
}
