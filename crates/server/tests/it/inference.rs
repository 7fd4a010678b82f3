//! The Open Inference Protocol as clients speak it, and as attackers do.

use axum::body::{Body, to_bytes};
use axum::http::{Method, StatusCode};
use flyball_core::Timestamp;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::fixture::{TestServer, request};

fn inputs(distance: &Value, origin: &Value) -> Value {
    let rows = distance.as_array().unwrap().len();
    json!([
        { "name": "distance", "shape": [rows], "datatype": "FP64", "data": distance },
        { "name": "origin", "shape": [rows], "datatype": "BYTES", "data": origin },
    ])
}

#[test]
fn one_row_is_answered_with_label_probabilities_and_id() {
    let server = TestServer::new();
    let body = json!({ "id": "mine", "parameters": { "key": "UA-1", "at": "2013-03-01T12:00:00Z" },
        "inputs": inputs(&json!([750]), &json!(["EWR"])) });
    let answer = server.post("/v2/models/flights/infer", body.to_string());
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let json = answer.json();
    assert_eq!(json["id"], "mine");
    assert_eq!(json["model_name"], "flights");
    assert_eq!(
        json["outputs"],
        json!([
            { "name": "label", "datatype": "BYTES", "shape": [1], "data": ["late"] },
            { "name": "probabilities", "datatype": "FP64", "shape": [1, 2], "data": [0.25, 0.75] },
        ])
    );
    server.app.platform.serving.flush_and_commit().unwrap();
    let record =
        server.app.platform.serving.find_record(json["parameters"]["prediction_ids"][0].as_str().unwrap()).unwrap();
    assert_eq!(record.at, "2013-03-01T12:00:00Z".parse::<Timestamp>().unwrap());
    assert_eq!((record.key.as_deref(), record.score), (Some("UA-1"), Some(0.75)));
    assert_eq!(json["parameters"]["revision"], *record.revision.id);
    assert_eq!(json["model_version"], record.revision.version.to_string());
}

#[test]
fn rows_missing_values_and_shapes_are_understood() {
    let server = TestServer::new();
    let mut body = json!({ "inputs": inputs(&json!([[0], [null], [1000]]), &json!([["EWR"], [null], ["JFK"]])) });
    body["inputs"][0]["shape"] = json!([3, 1]);
    body["outputs"] = json!([{ "name": "probabilities" }]);
    let answer = server.post("/v2/models/flights/versions/2/infer", body.to_string());
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(answer.json()["model_version"], "2");
    assert_eq!(
        answer.json()["outputs"],
        json!([{ "name": "probabilities", "datatype": "FP64", "shape": [3, 2], "data": [1.0, 0.0, 0.5, 0.5, 0.0, 1.0] }])
    );
    let answer =
        server.post("/v2/models/delays/infer", json!({ "inputs": inputs(&json!([5]), &json!([null])) }).to_string());
    let outputs = answer.json()["outputs"].clone();
    assert_eq!(outputs, json!([{ "name": "prediction", "datatype": "FP64", "shape": [1], "data": [0.005] }]));
}

#[test]
fn rows_with_keys_tell_who_answered_each() {
    let server = TestServer::new();
    let keys: Vec<String> = (0..50).map(|key| format!("k{key}")).collect();
    let body =
        json!({ "parameters": { "keys": keys }, "inputs": inputs(&json!(vec![1; 50]), &json!(vec!["EWR"; 50])) });
    let json = server.post("/v2/models/flights/infer", body.to_string()).json();
    let revisions = json["parameters"]["revisions"].as_array().unwrap();
    assert_eq!(revisions.len(), 50);
    for (key, revision) in keys.iter().zip(revisions).take(5) {
        let body = json!({ "parameters": { "key": key }, "inputs": inputs(&json!([1]), &json!(["EWR"])) });
        let alone = server.post("/v2/models/flights/infer", body.to_string()).json();
        assert_eq!(&alone["parameters"]["revision"], revision);
    }
}

