//! Every test. The heavy engine is linked by the shipped binary only, so there are two lanes: all crates without it, as
//! developers build them daily, and the binary with it, built once as users get it.

use std::process::Command;

use anyhow::Result;

use crate::run::{self, command, has};
use crate::setup;

/// The packages that link the query engine.
const FULL: [&str; 2] = ["flyball-cli", "flyball-engine-query"];

/// Sets up, then runs both lanes. Filters are passed to the test runner.
pub fn run(filters: &[&str]) -> Result<()> {
    let environment = setup::run()?;
    let with_environment = |mut command: Command| -> Result<()> {
        command.env("FLYBALL_PYTHON", &environment.python).args(filters);
        run::run(&mut command)
    };
    let mut lean = runner();
    lean.arg("--workspace");
    for package in FULL {
        lean.args(["--exclude", package]);
    }
    with_environment(lean)?;
    let mut full = runner();
    full.arg("--release");
    for package in FULL {
        full.args(["--package", package]);
    }
    with_environment(full)
}



/// nextest where it is installed, else cargo's own runner.
fn runner() -> Command {
    if has("cargo-nextest") { command(&["cargo", "nextest", "run", "--no-fail-fast"]) } else { command(&["cargo", "test", "--no-fail-fast"]) }
}
