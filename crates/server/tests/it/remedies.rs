//! Remedies over HTTP: the switch, what waits for a person, and what there is not.

use axum::http::{HeaderValue, Method, StatusCode};
use flyball_core::{Duration, Timestamp};
use flyball_governance::identity;
use flyball_remedies::{PastAction, State, store};

use crate::fixture::{Answer, TestServer, request};

/// A request with JSON, as clients send it.
fn send(server: &TestServer, method: Method, path: &str, body: &str) -> Answer {
    let mut asked = request(method, path, body.to_owned());
    asked.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    server.send(asked)
}

#[test]
fn remedies_are_paused_everywhere_and_resumed() {
    let server = TestServer::new();
    let put = |body: &str| send(&server, Method::PUT, "/api/v1/remedies/pauses", body);
    let paused = put(r#"{"paused":true,"reason":"a release"}"#).json();
    assert_eq!(paused["pauses"][0]["reason"], "a release");
    assert!(server.get("/remedies").text.contains("a release"));
    assert_eq!(server.get("/api/v1/remedies").json()["pauses"].as_array().unwrap().len(), 1);
    assert_eq!(put(r#"{"paused":true,"loop":"nobody"}"#).status, StatusCode::NOT_FOUND);
    assert_eq!(put(r#"{"paused":"x"}"#).status, StatusCode::BAD_REQUEST);
    let resumed = put(r#"{"paused":false}"#).json();
    assert!(resumed["pauses"].as_array().unwrap().is_empty());
}

#[test]
fn what_is_not_there_or_waits_no_longer_is_told() {
    let server = TestServer::new();
    for path in ["/api/v1/remedies/act_1", "/api/v1/loops/nobody/remedies"] {
        assert_eq!(server.get(path).status, StatusCode::NOT_FOUND, "{path}");
    }
    let post = |path: &str, body: &str| send(&server, Method::POST, path, body);
    let decide = |id: &str| post(&format!("/api/v1/remedies/{id}/decision"), r#"{"decision":"deny"}"#);
    assert_eq!(decide("act_1").status, StatusCode::NOT_FOUND);
    assert_eq!(server.post("/remedies/act_1/maybe", "").status, StatusCode::NOT_FOUND);
    assert_eq!(post("/api/v1/loops/nobody/quarantine/release", "{}").status, StatusCode::NOT_FOUND);

    let permit = identity::local_user().unwrap().edit();
    let mut held = PastAction::new(permit.workspace().as_str(), "late", 0, "window:1".into(), Timestamp(1));
    held.action = "retrain".into();
    held.reason = "<b>drift</b>; held back: a training is under way".into();
    let mut waiting = PastAction::new(permit.workspace().as_str(), "late", 0, "window:2".into(), Timestamp(2));
    waiting.action = "promote".into();
    waiting.state = State::Waiting;
    waiting.expires_at = Some(server.app.platform.clock.now() + Duration::days(1));
    let ids = (held.id.clone(), waiting.id.clone());
    let work = move |tx: &mut flyball_store::Tx<'_>| {
        store::record(tx, &permit, &held)?;
        store::record(tx, &permit, &waiting).map(drop)
    };
    server.app.platform.db.write(work).unwrap();
    assert_eq!(decide(&ids.0).status, StatusCode::CONFLICT);
    let listed = server.get("/api/v1/remedies?waiting=true").json();
    assert_eq!((listed["actions"].as_array().unwrap().len(), &listed["actions"][0]["id"]), (1, &ids.1.as_str().into()));
    assert_eq!(server.get("/api/v1/remedies?loop=other").json()["actions"].as_array().unwrap().len(), 0);
    assert_eq!(server.get(&format!("/api/v1/remedies/{}", ids.0)).json()["state"], "held");
    let page = server.get("/remedies").text;
    assert!(page.contains(&format!("/remedies/{}/approve", ids.1)) && !page.contains("<b>drift"));
}
