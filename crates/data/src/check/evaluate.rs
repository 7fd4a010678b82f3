//! Runs checks against a table.

use std::sync::Arc;

use flyball_core::{Kind, Result, Table, limits};
use serde::{Deserialize, Serialize};

use super::rows::{self, Examined};
use super::{Check, Rule, Severity};
use crate::nearest;
use crate::query::QueryEngine;

/// How a check ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckOutcome {
    /// The check.
    pub check: Check,
    /// The check as one line of text.
    pub text: String,
    /// Whether it holds.
    pub passed: bool,
    /// Rows that were looked at; 0 for rules on the table as a whole.
    pub examined: usize,
    /// Rows that break the rule.
    pub failing: usize,
    /// `failing / examined`, 0 when nothing was examined.
    pub share: f64,
    /// The first failing rows, as positions in the table.
    pub first_rows: Vec<usize>,
    /// What was found where the count does not say it: the measured value, or why the check could not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding: Option<String>,
}

/// Runs every check. A check that cannot be run (a missing column, a bad pattern, a broken expression) has failed, and
/// its `finding` says why. `query` is needed by `expression` only.
pub fn evaluate(table: &Arc<Table>, checks: &[Check], query: Option<&dyn QueryEngine>) -> Result<Vec<CheckOutcome>> {
    checks.iter().map(|check| evaluate_one(table, check, query)).collect()
}

/// Whether nothing that blocks has failed.
pub fn passed(outcomes: &[CheckOutcome]) -> bool {
    outcomes.iter().all(|outcome| outcome.passed || outcome.check.severity == Severity::Warn)
}

/// What a rule found.
enum Found {
    /// Which rows fail, of how many.
    Rows(Examined),
    /// Whether the table as a whole follows the rule, and what was measured.
    Whole(bool, String),
    /// Why the rule could not be applied.
    Impossible(String),
}

fn evaluate_one(table: &Arc<Table>, check: &Check, query: Option<&dyn QueryEngine>) -> Result<CheckOutcome> {
    let mut outcome = CheckOutcome {
        check: check.clone(),
        text: check.to_string(),
        passed: false,
        examined: 0,
        failing: 0,
        share: 0.0,
        first_rows: Vec::new(),
        finding: None,
    };
    match apply(table, &check.rule, query)? {
        Found::Rows(rows) => {
            outcome.examined = rows.examined;
            outcome.failing = rows.failing.len();
            outcome.share = if rows.examined > 0 { outcome.failing as f64 / rows.examined as f64 } else { 0.0 };
            // Counted in rows, since 1 − mostly has rounding of its own; a tiny slack keeps 0.9 of 10 rows at 9.
            outcome.passed = (rows.examined - outcome.failing) as f64 + 1e-9 >= check.mostly * rows.examined as f64;
            outcome.first_rows = rows.failing.into_iter().take(limits::FAILING_ROWS_KEPT).collect();
        }
        Found::Whole(passed, finding) => {
            outcome.passed = passed;
            outcome.finding = Some(finding);
        }
        Found::Impossible(reason) => outcome.finding = Some(reason),
    }
    Ok(outcome)
}

fn apply(table: &Arc<Table>, rule: &Rule, query: Option<&dyn QueryEngine>) -> Result<Found> {
    if let Some(reason) = unusable(table, rule) {
        return Ok(Found::Impossible(reason));
    }
    Ok(match rule {
        Rule::NotNull { columns } => Found::Rows(rows::missing_in(table, columns)?),
        Rule::NullRate { column, max } => {
            let missing = rows::missing_in(table, std::slice::from_ref(column))?;
            let share = if table.rows() > 0 { missing.failing.len() as f64 / table.rows() as f64 } else { 0.0 };
            Found::Whole(share <= *max, format!("{} of {} rows are missing", missing.failing.len(), table.rows()))
        }
        Rule::Unique { columns } => Found::Rows(rows::duplicates(table, columns)?),
        Rule::InSet { column, values } => rows::membership(table.column(column)?, values, true).into(),
        Rule::NotInSet { column, values } => rows::membership(table.column(column)?, values, false).into(),
        Rule::Between { column, min, max } => rows::between(table.column(column)?, min.as_ref(), max.as_ref()).into(),
        Rule::RowCount { min, max } => {
            let rows = table.rows() as u64;
            let holds = min.is_none_or(|min| rows >= min) && max.is_none_or(|max| rows <= max);
            Found::Whole(holds, format!("{rows} rows"))
        }
        Rule::Regex { column, pattern } => rows::matching(table.column(column)?, pattern).into(),
        Rule::Type { column, kind } => {
            let actual = table.column(column)?.kind();
            Found::Whole(fits(actual, *kind), format!("it is {}", actual.as_str()))
        }
        Rule::Schema { columns } => schema(table, columns),
        Rule::Expression { sql } => expression(table, sql, query),
    })
}

