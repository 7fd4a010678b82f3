//! Traces as the stock client of MLflow sends and reads them. `recorded/` holds what it sent, and what MLflow's own server
//! answered for it.

use std::io::Write;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::fixture::{Answer, TestServer};

const TRACE: &str = "tr-3c9a8778f493ba78f6a28a3dcd698dba";
const PROTOBUF: &str = "application/x-protobuf";

fn call(server: &TestServer, method: Method, path: &str, body: &Value) -> Answer {
    let request = Request::builder().method(method).uri(path).header("host", "localhost:5050");
    let request = request.header("content-type", "application/json").body(Body::from(body.to_string()));
    server.send(request.unwrap())
}

fn post(server: &TestServer, path: &str, body: &Value) -> Answer {
    call(server, Method::POST, path, body)
}

fn export(server: &TestServer, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
    let mut request = Request::builder().method(Method::POST).uri("/v1/traces").header("host", "localhost:5050");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    server.send(request.body(body.into()).unwrap())
}

fn export_recorded(server: &TestServer, body: &'static [u8]) {
    let answer = export(server, &[("x-mlflow-experiment-id", "1"), ("content-type", PROTOBUF)], body);
    assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, ""), "{}", answer.text);
    assert_eq!(answer.headers["content-type"], PROTOBUF);
}

/// A server with experiment 1.
fn server() -> TestServer {
    let server = TestServer::new();
    let made = post(&server, "/api/2.0/mlflow/experiments/create", &json!({ "name": "traced" })).json();
    assert_eq!(made["experiment_id"], "1");
    server
}

const FIRST: &[u8] = include_bytes!("recorded/spans-1.bin");
const SECOND: &[u8] = include_bytes!("recorded/spans-2.bin");
const DESCRIPTION: &str = include_str!("recorded/description.json");

#[test]
fn what_the_client_recorded_comes_back_as_from_mlflow() {
    let server = server();
    export_recorded(&server, FIRST);
    let description: Value = serde_json::from_str(DESCRIPTION).unwrap();
    let described = post(&server, "/api/3.0/mlflow/traces", &description).json();
    assert_eq!(described["trace"]["trace_info"]["tags"]["mlflow.trace.spansLocation"], "TRACKING_STORE");
    export_recorded(&server, SECOND);
    let whole = server.get(&format!("/api/3.0/mlflow/traces/get?trace_id={TRACE}&allow_partial=False")).json();
    let wanted: Value = serde_json::from_str(include_str!("recorded/trace.json")).unwrap();
    assert_eq!(whole["trace"], wanted);
    let info = server.get(&format!("/api/3.0/mlflow/traces/{TRACE}?trace_id={TRACE}")).json();
    assert_eq!(info["trace"]["trace_info"], wanted["trace_info"]);
    let several = server.get(&format!("/api/3.0/mlflow/traces/batchGet?trace_ids={TRACE}&trace_ids=tr-none")).json();
    assert_eq!(several["traces"], json!([wanted]));
    let body = json!({ "trace_ids": [TRACE], "experiment_ids": ["1"] });
    let infos = post(&server, "/api/3.0/mlflow/traces/batchGetInfos", &body).json();
    assert_eq!(infos["trace_infos"], json!([wanted["trace_info"]]));
    let file = server.get(&format!("/ajax-api/2.0/mlflow/get-trace-artifact?request_id={TRACE}")).json();
    assert_eq!(file["spans"][0]["attributes"]["mlflow.spanInputs"], r#"{"x": 1}"#);
}

#[test]
fn an_incomplete_trace_is_waited_for_and_then_refused() {
    let server = server();
    export_recorded(&server, FIRST);
    post(&server, "/api/3.0/mlflow/traces", &serde_json::from_str(DESCRIPTION).unwrap());
    let answer = server.get(&format!("/api/3.0/mlflow/traces/get?trace_id={TRACE}"));
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.text.contains("is not fully exported yet"), "{}", answer.text);
    let partial = server.get(&format!("/api/3.0/mlflow/traces/get?trace_id={TRACE}&allow_partial=true")).json();
    assert_eq!(partial["trace"]["spans"].as_array().map(Vec::len), Some(2));
    assert_eq!(server.get(&format!("/api/3.0/mlflow/traces/batchGet?trace_ids={TRACE}")).text, "{}");
}

