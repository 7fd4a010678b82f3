//! The parts of the rows that a monitor judges by themselves: the values of a column, or the rows that meet a condition.

use std::collections::BTreeMap;
use std::sync::Arc;

use flyball_core::{Column, Result, Table};
use flyball_data::QueryEngine;

use super::columns::no_feature;
use crate::file::Segment;

/// Most values of a column that are segments of their own; the most common ones of the reference.
const VALUES: usize = 20;
/// The name under which a condition finds the rows.
const ROWS: &str = "served";

/// The segments of a monitor, with the values that their columns have.
pub(super) struct Segments {
    known: Vec<Known>,
}

enum Known {
    Values { column: String, values: Vec<String> },
    Condition { name: String, sql: String },
}

impl Segments {
    /// Takes the values of segment columns from the reference's rows.
    ///
    /// # Errors
    /// `InvalidLoopFile` when a column is no feature.
    pub(super) fn new(declared: &[Segment], reference: &Table) -> Result<Self> {
        let known = |segment: &Segment| match segment {
            Segment::Column(column) => {
                let values = common_values(feature(reference, column)?);
                Ok(Known::Values { column: column.clone(), values })
            }
            Segment::Condition { name, r#where } => {
                let sql = format!("SELECT CAST(({where}) AS BOOLEAN) AS member FROM {ROWS}");
                Ok(Known::Condition { name: name.to_string(), sql })
            }
        };
        Ok(Self { known: declared.iter().map(known).collect::<Result<_>>()? })
    }

    /// For each segment that has rows here, its name and the positions of its rows.
    ///
    /// # Errors
    /// `SqlError` when a condition cannot be answered.
    pub(super) fn of(&self, query: &dyn QueryEngine, features: &Table) -> Result<Vec<(String, Vec<usize>)>> {
        let mut found = Vec::new();
        for known in &self.known {
            match known {
                Known::Values { column, values } => {
                    let mut rows: BTreeMap<String, Vec<usize>> = BTreeMap::new();
                    let cells = feature(features, column)?;
                    for row in 0..cells.len() {
                        if let Some(value) = cells.value(row).text().filter(|value| values.contains(value)) {
                            rows.entry(value).or_default().push(row);
                        }
                    }
                    found.extend(rows.into_iter().map(|(value, rows)| (format!("{column} = {value}"), rows)));
                }
                Known::Condition { name, sql } => {
                    let tables = [(ROWS.to_owned(), Arc::new(features.clone()))];
                    let answer = query.sql(sql, &tables).map_err(|error| error.context(format!("segment {name}")))?;
                    let member = answer.column("member")?;
                    let rows: Vec<usize> = (0..member.len()).filter(|&row| member.number(row) == 1.0).collect();
                    if !rows.is_empty() {
                        found.push((name.clone(), rows));
                    }
                }
            }
        }
        Ok(found)
    }
}

fn feature<'a>(table: &'a Table, name: &str) -> Result<&'a Column> {
    let position = table.position(name).ok_or_else(|| no_feature("monitor", name, table.names()))?;
    Ok(table.at(position))
}

/// The most common values, the most common first.
fn common_values(column: &Column) -> Vec<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for row in 0..column.len() {
        if let Some(value) = column.value(row).text() {
            *counts.entry(value).or_default() += 1;
        }
    }
    let mut values: Vec<(String, usize)> = counts.into_iter().collect();
    values.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    values.truncate(VALUES);
    values.into_iter().map(|(value, _)| value).collect()
}
