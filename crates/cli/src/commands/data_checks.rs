//! Checks, profiles and comparisons of the rows of datasets. Files need no server.

use std::path::Path;
use std::sync::Arc;

use flyball_client::{Client, segment};
use flyball_core::{Error, ErrorCode, Result, Timestamp};
use flyball_data::compare::{self, RowDiff};
use flyball_data::profile::{ColumnProfile, TableProfile, profile_rows};
use flyball_data::scan::{ParquetRows, Rows};
use flyball_data::{CheckOutcome, Severity, ValidationReport, formats, suggest};
use flyball_loops::file::checks_yaml;
use flyball_web::format;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Context;
use super::connect::connect;
use crate::args::{RowsOptions, RowsVerb};
use crate::output::{aligned, print_json};

/// How far checks stand from the left in a loop file.
const SUITE_INDENT: usize = 6;
/// How many failing rows of a check are printed.
const ROWS_SHOWN: usize = 5;
/// Columns whose distributions moved with a smaller probability are told.
const MOVED: f64 = 0.001;

pub(crate) fn run(context: &Context, verb: &RowsVerb) -> Result<()> {
    match verb {
        RowsVerb::Check { version } => check(context, version),
        RowsVerb::Suggest { rows } => suggestions(context, rows),
        RowsVerb::Profile { rows } => profile(context, rows),
        RowsVerb::Rows(options) => differences(context, options),
    }
}

/// The rows of a file of the project, when the name has the ending of one and it is there.
fn file(context: &Context, name: &str) -> Result<Option<Box<dyn Rows>>> {
    let path = context.places.project.join(name);
    let extension = Path::new(name).extension().map(|ending| ending.to_string_lossy().to_lowercase());
    let (Some(extension), true) = (extension, path.is_file()) else { return Ok(None) };
    if extension == "parquet" {
        return Ok(Some(Box::new(ParquetRows::open(&path)?)));
    }
    let bytes = std::fs::read(&path)
        .map_err(|error| Error::new(ErrorCode::Unavailable, format!("'{name}' cannot be read")).cause(error))?;
    Ok(Some(Box::new(Arc::new(formats::read(&extension, bytes.into())?.table))))
}

/// Where the API keeps a version that people write as NAME or NAME@3.
fn place(version: &str) -> String {
    let (name, number) = version.rsplit_once('@').unwrap_or((version, "latest"));
    format!("/api/v1/datasets/{}/versions/{}", segment(name), segment(number))
}

#[derive(Deserialize)]
struct Checked {
    report: Option<ValidationReport>,
    failing_rows: Vec<Map<String, Value>>,
}

fn check(context: &Context, version: &str) -> Result<()> {
    let connection = connect(&context.places)?;
    let found: Value = connection.client.get(&format!("{}/checks", place(version)))?;
    let checked: Checked = serde_json::from_value(found.clone()).map_err(Error::internal)?;
    if context.json {
        print_json(&found)?;
    } else {
        print!("{}", told(version, &checked));
    }
    match checked.report.filter(|report| !report.passed) {
        Some(_) => Err(Error::new(ErrorCode::CheckFailed, format!("{version} fails a check that blocks"))),
        None => Ok(()),
    }
}

/// The outcomes of the checks, each with the first rows that failed.
fn told(version: &str, checked: &Checked) -> String {
    let Some(report) = &checked.report else {
        return format!(
            "{version} was never checked; `flyball data suggest {version}` proposes checks for the loop file\n"
        );
    };
    let mut text = format!("{version}, checked {}\n", format::minute(report.at));
    for outcome in &report.outcomes {
        text.push_str(&format!("  {:<7} {}\n", word(outcome), outcome.told()));
        let failing: Vec<&Map<String, Value>> =
            checked.failing_rows.iter().filter(|row| row.get("flyball_check") == Some(&json!(outcome.text))).collect();
        for row in failing.iter().take(ROWS_SHOWN) {
            let position = row.get("flyball_row").and_then(Value::as_i64).unwrap_or_default();
            let cells = row.iter().filter(|(name, _)| !name.starts_with("flyball_"));
            let cells: Vec<String> = cells.map(|(name, value)| format!("{name}={}", cell(value))).collect();
            text.push_str(&format!("          row {position}: {}\n", cells.join(" ")));
        }
        if failing.len() > ROWS_SHOWN {
            text.push_str(&format!("          and {} more, with --json\n", failing.len() - ROWS_SHOWN));
        }
    }
    text
}

