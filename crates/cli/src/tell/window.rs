//! One window as text: what tells most first, and the next step last.

use std::collections::BTreeSet;

use flyball_core::Timestamp;
use flyball_web::format;
use serde_json::Value;

use super::{causes, columns, fairness, number, p_value, titles};
use crate::output::aligned;

/// The metrics that are told; `--json` has all of them. Those that were estimated are told as well.
const METRICS: [&str; 9] = ["auc", "log_loss", "accuracy", "f1", "brier", "ece", "rmse", "mae", "r2"];
/// How many features are told of what tells windows apart, and of how the model reasons.
const FEATURES: usize = 5;

/// A window: what it showed, and what it may come from.
pub(crate) fn window(window: &Value) -> String {
    let moment = |key: &str| format::minute(Timestamp(window[key].as_i64().unwrap_or_default()));
    let mut text = format!("{} to {}\n", moment("from"), moment("to"));
    text.push_str(&format!("  {} predictions, {}\n", window["rows"], labels(window)));
    if let Some(note) = window["note"].as_str() {
        text.push_str(&format!("  not judged: {note}\n"));
        return text;
    }
    for line in notes(window) {
        text.push_str(&format!("  {line}\n"));
    }
    let found = causes(window);
    if !found.is_empty() {
        text.push_str(&format!("\nwhat it may come from\n{found}"));
    }
    text.push_str(&metrics(window));
    text.push('\n');
    text.push_str(&columns(window["columns"].as_array().map_or(&[], Vec::as_slice)));
    text.push_str(&segments(window));
    if !window["fairness"].is_null() {
        text.push('\n');
        text.push_str(&fairness(&window["fairness"]));
    }
    text
}

/// How much of the truth is known.
fn labels(window: &Value) -> String {
    let rows = window["rows"].as_f64().unwrap_or_default();
    if rows <= 0.0 {
        return "no labels".to_owned();
    }
    let share = format::percent(window["labelled"].as_f64().unwrap_or_default() / rows);
    let due = if window["labels_due"] == false { ", more are due" } else { "" };
    format!("labels {share} complete{due}")
}

/// What must be known at once.
fn notes(window: &Value) -> Vec<String> {
    let texts = |key: &str| window[key].as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>();
    let paging = texts("paging");
    let mut notes = Vec::new();
    if !paging.is_empty() {
        notes.push(format!("pages: {} drifted in two windows in a row, too strongly for chance", paging.join(", ")));
    } else if window["drift"] == true {
        notes.push("does not page: that needs strong drift in two windows in a row".to_owned());
    }
    notes.extend(texts("unfair").iter().map(|said| format!("unfair: {said}")));
    let together = &window["together"];
    if !together.is_null() {
        let side = if together["outside"] == true { "outside" } else { "inside" };
        notes.push(format!(
            "features together: {side} their band, {} in {} to {}",
            number(&together["error"]),
            number(&together["low"]),
            number(&together["high"])
        ));
    }
    let apart = &window["told_apart"];
    if !apart.is_null() {
        let by: Vec<&str> = apart["features"]
            .as_array()
            .into_iter()
            .flatten()
            .take(FEATURES)
            .filter_map(|one| one[0].as_str())
            .collect();
        let by = if by.is_empty() { ", as chance would".to_owned() } else { format!(", by {}", by.join(", ")) };
        notes.push(format!(
            "told from the reference: AUC {} [{}, {}], p {}{by}",
            number(&apart["auc"]),
            number(&apart["low"]),
            number(&apart["high"]),
            apart["p_value"].as_f64().map_or("–".to_owned(), p_value)
        ));
    }
    let reasoning = &window["attributions"];
    if !reasoning.is_null() {
        let changed: Vec<String> = reasoning["changed"]
            .as_array()
            .into_iter()
            .flatten()
            .take(FEATURES)
            .map(|share| {
                let part = |key: &str| share[key].as_f64().map_or("–".to_owned(), format::percent);
                format!("{} {} → {}", share["feature"].as_str().unwrap_or_default(), part("before"), part("after"))
            })
            .collect();
        let changed = if changed.is_empty() { "as before".to_owned() } else { changed.join(", ") };
        notes.push(format!("the model reasons: {changed} (order of features {} alike)", number(&reasoning["ndcg"])));
    }
    notes
}

/// The metrics of a window beside what was estimated and what was measured when the version was made; empty without any.
fn metrics(window: &Value) -> String {
    let names = |key: &str| window[key].as_object().into_iter().flatten().map(|(name, _)| name.as_str());
    let known: BTreeSet<&str> = names("performance").chain(names("estimated")).collect();
    let first = METRICS.into_iter().filter(|name| known.contains(name));
    let estimated = names("estimated").filter(|name| !METRICS.contains(name));
    let mut rows = vec![titles(&["metric", "measured", "estimated without labels", "when it was made"])];
    let value = |key: &str, name: &str| {
        let found = &window[key][name];
        match (found["low"].as_f64(), found["high"].as_f64()) {
            (Some(low), Some(high)) => format!("{} [{low:.3}, {high:.3}]", number(&found["value"])),
            _ => number(&found["value"]),
        }
    };
    for name in first.chain(estimated) {
        let values = ["performance", "estimated", "reference"].map(|key| value(key, name));
        rows.push([vec![name.to_owned()], values.to_vec()].concat());
    }
    if rows.len() > 1 { format!("\n{}", aligned(&rows)) } else { String::new() }
}

/// The parts that are judged by themselves; empty without any.
fn segments(window: &Value) -> String {
    let mut rows = vec![titles(&["segment", "rows", "labels", "drifted"])];
    for segment in window["segments"].as_array().into_iter().flatten() {
        let drifted: Vec<&str> =
            segment["drifted"].as_array().into_iter().flatten().filter_map(|one| one["column"].as_str()).collect();
        rows.push(vec![
            segment["name"].as_str().unwrap_or_default().to_owned(),
            segment["rows"].to_string(),
            segment["labelled"].to_string(),
            if drifted.is_empty() { "none".to_owned() } else { drifted.join(", ") },
        ]);
    }
    if rows.len() > 1 { format!("\n{}", aligned(&rows)) } else { String::new() }
}