#[test]
fn json_and_compressed_bodies_are_understood() {
    let server = server();
    let body = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [{
        "traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "00000000000000ff", "name": "n",
        "startTimeUnixNano": "1000000000", "endTimeUnixNano": "2500000000", "status": { "code": 2, "message": "bad" },
        "attributes": [{ "key": "f", "value": { "doubleValue": "NaN" } }, { "key": "b", "value": { "bytesValue": "AQI=" } }],
    }] }] }] });
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body.to_string().as_bytes()).unwrap();
    let headers = [
        ("x-mlflow-experiment-id", "1"),
        ("content-type", "application/json; charset=utf-8"),
        ("content-encoding", "gzip"),
    ];
    let answer = export(&server, &headers, encoder.finish().unwrap());
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let path = "/api/3.0/mlflow/traces/get?trace_id=tr-0102030405060708090a0b0c0d0e0f10";
    let trace = &server.get(path).json()["trace"];
    let info = &trace["trace_info"];
    assert_eq!((&info["state"], &info["execution_duration"]), (&json!("ERROR"), &json!("1.500s")));
    assert_eq!(info["request_time"], "1970-01-01T00:00:01Z");
    let span = &trace["spans"][0];
    assert_eq!((&span["span_id"], &span["status"]["code"]), (&json!("AAAAAAAAAP8="), &json!("STATUS_CODE_ERROR")));
    assert_eq!(span["attributes"][0], json!({ "key": "f", "value": { "double_value": "NaN" } }));
    assert_eq!(span["attributes"][1], json!({ "key": "b", "value": { "bytes_value": "AQI=" } }));
}

