//! Evaluations and replays, asked over the API and shown as pages.

use std::fmt::Write;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use flyball_core::Task;
use flyball_governance::identity;
use flyball_jobs::Runner;
use flyball_loops::jobs::LoopJobs;
use flyball_registry::{NewPackage, Package, packages};
use serde_json::{Value, json};

use crate::fixture::{Answer, TestServer, signature};

/// Registers the next version of `late`, made of these bytes.
fn register(server: &TestServer, kind: &'static [u8]) {
    let platform = &server.app.platform;
    let (artifact, now) = (platform.blobs.put(kind).unwrap(), platform.clock.now());
    let signature = signature(Task::Classification);
    let package = Package { artifact, signature, reference: artifact, evaluation: json!({}) };
    let run_id = format!("run_{}", String::from_utf8_lossy(kind));
    let new = NewPackage { model: "late".to_owned(), run_id, output: "model", package };
    platform.db.write(move |tx| packages::register(tx, &identity::local_user()?.edit(), &new, now)).unwrap();
}

/// Keeps rows as a dataset: as far as a flight goes, so likely it is late.
fn dataset(server: &TestServer, name: &str, text: &str) {
    let platform = &server.app.platform;
    std::fs::write(platform.project_root.join(format!("{name}.csv")), text).unwrap();
    let permit = identity::local_user().unwrap().edit();
    platform.datasets.ingest(&permit, &name.parse().unwrap(), &format!("{name}.csv")).unwrap();
}

fn flights(rows: usize) -> String {
    let mut text = "id,distance,origin,outcome\n".to_owned();
    for row in 0..rows {
        let distance = 10 + (row * 7919) % 980;
        let late = (row * 104_729) % 1000 < distance;
        let (origin, outcome) = (["EWR", "JFK", "LGA"][row % 3], if late { "late" } else { "on_time" });
        writeln!(text, "f{row},{distance}.5,{origin},{outcome}").unwrap();
    }
    text
}

fn post(server: &TestServer, path: &str, body: &Value) -> Answer {
    let request = Request::builder().method(Method::POST).uri(path).header("host", "localhost:5050");
    let request = request.header("content-type", "application/json").body(Body::from(body.to_string()));
    server.send(request.unwrap())
}

/// Does what waits to be done.
fn work(server: &TestServer) {
    let handler = Arc::new(LoopJobs::new(server.app.platform.clone()));
    Runner::new(server.app.jobs.clone(), vec![handler]).run_due().unwrap();
}

/// Asks, waits, and answers the evaluation with its report.
fn made(server: &TestServer, path: &str, body: &Value) -> Value {
    let asked = post(server, path, body);
    assert_eq!(asked.status, StatusCode::OK, "{}", asked.text);
    let asked = asked.json();
    assert_eq!(asked["evaluation"]["state"], "waiting");
    let id = asked["evaluation"]["id"].as_str().unwrap();
    assert!(server.get(&format!("/evaluations/{id}")).text.contains("being made"));
    work(server);
    server.get(&format!("/api/v1/evaluations/{id}")).json()
}

fn check<'r>(made: &'r Value, name: &str) -> &'r Value {
    let checks = made["report"]["suite"]["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("{name}: {made}"))
}

#[test]
fn a_version_is_evaluated_on_a_dataset_and_shown() {
    let server = TestServer::new();
    register(&server, b"classification");
    register(&server, b"contrary");
    dataset(&server, "flights", &flights(3000));
    let found = made(
        &server,
        "/api/v1/evaluations",
        &json!({ "version": "late/1", "dataset": "flights", "label": "outcome", "key": "id", "by": ["origin"],
            "baseline": "late/2" }),
    );
    assert_eq!(
        (&found["evaluation"]["state"], &found["evaluation"]["passed"]),
        (&json!("done"), &json!(true)),
        "{found}"
    );
    assert!(found["report"]["evaluation"]["metrics"]["auc"]["value"].as_f64().unwrap() > 0.8);
    assert!(found["report"]["evaluation"]["curves"]["selection"].as_array().unwrap().len() > 2);
    assert_eq!(check(&found, "better_than_baseline")["status"], "passed");
    assert_eq!(check(&found, "unseen_categories")["status"], "passed");
    assert_eq!(check(&found, "index_leakage")["status"], "not_applicable");
    let against = found["report"]["comparison"]["differences"]["metrics"].as_array().unwrap();
    let auc = against.iter().find(|metric| metric["metric"] == "auc").unwrap();
    assert!(auc["better"] == json!(true) && auc["p_value"].as_f64().unwrap() < 1e-6, "{auc}");
    assert_eq!(found["report"]["fairness"]["attributes"][0]["groups"].as_array().unwrap().len(), 3);
    let page = server.get(&format!("/evaluations/{}", found["evaluation"]["id"].as_str().unwrap()));
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    for word in ["No check has failed", "better_than_baseline", "Fairness by origin", "Comparison", "auc", "JFK"] {
        assert!(page.text.contains(word), "{word}: {}", page.text);
    }
    let contrary = made(
        &server,
        "/api/v1/evaluations",
        &json!({ "version": "late/2", "dataset": "flights/1", "label": "outcome" }),
    );
    assert_eq!(contrary["evaluation"]["passed"], json!(false));
    assert_eq!(check(&contrary, "better_than_dummy")["status"], "failed");
    assert_eq!(server.get("/api/v1/evaluations").json().as_array().unwrap().len(), 2);
    assert_eq!(server.get("/api/v1/evaluations?version=late/2").json().as_array().unwrap().len(), 1);
    assert!(server.get("/evaluations").text.contains("late 2"));
    let actions = server.get("/audit").text;
    assert!(actions.contains("evaluation.ask") && actions.contains("evaluation.finish"));
}

