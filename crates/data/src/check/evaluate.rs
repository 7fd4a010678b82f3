//! Runs checks: as few scans as they need, for all of them together.

use std::collections::BTreeMap;

use flyball_core::{Result, Table, Timestamp, limits};
use serde::{Deserialize, Serialize};

use super::figures::Board;
use super::pass::{Ended, Found, Pass, Piece, Tally};
use super::plan::{self, Plan, kind_of};
use super::rule::{Figure, Rule};
use super::{Check, Severity, history, sql};
use crate::model::ColumnSchema;
use crate::profile::TableProfile;
use crate::query::QueryEngine;
use crate::scan::Rows;

/// Finds the rows of another version: of a dataset as `NAME` or `NAME@N`, or without a name of the version before the one
/// that is checked; nothing when there is none.
pub type Others<'a> = dyn Fn(Option<&str>) -> Result<Option<Box<dyn Rows>>> + 'a;

/// What checks can ask for beside the rows. A check that asks for what is not there has failed, and says so.
#[derive(Clone, Copy, Default)]
pub struct Context<'a> {
    /// Answers the checks that are written in SQL, and `where`.
    pub query: Option<&'a dyn QueryEngine>,
    /// When the checks run, for `freshness`.
    pub now: Option<Timestamp>,
    /// The profiles of earlier versions, oldest first.
    pub history: &'a [TableProfile],
    /// The rows of other versions.
    pub others: Option<&'a Others<'a>>,
}

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

impl CheckOutcome {
    /// The check and what was found, in one line.
    pub fn told(&self) -> String {
        match &self.finding {
            Some(finding) => format!("{}: {finding}", self.text),
            None if self.passed && self.failing == 0 => self.text.clone(),
            None => format!("{}: {} of {} rows fail", self.text, self.failing, self.examined),
        }
    }
}

/// Whether nothing that blocks has failed.
pub fn passed(outcomes: &[CheckOutcome]) -> bool {
    outcomes.iter().all(|outcome| outcome.passed || outcome.check.severity == Severity::Warn)
}

/// The checks that look at the same rows: all of them, or those for which a condition is true.
#[derive(Default)]
struct Group<'a> {
    /// Checks that look at rows, with their positions.
    passes: Vec<(usize, Box<dyn Pass + 'a>)>,
    /// Checks on figures.
    figures: Vec<usize>,
    board: Board,
    /// How many rows the condition is true for.
    rows: usize,
    /// Why the condition could not be applied.
    broken: Option<String>,
}

/// Runs every check. A check that cannot be run (a missing column, a bad pattern, a broken expression) has failed, and
/// its `finding` says why.
pub fn evaluate(rows: &dyn Rows, checks: &[Check], context: &Context<'_>) -> Result<Vec<CheckOutcome>> {
    let schema = rows.schema();
    let mut found: Vec<Option<Found>> = checks.iter().map(|_| None).collect();
    let mut groups: BTreeMap<Option<&str>, Group<'_>> = BTreeMap::new();
    let mut columns: Option<Vec<String>> = Some(Vec::new());
    for (position, check) in checks.iter().enumerate() {
        let condition = check.condition.as_deref();
        match plan::plan(&check.rule, rows, &schema, context)? {
            Plan::Found(outcome) => {
                found[position] = Some(outcome);
                continue;
            }
            Plan::Pass(pass) => groups.entry(condition).or_default().passes.push((position, pass)),
            Plan::Figures => {
                let group = groups.entry(condition).or_default();
                group.board.wants(&check.rule);
                group.figures.push(position);
            }
        }
        need(&mut columns, check, &schema);
    }
    first_scan(rows, columns.as_deref(), &mut groups, context)?;
    for group in groups.values() {
        for &position in &group.figures {
            let count = if checks[position].condition.is_some() { group.rows } else { rows.count() };
            found[position] = Some(match &group.broken {
                Some(reason) => Found::Impossible(reason.clone()),
                None => of_figures(&checks[position].rule, group, count, &schema, context),
            });
        }
    }
    finish(rows, columns.as_deref(), groups, &mut found, context)?;
    Ok(checks.iter().zip(found).map(|(check, found)| outcome(check, found)).collect())
}

/// Adds the columns that a check needs; `None` are all.
fn need(columns: &mut Option<Vec<String>>, check: &Check, schema: &[ColumnSchema]) {
    let Some(needed) = columns else { return };
    match (check.rule.columns(), &check.rule) {
        (Some(named), _) => needed.extend(named.into_iter().map(str::to_owned)),
        (None, Rule::Expression { sql }) => needed.extend(named_in(sql, schema)),
        (None, _) => {
            *columns = None;
            return;
        }
    }
    if let Some(condition) = &check.condition {
        needed.extend(named_in(condition, schema));
    }
}

/// The columns whose names stand in an SQL text, and perhaps some more.
fn named_in(sql: &str, schema: &[ColumnSchema]) -> Vec<String> {
    let sql = sql.to_lowercase();
    let is_named = |one: &&ColumnSchema| sql.contains(&one.name.to_lowercase());
    let named: Vec<String> = schema.iter().filter(is_named).map(|one| one.name.clone()).collect();
    // A condition that names no column is about each row still.
    if named.is_empty() { schema.iter().take(1).map(|one| one.name.clone()).collect() } else { named }
}

