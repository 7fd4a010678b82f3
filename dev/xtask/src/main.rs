//! The project's own commands: `cargo xtask test | check | bench NAME`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program talks on its standard streams")]
#![expect(
    clippy::disallowed_methods,
    reason = "the development tools run commands, read the environment and take times"
)]

mod bench;
mod check;
mod conformance;
mod run;
mod setup;
mod test;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "cargo xtask COMMAND

  test           set up what is missing, then run every test
  check          formatting, lints and the house rules
  bench NAME     measure; names: infer, demo, idle, judgement, rollout, serving, tracking  [--json]
                 tracking, beside MLflow's own server: [--sqlite] [--postgres] [--million]
                 [--quick] [--alone: without MLflow] [--only=metric|batch|search|history|artifact]
  conformance    ask MLflow's own server and Flyball the same and compare; then the workflows of its client
  oracles DIR    compare with a folder of expected values of the field's tools, as in dev/oracles/fixtures
  setup          only set up what the tests need";

fn main() -> ExitCode {
    match command() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn command() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["test", filters @ ..] => test::run(filters),
        ["check"] => check::run(),
        ["oracles", folder] => oracles(folder),
        ["conformance", arguments @ ..] => conformance::run(arguments),
        ["setup"] => setup::run().map(|_| ()),
        ["bench", name, flags @ ..] => bench::run(name, flags),
        _ => {
            eprintln!("{USAGE}");
            bail!("no such command")
        }
    }
}

/// Compares with the expected values of a folder.
fn oracles(folder: &str) -> Result<()> {
    let begin = ["cargo", "run", "--quiet", "--release", "--package", "flyball-oracles", "--"];
    run::run(run::command(&begin).arg(std::path::absolute(folder)?))
}
