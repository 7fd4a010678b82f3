//! Experiments, runs, files and models through the native API.

use axum::http::{HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};

use crate::fixture::{Answer, TestServer, request};

fn call(server: &TestServer, method: Method, path: &str, body: &Value) -> Answer {
    let mut request = request(method, path, if body.is_null() { String::new() } else { body.to_string() });
    request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    server.send(request)
}

fn made(server: &TestServer, method: Method, path: &str, body: &Value) -> Value {
    let answer = call(server, method, path, body);
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
    answer.json()
}

fn start(server: &TestServer, experiment: &str) -> String {
    let run = made(server, Method::POST, "/api/v1/runs", &json!({ "experiment": experiment, "tags": { "team": "a" } }));
    run["id"].as_str().unwrap().to_owned()
}

fn found(answer: &Answer, key: &str) -> Vec<String> {
    let list = answer.json();
    list.as_array().unwrap().iter().map(|one| one[key].as_str().unwrap().to_owned()).collect()
}

#[test]
fn runs_are_started_logged_found_and_binned() {
    let server = TestServer::new();
    let runs: Vec<String> = (0..3).map(|_| start(&server, "churn model")).collect();
    for (run, auc) in runs.iter().zip([0.6, 0.9, 0.8]) {
        let body = json!({
            "metrics": [{ "key": "auc", "value": auc, "step": 1 }, { "key": "gap", "value": null }],
            "params": { "depth": "6" }, "tags": { "team": "b" },
        });
        let told = made(&server, Method::POST, &format!("/api/v1/runs/{run}/log"), &body);
        assert_eq!(told, json!({ "run": run, "logged": 4 }));
        let run = server.get(&format!("/api/v1/runs/{run}")).json();
        assert_eq!(run["metrics"][0]["value"], auc);
        assert_eq!(run["metrics"][1]["value"], Value::Null, "there was none");
    }
    let query = "experiment=churn%20model&filter=metrics.auc%20%3E%200.7&order_by=metrics.auc%20DESC&limit=1";
    let page = server.get(&format!("/api/v1/runs?{query}"));
    assert_eq!(found(&page, "id"), [runs[1].clone()]);
    let token = page.headers["next-page-token"].to_str().unwrap();
    let rest = server.get(&format!("/api/v1/runs?{query}&page_token={token}"));
    assert_eq!(found(&rest, "id"), [runs[2].clone()]);
    assert!(rest.headers.get("next-page-token").is_none());

    let ended = made(&server, Method::PATCH, &format!("/api/v1/runs/{}", runs[0]), &json!({ "status": "failed" }));
    assert_eq!((&ended["status"], ended["ended_at"].is_null()), (&json!("failed"), false));
    let change = json!({ "status": "running", "tags": { "none": null } });
    let ended = made(&server, Method::PATCH, &format!("/api/v1/runs/{}", runs[0]), &change);
    assert_eq!((&ended["status"], ended["ended_at"].is_null()), (&json!("running"), true));
    made(&server, Method::DELETE, &format!("/api/v1/runs/{}", runs[0]), &Value::Null);
    assert_eq!(server.get("/api/v1/runs").json().as_array().unwrap().len(), 2);
    assert_eq!(found(&server.get("/api/v1/runs?deleted=true"), "id"), [runs[0].clone()]);
    made(&server, Method::POST, &format!("/api/v1/runs/{}/restore", runs[0]), &Value::Null);
    assert_eq!(server.get("/api/v1/runs").json().as_array().unwrap().len(), 3);
}

