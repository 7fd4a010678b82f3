//! `POST /v2/models/{model}[/versions/{version}]/infer`.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flyball_core::{Error, ErrorCode, Result};

use crate::app::App;
use crate::blocking::blocking;
use crate::error::ApiError;
use crate::oip::{self, InferRequest, version_number};

/// Largest body of an inference request: the most rows of a wide table in JSON.
const INFER_BODY_BYTES: usize = 64 * 1024 * 1024;
/// A body up to this size is answered on the thread that read it: it takes microseconds and waits for nothing.
const SMALL_BODY_BYTES: usize = 64 * 1024;

/// Predicts.
#[utoipa::path(post, path = "/v2/models/{model}/infer", tag = "inference", operation_id = "infer",
    params(("model" = String, Path, description = "The endpoint")),
    request_body(content = serde_json::Value, description = "An inference request of the Open Inference Protocol V2. Inputs carry \
        the names of the features; null is a missing value. Parameters: `key` or `keys` join predictions with what really \
        happens, `at` is the event time."),
    responses((status = 200, description = "The predictions", body = serde_json::Value), (status = 400, description = "Malformed"),
        (status = 404, description = "There is no such endpoint"), (status = 503, description = "Nothing serves")))]
pub(crate) async fn infer(
    State(app): State<Arc<App>>,
    Path(model): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    Ok(answer(app, model, None, request).await?)
}

/// Predicts with one version, whatever the traffic split.
#[utoipa::path(post, path = "/v2/models/{model}/versions/{version}/infer", tag = "inference",
    operation_id = "inferVersion",
    params(("model" = String, Path, description = "The endpoint"), ("version" = String, Path, description = "The version")),
    request_body(content = serde_json::Value, description = "As for the endpoint"),
    responses((status = 200, description = "The predictions", body = serde_json::Value), (status = 400, description = "Malformed"),
        (status = 404, description = "It does not serve"), (status = 503, description = "Nothing serves")))]
pub(crate) async fn infer_version(
    State(app): State<Arc<App>>,
    Path((model, version)): Path<(String, String)>,
    request: Request,
) -> Result<Response, ApiError> {
    Ok(answer(app, model, Some(version_number(&version)?), request).await?)
}

async fn answer(app: Arc<App>, model: String, version: Option<i64>, request: Request) -> Result<Response> {
    let endpoint = app.platform.serving.endpoint(&model)?;
    refuse_binary(request.headers()).inspect_err(|_| endpoint.refuse())?;
    let body = read(request.into_body()).await.inspect_err(|_| endpoint.refuse())?;
    let small = body.len() <= SMALL_BODY_BYTES;
    let work = move || {
        let request = InferRequest::parse(&body).inspect_err(|_| endpoint.refuse())?;
        oip::answer(&endpoint, version, &request)
    };
    let json = if small { work()? } else { blocking(work).await? };
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], json).into_response())
}

fn refuse_binary(headers: &HeaderMap) -> Result<()> {
    let encoded = headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity");
    if headers.contains_key("inference-header-content-length") || encoded {
        return Err(Error::invalid("binary tensors and compressed bodies are not supported")
            .hint("send JSON; with tritonclient use set_data_from_numpy(…, binary_data=False)"));
    }
    Ok(())
}

async fn read(body: Body) -> Result<Bytes> {
    to_bytes(body, INFER_BODY_BYTES).await.map_err(|cause| {
        let message = format!("the body is larger than {INFER_BODY_BYTES} bytes or was cut off");
        Error::new(ErrorCode::LimitExceeded, message).hint("send the rows in several requests").cause(cause)
    })
}
