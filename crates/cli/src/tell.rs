//! What was judged, as text for people: windows, drift, fairness.

mod window;

use flyball_web::format;
use serde_json::Value;

use crate::output::aligned;

pub(crate) use window::window;

/// Columns of a table of drift that are told, the most drifted first.
const COLUMNS: usize = 15;
/// Smaller p-values are told as smaller than this.
const LEAST_P: f64 = 1e-16;
/// The rates of a group that are told.
const RATES: [&str; 5] = ["selection_rate", "tpr", "fpr", "mean_prediction", "mae"];

/// The measures over all groups that are told; `--json` has all of them.
const MEASURES: [&str; 4] = [
    "demographic_parity_difference",
    "demographic_parity_ratio",
    "equal_opportunity_difference",
    "equalized_odds_difference",
];

fn titles(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// A number that may be missing.
fn number(value: &Value) -> String {
    value.as_f64().map_or("–".to_owned(), |value| format!("{value:.3}"))
}

/// What the findings of a window may come from; empty when nothing was found.
pub(crate) fn causes(window: &Value) -> String {
    let mut text = String::new();
    for cause in window["causes"].as_array().into_iter().flatten() {
        let kind = cause["kind"].as_str().unwrap_or_default().replace('_', " ");
        let (evidence, suggestion) = (cause["evidence"].as_str(), cause["suggestion"].as_str());
        let column = cause["column"].as_str().filter(|column| evidence.is_some_and(|said| !said.contains(column)));
        let column = column.map(|column| format!(" in {column}")).unwrap_or_default();
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
        let mut rows =
            vec![[titles(&[&by.join(", "), "rows"]), rates.iter().map(|rate| format::name(rate)).collect()].concat()];
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
            text.push_str(&format!("  {}: {lowest} is {ratio:.3} of {highest}\n", format::name(rate)));
        }
        for (name, value) in attribute["measures"].as_object().into_iter().flatten() {
            if MEASURES.contains(&name.as_str()) {
                let value = value.as_f64().map_or_else(|| "undefined".to_owned(), |value| format!("{value:.3}"));
                text.push_str(&format!("  {}: {value}\n", name.replace('_', " ")));
            }
        }
        for warning in attribute["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            text.push_str(&format!("  {warning}\n"));
        }
    }
    text
}

/// What would make decisions about groups more alike; empty where they are.
pub(crate) fn mitigation(found: &Value) -> String {
    let mut text = String::new();
    for one in found.as_array().into_iter().flatten() {
        let by: Vec<&str> = one["columns"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let by = by.join(", ");
        text.push_str(&format!("to treat groups of {by} more alike, at most {} apart:\n", number(&one["tolerance"])));
        for thresholds in one["thresholds"].as_array().into_iter().flatten() {
            let groups = thresholds["groups"].as_array().into_iter().flatten().map(|group| {
                let threshold = group["threshold"].as_f64().map_or("nobody".to_owned(), |at| format!("{at:.3}"));
                format!("{} {threshold}", group["group"].as_str().unwrap_or_default())
            });
            let (before, after) = (&thresholds["before"], &thresholds["after"]);
            text.push_str(&format!(
                "  {}: {} → {} apart, accuracy {} → {}, with the thresholds {}\n",
                thresholds["alike"].as_str().unwrap_or_default().replace('_', " "),
                number(&before["difference"]),
                number(&after["difference"]),
                number(&before["accuracy"]),
                number(&after["accuracy"]),
                groups.collect::<Vec<_>>().join(", ")
            ));
        }
        if let Some(apart) = one["base_rate_difference"].as_f64() {
            text.push_str(&format!(
                "  their outcomes differ by {apart:.3}: `fairness: {{ reweigh: [{by}] }}` below `train` learns as if they did not\n"
            ));
        }
    }
    text
}
