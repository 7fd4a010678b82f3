//! Evaluations of versions on datasets, and replays of recorded traffic.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use flyball_core::{Error, Format, Permit, Read, Result, Timestamp};
use flyball_evaluation::evaluations;
use flyball_evaluation::suite::Suite;
use flyball_loops::evaluate::{self, Asked, VersionOf};
use flyball_loops::file::suite_of;
use flyball_loops::platform::Platform;
use flyball_loops::replay::{self, ReplayAsked};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::datasets::version_of;
use super::{Answer, answer, editor, reader};
use crate::app::App;

/// Evaluations that a list shows at most.
const LISTED: usize = 200;

/// What to evaluate.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EvaluateBody {
    /// The version, as MODEL/NUMBER.
    version: String,
    /// The dataset, as NAME for its newest version, NAME@NUMBER or NAME/NUMBER.
    dataset: String,
    /// The dataset that the version was learned from, written alike; of a loop's version the loop knows it.
    train: Option<String>,
    /// The column to predict; of a loop's version the loop knows it.
    label: Option<String>,
    /// The column that names each row.
    key: Option<String>,
    /// The column with the event time.
    time: Option<String>,
    /// The column of how much each row counts; of a loop's version the loop knows it.
    weight: Option<String>,
    /// The column whose values say which rows are ranked against each other; of a loop's version the loop knows it.
    group: Option<String>,
    /// The columns whose groups are compared.
    #[serde(default)]
    by: Vec<String>,
    /// The version to compare with, as MODEL/NUMBER.
    baseline: Option<String>,
    /// The form to load it in; the fastest that works when absent.
    #[schema(value_type = Option<String>)]
    format: Option<Format>,
    /// What is checked: a list as a loop file's `suites`, or YAML text of it; everything with the usual limits when
    /// absent.
    #[schema(value_type = Option<Object>)]
    suites: Option<Value>,
}

/// What to replay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplayBody {
    /// The endpoint.
    endpoint: String,
    /// The candidate, as MODEL/NUMBER.
    version: String,
    /// From which event time on, as 2013-03-01T00:00:00Z; seven days before `to` when absent.
    from: Option<String>,
    /// Up to which event time; now when absent.
    to: Option<String>,
    /// How many predictions at most, the newest; 10000 when absent.
    limit: Option<usize>,
    /// The features whose groups are compared.
    #[serde(default)]
    by: Vec<String>,
    /// The form to load the candidate in; the fastest that works when absent.
    #[schema(value_type = Option<String>)]
    format: Option<Format>,
}

/// Which evaluations.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EvaluationsQuery {
    version: Option<String>,
}

/// Asks for an evaluation, which is made in the background.
#[utoipa::path(post, path = "/api/v1/evaluations", tag = "evaluations", operation_id = "evaluate",
    request_body = EvaluateBody,
    responses((status = 200, description = "The evaluation, which waits to be made", body = Value),
        (status = 404, description = "There is no such version or dataset")))]
pub(crate) async fn create(State(app): State<Arc<App>>, Json(body): Json<EvaluateBody>) -> Answer {
    answer(move || {
        let (permit, platform) = (editor()?, &app.platform);
        let asked = asked(platform, &permit.read(), body)?;
        let id = evaluate::ask(platform, &permit, asked)?;
        app.jobs.wake();
        shown(platform, &permit.read(), &id)
    })
    .await
}

/// Asks for a replay of an endpoint's recorded traffic, which is made in the background.
#[utoipa::path(post, path = "/api/v1/replays", tag = "evaluations", operation_id = "replay", request_body = ReplayBody,
    responses((status = 200, description = "The evaluation, which waits to be made", body = Value),
        (status = 404, description = "There is no such endpoint or version")))]
pub(crate) async fn replay(State(app): State<Arc<App>>, Json(body): Json<ReplayBody>) -> Answer {
    answer(move || {
        let (permit, platform) = (editor()?, &app.platform);
        let time = |text: Option<String>| text.map(|text| text.parse::<Timestamp>()).transpose();
        let asked = ReplayAsked {
            endpoint: body.endpoint.parse()?,
            candidate: version(&body.version)?,
            format: body.format,
            from: time(body.from)?,
            to: time(body.to)?,
            limit: body.limit,
            by: body.by,
        };
        let id = replay::ask(platform, &permit, asked)?;
        app.jobs.wake();
        shown(platform, &permit.read(), &id)
    })
    .await
}

/// The newest evaluations, without their reports.
#[utoipa::path(get, path = "/api/v1/evaluations", tag = "evaluations", operation_id = "listEvaluations",
    params(("version" = Option<String>, Query, description = "Only those of this version, as MODEL/NUMBER")),
    responses((status = 200, description = "The evaluations, the newest first", body = Value)))]
pub(crate) async fn list(State(app): State<Arc<App>>, Query(query): Query<EvaluationsQuery>) -> Answer {
    answer(move || {
        let permit = reader()?;
        let wanted = query.version.as_deref().map(version).transpose()?;
        let wanted = wanted.as_ref().map(|of| (of.model.as_str(), of.version));
        app.platform.db.read(|tx| evaluations::newest(tx, &permit, wanted, LISTED))
    })
    .await
}

/// One evaluation, with its report when it is done.
#[utoipa::path(get, path = "/api/v1/evaluations/{id}", tag = "evaluations", operation_id = "getEvaluation",
    params(("id" = String, Path, description = "The evaluation")),
    responses((status = 200, description = "The evaluation and its report", body = Value),
        (status = 404, description = "There is none")))]
pub(crate) async fn get(State(app): State<Arc<App>>, Path(id): Path<String>) -> Answer {
    answer(move || shown(&app.platform, &reader()?, &id)).await
}

fn shown(platform: &Platform, permit: &Permit<Read>, id: &str) -> Result<Value> {
    let (kept, report) = platform.db.read(|tx| evaluations::get(tx, permit, id))?;
    Ok(json!({ "evaluation": kept, "report": report }))
}

fn asked(platform: &Platform, permit: &Permit<Read>, body: EvaluateBody) -> Result<Asked> {
    let dataset = |text: &str| {
        let (name, number) = text.split_once(['@', '/']).unwrap_or((text, "latest"));
        version_of(&platform.datasets, permit, name, number).map(|found| found.id)
    };
    Ok(Asked {
        subject: version(&body.version)?,
        format: body.format,
        dataset: dataset(&body.dataset)?,
        train: body.train.as_deref().map(dataset).transpose()?,
        label: body.label,
        key: body.key,
        time: body.time,
        weight: body.weight,
        group: body.group,
        by: body.by,
        baseline: body.baseline.as_deref().map(version).transpose()?,
        suite: match body.suites {
            None => Suite::default(),
            Some(Value::String(text)) => suite_of("suites", &text)?,
            Some(list) => suite_of("suites", &list.to_string())?,
        },
    })
}

/// A version as `MODEL/NUMBER`.
fn version(text: &str) -> Result<VersionOf> {
    let parts = text.rsplit_once('/').and_then(|(model, number)| Some((model, number.parse::<i64>().ok()?)));
    let (model, version) = parts.ok_or_else(|| {
        let shown: String = text.chars().take(100).flat_map(char::escape_debug).collect();
        Error::invalid(format!("'{shown}' names no version")).hint("write MODEL/NUMBER, such as flights/3")
    })?;
    Ok(VersionOf { model: model.parse()?, version })
}
