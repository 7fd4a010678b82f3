//! `flyball plan` and `flyball apply`.

use std::time::Duration;

use flyball_core::{Error, ErrorCode, Result};
use flyball_loops::file::LoopFile;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::Context;
use super::connect::{Connection, connect};
use super::project::read_loop_file;
use crate::args::FileOptions;
use crate::output::print_json;

/// How often a training that is waited for is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Says what `apply` would change.
pub(crate) fn plan(context: &Context, options: &FileOptions) -> Result<()> {
    let text = checked(context, options)?;
    let connection = connect(&context.places)?;
    let plan: Value = connection.client.post("/api/v1/loops/plan", &json!({ "file": text }))?;
    if context.json {
        return print_json(&plan);
    }
    print_changes(&plan["changes"]);
    Ok(())
}

/// Makes the loop so, and waits for a training that it starts.
pub(crate) fn apply(context: &Context, options: &FileOptions) -> Result<()> {
    let text = checked(context, options)?;
    let connection = connect(&context.places)?;
    let applied: Value = connection.client.post("/api/v1/loops/apply", &json!({ "file": text }))?;
    let name = applied["name"].as_str().unwrap_or_default();
    if !context.json {
        print_changes(&applied["changes"]);
        for warning in applied["warnings"].as_array().into_iter().flatten() {
            println!("warning: {}", warning.as_str().unwrap_or_default());
        }
    }
    let run = if applied["training"] == true { Some(wait_for_training(context, &connection, name)?) } else { None };
    if context.json {
        return print_json(&json!({ "applied": applied, "run": run }));
    }
    match run {
        Some(run) => {
            println!("trained {}: {}", run["id"].as_str().unwrap_or_default(), metrics_of(&run));
            print_gates(&connection, name)?;
        }
        None => println!("nothing to train"),
    }
    println!("next: `flyball serve`, then `flyball status`");
    Ok(())
}

/// Says what the gates decided on the version that was trained.
fn print_gates(connection: &Connection, name: &str) -> Result<()> {
    let loops: Value = connection.client.get("/api/v1/loops")?;
    let own = loops.as_array().into_iter().flatten().find(|status| status["name"] == name);
    let stages = own.and_then(|status| status["stages"].as_array()).into_iter().flatten();
    for stage in stages.filter(|stage| stage["name"] == "gates") {
        if let Some(event) = stage["event"].as_str() {
            println!("gates: {event}");
        }
    }
    Ok(())
}

/// The loop file, read and understood; what is wrong with it is said before anything is asked of a server.
fn checked(context: &Context, options: &FileOptions) -> Result<String> {
    let text = read_loop_file(&context.places, &options.file)?;
    LoopFile::parse(&options.file.to_string_lossy(), &text)?;
    Ok(text)
}

fn print_changes(changes: &Value) {
    let sign = |action: &str| match action {
        "create" => '+',
        "update" => '~',
        "run" => '>',
        _ => ' ',
    };
    for change in changes.as_array().into_iter().flatten() {
        let text = |key: &str| change[key].as_str().unwrap_or_default().to_owned();
        println!("{} {:<7}{}: {}", sign(&text("action")), text("action"), text("what"), text("why"));
    }
}

/// Waits until the newest run of the loop has ended.
fn wait_for_training(context: &Context, connection: &Connection, name: &str) -> Result<Value> {
    let bar = if context.json { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
    bar.set_style(
        ProgressStyle::with_template("{spinner} {msg} {elapsed}").unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    bar.set_message(format!("training {name}"));
    bar.enable_steady_tick(LOOK);
    loop {
        let jobs: Value = connection.client.get(&format!("/api/v1/jobs?owner={name}"))?;
        let waiting = jobs.as_array().into_iter().flatten().any(|job| {
            job["kind"] == flyball_loops::train::KIND && (job["state"] == "queued" || job["state"] == "running")
        });
        if !waiting {
            break;
        }
        std::thread::sleep(LOOK);
    }
    bar.finish_and_clear();
    let runs: Value = connection.client.get(&format!("/api/v1/runs?experiment={name}&limit=1"))?;
    let Some(id) = runs[0]["id"].as_str() else {
        return Err(Error::new(ErrorCode::Internal, "the training left no run").hint("the server's log has the cause"));
    };
    let run: Value = connection.client.get(&format!("/api/v1/runs/{id}"))?;
    match run["lineage"]["error"].as_str() {
        None => Ok(run),
        Some(error) => Err(Error::new(ErrorCode::CommandFailed, format!("the training failed: {error}"))
            .hint(format!("`flyball runs show {id}` has the whole run"))),
    }
}

fn metrics_of(run: &Value) -> String {
    let metrics = run["metrics"].as_array().into_iter().flatten();
    let shown: Vec<String> = metrics
        .filter_map(|metric| {
            Some((metric["key"].as_str()?.strip_prefix("holdout_")?.to_owned(), metric["value"].as_f64()?))
        })
        .filter(|(name, _)| matches!(name.as_str(), "auc" | "log_loss" | "rmse" | "mae"))
        .map(|(name, value)| format!("{name} {value:.3}"))
        .collect();
    shown.join(", ")
}
