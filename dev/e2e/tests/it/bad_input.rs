//! Data and projects that cannot work: what the user is told, and that nothing is lost or half made.

use std::process::Stdio;

use flyball_core::rng::Rng;
use serde_json::Value;

use crate::data::{LOOP, Machines, loop_with};
use crate::product::Project;

const PERIOD: [&str; 7] = ["simulate", "--from", "2024-02-15", "--to", "2024-03-01", "--compare", "none"];

/// The error of both ways to make a loop so.
fn both_say(project: &Project, words: &[&str]) {
    for command in [&PERIOD[..], &["apply"]] {
        let error = project.refused(command);
        let text = error.to_string();
        for word in words {
            assert!(text.contains(word), "{command:?} does not say '{word}': {text}");
        }
    }
}

#[test]
fn a_missing_data_file_is_named() {
    let project = Machines::CALM.project();
    std::fs::rename(project.path().join("data/machines.csv"), project.path().join("data/machine.csv")).unwrap();
    both_say(&project, &["not_found", "data/machines.csv"]);
    project.write("data/machines.csv", &Machines::CALM.csv());
    project.done(&PERIOD);
}

#[test]
fn a_sql_error_is_shown_with_its_place() {
    let derived = "  features: { sql: features.sql, key: id, time: at, label: failed, label_delay: 1d }\ntrain:\n  on: features\n";
    let file = loop_with("train:\n  on: machines\n", derived);
    let project = Machines::CALM.project();
    project.write("flyball.yaml", &file);
    project.write("features.sql", "SELECT id, at, heet, load, failed\nFROM machines\n");
    both_say(&project, &["sql_error", "heet"]);
    project.write("features.sql", "SELECT id, at, heat, load, failed\nFRM machines\n");
    both_say(&project, &["sql_error", "2"]);
    project.write("features.sql", "SELECT id, at, heat, load, failed\nFROM machines\n");
    project.done(&PERIOD);
}

/// Flights with the delay at arrival among the columns, which nobody knows at departure.
fn flights() -> Project {
    let mut rng = Rng::seeded(7);
    let mut text = "flight,at,distance,arr_delay,late\n".to_owned();
    for row in 0..1200 {
        let (day, delay) = (row / 20, rng.unit() * 90.0 - 45.0);
        let at = crate::data::START + flyball_core::Duration::days(day);
        text.push_str(&format!("f{row},{at},{:.0},{delay:.0},{}\n", rng.unit() * 2000.0, delay.round() > 15.0));
    }
    let file = LOOP
        .replace("machines.csv", "flights.csv")
        .replace("key: id", "key: flight")
        .replace("label: failed", "label: late")
        .replace(
            "      - unique: [id]\n      - in_set: { column: site, values: [north, south, west] }",
            "      - unique: [flight]",
        );
    Project::with(&[("flyball.yaml", &file), ("data/flights.csv", &text)])
}

#[test]
fn a_feature_that_knows_the_label_is_named_with_its_strength() {
    let project = flights();
    both_say(&project, &["label_leak", "'arr_delay' alone has AUC", "train.exclude"]);
    let file = project.read("flyball.yaml").replace("  uses: gbdt", "  exclude: [arr_delay]\n  uses: gbdt");
    project.write("flyball.yaml", &file);
    let error = project.refused(&PERIOD).to_string();
    assert!(!error.contains("label_leak"), "without it only the gates refuse, because distance says nothing: {error}");
}

#[test]
fn a_period_without_rows_says_where_the_rows_are() {
    let project = Machines::CALM.project();
    let error = project.refused(&["simulate", "--from", "2030-01-01", "--to", "2030-02-01"]);
    assert_eq!(error["code"], "empty_window");
    assert!(error["hint"].as_str().unwrap().contains("2024-01-01"), "{error}");
    let error = project.refused(&["simulate", "--from", "2024-02-15", "--to", "2024-02-15"]);
    assert_eq!(error["code"], "invalid_input", "{error}");
}

#[test]
fn nothing_to_learn_from_before_the_period_is_an_empty_window() {
    let project = Machines::CALM.project();
    let words = ["simulate", "--from", "2024-01-01", "--to", "2024-02-01", "--compare", "none"];
    let error = project.refused(&words).to_string();
    assert!(error.contains("empty_window") && error.contains("begin later"), "{error}");
}

#[test]
fn a_class_that_vanished_is_named() {
    let project = Machines::CALM.project();
    project.write("data/machines.csv", &Machines::CALM.csv().replace(",true\n", ",false\n"));
    both_say(&project, &["class_vanished"]);
}

#[test]
fn a_check_that_fails_stops_the_loop_and_counts_the_rows() {
    let project = Machines::CALM.project();
    project.write("data/machines.csv", &Machines::CALM.csv().replacen(",north,", ",moon,", 3));
    both_say(&project, &["check_failed", "machines", "3 of 1200"]);
}

#[test]
fn a_broken_row_is_left_out_and_reported_by_its_line() {
    let project = Machines::CALM.project();
    let mut lines: Vec<String> = Machines::CALM.csv().lines().map(str::to_owned).collect();
    lines.insert(700, "m-broken,2024-02-04T00:00:00Z,12.0".to_owned());
    project.write("data/machines.csv", &(lines.join("\n") + "\n"));
    let told = project.done(&["apply"]);
    assert!(told.contains("machines: 1 broken row"), "{told}");
    let version: Value = project.json(&["data", "show", "machines"]);
    assert_eq!(version["version"]["rows"], 1200, "{version}");
    assert!(version.to_string().contains("701"), "the line of the broken row: {version}");
}

#[test]
fn a_data_folder_serves_one_process_only() {
    let project = Machines::CALM.project();
    let server = project.serve();
    let error = project.refused(&["serve", "--port", "0"]);
    assert_eq!(error["code"], "locked", "{error}");
    assert!(error["message"].as_str().unwrap().contains(&server.address), "{error}");
    assert!(error["hint"].as_str().unwrap().contains("--data-dir"), "{error}");
    // The first one does not notice, and another folder is free.
    assert_eq!(server.get("/health").0, 200);
    let elsewhere = Machines::CALM.project();
    assert_eq!(elsewhere.serve().get("/health").0, 200);
}

#[test]
fn a_simulation_is_played_by_one_process_only() {
    let project = Machines::HALF_A_YEAR.project();
    let words = ["simulate", "--from", "2024-03-01", "--to", "2024-06-30"];
    let mut first = project.command(&words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let simulations = project.path().join(".flyball/simulations");
    while !simulations.exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    std::thread::sleep(std::time::Duration::from_millis(200));
    let error = project.refused(&words);
    assert_eq!(error["code"], "locked", "{error}");
    assert!(error["message"].as_str().unwrap().contains(&first.id().to_string()), "{error}");
    first.kill().unwrap();
    first.wait().unwrap();
}
