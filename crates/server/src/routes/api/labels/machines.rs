//! What models and labelling functions say of tasks.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use flyball_core::{Error, Name, Result};
use flyball_labels::predictions::{self, NewPrediction};
use flyball_labels::{functions, tasks};
use flyball_loops::batch::{self, Batch};
use flyball_stats::annotation::Uncertainty;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::super::{Answer, answer, change, editor, reader};
use crate::app::App;

/// Whose predictions.
#[derive(Deserialize)]
pub(crate) struct SourceQuery {
    source: Option<String>,
}

/// What a model says of tasks.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PredictionsBody {
    /// Who says so.
    source: String,
    /// Which version of it.
    version: String,
    /// By the key of each task: the label, or the probabilities of the classes, and how sure it is.
    #[schema(value_type = Vec<Object>)]
    predictions: Vec<NewPrediction>,
}

/// Who predicts.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PrelabelBody {
    /// The endpoint.
    endpoint: String,
    /// The version of its model; the one with the largest share when absent.
    version: Option<i64>,
}

/// What is asked first.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PrioritizeBody {
    /// Whose doubts count.
    source: String,
    /// `least_confidence`, margin or entropy; margin when absent.
    by: Option<String>,
}

/// A labelling function.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FunctionBody {
    /// A condition when there is a class; else an expression that gives the name of a class, or NULL to abstain.
    sql: String,
    /// The class that it votes for where the condition holds.
    class: Option<String>,
}

/// What is said of the tasks of a project.
#[utoipa::path(get, path = "/api/v1/labels/projects/{name}/predictions", tag = "labels",
    operation_id = "listLabelPredictions",
    params(("name" = String, Path, description = "The project"),
        ("source" = Option<String>, Query, description = "Only this source's")),
    responses((status = 200, description = "The predictions", body = Value)))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Query(query): Query<SourceQuery>,
) -> Answer {
    answer(move || {
        let name = name.parse()?;
        app.platform.db.read(|tx| predictions::list(tx, &reader()?, &name, query.source.as_deref()))
    })
    .await
}

/// Keeps what a model says of tasks.
#[utoipa::path(post, path = "/api/v1/labels/projects/{name}/predictions", tag = "labels",
    operation_id = "recordLabelPredictions", params(("name" = String, Path, description = "The project")),
    request_body = PredictionsBody,
    responses((status = 200, description = "How many", body = Value),
        (status = 400, description = "The prediction that does not fit")))]
pub(crate) async fn record(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Json(body): Json<PredictionsBody>,
) -> Answer {
    let name: Name = name.parse()?;
    change(app, move |tx, permit, now| {
        let by = (body.source.as_str(), body.version.as_str());
        let kept = predictions::record(tx, permit, &name, by, &body.predictions, now)?;
        Ok(json!({ "predictions": kept }))
    })
    .await
}

/// Asks an endpoint's model about every task that comes from a dataset version.
#[utoipa::path(post, path = "/api/v1/labels/projects/{name}/prelabels", tag = "labels", operation_id = "prelabel",
    params(("name" = String, Path, description = "The project")), request_body = PrelabelBody,
    responses((status = 200, description = "How many tasks it answered, and the dataset of its predictions", body = Value),
        (status = 404, description = "There is no such project or endpoint")))]
pub(crate) async fn prelabel(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Json(body): Json<PrelabelBody>,
) -> Answer {
    answer(move || prelabelled(&app, &name.parse()?, &body)).await
}

fn prelabelled(app: &App, name: &Name, body: &PrelabelBody) -> Result<Value> {
    let (platform, permit) = (&app.platform, editor()?);
    let endpoint: Name = body.endpoint.parse()?;
    let read = permit.read();
    let versions = platform.db.read(|tx| tasks::versions(tx, &read, name))?;
    if versions.is_empty() {
        return Err(Error::invalid("no task of the project comes from a dataset")
            .hint("send what your model says to /api/v1/labels/projects/NAME/predictions"));
    }
    let into: Name = format!("{name}-predictions").parse()?;
    let (mut count, mut made) = (0, Vec::new());
    for id in versions {
        let rows = platform.datasets.get(&read, &id)?;
        let asked = Batch { rows: &rows, version: body.version, explain: false };
        let version = batch::predict(platform, &permit, &endpoint, asked, &into)?;
        let table = platform.datasets.table(&read, &version.id)?;
        let new = platform.db.read(|tx| predictions::of_table(tx, &read, name, &id, &table))?;
        let by = match &version.origin {
            flyball_data::Origin::Predictions { model_version, .. } => model_version.to_string(),
            _ => "unknown".to_owned(),
        };
        let (permit, project, source, now) = (permit.clone(), name.clone(), endpoint.to_string(), platform.clock.now());
        count += platform.db.write(move |tx| predictions::record(tx, &permit, &project, (&source, &by), &new, now))?;
        made.push(version.label());
    }
    Ok(json!({ "predictions": count, "datasets": made, "source": endpoint }))
}

