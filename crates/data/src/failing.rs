//! The failing rows of a validation, gathered into one table to look at.

use flyball_core::{Column, Result, Table, TextColumn};

use crate::check::CheckOutcome;
use crate::scan::Rows;

/// The first failing rows of every check, each with its position in the table (`flyball_row`) and the text of the check
/// (`flyball_check`); `None` when no row failed.
pub(crate) fn rows_of(table: &dyn Rows, outcomes: &[CheckOutcome]) -> Result<Option<Table>> {
    let failed = || outcomes.iter().filter(|outcome| !outcome.first_rows.is_empty());
    let rows: Vec<usize> = failed().flat_map(|outcome| outcome.first_rows.iter().copied()).collect();
    if rows.is_empty() {
        return Ok(None);
    }
    let texts = failed().flat_map(|outcome| outcome.first_rows.iter().map(|_| Some(outcome.text.as_str())));
    let mut distinct = rows.clone();
    distinct.sort_unstable();
    distinct.dedup();
    let places: Vec<usize> = rows.iter().filter_map(|row| distinct.binary_search(row).ok()).collect();
    let mut kept = table.take(&distinct)?.take(&places);
    kept.push("flyball_row", Column::Int(rows.iter().map(|row| *row as i64).collect()))?;
    kept.push("flyball_check", Column::Text(TextColumn::from_texts(texts)))?;
    Ok(Some(kept))
}
