//! Endpoints as the stock clients of the field use them.

use std::process::Command;

use serde_json::{Value, json};

use crate::data::Machines;
use crate::product::{Ended, Project, python, root};

/// Runs a script of `dev/conformance/oip` against an endpoint of machines.
fn passes(script: &str) {
    let project = Machines::CALM.project();
    project.done(&["apply"]);
    let server = project.serve();
    let address = server.address.trim_start_matches("http://");
    let mut command = Command::new(python());
    command.arg(root().join("dev/conformance/oip").join(script)).args([address, "machines"]);
    let ended = Ended::of(&mut command);
    assert_eq!((ended.code, ended.stdout.trim()), (Some(0), "all of it"), "{}", ended.stderr);
}

#[test]
fn the_stock_http_client_of_triton_works() {
    passes("triton_http.py");
}

#[test]
fn the_stock_grpc_client_of_triton_works() {
    passes("triton_grpc.py");
}

#[test]
fn every_way_of_asking_gives_the_same_answer() {
    let project = Machines::CALM.project();
    project.done(&["apply"]);
    let server = project.serve();
    let rows = json!([{ "heat": 28.0, "load": 50.0, "site": "west" }, { "heat": null, "load": 1.5, "site": null }]);
    let (status, plain) =
        server.post("/api/v1/endpoints/machines/predict", &json!({ "rows": rows, "keys": ["a", "b"] }));
    assert_eq!(status, 200, "{plain}");
    let plain = plain["predictions"].as_array().unwrap();
    let (status, scored) = server.post("/endpoints/machines/invocations", &json!({ "dataframe_records": rows }));
    assert_eq!(status, 200, "{scored}");
    for (one, other) in plain.iter().zip(scored["predictions"].as_array().unwrap()) {
        for name in ["prediction", "probability_true", "probability_false"] {
            assert_eq!(one[name], other[name], "{plain:?} {scored}");
        }
        assert_eq!(one["version"], 1);
    }
    let matrix = json!({ "inputs": [
        { "name": "heat", "shape": [2], "datatype": "FP64", "data": [28.0, null] },
        { "name": "load", "shape": [2], "datatype": "FP64", "data": [50.0, 1.5] },
        { "name": "site", "shape": [2], "datatype": "BYTES", "data": ["west", null] },
    ] });
    let (status, tensors) = server.post("/v2/models/machines/infer", &matrix);
    assert_eq!(status, 200, "{tensors}");
    let scores: Vec<f64> = serde_json::from_value(tensors["outputs"][1]["data"].clone()).unwrap();
    assert_eq!(plain[1]["probability_true"].as_f64(), Some(scores[3]), "{tensors}");
    for (path, body, wanted) in [
        ("/endpoints/machines/invocations", json!({ "rows": [] }), "exactly one of"),
        ("/endpoints/nobody/invocations", json!({ "inputs": [[1]] }), "nobody"),
        ("/api/v1/endpoints/machines/predict", json!({ "rows": [{ "heat": "hot" }] }), "heat"),
    ] {
        let (status, refused) = server.post(path, &body);
        let told = Value::to_string(&refused);
        assert!((400..500).contains(&status) && told.contains(wanted), "{path}: {status} {told}");
    }
}

#[test]
fn a_model_that_was_logged_as_onnx_is_deployed_and_answers_as_in_python() {
    let project = Project::new();
    let server = project.serve();
    let mut command = Command::new(python());
    command.arg(root().join("dev/conformance/oip/log_onnx.py")).args([&server.address, "forest"]);
    let ended = Ended::of(&mut command);
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.stdout, ended.stderr);
    let logged: Value = serde_json::from_str(ended.stdout.lines().last().unwrap()).unwrap();
    let deployed = project.done(&["endpoints", "deploy", "woods", "forest/1"]);
    assert!(deployed.contains("endpoint woods is ready"), "{deployed}");
    let rows = logged["rows"].as_array().unwrap();
    let matrix: Vec<f64> = rows.iter().flat_map(|row| row.as_array().unwrap()).filter_map(Value::as_f64).collect();
    let body = json!({ "inputs": [{ "name": "X", "shape": [rows.len(), 4], "datatype": "FP32", "data": matrix }] });
    let (status, answer) = server.post("/v2/models/woods/infer", &body);
    assert_eq!(status, 200, "{answer}");
    let scores: Vec<f64> = serde_json::from_value(answer["outputs"][1]["data"].clone()).unwrap();
    let wanted: Vec<f64> = logged["scores"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|row| row.as_array().unwrap())
        .filter_map(Value::as_f64)
        .collect();
    assert_eq!(scores.len(), wanted.len());
    for (score, wanted) in scores.iter().zip(wanted) {
        assert!((score - wanted).abs() < 1e-6, "{score} {wanted}");
    }
    assert_eq!(project.refused(&["endpoints", "deploy", "woods", "forest/1=50"])["code"], "invalid_input");
    assert_eq!(project.refused(&["endpoints", "deploy", "woods", "forest/7"])["code"], "not_found");
}
