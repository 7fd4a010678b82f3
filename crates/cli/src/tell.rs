//! What was judged, as text for people: windows, drift, fairness.

use std::collections::BTreeSet;

use flyball_core::Timestamp;
use serde_json::Value;

use crate::output::aligned;

/// Columns of a table of drift that are told, the most drifted first.
const COLUMNS: usize = 15;
/// Smaller p-values are told as smaller than this.
const LEAST_P: f64 = 1e-16;
/// The rates of a group that are told.
const RATES: [&str; 5] = ["selection_rate", "tpr", "fpr", "mean_prediction", "mae"];

fn titles(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// A number that may be missing.
fn number(value: &Value) -> String {
    value.as_f64().map_or("–".to_owned(), |value| format!("{value:.3}"))
}

/// A window: what it showed, and what it may come from.
pub(crate) fn window(window: &Value) -> String {
    let moment = |key: &str| Timestamp(window[key].as_i64().unwrap_or_default()).to_string();
    let mut text = format!("{} to {}\n", moment("from"), moment("to"));
    let due = if window["labels_due"] == false { ", more are due" } else { "" };
    text.push_str(&format!("{} predictions, {} with ground truth{due}\n", window["rows"], window["labelled"]));
    if let Some(note) = window["note"].as_str() {
        text.push_str(&format!("not judged: {note}\n"));
        return text;
    }
    text.push_str(&causes(window));
    text.push('\n');
    text.push_str(&columns(window["columns"].as_array().map_or(&[], Vec::as_slice)));
    text.push_str(&metrics(window));
    if !window["fairness"].is_null() {
        text.push('\n');
        text.push_str(&fairness(&window["fairness"]));
    }
    text
}

/// The metrics of a window beside what was estimated and what was measured when the version was made; empty without any.
fn metrics(window: &Value) -> String {
    let names = |key: &str| window[key].as_object().into_iter().flatten().map(|(name, _)| name.clone());
    let all: BTreeSet<String> = names("performance").chain(names("estimated")).collect();
    let mut rows = vec![titles(&["metric", "now", "estimated", "when it was made"])];
    for name in all {
        let value = |key: &str| number(&window[key][&name]["value"]);
        rows.push(vec![name.clone(), value("performance"), value("estimated"), value("reference")]);
    }
    if rows.len() > 1 { format!("\n{}", aligned(&rows)) } else { String::new() }
}

/// What the findings of a window may come from; empty when nothing was found.
pub(crate) fn causes(window: &Value) -> String {
    let mut text = String::new();
    for cause in window["causes"].as_array().into_iter().flatten() {
        let kind = cause["kind"].as_str().unwrap_or_default().replace('_', " ");
        let column = cause["column"].as_str().map(|column| format!(" in {column}")).unwrap_or_default();
        let (evidence, suggestion) = (cause["evidence"].as_str(), cause["suggestion"].as_str());
        text.push_str(&format!(
            "  {kind}{column}: {} (usually helps: {})\n",
            evidence.unwrap_or_default(),
            suggestion.unwrap_or_default()
        ));
    }
    text
}

/// A p-value: as a decimal number where it is read so, else by its power of ten.
fn p_value(p: f64) -> String {
    match p {
        p if p < LEAST_P => format!("< {LEAST_P:e}"),
        p if p < 0.001 => format!("{p:.1e}"),
        p => format!("{p:.3}"),
    }
}

/// Columns with their drift, the alarmed and then the most drifted first.
pub(crate) fn columns(columns: &[Value]) -> String {
    let mut sorted: Vec<&Value> = columns.iter().collect();
    let effect = |column: &Value| column["effect"].as_f64().unwrap_or_default();
    sorted.sort_by(|a, b| (b["alarm"] == true).cmp(&(a["alarm"] == true)).then(effect(b).total_cmp(&effect(a))));
    let mut rows = vec![titles(&["column", "drift", "effect", "p adjusted", "psi"])];
    for column in sorted.iter().take(COLUMNS) {
        let name = column["effect_name"].as_str().unwrap_or_default();
        let adjusted = column["adjusted_p"].as_f64().map_or("–".to_owned(), p_value);
        rows.push(vec![
            column["column"].as_str().unwrap_or_default().to_owned(),
            if column["alarm"] == true { "drifted".to_owned() } else { String::new() },
            format!("{name} {:.3}", effect(column)),
            adjusted,
            number(&column["statistics"]["psi"]),
        ]);
    }
    let mut text = aligned(&rows);
    if columns.len() > COLUMNS {
        text.push_str(&format!("… and {} more columns\n", columns.len() - COLUMNS));
    }
    text
}

/// How groups are treated: the rates of each with their intervals, and how far apart they are.
pub(crate) fn fairness(report: &Value) -> String {
    if report.is_null() {
        return "nobody asked in that time\n".to_owned();
    }
    let mut text = String::new();
    for attribute in report["attributes"].as_array().into_iter().flatten() {
        let rates: Vec<&str> = RATES.into_iter().filter(|rate| !attribute["overall"][*rate].is_null()).collect();
        let by: Vec<&str> = attribute["columns"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mut rows = vec![
            [titles(&[&by.join(", "), "rows"]), rates.iter().map(|rate| rate.replace('_', " ")).collect()].concat(),
        ];
        for group in attribute["groups"].as_array().into_iter().flatten() {
            let value = |rate: &str| {
                let value = &group["values"][rate];
                match (value["value"].as_f64(), value["low"].as_f64(), value["high"].as_f64()) {
                    (None, ..) => "undefined".to_owned(),
                    (Some(value), Some(low), Some(high)) => format!("{value:.3} [{low:.3}, {high:.3}]"),
                    (Some(value), ..) => format!("{value:.3}"),
                }
            };
            let own = [group["group"].as_str().unwrap_or_default().to_owned(), group["rows"].to_string()];
            rows.push(own.into_iter().chain(rates.iter().map(|rate| value(rate))).collect());
        }
        text.push_str(&aligned(&rows));
        for rate in rates {
            let gap = &attribute["gaps"][rate];
            let names = gap["lowest"].as_str().zip(gap["highest"].as_str());
            let (Some((lowest, highest)), Some(ratio)) = (names, gap["ratio"].as_f64()) else { continue };
            text.push_str(&format!("  {}: {lowest} is {ratio:.3} of {highest}\n", rate.replace('_', " ")));
        }
        for warning in attribute["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            text.push_str(&format!("  {warning}\n"));
        }
    }
    text
}
