//! What judging models costs, measured in this process: `flyball-bench-judgement NAME` prints one JSON object of figures,
//! `--list` the names. `cargo xtask bench judgement` runs it beside the field's tools.

#![expect(clippy::print_stdout, reason = "a command-line program talks on its standard streams")]

mod calibration;
mod drift;
mod fairness;
mod measure;
mod metrics;
mod shap;
mod streams;
mod tables;
mod windows;

use anyhow::{Result, bail};
use serde_json::Value;

/// Measures and answers the figures.
type Bench = fn() -> Result<Value>;

/// The measurements by name.
const BENCHES: &[(&str, Bench)] = &[
    // One a line.
    ("calibration", calibration::bench),
    ("drift", drift::bench),
    ("drift-large", drift::large),
    ("fairness", fairness::bench),
    ("metrics", metrics::bench),
    ("shap", shap::bench),
    ("streams", streams::bench),
    ("windows", windows::bench),
];

fn main() -> Result<()> {
    let name = std::env::args().nth(1).unwrap_or_default();
    if name == "--list" {
        BENCHES.iter().for_each(|(name, _)| println!("{name}"));
        return Ok(());
    }
    let Some((_, bench)) = BENCHES.iter().find(|(known, _)| *known == name) else {
        let names: Vec<&str> = BENCHES.iter().map(|(name, _)| *name).collect();
        bail!("there is no measurement '{name}'; there are {}", names.join(", "));
    };
    println!("{:#}", bench()?);
    Ok(())
}
