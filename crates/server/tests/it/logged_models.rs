//! Logged models as clients call them.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};

use crate::fixture::TestServer;

/// The status and the answer of a call.
fn call(server: &TestServer, method: Method, path: &str, body: &Value) -> (u16, Value) {
    let request = Request::builder().method(method).uri(format!("/api/2.0/mlflow/{path}"));
    let request = request.header("host", "localhost:5050").header("content-type", "application/json");
    let answer = server.send(request.body(Body::from(body.to_string())).unwrap());
    (answer.status.as_u16(), answer.json())
}

fn good(server: &TestServer, method: Method, path: &str, body: &Value) -> Value {
    let (status, answer) = call(server, method, path, body);
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

/// An experiment and a model in it.
fn model(server: &TestServer) -> (String, String) {
    let made = good(server, Method::POST, "experiments/create", &json!({ "name": "models" }));
    let experiment = made["experiment_id"].as_str().unwrap().to_owned();
    let body = json!({
        "experiment_id": experiment, "name": "tree", "model_type": "sklearn", "source_run_id": "r1",
        "params": [{ "key": "depth", "value": "3" }], "tags": [{ "key": "team", "value": "red" }],
    });
    let made = good(server, Method::POST, "logged-models", &body);
    let id = made["model"]["info"]["model_id"].as_str().unwrap().to_owned();
    (experiment, id)
}

#[test]
fn a_logged_model_has_the_shape_that_clients_read() {
    let server = TestServer::new();
    let (experiment, id) = model(&server);
    assert!(id.len() == 34 && id.starts_with("m-"), "{id}");
    let path = format!("logged-models/{id}");
    let shape = good(&server, Method::GET, &path, &json!({}))["model"].clone();
    let at = shape["info"]["creation_timestamp_ms"].clone();
    let wanted = json!({
        "info": {
            "model_id": id, "experiment_id": experiment, "name": "tree", "creation_timestamp_ms": at,
            "last_updated_timestamp_ms": at, "artifact_uri": format!("mlflow-artifacts:/{experiment}/models/{id}/artifacts"),
            "status": "LOGGED_MODEL_PENDING", "model_type": "sklearn", "source_run_id": "r1",
            "tags": [{ "key": "team", "value": "red" }],
        },
        "data": { "params": [{ "key": "depth", "value": "3" }] },
    });
    assert_eq!(shape, wanted);
    for (status, shown) in
        [(json!("LOGGED_MODEL_READY"), "LOGGED_MODEL_READY"), (json!(3), "LOGGED_MODEL_UPLOAD_FAILED")]
    {
        let body = json!({ "model_id": id, "status": status });
        assert_eq!(good(&server, Method::PATCH, &path, &body)["model"]["info"]["status"], shown);
    }
    let tags = json!({ "tags": [{ "key": "team", "value": "blue" }, { "key": "n", "value": "" }] });
    assert_eq!(good(&server, Method::PATCH, &format!("{path}/tags"), &tags), json!({}));
    assert_eq!(good(&server, Method::DELETE, &format!("{path}/tags/n"), &json!({})), json!({}));
    let params = json!({ "model_id": id, "params": [{ "key": "lr", "value": "0.1" }] });
    assert_eq!(good(&server, Method::POST, &format!("{path}/params"), &params), json!({}));
    let changed = good(&server, Method::GET, &path, &json!({}))["model"].clone();
    assert_eq!(changed["info"]["tags"], json!([{ "key": "team", "value": "blue" }]));
    assert_eq!(changed["data"]["params"].as_array().unwrap().len(), 2);

    assert_eq!(good(&server, Method::DELETE, &path, &json!({})), json!({}));
    let (status, answer) = call(&server, Method::GET, &path, &json!({}));
    assert_eq!((status, &answer["error_code"]), (404, &json!("RESOURCE_DOES_NOT_EXIST")));
    good(&server, Method::GET, &format!("{path}?allow_deleted=True"), &json!({}));
}

#[test]
fn models_are_found_page_by_page() {
    let server = TestServer::new();
    let (experiment, _) = model(&server);
    for _more in 0..2 {
        good(&server, Method::POST, "logged-models", &json!({ "experiment_id": experiment, "name": "net" }));
    }
    let mut search = json!({
        "experiment_ids": [experiment], "filter": "name = 'net'", "max_results": 1,
        "order_by": [{ "field_name": "creation_timestamp", "ascending": false }],
    });
    let first = good(&server, Method::POST, "logged-models/search", &search);
    search["page_token"] = first["next_page_token"].clone();
    let second = good(&server, Method::POST, "logged-models/search", &search);
    assert!(second.get("next_page_token").is_none());
    assert_ne!(first["models"][0]["info"]["model_id"], second["models"][0]["info"]["model_id"]);
    search["filter"] = json!("name = 'tree'");
    assert_eq!(call(&server, Method::POST, "logged-models/search", &search).0, 400, "another query's token");
    assert_eq!(good(&server, Method::POST, "logged-models/search", &json!({ "experiment_ids": [] })), json!({}));
}

#[test]
fn wrong_calls_name_what_is_wrong() {
    let server = TestServer::new();
    let (experiment, id) = model(&server);
    let path = format!("logged-models/{id}");
    for (method, path, body, status, part) in [
        (Method::POST, "logged-models", json!({}), 400, "Missing value for required parameter 'experiment_id'"),
        (Method::POST, "logged-models", json!({ "experiment_id": "77" }), 404, "No Experiment with id=77 exists"),
        (
            Method::POST,
            "logged-models",
            json!({ "experiment_id": experiment, "name": "a/b" }),
            400,
            "Invalid model name",
        ),
        (Method::PATCH, &path, json!({ "status": 2 }), 400, "Missing value for required parameter 'model_id'"),
        (Method::PATCH, &path, json!({ "model_id": id }), 400, "Missing value for required parameter 'status'"),
        (Method::PATCH, &path, json!({ "model_id": "m-1", "status": 2 }), 400, "not the model of the path"),
        (Method::GET, "logged-models/m-1", json!({}), 404, "Logged model with ID 'm-1' not found"),
        (Method::DELETE, "logged-models/m-1", json!({}), 404, "Logged model with ID 'm-1' not found"),
        (Method::DELETE, &format!("{path}/tags/x"), json!({}), 404, "No tag with key 'x'"),
        (
            Method::POST,
            "logged-models/search",
            json!({ "experiment_ids": ["0"], "filter": "a" }),
            400,
            "is not compared",
        ),
        (Method::POST, "logged-models/search", json!({ "experiment_ids": ["x"] }), 400, "Invalid experiment ID"),
        (
            Method::POST,
            "logged-models/search",
            json!({ "experiment_ids": ["0"], "max_results": -1 }),
            400,
            "max_results",
        ),
        (Method::POST, "logged-models/search", json!({ "experiment_ids": ["0"], "order_by": [{}] }), 400, "field_name"),
    ] {
        let (got, answer) = call(&server, method, path, &body);
        let message = answer["message"].as_str().unwrap_or_default();
        assert!(got == status && message.contains(part), "{path} {body}: {got} {answer}");
    }
}