#[test]
fn malformed_exports_are_told_apart() {
    type Case = (&'static [(&'static str, &'static str)], &'static [u8], u16, &'static str);
    const EXPERIMENT: (&str, &str) = ("x-mlflow-experiment-id", "1");
    const BINARY: (&str, &str) = ("content-type", PROTOBUF);
    const JSON: (&str, &str) = ("content-type", "application/json");
    let server = server();
    let cases: [Case; 9] = [
        (&[BINARY], FIRST, 422, "Field required"),
        (&[EXPERIMENT, ("content-type", "text/plain")], FIRST, 400, "Invalid Content-Type"),
        (&[EXPERIMENT], FIRST, 400, "Invalid Content-Type"),
        (&[EXPERIMENT, BINARY], b"", 400, "no spans found"),
        (&[EXPERIMENT, BINARY], b"\xff\xff", 400, "Invalid OpenTelemetry format"),
        (&[EXPERIMENT, JSON], b"{", 400, "Invalid OpenTelemetry format"),
        (&[EXPERIMENT, JSON], br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{}]}]}]}"#, 422, "Cannot convert"),
        (&[EXPERIMENT, BINARY, ("content-encoding", "gzip")], FIRST, 400, "Failed to decompress gzip payload"),
        (&[EXPERIMENT, BINARY, ("content-encoding", "br")], FIRST, 400, "Unsupported Content-Encoding"),
    ];
    for (headers, body, status, text) in cases {
        let answer = export(&server, headers, body);
        assert_eq!(answer.status, status, "{headers:?}: {}", answer.text);
        assert!(answer.json()["detail"].to_string().contains(text), "{headers:?}: {}", answer.text);
    }
    let answer = export(&server, &[("x-mlflow-experiment-id", "77"), BINARY], FIRST);
    assert_eq!(
        (answer.status, &answer.json()["error_code"]),
        (StatusCode::NOT_FOUND, &json!("RESOURCE_DOES_NOT_EXIST"))
    );
    let answer = export(&server, &[("x-mlflow-experiment-id", "x"), BINARY], FIRST);
    assert_eq!(answer.json()["error_code"], "INVALID_PARAMETER_VALUE");
    let answer = export(&server, &[EXPERIMENT, BINARY], vec![0; 21 * 1024 * 1024]);
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[test]
fn tags_links_and_deletion_follow_the_client() {
    let server = server();
    export_recorded(&server, FIRST);
    let tags = |version: u8| format!("/api/{version}.0/mlflow/traces/{TRACE}/tags");
    assert_eq!(call(&server, Method::PATCH, &tags(2), &json!({ "key": "new", "value": "tag" })).text, "{}");
    assert_eq!(call(&server, Method::PATCH, &tags(3), &json!({ "key": "empty" })).text, "{}");
    assert_eq!(call(&server, Method::DELETE, &tags(2), &json!({ "key": "new" })).text, "{}");
    let missing = call(&server, Method::DELETE, &tags(3), &json!({ "key": "new" }));
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert!(missing.text.contains("No trace tag with key"), "{}", missing.text);
    let fixed = call(&server, Method::PATCH, &tags(3), &json!({ "key": "mlflow.trace.spansLocation", "value": "x" }));
    assert_eq!(fixed.status, StatusCode::BAD_REQUEST);
    let info = server.get(&format!("/api/3.0/mlflow/traces/{TRACE}")).json();
    assert_eq!(info["trace"]["trace_info"]["tags"]["empty"], "");

    let run = post(&server, "/api/2.0/mlflow/runs/create", &json!({ "experiment_id": "1" })).json();
    let body = json!({ "trace_ids": [TRACE], "run_id": run["run"]["info"]["run_id"] });
    assert_eq!(post(&server, "/api/2.0/mlflow/traces/link-to-run", &body).text, "{}");
    let body = json!({ "trace_id": TRACE, "prompt_versions": [{ "name": "p", "version": "2" }] });
    assert_eq!(post(&server, "/api/2.0/mlflow/traces/link-prompts", &body).text, "{}");

    let delete = |body: Value| post(&server, "/api/2.0/mlflow/traces/delete-traces", &body);
    for bad in [
        json!({ "experiment_id": "1" }),
        json!({ "experiment_id": "1", "request_ids": [TRACE], "max_timestamp_millis": 5 }),
        json!({ "experiment_id": "1", "request_ids": [TRACE], "max_traces": 5 }),
        json!({ "experiment_id": "1", "max_timestamp_millis": 5, "max_traces": 0 }),
    ] {
        assert_eq!(delete(bad).status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(delete(json!({ "experiment_id": "1", "request_ids": [TRACE] })).json()["traces_deleted"], 1);
    assert_eq!(server.get(&format!("/api/3.0/mlflow/traces/{TRACE}")).status, StatusCode::NOT_FOUND);
}

#[test]
fn assessments_go_through_their_life() {
    let server = server();
    export_recorded(&server, FIRST);
    let all = format!("/api/3.0/mlflow/traces/{TRACE}/assessments");
    let create = |assessment: Value| post(&server, &all, &json!({ "assessment": assessment }));
    let source = json!({ "source_type": "HUMAN", "source_id": "me" });
    let made = create(json!({
        "assessment_name": "ok", "trace_id": TRACE, "source": source, "create_time": "2026-11-23T13:24:05.185Z",
        "last_update_time": "2026-11-23T13:24:05.185Z", "feedback": { "value": true }, "rationale": "good",
        "metadata": { "a": "1" }, "valid": true,
    }))
    .json();
    let id = made["assessment"]["assessment_id"].as_str().unwrap().to_owned();
    assert_eq!(
        made["assessment"],
        json!({
            "assessment_id": id, "assessment_name": "ok", "trace_id": TRACE, "source": source,
            "create_time": "2026-11-23T13:24:05.185Z", "last_update_time": "2026-11-23T13:24:05.185Z",
            "feedback": { "value": true }, "rationale": "good", "metadata": { "a": "1" }, "valid": true,
        })
    );
    let written = json!({ "serialization_format": "JSON_FORMAT", "value": "{\"a\": [1, 2]}" });
    let made = create(json!({ "assessment_name": "e", "expectation": { "serialized_value": written } })).json();
    assert_eq!(made["assessment"]["expectation"]["serialized_value"], written);
    assert_eq!(made["assessment"]["source"]["source_type"], "SOURCE_TYPE_UNSPECIFIED");

    let one = format!("{all}/{id}");
    let change = json!({
        "assessment": { "assessment_name": "ok2", "feedback": { "value": 5.0 }, "rationale": "bad", "metadata": { "b": "2" } },
        "update_mask": "assessmentName,feedback,metadata",
    });
    let changed = call(&server, Method::PATCH, &one, &change).json()["assessment"].take();
    assert_eq!(
        (&changed["assessment_name"], changed["feedback"].to_string().as_str()),
        (&json!("ok2"), r#"{"value":5}"#)
    );
    assert_eq!((&changed["rationale"], &changed["metadata"]), (&json!("good"), &json!({ "a": "1", "b": "2" })));
    let other = json!({ "assessment": { "expectation": { "value": 1 } }, "update_mask": "expectation" });
    assert_eq!(call(&server, Method::PATCH, &one, &other).status, StatusCode::BAD_REQUEST);

    let second = create(json!({ "assessment_name": "ok2", "feedback": { "value": 0.5 }, "overrides": id })).json();
    assert_eq!(server.get(&one).json()["assessment"]["valid"], false);
    let second = format!("{all}/{}", second["assessment"]["assessment_id"].as_str().unwrap());
    assert_eq!(call(&server, Method::DELETE, &second, &json!({})).text, "{}");
    assert_eq!(call(&server, Method::DELETE, &second, &json!({})).text, "{}");
    assert_eq!(server.get(&one).json()["assessment"]["valid"], true);
    let info = server.get(&format!("/api/3.0/mlflow/traces/{TRACE}")).json();
    assert_eq!(info["trace"]["trace_info"]["assessments"].as_array().map(Vec::len), Some(2));

    for bad in [json!({}), json!({ "feedback": { "value": 1 }, "expectation": { "value": 1 } })] {
        assert_eq!(create(bad).status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(server.get(&second).status, StatusCode::NOT_FOUND);
    let lost = post(
        &server,
        "/api/3.0/mlflow/traces/tr-none/assessments",
        &json!({ "assessment": { "feedback": {"value": 1} } }),
    );
    assert_eq!(lost.status, StatusCode::NOT_FOUND);
}

#[test]
fn hostile_requests_are_refused_politely() {
    let server = server();
    export_recorded(&server, FIRST);
    let location = json!({ "mlflow_experiment": { "experiment_id": "1" } });
    let info = |extra: Value| {
        let mut info = json!({ "trace_id": "tr-1", "trace_location": location });
        info.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        json!({ "trace": { "trace_info": info } })
    };
    let bodies = [
        json!({}),
        json!({ "trace": [] }),
        json!({ "trace": { "trace_info": {} } }),
        info(json!({ "trace_id": "../../etc" })),
        info(json!({ "trace_id": "a\u{0}" })),
        info(json!({ "request_time": "yesterday" })),
        info(json!({ "execution_duration": "1h" })),
        info(json!({ "tags": { "a": 1 } })),
        info(json!({ "assessments": [{}] })),
        info(json!({ "trace_location": {} })),
        info(json!({ "trace_location": { "mlflow_experiment": { "experiment_id": "x" } } })),
    ];
    for body in bodies {
        let answer = post(&server, "/api/3.0/mlflow/traces", &body);
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}: {}", answer.text);
    }
    for path in ["%00", "..%2f..", "%27%20OR%201", "a%0ab"] {
        let answer = server.get(&format!("/api/3.0/mlflow/traces/{path}"));
        assert!(answer.status.is_client_error(), "{path}: {} {}", answer.status, answer.text);
    }
    let many: String = (0..1001).map(|number| format!("trace_ids=tr-{number}&")).collect();
    let answer = server.get(&format!("/api/3.0/mlflow/traces/batchGet?{many}"));
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[test]
fn searches_answer_infos_in_pages() {
    let server = server();
    export_recorded(&server, FIRST);
    post(&server, "/api/3.0/mlflow/traces", &serde_json::from_str(DESCRIPTION).unwrap());
    let location = json!([{ "type": "MLFLOW_EXPERIMENT", "mlflow_experiment": { "experiment_id": "1" } }]);
    let search = |extra: Value| {
        let mut body = json!({ "locations": location });
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        post(&server, "/api/3.0/mlflow/traces/search", &body)
    };
    let wanted: Value = serde_json::from_str(include_str!("recorded/trace.json")).unwrap();
    let filter = "span.name = 'add' AND trace.name = 'root-fn' AND run_id = 'fd7dc8f75e58490c8b2ea05ef38a171e'";
    let found = search(json!({ "filter": filter, "max_results": 1, "order_by": ["timestamp_ms DESC"] })).json();
    assert_eq!(found["traces"], json!([wanted["trace_info"]]));
    let rest = search(json!({ "filter": filter, "max_results": 1, "page_token": found["next_page_token"] }));
    assert_eq!(rest.json(), json!({}));
    assert_eq!(search(json!({ "filter": "status = 'ERROR'" })).json(), json!({}));
    for bad in [json!({ "filter": "status = 'OK' OR 1" }), json!({ "max_results": 501 }), json!({ "page_token": "x" })]
    {
        let answer = search(bad);
        assert_eq!(
            (answer.status, &answer.json()["error_code"]),
            (StatusCode::BAD_REQUEST, &json!("INVALID_PARAMETER_VALUE"))
        );
    }
    assert_eq!(post(&server, "/ajax-api/3.0/mlflow/traces/search", &json!({})).status, StatusCode::BAD_REQUEST);
}

#[test]
fn clients_of_the_second_version_begin_and_end_traces() {
    let server = server();
    let body = json!({
        "experiment_id": "1", "timestamp_ms": 1000, "request_metadata": [{ "key": "a", "value": "1" }],
        "tags": [{ "key": "mlflow.traceName", "value": "n" }],
    });
    let begun = post(&server, "/api/2.0/mlflow/traces", &body).json()["trace_info"].take();
    let id = begun["request_id"].as_str().unwrap().to_owned();
    assert_eq!((id.len(), &begun["status"], &begun["execution_time_ms"]), (32, &json!("IN_PROGRESS"), &json!(0)));
    let one = format!("/api/2.0/mlflow/traces/{id}");
    let end = json!({ "timestamp_ms": 1500, "status": "ERROR", "request_metadata": [{ "key": "b", "value": "2" }], "tags": [] });
    let ended = call(&server, Method::PATCH, &one, &end).json()["trace_info"].take();
    assert_eq!((&ended["status"], &ended["execution_time_ms"]), (&json!("ERROR"), &json!(500)));
    assert_eq!(ended["request_metadata"], json!([{ "key": "a", "value": "1" }, { "key": "b", "value": "2" }]));
    assert_eq!(server.get(&format!("{one}/info")).json()["trace_info"], ended);
    let found = server.get("/api/2.0/mlflow/traces?experiment_ids=1&filter=status%20%3D%20%27ERROR%27").json();
    assert_eq!(found["traces"], json!([ended]));
    let far = json!({ "timestamp_ms": i64::MAX, "status": "OK" });
    assert_eq!(call(&server, Method::PATCH, &one, &far).status, StatusCode::BAD_REQUEST);
    assert_eq!(call(&server, Method::PATCH, "/api/2.0/mlflow/traces/none", &end).status, StatusCode::NOT_FOUND);
}

#[test]
fn evaluation_datasets_travel_as_texts() {
    let server = server();
    let body = json!({ "name": "d", "experiment_ids": ["1"], "tags": r#"{"mlflow.user": "me", "n": 1}"# });
    let made = post(&server, "/api/3.0/mlflow/datasets/create", &body).json()["dataset"].take();
    assert_eq!((&made["experiment_ids"], &made["created_by"]), (&json!(["1"]), &json!("me")));
    assert_eq!(made["tags"], r#"{"mlflow.user": "me", "n": "1"}"#);
    let one = format!("/api/3.0/mlflow/datasets/{}", made["dataset_id"].as_str().unwrap());
    let records = json!([{ "inputs": { "q": "é" }, "expectations": { "a": 1.5 }, "source": { "source_type": "TRACE", "source_data": { "trace_id": "t" } } }]);
    let counts = post(&server, &format!("{one}/records"), &json!({ "records": records.to_string() }));
    assert_eq!(counts.json(), json!({ "inserted_count": 1, "updated_count": 0 }));
    let read = server.get(&format!("{one}/records?max_results=5")).json();
    let read: Value = serde_json::from_str(read["records"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&read[0]["inputs"], &read[0]["source_id"], &read[0]["tags"]),
        (&json!({ "q": "é" }), &json!("t"), &json!({}))
    );
    let shown = server.get(&one).json()["dataset"].take();
    assert_eq!(shown["profile"], r#"{"num_records": 1}"#);
    assert!(shown["schema"].as_str().unwrap().contains(r#""inputs": {"q": "string"}"#), "{shown}");
    let found =
        server.get("/api/3.0/mlflow/datasets/search?experiment_ids=1&filter_string=name%20%3D%20%27d%27").json();
    assert_eq!(found["datasets"], json!([shown]));
    assert_eq!(server.get(&format!("{one}/experiment-ids")).json(), json!({ "experiment_ids": ["1"] }));
    let ids = json!({ "dataset_record_ids": [read[0]["dataset_record_id"]] });
    assert_eq!(call(&server, Method::DELETE, &format!("{one}/records"), &ids).json(), json!({ "deleted_count": 1 }));
    assert_eq!(call(&server, Method::PATCH, &format!("{one}/tags"), &json!({ "tags": "{\"k\": \"v\"}" })).text, "{}");
    assert_eq!(call(&server, Method::DELETE, &format!("{one}/tags/k"), &json!({})).text, "{}");
    for (path, body) in [("tags", json!({ "tags": "[" })), ("tags", json!({})), ("records", json!({ "records": "{}" }))]
    {
        let method = if path == "tags" { Method::PATCH } else { Method::POST };
        assert_eq!(call(&server, method, &format!("{one}/{path}"), &body).status, StatusCode::BAD_REQUEST, "{body}");
    }
    assert_eq!(call(&server, Method::DELETE, &one, &json!({})).text, "{}");
    assert_eq!(server.get(&one).status, StatusCode::NOT_FOUND);
}

#[test]
fn scorers_are_kept_by_version() {
    let server = server();
    let register = |content: &str| {
        let body = json!({ "experiment_id": "1", "name": "judge", "serialized_scorer": content });
        post(&server, "/api/3.0/mlflow/scorers/register", &body)
    };
    assert_eq!(register("{}").json()["version"], 1);
    assert_eq!(register("{\"a\": 1}").json()["version"], 2);
    assert_eq!(register("{\"call_source\": \"x\"}").status, StatusCode::BAD_REQUEST);
    let listed = server.get("/api/3.0/mlflow/scorers/list?experiment_id=1").json();
    assert_eq!(
        (&listed["scorers"][0]["scorer_version"], &listed["scorers"][0]["experiment_id"]),
        (&json!(2), &json!(1))
    );
    let id = listed["scorers"][0]["scorer_id"].as_str().unwrap();
    let online = server.get(&format!("/api/3.0/mlflow/scorers/online-configs?scorer_ids={id}")).json();
    assert_eq!(online, json!({ "configs": [] }));
    let online = call(&server, Method::PUT, "/api/3.0/mlflow/scorers/online-config", &json!({ "name": "judge" }));
    assert_eq!(online.status, StatusCode::NOT_IMPLEMENTED);
    let versions = server.get("/api/3.0/mlflow/scorers/versions?experiment_id=1&name=judge").json();
    assert_eq!(versions["scorers"].as_array().map(Vec::len), Some(2));
    let one = server.get("/api/3.0/mlflow/scorers/get?experiment_id=1&name=judge&version=1").json();
    assert_eq!(one["scorer"]["serialized_scorer"], "{}");
    let body = json!({ "experiment_id": "1", "name": "judge" });
    assert_eq!(call(&server, Method::DELETE, "/api/3.0/mlflow/scorers/delete", &body).text, "{}");
    assert_eq!(call(&server, Method::DELETE, "/api/3.0/mlflow/scorers/delete", &body).status, StatusCode::NOT_FOUND);
}
