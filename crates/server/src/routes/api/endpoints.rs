//! Endpoints, and what really happened to what they predicted.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::{Extension, Json};
use flyball_core::{Duration, Error, Result, Timestamp};
use flyball_loops::compare;
use flyball_loops::deploy::{self, Part};
use flyball_loops::environments::{self, EnvironmentRules, Promotion};
use flyball_loops::handmade::{self, Say, Wanted};
use flyball_serving::model::{Truth, TruthValue};
use flyball_serving::rollout::store as rollouts;
use flyball_serving::{EndpointSnapshot, Settings, store};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::{Answer, answer, change, editor, reader};
use crate::app::App;
use crate::observe::Observe;
use crate::progress::Progress;

/// All endpoints with their traffic.
#[utoipa::path(get, path = "/api/v1/endpoints", tag = "endpoints", operation_id = "listEndpoints",
    responses((status = 200, description = "The endpoints by name", body = Value)))]
pub(crate) async fn list(State(app): State<Arc<App>>) -> Answer {
    answer(move || {
        let all = app.platform.serving.snapshot();
        Ok(all.iter().map(|snapshot| described(&app.observe, snapshot)).collect::<Vec<_>>())
    })
    .await
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
        Ok(json!({ "endpoint": described(&app.observe, &snapshot), "rollouts": rollouts }))
    })
    .await
}

fn described(observe: &Observe, snapshot: &EndpointSnapshot) -> Value {
    let revisions: Vec<Value> = snapshot
        .revisions
        .iter()
        .map(|live| {
            let counters = &live.counters;
            let mut told = json!({
                "revision": live.revision, "share": f64::from(live.per_mille) / 1000.0,
                "mirrored": f64::from(live.mirror_per_mille) / 1000.0, "loaded": live.loaded,
                "requests": counters.requests, "errors": counters.errors, "rows": counters.rows,
                "latency_p50_ms": counters.latency.quantile_nanos(0.5) as f64 / 1e6,
                "latency_p99_ms": counters.latency.quantile_nanos(0.99) as f64 / 1e6,
            });
            if let Some(cost) = observe.cost_per_1000(counters) {
                told["cost_per_1000"] = json!(cost);
            }
            told
        })
        .collect();
    json!({
        "name": snapshot.name, "state": snapshot.state.as_str(), "reason": snapshot.state.reason(),
        "environment": snapshot.environment, "refused": snapshot.refused, "waiting": snapshot.waiting, "dropped": snapshot.dropped, "revisions": revisions,
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
    Extension(progress): Extension<Progress>,
    Json(body): Json<TrafficBody>,
) -> Answer {
    let work = answer(move || {
        let (permit, now) = (editor()?, app.platform.clock.now());
        deploy::deploy(&app.platform, &permit, &name.parse()?, &body.parts, now)?;
        Ok(described(&app.observe, &app.platform.serving.endpoint(&name)?.snapshot()))
    });
    // A model in Python may need an environment made first, which takes minutes.
    progress.hold(work).await
}

/// What an endpoint is told about its traffic, its records and its limits.
#[utoipa::path(get, path = "/api/v1/endpoints/{name}/settings", tag = "endpoints", operation_id = "getEndpointSettings",
    params(("name" = String, Path, description = "The endpoint")),
    responses((status = 200, description = "The settings that are not at their default", body = Value)))]
pub(crate) async fn settings(State(app): State<Arc<App>>, Path(name): Path<String>) -> Answer {
    answer(move || Ok(app.platform.serving.endpoint(&name)?.endpoint.settings.clone())).await
}

/// Replaces the settings of an endpoint.
#[utoipa::path(put, path = "/api/v1/endpoints/{name}/settings", tag = "endpoints", operation_id = "setEndpointSettings",
    params(("name" = String, Path, description = "The endpoint")),
    request_body(content = Value, description = "key_header, routes, max_concurrency, max_queue_size, timeout_ms, \
        dynamic_batching, pinned, capture, columns, features_sql; those that are absent get their default"),
    responses((status = 200, description = "The settings", body = Value),
        (status = 400, description = "A setting makes no sense, or fits no column of the model")))]
pub(crate) async fn set_settings(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Json(settings): Json<Value>,
) -> Answer {
    answer(move || {
        let settings: Settings =
            serde_json::from_value(settings).map_err(|error| Error::invalid(format!("the settings: {error}")))?;
        let live = app.platform.serving.endpoint(&name)?;
        live.contract.as_ref().clone().with(&settings)?;
        let (permit, now, endpoint) = (editor()?, app.platform.clock.now(), live.endpoint.name.clone());
        let changed = settings.clone();
        app.platform.db.write(move |tx| store::set_settings(tx, &permit, &endpoint, &changed, now))?;
        app.platform.serving.refresh()?;
        Ok(settings)
    })
    .await
}

