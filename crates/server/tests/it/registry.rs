//! The registry and webhooks as clients call them.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use crate::fixture::{Answer, TestServer};

const MODELS: &str = "registered-models";
const VERSIONS: &str = "model-versions";

fn call(server: &TestServer, method: Method, path: &str, body: &Value) -> Answer {
    let request =
        Request::builder().method(method).uri(format!("/api/2.0/mlflow/{path}")).header("host", "localhost:5050");
    let request = request.header("content-type", "application/json").body(Body::from(body.to_string()));
    server.send(request.unwrap())
}

fn good(server: &TestServer, method: Method, path: &str, body: &Value) -> Value {
    let answer = call(server, method, path, body);
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
    answer.json()
}

fn bad(server: &TestServer, method: Method, path: &str, body: &Value) -> (u16, String) {
    let answer = call(server, method, path, body);
    (answer.status.as_u16(), answer.json()["error_code"].as_str().unwrap().to_owned())
}

#[test]
fn models_have_the_shape_that_clients_read() {
    let server = TestServer::new();
    let body = json!({ "name": "m", "tags": [{ "key": "k", "value": "v" }], "description": "d" });
    let made = good(&server, Method::POST, &format!("{MODELS}/create"), &body)["registered_model"].clone();
    assert_eq!((&made["name"], &made["description"]), (&json!("m"), &json!("d")));
    assert_eq!(made["tags"], json!([{ "key": "k", "value": "v" }]));
    assert!(made["creation_timestamp"].is_i64() && made["last_updated_timestamp"].is_i64());
    assert!(made.get("latest_versions").is_none() && made.get("aliases").is_none(), "empty lists are left out");
    let updated = good(&server, Method::PATCH, &format!("{MODELS}/update"), &json!({ "name": "m" }));
    assert!(updated["registered_model"].get("description").is_none(), "an absent description clears it");
    assert_eq!(
        bad(&server, Method::POST, &format!("{MODELS}/create"), &body),
        (400, "RESOURCE_ALREADY_EXISTS".to_owned())
    );
    for (body, fragment) in [
        (json!({ "name": "" }), "Missing value for required parameter 'name'"),
        (json!({ "name": "a/b" }), "Invalid model name 'a/b'"),
        (json!({ "name": 5 }), "'name'"),
    ] {
        let answer = call(&server, Method::POST, &format!("{MODELS}/create"), &body);
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.json()["message"].as_str().unwrap().contains(fragment), "{}", answer.text);
    }
    let renamed = good(&server, Method::POST, &format!("{MODELS}/rename"), &json!({ "name": "m", "new_name": "n" }));
    assert_eq!(renamed["registered_model"]["name"], "n");
    assert_eq!(
        server.get(&format!("/ajax-api/2.0/mlflow/{MODELS}/get?name=n")).json()["registered_model"]["name"],
        "n"
    );
    assert_eq!(good(&server, Method::DELETE, &format!("{MODELS}/delete"), &json!({ "name": "n" })), json!({}));
    let gone = server.get(&format!("/api/2.0/mlflow/{MODELS}/get?name=n"));
    assert_eq!((gone.status.as_u16(), gone.json()["error_code"].as_str()), (404, Some("RESOURCE_DOES_NOT_EXIST")));
}

#[test]
fn versions_have_the_shape_that_clients_read() {
    let server = TestServer::new();
    good(&server, Method::POST, &format!("{MODELS}/create"), &json!({ "name": "m" }));
    let create = format!("{VERSIONS}/create");
    let made =
        good(&server, Method::POST, &create, &json!({ "name": "m", "source": "s3://b/x" }))["model_version"].clone();
    let at = made["creation_timestamp"].clone();
    assert_eq!(
        made,
        json!({
            "name": "m", "version": "1", "creation_timestamp": at, "last_updated_timestamp": at, "current_stage": "None",
            "description": "", "source": "s3://b/x", "run_id": "", "run_link": "", "status": "READY",
        })
    );
    let tag = json!({ "name": "m", "version": "1", "key": "k", "value": "v" });
    assert_eq!(good(&server, Method::POST, &format!("{VERSIONS}/set-tag"), &tag), json!({}));
    let alias = json!({ "name": "m", "alias": "best", "version": "1" });
    assert_eq!(good(&server, Method::POST, &format!("{MODELS}/alias"), &alias), json!({}));
    let found =
        server.get(&format!("/api/2.0/mlflow/{MODELS}/alias?name=m&alias=best")).json()["model_version"].clone();
    assert_eq!((&found["tags"], &found["aliases"]), (&json!([{ "key": "k", "value": "v" }]), &json!(["best"])));
    let model = server.get(&format!("/api/2.0/mlflow/{MODELS}/get?name=m")).json()["registered_model"].clone();
    assert_eq!(model["aliases"], json!([{ "alias": "best", "version": "1" }]));
    assert_eq!(model["latest_versions"][0]["version"], "1");
    let place = server.get(&format!("/api/2.0/mlflow/{VERSIONS}/get-download-uri?name=m&version=1"));
    assert_eq!(place.json(), json!({ "artifact_uri": "s3://b/x" }));
    let stage = json!({ "name": "m", "version": "1", "stage": "production", "archive_existing_versions": true });
    let moved = good(&server, Method::POST, &format!("{VERSIONS}/transition-stage"), &stage);
    assert_eq!(moved["model_version"]["current_stage"], "Production");
    let latest = good(
        &server,
        Method::POST,
        &format!("{MODELS}/get-latest-versions"),
        &json!({ "name": "m", "stages": ["Production"] }),
    );
    assert_eq!(latest["model_versions"][0]["aliases"], json!(["best"]));
    for (path, status) in [
        (format!("{VERSIONS}/get?name=m&version=x"), 400),
        (format!("{VERSIONS}/get?name=m&version=2"), 404),
        (format!("{MODELS}/alias?name=m&alias=none"), 400),
    ] {
        assert_eq!(server.get(&format!("/api/2.0/mlflow/{path}")).status.as_u16(), status, "{path}");
    }
    let deletion = json!({ "name": "m", "version": "1" });
    assert_eq!(good(&server, Method::DELETE, &format!("{VERSIONS}/delete"), &deletion), json!({}));
    let next = good(&server, Method::POST, &create, &json!({ "name": "m", "source": "s3://b/x" }));
    assert_eq!(next["model_version"]["version"], "2");
}

