//! The rules that are written in SQL, and the conditions on which rows a check looks at.

use std::sync::Arc;

use flyball_core::{Column, Error, Kind, Result, Table, limits};

use super::figures::held;
use super::pass::{Ended, Found, Pass, Piece, Tally};
use crate::query::QueryEngine;

/// The name of the column of row numbers that queries are given.
const ROW_COLUMN: &str = "flyball_row";
/// What queries call the table.
const TABLE: &str = "data";

/// The table with its rows numbered.
fn numbered(table: &Table) -> Result<Arc<Table>> {
    let mut numbered = Table::clone(table);
    numbered.push(ROW_COLUMN, Column::Int((0..table.rows() as i64).collect()))?;
    Ok(Arc::new(numbered))
}

/// Which rows of a table a condition selects: those for which it is true, or with `NOT` before it, false.
fn selected(query: &dyn QueryEngine, table: &Table, condition: &str, before: &str) -> Result<Vec<usize>> {
    let text = format!("SELECT \"{ROW_COLUMN}\" FROM {TABLE} WHERE {before} (\n{condition}\n) ORDER BY 1");
    let rows = query.sql(&text, &[(TABLE.to_owned(), numbered(table)?)])?;
    Ok(rows.column(ROW_COLUMN)?.numbers().into_iter().map(|row| row as usize).collect())
}

/// The rows for which a condition is true.
pub(super) fn holding(query: &dyn QueryEngine, table: &Table, condition: &str) -> Result<Vec<usize>> {
    selected(query, table, condition, "")
}

/// Why a query could not be run, in words.
pub(super) fn reason(error: &Error) -> String {
    let hint = error.next_step().map(|hint| format!("; {hint}")).unwrap_or_default();
    format!("{}{hint}", error.message())
}

/// Rows for which a condition is false.
pub(super) struct Expression<'a> {
    pub(super) query: &'a dyn QueryEngine,
    pub(super) sql: String,
    pub(super) tally: Tally,
    pub(super) broken: Option<String>,
}

impl Pass for Expression<'_> {
    fn add(&mut self, piece: &Piece<'_>) -> Result<()> {
        if self.broken.is_some() {
            return Ok(());
        }
        match selected(self.query, piece.table, &self.sql, "NOT") {
            Ok(failing) => {
                self.tally.examined += piece.table.rows();
                failing.into_iter().for_each(|row| self.tally.fail(piece, row));
            }
            Err(error) => self.broken = Some(reason(&error)),
        }
        Ok(())
    }

    fn end(self: Box<Self>) -> Result<Ended> {
        Ok(Ended::Found(match self.broken {
            Some(reason) => Found::Impossible(reason),
            None => Found::Rows(self.tally, None),
        }))
    }
}

/// The rows that a query answers are the failing ones.
pub(super) fn failing_rows(query: &dyn QueryEngine, table: &Table, sql: &str) -> Result<Found> {
    let answer = match query.sql(sql, &[(TABLE.to_owned(), numbered(table)?)]) {
        Ok(answer) => answer,
        Err(error) => return Ok(Found::Impossible(reason(&error))),
    };
    let mut tally = Tally { examined: table.rows(), failing: answer.rows(), first: Vec::new() };
    // A query that answers whole rows says which they are.
    if let Ok(rows) = answer.column(ROW_COLUMN) {
        let mut rows: Vec<usize> = rows.numbers().into_iter().map(|row| row as usize).collect();
        rows.retain(|row| *row < table.rows());
        rows.sort_unstable();
        rows.dedup();
        rows.truncate(limits::FAILING_ROWS_KEPT);
        tally.first = rows;
    }
    Ok(Found::Rows(tally, None))
}

/// The one number that a query answers lies between the bounds.
pub(super) fn metric(
    query: &dyn QueryEngine,
    table: &Arc<Table>,
    sql: &str,
    min: Option<f64>,
    max: Option<f64>,
) -> Result<Found> {
    let answer = match query.sql(sql, &[(TABLE.to_owned(), Arc::clone(table))]) {
        Ok(answer) => answer,
        Err(error) => return Ok(Found::Impossible(reason(&error))),
    };
    if answer.rows() != 1 || answer.names().len() != 1 || !answer.at(0).kind().is_number() {
        let (rows, columns) = (answer.rows(), answer.names().len());
        return Ok(Found::Impossible(format!("the query answers {rows} rows of {columns} columns and not one number")));
    }
    Ok(held("number", Some(answer.at(0).number(0)), min, max, Kind::Float))
}
