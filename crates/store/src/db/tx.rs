//! What a transaction can do.

use std::fmt::Write;

use flyball_core::{Error, Result};

use super::cells::Cells;
use super::connection::Connection;
use super::values::Values;
use super::{DatabaseKind, Param, Row};

/// Most parameters of a statement that both engines take (SQLite's limit; PostgreSQL takes 65,535).
const STATEMENT_PARAMETERS: usize = 32_766;
/// Most rows of one INSERT. Measured: with 100 rows a row costs SQLite a third less than alone; more rows gain nothing.
const STATEMENT_ROWS: usize = 128;

/// What an insert does with a row that breaks a uniqueness rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnConflict {
    /// The whole insert fails with `Conflict`.
    Fail,
    /// The row is left out.
    Ignore,
}

/// A transaction.
pub struct Tx<'a> {
    connection: &'a mut Connection,
    spoiled: bool,
}

impl<'a> Tx<'a> {
    pub(crate) fn new(connection: &'a mut Connection) -> Self {
        Self { connection, spoiled: false }
    }

    /// Whether a statement failed, so that nothing of this transaction may be kept.
    pub(crate) fn is_spoiled(&self) -> bool {
        self.spoiled
    }

    /// Which engine this is, for the few things that cannot be said to both in the same words.
    pub fn kind(&self) -> DatabaseKind {
        self.connection.kind()
    }

    /// Runs a statement with `$1..$n` and returns how many rows it changed.
    ///
    /// # Errors
    /// `Conflict` when a constraint is broken, `StorageFull`, `Unavailable`, `Internal` when the statement is wrong.
    pub fn execute(&mut self, sql: &str, params: &[Param]) -> Result<u64> {
        let params = Values::List(params);
        self.run(params, |connection| connection.execute(sql, params))
    }

    /// Runs a statement and returns its rows.
    ///
    /// # Errors
    /// As [`Tx::execute`].
    pub fn query(&mut self, sql: &str, params: &[Param]) -> Result<Vec<Row>> {
        let params = Values::List(params);
        self.run(params, |connection| connection.query(sql, params))
    }

    /// Runs a statement and hands on its rows one by one: for answers of many rows.
    ///
    /// # Errors
    /// As [`Tx::execute`], and what `each` returns.
    pub fn for_each(
        &mut self,
        sql: &str,
        params: &[Param],
        mut each: impl FnMut(&Cells<'_>) -> Result<()>,
    ) -> Result<()> {
        let params = Values::List(params);
        self.run(params, |connection| connection.for_each(sql, params, &mut each))
    }

    /// Runs a statement that answers with at most one row.
    ///
    /// # Errors
    /// As [`Tx::execute`]; `Internal` when there are more rows.
    pub fn query_one(&mut self, sql: &str, params: &[Param]) -> Result<Option<Row>> {
        let mut rows = self.query(sql, params)?;
        match rows.len() {
            0 | 1 => Ok(rows.pop()),
            more => Err(Error::internal(format!("{more} rows where at most one was expected"))),
        }
    }

    /// Inserts many rows with few statements and returns how many were inserted. Table and columns are constants of
    /// the program, never a user's text.
    ///
    /// # Errors
    /// As [`Tx::execute`]; `Internal` when a row has another number of values than there are columns.
    pub fn insert_rows(
        &mut self,
        table: &str,
        columns: &[&str],
        rows: &[Vec<Param>],
        conflict: OnConflict,
    ) -> Result<u64> {
        let tail = if conflict == OnConflict::Ignore { " ON CONFLICT DO NOTHING" } else { "" };
        let mut inserted = 0;
        in_parts(columns, rows, |part| {
            let (sql, values) = (insert_sql(table, columns, part.len(), tail), Values::Rows(part));
            inserted += self.run(values, |connection| connection.execute(&sql, values))?;
            Ok(())
        })?;
        Ok(inserted)
    }

    /// Inserts many rows with few statements, each of which ends with `tail` (`ON CONFLICT … DO UPDATE … RETURNING …`),
    /// and returns what they answer, in no order. Texts are constants of the program; no row may come twice.
    ///
    /// # Errors
    /// As [`Tx::insert_rows`].
    pub fn upsert_rows(&mut self, table: &str, columns: &[&str], rows: &[Vec<Param>], tail: &str) -> Result<Vec<Row>> {
        let mut answers = Vec::with_capacity(rows.len());
        in_parts(columns, rows, |part| {
            let (sql, values) = (insert_sql(table, columns, part.len(), tail), Values::Rows(part));
            answers.extend(self.run(values, |connection| connection.query(&sql, values))?);
            Ok(())
        })?;
        Ok(answers)
    }

    fn run<T>(&mut self, params: Values<'_>, statement: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        if self.spoiled {
            return Err(Error::internal("a statement after one that failed in the same transaction"));
        }
        // PostgreSQL cannot keep this character; SQLite would cut the text there in some functions.
        if params.iter().any(|param| matches!(param, Param::Text(text) if text.as_bytes().contains(&0))) {
            return Err(Error::invalid("a text holds a NUL character"));
        }
        let outcome = statement(self.connection);
        self.spoiled = outcome.is_err();
        outcome
    }
}

/// Hands rows on in parts that one statement takes. Their sizes are powers of two, so that a table has few statements and
/// all of them stay prepared.
fn in_parts(columns: &[&str], rows: &[Vec<Param>], mut each: impl FnMut(&[Vec<Param>]) -> Result<()>) -> Result<()> {
    if let Some(row) = rows.iter().find(|row| row.len() != columns.len() || row.is_empty()) {
        return Err(Error::internal(format!("a row of {} values for {} columns", row.len(), columns.len())));
    }
    let most = (STATEMENT_PARAMETERS / columns.len().max(1)).clamp(1, STATEMENT_ROWS);
    let mut rest = rows;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(1 << rest.len().min(most).ilog2());
        each(now)?;
        rest = later;
    }
    Ok(())
}

fn insert_sql(table: &str, columns: &[&str], rows: usize, tail: &str) -> String {
    let mut sql = format!("INSERT INTO {table} ({}) VALUES ", columns.join(", "));
    for parameter in 1..=rows * columns.len() {
        let before = match parameter % columns.len() {
            _ if parameter == 1 => "(",
            1 => "), (",
            0 if columns.len() == 1 => "), (",
            _ => ", ",
        };
        let _infallible = write!(sql, "{before}${parameter}");
    }
    sql.push(')');
    sql.push_str(tail);
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inserts_number_their_parameters() {
        assert_eq!(insert_sql("t", &["a"], 2, ""), "INSERT INTO t (a) VALUES ($1), ($2)");
        assert_eq!(
            insert_sql("t", &["a", "b"], 2, " ON CONFLICT DO NOTHING"),
            "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4) ON CONFLICT DO NOTHING"
        );
    }
}
