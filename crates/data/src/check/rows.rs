//! The rules that judge each row by itself.

use std::collections::HashSet;
use std::sync::Arc;

use flyball_core::{Column, Kind, Result};

use super::literal::Literal;
use super::pass::{EachRow, Pass, Piece, Tally};
use super::rule::{Order, Relation};

/// Rows that lack a value in any of the columns; all rows are examined.
pub(super) fn not_null(columns: Vec<String>) -> Box<dyn Pass> {
    Box::new(EachRow::new(move |piece: &Piece<'_>, tally: &mut Tally| {
        let columns: Vec<&Column> = columns.iter().map(|name| piece.table.column(name)).collect::<Result<_>>()?;
        tally.examined += piece.table.rows();
        for row in 0..piece.table.rows() {
            if columns.iter().any(|column| column.is_missing(row)) {
                tally.fail(piece, row);
            }
        }
        Ok(())
    }))
}

/// Rows whose number `fails`.
pub(super) fn numbers(column: String, fails: impl Fn(f64) -> bool + 'static) -> Box<dyn Pass> {
    Box::new(EachRow::new(move |piece: &Piece<'_>, tally: &mut Tally| {
        let mut examined = 0;
        each_number(piece.table.column(&column)?, |row, x| {
            examined += 1;
            if fails(x) {
                tally.fail(piece, row);
            }
        });
        tally.examined += examined;
        Ok(())
    }))
}

/// Rows whose text `fails`. Every level is judged once, and those that pieces share once for all of them.
pub(super) fn texts(column: String, fails: impl Fn(&str) -> bool + 'static) -> Box<dyn Pass> {
    let mut known: Arc<Vec<Arc<str>>> = Arc::default();
    let mut verdicts: Vec<bool> = Vec::new();
    Box::new(EachRow::new(move |piece: &Piece<'_>, tally: &mut Tally| {
        let Column::Text(text) = piece.table.column(&column)? else { return Ok(()) };
        if !Arc::ptr_eq(&known, &text.levels) {
            verdicts = text.levels.iter().map(|level| fails(level)).collect();
            known = Arc::clone(&text.levels);
        }
        for (row, code) in text.codes.iter().enumerate() {
            if let Some(fails) = verdicts.get(*code as usize) {
                tally.examined += 1;
                if *fails {
                    tally.fail(piece, row);
                }
            }
        }
        Ok(())
    }))
}

/// Calls `each` with every row that has a number.
#[inline]
pub(crate) fn each_number(column: &Column, mut each: impl FnMut(usize, f64)) {
    let is_there = |x: &f64| !x.is_nan();
    match column {
        Column::Float(values) => {
            values.iter().copied().enumerate().filter(|(_, x)| is_there(x)).for_each(|(row, x)| each(row, x));
        }
        Column::Int(values) | Column::Time(values) => {
            for (row, x) in values.iter().enumerate() {
                if *x != flyball_core::table::MISSING_INT {
                    each(row, *x as f64);
                }
            }
        }
        other => (0..other.len())
            .map(|row| (row, other.number(row)))
            .filter(|(_, x)| is_there(x))
            .for_each(|(row, x)| each(row, x)),
    }
}

/// A set of values for a column of the type `kind`, as a test of what is in it.
pub(super) fn in_set(
    column: String,
    kind: Kind,
    values: &[Literal],
    wanted: bool,
) -> std::result::Result<Box<dyn Pass>, String> {
    if kind == Kind::Text {
        let set: HashSet<String> = values.iter().map(ToString::to_string).collect();
        return Ok(texts(column, move |text| set.contains(text) != wanted));
    }
    let values: Vec<f64> = values.iter().map(|value| number(value, kind)).collect::<std::result::Result<_, _>>()?;
    if values.len() <= SCANNED {
        return Ok(numbers(column, move |x| values.contains(&x) != wanted));
    }
    let set: HashSet<u64> = values.iter().map(|x| (x + 0.0).to_bits()).collect();
    Ok(numbers(column, move |x| set.contains(&(x + 0.0).to_bits()) != wanted))
}

/// Up to so many numbers are compared one by one, which is faster than to hash them.
const SCANNED: usize = 12;

/// A bound as a number.
pub(super) fn number(literal: &Literal, kind: Kind) -> std::result::Result<f64, String> {
    literal
        .number(kind)
        .ok_or_else(|| format!("'{literal}' cannot be compared with a column of the type {}", kind.as_str()))
}

/// Rows whose value does not follow the one before it.
pub(super) fn ordered(order: &Order, falling: bool) -> Box<dyn Pass> {
    let (column, strictly) = (order.column.clone(), order.strictly);
    let mut last: Option<f64> = None;
    Box::new(EachRow::new(move |piece: &Piece<'_>, tally: &mut Tally| {
        each_number(piece.table.column(&column)?, |row, x| {
            let x = if falling { -x } else { x };
            tally.examined += 1;
            if last.is_some_and(|last| x < last || (strictly && x == last)) {
                tally.fail(piece, row);
            }
            last = Some(x);
        });
        Ok(())
    }))
}

/// Rows in which two columns do not stand in a relation.
pub(super) fn compare(column: String, is: Relation, other: String) -> Box<dyn Pass> {
    Box::new(EachRow::new(move |piece: &Piece<'_>, tally: &mut Tally| {
        let (left, right) = (piece.table.column(&column)?, piece.table.column(&other)?);
        for row in 0..piece.table.rows() {
            let holds = match (left, right) {
                (Column::Text(left), Column::Text(right)) => match (left.get(row), right.get(row)) {
                    (Some(left), Some(right)) => {
                        // Texts only have a sign of their order to compare.
                        Some(is.holds(f64::from(left.cmp(right) as i8), 0.0))
                    }
                    _ => None,
                },
                _ => {
                    let (left, right) = (left.number(row), right.number(row));
                    (!left.is_nan() && !right.is_nan()).then(|| is.holds(left, right))
                }
            };
            if let Some(holds) = holds {
                tally.examined += 1;
                if !holds {
                    tally.fail(piece, row);
                }
            }
        }
        Ok(())
    }))
}
