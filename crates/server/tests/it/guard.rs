//! What every request passes.

use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::fixture::{TestServer, request};

#[test]
fn foreign_hosts_and_origins_are_refused_everywhere() {
    let server = TestServer::new();
    for path in ["/health", "/version", "/metrics", "/v2", "/api/2.0/mlflow/runs/search", "/v1/traces", "/nothing"] {
        let mut rebound = request(Method::GET, path, String::new());
        rebound.headers_mut().insert("host", "evil.com".parse().unwrap());
        // The two that probes ask tell nothing.
        let wanted = if matches!(path, "/health" | "/version") { StatusCode::OK } else { StatusCode::FORBIDDEN };
        assert_eq!(server.send(rebound).status, wanted, "{path}");
        let mut forged = request(Method::POST, path, String::new());
        forged.headers_mut().insert("origin", "http://evil.com".parse().unwrap());
        assert_eq!(server.send(forged).status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[test]
fn every_answer_carries_the_security_headers_and_an_id() {
    let server = TestServer::new();
    for path in ["/health", "/nothing", "/v2/models/none", "/metrics"] {
        let answer = server.get(path);
        let header = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
        assert!(header("content-security-policy").contains("frame-ancestors 'none'"));
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert!(header("x-request-id").starts_with("req_"));
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    }
}

#[test]
fn errors_speak_the_dialect_of_their_path() {
    let server = TestServer::new();
    let native = server.get("/nothing\u{7f}".replace('\u{7f}', "%7f").as_str());
    assert_eq!(native.status, StatusCode::NOT_FOUND);
    assert_eq!(native.json()["error"]["code"], json!("not_found"));
    assert!(native.json()["error"]["hint"].is_string());
    let oip = server.get("/v2/models/flihgts");
    assert_eq!(oip.status, StatusCode::NOT_FOUND);
    assert_eq!(oip.json(), json!({ "error": "there is no endpoint 'flihgts'; did you mean flights?" }));
    let malformed = server.get("/v2/models/%ff");
    assert_eq!(malformed.status, StatusCode::BAD_REQUEST);
    assert!(malformed.json()["error"].is_string());
    let wrong = server.post("/health", "");
    assert_eq!(wrong.json()["error"]["message"], json!("POST is not possible here"));
}

#[test]
fn causes_are_never_sent() {
    let server = TestServer::new();
    let body = r#"{"inputs":[{"name":"distance","shape":[1],"datatype":"FP64","data":[666]},
                             {"name":"origin","shape":[1],"datatype":"BYTES","data":["EWR"]}]}"#;
    let answer = server.post("/v2/models/flights/infer", body);
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.json(), json!({ "error": "an internal error happened; the log has the cause" }));
    let errors: u64 =
        server.app.platform.serving.snapshot().iter().flat_map(|e| &e.revisions).map(|r| r.counters.errors).sum();
    assert_eq!(errors, 1);
}

#[test]
fn metrics_tell_what_was_predicted() {
    let server = TestServer::new();
    let body = r#"{"inputs":[{"name":"distance","shape":[1],"datatype":"FP64","data":[100]},
                             {"name":"origin","shape":[1],"datatype":"BYTES","data":["EWR"]}]}"#;
    assert_eq!(server.post("/v2/models/delays/infer", body).status, StatusCode::OK);
    let text = server.get("/metrics").text;
    assert!(text.contains("flyball_build_info{version="), "{text}");
    let line = text.lines().find(|line| line.starts_with("ml_predictions_total{endpoint=\"delays\"")).unwrap();
    assert!(line.ends_with("} 1"), "{line}");
    let buckets: Vec<u64> = text
        .lines()
        .filter(|line| line.starts_with("ml_prediction_latency_seconds_bucket{endpoint=\"delays\""))
        .map(|line| line.rsplit(' ').next().unwrap().parse().unwrap())
        .collect();
    assert!(buckets.is_sorted() && buckets.last() == Some(&1), "{buckets:?}");
}