#[test]
fn a_suite_of_ones_own_says_what_is_checked() {
    let server = TestServer::new();
    register(&server, b"classification");
    dataset(&server, "flights", &flights(500));
    let asked =
        |suites: Value| json!({ "version": "late/1", "dataset": "flights", "label": "outcome", "suites": suites });
    let strict = "- performance: { floor: 99%, error: [floor] }\n- stability\n- robustness: { skip: [noise], expect: [{ column: distance, answer: rising }] }";
    for suites in [
        json!(strict),
        json!(["stability", { "performance": { "floor": 0.99, "error": ["floor"] } },
        { "robustness": { "skip": ["noise"], "expect": [{ "column": "distance", "answer": "rising" }] } }]),
    ] {
        let found = made(&server, "/api/v1/evaluations", &asked(suites));
        assert_eq!(
            (&found["evaluation"]["passed"], &check(&found, "floor")["status"]),
            (&json!(false), &json!("failed"))
        );
        assert_eq!(check(&found, "monotonic")["status"], "passed");
        let groups = found["report"]["suite"]["checks"].as_array().unwrap().iter();
        assert!(groups.clone().all(|check| check["name"] != "noise" && check["group"] != "integrity"));
    }
    let wrong = post(&server, "/api/v1/evaluations", &asked(json!(["integrty"])));
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert!(wrong.text.contains("did you mean 'integrity'"), "{}", wrong.text);
}

#[test]
fn what_cannot_be_evaluated_is_said() {
    let server = TestServer::new();
    register(&server, b"classification");
    dataset(&server, "flights", &flights(50));
    dataset(&server, "other", "a,b\n1,2\n");
    dataset(&server, "empty", "distance,origin,outcome\n");
    let refused = |body: Value| post(&server, "/api/v1/evaluations", &body).status.as_u16();
    assert_eq!(refused(json!({ "version": "late/9", "dataset": "flights" })), 404);
    assert_eq!(refused(json!({ "version": "late/1", "dataset": "nothing" })), 404);
    assert_eq!(refused(json!({ "version": "late", "dataset": "flights" })), 400);
    assert_eq!(refused(json!({ "version": "late/1", "dataset": "flights", "label": "nowhere" })), 400);
    assert_eq!(refused(json!({ "version": "late/1", "dataset": "flights", "unknown": 1 })), 400);
    let lacking = made(&server, "/api/v1/evaluations", &json!({ "version": "late/1", "dataset": "other" }));
    assert_eq!(lacking["evaluation"]["state"], "failed");
    assert!(lacking["evaluation"]["error"].as_str().unwrap().contains("'distance'"), "{lacking}");
    let page = server.get(&format!("/evaluations/{}", lacking["evaluation"]["id"].as_str().unwrap()));
    assert!(page.text.contains("could not be made"), "{}", page.text);
    let unlabelled = made(&server, "/api/v1/evaluations", &json!({ "version": "late/1", "dataset": "flights" }));
    assert_eq!(unlabelled["evaluation"]["state"], "done", "{unlabelled}");
    assert_eq!(check(&unlabelled, "floor")["status"], "not_applicable");
    let empty =
        made(&server, "/api/v1/evaluations", &json!({ "version": "late/1", "dataset": "empty", "label": "outcome" }));
    assert!(empty["evaluation"]["state"] == "done" || empty["evaluation"]["error"].is_string(), "{empty}");
    assert_eq!(server.get("/evaluations/eval_nothing").status, StatusCode::NOT_FOUND);
}

