//! Measurements of the shipped binary, as whole processes: wall time, CPU time, memory. Never a test: machines differ.

mod data;
mod demo;
mod idle;
mod infer;
mod judgement;
mod load;
mod process;
mod rollout;
mod serving;
mod table;
mod tracking;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::run::{self, command, root};

/// Runs the bench called `name` and prints its figures.
pub(crate) fn run(name: &str, flags: &[&str]) -> Result<()> {
    let as_json = flags.contains(&"--json");
    let figures = match name {
        "demo" => demo::run(&binary()?)?,
        "idle" => idle::run(&binary()?)?,
        "infer" => infer::run(&binary()?)?,
        "rollout" => rollout::run(&binary()?)?,
        "data" => return data::run(flags),
        "judgement" => return judgement::run(flags),
        "serving" => return serving::run(flags),
        "tracking" => return tracking::run(flags),
        other => {
            bail!(
                "there is no bench '{other}'; there are data, demo, idle, infer, judgement, rollout, serving and tracking"
            )
        }
    };
    if as_json {
        println!("{figures:#}");
    } else {
        for (figure, value) in figures.as_object().into_iter().flatten() {
            println!("{figure:<34} {value}");
        }
    }
    Ok(())
}

/// The shipped binary, built as users build it.
pub(crate) fn build() -> Result<PathBuf> {
    run::run(&mut command(&["cargo", "build", "--release", "--package", "flyball-cli"]))?;
    let target = std::env::var("CARGO_TARGET_DIR").map_or_else(|_| root().join("target"), PathBuf::from);
    Ok(target.join("release/flyball"))
}

/// What is measured: the binary that the environment variable `FLYBALL_BIN` names, otherwise a new build.
fn binary() -> Result<PathBuf> {
    std::env::var("FLYBALL_BIN").map(PathBuf::from).or_else(|_| build())
}

/// An empty folder for one bench, removed with the value.
fn scratch(name: &str) -> Result<tempfile::TempDir> {
    Ok(tempfile::Builder::new().prefix(&format!("flyball-bench-{name}-")).tempdir()?)
}

/// A path as text, for arguments and URLs.
fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn round(value: f64) -> Value {
    json!((value * 10.0).round() / 10.0)
}

fn round3(value: f64) -> Value {
    json!((value * 1000.0).round() / 1000.0)
}
