//! A project of one's own: from `init` to an explained prediction, over restarts of the server.

use std::time::Duration;

use serde_json::{Value, json};

use crate::data::{LOOP, Machines, machine};
use crate::product::{Project, Server};

/// What a plan says by thing.
fn actions(plan: &Value) -> Vec<(String, String)> {
    let changes = plan["changes"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    changes.map(|change| (text(&change["action"]), text(&change["what"]))).collect()
}

/// Asks until the answer is there: records are written once a second.
fn explained(server: &Server, id: &str) -> Value {
    let path = format!("/api/v1/predictions/{id}");
    for _ in 0..100 {
        if server.get(&path).0 == 200 {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    server.get_json(&path)
}

fn predict(server: &Server, endpoint: &str, body: &Value) -> (Value, String) {
    let (status, answer) = server.post(&format!("/v2/models/{endpoint}/infer"), body);
    assert_eq!(status, 200, "{answer}");
    let id = answer["parameters"]["prediction_ids"][0].as_str().unwrap().to_owned();
    (answer, id)
}

#[test]
fn what_init_writes_can_be_applied_served_and_explained() {
    let project = Project::new();
    project.done(&["init"]);
    assert_eq!(project.refused(&["init"])["code"], "conflict", "a second init overwrites nothing");
    let rows =
        Machines::CALM.csv().replacen("id,at,heat,load,site,failed", "id,happened_at,heat,load,site,happened", 1);
    project.write("data/rows.csv", &rows);
    project.write("flyball.yaml", &project.read("flyball.yaml").replace("my-model", "machines"));

    let planned = actions(&project.json(&["plan"]));
    assert!(planned.contains(&("create".into(), "loop machines".into())), "{planned:?}");
    assert!(planned.contains(&("run".into(), "first training".into())), "{planned:?}");
    assert!(project.done(&["runs", "list"]).contains("nothing yet"), "a plan changes nothing");
    let applied = project.json(&["apply"]);
    assert_eq!(applied["applied"]["training"], true, "{applied}");
    assert_eq!(applied["run"]["error"], Value::Null, "{applied}");
    let planned = actions(&project.json(&["plan"]));
    assert!(planned.iter().all(|(action, _)| action == "keep"), "{planned:?}");
    let again = project.json(&["apply"]);
    assert_eq!((&again["applied"]["training"], &again["run"]), (&json!(false), &Value::Null), "{again}");
    assert_eq!(project.json(&["status"])[0]["champion"], 1);

    let server = project.serve();
    assert_eq!(server.get("/health").0, 200);
    assert_eq!(server.get("/v2/models/machines/ready").0, 200);
    let (answer, id) = predict(&server, "machines", &machine("m1", 28.0));
    assert_eq!(answer["outputs"][0]["name"], "label", "{answer}");
    assert!(server.get("/metrics").1.contains("machines"), "the endpoint's figures");
    let why = explained(&server, &id);
    assert_eq!((&why["key"], &why["truth"]), (&json!("m1"), &Value::Null));
    assert_eq!(why["version"]["version"], 1);
    assert_eq!(why["dataset"]["dataset"], "rows");
    let told = project.done(&["why", &id]);
    for word in [id.as_str(), "machines version 1", "rows@1", "heat = 28"] {
        assert!(told.contains(word), "no '{word}': {told}");
    }
    tell_truth(&server, "machines", "m1", &json!("true"));
    assert_ne!(explained(&server, &id)["truth"], Value::Null);

    // An error of the caller is the caller's: named, and nothing is broken by it.
    let (status, refused) = server.post("/v2/models/machines/infer", &json!({ "inputs": [] }));
    assert_eq!(status, 400, "{refused}");
    assert_eq!(server.get("/v2/models/nobody/ready").0, 404);
    assert_eq!(project.refused(&["why", "nothing"])["code"].as_str().map(|code| code == "internal"), Some(false));

    assert_eq!(server.terminate(), Some(0));
    let server = project.serve();
    let later = explained(&server, &id);
    assert_ne!(later["truth"], Value::Null, "{later}");
    assert_eq!(later["score"], why["score"]);
    assert_eq!(predict(&server, "machines", &machine("m1", 28.0)).0["outputs"], answer["outputs"]);
    assert_eq!(server.terminate(), Some(0));
    assert_eq!(project.json(&["why", &id])["contributions"], why["contributions"], "also without a server");
}

fn tell_truth(server: &Server, endpoint: &str, key: &str, value: &Value) {
    let truths = json!({ "truths": [{ "key": key, "value": value, "happened_at": "2024-03-01T00:00:00Z" }] });
    let (status, answer) = server.post(&format!("/api/v1/endpoints/{endpoint}/ground-truth"), &truths);
    assert_eq!(status, 200, "{answer}");
}

#[test]
fn every_noun_lists_what_a_loop_made_and_the_audit_log_is_whole() {
    let project = Machines::CALM.project();
    project.done(&["apply"]);
    for (noun, word) in [("runs", "machines"), ("models", "machines"), ("endpoints", "machines"), ("data", "machines")]
    {
        let text = project.done(&[noun, "list"]);
        assert!(text.contains(word), "{noun}: {text}");
        assert!(!project.json(&[noun, "list"]).as_array().unwrap().is_empty(), "{noun}");
    }
    assert_eq!(project.json(&["models", "show", "machines/1"])["version"]["version"], 1);
    assert_eq!(project.json(&["data", "show", "machines"])["version"]["rows"], 1200);
    assert_eq!(project.json(&["alerts"]), json!([]));
    assert!(project.json(&["audit", "verify"])["events"].as_i64().unwrap() > 5);
    assert!(project.done(&["audit", "list"]).contains("loop.apply"));
    assert_eq!(project.refused(&["runs", "show", "nothing"])["code"], "not_found");
}

#[test]
fn a_change_of_the_data_or_of_the_training_is_planned_with_its_reason() {
    let project = Machines::CALM.project();
    project.done(&["apply"]);
    project.write("data/machines.csv", &Machines { days: 61, ..Machines::CALM }.csv());
    let planned = actions(&project.json(&["plan"]));
    assert!(planned.contains(&("update".into(), "dataset machines".into())), "{planned:?}");
    project.write("flyball.yaml", &LOOP.replace("depth: 3", "depth: 4"));
    assert!(project.done(&["plan"]).contains("the section train changed"));
    let applied = project.json(&["apply"]);
    assert_eq!(applied["applied"]["training"], true, "{applied}");
    assert_eq!(project.json(&["data", "show", "machines"])["version"]["version"], 2);
    assert_eq!(
        project.json(&["data", "show", "machines/1"])["version"]["rows"],
        1200,
        "the old version is still there"
    );
}

#[test]
fn the_example_with_a_number_works_from_plan_to_why() {
    let project = Project::of_example("diabetes");
    assert!(project.done(&["plan"]).contains("loop diabetes-progression"));
    assert!(project.done(&["apply"]).contains("rmse"));
    let server = project.serve();
    let row = [("age", 59.0), ("sex", 2.0), ("bmi", 32.1), ("bp", 101.0), ("s1", 157.0), ("s2", 93.2), ("s3", 38.0)];
    let row = row.into_iter().chain([("s4", 4.0), ("s5", 4.8598), ("s6", 87.0)]);
    let inputs: Vec<Value> =
        row.map(|(name, value)| json!({ "name": name, "shape": [1], "datatype": "FP64", "data": [value] })).collect();
    let (answer, id) =
        predict(&server, "diabetes-progression", &json!({ "parameters": { "key": "P001" }, "inputs": inputs }));
    let predicted = answer["outputs"][0]["data"][0].as_f64().unwrap();
    assert!((100.0..300.0).contains(&predicted), "{answer}");
    let why = explained(&server, &id);
    let added: f64 = why["contributions"].as_array().unwrap().iter().map(|part| part["amount"].as_f64().unwrap()).sum();
    let sum = why["expected"].as_f64().unwrap() + added;
    assert!((sum - predicted).abs() < 1e-6 * predicted, "the contributions sum to {sum}, the answer is {predicted}");
    assert!(project.done(&["why", &id]).contains("patients@1"));
    assert!(project.done(&["status"]).contains("diabetes-progression  version 1"));
}

#[test]
fn two_loops_live_side_by_side() {
    let project = Machines::CALM.project();
    let other = LOOP
        .replace("name: machines", "name: presses")
        .replace("machines", "presses")
        .replace("trees: 30", "trees: 10");
    project.write("presses.yaml", &other);
    project.write("data/presses.csv", &Machines { seed: 21, ..Machines::CALM }.csv());
    project.done(&["apply"]);
    let before = project.json(&["models", "show", "machines/1"]);
    project.done(&["apply", "presses.yaml"]);
    assert_eq!(project.json(&["models", "show", "machines/1"]), before, "the other loop changed nothing here");
    let status = project.json(&["status"]);
    let mut names: Vec<&str> = status.as_array().unwrap().iter().filter_map(|status| status["name"].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["machines", "presses"]);
    let server = project.serve();
    let (first, _) = predict(&server, "machines", &machine("m1", 28.0));
    let (second, id) = predict(&server, "presses", &machine("m1", 28.0));
    assert_ne!(first["outputs"], second["outputs"]);
    assert_eq!(explained(&server, &id)["dataset"]["dataset"], "presses");
}

#[test]
fn a_retraining_learns_from_what_the_files_hold_by_then() {
    let project = Machines::CALM.project();
    // At once instead of by a canary, so that no rollout holds the next retraining back.
    let direct = LOOP.replace("{ canary: [50%, 100%], bake: 1d }", "direct");
    let text = format!("{}\nremedies:\n  - every: 1s\n    do: retrain\n", without_remedies(&direct));
    project.write("flyball.yaml", &text);
    project.done(&["apply"]);
    let rows = project.read("data/machines.csv");
    let last = rows.lines().last().unwrap().to_owned();
    project.write("data/machines.csv", &format!("{rows}{}\n", last.replacen('m', "new-m", 1)));
    let server = project.serve();
    let learnt = |runs: &Value| {
        runs.as_array().unwrap().iter().map(|run| run["lineage"]["dataset_version"].clone()).collect::<Vec<_>>()
    };
    for _ in 0..100 {
        let versions = learnt(&server.get_json("/api/v1/runs"));
        if versions.len() > 1 && versions.first() != versions.last() {
            return;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    panic!("no run learnt from the new version: {}", server.get_json("/api/v1/runs"));
}

/// A loop file without its remedies, which stand last.
fn without_remedies(text: &str) -> &str {
    text.split("\nremedies:").next().unwrap_or(text)
}
