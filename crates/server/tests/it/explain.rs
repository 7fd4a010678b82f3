//! Explanations of what endpoints answer. The model of the fixture is late by its distance, and does not look at the origin.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::fixture::TestServer;

/// A server that has answered some requests, whose records are the background.
fn asked() -> TestServer {
    let server = TestServer::new();
    let rows: Vec<Value> = (0..20)
        .map(|row| json!({ "distance": 100 + 40 * row, "origin": if row % 2 == 0 { "JFK" } else { "EWR" } }))
        .collect();
    for endpoint in ["flights", "delays"] {
        let path = format!("/api/v1/endpoints/{endpoint}/predict");
        assert_eq!(server.post(&path, json!({ "rows": rows }).to_string()).status, StatusCode::OK);
    }
    server.app.platform.serving.flush_and_commit().unwrap();
    server
}

fn explain(server: &TestServer, endpoint: &str, body: &Value) -> Value {
    let answer = server.post(&format!("/api/v1/endpoints/{endpoint}/explain"), body.to_string());
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()
}

/// The amount of a feature in a row's explanation.
fn amount(row: &Value, feature: &str) -> f64 {
    let values = row["values"].as_array().unwrap();
    values.iter().find(|value| value["feature"] == feature).unwrap()["amount"].as_f64().unwrap()
}

#[test]
fn rows_are_explained_against_what_was_asked_before() {
    let server = asked();
    let body =
        json!({ "rows": [{ "distance": 600, "origin": "JFK" }, { "distance": 200 }], "options": { "version": 2 } });
    let found = explain(&server, "flights", &body);
    assert_eq!(
        (&found["method"], &found["exact"], &found["unit"]),
        (&json!("kernel"), &json!(true), &json!("probability"))
    );
    assert_eq!((&found["class"], &found["version"], &found["model"]), (&json!("late"), &json!(2), &json!("late")));
    assert_eq!(found["background"], json!({ "from": "records", "rows": 20 }));
    let rows = found["explanations"].as_array().unwrap();
    // The mean of the distances is 480.
    for (row, distance) in rows.iter().zip([600.0, 200.0]) {
        assert!((row["base"].as_f64().unwrap() - 0.48).abs() < 1e-12, "{row}");
        assert!((amount(row, "distance") - (distance - 480.0) / 1000.0).abs() < 1e-12, "{row}");
        assert_eq!(amount(row, "origin"), 0.0);
        assert_eq!(row["values"][0]["feature"], "distance");
    }
    assert_eq!((&rows[0]["prediction"], &rows[0]["values"][1]["value"]), (&json!("late"), &json!("JFK")));
    assert_eq!((&rows[1]["probability_late"], &rows[1]["values"][1]["value"]), (&json!(0.2), &Value::Null));

    // The same beside MLflow's path, by orders, and for the other class.
    for method in ["kernel", "permutation"] {
        let body = json!({ "rows": body["rows"], "options": { "method": method, "class": "on_time", "seed": 3, "max_rows": 5 } });
        let answer = server.post("/endpoints/flights/explain", body.to_string());
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let found = answer.json();
        assert_eq!((&found["method"], &found["background"]["rows"]), (&json!(method), &json!(5)));
        let row = &found["explanations"][0];
        let sum = row["base"].as_f64().unwrap() + amount(row, "distance") + amount(row, "origin");
        assert!((sum - 0.4).abs() < 1e-12, "{row}");
    }
}

#[test]
fn changes_that_change_the_answer_are_found_within_what_may_change() {
    let server = asked();
    let body = json!({ "rows": [{ "distance": 600, "origin": "JFK" }], "options": { "counterfactual": {} } });
    let found = explain(&server, "flights", &body);
    let ways = found["explanations"][0]["counterfactuals"].as_array().unwrap();
    assert_eq!(ways[0]["class"], "on_time");
    let change = &ways[0]["changes"][0];
    assert_eq!((&change["feature"], &change["from"]), (&json!("distance"), &json!(600.0)));
    let to = change["to"].as_f64().unwrap();
    assert!((450.0..500.0).contains(&to), "{change}");

    let fixed = json!({ "rows": body["rows"], "options": { "counterfactual": { "immutable": ["distance"] } } });
    assert_eq!(explain(&server, "flights", &fixed)["explanations"][0]["counterfactuals"], json!([]));
    let up = json!({ "rows": [{ "distance": 200, "origin": "EWR" }], "options": {
        "counterfactual": { "wanted": [0.6, 0.7], "directions": { "distance": "up" }, "ranges": { "distance": [0, 650] } } } });
    let found = explain(&server, "delays", &up);
    let to = found["explanations"][0]["counterfactuals"][0]["changes"][0]["to"].as_f64().unwrap();
    assert!((600.0..=650.0).contains(&to), "{found}");
}

