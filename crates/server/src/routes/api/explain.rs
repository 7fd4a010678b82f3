//! Why an endpoint answers what it answers: for rows, and as a whole.

use std::sync::Arc;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, Query, State};
use flyball_core::{Error, ErrorCode, Result, limits};
use flyball_loops::explain::{self, ExplainOptions, Explained, GlobalRequest};
use flyball_serving::LiveEndpoint;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};

use super::{Answer, reader};
use crate::app::App;
use crate::error::ApiError;
use crate::{inference, scoring};

/// Pairs of features that are told of a row's interactions: the strongest.
const PAIRS: usize = 50;

/// Rows to explain.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExplainBody {
    /// The rows: objects with the names of the features; what is missing is null or left out.
    #[schema(value_type = Vec<Object>)]
    rows: Vec<Map<String, Value>>,
    /// How: `method` (auto, tree, linear, kernel, permutation), `class`, `background` (reference, records, or a dataset as
    /// NAME@NUMBER), `max_rows` of the background, `interactions`, `budget` of sampled methods, `seed`, `version`, and
    /// `counterfactual` (`count`, `immutable`, `ranges`, `directions`, `wanted`) for what would have changed the answer.
    #[serde(default)]
    #[schema(value_type = Object)]
    options: ExplainOptions,
}

/// Explains rows.
#[utoipa::path(post, path = "/api/v1/endpoints/{name}/explain", tag = "inference", operation_id = "explain",
    params(("name" = String, Path, description = "The endpoint")), request_body = ExplainBody,
    responses((status = 200, description = "For each row the prediction, and what each feature did, the strongest first",
        body = Value), (status = 404, description = "There is no such endpoint, version or background"),
        (status = 413, description = "More rows than are explained at once"),
        (status = 504, description = "The endpoint's time was not enough")))]
pub(crate) async fn explain(State(app): State<Arc<App>>, Path(name): Path<String>, body: Body) -> Answer {
    answer(app, name, body).await
}

/// Explains rows, beside the path of MLflow's scoring.
#[utoipa::path(post, path = "/endpoints/{name}/explain", tag = "inference", operation_id = "explainInvocation",
    params(("name" = String, Path, description = "The endpoint")), request_body = ExplainBody,
    responses((status = 200, description = "As /api/v1/endpoints/{name}/explain", body = Value)))]
pub(crate) async fn explain_invocation(State(app): State<Arc<App>>, Path(name): Path<String>, body: Body) -> Answer {
    answer(app, name, body).await
}

async fn answer(app: Arc<App>, name: String, body: Body) -> Answer {
    let endpoint = app.platform.serving.endpoint(&name)?;
    let body = to_bytes(body, limits::BODY_BYTES).await.map_err(|error| {
        endpoint.refuse();
        let message = format!("the body is larger than {} bytes, or broke off", limits::BODY_BYTES);
        Error::new(ErrorCode::LimitExceeded, message).hint("send the rows in several requests").cause(error)
    })?;
    let (own, at) = (Arc::clone(&app), Arc::clone(&endpoint));
    let work = move || {
        let body: ExplainBody = serde_json::from_slice(&body)
            .map_err(|error| Error::invalid(format!("the body is not understood: {error}")))
            .inspect_err(|_| at.refuse())?;
        let table = inference::features(&own, &at, scoring::of_records(body.rows)?).inspect_err(|_| at.refuse())?;
        let explained = explain::explain(&own.platform, &reader()?, &at, &table, &body.options)?;
        Ok(told(&at, &explained))
    };
    Ok(Json(app.lanes.run(&endpoint, work).await?))
}

/// The explanations as JSON.
fn told(endpoint: &LiveEndpoint, explained: &Explained) -> Value {
    let found = &explained.attributions;
    let row = |row: usize| {
        let scores = explained.predictions.row(row);
        let mut told = json!({ "base": found.base, "values": explained.contributions(row) });
        match scoring::best(&explained.classes, scores) {
            Some(class) => told["prediction"] = json!(class),
            None if scores.len() == 1 => told["prediction"] = json!(scores[0]),
            None => told["prediction"] = json!(scores),
        }
        for (class, score) in explained.classes.iter().zip(scores) {
            told[format!("probability_{class}")] = json!(score);
        }
        if let Some(pairs) = pairs(explained, row) {
            told["interactions"] = pairs;
        }
        if let Some(found) = explained.counterfactuals.as_ref().and_then(|all| all.get(row)) {
            told["counterfactuals"] = json!(found);
        }
        told
    };
    let background = explained.background.as_ref().map(|(from, rows)| json!({ "from": from, "rows": rows }));
    json!({
        "endpoint": endpoint.endpoint.name,
        "model": explained.revision.model,
        "version": explained.revision.version,
        "revision": explained.revision.id,
        "method": found.method,
        "exact": found.exact,
        "unit": found.unit,
        "class": explained.class,
        "background": background,
        "explanations": (0..explained.rows.rows()).map(row).collect::<Vec<_>>(),
    })
}

/// The strongest interactions of a row: each pair with both halves of its value.
fn pairs(explained: &Explained, row: usize) -> Option<Value> {
    let found = &explained.attributions;
    let width = found.features;
    let matrix = found.interactions.as_ref()?.get(row * width * width..(row + 1) * width * width)?;
    let both = |(i, j): (usize, usize)| (i, j, 2.0 * matrix[i * width + j]);
    let mut all: Vec<(usize, usize, f64)> = (0..width).flat_map(|i| (0..i).map(move |j| (j, i))).map(both).collect();
    all.retain(|(_, _, amount)| *amount != 0.0);
    all.sort_by(|a, b| b.2.abs().total_cmp(&a.2.abs()));
    let names = explained.rows.names();
    let told =
        all.iter().take(PAIRS).map(|(i, j, amount)| json!({ "features": [names[*i], names[*j]], "amount": amount }));
    Some(told.collect())
}

/// What is asked about a model as a whole.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportanceQuery {
    /// The class; the last (positive) one when absent.
    class: Option<String>,
    /// The feature whose effect on the answers is wanted too.
    feature: Option<String>,
    /// Where rows come from: reference, records, or a dataset as NAME@NUMBER.
    background: Option<String>,
    /// Ask this version instead of the one with the largest share.
    version: Option<i64>,
    /// The seed of every random choice.
    #[serde(default)]
    seed: u64,
}

/// What matters to the model of an endpoint.
#[utoipa::path(get, path = "/api/v1/endpoints/{name}/importance", tag = "inference", operation_id = "importance",
    params(("name" = String, Path, description = "The endpoint"), ImportanceQuery),
    responses((status = 200, description = "The features, the most important one first", body = Value),
        (status = 404, description = "There is no such endpoint, version or background")))]
pub(crate) async fn importance(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Query(query): Query<ImportanceQuery>,
) -> Answer {
    let endpoint = app.platform.serving.endpoint(&name)?;
    let (own, at) = (Arc::clone(&app), Arc::clone(&endpoint));
    let ImportanceQuery { class, feature, background, version, seed } = query;
    let request = GlobalRequest { class, feature, background, version, seed };
    let work = move || -> Result<Value> {
        let found = explain::importance(&own.platform, &reader()?, &at, &request)?;
        serde_json::to_value(found).map_err(Error::internal)
    };
    Ok(Json(app.lanes.run(&endpoint, work).await.map_err(ApiError::from)?))
}
