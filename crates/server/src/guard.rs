//! What every request passes: host and origin, time limit, panics, errors in their dialect, headers, the access log.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use flyball_core::{Error, ErrorCode, Result, limits};
use futures::FutureExt;

use crate::app::App;
use crate::error::{ApiError, Dialect};
use crate::origin;
use crate::progress::Progress;
use crate::spans;

/// Everything comes from here, nothing is inline, nobody frames us.
const CONTENT_SECURITY: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; \
                                form-action 'self'; frame-ancestors 'none'";
const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY)),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
];
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Marks a response of a client's mistake as complete, so that its headers stay.
#[derive(Clone, Copy)]
pub(crate) struct AsWritten;

/// The outermost layer.
pub(crate) async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let started = app.platform.clock.monotonic_nanos();
    let request_id = app.ids.fresh("req");
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let accepts = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
    let span = app.observe.spans.as_ref().and_then(|all| {
        let open = all.open(&method, &path, request.headers(), &*app.platform.clock)?;
        Some((all, open))
    });
    let handled = match &span {
        None => run(&app, request, next).await,
        Some((_, open)) => Arc::clone(open).around(Box::pin(run(&app, request, next))).await,
    };
    let mut response = match handled {
        Ok(response) => response,
        Err(error) => axum::response::IntoResponse::into_response(ApiError(error)),
    };
    if let Some(error) = response.extensions_mut().remove::<Arc<Error>>() {
        log_cause(&error, &request_id);
        response = Dialect::of(&path, &accepts).write(&error, &request_id);
    } else if response.status().is_client_error() && response.extensions().get::<AsWritten>().is_none() {
        response = Dialect::of(&path, &accepts).write(&refused(response).await, &request_id);
    }
    for (name, value) in &HEADERS {
        response.headers_mut().insert(name, value.clone());
    }
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    if let Some((all, open)) = span {
        let grpc_status = response.headers().get("grpc-status").and_then(|value| value.to_str().ok());
        all.end(&open, response.status().as_u16(), grpc_status, &*app.platform.clock);
    }
    let micros = app.platform.clock.monotonic_nanos().saturating_sub(started) / 1000;
    log_access(&method, &path, response.status().as_u16(), micros, &request_id);
    response
}

async fn run(app: &App, mut request: Request, next: Next) -> Result<Response> {
    origin::check(&app.access.hosts, request.method(), request.uri(), request.headers())?;
    let progress = Progress::default();
    request.extensions_mut().insert(progress.clone());
    let handling = AssertUnwindSafe(next.run(request)).catch_unwind();
    match progress.limit(Duration::from_secs(limits::REQUEST_SECONDS), handling).await {
        Some(Ok(response)) => Ok(response),
        Some(Err(_panic)) => Err(Error::internal("a handler panicked")),
        None => {
            let message = format!("the request did not move on for {} s", limits::REQUEST_SECONDS);
            Err(Error::new(ErrorCode::Unavailable, message).hint("send less at once, or try again"))
        }
    }
}

/// What the framework refused before a handler saw it, in its words.
async fn refused(response: Response) -> Error {
    /// Longest text that is taken over.
    const MOST: usize = 4 * 1024;
    let text = axum::body::to_bytes(response.into_body(), MOST).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let words: String = text.chars().filter(|c| !c.is_control()).collect();
    let message = match words.trim() {
        "" => "the path, query or body of the request is malformed".to_owned(),
        words => format!("the request is malformed: {words}"),
    };
    Error::invalid(message).hint("/api/v1/openapi.json says what each route takes")
}

fn log_cause(error: &Error, request_id: &str) {
    if error.code().status() >= 500 {
        tracing::error!(request_id, error = format!("{error:?}"), "a request failed");
    } else if let Some(cause) = error.cause_text() {
        tracing::info!(request_id, code = %error.code(), cause, "a request was refused");
    }
}

/// One line per request. Health checks leave none, and successful predictions only a debug line: they leave a record.
/// Texts of the caller are logged as such, never with `%`: only so are line breaks in them escaped.
fn log_access(method: &Method, path: &str, status: u16, micros: u64, request_id: &str) {
    if matches!(path, "/health" | "/ready") {
        return;
    }
    if status == 200 && spans::is_inference(path) {
        tracing::debug!(%method, path, status, micros, request_id, "request");
    } else {
        tracing::info!(%method, path, status, micros, request_id, "request");
    }
}