/// Starts to move the traffic to a version, step by step.
#[utoipa::path(post, path = "/api/v1/endpoints/{name}/rollouts", tag = "endpoints", operation_id = "startRollout",
    params(("name" = String, Path, description = "The endpoint")),
    request_body(content = Value, description = "model, version; steps (shares of 1000), bake_ms, every_ms, mirror, abort_if, \
        advance_if, failure_limit, fewest_requests, approval"),
    responses((status = 200, description = "The rollout", body = Value),
        (status = 409, description = "One is under way, or the environment demands more")))]
pub(crate) async fn start_rollout(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Extension(progress): Extension<Progress>,
    Json(wanted): Json<Value>,
) -> Answer {
    let work = answer(move || {
        let wanted: Wanted =
            serde_json::from_value(wanted).map_err(|error| Error::invalid(format!("the rollout: {error}")))?;
        let (permit, now) = (editor()?, app.platform.clock.now());
        let begun = handmade::start(&app.platform, &permit, &name.parse()?, &wanted, now)?;
        app.jobs.wake();
        Ok(begun)
    });
    progress.hold(work).await
}

/// What a person says while a rollout is under way.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SayBody {
    /// pause, resume, promote or abort.
    #[schema(value_type = String)]
    say: Say,
    /// Why, for the record.
    #[serde(default)]
    reason: String,
}

/// Pauses, resumes, promotes or aborts the rollout that is under way.
#[utoipa::path(put, path = "/api/v1/endpoints/{name}/rollouts/current", tag = "endpoints", operation_id = "sayToRollout",
    params(("name" = String, Path, description = "The endpoint")), request_body = SayBody,
    responses((status = 200, description = "The rollout", body = Value),
        (status = 404, description = "None is under way")))]
pub(crate) async fn say(State(app): State<Arc<App>>, Path(name): Path<String>, Json(body): Json<SayBody>) -> Answer {
    answer(move || {
        let (permit, now) = (editor()?, app.platform.clock.now());
        let changed = handmade::say(&app.platform, &permit, &name.parse()?, body.say, &body.reason, now)?;
        app.jobs.wake();
        Ok(changed)
    })
    .await
}

/// Starts to move the traffic to the version that serves at another endpoint.
#[utoipa::path(post, path = "/api/v1/endpoints/{name}/promotions", tag = "endpoints", operation_id = "promoteVersion",
    params(("name" = String, Path, description = "The endpoint that receives")),
    request_body(content = Value, description = "from: the endpoint whose version is taken; environment; and how, as for a rollout"),
    responses((status = 200, description = "The rollout", body = Value),
        (status = 409, description = "The environment demands more")))]
pub(crate) async fn promote(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Json(promotion): Json<Value>,
) -> Answer {
    answer(move || {
        let promotion: Promotion =
            serde_json::from_value(promotion).map_err(|error| Error::invalid(format!("the promotion: {error}")))?;
        let (permit, now) = (editor()?, app.platform.clock.now());
        let begun = environments::promote(&app.platform, &permit, &name.parse()?, &promotion, now)?;
        app.jobs.wake();
        Ok(begun)
    })
    .await
}

/// The span of a comparison.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct Span {
    /// How many hours back; 24 when absent.
    hours: Option<i64>,
}

/// Compares the versions that share the traffic: errors, scores, and what really happened, with significance.
#[utoipa::path(get, path = "/api/v1/endpoints/{name}/comparison", tag = "endpoints", operation_id = "compareVersions",
    params(("name" = String, Path, description = "The endpoint"), Span),
    responses((status = 200, description = "Each version, and how it differs from the one with the largest share", body = Value)))]
pub(crate) async fn compare(State(app): State<Arc<App>>, Path(name): Path<String>, Query(span): Query<Span>) -> Answer {
    answer(move || {
        let now = app.platform.clock.now();
        let hours = span.hours.unwrap_or(24).clamp(1, 24 * 366);
        // What is recorded a moment ago belongs to it.
        compare::compare(&app.platform, &reader()?, &name, now - Duration::hours(hours), now + Duration::millis(1))
    })
    .await
}

/// All environments, with their rules and endpoints.
#[utoipa::path(get, path = "/api/v1/environments", tag = "endpoints", operation_id = "listEnvironments",
    responses((status = 200, description = "The environments", body = Value)))]
pub(crate) async fn environments(State(app): State<Arc<App>>) -> Answer {
    answer(move || {
        let permit = reader()?;
        app.platform.db.read(|tx| environments::list(tx, &permit))
    })
    .await
}

/// Says what a version needs before it may serve in an environment.
#[utoipa::path(put, path = "/api/v1/environments/{name}", tag = "endpoints", operation_id = "setEnvironmentRules",
    params(("name" = String, Path, description = "The environment")),
    request_body(content = Value, description = "after, soak_ms, fewest_requests, most_errors, approval"),
    responses((status = 200, description = "The rules", body = Value)))]
pub(crate) async fn set_environment(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Json(rules): Json<Value>,
) -> Answer {
    let name: flyball_core::Name = name.parse()?;
    let rules: EnvironmentRules =
        serde_json::from_value(rules).map_err(|error| Error::invalid(format!("the rules: {error}")))?;
    change(app, move |tx, permit, now| {
        environments::set_rules(tx, permit, &name, &rules, now)?;
        Ok(rules)
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
