//! Predictions in the plain form, and in that of MLflow's scoring protocol.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::{Json, response::IntoResponse, response::Response};
use flyball_core::{Error, ErrorCode, Result, Timestamp, limits};
use flyball_serving::TableRequest;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{Answer, answer};
use crate::app::App;
use crate::blocking::blocking;
use crate::error::ApiError;
use crate::scoring::{self, Form};

/// Rows to predict.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PredictBody {
    /// The rows: objects with the names of the features; what is missing is null or left out.
    #[schema(value_type = Vec<Object>)]
    rows: Vec<Map<String, Value>>,
    /// A key for each row, which joins its prediction with what really happens.
    keys: Option<Vec<String>>,
    /// When it happens, as 2013-03-01T12:00:00Z; now when absent.
    at: Option<String>,
    /// Ask this version instead of following the split.
    version: Option<i64>,
}

/// Predicts rows that are given as objects.
#[utoipa::path(post, path = "/api/v1/endpoints/{name}/predict", tag = "inference", operation_id = "predict",
    params(("name" = String, Path, description = "The endpoint")), request_body = PredictBody,
    responses((status = 200, description = "For each row the prediction, its id, and the version that answered",
        body = Value)))]
pub(crate) async fn predict(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Json(body): Json<PredictBody>,
) -> Answer {
    answer(move || {
        let endpoint = app.platform.serving.endpoint(&name)?;
        let PredictBody { rows, keys, at, version } = body;
        let table = scoring::of_records(rows).inspect_err(|_| endpoint.refuse())?;
        let at = at.map(|at| at.parse::<Timestamp>()).transpose().inspect_err(|_| endpoint.refuse())?;
        let times = at.map(|at| vec![at; table.rows()]);
        let request = TableRequest { rows: &table, keys: keys.as_deref(), times: times.as_deref(), version };
        let answers = endpoint.infer(request)?;
        let mut records = scoring::records(&endpoint, &answers);
        for (place, record) in records.iter_mut().enumerate() {
            record["prediction_id"] = json!(answers.prediction_ids.get(place));
            let by = answers.answered_by.get(place).and_then(|by| answers.revisions.get(*by as usize));
            record["version"] = json!(by.map(|revision| revision.version));
        }
        Ok(json!({ "predictions": records }))
    })
    .await
}

/// Predicts as MLflow's scoring server does.
#[utoipa::path(post, path = "/endpoints/{name}/invocations", tag = "inference", operation_id = "invocations",
    params(("name" = String, Path, description = "The endpoint")),
    request_body(content = Value, description = "JSON with one of dataframe_split, dataframe_records, instances and inputs; \
        or CSV with a line of names, or Parquet"),
    responses((status = 200, description = "The predictions, as records", body = Value),
        (status = 415, description = "Neither JSON nor CSV nor Parquet")))]
pub(crate) async fn invocations(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let endpoint = app.platform.serving.endpoint(&name)?;
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let form = Form::of(media_type).ok_or_else(|| {
        endpoint.refuse();
        let shown: String = media_type.chars().take(60).flat_map(char::escape_debug).collect();
        Error::new(ErrorCode::UnsupportedMediaType, format!("the content type '{shown}' is not understood"))
            .hint("send application/json, text/csv or application/vnd.apache.parquet, in UTF-8")
    })?;
    let body = to_bytes(body, limits::SCORING_BODY_BYTES).await.map_err(|error| {
        endpoint.refuse();
        let message = format!("the body is larger than {} bytes, or broke off", limits::SCORING_BODY_BYTES);
        Error::new(ErrorCode::LimitExceeded, message).hint("send the rows in several requests").cause(error)
    })?;
    let text = blocking(move || {
        let table = scoring::read(form, body, &endpoint.contract.signature.features);
        let table = table.inspect_err(|_| endpoint.refuse())?;
        let request = TableRequest { rows: &table, keys: None, times: None, version: None };
        let answers = endpoint.infer(request)?;
        let predictions = scoring::records(&endpoint, &answers);
        serde_json::to_vec(&json!({ "predictions": predictions })).map_err(Error::internal)
    });
    Ok(([(header::CONTENT_TYPE, "application/json")], text.await?).into_response())
}
