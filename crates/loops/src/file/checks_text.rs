//! Checks as the loop file says them.

use std::fmt::Write;

use flyball_core::{Duration, Error, Result};
use flyball_data::{Check, Severity};
use serde_json::{Map, Value};

use super::check_grammar::CHECK;
use super::grammar::{Field, Shape};

/// The checks as the list under `checks:` of a dataset, indented by so many spaces.
pub fn yaml(checks: &[Check], indent: usize) -> Result<String> {
    let mut text = String::new();
    for check in checks {
        let rule = serde_json::to_value(&check.rule).map_err(Error::internal)?;
        let Some((name, form)) = rule.as_object().and_then(|rule| rule.iter().next()) else { continue };
        let field = CHECK.iter().find(|field| field.key == name);
        let mut written = match (field.map(|field| &field.shape), form) {
            (Some(Shape::Map(known)), Value::Object(form)) => map(form, known),
            (Some(Shape::Columns), form) => flow(&form["columns"]),
            (Some(Shape::Parameters), form) => schema(&form["columns"]),
            (_, form) => flow(&form["sql"]),
        };
        let mut beside = Vec::new();
        if check.severity == Severity::Warn {
            beside.push("severity: warn".to_owned());
        }
        if check.mostly < 1.0 {
            beside.push(format!("mostly: {}%", (check.mostly * 1e6).round() / 1e4));
        }
        if let Some(condition) = &check.condition {
            beside.push(format!("where: {}", scalar(condition)));
        }
        let is_map = matches!(field.map(|field| &field.shape), Some(Shape::Map(_)));
        if is_map && !beside.is_empty() {
            let inside = written.trim_start_matches('{').trim_end_matches('}').trim().to_owned();
            let separator = if inside.is_empty() { "" } else { ", " };
            written = format!("{{ {inside}{separator}{} }}", beside.join(", "));
            beside.clear();
        }
        let space = " ".repeat(indent);
        let line = writeln!(text, "{space}- {name}: {written}");
        let rest = beside.iter().try_for_each(|key| writeln!(text, "{space}  {key}"));
        line.and(rest).map_err(Error::internal)?;
    }
    Ok(text)
}

/// The map of a rule: what is absent is left out, and what has a form of its own is written so.
fn map(form: &Map<String, Value>, known: &[Field]) -> String {
    let entries = form.iter().filter(|(_, value)| !is_absent(value)).map(|(key, value)| {
        let shape = known.iter().find(|field| field.key == key).map(|field| &field.shape);
        match (shape, value) {
            (Some(Shape::Duration), Value::Number(millis)) => {
                format!("{key}: {}", Duration(millis.as_i64().unwrap_or_default()))
            }
            _ => format!("{key}: {}", flow(value)),
        }
    });
    let entries: Vec<String> = entries.collect();
    if entries.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", entries.join(", ")) }
}

