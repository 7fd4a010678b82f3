//! What clients of Triton ask besides: configuration, statistics, and the repository of models.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use flyball_core::model::Interface;
use flyball_core::{Error, Result};
use serde_json::{Value, json};

use crate::app::App;
use crate::blocking::blocking;
use crate::error::ApiError;
use crate::oip::{describe, version_number};

/// The configuration of an endpoint.
#[utoipa::path(get, path = "/v2/models/{model}/config", tag = "inference", operation_id = "modelConfig",
    params(("model" = String, Path, description = "The endpoint")),
    responses((status = 200, description = "Inputs and outputs, as Triton describes them", body = Value),
        (status = 404, description = "There is no such endpoint")))]
pub(crate) async fn config(State(app): State<Arc<App>>, Path(model): Path<String>) -> Result<Json<Value>, ApiError> {
    let endpoint = app.platform.serving.endpoint(&model)?;
    Ok(Json(configuration(&model, &*describe::interface(&endpoint, None)?)))
}

/// The configuration of one version.
#[utoipa::path(get, path = "/v2/models/{model}/versions/{version}/config", tag = "inference",
    operation_id = "modelVersionConfig",
    params(("model" = String, Path, description = "The endpoint"), ("version" = String, Path, description = "The version")),
    responses((status = 200, description = "Inputs and outputs, as Triton describes them", body = Value),
        (status = 404, description = "It does not serve")))]
pub(crate) async fn config_of_version(
    State(app): State<Arc<App>>,
    Path((model, version)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let endpoint = app.platform.serving.endpoint(&model)?;
    Ok(Json(configuration(&model, &*describe::interface(&endpoint, Some(version_number(&version)?))?)))
}

fn configuration(model: &str, interface: &Interface) -> Value {
    let shape = |tensor: &describe::Tensor<'_>| {
        let kind = if tensor.datatype == "BYTES" { "STRING" } else { tensor.datatype };
        json!({ "name": tensor.name, "data_type": format!("TYPE_{kind}"), "dims": tensor.shape })
    };
    json!({
        "name": model,
        "platform": describe::PLATFORM,
        "backend": "flyball",
        "max_batch_size": 0,
        "input": describe::inputs(interface).iter().map(shape).collect::<Vec<_>>(),
        "output": describe::outputs(interface).iter().map(shape).collect::<Vec<_>>(),
    })
}

/// What all endpoints have done since the process started.
#[utoipa::path(get, path = "/v2/models/stats", tag = "inference", operation_id = "statistics",
    responses((status = 200, description = "Counts and times by version", body = Value)))]
pub(crate) async fn statistics(State(app): State<Arc<App>>) -> Json<Value> {
    told(describe::statistics(&app.platform.serving.snapshot(), None))
}

/// What an endpoint has done since the process started.
#[utoipa::path(get, path = "/v2/models/{model}/stats", tag = "inference", operation_id = "modelStatistics",
    params(("model" = String, Path, description = "The endpoint")),
    responses((status = 200, description = "Counts and times by version", body = Value),
        (status = 404, description = "There is no such endpoint")))]
pub(crate) async fn statistics_of_model(
    State(app): State<Arc<App>>,
    Path(model): Path<String>,
) -> Result<Json<Value>, ApiError> {
    Ok(told(describe::statistics(&[app.platform.serving.endpoint(&model)?.snapshot()], None)))
}

/// What a version has done since the process started.
#[utoipa::path(get, path = "/v2/models/{model}/versions/{version}/stats", tag = "inference",
    operation_id = "modelVersionStatistics",
    params(("model" = String, Path, description = "The endpoint"), ("version" = String, Path, description = "The version")),
    responses((status = 200, description = "Counts and times", body = Value),
        (status = 404, description = "It does not serve")))]
pub(crate) async fn statistics_of_version(
    State(app): State<Arc<App>>,
    Path((model, version)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let (endpoint, number) = (app.platform.serving.endpoint(&model)?, version_number(&version)?);
    endpoint.version(number)?;
    Ok(told(describe::statistics(&[endpoint.snapshot()], Some(number))))
}

fn told(all: Vec<describe::Statistics>) -> Json<Value> {
    let duration = |count: u64, ns: u64| json!({ "count": count, "ns": ns });
    let shape = |one: describe::Statistics| {
        json!({
            "name": one.name,
            "version": one.version,
            "inference_count": one.rows,
            "execution_count": one.requests,
            "inference_stats": {
                "success": duration(one.answered, one.nanos),
                "fail": duration(one.failed, 0),
                "queue": duration(0, 0),
                "compute_input": duration(0, 0),
                "compute_infer": duration(one.answered, one.nanos),
                "compute_output": duration(0, 0),
            },
            "batch_stats": [],
        })
    };
    Json(json!({ "model_stats": all.into_iter().map(shape).collect::<Vec<_>>() }))
}

/// The versions that serve, and endpoints that do not.
#[utoipa::path(post, path = "/v2/repository/index", tag = "inference", operation_id = "repositoryIndex",
    request_body(content = Value, description = "`ready`: only those that answer"),
    responses((status = 200, description = "Name, version and state of each", body = Value)))]
pub(crate) async fn index(State(app): State<Arc<App>>, body: String) -> Result<Json<Vec<describe::Indexed>>, ApiError> {
    let body = body.trim();
    let asked: Value = if body.is_empty() { Value::Null } else { serde_json::from_str(body).map_err(not_json)? };
    let only_ready = asked["ready"].as_bool().unwrap_or_default();
    Ok(Json(describe::index(&app.platform.serving.snapshot(), only_ready)))
}

fn not_json(error: serde_json::Error) -> Error {
    Error::invalid(format!("the body is not JSON: {error}"))
}

/// Reads an endpoint anew; it serves what was deployed to it.
#[utoipa::path(post, path = "/v2/repository/models/{model}/load", tag = "inference", operation_id = "repositoryLoad",
    params(("model" = String, Path, description = "The endpoint")),
    responses((status = 200, description = "It serves", body = Value),
        (status = 404, description = "There is no such endpoint"), (status = 503, description = "It does not serve")))]
pub(crate) async fn load(State(app): State<Arc<App>>, Path(model): Path<String>) -> Result<Json<Value>, ApiError> {
    blocking(move || {
        app.platform.serving.refresh()?;
        app.platform.serving.endpoint(&model)?.ready_now()
    })
    .await?;
    Ok(Json(json!({})))
}

/// Refused: what serves is what was deployed, and a client cannot take it away from the others.
#[utoipa::path(post, path = "/v2/repository/models/{model}/unload", tag = "inference",
    operation_id = "repositoryUnload", params(("model" = String, Path, description = "The endpoint")),
    responses((status = 400, description = "Models are not unloaded so"),
        (status = 404, description = "There is no such endpoint")))]
pub(crate) async fn unload(State(app): State<Arc<App>>, Path(model): Path<String>) -> Result<Json<Value>, ApiError> {
    app.platform.serving.endpoint(&model)?;
    Err(describe::no_unloading(&model).into())
}
