//! The differential suite and the client's workflows with live servers: what `cargo xtask test` compares with recorded
//! answers is asked anew here.

use anyhow::Result;

use crate::bench;
use crate::run::{self, command};
use crate::setup;

/// Builds Flyball, starts it beside MLflow's own server and compares. Arguments go to the suite, such as `--only`,
/// `--record FOLDER`, `--database URL` for MLflow and `--subject-database URL` for Flyball.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let python = setup::python()?;
    let binary = bench::build()?;
    let suite = |name: &str| {
        let mut suite = command(&[&python.to_string_lossy(), &format!("dev/conformance/{name}"), "--binary"]);
        suite.arg(&binary);
        suite
    };
    run::run(suite("mlflow").args(arguments))?;
    run::run(&mut suite("workflows"))
}
