//! The conditions and the order of a search of runs as SQL over the runs `r`.

use std::cmp::Ordering;

use flyball_core::Result;
use flyball_store::{Cells, Param};

use super::grammar::Comparator;
use super::parse::{Condition, Order, Value};
use super::source::{Source, text_table};
use super::sql::{ColumnType, Sql};
use crate::rules::RUN_NAME;

/// A condition in a statement that leads from a source `d`, or from the runs `r` themselves, to the runs.
pub(super) struct Piece {
    /// The table to look the value up in, with its alias. Joins with the order of the tables fixed are twice as fast in
    /// SQLite as subqueries.
    pub(super) join: Option<String>,
    /// What must hold.
    pub(super) test: String,
}

/// The condition at a place of the filter. `run` is the run's number in the source; a condition on what the source itself
/// holds needs no look-up.
pub(super) fn piece(condition: &Condition, place: usize, source: &Source, sql: &mut Sql) -> Result<Piece> {
    let Condition { entity, key, comparator, value } = condition;
    let (table, key) = match *entity {
        "metric" => ("latest_metrics", key.as_str()),
        "parameter" | "tag" => (text_table(entity), key.as_str()),
        "attribute" if key == "run_name" => ("run_tags", RUN_NAME),
        "dataset" => return Ok(Piece { join: None, test: dataset(key, *comparator, value, source.run(), sql)? }),
        _ => {
            let (column, holds, _) = attribute(key);
            return Ok(Piece { join: None, test: sql.compare(column, holds, *comparator, value)? });
        }
    };
    let run = source.run();
    if *comparator == Comparator::IsNull {
        let key = sql.bind(key);
        let test = format!("(SELECT 1 FROM {table} x WHERE x.run_no = {run} AND x.key = {key}) IS NULL");
        return Ok(Piece { join: None, test });
    }
    if source.holds(table, key) {
        return Ok(Piece { join: None, test: compare(table, "d", *comparator, value, sql)? });
    }
    let alias = format!("x{place}");
    let found = format!("{alias}.run_no = {run} AND {alias}.key = {}", sql.bind(key));
    let test = format!("{found} AND {}", compare(table, &alias, *comparator, value, sql)?);
    Ok(Piece { join: Some(format!(" CROSS JOIN {table} {alias}")), test })
}

/// The test of a value that is there.
fn compare(table: &str, alias: &str, comparator: Comparator, value: &Value, sql: &mut Sql) -> Result<String> {
    let column = format!("{alias}.value");
    if table != "latest_metrics" {
        return sql.compare(&column, ColumnType::Text, comparator, value);
    }
    if matches!(value, Value::Number(number) if number.is_nan()) {
        return Ok(format!("{alias}.is_nan = 1"));
    }
    let test = sql.compare(&column, ColumnType::Number, comparator, value)?;
    // A NaN differs from every number, and compares in no other way.
    Ok(match comparator {
        Comparator::NotEqual => format!("({test} OR {alias}.is_nan = 1)"),
        _ => format!("{test} AND {alias}.is_nan = 0"),
    })
}

fn dataset(key: &str, comparator: Comparator, value: &Value, run: &str, sql: &mut Sql) -> Result<String> {
    let column = match key {
        "name" => "x.name",
        "digest" => "x.digest",
        _ => "u.context",
    };
    let test = sql.compare(column, ColumnType::Text, comparator, value)?;
    Ok(format!(
        "(SELECT 1 FROM run_datasets u CROSS JOIN logged_datasets x \
         WHERE u.run_no = {run} AND x.no = u.dataset_no AND {test} LIMIT 1) = 1"
    ))
}

/// The column of an attribute, what it holds, and whether it may be missing.
fn attribute(key: &str) -> (&'static str, ColumnType, bool) {
    match key {
        "run_id" => ("r.id", ColumnType::Text, false),
        "run_name" => ("r.name", ColumnType::Text, false),
        "status" => ("r.status", ColumnType::Text, false),
        "user_id" => ("r.user_id", ColumnType::Text, false),
        "artifact_uri" => ("r.artifact_uri", ColumnType::Text, false),
        "end_time" => ("r.ended_at", ColumnType::Whole, true),
        _ => ("r.started_at", ColumnType::Whole, false),
    }
}