#[test]
fn searches_answer_pages() {
    let server = TestServer::new();
    let search = |path: &str| server.get(&format!("/api/2.0/mlflow/{path}"));
    assert_eq!(search(&format!("{MODELS}/search")).json(), json!({}));
    for name in ["a", "b", "c"] {
        good(&server, Method::POST, &format!("{MODELS}/create"), &json!({ "name": name }));
        good(&server, Method::POST, &format!("{VERSIONS}/create"), &json!({ "name": name, "source": "s3://b/x" }));
    }
    let names = |page: &Value| -> Vec<String> {
        let list = page["registered_models"].as_array().unwrap();
        list.iter().map(|model| model["name"].as_str().unwrap().to_owned()).collect()
    };
    let first = search(&format!("{MODELS}/search?max_results=2&order_by=name%20DESC")).json();
    assert_eq!(names(&first), ["c", "b"]);
    let token = first["next_page_token"].as_str().unwrap();
    let second = search(&format!("{MODELS}/search?max_results=2&order_by=name%20DESC&page_token={token}")).json();
    assert_eq!((names(&second), second.get("next_page_token")), (vec!["a".to_owned()], None));
    let versions = search(&format!("{VERSIONS}/search?filter=name%3D%27b%27")).json();
    assert_eq!(versions["model_versions"][0]["name"], "b");
    for bad in [
        "registered-models/search?max_results=1001",
        "registered-models/search?filter=x",
        "model-versions/search?max_results=0",
    ] {
        let answer = search(bad);
        assert_eq!(
            (answer.status.as_u16(), answer.json()["error_code"].as_str()),
            (400, Some("INVALID_PARAMETER_VALUE"))
        );
    }
}

#[test]
fn webhooks_have_the_shape_that_clients_read() {
    let server = TestServer::new();
    let body = json!({
        "name": "hook", "url": "http://127.0.0.1:1/x", "secret": "hush", "description": "d",
        "events": [{ "entity": "MODEL_VERSION", "action": "CREATED" }, { "entity": 8, "action": 4 }],
    });
    let made = good(&server, Method::POST, "webhooks", &body)["webhook"].clone();
    let id = made["webhook_id"].as_str().unwrap().to_owned();
    assert_eq!(id.len(), 36);
    assert!(made["creation_timestamp"].is_i64() && !made.to_string().contains("hush"), "{made}");
    assert_eq!((&made["status"], &made["description"]), (&json!("ACTIVE"), &json!("d")));
    assert_eq!(
        made["events"],
        json!([
            { "entity": "MODEL_VERSION", "action": "CREATED" },
            { "entity": "PROMPT_VERSION_TAG", "action": "SET" },
        ])
    );
    let changed = good(&server, Method::PATCH, &format!("webhooks/{id}"), &json!({ "status": "DISABLED" }));
    assert_eq!((&changed["webhook"]["status"], &changed["webhook"]["name"]), (&json!("DISABLED"), &json!("hook")));
    assert_eq!(server.get("/api/2.0/mlflow/webhooks").json()["webhooks"][0]["webhook_id"], id.as_str());
    let tried = good(&server, Method::POST, &format!("webhooks/{id}/test"), &json!({}))["result"].clone();
    assert_eq!(tried["success"], false);
    assert!(tried["error_message"].is_string() && tried.get("response_status").is_none(), "{tried}");
    for (change, fragment) in [
        (json!({ "events": [] }), "'events'"),
        (json!({ "events": [{ "entity": "MODEL_VERSION", "action": "DELETED" }] }), "Invalid action"),
        (json!({ "events": [{ "entity": "NONSENSE", "action": "SET" }] }), "'events[0].entity'"),
        (json!({ "name": "-" }), "Webhook name"),
        (json!({ "url": "ftp://x/" }), "scheme"),
        (json!({ "url": "" }), "'url'"),
    ] {
        let mut body = body.clone();
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let answer = call(&server, Method::POST, "webhooks", &body);
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
        assert!(answer.json()["message"].as_str().unwrap().contains(fragment), "{}", answer.text);
    }
    assert_eq!(server.get("/api/2.0/mlflow/webhooks?max_results=1001").status, StatusCode::BAD_REQUEST);
    assert_eq!(good(&server, Method::DELETE, &format!("webhooks/{id}"), &json!({})), json!({}));
    assert_eq!(server.get(&format!("/api/2.0/mlflow/webhooks/{id}")).status, StatusCode::NOT_FOUND);
}
