//! The house rules, then every test, in three parts: all crates without the query engine, as developers build them
//! daily; the shipped binary, driven as users do; and the query engine's own tests, which share the binary's build.

use std::process::Command;

use anyhow::Result;

use crate::bench;
use crate::check;
use crate::run::{self, command, has};
use crate::setup::{self, Environment};

/// The packages that link the query engine.
const FULL: [&str; 2] = ["flyball-cli", "flyball-engine-query"];
/// The tests that run the shipped binary.
const END_TO_END: &str = "flyball-e2e";

/// Sets up, then runs everything. Filters are passed to the test runner.
pub(crate) fn run(filters: &[&str]) -> Result<()> {
    check::house_rules()?;
    let environment = setup::run()?;
    let mut daily = runner();
    daily.arg("--workspace");
    for package in FULL.iter().chain(&[END_TO_END]) {
        daily.args(["--exclude", package]);
    }
    test(daily, &environment, filters)?;

    let binary = bench::build()?;
    let mut end_to_end = runner();
    end_to_end.args(["--package", END_TO_END]).env("FLYBALL_BIN", binary);
    test(end_to_end, &environment, filters)?;

    let mut query = runner();
    query.arg("--release");
    // Both, so that dependencies keep the features of the binary's build and nothing heavy is built twice.
    for package in FULL {
        query.args(["--package", package]);
    }
    test(query, &environment, filters)
}

fn test(mut command: Command, environment: &Environment, filters: &[&str]) -> Result<()> {
    // Snapshots are looked for in this checkout, whichever one the build folder was filled from.
    command.env("INSTA_WORKSPACE_ROOT", run::root());
    command.env("FLYBALL_PYTHON", &environment.python).args(filters);
    run::run(&mut command)
}

/// nextest where it is installed, else cargo's own runner.
fn runner() -> Command {
    if has("cargo-nextest") {
        command(&["cargo", "nextest", "run", "--no-fail-fast"])
    } else {
        command(&["cargo", "test", "--no-fail-fast"])
    }
}