impl From<std::result::Result<Examined, String>> for Found {
    fn from(result: std::result::Result<Examined, String>) -> Self {
        result.map_or_else(Found::Impossible, Found::Rows)
    }
}

/// Why the rule cannot be applied to this table: a column that is not there, or none at all.
fn unusable(table: &Table, rule: &Rule) -> Option<String> {
    let columns: Vec<&str> = match rule {
        Rule::NotNull { columns } | Rule::Unique { columns } if columns.is_empty() => {
            return Some("the check names no column".into());
        }
        Rule::NotNull { columns } | Rule::Unique { columns } => columns.iter().map(String::as_str).collect(),
        Rule::NullRate { column, .. }
        | Rule::InSet { column, .. }
        | Rule::NotInSet { column, .. }
        | Rule::Between { column, .. }
        | Rule::Regex { column, .. }
        | Rule::Type { column, .. } => vec![column],
        Rule::RowCount { .. } | Rule::Schema { .. } | Rule::Expression { .. } => Vec::new(),
    };
    let absent = columns.into_iter().find(|column| table.position(column).is_none())?;
    let hint = nearest::hint(absent, table.names().iter().map(String::as_str), "columns");
    Some(format!("there is no column '{absent}'; {hint}"))
}

fn fits(actual: Kind, wanted: Kind) -> bool {
    actual == wanted || (actual == Kind::Int && wanted == Kind::Float)
}

fn schema(table: &Table, wanted: &[(String, Kind)]) -> Found {
    let mut differences = Vec::new();
    for (name, kind) in wanted {
        match table.position(name).map(|position| table.at(position).kind()) {
            None => differences.push(format!("'{name}' is missing")),
            Some(actual) if !fits(actual, *kind) => {
                differences.push(format!("'{name}' is {} and not {}", actual.as_str(), kind.as_str()));
            }
            Some(_) => {}
        }
    }
    let extra = table.names().iter().filter(|name| !wanted.iter().any(|(known, _)| known == *name));
    differences.extend(extra.map(|name| format!("'{name}' is not expected")));
    let finding = if differences.is_empty() { "all columns are as expected".into() } else { differences.join("; ") };
    Found::Whole(differences.is_empty(), finding)
}

/// The name of the column of row numbers that an expression's query adds.
const ROW_COLUMN: &str = "flyball_row";

fn expression(table: &Arc<Table>, sql: &str, query: Option<&dyn QueryEngine>) -> Found {
    let Some(query) = query else { return Found::Impossible("no query engine is at hand".into()) };
    let mut numbered = Table::clone(table);
    let positions = (0..table.rows() as i64).collect();
    if let Err(error) = numbered.push(ROW_COLUMN, flyball_core::Column::Int(positions)) {
        return Found::Impossible(error.message().to_owned());
    }
    let text = format!("SELECT \"{ROW_COLUMN}\" FROM data WHERE NOT (\n{sql}\n) ORDER BY 1");
    let failing = query
        .sql(&text, &[("data".to_owned(), Arc::new(numbered))])
        .and_then(|result| Ok(result.column(ROW_COLUMN)?.numbers().into_iter().map(|row| row as usize).collect()));
    match failing {
        Ok(failing) => Found::Rows(Examined { examined: table.rows(), failing }),
        Err(error) => {
            let hint = error.next_step().map(|hint| format!("; {hint}")).unwrap_or_default();
            Found::Impossible(format!("{}{hint}", error.message()))
        }
    }
}
