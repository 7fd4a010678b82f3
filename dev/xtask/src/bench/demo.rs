//! The demo: a year of flights.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::process::{Server, usage};
use super::{round, round3, scratch};

/// Wall time and memory of the whole demo: goals 120 s on two idle cores, 500 MB.
pub(super) fn run(binary: &Path) -> Result<Value> {
    let folder = scratch("demo")?;
    let mut command = Command::new(binary);
    command.args(["demo", "--exit", "--json", "--port", "0", "--dir"]).arg(folder.path()).stdout(Stdio::piped());
    let mut demo = Server::spawn(&mut command)?;
    let started = Instant::now();
    let mut printed = String::new();
    let mut output = demo.child.stdout.take().context("no output")?;
    let reader = std::thread::spawn(move || output.read_to_string(&mut printed).map(|_| printed));
    let (mut cpu, mut peak) = (0.0, 0.0);
    while demo.child.try_wait()?.is_none() {
        (cpu, peak) = usage(demo.child.id()).unwrap_or((cpu, peak));
        std::thread::sleep(Duration::from_millis(100));
    }
    let wall = started.elapsed().as_secs_f64();
    let printed = reader.join().map_err(|_| anyhow::anyhow!("the reader panicked"))??;
    let progress: Value = serde_json::from_str(&printed).context("the demo's JSON")?;
    let policy = |position: usize, key: &str| progress["policies"][position][key].clone();
    Ok(json!({
        "wall seconds (goal 120)": round(wall),
        "cpu seconds": round(cpu),
        "peak memory MB (goal 500)": round(peak),
        "predictions": progress["served"],
        "retrainings loop": policy(0, "retrainings"),
        "retrainings monthly": policy(2, "retrainings"),
        "mean monthly auc loop": mean_auc(&progress["policies"][0]),
        "mean monthly auc never": mean_auc(&progress["policies"][1]),
        "mean monthly auc monthly": mean_auc(&progress["policies"][2]),
    }))
}

fn mean_auc(policy: &Value) -> Value {
    let months = policy["months"].as_array().map(Vec::as_slice).unwrap_or_default();
    let values: Vec<f64> = months.iter().filter_map(|month| month["metrics"]["auc"]["value"].as_f64()).collect();
    round3(values.iter().sum::<f64>() / values.len().max(1) as f64)
}
