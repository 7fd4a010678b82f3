//! Labelling over HTTP: from a file to a dataset version, the page beside it, and what is refused.

use axum::http::{HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

use crate::fixture::{Answer, TestServer, request};

const PROJECTS: &str = "/api/v1/labels/projects";

fn send(server: &TestServer, method: Method, path: &str, body: &Value) -> Answer {
    let mut asked = request(method, path, body.to_string());
    asked.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    server.send(asked)
}

fn with_project() -> TestServer {
    let server = TestServer::new();
    let settings = json!({ "kind": "classification", "text": "text", "overlap": 2,
        "classes": [{ "name": "<b>cat</b>" }, { "name": "dog", "hot_key": "d" }], "instructions": "Look \"well\"." });
    let made = send(&server, Method::POST, PROJECTS, &json!({ "name": "pets", "settings": settings }));
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    let lines =
        "{\"text\": \"woof\", \"label\": \"dog\", \"annotator\": \"ann\"}\n{\"text\": \"<script>alert(1)</script>\"}\n";
    let file = request(Method::PUT, &format!("{PROJECTS}/pets/files/jsonl"), lines.to_owned());
    assert_eq!(server.send(file).json(), json!({ "tasks": 2, "annotations": 1, "predictions": 0 }));
    server
}

#[test]
fn a_file_is_labelled_and_becomes_a_dataset_version() {
    let server = with_project();
    let next = || send(&server, Method::POST, &format!("{PROJECTS}/pets/next"), &json!({ "annotator": "ben" })).json();
    let first = next();
    assert_eq!(first["task"]["data"]["text"], "woof");
    let annotate = |task: &Value, label: Value| {
        let path = format!("/api/v1/labels/tasks/{}/annotations", task["task"]["id"].as_str().unwrap());
        send(&server, Method::POST, &path, &json!({ "label": label, "annotator": "ben" }))
    };
    assert_eq!(annotate(&first, json!({ "choice": "fish" })).status, StatusCode::BAD_REQUEST);
    assert_eq!(annotate(&first, json!({ "choice": "dog" })).json()["state"], "submitted");
    let second = next();
    assert_eq!(annotate(&second, Value::Null).json()["state"], "skipped");
    assert!(next().is_null());
    assert_eq!(server.get(&format!("{PROJECTS}/pets/agreement")).json()["percent"], 1.0);
    let done = send(&server, Method::POST, &format!("{PROJECTS}/pets/commits"), &json!({})).json();
    assert_eq!((&done["version"]["dataset"], &done["version"]["rows"]), (&json!("pets-labels"), &json!(1)));
    let exported = server.get(&format!("{PROJECTS}/pets/files/label-studio")).json();
    assert_eq!(exported[0]["annotations"].as_array().unwrap().len(), 2);
    let page = server.get("/labels/pets").text;
    assert!(page.contains("pets-labels@1") && page.contains("1 of 2"), "{page}");
}

#[test]
fn the_pages_escape_what_people_wrote() {
    let server = with_project();
    for path in ["/labels", "/labels/pets", "/labels/pets/annotate", "/labels/pets/review"] {
        let page = server.get(path);
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(!page.text.contains("<b>cat") && !page.text.contains("<script>alert"), "{path}");
    }
    assert_eq!(server.get("/labels/nobody").status, StatusCode::NOT_FOUND);
    assert_eq!(server.get("/labels/..%2Fx/annotate").status, StatusCode::BAD_REQUEST);
}

#[test]
fn what_is_wrong_is_refused_with_its_place() {
    let server = with_project();
    let put = |format: &str, body: &str| {
        server.send(request(Method::PUT, &format!("{PROJECTS}/pets/files/{format}"), body.to_owned()))
    };
    let broken = put("jsonl", "{\"text\": 1}\nnot json\n");
    assert_eq!(broken.status, StatusCode::BAD_REQUEST);
    assert!(broken.text.contains("line 2"), "{}", broken.text);
    assert_eq!(put("brush", "x").status, StatusCode::BAD_REQUEST);
    let tasks = server.get(&format!("{PROJECTS}/pets/tasks")).json();
    assert_eq!(tasks.as_array().unwrap().len(), 2, "nothing of the broken file is there");
    let id = tasks[0]["id"].as_str().unwrap();
    let image = server.get(&format!("/api/v1/labels/tasks/{id}/image"));
    assert_eq!(image.status, StatusCode::NOT_FOUND, "the task has no image");
    let again = send(&server, Method::POST, PROJECTS, &json!({ "name": "pets", "settings": { "kind": "pairwise" } }));
    assert_eq!(again.status, StatusCode::CONFLICT);
    let unknown = send(&server, Method::POST, PROJECTS, &json!({ "name": "x", "settings": { "kind": "maps" } }));
    assert!(unknown.status.is_client_error());
    let none = server.get(&format!("{PROJECTS}/pets/issues?source=model"));
    assert!(none.status.is_client_error() && none.text.contains("probabilities"), "{}", none.text);
}

#[test]
fn images_come_from_the_project_folder_only() {
    let server = TestServer::new();
    let settings = json!({ "kind": "boxes", "classes": [{ "name": "cat" }] });
    send(&server, Method::POST, PROJECTS, &json!({ "name": "photos", "settings": settings }));
    let root = &server.app.platform.project_root;
    std::fs::create_dir_all(root).unwrap();
    std::fs::write(root.join("a.png"), b"PNG").unwrap();
    std::fs::write(root.join("b.svg"), b"<svg/>").unwrap();
    let lines =
        ["a.png", "b.svg", "../secret.png", "/etc/passwd", "*.png"].map(|path| json!({ "image": path }).to_string());
    let file = request(Method::PUT, &format!("{PROJECTS}/photos/files/jsonl"), lines.join("\n"));
    assert_eq!(server.send(file).json()["tasks"], 5);
    let tasks = server.get(&format!("{PROJECTS}/photos/tasks")).json();
    let image = |at: usize| server.get(&format!("/api/v1/labels/tasks/{}/image", tasks[at]["id"].as_str().unwrap()));
    assert_eq!(image(0).status, StatusCode::OK);
    assert_eq!(image(0).headers["content-type"], "image/png");
    assert!((1..5).all(|at| image(at).status.is_client_error()));
}

#[test]
fn the_model_of_an_endpoint_labels_first_and_orders_the_queue() {
    let server = TestServer::new();
    let platform = &server.app.platform;
    std::fs::write(platform.project_root.join("trips.csv"), "id,distance,origin\na,100,JFK\nb,520,EWR\nc,900,JFK\n")
        .unwrap();
    let permit = flyball_governance::identity::local_user().unwrap().edit();
    platform.datasets.ingest(&permit, &"trips".parse().unwrap(), "trips.csv").unwrap();
    let settings = json!({ "kind": "classification", "dataset": "trips", "key": "id",
        "classes": [{ "name": "on_time" }, { "name": "late" }] });
    send(&server, Method::POST, PROJECTS, &json!({ "name": "delays", "settings": settings }));
    let post =
        |rest: &str, body: Value| send(&server, Method::POST, &format!("{PROJECTS}/delays/{rest}"), &body).json();
    assert_eq!(post("tasks", json!({}))["added"], 3);
    let done = post("prelabels", json!({ "endpoint": "flights" }));
    assert_eq!((&done["predictions"], &done["datasets"]), (&json!(3), &json!(["delays-predictions@1"])), "{done}");
    assert_eq!(post("prioritize", json!({ "source": "flights" }))["tasks"], 3);
    let first = post("next", json!({}));
    assert_eq!((&first["task"]["key"], &first["predictions"][0]["label"]), (&json!("b"), &json!({ "choice": "late" })));
    assert_eq!(first["predictions"][0]["source"], "flights");
}