/// Puts the tasks of which a source is least sure at the head of the queue.
#[utoipa::path(post, path = "/api/v1/labels/projects/{name}/prioritize", tag = "labels",
    operation_id = "prioritizeLabelTasks", params(("name" = String, Path, description = "The project")),
    request_body = PrioritizeBody,
    responses((status = 200, description = "How many tasks it ordered", body = Value)))]
pub(crate) async fn prioritize(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Json(body): Json<PrioritizeBody>,
) -> Answer {
    let name: Name = name.parse()?;
    let by = match body.by.as_deref() {
        None | Some("margin") => Uncertainty::Margin,
        Some("least_confidence") => Uncertainty::LeastConfidence,
        Some("entropy") => Uncertainty::Entropy,
        Some(_) => {
            let error = Error::invalid("there is no such measure of doubt");
            return Err(error.hint("write least_confidence, margin or entropy").into());
        }
    };
    change(app, move |tx, permit, now| {
        let ordered = predictions::prioritize(tx, permit, &name, &body.source, by, now)?;
        Ok(json!({ "tasks": ordered }))
    })
    .await
}

/// The labelling functions of a project.
#[utoipa::path(get, path = "/api/v1/labels/projects/{name}/functions", tag = "labels",
    operation_id = "listLabelFunctions", params(("name" = String, Path, description = "The project")),
    responses((status = 200, description = "The functions, by name", body = Value)))]
pub(crate) async fn list_functions(State(app): State<Arc<App>>, Path(name): Path<String>) -> Answer {
    answer(move || {
        let name = name.parse()?;
        app.platform.db.read(|tx| functions::list(tx, &reader()?, &name))
    })
    .await
}

/// Writes a labelling function, in the place of one of the same name.
#[utoipa::path(put, path = "/api/v1/labels/projects/{name}/functions/{function}", tag = "labels",
    operation_id = "setLabelFunction",
    params(("name" = String, Path, description = "The project"),
        ("function" = String, Path, description = "The function")),
    request_body = FunctionBody,
    responses((status = 200, description = "The function", body = Value)))]
pub(crate) async fn set_function(
    State(app): State<Arc<App>>,
    Path((name, function)): Path<(String, String)>,
    Json(body): Json<FunctionBody>,
) -> Answer {
    let (name, function): (Name, Name) = (name.parse()?, function.parse()?);
    change(app, move |tx, permit, now| {
        functions::set(tx, permit, &name, (&function, &body.sql, body.class.as_deref()), now)
    })
    .await
}

/// Takes a labelling function away.
#[utoipa::path(delete, path = "/api/v1/labels/projects/{name}/functions/{function}", tag = "labels",
    operation_id = "removeLabelFunction",
    params(("name" = String, Path, description = "The project"),
        ("function" = String, Path, description = "The function")),
    responses((status = 200, description = "It is gone", body = Value), (status = 404, description = "There is none")))]
pub(crate) async fn remove_function(
    State(app): State<Arc<App>>,
    Path((name, function)): Path<(String, String)>,
) -> Answer {
    let (name, function): (Name, Name) = (name.parse()?, function.parse()?);
    change(app, move |tx, permit, now| {
        functions::remove(tx, permit, &name, &function, now)?;
        Ok(json!({ "removed": function }))
    })
    .await
}

/// Runs the labelling functions over all tasks, and keeps one label from all of them as predictions of the source
/// `functions`.
#[utoipa::path(post, path = "/api/v1/labels/projects/{name}/functions", tag = "labels",
    operation_id = "runLabelFunctions", params(("name" = String, Path, description = "The project")),
    responses((status = 200, description = "Coverage, overlap, conflict and accuracy of each function", body = Value),
        (status = 400, description = "The function that is wrong")))]
pub(crate) async fn run_functions(State(app): State<Arc<App>>, Path(name): Path<String>) -> Answer {
    answer(move || {
        let (name, platform, permit): (Name, _, _) = (name.parse()?, &app.platform, editor()?);
        let inputs = platform.db.read(|tx| functions::inputs(tx, &permit.read(), &name))?;
        let run = functions::run(platform.query.as_ref(), &inputs)?;
        let shown = serde_json::to_value(&run).map_err(Error::internal)?;
        let now = platform.clock.now();
        platform.db.write(move |tx| functions::keep(tx, &permit, &name, &run, now))?;
        Ok(shown)
    })
    .await
}
