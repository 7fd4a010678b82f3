//! The rule that values appear in another dataset.

use std::collections::HashSet;

use flyball_core::{Column, Kind, Result};

use super::keys;
use super::pass::{EachRow, Pass, Piece, Tally};
use crate::nearest;
use crate::scan::Rows;

/// Rows whose value does not appear in the column `to` of `other`.
pub(super) fn references(
    column: String,
    kind: Kind,
    other: &dyn Rows,
    to: &str,
) -> Result<std::result::Result<Box<dyn Pass>, String>> {
    let schema = other.schema();
    let Some(found) = schema.iter().find(|one| one.name == to) else {
        let hint = nearest::hint(to, schema.iter().map(|one| one.name.as_str()), "columns");
        return Ok(Err(format!("the other dataset has no column '{to}'; {hint}")));
    };
    if (kind == Kind::Text) != (found.kind == Kind::Text) {
        let (own, theirs) = (kind.as_str(), found.kind.as_str());
        return Ok(Err(format!("the column is {own} and that of the other dataset is {theirs}")));
    }
    let is_same = kind == found.kind;
    let mut known: HashSet<u64> = HashSet::new();
    other.scan(Some(&[to.to_owned()]), &mut |table, _| {
        known.extend(values(table.column(to)?, is_same).into_iter().flatten());
        Ok(())
    })?;
    Ok(Ok(Box::new(EachRow::new(move |piece: &Piece<'_>, tally: &mut Tally| {
        for (row, value) in values(piece.table.column(&column)?, is_same).into_iter().enumerate() {
            if let Some(value) = value {
                tally.examined += 1;
                if !known.contains(&value) {
                    tally.fail(piece, row);
                }
            }
        }
        Ok(())
    }))))
}

/// The values of a column as they can be compared with another column of its type, or of another type of numbers.
fn values(column: &Column, is_same: bool) -> Vec<Option<u64>> {
    if is_same {
        return keys::of_column(column);
    }
    (0..column.len()).map(|row| Some(column.number(row) + 0.0).filter(|x| !x.is_nan()).map(f64::to_bits)).collect()
}