#[test]
fn broken_requests_are_refused_with_the_reason_and_counted() {
    let server = TestServer::new();
    let good = inputs(&json!([1]), &json!(["EWR"]));
    let with = |change: &dyn Fn(&mut Value)| {
        let mut body = json!({ "inputs": good });
        change(&mut body);
        body.to_string()
    };
    let cases = [
        ("{".to_owned(), "not an inference request"),
        ("[]".to_owned(), "not an inference request"),
        (format!("{{\"inputs\":{}", "[".repeat(50_000)), "not an inference request"),
        (with(&|b| b["inputs"][0]["shape"] = json!([2])), "its shape has 2 elements, its data 1"),
        (with(&|b| b["inputs"][0]["shape"] = json!([i64::MAX])), "its data 1"),
        (with(&|b| b["inputs"][0]["shape"] = json!([i64::MAX, i64::MAX])), "too many elements"),
        (with(&|b| b["inputs"][0]["data"] = json!(["1"])), "its data is not FP64"),
        (with(&|b| b["inputs"][0]["data"] = json!([{}])), "not an inference request"),
        (with(&|b| b["inputs"][1]["name"] = json!("orgin")), "the column 'origin' is missing"),
        (with(&|b| b["inputs"].as_array_mut().unwrap().truncate(1)), "the column 'origin' is missing"),
        (with(&|b| b["inputs"].as_array_mut().unwrap().push(good[0].clone())), "'distance' appears twice"),
        (
            with(&|b| b["inputs"][1] = json!({ "name": "origin", "shape": [1], "datatype": "FP64", "data": [1] })),
            "the column 'origin' is a number, the model takes text",
        ),
        (
            with(&|b| {
                b["inputs"][1] = json!({ "name": "origin", "shape": [2], "datatype": "BYTES", "data": ["a", "b"] })
            }),
            "the input 'origin' has 2 rows, the first has 1",
        ),
        (with(&|b| b["inputs"] = inputs(&json!([]), &json!([]))), "no rows"),
        (with(&|b| b["parameters"] = json!({ "at": "yesterday" })), "'yesterday' is not a time"),
        (with(&|b| b["parameters"] = json!({ "keys": ["a", "b"] })), "2 keys for 1 rows"),
        (with(&|b| b["parameters"] = json!({ "key": "a", "keys": ["b"] })), "not both"),
        (good_with_nan(), "not an inference request"),
    ];
    let count = cases.len() as u64;
    for (body, wanted) in cases {
        let answer = server.post("/v2/models/flights/infer", body.as_str());
        let (status, text) = (answer.status, answer.json()["error"].as_str().unwrap().to_owned());
        assert_eq!(status, StatusCode::BAD_REQUEST, "{wanted}: {text}");
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    let flights = server.app.platform.serving.endpoint("flights").unwrap().snapshot();
    assert_eq!(flights.refused, count);
    assert!(flights.revisions.iter().all(|revision| revision.counters.requests == 0));
}

fn good_with_nan() -> String {
    r#"{"inputs":[{"name":"distance","shape":[1],"datatype":"FP64","data":[NaN]}]}"#.to_owned()
}

#[test]
fn too_much_binary_and_unknown_things_are_refused() {
    let server = TestServer::new();
    let many = json!({ "inputs": inputs(&json!(vec![1; 100_001]), &json!(vec!["EWR"; 100_001])) });
    assert!(server.post("/v2/models/flights/infer", many.to_string()).text.contains("at most 100000 are answered"));
    let huge = "x".repeat(65 * 1024 * 1024);
    assert_eq!(server.post("/v2/models/flights/infer", huge).status, StatusCode::PAYLOAD_TOO_LARGE);
    for (header, value, wanted) in [
        ("inference-header-content-length", "3", "more than the body has"),
        ("inference-header-content-length", "0", "not the length"),
        ("inference-header-content-length", "-1", "not the length"),
        ("content-encoding", "br", "unknown way"),
        ("content-encoding", "gzip", "not whole gzip"),
    ] {
        let mut request = request(Method::POST, "/v2/models/flights/infer", "{}".to_owned());
        request.headers_mut().insert(header, value.parse().unwrap());
        let answer = server.send(request);
        assert!(answer.status == StatusCode::BAD_REQUEST && answer.text.contains(wanted), "{value}: {}", answer.text);
    }
    let body = json!({ "inputs": inputs(&json!([1]), &json!(["EWR"])) }).to_string();
    for path in ["/v2/models/none/infer", "/v2/models/flights/versions/9/infer", "/v2/models/flights/versions/x/infer"]
    {
        assert_eq!(server.post(path, body.as_str()).status, StatusCode::NOT_FOUND, "{path}");
    }
    let unknown = json!({ "inputs": inputs(&json!([1]), &json!(["EWR"])), "outputs": [{ "name": "x" }] });
    assert_eq!(server.post("/v2/models/flights/infer", unknown.to_string()).status, StatusCode::BAD_REQUEST);
}

#[test]
fn models_describe_themselves() {
    let server = TestServer::new();
    let json = server.get("/v2/models/flights").json();
    assert_eq!(json["versions"], json!(["1", "2"]));
    assert_eq!(json["inputs"][1], json!({ "name": "origin", "datatype": "BYTES", "shape": [-1] }));
    assert_eq!(json["outputs"][1], json!({ "name": "probabilities", "datatype": "FP64", "shape": [-1, 2] }));
    assert_eq!(server.get("/v2/models/flights/versions/1").json()["name"], "flights");
    assert_eq!(server.get("/v2/models/flights/ready").json(), json!({ "name": "flights", "ready": true }));
    for missing in ["/v2/models/none", "/v2/models/none/ready", "/v2/models/flights/versions/3/ready"] {
        assert_eq!(server.get(missing).status, StatusCode::NOT_FOUND, "{missing}");
    }
    for path in ["/v2", "/v2/health/live", "/v2/health/ready", "/health", "/ready", "/api/v1/openapi.json"] {
        assert_eq!(server.get(path).status, StatusCode::OK, "{path}");
    }
}

#[test]
fn tensors_as_bytes_are_answered_as_bytes() {
    let server = TestServer::new();
    let header = json!({
        "inputs": [
            { "name": "distance", "shape": [2], "datatype": "FP32", "parameters": { "binary_data_size": 8 } },
            { "name": "origin", "shape": [2], "datatype": "BYTES", "data": ["EWR", null] },
        ],
        "outputs": [{ "name": "probabilities", "parameters": { "binary_data": true } }, { "name": "label" }],
    })
    .to_string();
    let body = [header.as_bytes(), &250f32.to_le_bytes(), &f32::NAN.to_le_bytes()].concat();
    let ask = |body: Vec<u8>| {
        let request = axum::http::Request::post("/v2/models/flights/infer").header("host", "localhost:5050");
        let request = request.header("inference-header-content-length", header.len());
        server.runtime.block_on(async {
            let response = server.router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
            let (head, body) = response.into_parts();
            (head, to_bytes(body, usize::MAX).await.unwrap())
        })
    };
    let (head, answer) = ask(body.clone());
    assert_eq!(
        (head.status, &head.headers["content-type"]),
        (StatusCode::OK, &"application/octet-stream".parse().unwrap())
    );
    let length: usize = head.headers["inference-header-content-length"].to_str().unwrap().parse().unwrap();
    let json: Value = serde_json::from_slice(&answer[..length]).unwrap();
    assert_eq!(json["outputs"][0]["parameters"]["binary_data_size"], 32);
    assert_eq!((&json["outputs"][0]["data"], &json["outputs"][1]["data"]), (&Value::Null, &json!(["on_time", "late"])));
    let scores: Vec<f64> = answer[length..].as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
    assert_eq!(scores, [0.75, 0.25, 0.5, 0.5]);
    assert_eq!(ask([body, vec![0]].concat()).0.status, StatusCode::BAD_REQUEST);
}