#[test]
fn recorded_traffic_is_asked_of_a_candidate() {
    let server = TestServer::new();
    register(&server, b"classification");
    register(&server, b"contrary");
    let rows: Vec<Value> = (0..300_i32)
        .map(|row| {
            let origin = if row % 2 == 0 { "EWR" } else { "JFK" };
            json!({ "distance": f64::from((row * 37) % 997) + 0.5, "origin": origin })
        })
        .collect();
    let keys: Vec<String> = (0..300).map(|row| format!("k{row}")).collect();
    let asked = post(&server, "/api/v1/endpoints/flights/predict", &json!({ "rows": rows, "keys": keys }));
    assert_eq!(asked.status, StatusCode::OK, "{}", asked.text);
    let truths: Vec<Value> = (0..300)
        .map(|row| {
            let late = (row * 37) % 997 >= 500;
            json!({ "key": format!("k{row}"), "value": if late { "late" } else { "on_time" }, "happened_at": "2013-03-01T00:00:00Z" })
        })
        .collect();
    post(&server, "/api/v1/endpoints/flights/ground-truth", &json!({ "truths": truths }));
    let early = post(&server, "/api/v1/replays", &json!({ "endpoint": "flights", "version": "late/1" }));
    assert_eq!(early.status, StatusCode::OK);
    work(&server);
    let unwritten =
        server.get(&format!("/api/v1/evaluations/{}", early.json()["evaluation"]["id"].as_str().unwrap())).json();
    assert!(unwritten["evaluation"]["error"].as_str().unwrap().contains("no recorded predictions"), "{unwritten}");
    server.app.platform.serving.flush_and_commit().unwrap();

    let same =
        made(&server, "/api/v1/replays", &json!({ "endpoint": "flights", "version": "late/1", "by": ["origin"] }));
    let report = &same["report"];
    assert_eq!(
        (&report["rows"], &report["flips"]["count"], &same["evaluation"]["passed"]),
        (&json!(300), &json!(0), &json!(true)),
        "{same}"
    );
    assert_eq!((&report["labelled"], report["groups"].as_array().unwrap().len()), (&json!(300), 2));
    assert!(report["against_truth"]["metrics"].as_array().unwrap().iter().all(|metric| metric["difference"] == 0.0));

    let other = made(&server, "/api/v1/replays", &json!({ "endpoint": "flights", "version": "late/2", "limit": 200 }));
    let report = &other["report"];
    assert_eq!((&report["rows"], &other["evaluation"]["passed"]), (&json!(200), &json!(false)), "{other}");
    assert!(report["flips"]["low"].as_f64().unwrap() > 0.9);
    let worst = report["worst"][0]["prediction_id"].as_str().unwrap();
    assert!(!worst.is_empty() && report["worst"][0]["flips"] == json!(true));
    let page = server.get(&format!("/evaluations/{}", other["evaluation"]["id"].as_str().unwrap())).text;
    for word in ["proven worse", "Rows that differ most", worst, "differences of the answers"] {
        assert!(page.contains(word), "{word}: {page}");
    }
    let refused = |body: Value| post(&server, "/api/v1/replays", &body).status.as_u16();
    assert_eq!(refused(json!({ "endpoint": "nowhere", "version": "late/1" })), 404);
    assert_eq!(refused(json!({ "endpoint": "flights", "version": "late/7" })), 404);
    assert_eq!(refused(json!({ "endpoint": "flights", "version": "late/1", "limit": 0 })), 400);
    let backwards = json!({ "endpoint": "flights", "version": "late/1", "from": "2013-02-01T00:00:00Z", "to": "2013-01-01T00:00:00Z" });
    assert_eq!(refused(backwards), 400);
}

const LOOP: &str = "name: NAME
task: classification
data:
  flights: { from: flights.csv, key: id, label: outcome }
train: { on: flights, holdout: 30%, with: { kind: KIND } }
suites:
  - performance: { better_than_dummy: 20% }
  - robustness: { expect: [{ column: distance, answer: rising }] }
  - stability: { seeds: 2 }
monitor: { window: 1d }
";

#[test]
fn the_suites_of_a_loop_refuse_a_version_as_gates_do() {
    let server = TestServer::new();
    dataset(&server, "flights", &flights(2000));
    for (name, kind, passes) in [("good", "classification", true), ("bad", "contrary", false)] {
        let file = LOOP.replace("NAME", name).replace("KIND", kind);
        let applied = post(&server, "/api/v1/loops/apply", &json!({ "file": file }));
        assert_eq!(applied.status, StatusCode::OK, "{}", applied.text);
        work(&server);
        let version = server.get(&format!("/api/v1/models/{name}/versions/1")).json();
        assert_eq!(version["gates"]["passed"], json!(passes), "{version}");
        let gates = version["gates"]["gates"].as_array().unwrap();
        let gate =
            |text: &str| gates.iter().find(|gate| gate["text"] == text).unwrap_or_else(|| panic!("{text}: {version}"));
        assert_eq!(gate("suite performance: better_than_dummy")["holds"], json!(passes));
        assert_eq!(gate("suite robustness: monotonic")["holds"], json!(passes));
        assert_eq!(gate("suite stability: seed_flips")["holds"], json!(true));
        let kept = server.get(&format!("/api/v1/evaluations?version={name}/1")).json();
        assert_eq!((&kept[0]["kind"], &kept[0]["passed"]), (&json!("training"), &json!(passes)), "{kept}");
        let page = server.get(&format!("/evaluations/{}", kept[0]["id"].as_str().unwrap()));
        assert!(page.status == StatusCode::OK && page.text.contains("held-out rows of flights"), "{}", page.text);
        let aliases = version["version"]["aliases"].to_string();
        assert_eq!(aliases.contains("cham") || aliases.contains("challenger"), passes, "{aliases}");
    }
    // What the loop knows need not be said again.
    let again = made(&server, "/api/v1/evaluations", &json!({ "version": "good/1", "dataset": "flights" }));
    assert_eq!(
        (&again["report"]["label"], &again["evaluation"]["passed"]),
        (&json!("outcome"), &json!(true)),
        "{again}"
    );
}
