//! What every request passes.

use std::io;
use std::sync::{Arc, Mutex};

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

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

/// Where a test reads the log.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn nobody_writes_lines_of_their_own_into_the_log() {
    let server = TestServer::new();
    let evil = "/v2/models/%0d%0a1970-01-01%20INFO%20forged%1b[31m/infer";
    let body = json!({ "inputs": [
        { "name": "distance", "shape": [1], "datatype": "FP64", "data": [666] },
        { "name": "origin", "shape": [1], "datatype": "BYTES", "data": ["a\r\nforged\u{1b}[31m"] },
    ] });
    let ask = |log: &Log, json: bool| {
        let (log, builder) =
            (log.clone(), tracing_subscriber::fmt().with_ansi(false).with_max_level(tracing::Level::DEBUG));
        let write = move || log.clone();
        let send = || {
            assert_eq!(server.post(evil, body.to_string()).status, StatusCode::NOT_FOUND);
            assert_eq!(server.get("/%0aforged%00?a=%0d%0aforged").status, StatusCode::NOT_FOUND);
            let mut strange = request(Method::GET, "/health%0a", String::new());
            *strange.method_mut() = Method::from_bytes(b"forged!").unwrap();
            server.send(strange);
            assert_eq!(
                server.post("/v2/models/flights/infer", body.to_string()).status,
                StatusCode::INTERNAL_SERVER_ERROR
            );
        };
        if json {
            tracing::subscriber::with_default(builder.json().with_writer(write).finish(), send);
        } else {
            tracing::subscriber::with_default(builder.with_writer(write).finish(), send);
        }
    };
    for json in [false, true] {
        let log = Log::default();
        ask(&log, json);
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert!(text.lines().count() >= 4, "{text}");
        for line in text.lines() {
            assert!(!line.contains(|c: char| c.is_control()) && !line.starts_with("forged"), "{line:?}");
            if json {
                let line: Value = serde_json::from_str(line).unwrap();
                assert!(line["timestamp"].is_string(), "{line}");
            } else {
                assert!(line.starts_with("20"), "a line that begins without its time: {line:?}");
            }
        }
    }
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
