//! A simulation gives the same for the same inputs, however often it is killed, and its alarms mean something.

use std::process::Stdio;
use std::time::{Duration, Instant};

use flyball_core::rng::Rng;
use serde_json::Value;

use crate::data::{LOOP, Machines, loop_with};
use crate::product::Project;

const PERIOD: [&str; 7] = ["simulate", "--from", "2024-03-01", "--to", "2024-06-30", "--events", "events.jsonl"];

#[test]
fn the_same_inputs_give_the_same_bytes_and_a_drift_is_healed() {
    let (one, two) = (Machines::HALF_A_YEAR.project(), Machines::HALF_A_YEAR.project());
    let (first, second) = (one.json(&PERIOD), two.json(&PERIOD));
    assert_eq!(first, second);
    same_lines(&one.read("events.jsonl"), &two.read("events.jsonl"));

    let policy = |name: &str| {
        let all = first["policies"].as_array().unwrap();
        all.iter().find(|policy| policy["name"] == name).unwrap_or_else(|| panic!("no policy {name}")).clone()
    };
    let (healed, never) = (policy("machines"), policy("machines.never"));
    let last = |policy: &Value| {
        policy["months"].as_array().unwrap().last().unwrap()["metrics"]["auc"]["value"].as_f64().unwrap()
    };
    assert!(healed["retrainings"].as_i64().unwrap() >= 1, "{healed}");
    assert_eq!(never["retrainings"], 0);
    assert!(last(&healed) > last(&never) + 0.1, "healed {} against {}", last(&healed), last(&never));
    assert_eq!(first["served"], 3 * 121 * 33, "every row of the period, by each of three policies");
    assert_eq!(first["failed"], 0);
}

#[test]
fn a_simulation_that_is_killed_goes_on_and_ends_the_same() {
    let (calm, harried) = (Machines::HALF_A_YEAR.project(), Machines::HALF_A_YEAR.project());
    let started = Instant::now();
    let wanted = calm.json(&PERIOD);
    let whole = started.elapsed().max(Duration::from_millis(400));
    let mut rng = Rng::seeded(3);
    let mut killed = 0;
    for _ in 0..5 {
        let mut child = harried.command(&PERIOD).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // From the very start to the middle of what is left, whatever the speed of this machine.
        std::thread::sleep(Duration::from_millis(50) + whole.mul_f64(0.5 * rng.unit()));
        killed += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(killed > 0, "it was always faster than its end");
    assert_eq!(harried.json(&PERIOD), wanted);
    same_lines(&harried.read("events.jsonl"), &calm.read("events.jsonl"));
}

#[test]
fn a_simulation_over_changed_data_begins_anew() {
    let project = Machines::CALM.project();
    let words = ["simulate", "--from", "2024-02-15", "--to", "2024-02-28", "--compare", "none"];
    let before = project.json(&words);
    project.write("data/machines.csv", &Machines { seed: 9, ..Machines::CALM }.csv());
    let fresh = Project::with(&[("flyball.yaml", LOOP), ("data/machines.csv", &project.read("data/machines.csv"))]);
    let after = project.json(&words);
    assert_ne!(after["policies"], before["policies"], "the old data's result");
    assert_eq!(after["policies"], fresh.json(&words)["policies"]);
}

#[test]
fn data_without_drift_raises_few_alarms() {
    let file = loop_with("  window: 6d", "  window: 1d\n  min_rows: 50");
    let words = ["simulate", "--from", "2024-03-01", "--to", "2024-06-30", "--compare", "none"];
    let (mut windows, mut drifted) = (0.0, 0.0);
    for seed in 5..9 {
        let rows = shuffled(&Machines { days: 182, per_day: 60, drift: None, seed }.csv(), seed + 100);
        let told = Project::with(&[("flyball.yaml", &file), ("data/machines.csv", &rows)]).json(&words);
        windows += told["policies"][0]["windows"].as_f64().unwrap();
        drifted += told["policies"][0]["drifted_windows"].as_f64().unwrap();
    }
    assert!(windows >= 480.0, "enough windows to judge by: {windows}");
    assert!(drifted / windows <= 0.075, "{drifted} of {windows} windows");
}

/// The rows with their times dealt out anew: whatever happened over time is gone.
fn shuffled(csv: &str, seed: u64) -> String {
    let (head, body) = csv.split_once('\n').unwrap();
    let rows: Vec<Vec<&str>> = body.lines().map(|line| line.splitn(3, ',').collect()).collect();
    let mut order: Vec<usize> = (0..rows.len()).collect();
    Rng::seeded(seed).shuffle(&mut order);
    let line = |(place, &row): (usize, &usize)| format!("{},{},{}\n", rows[place][0], rows[place][1], rows[row][2]);
    format!("{head}\n{}", order.iter().enumerate().map(line).collect::<String>())
}

/// Compares two event logs; of different ones it shows the first line that differs, not the megabytes.
fn same_lines(one: &str, two: &str) {
    for (number, (one, two)) in one.lines().zip(two.lines()).enumerate() {
        assert_eq!(one, two, "line {}", number + 1);
    }
    assert_eq!(one.len(), two.len());
}
