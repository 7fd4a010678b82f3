//! Pages and the native API on a server with endpoints and no loop.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};

use crate::fixture::TestServer;

#[test]
fn every_list_page_shows_itself_when_there_is_little_to_show() {
    let server = TestServer::new();
    for path in [
        "/",
        "/loops",
        "/runs",
        "/models",
        "/endpoints",
        "/monitors",
        "/data",
        "/alerts",
        "/audit",
        "/endpoints/flights",
    ] {
        let answer = server.get(path);
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        assert!(answer.text.contains("<title>"), "{path}");
        assert!(answer.headers["content-type"].to_str().unwrap().starts_with("text/html"), "{path}");
    }
    assert!(server.get("/endpoints").text.contains("flights"));
    assert!(server.get("/audit").text.contains("endpoint.create"));
}

#[test]
fn errors_are_pages_for_browsers_and_json_for_programs() {
    let server = TestServer::new();
    let request = |accept: &str| {
        let builder = Request::builder().method(Method::GET).uri("/runs/run_nothing").header("host", "localhost:5050");
        server.send(builder.header("accept", accept).body(Body::empty()).unwrap())
    };
    let page = request("text/html,application/xhtml+xml");
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.text.contains("Run with id") && page.text.contains("<title>"), "{}", page.text);
    assert_eq!(request("*/*").json()["error"]["code"], "not_found");
    let hostile = server.get("/loops/%3Cscript%3Ealert(1)%3C%2Fscript%3E");
    assert_eq!(hostile.status, StatusCode::NOT_FOUND);
}

#[test]
fn unknown_things_of_the_api_say_what_is_missing() {
    let server = TestServer::new();
    for path in [
        "/api/v1/loops/x",
        "/api/v1/runs/x",
        "/api/v1/models/x/versions/1",
        "/api/v1/datasets/x/versions/latest",
        "/api/v1/endpoints/x",
    ] {
        let answer = server.get(path);
        assert_eq!(
            (answer.status, answer.json()["error"]["code"].as_str()),
            (StatusCode::NOT_FOUND, Some("not_found")),
            "{path}"
        );
    }
    assert_eq!(server.get("/api/v1/loops").json(), serde_json::json!([]));
    assert!(server.get("/api/v1/audit/verify").json()["events"].as_i64().unwrap() > 0);
}

#[test]
fn ground_truth_is_kept_once_and_corrected_when_it_changes() {
    let server = TestServer::new();
    let tell = |value: &str| {
        let body = format!(r#"{{"truths":[{{"key":"a","value":{value},"happened_at":"2013-03-01T00:00:00Z"}}]}}"#);
        let builder = Request::builder().method(Method::POST).uri("/api/v1/endpoints/flights/ground-truth");
        let request = builder.header("host", "localhost:5050").header("content-type", "application/json");
        server.send(request.body(Body::from(body)).unwrap()).json()["changed"].clone()
    };
    assert_eq!((tell("\"late\""), tell("\"late\""), tell("\"on_time\"")), (1.into(), 0.into(), 1.into()));
}
