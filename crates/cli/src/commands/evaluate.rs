//! `flyball evaluate`: a version on a dataset, with everything that is checked before it is trusted.

use std::time::Duration;

use flyball_client::Client;
use flyball_core::{Error, ErrorCode, Result};
use serde_json::{Value, json};

use super::Context;
use super::connect::connect;
use crate::args::EvaluateOptions;
use crate::output::{aligned, print_json};
use crate::tell;

/// How long to wait before looking again whether an evaluation is made.
const PAUSE: Duration = Duration::from_millis(200);
/// Smaller p-values are told as smaller than this.
const LEAST_P: f64 = 0.0001;

pub(crate) fn run(context: &Context, options: &EvaluateOptions) -> Result<()> {
    let suites = match &options.suite {
        None => None,
        Some(file) => Some(std::fs::read_to_string(file).map_err(|error| {
            Error::new(ErrorCode::InvalidInput, format!("cannot read {}: {error}", file.display()))
        })?),
    };
    let connection = connect(&context.places)?;
    let body = json!({
        "version": options.version, "dataset": options.dataset, "train": options.train, "label": options.label,
        "key": options.key, "time": options.time, "weight": options.weight, "group": options.group,
        "by": options.by, "baseline": options.baseline, "format": options.format, "suites": suites,
    });
    let asked: Value = connection.client.post("/api/v1/evaluations", &body)?;
    let made = wait(&connection.client, &asked)?;
    if context.json {
        print_json(&made)?;
    } else {
        print!("{}", told(&made));
    }
    verdict(&made)
}

/// Waits until an evaluation is made.
pub(super) fn wait(client: &Client, asked: &Value) -> Result<Value> {
    let id = asked["evaluation"]["id"].as_str().unwrap_or_default();
    loop {
        let found: Value = client.get(&format!("/api/v1/evaluations/{id}"))?;
        match found["evaluation"]["state"].as_str() {
            Some("waiting") => std::thread::sleep(PAUSE),
            Some("failed") => {
                let why = found["evaluation"]["error"].as_str().unwrap_or("the evaluation could not be made");
                return Err(Error::new(ErrorCode::InvalidInput, why));
            }
            _ => return Ok(found),
        }
    }
}

/// An error when the evaluation did not pass, so that scripts stop.
pub(super) fn verdict(made: &Value) -> Result<()> {
    if made["evaluation"]["passed"] == json!(true) {
        return Ok(());
    }
    let id = made["evaluation"]["id"].as_str().unwrap_or_default();
    Err(Error::new(ErrorCode::CheckFailed, "the evaluation did not pass")
        .hint(format!("the page /evaluations/{id} of `flyball serve` shows all of it")))
}

/// What is not as it should be, and the metrics.
fn told(made: &Value) -> String {
    let report = &made["report"];
    let number = |value: &Value| value.as_f64().map_or_else(|| "–".to_owned(), |value| format!("{value:.4}"));
    let mut rows = vec![vec!["metric".to_owned(), "value".to_owned(), "95 % interval".to_owned()]];
    for (name, measure) in report["evaluation"]["metrics"].as_object().into_iter().flatten() {
        let interval = match (measure["low"].as_f64(), measure["high"].as_f64()) {
            (Some(low), Some(high)) => format!("[{low:.4}, {high:.4}]"),
            _ => String::new(),
        };
        rows.push(vec![name.clone(), number(&measure["value"]), interval]);
    }
    let mut text = if rows.len() > 1 { format!("{}\n", aligned(&rows)) } else { String::new() };
    if !report["fairness"].is_null() {
        text.push_str(&format!("{}\n", tell::fairness(&report["fairness"])));
        text.push_str(&tell::mitigation(&report["mitigation"]));
    }
    let checks: Vec<&Value> = report["suite"]["checks"].as_array().into_iter().flatten().collect();
    let count = |status: &str| checks.iter().filter(|check| check["status"] == status).count();
    for check in checks.iter().filter(|check| check["status"] == "failed" || check["status"] == "warned") {
        text.push_str(&format!(
            "{:<6}  {}.{}: {}\n",
            check["status"].as_str().unwrap_or_default(),
            check["group"].as_str().unwrap_or_default(),
            check["name"].as_str().unwrap_or_default(),
            check["explanation"].as_str().unwrap_or_default()
        ));
    }
    let against = differences(&report["comparison"]["differences"]["metrics"]);
    if !against.is_empty() {
        let with = report["comparison"]["with"].as_str().unwrap_or_default();
        text.push_str(&format!("\nagainst {with}\n{against}\n"));
    }
    text.push_str(&format!(
        "{} passed, {} warned, {} failed, {} did not apply\n",
        count("passed"),
        count("warned"),
        count("failed"),
        count("not_applicable")
    ));
    text
}

/// Each metric beside another version's, as a table; empty without any.
pub(super) fn differences(metrics: &Value) -> String {
    let mut rows = vec![["metric", "difference", "95 % interval", "p", ""].map(str::to_owned).to_vec()];
    for found in metrics.as_array().into_iter().flatten() {
        let number = |key: &str| found[key].as_f64().unwrap_or(f64::NAN);
        let (low, high, p_value) = (number("low"), number("high"), number("p_value"));
        let side = match &found["better"] {
            _ if low <= 0.0 && high >= 0.0 => "no difference shown",
            Value::Bool(true) => "better",
            _ => "worse",
        };
        rows.push(vec![
            found["metric"].as_str().unwrap_or_default().to_owned(),
            format!("{:+.4}", number("difference")),
            format!("[{low:+.4}, {high:+.4}]"),
            if p_value < LEAST_P { format!("< {LEAST_P}") } else { format!("{p_value:.4}") },
            side.to_owned(),
        ]);
    }
    if rows.len() > 1 { aligned(&rows) } else { String::new() }
}
