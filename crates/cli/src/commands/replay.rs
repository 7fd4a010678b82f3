//! `flyball replay`: recorded traffic, asked of a candidate.

use flyball_core::Result;
use serde_json::{Value, json};

use super::Context;
use super::connect::connect;
use super::evaluate::{differences, verdict, wait};
use crate::args::ReplayOptions;
use crate::output::print_json;

/// Rows that are named for differing most; `--json` has all of them.
const SHOWN: usize = 5;

pub(crate) fn run(context: &Context, options: &ReplayOptions) -> Result<()> {
    let connection = connect(&context.places)?;
    let body = json!({
        "endpoint": options.endpoint, "version": options.version, "limit": options.limit, "by": options.by,
        "from": options.from.map(|at| at.to_string()), "to": options.to.map(|at| at.to_string()),
        "format": options.format,
    });
    let asked: Value = connection.client.post("/api/v1/replays", &body)?;
    let made = wait(&connection.client, &asked)?;
    if context.json {
        print_json(&made)?;
    } else {
        print!("{}", told(&made["report"]));
    }
    verdict(&made)
}

fn told(report: &Value) -> String {
    let percent =
        |value: &Value| value.as_f64().map_or_else(|| "–".to_owned(), |share| format!("{:.2} %", share * 100.0));
    let flips = &report["flips"];
    let mut lines = vec![
        format!("{} recorded predictions were asked again, {} without an answer", report["rows"], report["unanswered"]),
        format!(
            "{} decisions turn: {} (95 % from {} to {})",
            flips["count"],
            percent(&flips["value"]),
            percent(&flips["low"]),
            percent(&flips["high"])
        ),
    ];
    if let (Some(mean), Some(largest)) =
        (report["differences"]["mean"].as_f64(), report["differences"]["largest"].as_f64())
    {
        lines.push(format!("answers differ by {mean:+.4} on average, by {largest:.4} at most"));
    }
    if let (Some(now), Some(candidate)) = (report["latency_ms"][0].as_f64(), report["latency_ms"][1].as_f64()) {
        lines.push(format!("a row takes {candidate:.4} ms, {now:.4} ms now"));
    }
    let labelled = &report["labelled"];
    let score = |value: &Value| value.as_f64().map_or_else(|| "–".to_owned(), |score| format!("{score:.4}"));
    let against = differences(&report["against_truth"]["metrics"]);
    if !against.is_empty() {
        lines.push(format!("against what really happened, over {labelled} rows:\n{against}"));
    }
    for row in report["worst"].as_array().into_iter().flatten().take(SHOWN) {
        lines.push(format!(
            "  {}  recorded {}, now {}",
            row["prediction_id"].as_str().unwrap_or_default(),
            score(&row["recorded"]),
            score(&row["candidate"])
        ));
    }
    for reason in report["reasons"].as_array().into_iter().flatten() {
        lines.push(format!("not good enough: {}", reason.as_str().unwrap_or_default()));
    }
    lines.push(String::new());
    lines.join("\n")
}
