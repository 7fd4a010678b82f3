//! The rules that look at rows: which of them fail.

use std::collections::{HashMap, HashSet};

use flyball_core::{Column, Kind, Result, Table};
use regex::Regex;

use super::Literal;

/// Which rows fail, in ascending order, of how many that were looked at.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Examined {
    pub(super) examined: usize,
    pub(super) failing: Vec<usize>,
}

/// Rows that lack a value in any of the columns; all rows are examined.
pub(super) fn missing_in(table: &Table, columns: &[String]) -> Result<Examined> {
    let columns: Vec<&Column> = columns.iter().map(|name| table.column(name)).collect::<Result<_>>()?;
    let failing = (0..table.rows()).filter(|&row| columns.iter().any(|column| column.is_missing(row))).collect();
    Ok(Examined { examined: table.rows(), failing })
}

/// Rows that share their values with another row; rows that lack one of the values are not examined.
pub(super) fn duplicates(table: &Table, columns: &[String]) -> Result<Examined> {
    // Group numbers grow column by column: two rows are in one group while they agree in all columns so far.
    let mut groups: Vec<Option<u64>> = vec![Some(0); table.rows()];
    for name in columns {
        let column = table.column(name)?;
        let mut numbers: HashMap<(u64, u64), u64> = HashMap::new();
        for (row, group) in groups.iter_mut().enumerate() {
            *group = group.filter(|_| !column.is_missing(row)).map(|so_far| {
                let next = numbers.len() as u64;
                *numbers.entry((so_far, key(column, row))).or_insert(next)
            });
        }
    }
    let mut sizes = vec![0u32; table.rows()];
    groups.iter().flatten().for_each(|&group| sizes[group as usize] += 1);
    let shares = |group: &u64| sizes[*group as usize] > 1;
    let failing = (0..table.rows()).filter(|&row| groups[row].as_ref().is_some_and(shares)).collect();
    Ok(Examined { examined: groups.iter().flatten().count(), failing })
}

/// A number that is equal for equal values of a column and different for others.
fn key(column: &Column, row: usize) -> u64 {
    match column {
        Column::Text(text) => u64::from(text.codes[row]),
        // Adding zero makes −0 and 0 equal.
        Column::Float(values) => (values[row] + 0.0).to_bits(),
        Column::Int(values) | Column::Time(values) => values[row] as u64,
        Column::Bool(values) => u64::from(values[row]),
    }
}

/// Rows whose value is not among `values` (`wanted`), or is (`!wanted`).
pub(super) fn membership(column: &Column, values: &[Literal], wanted: bool) -> std::result::Result<Examined, String> {
    if let Column::Text(text) = column {
        let set: HashSet<String> = values.iter().map(ToString::to_string).collect();
        let fails: Vec<bool> = text.levels.iter().map(|level| set.contains(level.as_ref()) != wanted).collect();
        return Ok(text_rows(&text.codes, &fails));
    }
    let numbers = values
        .iter()
        .map(|value| number(value, column.kind()).map(|x| (x + 0.0).to_bits()))
        .collect::<std::result::Result<HashSet<u64>, String>>()?;
    Ok(number_rows(column, |x| numbers.contains(&(x + 0.0).to_bits()) != wanted))
}

/// Rows whose value lies outside the bounds.
pub(super) fn between(
    column: &Column,
    min: Option<&Literal>,
    max: Option<&Literal>,
) -> std::result::Result<Examined, String> {
    if column.kind() == Kind::Text {
        return Err("the column is text and has no order here; use numbers or times".into());
    }
    let min = min.map(|bound| number(bound, column.kind())).transpose()?.unwrap_or(f64::NEG_INFINITY);
    let max = max.map(|bound| number(bound, column.kind())).transpose()?.unwrap_or(f64::INFINITY);
    Ok(number_rows(column, |x| x < min || x > max))
}

/// Rows whose text does not match the pattern.
pub(super) fn matching(column: &Column, pattern: &str) -> std::result::Result<Examined, String> {
    let Column::Text(text) = column else {
        return Err(format!("the column is {} and not text", column.kind().as_str()));
    };
    let pattern = Regex::new(pattern).map_err(|error| {
        let last = error.to_string();
        format!("the pattern is not valid: {}", last.lines().last().unwrap_or_default().trim())
    })?;
    let fails: Vec<bool> = text.levels.iter().map(|level| !pattern.is_match(level)).collect();
    Ok(text_rows(&text.codes, &fails))
}

fn number(literal: &Literal, kind: Kind) -> std::result::Result<f64, String> {
    literal
        .number(kind)
        .ok_or_else(|| format!("'{literal}' cannot be compared with a column of the type {}", kind.as_str()))
}

/// Judges every level once instead of every row.
fn text_rows(codes: &[u32], fails: &[bool]) -> Examined {
    let verdicts = || codes.iter().enumerate().filter_map(|(row, code)| Some((row, *fails.get(*code as usize)?)));
    Examined {
        examined: verdicts().count(),
        failing: verdicts().filter(|(_, fails)| *fails).map(|(row, _)| row).collect(),
    }
}

fn number_rows(column: &Column, fails: impl Fn(f64) -> bool) -> Examined {
    let mut found = Examined { examined: 0, failing: Vec::new() };
    for row in 0..column.len() {
        let x = column.number(row);
        if !x.is_nan() {
            found.examined += 1;
            if fails(x) {
                found.failing.push(row);
            }
        }
    }
    found
}
