//! The trainer's defaults against XGBoost's on five data sets: AUC ≥ XGBoost − 0.005, log loss ≤ XGBoost × 1.05,
//! RMSE ≤ XGBoost (`oracles/gbm.json`).

use std::fs;
use std::path::Path;

use flyball_core::model::{TrainRequest, Trainer};
use flyball_core::{Column, Table, Task};
use flyball_engine_tabular::Gbdt;

use crate::common::{load, python};

/// The rows of one part of a data set's file, all columns numbers.
fn read(path: &Path, part: &str, task: Task) -> Table {
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let rows: Vec<Vec<&str>> =
        lines.map(|l| l.split(',').collect()).filter(|r: &Vec<&str>| r.last() == Some(&part)).collect();
    let column = |at: usize| {
        rows.iter().map(move |r: &Vec<&str>| if r[at].is_empty() { f64::NAN } else { r[at].parse().unwrap() })
    };
    let columns = names[..names.len() - 1].iter().enumerate().map(|(at, name)| {
        let values = column(at);
        let label = *name == "y" && task == Task::Classification;
        let column =
            if label { Column::Int(values.map(|v: f64| v as i64).collect()) } else { Column::Float(values.collect()) };
        ((*name).to_owned(), column)
    });
    Table::new(columns.collect()).unwrap()
}

/// (AUC or RMSE, log loss) of the defaults on the test part.
fn measure(path: &Path, task: Task) -> (f64, f64) {
    let (train, test) = (read(path, "train", task), read(path, "test", task));
    let features: Vec<String> = train.names().iter().filter(|n| *n != "y").cloned().collect();
    let request = TrainRequest {
        task,
        rows: &train,
        label: "y",
        features: &features,
        weights: None,
        validation: None,
        parameters: &serde_json::Map::new(),
        seed: 0,
    };
    let scores = load(&Gbdt.train(&request).unwrap().artifact).predict(&test).unwrap().headline();
    let truth = test.column("y").unwrap().numbers();
    let count = truth.len() as f64;
    let pairs = || scores.iter().copied().zip(truth.iter().copied());
    if task == Task::Regression {
        return ((pairs().map(|(p, y)| (p - y).powi(2)).sum::<f64>() / count).sqrt(), 0.0);
    }
    let loss = pairs().map(|(p, y)| -(if y == 1.0 { p } else { 1.0 - p }).max(1e-15).ln()).sum::<f64>() / count;
    (auc(pairs().collect()), loss)
}

/// The share of (positive, negative) pairs in the right order, ties half.
fn auc(mut pairs: Vec<(f64, f64)>) -> f64 {
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut right) = (0.0, 0.0);
    for tied in pairs.chunk_by(|a, b| a.0 == b.0) {
        let positive = tied.iter().filter(|(_, y)| *y == 1.0).count() as f64;
        let negative = tied.len() as f64 - positive;
        right += positive * (below + negative / 2.0);
        below += negative;
    }
    right / (below * (pairs.len() as f64 - below))
}

#[test]
fn the_defaults_are_as_good_as_xgboost() {
    let folder = tempfile::tempdir().unwrap();
    python("oracles/gbm_data.py", &[folder.path()]);
    let oracle: serde_json::Value = serde_json::from_str(include_str!("../oracles/gbm.json")).unwrap();
    let mut report = String::new();
    let mut holds = true;
    for (name, entry) in oracle.as_object().unwrap() {
        let set = name.split('(').next().unwrap();
        let xgboost = &entry["xgboost"];
        let task = if xgboost["metric"] == "auc" { Task::Classification } else { Task::Regression };
        let paths = (0..5).map(|seed| folder.path().join(format!("{set}_{seed}.csv"))).filter(|path| path.exists());
        let measured: Vec<(f64, f64)> = paths.map(|path| measure(&path, task)).collect();
        let mean = |f: fn(&(f64, f64)) -> f64| measured.iter().map(f).sum::<f64>() / measured.len() as f64;
        let (metric, loss) = (mean(|m| m.0), mean(|m| m.1));
        let (their_metric, their_loss) =
            (xgboost["mean"].as_f64().unwrap(), xgboost["logloss"].as_f64().unwrap_or(0.0));
        holds &= match task {
            Task::Classification => metric >= their_metric - 0.005 && loss <= their_loss * 1.05,
            Task::Regression => metric <= their_metric,
        };
        report += &format!("{set}: {metric:.4} {loss:.4}, XGBoost {their_metric:.4} {their_loss:.4}\n");
    }
    println!("{report}");
    assert!(holds, "{report}");
}
