//! Errors on the wire. A handler returns an [`ApiError`]; the guard writes it in the dialect of the path and logs its
//! cause once, with the id of the request.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flyball_core::{Error, ErrorCode};
use flyball_web::{ErrorPage, Section, Shell, Template};
use serde_json::json;

/// What a handler fails with.
#[derive(Debug)]
pub struct ApiError(pub Error);

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = status(self.0.code()).into_response();
        response.extensions_mut().insert(Arc::new(self.0));
        response
    }
}

/// How errors are written, which depends on whose protocol the path belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Ours: `{"error": {"code", "message", "hint"}}`.
    Native,
    /// The Open Inference Protocol: `{"error": "text"}`.
    Oip,
    /// MLflow's: `{"error_code", "message"}`.
    Mlflow,
    /// A page for a person.
    Page,
}

impl Dialect {
    /// The dialect for a path and the media types that the caller accepts.
    pub(crate) fn of(path: &str, accepts: &str) -> Self {
        if path == "/v2" || path.starts_with("/v2/") {
            Dialect::Oip
        } else if crate::mlflow::speaks(path) {
            Dialect::Mlflow
        } else if accepts.contains("text/html") && !path.starts_with("/api/") {
            Dialect::Page
        } else {
            Dialect::Native
        }
    }

    /// The whole response for an error. The cause is not part of it.
    pub(crate) fn write(self, error: &Error, request_id: &str) -> Response {
        let (kind, body) = match self {
            Dialect::Native => (
                "application/json",
                json!({ "error": {
                    "code": error.code().as_str(),
                    "message": error.message(),
                    "hint": error.next_step(),
                }})
                .to_string(),
            ),
            Dialect::Mlflow => return with_headers(crate::mlflow::error::response(error), error.code()),
            Dialect::Oip => (
                "application/json",
                json!({ "error": match error.next_step() {
                    Some(hint) => format!("{}; {hint}", error.message()),
                    None => error.message().to_owned(),
                }})
                .to_string(),
            ),
            Dialect::Page => ("text/html; charset=utf-8", page(error, request_id)),
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status(error.code());
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        with_headers(response, error.code())
    }
}

/// The headers that go with a code in every dialect.
fn with_headers(mut response: Response, code: ErrorCode) -> Response {
    let headers = response.headers_mut();
    if matches!(code, ErrorCode::Overloaded | ErrorCode::Unavailable) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    if code == ErrorCode::Unauthenticated {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"flyball\""));
    }
    response
}

/// The error as a page; as plain text if even that cannot be made.
fn page(error: &Error, request_id: &str) -> String {
    let view = ErrorPage {
        shell: Shell { section: Section::Elsewhere, version: env!("CARGO_PKG_VERSION").to_owned(), ..Shell::default() },
        status: error.code().status(),
        message: error.message().to_owned(),
        hint: error.next_step().unwrap_or_default().to_owned(),
        code: error.code().to_string(),
        request_id: request_id.to_owned(),
    };
    view.render().unwrap_or_else(|_| error.code().to_string())
}

fn status(code: ErrorCode) -> StatusCode {
    StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