fn word(outcome: &CheckOutcome) -> &'static str {
    match (outcome.passed, outcome.check.severity) {
        (true, _) => "passed",
        (false, Severity::Warn) => "warning",
        (false, Severity::Error) => "failed",
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn suggestions(context: &Context, name: &str) -> Result<()> {
    let found = match file(context, name)? {
        Some(rows) => {
            let checks = suggest::suggest(rows.as_ref())?;
            json!({ "version": name, "yaml": checks_yaml(&checks, SUITE_INDENT)?, "checks": checks })
        }
        None => connect(&context.places)?.client.get(&format!("{}/suggestions", place(name)))?,
    };
    if context.json {
        return print_json(&found);
    }
    print!("    checks:\n{}", found["yaml"].as_str().unwrap_or_default());
    Ok(())
}

fn profile(context: &Context, name: &str) -> Result<()> {
    let found = match file(context, name)? {
        Some(rows) => profile_rows(rows.as_ref())?,
        None => {
            let whole: Value = connect(&context.places)?.client.get(&place(name))?;
            serde_json::from_value(whole["profile"].clone()).map_err(Error::internal)?
        }
    };
    if context.json {
        return print_json(&serde_json::to_value(&found).map_err(Error::internal)?);
    }
    print!("{}", columns(&found));
    Ok(())
}

fn columns(profile: &TableProfile) -> String {
    let title = ["column", "type", "missing", "different", "lowest", "median", "highest", ""];
    let mut rows = vec![title.map(str::to_owned).to_vec()];
    for column in &profile.columns {
        let [low, middle, high] = extremes(column);
        let about = if column.estimated { "≈" } else { "" };
        let note = match (column.sensitive, column.candidate_key) {
            (Some(kind), _) => format!("{}: mask it", kind.as_str()),
            (None, true) => "a key".to_owned(),
            (None, false) => String::new(),
        };
        let missing = column.missing as f64 / profile.rows.max(1) as f64;
        rows.push(vec![
            column.name.clone(),
            column.kind.as_str().to_owned(),
            format!("{:.1}%", missing * 100.0),
            format!("{about}{}", format::count(column.distinct as u64)),
            low,
            middle,
            high,
            note,
        ]);
    }
    let mut text = format!("{} rows\n{}", format::count(profile.rows as u64), aligned(&rows));
    for pair in &profile.correlations {
        text.push_str(&format!("{} and {} go together: r = {:.2}\n", pair.left, pair.right, pair.pearson));
    }
    text
}

fn extremes(column: &ColumnProfile) -> [String; 3] {
    let shown = |value: f64| match column.kind {
        flyball_core::Kind::Time => format::minute(Timestamp(value as i64)),
        _ => format::number(value),
    };
    match &column.numbers {
        Some(numbers) => {
            let median = numbers.quantiles.get(numbers.quantiles.len() / 2).copied().unwrap_or(f64::NAN);
            [shown(numbers.min), shown(median), shown(numbers.max)]
        }
        None => {
            let first = column.top.first().map(|level| level.value.clone()).unwrap_or_default();
            [first, String::new(), String::new()]
        }
    }
}

fn differences(context: &Context, options: &RowsOptions) -> Result<()> {
    let found = match (file(context, &options.before)?, file(context, &options.after)?) {
        (Some(before), Some(after)) => compare::diff(before.as_ref(), after.as_ref(), &options.key)?,
        (None, None) => of_versions(&connect(&context.places)?.client, options)?,
        _ => {
            return Err(
                Error::invalid("one of the two is a file and the other is not").hint("name two files, or two versions")
            );
        }
    };
    if context.json {
        return print_json(&serde_json::to_value(&found).map_err(Error::internal)?);
    }
    print!("{}", difference(&found));
    Ok(())
}

fn of_versions(client: &Client, options: &RowsOptions) -> Result<RowDiff> {
    let key = options.key.join(",");
    let query = [&options.before, &options.after, &key].map(|value| segment(value));
    client.get(&format!("/api/v1/datasets/compare?before={}&after={}&key={}", query[0], query[1], query[2]))
}

fn difference(found: &RowDiff) -> String {
    let count = |rows: usize| format::count(rows as u64);
    let mut text = format!(
        "{} rows before, {} after: {} added, {} removed, {} changed\n",
        count(found.rows[0]),
        count(found.rows[1]),
        count(found.added),
        count(found.removed),
        count(found.changed)
    );
    if found.without_key != [0, 0] {
        let [before, after] = found.without_key;
        text.push_str(&format!("left out for want of a key: {before} rows before, {after} after\n"));
    }
    for (columns, what) in [(&found.added_columns, "new"), (&found.removed_columns, "gone")] {
        for column in columns {
            text.push_str(&format!("column {} ({}) is {what}\n", column.name, column.kind.as_str()));
        }
    }
    for column in &found.columns {
        let moved = column.drift.filter(|drift| drift.p_value < MOVED);
        let [before, after] = column.kinds;
        if before != after {
            text.push_str(&format!("column {} was {} and is {}\n", column.name, before.as_str(), after.as_str()));
        }
        if column.changed == 0 && moved.is_none() {
            continue;
        }
        text.push_str(&format!("{}: {} cells changed", column.name, count(column.changed)));
        if let Some(moved) = moved {
            text.push_str(&format!(", its distribution moved (PSI {:.3})", moved.psi));
        }
        text.push('\n');
        for change in column.examples.iter().take(ROWS_SHOWN) {
            let key: Vec<String> = change.key.iter().map(cell).collect();
            text.push_str(&format!("  {}: {} → {}\n", key.join(", "), cell(&change.before), cell(&change.after)));
        }
    }
    text
}
