//! Data and helpers of the tests.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use flyball_core::model::{self, Model, TrainRequest, Trained, Trainer};
use flyball_core::package::{self, Lone};
use flyball_core::rng::Rng;
use flyball_core::{Column, Digest, Format, Package, Table, Task, TextColumn};
use flyball_engine_tabular::TabularEngine;

/// Flights: two numbers with gaps, a whole number, a carrier with gaps, and whether they were late and by how much.
pub(crate) fn flights(rows: usize, seed: u64) -> Table {
    const CARRIERS: [&str; 5] = ["AA", "B6", "DL", "EV", "WN"];
    let mut rng = Rng::seeded(seed);
    let (mut wind, mut distance, mut hour) = (Vec::new(), Vec::new(), Vec::new());
    let (mut carrier, mut late, mut delay) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rows {
        let (w, d, h, c) = (rng.unit() * 30.0, 100.0 + rng.unit() * 2500.0, rng.below(24) as i64, rng.below(5));
        let score = 0.15 * w - 2.5 + 0.1 * (h as f64 - 12.0) + [0.0, 0.8, -0.8, 1.2, 0.2][c] - d / 3000.0;
        late.push(u8::from(rng.unit() < 1.0 / (1.0 + (-score).exp())));
        delay.push(10.0 * score + rng.unit());
        wind.push(if rng.unit() < 0.1 { f64::NAN } else { w });
        distance.push(d);
        hour.push(h);
        carrier.push((rng.unit() > 0.05).then_some(CARRIERS[c]));
    }
    Table::new(vec![
        ("wind".into(), Column::Float(wind)),
        ("distance".into(), Column::Float(distance)),
        ("hour".into(), Column::Int(hour)),
        ("carrier".into(), Column::Text(TextColumn::from_texts(carrier))),
        ("late".into(), Column::Bool(late)),
        ("delay".into(), Column::Float(delay)),
    ])
    .unwrap()
}

/// The flights' features.
pub(crate) fn flight_features() -> Vec<String> {
    ["wind", "distance", "hour", "carrier"].map(String::from).to_vec()
}

/// Trains on flights with parameters as JSON.
pub(crate) fn train(trainer: &dyn Trainer, rows: &Table, task: Task, with: &str) -> flyball_core::Result<Trained> {
    let label = if task == Task::Classification { "late" } else { "delay" };
    let parameters = serde_json::from_str(with).unwrap();
    trainer.train(&TrainRequest {
        task,
        rows,
        label,
        features: &flight_features(),
        weights: None,
        validation: None,
        parameters: &parameters,
        seed: 7,
    })
}

/// Loads a graph with the engine.
pub(crate) fn load(artifact: &[u8]) -> Arc<dyn Model> {
    try_load(artifact).unwrap()
}

/// Loads what may be no graph.
pub(crate) fn try_load(artifact: &[u8]) -> flyball_core::Result<Arc<dyn Model>> {
    model::load_graph(&[Arc::new(TabularEngine)], artifact)
}

/// Loads what may be no booster, with a signature as MLflow keeps it.
pub(crate) fn try_booster(
    format: Format,
    bytes: &[u8],
    signature: Option<serde_json::Value>,
) -> flyball_core::Result<Arc<dyn Model>> {
    let digest = Digest::of(bytes);
    let mut manifest = package::lone(format, digest, bytes.len());
    manifest.signature = signature;
    model::load(&[Arc::new(TabularEngine)], &Package::new(digest, &manifest, &Lone(bytes)))?.rows()
}

/// A table from columns of JSON.
pub(crate) fn table(columns: &serde_json::Map<String, serde_json::Value>) -> Table {
    let column = |values: &Vec<serde_json::Value>| {
        if values.iter().any(serde_json::Value::is_string) {
            return Column::Text(TextColumn::from_texts(values.iter().map(|v| v.as_str())));
        }
        Column::Float(values.iter().map(|v| v.as_f64().unwrap_or(f64::NAN)).collect())
    };
    let named = columns.iter().map(|(name, values)| (name.clone(), column(values.as_array().unwrap())));
    Table::new(named.collect()).unwrap()
}

/// Checks that a model answers as expected, in batch and row by row.
pub(crate) fn agrees(name: &str, model: &dyn Model, inputs: &Table, expected: &[Vec<f64>]) {
    let predictions = model.predict(inputs).unwrap();
    assert_eq!(predictions.rows(), expected.len(), "{name}");
    let features: Vec<&str> = model.signature().features.iter().map(|f| f.name.as_str()).collect();
    let rows = inputs.select(&features).unwrap();
    // Regressions are compared to the precision that 32-bit sums of their size have.
    let tolerance = 1e-6 * expected.iter().flatten().fold(1.0, |largest: f64, score| largest.max(score.abs()));
    for (row, expected) in expected.iter().enumerate() {
        let mut single = Vec::new();
        model.predict_row(&rows.row(row), &mut single).unwrap();
        for scores in [predictions.row(row), &single] {
            assert_eq!(scores.len(), expected.len(), "{name}");
            for (ours, theirs) in scores.iter().zip(expected) {
                assert!((ours - theirs).abs() <= tolerance, "{name}, row {row}: {ours} instead of {theirs}");
            }
        }
    }
}

/// Runs a script of the crate's tests with the Python that the environment names.
#[allow(clippy::disallowed_methods, reason = "the tests compare with Python tools, which run as a process")]
pub(crate) fn python(script: &str, arguments: &[&Path]) {
    let interpreter = std::env::var_os("FLYBALL_PYTHON").unwrap_or_else(|| {
        panic!("run `cargo xtask test`, or set FLYBALL_PYTHON to a Python with dev/python/requirements.txt")
    });
    let script = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("tests").join(script);
    let output = Command::new(interpreter).arg(script).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
