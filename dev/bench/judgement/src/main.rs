//! What judging models costs, measured in this process: `flyball-bench-judgement NAME` prints one JSON object of figures.
//! `cargo xtask bench judgement` runs it beside the field's tools.

#![expect(clippy::print_stdout, reason = "a command-line program talks on its standard streams")]

mod fairness;
mod measure;
mod metrics;
mod shap;
mod streams;

use anyhow::{Result, bail};
use serde_json::Value;

/// The measurements by name.
const BENCHES: &[(&str, fn() -> Result<Value>)] = &[
    // One a line.
    ("fairness", fairness::bench),
    ("metrics", metrics::bench),
    ("shap", shap::bench),
    ("streams", streams::bench),
];

fn main() -> Result<()> {
    let name = std::env::args().nth(1).unwrap_or_default();
    let Some((_, bench)) = BENCHES.iter().find(|(known, _)| *known == name) else {
        let names: Vec<&str> = BENCHES.iter().map(|(name, _)| *name).collect();
        bail!("there is no measurement '{name}'; there are {}", names.join(", "));
    };
    println!("{:#}", bench()?);
    Ok(())
}
