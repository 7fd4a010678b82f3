//! `flyball status`: how every loop stands.

use flyball_core::Result;
use serde_json::Value;

use super::Context;
use super::connect::connect;
use crate::output::print_json;

/// Prints every loop with the stages of its cycle.
pub(crate) fn run(context: &Context) -> Result<()> {
    let connection = connect(&context.places)?;
    let loops: Value = connection.client.get("/api/v1/loops")?;
    if context.json {
        return print_json(&loops);
    }
    let all = loops.as_array().map(Vec::as_slice).unwrap_or_default();
    if all.is_empty() {
        println!("no loop is declared here; run `flyball init`, edit flyball.yaml, then `flyball apply`");
    }
    for (position, status) in all.iter().enumerate() {
        if position > 0 {
            println!();
        }
        print_loop(status);
    }
    Ok(())
}

fn print_loop(status: &Value) {
    let metric = status["metric"].as_str().unwrap_or_default();
    let value = |key: &str| status[key]["value"].as_f64().map_or("–".to_owned(), |value| format!("{value:.3}"));
    let version = status["champion"].as_i64().map_or("none".to_owned(), |version| version.to_string());
    println!(
        "{}  version {version}  {metric} {} now, {} when it was made",
        status["name"].as_str().unwrap_or_default(),
        value("now"),
        value("reference")
    );
    for stage in status["stages"].as_array().into_iter().flatten() {
        let text = |key: &str| stage[key].as_str().unwrap_or_default();
        let sign = match text("state") {
            "ok" => "✓",
            "active" => "▶",
            "attention" => "!",
            "failed" => "✗",
            _ => "·",
        };
        let at = stage["at"].as_i64().map(|at| flyball_core::Timestamp(at).to_string()).unwrap_or_default();
        let day: String = at.chars().take(16).collect();
        println!("  {sign} {:<8} {:<16}  {}", text("name"), day, text("event"));
    }
    for alert in status["firing"].as_array().into_iter().flatten() {
        println!("  ! {}", alert.as_str().unwrap_or_default());
    }
}
