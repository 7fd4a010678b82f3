//! `/v1/traces`: spans as OpenTelemetry exporters send them. What is wrong with a request is told as `{"detail": …}`, what
//! is wrong with storing it as everywhere else.

use std::sync::Arc;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flyball_core::{Error, ErrorCode, Result, limits};
use flyball_traces::ingest::{Batch, ingest};
use flyball_traces::otlp::{self, Encoding, Format};
use serde_json::{Value, json};

use super::routes::{DialectRoute, post};
use crate::access::Policy;
use crate::app::App;
use crate::blocking;
use crate::error::ApiError;
use crate::guard::AsWritten;
use crate::routes::api::editor;

/// The experiment in which new traces are made.
const EXPERIMENT: &str = "x-mlflow-experiment-id";
/// The run that finished traces are linked to.
const RUN: &str = "x-mlflow-run-id";
const PROTOBUF: &str = "application/x-protobuf";

pub(super) fn routes() -> Vec<DialectRoute> {
    vec![post(Policy::Edit, "/v1/traces", export)]
}

async fn export(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Result<Response, ApiError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let Some(experiment) = text(EXPERIMENT) else {
        let missing = json!([{ "type": "missing", "loc": ["header", EXPERIMENT], "msg": "Field required" }]);
        return Ok(refusal(StatusCode::UNPROCESSABLE_ENTITY, missing));
    };
    let run = text(RUN).filter(|run| !run.is_empty());
    let (kind, encoding) = (text(header::CONTENT_TYPE.as_str()), text(header::CONTENT_ENCODING.as_str()));
    let Ok(bytes) = to_bytes(body, limits::TRACE_BODY_BYTES).await else {
        let message = format!("the body is larger than {} bytes, or broke off", limits::TRACE_BODY_BYTES);
        return Ok(refusal(StatusCode::PAYLOAD_TOO_LARGE, message.into()));
    };
    let batch = match blocking(move || read(&bytes, kind.as_deref(), encoding.as_deref())).await {
        Ok(batch) => batch,
        Err(error) if error.code() == ErrorCode::Internal => return Err(error.into()),
        Err(error) => return Ok(refusal(status(error.code()), error.message().into())),
    };
    blocking(move || {
        let permit = editor()?;
        if batch.is_empty() {
            return Ok(());
        }
        app.platform.db.write(move |tx| ingest(tx, &permit, &experiment, run.as_deref(), &batch))
    })
    .await?;
    // The answer message has no fields, so that it is empty.
    Ok(([(header::CONTENT_TYPE, PROTOBUF)], Bytes::new()).into_response())
}

fn read(body: &Bytes, kind: Option<&str>, encoding: Option<&str>) -> Result<Batch> {
    let format = match kind.and_then(|kind| kind.split(';').next()).map(str::trim) {
        Some(PROTOBUF) => Format::Protobuf,
        Some("application/json") => Format::Json,
        _ => {
            let shown = kind.unwrap_or("None").escape_debug();
            return Err(Error::invalid(format!(
                "Invalid Content-Type: {shown}. Expected: application/x-protobuf or application/json"
            )));
        }
    };
    let request = match encoding.map(Encoding::named).transpose()?.flatten() {
        Some(encoding) => otlp::read(&otlp::unpack(body, encoding)?, format)?,
        None => otlp::read(body, format)?,
    };
    if request.resource_spans.is_empty() {
        return Err(Error::invalid("Invalid OpenTelemetry format - no spans found"));
    }
    Batch::prepare(request)
}

fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::LimitExceeded => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::InvalidData => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::BAD_REQUEST,
    }
}

fn refusal(status: StatusCode, detail: Value) -> Response {
    let mut response = (status, Json(json!({ "detail": detail }))).into_response();
    response.extensions_mut().insert(AsWritten);
    response
}