fn is_absent(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// Pairs of columns and types as a map.
fn schema(pairs: &Value) -> String {
    let pairs = pairs.as_array().map(Vec::as_slice).unwrap_or_default();
    let entries: Vec<String> = pairs.iter().map(|pair| format!("{}: {}", flow(&pair[0]), flow(&pair[1]))).collect();
    format!("{{ {} }}", entries.join(", "))
}

fn flow(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::String(text) => scalar(text),
        Value::Number(number) => match number.as_f64() {
            Some(x) if x.fract() == 0.0 && x.abs() < 1e15 => format!("{x:.0}"),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

/// A text: in quotes unless it is a plain word.
fn scalar(text: &str) -> String {
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    let is_word = ["true", "false", "null", "yes", "no", "on", "off"].contains(&text.to_lowercase().as_str());
    if is_plain && !is_word { text.to_owned() } else { Value::from(text).to_string() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::file::LoopFile;

    /// Every rule, with all its keys.
    fn checks() -> Vec<Check> {
        let rules = json!([
            { "row_count": { "min": 1, "max": 9 } },
            { "column_count": { "max": 12 } },
            { "schema": { "columns": [["id", "int"], ["at me", "time"]] } },
            { "column_exists": { "columns": ["id"] } },
            { "type": { "column": "id", "kind": "int" } },
            { "not_null": { "columns": ["id", "no"] } },
            { "null_rate": { "column": "x", "max": 0.125 } },
            { "unique": { "columns": ["id"] } },
            { "duplicate_rows": { "max": 0.01 } },
            { "distinct_count": { "column": "x", "min": 2.0, "max": null } },
            { "in_set": { "column": "x", "values": ["EWR", "no", "a: b", 1, 2.5, true] } },
            { "not_in_set": { "column": "x", "values": [""] } },
            { "distinct_set": { "column": "x", "values": [1, 2] } },
            { "references": { "column": "x", "dataset": "people@2", "to": "id" } },
            { "between": { "column": "x", "min": -0.5, "max": 10.0 } },
            { "between": { "column": "x", "min": "2024-01-01", "max": null } },
            { "min": { "column": "x", "min": 1.0, "max": null } },
            { "max": { "column": "x", "min": null, "max": 2.0 } },
            { "mean": { "column": "x", "min": 1.0, "max": 2.0 } },
            { "median": { "column": "x", "min": 1.0, "max": 2.0 } },
            { "stdev": { "column": "x", "min": 1.0, "max": 2.0 } },
            { "sum": { "column": "x", "min": 1.0, "max": 2.0 } },
            { "quantile": { "column": "x", "level": 0.9, "min": null, "max": 2.0 } },
            { "length": { "column": "x", "min": 1, "max": null } },
            { "regex": { "column": "x", "pattern": "^[a-z\\d]+'\"$" } },
            { "like": { "column": "x", "pattern": "a(%_" } },
            { "date_format": { "column": "x", "format": "%Y-%m-%d" } },
            { "json": { "column": "x", "keys": ["a"] } },
            { "increasing": { "column": "x", "strictly": true } },
            { "decreasing": { "column": "x", "strictly": false } },
            { "compare": { "column": "x", "is": "<=", "other": "y" } },
            { "expression": { "sql": "x > 1 OR y = 'a: b'" } },
            { "failing_rows": { "sql": "SELECT * FROM data WHERE x < 0" } },
            { "metric": { "sql": "SELECT sum(x) FROM data", "min": 0.0, "max": null } },
            { "freshness": { "column": "at", "max_age": 172_800_000 } },
            { "row_count_change": { "min": -0.2, "max": 0.5 } },
            { "anomaly": { "of": "mean", "column": "x", "deviations": 3.0, "change": 0.25 } },
            { "distribution": { "column": "x", "distance": "psi", "max": 0.2, "against": "a@1" } },
            { "outliers": { "column": "x", "method": "iqr", "limit": 3.0 } },
            { "class_balance": { "column": "x", "min": 0.05 } },
            { "leakage": { "label": "x", "max": 0.94 } },
        ]);
        let rules = rules.as_array().into_iter().flatten();
        rules.map(|rule| serde_json::from_value(json!({ "rule": rule })).unwrap()).collect()
    }

    fn read(yaml: &str) -> Vec<Check> {
        let file = format!(
            "name: x\ntask: classification\ndata:\n  rows:\n    from: rows.csv\n    key: id\n    time: at\n    label: late\n    \
             checks:\n{yaml}train: {{ on: rows, holdout: 1d }}\nmonitor: {{ window: 1d }}\n"
        );
        LoopFile::parse("flyball.yaml", &file).unwrap_or_else(|error| panic!("{error}\n{file}")).data[0]
            .1
            .checks
            .clone()
    }

    #[test]
    fn every_rule_is_read_as_it_was_written() {
        let checks = checks();
        let names: std::collections::BTreeSet<String> = checks
            .iter()
            .map(|check| serde_json::to_value(&check.rule).unwrap().as_object().unwrap().keys().next().unwrap().clone())
            .collect();
        let known: Vec<&str> =
            CHECK.iter().map(|field| field.key).filter(|key| !["severity", "mostly", "where"].contains(key)).collect();
        assert!(known.iter().all(|rule| names.contains(*rule)), "{known:?}");
        let written = yaml(&checks, 6).unwrap();
        let read = read(&written);
        assert_eq!(read.len(), checks.len());
        for (read, check) in read.iter().zip(&checks) {
            assert_eq!(read.to_string(), check.to_string());
        }
        assert_eq!(yaml(&read, 6).unwrap(), written);
    }

    #[test]
    fn severity_share_and_condition_stand_inside_or_beside() {
        let decorated: Vec<Check> = checks()
            .into_iter()
            .filter(|check| {
                matches!(check.rule, flyball_data::Rule::Between { .. } | flyball_data::Rule::Unique { .. })
            })
            .map(|check| Check { severity: Severity::Warn, mostly: 0.9, condition: Some("x > 1".into()), ..check })
            .collect();
        assert_eq!(
            read(&yaml(&decorated, 6).unwrap())
                .iter()
                .map(|check| (check.severity, check.mostly, check.condition.clone()))
                .collect::<Vec<_>>(),
            vec![(Severity::Warn, 0.9, Some("x > 1".to_owned())); 3]
        );
    }
}
