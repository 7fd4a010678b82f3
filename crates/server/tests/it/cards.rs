//! Cards of model versions.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use crate::fixture::TestServer;

const HOSTILE: &str = "<script>alert(1)</script>\n---\nlicense: \"mine\"\n# Owned | `x`";

fn send(server: &TestServer, method: Method, path: &str, body: &Value) -> Value {
    let request = Request::builder().method(method).uri(path).header("host", "localhost:5050");
    let request = request.header("content-type", "application/json").body(Body::from(body.to_string()));
    let answer = server.send(request.unwrap());
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
    answer.json()
}

/// A version that a client registered, with what people say of it and of its model.
fn registered(server: &TestServer) {
    send(server, Method::POST, "/api/v1/experiments", &json!({ "name": "e" }));
    let run = send(server, Method::POST, "/api/v1/runs", &json!({ "experiment": "e" }));
    send(
        server,
        Method::POST,
        &format!("/api/v1/runs/{}/log", run["id"].as_str().unwrap()),
        &json!({ "params": { "depth": "6" } }),
    );
    let tags = json!([{ "key": "card.license", "value": "Apache-2.0" }, { "key": "card.intended_use", "value": "of the model" }]);
    let model = json!({ "name": "m", "tags": tags, "description": "the model" });
    send(server, Method::POST, "/api/2.0/mlflow/registered-models/create", &model);
    let version = json!({
        "run_id": run["id"], "tags": { "card.intended_use": HOSTILE, "card.unknown": "x", "other": "y" }
    });
    send(server, Method::POST, "/api/v1/models/m/versions", &version);
}

#[test]
fn a_card_holds_what_is_known_and_what_people_say_and_nothing_else() {
    let server = TestServer::new();
    registered(&server);
    let card = server.get("/api/v1/models/m/versions/latest/card").json();
    assert_eq!((&card["model"], &card["version"], &card["description"]), (&json!("m"), &json!(1), &json!("the model")));
    let statements = card["statements"].as_object().unwrap();
    assert_eq!(statements.keys().collect::<Vec<_>>(), ["intended_use", "license"]);
    assert_eq!(statements["intended_use"], HOSTILE, "what is said of the version holds over the model's");
    assert_eq!(card["training"]["parameters"], json!({ "depth": "6" }));
    let actions: Vec<&str> =
        card["history"].as_array().unwrap().iter().map(|event| event["action"].as_str().unwrap()).collect();
    assert!(actions.contains(&"run.create") && actions.contains(&"model.register"), "{actions:?}");
    assert!(card["evaluation"].is_null() && card["gates"].is_null() && card["serving"].is_null());
    assert_eq!(server.get("/api/v1/models/m/versions/7/card").status, StatusCode::NOT_FOUND);
    assert_eq!(server.get("/api/v1/models/m/versions/1/card?format=pdf").status, StatusCode::BAD_REQUEST);
}

#[test]
fn as_markdown_it_has_a_head_for_the_hub_that_no_text_can_leave() {
    let server = TestServer::new();
    registered(&server);
    let answer = server.get("/api/v1/models/m/versions/1/card?format=markdown");
    let (head, body) = answer.text.strip_prefix("---\n").unwrap().split_once("\n---\n").unwrap();
    assert_eq!(head.lines().next(), Some("license: \"apache-2.0\""));
    assert!(head.contains("library_name: \"flyball\""));
    assert!(!body.contains("<script>") && !body.contains("\n---") && !body.contains("\n# Owned"), "{body}");
    assert!(body.contains("not said (the tag `card.limitations` says where it is known to be weak)"), "{body}");
    let page = server.get("/models/m/versions/1/card");
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("Model card") && !page.text.contains("<script>alert"), "{}", page.text);
}
