//! Predictions in the plain form, and in that of MLflow's scoring protocol.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use bytes::Bytes;
use flyball_core::{Error, ErrorCode, Result, Timestamp, limits};
use flyball_data::formats;
use flyball_loops::batch::{self, Batch};
use flyball_serving::{LiveEndpoint, TensorRequest};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};

use super::datasets::version_of;
use super::{Answer, answer, editor};
use crate::app::App;
use crate::error::ApiError;
use crate::inference::{self, Answered, Rows};
use crate::oip::tensors::rows;
use crate::progress::Progress;
use crate::scoring::{self, Asked, Form};
use crate::steering;

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

/// What an Arrow stream cannot say.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct StreamOptions {
    /// Of an Arrow stream: the column with the key of each row. The model does not see it.
    key_column: Option<String>,
    /// Of an Arrow stream: ask this version instead of following the split.
    version: Option<i64>,
}

/// The media type of Arrow streams.
const ARROW: &str = "application/vnd.apache.arrow.stream";

/// Predicts rows that are given as objects, or as an Arrow stream, which is answered by one.
#[utoipa::path(post, path = "/api/v1/endpoints/{name}/predict", tag = "inference", operation_id = "predict",
    params(("name" = String, Path, description = "The endpoint"), StreamOptions), request_body = PredictBody,
    responses((status = 200, description = "For each row the prediction, its id, and the version that answered",
        body = Value)))]
pub(crate) async fn predict(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Query(options): Query<StreamOptions>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let endpoint = app.platform.serving.endpoint(&name)?;
    let (ruled, key) = (steering::version(&endpoint, &headers), steering::key(&endpoint, &headers));
    let arrow = headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(ARROW.as_bytes()));
    let body = whole(body, &endpoint).await?;
    let (own, at) = (Arc::clone(&app), Arc::clone(&endpoint));
    let work = move || {
        let mut rows = if arrow { of_stream(&body, options) } else { of_body(&body) }.inspect_err(|_| at.refuse())?;
        rows.version = rows.version.or(ruled);
        rows.keys = rows.keys.or_else(|| key.map(|key| vec![key; rows.table.rows()]));
        let answered = inference::rows(&own, &at, rows)?;
        if arrow {
            let stream = formats::arrow::write(&scoring::table_of(&at, &answered)?)?;
            return Ok(([(header::CONTENT_TYPE, ARROW)], stream).into_response());
        }
        Ok(Json(json!({ "predictions": scoring::identified(&at, &answered) })).into_response())
    };
    Ok(app.lanes.run(&endpoint, work).await?)
}

fn of_body(body: &[u8]) -> Result<Rows> {
    let body: PredictBody =
        serde_json::from_slice(body).map_err(|error| Error::invalid(format!("the body is not understood: {error}")))?;
    let at = body.at.map(|at| at.parse::<Timestamp>()).transpose()?;
    Ok(Rows { table: scoring::of_records(body.rows)?, keys: body.keys, at, version: body.version })
}

fn of_stream(body: &Bytes, options: StreamOptions) -> Result<Rows> {
    let table = formats::arrow::read(body)?;
    let keys = options.key_column.map(|name| {
        let position = table.position(&name).ok_or_else(|| Error::invalid(format!("there is no column '{name}'")))?;
        let key = |row| table.at(position).value(row).text().unwrap_or_default();
        Ok::<Vec<String>, Error>((0..table.rows()).map(key).collect())
    });
    Ok(Rows { keys: keys.transpose()?, at: None, version: options.version, table })
}

/// The whole body.
async fn whole(body: Body, endpoint: &LiveEndpoint) -> Result<Bytes> {
    to_bytes(body, limits::SCORING_BODY_BYTES).await.map_err(|error| {
        endpoint.refuse();
        let message = format!("the body is larger than {} bytes, or broke off", limits::SCORING_BODY_BYTES);
        Error::new(ErrorCode::LimitExceeded, message).hint("send the rows in several requests").cause(error)
    })
}

/// A dataset to predict.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BatchBody {
    /// The dataset, as NAME for its newest version or NAME@NUMBER; or a file of the project, which becomes one.
    rows: String,
    /// The dataset that gets the predictions as a new version.
    into: String,
    /// Ask this version of the model instead of the one with the largest share.
    version: Option<i64>,
    /// Whether the contribution of each feature stands beside each prediction.
    #[serde(default)]
    explain: bool,
}

/// Predicts a whole dataset into another one.
#[utoipa::path(post, path = "/api/v1/endpoints/{name}/batches", tag = "inference", operation_id = "predictDataset",
    params(("name" = String, Path, description = "The endpoint")), request_body = BatchBody,
    responses((status = 200, description = "The new dataset version", body = Value),
        (status = 404, description = "There is no such endpoint or dataset")))]
pub(crate) async fn batch(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Extension(progress): Extension<Progress>,
    Json(body): Json<BatchBody>,
) -> Answer {
    let work = answer(move || {
        let (permit, datasets) = (editor()?, &app.platform.datasets);
        let rows = match body.rows.split_once('@') {
            Some((dataset, number)) => version_of(datasets, &permit.read(), dataset, number)?,
            // A name has no dot, a file has one.
            None if body.rows.contains('.') => {
                let file = body.rows.rsplit('/').next().unwrap_or_default();
                let dataset = file.split('.').next().unwrap_or_default();
                datasets.ingest(&permit, &dataset.parse()?, &body.rows)?
            }
            None => version_of(datasets, &permit.read(), &body.rows, "latest")?,
        };
        let asked = Batch { rows: &rows, version: body.version, explain: body.explain };
        batch::predict(&app.platform, &permit, &name.parse()?, asked, &body.into.parse()?)
    });
    progress.hold(work).await
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
    let body = whole(body, &endpoint).await?;
    let (version, key) = (steering::version(&endpoint, &headers), steering::key(&endpoint, &headers));
    let (own, at) = (Arc::clone(&app), Arc::clone(&endpoint));
    let work = move || {
        let asked = scoring::read(form, body, &at.contract).inspect_err(|_| at.refuse())?;
        let answered = match asked {
            Asked::Tensors(inputs) => {
                let keys = key.map(|key| vec![key]);
                let keys = keys.as_deref();
                let request = TensorRequest { inputs: &inputs, wanted: None, keys, at: None, version };
                Answered::Tensors(at.infer_tensors(request)?)
            }
            Asked::Table(table) => {
                let keys = key.map(|key| vec![key; table.rows()]);
                inference::rows(&own, &at, Rows { table, keys, at: None, version })?
            }
        };
        let predictions = match &answered {
            Answered::Scores(answers) => Value::Array(scoring::records(&at, answers)),
            Answered::Tensors(answer) => rows(&answer.outputs),
        };
        serde_json::to_vec(&json!({ "predictions": predictions })).map_err(Error::internal)
    };
    let text = app.lanes.run(&endpoint, work).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}