type Groups<'g, 'a> = BTreeMap<Option<&'g str>, Group<'a>>;

fn first_scan(
    rows: &dyn Rows,
    columns: Option<&[String]>,
    groups: &mut Groups<'_, '_>,
    context: &Context<'_>,
) -> Result<()> {
    let sees_rows = |group: &Group<'_>| !group.passes.is_empty() || !group.board.is_empty();
    if !groups.iter().any(|(condition, group)| condition.is_some() || sees_rows(group)) {
        return Ok(());
    }
    rows.scan(columns, &mut |table, first| {
        each_group(table, first, groups, context, |group, piece| {
            group.rows += piece.table.rows();
            group.board.add(piece.table)?;
            group.passes.iter_mut().try_for_each(|(_, pass)| pass.add(piece))
        })
    })
}

/// Shows each group the rows of a piece that it looks at.
fn each_group<'a>(
    table: &Table,
    first: usize,
    groups: &mut Groups<'_, 'a>,
    context: &Context<'_>,
    mut show: impl FnMut(&mut Group<'a>, &Piece<'_>) -> Result<()>,
) -> Result<()> {
    for (condition, group) in groups.iter_mut() {
        let Some(condition) = condition else {
            show(group, &Piece::of(table, first))?;
            continue;
        };
        if group.broken.is_some() {
            continue;
        }
        let picked = match context.query {
            Some(query) => sql::holding(query, table, condition).map_err(|error| sql::reason(&error)),
            None => Err("no query engine is at hand".to_owned()),
        };
        match picked {
            Ok(picked) => {
                let part = table.take(&picked);
                let numbers = picked.into_iter().map(|row| first + row).collect();
                show(group, &Piece::picked(&part, numbers))?;
            }
            Err(reason) => group.broken = Some(format!("the condition cannot be applied: {reason}")),
        }
    }
    Ok(())
}

fn of_figures(rule: &Rule, group: &Group<'_>, rows: usize, schema: &[ColumnSchema], context: &Context<'_>) -> Found {
    match rule {
        Rule::RowCount(bounds) => plan::counted(rows, bounds, "rows"),
        Rule::Anomaly { of, column, deviations, change } => {
            let now = match (of, column) {
                (Figure::RowCount, _) => Some(rows as f64),
                (_, Some(column)) => group.board.of(column).and_then(|figures| figures.figure(*of)),
                (_, None) => return Found::Impossible(format!("{} is of a column; name it", of.as_str())),
            };
            history::anomaly(now, *of, column.as_deref(), context.history, *deviations, *change)
        }
        rule => {
            let judged = group.board.judge(rule, |column| kind_of(schema, column), context.now);
            judged.unwrap_or_else(|| Found::Impossible("there is nothing to measure".into()))
        }
    }
}

/// Ends the passes, and scans again for those that ask for it.
fn finish<'a>(
    rows: &dyn Rows,
    columns: Option<&[String]>,
    mut groups: Groups<'_, 'a>,
    found: &mut [Option<Found>],
    context: &Context<'a>,
) -> Result<()> {
    loop {
        let mut again = false;
        for group in groups.values_mut() {
            for (position, pass) in std::mem::take(&mut group.passes) {
                if let Some(reason) = &group.broken {
                    found[position] = Some(Found::Impossible(reason.clone()));
                    continue;
                }
                match pass.end()? {
                    Ended::Found(outcome) => found[position] = Some(outcome),
                    Ended::Again(next) => group.passes.push((position, next)),
                }
            }
            again |= !group.passes.is_empty();
        }
        if !again {
            return Ok(());
        }
        groups.retain(|_, group| !group.passes.is_empty());
        rows.scan(columns, &mut |table, first| {
            each_group(table, first, &mut groups, context, |group, piece| {
                group.passes.iter_mut().try_for_each(|(_, pass)| pass.add(piece))
            })
        })?;
    }
}

fn outcome(check: &Check, found: Option<Found>) -> CheckOutcome {
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
    match found.unwrap_or(Found::Impossible("the check did not run".into())) {
        Found::Rows(Tally { examined, failing, mut first }, note) => {
            outcome.examined = examined;
            outcome.failing = failing;
            outcome.share = if examined > 0 { failing as f64 / examined as f64 } else { 0.0 };
            // Counted in rows, since 1 − mostly has rounding of its own; a tiny slack keeps 0.9 of 10 rows at 9.
            let following = examined.saturating_sub(failing) as f64;
            outcome.passed = following + 1e-9 >= check.mostly * examined as f64 && failing <= examined;
            first.truncate(limits::FAILING_ROWS_KEPT);
            outcome.first_rows = first;
            outcome.finding = note;
        }
        Found::Whole(passed, finding) => {
            outcome.passed = passed;
            outcome.finding = Some(finding);
        }
        Found::Impossible(reason) => outcome.finding = Some(reason),
    }
    outcome
}