/// A run that was found, with what it is ordered by.
#[derive(Debug)]
pub(super) struct Hit {
    pub(super) no: i64,
    keys: Vec<(i64, Param)>,
}

/// An order as SQL.
#[derive(Default)]
pub(super) struct OrderSql {
    /// The joins to what the order asks for.
    pub(super) joins: String,
    /// The columns of the answer: the run, then class and value of each step.
    pub(super) columns: String,
    /// What follows ORDER BY.
    pub(super) by: String,
}

/// The order by these steps, of which the first `settled` are the same for all candidates. For each step a class comes
/// first: values, then NaN, then what is missing, in both directions.
pub(super) fn order(steps: &[Order], settled: usize, source: &Source, sql: &mut Sql) -> OrderSql {
    let mut text = OrderSql { columns: "r.no".to_owned(), ..OrderSql::default() };
    for (place, step) in steps.iter().enumerate() {
        let (class, value) = step_sql(step, place, source, &mut text.joins, sql);
        if place >= settled {
            let class = class.as_ref().map_or(String::new(), |class| format!("{class}, "));
            let comma = if place == settled { "" } else { ", " };
            let direction = if step.ascending { "" } else { " DESC" };
            text.by.push_str(&format!("{comma}{class}{value}{direction}"));
        }
        let class = class.unwrap_or_else(|| "0".to_owned());
        text.columns.push_str(&format!(", {class}, {value}"));
    }
    text
}

/// The class and the value of a step; without a class every run has a value.
fn step_sql(
    step: &Order,
    place: usize,
    source: &Source,
    joins: &mut String,
    sql: &mut Sql,
) -> (Option<String>, String) {
    let table = match step.entity {
        "metric" => "latest_metrics",
        "parameter" | "tag" => text_table(step.entity),
        _ => {
            let (column, _, optional) = attribute(&step.key);
            return (optional.then(|| format!("CASE WHEN {column} IS NULL THEN 1 ELSE 0 END")), column.to_owned());
        }
    };
    if source.holds(table, &step.key) {
        return (matches!(source, Source::NotANumber(_)).then(|| "d.is_nan".to_owned()), "d.value".to_owned());
    }
    let key = sql.bind(&step.key);
    let run = source.run();
    joins.push_str(&format!(" LEFT JOIN {table} o{place} ON o{place}.run_no = {run} AND o{place}.key = {key}"));
    let class = match step.entity {
        "metric" => format!("COALESCE(o{place}.is_nan, 2)"),
        _ => format!("CASE WHEN o{place}.value IS NULL THEN 1 ELSE 0 END"),
    };
    (Some(class), format!("o{place}.value"))
}

impl Hit {
    /// Reads the columns of an [`OrderSql`].
    pub(super) fn from_row(row: &Cells<'_>, steps: usize) -> Result<Self> {
        let key = |step: usize| Ok((row.get(2 * step + 1)?, row.get(2 * step + 2)?));
        Ok(Self { no: row.get(0)?, keys: (0..steps).map(key).collect::<Result<_>>()? })
    }

    /// Which of two comes first.
    pub(super) fn compare(&self, other: &Self, steps: &[Order]) -> Ordering {
        let pairs = self.keys.iter().zip(&other.keys).zip(steps);
        for (((class, value), (other_class, other_value)), step) in pairs {
            let values = by_value(value, other_value);
            let found = class.cmp(other_class).then(if step.ascending { values } else { values.reverse() });
            if found != Ordering::Equal {
                return found;
            }
        }
        Ordering::Equal
    }
}

fn by_value(one: &Param, other: &Param) -> Ordering {
    match (one, other) {
        (Param::Int(one), Param::Int(other)) => one.cmp(other),
        (Param::Float(one), Param::Float(other)) => one.partial_cmp(other).unwrap_or(Ordering::Equal),
        (Param::Text(one), Param::Text(other)) => one.cmp(other),
        _ => Ordering::Equal,
    }
}
