//! The conditions and the order of a search of runs as SQL over the runs `r`.

use std::cmp::Ordering;

use flyball_core::Result;
use flyball_store::{Param, Row};

use super::grammar::Comparator;
use super::parse::{Condition, Order, Value};
use super::source::text_table;
use super::sql::{ColumnType, Sql};
use crate::rules::RUN_NAME;

/// The test of a condition. Look-ups are scalar subqueries by primary key: neither engine takes them for joins that it
/// may reorder.
pub(super) fn test(condition: &Condition, sql: &mut Sql) -> Result<String> {
    let Condition { entity, key, comparator, value } = condition;
    match *entity {
        "metric" => metric(key, *comparator, value, sql),
        "parameter" | "tag" => text(text_table(entity), key, *comparator, value, sql),
        "dataset" => dataset(key, *comparator, value, sql),
        _ if key == "run_name" => text("run_tags", RUN_NAME, *comparator, value, sql),
        _ => {
            let (column, holds, _) = attribute(key);
            sql.compare(column, holds, *comparator, value)
        }
    }
}

fn metric(key: &str, comparator: Comparator, value: &Value, sql: &mut Sql) -> Result<String> {
    let row = format!("FROM latest_metrics x WHERE x.run_no = r.no AND x.key = {}", sql.bind(key));
    match (comparator, value) {
        (Comparator::IsNull, _) => Ok(format!("(SELECT x.is_nan {row}) IS NULL")),
        (_, Value::Number(number)) if number.is_nan() => Ok(format!("(SELECT x.is_nan {row}) = 1")),
        // A NaN differs from every number, and compares in no other way.
        (Comparator::NotEqual, _) => {
            let differs = sql.compare("x.value", ColumnType::Number, comparator, value)?;
            Ok(format!("(SELECT CASE WHEN x.is_nan = 1 OR {differs} THEN 1 ELSE 0 END {row}) = 1"))
        }
        _ => sql.compare(&format!("(SELECT x.value {row} AND x.is_nan = 0)"), ColumnType::Number, comparator, value),
    }
}

fn text(table: &str, key: &str, comparator: Comparator, value: &Value, sql: &mut Sql) -> Result<String> {
    let place = sql.bind(key);
    let column = format!("(SELECT x.value FROM {table} x WHERE x.run_no = r.no AND x.key = {place})");
    sql.compare(&column, ColumnType::Text, comparator, value)
}

fn dataset(key: &str, comparator: Comparator, value: &Value, sql: &mut Sql) -> Result<String> {
    let column = match key {
        "name" => "x.name",
        "digest" => "x.digest",
        _ => "u.context",
    };
    let test = sql.compare(column, ColumnType::Text, comparator, value)?;
    Ok(format!(
        "(SELECT 1 FROM run_datasets u CROSS JOIN logged_datasets x \
         WHERE u.run_no = r.no AND x.no = u.dataset_no AND {test} LIMIT 1) = 1"
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
pub(super) struct OrderSql {
    /// The joins to what the order asks for.
    pub(super) joins: String,
    /// The columns of the answer.
    pub(super) columns: String,
    /// What follows ORDER BY.
    pub(super) by: String,
}

/// The order by these steps, of which the first `settled` are the same for all candidates. For each step a class comes first: values, then NaN, then what is missing, in both directions.
pub(super) fn order(steps: &[Order], settled: usize, sql: &mut Sql) -> OrderSql {
    let mut text = OrderSql { joins: String::new(), columns: "r.no AS no".to_owned(), by: String::new() };
    for (place, step) in steps.iter().enumerate() {
        let (class, value) = match step.entity {
            "metric" => {
                let key = sql.bind(&step.key);
                text.joins.push_str(&format!(
                    " LEFT JOIN latest_metrics o{place} ON o{place}.run_no = r.no AND o{place}.key = {key}"
                ));
                (Some(format!("COALESCE(o{place}.is_nan, 2)")), format!("o{place}.value"))
            }
            "parameter" | "tag" => {
                let (table, key) = (text_table(step.entity), sql.bind(&step.key));
                text.joins.push_str(&format!(
                    " LEFT JOIN {table} o{place} ON o{place}.run_no = r.no AND o{place}.key = {key}"
                ));
                (Some(format!("CASE WHEN o{place}.value IS NULL THEN 1 ELSE 0 END")), format!("o{place}.value"))
            }
            _ => {
                let (column, _, optional) = attribute(&step.key);
                let class = format!("CASE WHEN {column} IS NULL THEN 1 ELSE 0 END");
                (optional.then_some(class), column.to_owned())
            }
        };
        if place >= settled {
            let class = class.as_ref().map_or(String::new(), |class| format!("{class}, "));
            let comma = if place == settled { "" } else { ", " };
            let direction = if step.ascending { "" } else { " DESC" };
            text.by.push_str(&format!("{comma}{class}{value}{direction}"));
        }
        let class = class.unwrap_or_else(|| "0".to_owned());
        text.columns.push_str(&format!(", {class} AS c{place}, {value} AS k{place}"));
    }
    text
}

impl Hit {
    pub(super) fn from_row(row: &Row, steps: usize) -> Result<Self> {
        let key = |place: usize| Ok((row.get::<i64>(&format!("c{place}"))?, row.get::<Cell>(&format!("k{place}"))?.0));
        Ok(Self { no: row.get("no")?, keys: (0..steps).map(key).collect::<Result<_>>()? })
    }

    /// Which of two comes first.
    pub(super) fn compare(&self, other: &Self, steps: &[Order]) -> Ordering {
        let pairs = self.keys.iter().zip(&other.keys).zip(steps);
        for (((class, value), (other_class, other_value)), step) in pairs {
            let by_value = compare(value, other_value);
            let by_value = if step.ascending { by_value } else { by_value.reverse() };
            let found = class.cmp(other_class).then(by_value);
            if found != Ordering::Equal {
                return found;
            }
        }
        Ordering::Equal
    }
}

fn compare(one: &Param, other: &Param) -> Ordering {
    match (one, other) {
        (Param::Int(one), Param::Int(other)) => one.cmp(other),
        (Param::Float(one), Param::Float(other)) => one.partial_cmp(other).unwrap_or(Ordering::Equal),
        (Param::Text(one), Param::Text(other)) => one.cmp(other),
        _ => Ordering::Equal,
    }
}

/// A column of any type.
struct Cell(Param);

impl flyball_store::FromColumn for Cell {
    fn from_column(value: &Param) -> Option<Self> {
        Some(Cell(value.clone()))
    }
}
