//! Measurements.

use anyhow::{Result, bail};

/// Runs the bench called `name`.
pub fn run(name: &str, _json: bool) -> Result<()> {
    bail!("there is no bench '{name}'")
}