#[test]
fn what_cannot_be_is_refused_with_the_next_step() {
    let server = TestServer::new();
    let run = start(&server, "x");
    for (method, path, body, status) in [
        (Method::GET, "/api/v1/runs?filter=metrics.auc%20~%201".to_owned(), Value::Null, 400),
        (Method::GET, "/api/v1/runs?limit=0".to_owned(), Value::Null, 400),
        (Method::GET, "/api/v1/runs?nonsense=1".to_owned(), Value::Null, 400),
        (Method::POST, format!("/api/v1/runs/{run}/log"), json!({ "metrics": [{ "key": "m" }] }), 400),
        (Method::PATCH, format!("/api/v1/runs/{run}"), json!({ "status": "done" }), 400),
        (Method::GET, "/api/v1/runs?experiment=nobody".to_owned(), Value::Null, 404),
        (Method::GET, "/api/v1/models?deleted=true".to_owned(), Value::Null, 400),
        (Method::GET, "/api/v1/experiments/nobody".to_owned(), Value::Null, 404),
        (Method::POST, "/api/v1/runs/nobody/log".to_owned(), json!({ "params": { "a": "1" } }), 404),
        (Method::POST, format!("/api/v1/runs/{run}/log"), json!({ "params": { "a\n": "1" } }), 400),
        (Method::POST, "/api/v1/experiments".to_owned(), json!({ "name": "x" }), 409),
        (Method::PUT, "/api/v1/models/none/aliases/champion".to_owned(), json!({ "version": 1 }), 404),
        (Method::GET, format!("/api/v1/runs/{run}/artifacts/../x"), Value::Null, 400),
        (Method::GET, format!("/api/v1/runs/{run}/artifacts/x%2F..%2Fy"), Value::Null, 400),
        (Method::GET, format!("/api/v1/runs/{run}/artifacts/none"), Value::Null, 404),
    ] {
        let answer = call(&server, method.clone(), &path, &body);
        assert_eq!(answer.status.as_u16(), status, "{method} {path}: {}", answer.text);
        let told = answer.json();
        assert!(told["error"]["message"].as_str().is_some_and(|text| !text.is_empty()), "{path}: {told}");
        let framework = told["error"]["message"].as_str().unwrap_or_default().starts_with("the request is malformed: ");
        assert!(!framework || told["error"]["hint"].is_string(), "{path}: {told}");
    }
}

#[test]
fn experiments_are_named_tagged_and_binned() {
    let server = TestServer::new();
    let one = made(&server, Method::POST, "/api/v1/experiments", &json!({ "name": "a/b c", "tags": { "k": "v" } }));
    assert_eq!((&one["name"], &one["tags"][0]["value"]), (&json!("a/b c"), &json!("v")));
    let change = json!({ "name": "d", "tags": { "k": null, "l": "w" } });
    let one = made(&server, Method::PATCH, "/api/v1/experiments/a%2Fb%20c", &change);
    assert_eq!((&one["name"], &one["tags"]), (&json!("d"), &json!([{ "key": "l", "value": "w" }])));
    let query = "/api/v1/experiments?filter=tags.l%20%3D%20'w'";
    assert_eq!(found(&server.get(query), "name"), ["d"]);
    let run = start(&server, "d");
    made(&server, Method::DELETE, "/api/v1/experiments/d", &Value::Null);
    assert!(found(&server.get(query), "name").is_empty());
    assert_eq!(found(&server.get("/api/v1/runs?deleted=true"), "id"), [run]);
    made(&server, Method::POST, "/api/v1/experiments/d/restore", &Value::Null);
    assert_eq!(found(&server.get(query), "name"), ["d"]);
}