#[test]
fn what_matters_as_a_whole_is_told_with_the_effect_of_a_feature() {
    let server = asked();
    let answer = server.get("/api/v1/endpoints/delays/importance?feature=distance");
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let found = answer.json();
    assert_eq!(
        (&found["features"][0]["feature"], &found["features"][1]["mean_absolute"]),
        (&json!("distance"), &json!(0.0))
    );
    assert_eq!((&found["rows"], &found["features"][0]["loss_increase"]), (&json!([20, "records"]), &Value::Null));
    let effect = &found["effect"];
    let (grid, curve) = (effect["grid"].as_array().unwrap(), effect["partial_dependence"].as_array().unwrap());
    for (at, answer) in grid.iter().zip(curve) {
        assert!((at.as_f64().unwrap() / 1000.0 - answer.as_f64().unwrap()).abs() < 1e-12);
    }
    let origin = server.get("/api/v1/endpoints/delays/importance?feature=origin").json();
    assert_eq!((&origin["effect"]["grid"], &origin["effect"]["spread"]), (&json!(["EWR", "JFK"]), &json!(0.0)));
}

#[test]
fn what_cannot_be_explained_is_refused_with_the_next_step() {
    let server = asked();
    let row = json!({ "distance": 600, "origin": null });
    for (body, status, words) in [
        (json!({ "rows": [] }), 400, "no rows"),
        (json!({ "rows": [{ "speed": 1 }] }), 400, "'distance'"),
        (json!({ "rows": [{ "distance": "far", "origin": null }] }), 400, "'distance'"),
        (json!({ "rows": [{ "distance": 1 }] }), 400, "'origin'"),
        (json!({ "rows": [row], "options": { "method": "magic" } }), 400, "magic"),
        (json!({ "rows": [row], "options": { "method": "tree" } }), 400, "'tree'"),
        (json!({ "rows": [row], "options": { "class": "early" } }), 400, "'early'"),
        (json!({ "rows": [row], "options": { "background": "nowhere" } }), 404, "nowhere"),
        (json!({ "rows": [row], "options": { "background": "reference" } }), 404, "training sample"),
        (json!({ "rows": [row], "options": { "max_rows": 0 } }), 400, "max_rows"),
        (json!({ "rows": [row], "options": { "budget": 1_000_000 } }), 400, "budget"),
        (json!({ "rows": [row], "options": { "interactions": true } }), 400, "interactions"),
        (json!({ "rows": [row], "options": { "version": 9 } }), 404, "version"),
        (json!({ "rows": [row], "options": { "counterfactual": { "immutable": ["speed"] } } }), 400, "'speed'"),
        (json!({ "rows": [row], "options": { "colour": "red" } }), 400, "colour"),
        (json!({ "rows": vec![&row; 101] }), 413, "at most 100"),
        (json!({ "rows": vec![&row; 10_001] }), 413, "at most 10000"),
        (json!({ "rows": vec![&row; 21], "options": { "counterfactual": {} } }), 413, "20 rows"),
    ] {
        let answer = server.post("/api/v1/endpoints/flights/explain", body.to_string());
        let told: String = body.to_string().chars().take(120).collect();
        assert_eq!(answer.status.as_u16(), status, "{told}: {}", answer.text);
        assert!(answer.text.contains(words), "{told}: {}", answer.text);
    }
    let body = json!({ "rows": [row] }).to_string();
    assert_eq!(server.post("/api/v1/endpoints/nothing/explain", body.clone()).status, StatusCode::NOT_FOUND);
    assert_eq!(server.post("/api/v1/endpoints/flights/explain", "{").status, StatusCode::BAD_REQUEST);
    for query in ["feature=speed", "class=early", "background=nowhere", "colour=red"] {
        let answer = server.get(&format!("/api/v1/endpoints/flights/importance?{query}"));
        assert!(answer.status.is_client_error(), "{query}: {}", answer.text);
    }
    // Regression: which number would be another answer must be said.
    let body = json!({ "rows": [row], "options": { "counterfactual": {} } }).to_string();
    assert!(server.post("/api/v1/endpoints/delays/explain", body).text.contains("wanted"));
    // Before anything was asked there is nothing to compare with.
    let fresh = TestServer::new();
    let answer = fresh.post("/api/v1/endpoints/flights/explain", json!({ "rows": [row] }).to_string());
    assert!(answer.status == StatusCode::BAD_REQUEST && answer.text.contains("background"), "{}", answer.text);
}

#[test]
fn a_prediction_of_a_version_without_a_loop_is_explained_too() {
    let server = asked();
    let body = json!({ "rows": [{ "distance": 600, "origin": "JFK" }] }).to_string();
    let made = server.post("/api/v1/endpoints/flights/predict", body).json();
    server.app.platform.serving.flush_and_commit().unwrap();
    let id = made["predictions"][0]["prediction_id"].as_str().unwrap();
    let why = server.get(&format!("/api/v1/predictions/{id}"));
    assert_eq!(why.status, StatusCode::OK, "{}", why.text);
    let why = why.json();
    assert_eq!((&why["contributions"][0]["feature"], &why["method"]), (&json!("distance"), &json!("kernel")));
    assert_eq!((&why["version"], &why["lineage"], &why["score"]), (&Value::Null, &Value::Null, &json!(0.6)));
    assert_eq!(why["counterfactuals"][0]["class"], "on_time");
    let page = server.get(&format!("/predictions/{id}"));
    assert_eq!(page.status, StatusCode::OK);
    for words in ["distance", "KernelSHAP", "What would have changed the answer"] {
        assert!(page.text.contains(words), "{words}");
    }
}
