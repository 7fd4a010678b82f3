//! Endpoints, and what really happened to what they predicted.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use flyball_core::{Error, Result, Timestamp};
use flyball_loops::deploy::{self, Part};
use flyball_serving::EndpointSnapshot;
use flyball_serving::model::{Truth, TruthValue};
use flyball_serving::rollout::store as rollouts;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{Answer, answer, editor, reader};
use crate::app::App;

/// All endpoints with their traffic.
#[utoipa::path(get, path = "/api/v1/endpoints", tag = "endpoints", operation_id = "listEndpoints",
    responses((status = 200, description = "The endpoints by name", body = Value)))]
pub(crate) async fn list(State(app): State<Arc<App>>) -> Answer {
    answer(move || Ok(app.platform.serving.snapshot().iter().map(described).collect::<Vec<_>>())).await
}

/// One endpoint with its rollouts.
#[utoipa::path(get, path = "/api/v1/endpoints/{name}", tag = "endpoints", operation_id = "getEndpoint",
    params(("name" = String, Path, description = "The endpoint")),
    responses((status = 200, description = "The endpoint", body = Value), (status = 404, description = "There is none")))]
pub(crate) async fn get(State(app): State<Arc<App>>, Path(name): Path<String>) -> Answer {
    answer(move || {
        let permit = reader()?;
        let snapshot = app.platform.serving.endpoint(&name)?.snapshot();
        let rollouts = app.platform.db.read(|tx| rollouts::list(tx, &permit, &name, 20))?;
        Ok(json!({ "endpoint": described(&snapshot), "rollouts": rollouts }))
    })
    .await
}

fn described(snapshot: &EndpointSnapshot) -> Value {
    let revisions: Vec<Value> = snapshot
        .revisions
        .iter()
        .map(|live| {
            let counters = &live.counters;
            json!({
                "revision": live.revision, "share": f64::from(live.per_mille) / 1000.0,
                "requests": counters.requests, "errors": counters.errors, "rows": counters.rows,
                "latency_p50_ms": counters.latency.quantile_nanos(0.5) as f64 / 1e6,
                "latency_p99_ms": counters.latency.quantile_nanos(0.99) as f64 / 1e6,
            })
        })
        .collect();
    json!({
        "name": snapshot.name, "state": snapshot.state.as_str(), "refused": snapshot.refused,
        "waiting": snapshot.waiting, "dropped": snapshot.dropped, "revisions": revisions,
    })
}

/// Who shall get the traffic.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TrafficBody {
    /// The versions with their shares, of 1000 together. One that keeps growing belongs at the end.
    #[schema(value_type = Vec<Object>)]
    parts: Vec<Part>,
}

/// Gives the traffic of an endpoint to registered versions; the endpoint is made when there is none of the name.
#[utoipa::path(put, path = "/api/v1/endpoints/{name}/traffic", tag = "endpoints", operation_id = "setTraffic",
    params(("name" = String, Path, description = "The endpoint")), request_body = TrafficBody,
    responses((status = 200, description = "The endpoint", body = Value),
        (status = 409, description = "A loop has the endpoint, or the versions do not fit together"),
        (status = 422, description = "No engine can serve a version")))]
pub(crate) async fn deploy(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Json(body): Json<TrafficBody>,
) -> Answer {
    answer(move || {
        let (permit, now) = (editor()?, app.platform.clock.now());
        deploy::deploy(&app.platform, &permit, &name.parse()?, &body.parts, now)?;
        Ok(described(&app.platform.serving.endpoint(&name)?.snapshot()))
    })
    .await
}

/// What really happened.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TruthsBody {
    /// One entry for each prediction.
    truths: Vec<TruthBody>,
}

/// What really happened to one predicted thing.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TruthBody {
    /// The key that came with the prediction.
    key: String,
    /// The class as text or boolean, or the measured number.
    value: Value,
    /// When it happened, as 2013-03-01T12:00:00Z; now when absent.
    happened_at: Option<String>,
}

/// Tells what really happened. Late and corrected values are welcome; repeating one changes nothing.
#[utoipa::path(post, path = "/api/v1/endpoints/{name}/ground-truth", tag = "endpoints", operation_id = "tellGroundTruth",
    params(("name" = String, Path, description = "The endpoint")), request_body = TruthsBody,
    responses((status = 200, description = "How many values were new or changed", body = Value)))]
pub(crate) async fn tell(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Json(body): Json<TruthsBody>,
) -> Answer {
    answer(move || {
        let (permit, now) = (editor()?, app.platform.clock.now());
        let truths: Vec<Truth> = body.truths.into_iter().map(|truth| read(truth, now)).collect::<Result<_>>()?;
        let changed =
            app.platform.db.write(move |tx| flyball_serving::record_truths(tx, &permit, &name, &truths, now))?;
        Ok(json!({ "changed": changed }))
    })
    .await
}

fn read(body: TruthBody, now: Timestamp) -> Result<Truth> {
    let value = match &body.value {
        Value::Number(number) => TruthValue::Number(number.as_f64().unwrap_or(f64::NAN)),
        Value::Bool(value) => TruthValue::Class(value.to_string()),
        Value::String(class) => TruthValue::Class(class.clone()),
        other => {
            return Err(Error::invalid(format!("the truth of '{}' is {other}", body.key))
                .hint("give the class as text or boolean, or the measured number"));
        }
    };
    let happened_at = body.happened_at.map_or(Ok(now), |at| at.parse())?;
    Ok(Truth { key: body.key, value, happened_at })
}
