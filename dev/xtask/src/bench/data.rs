//! What keeping versions of files costs, beside DVC: `dev/bench/data/files.py` runs both sides, here the ratios are taken.

use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::table::short;
use crate::run::{self, root};
use crate::setup;

/// A goal: the figure, what it is divided by, whether at most or at least so much is wanted of the ratio.
type Goal = (&'static str, &'static str, Wanted);

/// What is wanted of a figure or of a ratio.
#[derive(Clone, Copy)]
enum Wanted {
    /// The peer's figure is at least so many times the own one.
    Times(f64),
    /// The own figure is at most so many times the other one.
    AtMost(f64),
    /// The own figure itself is at most so much.
    Most(f64),
}

use Wanted::{AtMost, Most, Times};

const GOALS: &[Goal] = &[
    // One a line.
    ("flyball_add_cpu_s", "dvc_add_cpu_s", Times(8.0)),
    ("flyball_add_mib", "dvc_add_mib", Most(60.0)),
    ("flyball_status_cpu_s", "dvc_status_cpu_s", Times(15.0)),
    ("flyball_status_mib", "dvc_status_mib", Most(60.0)),
    ("flyball_checkout_cpu_s", "dvc_checkout_cpu_s", Times(4.0)),
    ("flyball_checkout_mib", "dvc_checkout_mib", Most(60.0)),
    ("flyball_push_cpu_s", "dvc_push_cpu_s", Times(10.0)),
    ("flyball_push_mib", "dvc_push_mib", Most(60.0)),
    ("flyball_fetch_cpu_s", "dvc_fetch_cpu_s", Times(10.0)),
    ("flyball_fetch_mib", "dvc_fetch_mib", Most(60.0)),
    ("flyball_push_nothing_cpu_s", "dvc_push_nothing_cpu_s", Times(20.0)),
    ("flyball_add_large_cpu_s", "hash_and_copy_cpu_s", AtMost(1.3)),
    ("flyball_growth_of_appended_noise", "", Most(1.1)),
    ("flyball_growth_of_appended_rows", "dvc_growth_of_appended_rows", Most(0.4)),
];

/// Measures and prints. Flags besides `--json` go to the script: `--files=N`, `--mebibytes=N`, `--only=files,large,table`,
/// `--alone`, `--folder=DIR`.
pub(super) fn run(flags: &[&str]) -> Result<()> {
    let python = setup::environment("data-peers", "dev/bench/data/files.txt", (11, 13))?;
    let mut script = Command::new(python);
    script.arg(root().join("dev/bench/data/files.py")).arg("--flyball").arg(super::binary()?);
    script.args(flags.iter().filter(|flag| **flag != "--json"));
    let text = run::output(&mut script).context("the measurement ended with an error")?;
    let figures: Value = serde_json::from_str(&text).context("it printed no JSON")?;
    let rows: Vec<Value> = GOALS.iter().filter_map(|goal| row(goal, &figures)).collect();
    if rows.is_empty() {
        bail!("nothing was measured");
    }
    if flags.contains(&"--json") {
        println!("{:#}", json!({ "rows": rows, "figures": figures }));
        return Ok(());
    }
    for row in rows {
        let number = |key: &str| row[key].as_f64().map(short).unwrap_or_default();
        let reached = if row["reached"] == true { "reached" } else { "missed" };
        let (figure, goal) = (row["figure"].as_str().unwrap_or_default(), row["goal"].as_str().unwrap_or_default());
        let line = format!(
            "{figure:<36} {:>10} {:>10} {:>8} {goal:<9} {reached}",
            number("value"),
            number("peer"),
            number("ratio")
        );
        println!("{}", line.trim_end());
    }
    Ok(())
}

fn row((figure, other, wanted): &Goal, figures: &Value) -> Option<Value> {
    let value = figures[*figure].as_f64()?;
    let peer = figures[*other].as_f64();
    let (ratio, goal, reached) = match wanted {
        Times(times) => {
            let ratio = peer.map(|peer| peer / value);
            (ratio, format!("≥ {}×", short(*times)), ratio.map(|ratio| ratio >= *times))
        }
        AtMost(times) => {
            let ratio = peer.map(|peer| value / peer);
            (ratio, format!("≤ {}×", short(*times)), ratio.map(|ratio| ratio <= *times))
        }
        Most(most) => (peer.map(|peer| peer / value), format!("≤ {}", short(*most)), Some(value <= *most)),
    };
    Some(json!({ "figure": figure, "value": value, "peer": peer, "ratio": ratio, "goal": goal, "reached": reached }))
}
