//! `POST /v2/models/{model}[/versions/{version}]/infer`.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flyball_core::{Error, ErrorCode, Result};

use crate::app::App;
use crate::error::ApiError;
use crate::lanes;
use crate::oip::{self, InferAnswer, version_number};
use crate::packing::Packing;
use crate::steering;

/// Largest body of an inference request: the most rows of a wide table in JSON.
const INFER_BODY_BYTES: usize = 64 * 1024 * 1024;
/// An answer from this size on is packed for those who accept it: below it packing costs more than it saves.
const PACKED_BYTES: usize = 4 * 1024;
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
    let headers = request.headers();
    let wire = Wire::of(headers).inspect_err(|_| endpoint.refuse())?;
    let version = version.or_else(|| steering::version(&endpoint, headers));
    let key = steering::key(&endpoint, headers);
    let body = read(request.into_body()).await.inspect_err(|_| endpoint.refuse())?;
    let small = body.len() <= SMALL_BODY_BYTES && wire.packed.is_none();
    let here = small && endpoint.is_prompt();
    let asked = (Arc::clone(&app), Arc::clone(&endpoint));
    let work = move || {
        let (app, endpoint) = asked;
        let body = match wire.packed {
            Some(packing) => packing.unpack(&body, INFER_BODY_BYTES).inspect_err(|_| endpoint.refuse())?.into(),
            None => body,
        };
        wire.write(oip::infer(&app, &endpoint, version, key, wire.parts(&body).inspect_err(|_| endpoint.refuse())?)?)
    };
    if here { lanes::here(&endpoint, work) } else { app.lanes.run(&endpoint, work).await }
}

/// How a request is written, and how its answer may be.
#[derive(Clone, Copy)]
struct Wire {
    /// How the body is packed.
    packed: Option<Packing>,
    /// How long the JSON is at the beginning of the unpacked body, when bytes follow it.
    json_length: Option<usize>,
    /// How the answer may be packed.
    accepted: Option<Packing>,
}

/// The header that says how long the JSON is.
const JSON_LENGTH: HeaderName = HeaderName::from_static("inference-header-content-length");

impl Wire {
    fn of(headers: &HeaderMap) -> Result<Self> {
        let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let packed = match text(&header::CONTENT_ENCODING) {
            None | Some("identity") => None,
            Some(name) => Some(Packing::named(name).ok_or_else(|| {
                Error::invalid("the body is compressed in an unknown way").hint("use gzip or deflate")
            })?),
        };
        let json_length = headers.get(&JSON_LENGTH).map(|_| {
            let length = text(&JSON_LENGTH).and_then(|length| length.parse().ok()).filter(|length| *length > 0);
            length.ok_or_else(|| {
                Error::invalid("Inference-Header-Content-Length is not the length of a JSON header").hint(
                    "requests of bytes alone are not supported: say name, shape and datatype of each input in JSON",
                )
            })
        });
        let accepted = text(&header::ACCEPT_ENCODING).and_then(Packing::accepted);
        Ok(Self { packed, json_length: json_length.transpose()?, accepted })
    }

    /// The JSON, and the bytes behind it.
    fn parts(&self, body: &Bytes) -> Result<(Bytes, Bytes)> {
        let Some(length) = self.json_length else { return Ok((body.clone(), Bytes::new())) };
        if length > body.len() {
            return Err(Error::invalid("Inference-Header-Content-Length is more than the body has"));
        }
        Ok((body.slice(..length), body.slice(length..)))
    }

    fn write(&self, InferAnswer { body, json_length }: InferAnswer) -> Result<Response> {
        let kind = if json_length.is_some() { "application/octet-stream" } else { "application/json" };
        let packing = self.accepted.filter(|_| body.len() >= PACKED_BYTES);
        let body = match packing {
            Some(packing) => packing.pack(&body)?,
            None => body,
        };
        let mut response = ([(header::CONTENT_TYPE, HeaderValue::from_static(kind))], body).into_response();
        let headers = response.headers_mut();
        headers.extend(json_length.map(|length| (JSON_LENGTH, HeaderValue::from(length))));
        headers.extend(packing.map(|packing| (header::CONTENT_ENCODING, HeaderValue::from_static(packing.as_str()))));
        Ok(response)
    }
}

async fn read(body: Body) -> Result<Bytes> {
    to_bytes(body, INFER_BODY_BYTES).await.map_err(|cause| {
        let message = format!("the body is larger than {INFER_BODY_BYTES} bytes or was cut off");
        Error::new(ErrorCode::LimitExceeded, message).hint("send the rows in several requests").cause(cause)
    })
}
