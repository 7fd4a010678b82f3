//! Errors in the protocol's form. Clients branch on `error_code`, and retry for minutes on 429 and 5xx: a mistake of the
//! user is always another 4xx.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use flyball_core::{Error, ErrorCode};
use serde_json::json;

use crate::guard::AsWritten;

/// The whole response for an error.
pub(crate) fn response(error: &Error) -> Response {
    let (code, status) = code_of(error.code());
    let message = match error.next_step() {
        Some(hint) => format!("{}; {hint}", error.message()),
        None => error.message().to_owned(),
    };
    written(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), code, &message)
}

/// The response for a path or method that the protocol has and this server has not. Clients fall back to older routes when
/// they read this code.
pub(crate) fn no_such_route(status: StatusCode, path: &str) -> Response {
    let path: String = path.chars().take(100).flat_map(char::escape_debug).collect();
    let message = format!("there is no route {path} for this method");
    let mut response = written(status, "ENDPOINT_NOT_FOUND", &message);
    response.extensions_mut().insert(AsWritten);
    response
}

fn written(status: StatusCode, code: &str, message: &str) -> Response {
    let mut response = Response::new(Body::from(json!({ "error_code": code, "message": message }).to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The protocol's name and status for a code.
fn code_of(code: ErrorCode) -> (&'static str, u16) {
    match code {
        ErrorCode::NotFound => ("RESOURCE_DOES_NOT_EXIST", 404),
        ErrorCode::AlreadyExists => ("RESOURCE_ALREADY_EXISTS", 400),
        ErrorCode::Unauthenticated => ("UNAUTHENTICATED", 401),
        ErrorCode::Forbidden => ("PERMISSION_DENIED", 403),
        ErrorCode::Unsupported => ("NOT_IMPLEMENTED", 501),
        ErrorCode::UnsupportedMediaType => ("BAD_REQUEST", 415),
        ErrorCode::Overloaded => ("REQUEST_LIMIT_EXCEEDED", 429),
        code if code.status() == 503 => ("TEMPORARILY_UNAVAILABLE", 503),
        code if code.status() >= 500 => ("INTERNAL_ERROR", 500),
        _ => ("INVALID_PARAMETER_VALUE", 400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_mistake_of_the_user_is_retried() {
        let never_the_users = [
            ErrorCode::Internal,
            ErrorCode::Unavailable,
            ErrorCode::StorageFull,
            ErrorCode::Unsupported,
            ErrorCode::Overloaded,
            ErrorCode::DeadlineExceeded,
        ];
        for code in ErrorCode::ALL.iter().filter(|code| !never_the_users.contains(code)) {
            let (_, status) = code_of(*code);
            assert!((400..500).contains(&status) && status != 429 && status != 408, "{code}");
        }
    }
}