#[test]
fn a_run_keeps_files_becomes_a_version_and_tells_its_lineage() {
    let server = TestServer::new();
    let (parent, run) = (start(&server, "x"), start(&server, "x"));
    let tags = json!({ "mlflow.parentRunId": parent, "mlflow.source.git.commit": "abc" });
    made(&server, Method::PATCH, &format!("/api/v1/runs/{run}"), &json!({ "tags": tags }));
    for (path, text) in [("model/MLmodel", "flavors: {}"), ("model/requirements.txt", "numpy==2.1\n"), ("a b.txt", "")]
    {
        let path = format!("/api/v1/runs/{run}/artifacts/{}", path.replace(' ', "%20"));
        let kept = server.send(request(Method::PUT, &path, text.to_owned()));
        assert_eq!((kept.status, kept.json()["size"].as_u64()), (StatusCode::OK, Some(text.len() as u64)));
    }
    let listed = |query: &str| found(&server.get(&format!("/api/v1/runs/{run}/artifacts{query}")), "name");
    assert_eq!(
        (listed(""), listed("?path=model/")),
        (vec!["a b.txt".into(), "model".into()], vec!["MLmodel".into(), "requirements.txt".into()])
    );
    assert_eq!(server.get(&format!("/api/v1/runs/{run}/artifacts/model/MLmodel")).text, "flavors: {}");

    let body = json!({ "run_id": run, "description": "first", "tags": { "t": "1" } });
    let version = made(&server, Method::POST, "/api/v1/models/churn/versions", &body);
    assert_eq!((&version["version"], &version["source"]), (&json!(1), &json!(format!("runs:/{run}/model"))));
    let body = json!({ "version": 1, "reason": "it is the first" });
    let version = made(&server, Method::PUT, "/api/v1/models/churn/aliases/champion", &body);
    assert_eq!(version["aliases"], json!(["champion"]));

    let lineage = server.get(&format!("/api/v1/runs/{run}/lineage")).json();
    assert_eq!((&lineage["parent"], &lineage["code"]["commit"]), (&json!(parent), &json!("abc")));
    assert_eq!(lineage["versions"], json!([{ "version": "churn/1", "aliases": ["champion"] }]));
    assert_eq!(lineage["environment"][0]["text"], "numpy==2.1\n");
    let of_parent = server.get(&format!("/api/v1/runs/{parent}/lineage")).json();
    assert_eq!(of_parent["children"], json!([run]));

    let listed = server.get("/api/v1/models?filter=tags.t%20%3D%20'1'").json();
    assert_eq!((&listed[0]["model"], &listed[0]["aliases"]), (&json!("churn"), &json!(["champion"])));
    made(&server, Method::DELETE, "/api/v1/models/churn/aliases/champion", &Value::Null);
    let change = json!({ "description": "second", "tags": { "t": null } });
    let version = made(&server, Method::PATCH, "/api/v1/models/churn/versions/1", &change);
    assert_eq!(
        (&version["description"], &version["tags"], &version["aliases"]),
        (&json!("second"), &json!([]), &json!([]))
    );
    made(&server, Method::DELETE, "/api/v1/models/churn/versions/1", &Value::Null);
    made(&server, Method::DELETE, "/api/v1/models/churn", &Value::Null);
    assert_eq!(call(&server, Method::DELETE, "/api/v1/models/churn", &Value::Null).status, StatusCode::NOT_FOUND);
}

#[test]
fn a_registered_graph_is_deployed_and_shares_the_traffic() {
    let server = TestServer::new();
    let register = |graph: &str, at: &str| {
        let run = start(&server, "x");
        let kept = server.send(request(Method::PUT, &format!("/api/v1/runs/{run}/artifacts/{at}"), graph.to_owned()));
        assert_eq!(kept.status, StatusCode::OK, "{}", kept.text);
        made(&server, Method::POST, "/api/v1/models/late-by-hand/versions", &json!({ "run_id": run }))
    };
    register("classification", "model/model.onnx");
    register("classification, again", "model/model.onnx");
    register("regression", "model/model.onnx");
    register("pickled", "model/model.pkl");
    let part =
        |version: i64, per_mille: u16| json!({ "model": "late-by-hand", "version": version, "per_mille": per_mille });
    let deploy = |name: &str, parts: Value| {
        call(&server, Method::PUT, &format!("/api/v1/endpoints/{name}/traffic"), &json!({ "parts": parts }))
    };
    for (parts, status, wanted) in [
        (json!([]), 400, "0 %"),
        (json!([part(1, 900)]), 400, "90 %"),
        (json!([part(1, 500), part(1, 500)]), 400, "named twice"),
        (json!([part(9, 1000)]), 404, "version=9"),
        (json!([part(4, 1000)]), 422, "hold no MLmodel"),
        (json!([part(1, 500), part(3, 500)]), 409, "another task"),
    ] {
        let answer = deploy("mine", parts);
        assert!(answer.status.as_u16() == status && answer.text.contains(wanted), "{}: {}", answer.status, answer.text);
    }
    assert_eq!(server.get("/v2/models/mine").status, StatusCode::NOT_FOUND, "nothing was made");
    let answer = deploy("mine", json!([part(1, 900), part(2, 100)]));
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(answer.json()["revisions"].as_array().map(Vec::len), Some(2));
    let rows = json!({ "rows": [{ "distance": 250, "origin": "EWR" }], "version": 2 });
    let predicted = made(&server, Method::POST, "/api/v1/endpoints/mine/predict", &rows);
    assert_eq!(predicted["predictions"][0]["prediction"], "on_time");
    assert_eq!(predicted["predictions"][0]["version"], 2);
    let moved = deploy("mine", json!([part(2, 1000)]));
    assert_eq!(moved.json()["revisions"].as_array().map(Vec::len), Some(1));
}
