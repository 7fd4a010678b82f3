//! What two versions differ in, row by row: rows are matched by key, cells compared column by column.
//!
//! First the keys of both are read and matched; then one column after the other, so that beside the matches only one
//! column is in memory. Texts are compared by hashes of 64 bits.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use flyball_core::{Column, Error, ErrorCode, Kind, Result, Table};
use serde::{Deserialize, Serialize};

use crate::check::{Distances, Spread, of_column, of_rows};
use crate::model::ColumnSchema;
use crate::nearest;
use crate::scan::Rows;

/// Examples of each kind of difference that are shown.
const EXAMPLES: usize = 10;
/// Values of a column whose distributions are compared: a difference of a few per cent is seen.
const COMPARED: usize = 20_000;
/// Most rows of a version: their positions take four bytes each.
const MOST_ROWS: usize = u32::MAX as usize - 1;
/// Stands for a row that has no match.
const NONE: u32 = u32::MAX;
/// Stands for a missing value among the numbers that cells are compared by.
const MISSING: u64 = 0x9e37_79b9_7f4a_7c15;

/// How two versions differ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowDiff {
    /// The columns by which rows are matched.
    pub key: Vec<String>,
    /// Rows of the one and of the other.
    pub rows: [usize; 2],
    /// Rows without a key, which are left out.
    pub without_key: [usize; 2],
    /// Rows that only the second version has.
    pub added: usize,
    /// Rows that only the first version has.
    pub removed: usize,
    /// Rows of both of which a cell differs.
    pub changed: usize,
    /// Columns that only the second version has.
    pub added_columns: Vec<ColumnSchema>,
    /// Columns that only the first version has.
    pub removed_columns: Vec<ColumnSchema>,
    /// The columns of both, in the order of the second.
    pub columns: Vec<ColumnDiff>,
    /// The first added rows, cells in the order of the second version.
    pub added_rows: Vec<Vec<serde_json::Value>>,
    /// The first removed rows, cells in the order of the first version.
    pub removed_rows: Vec<Vec<serde_json::Value>>,
}

/// How a column differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnDiff {
    /// Its name.
    pub name: String,
    /// Its types in the one and in the other.
    pub kinds: [Kind; 2],
    /// Cells that differ, in rows of both.
    pub changed: usize,
    /// The first of them.
    pub examples: Vec<CellChange>,
    /// How far its distribution moved; none when the types cannot be compared or a side has no values.
    pub drift: Option<Distances>,
}

/// A cell that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CellChange {
    /// The key of its row.
    pub key: Vec<serde_json::Value>,
    /// What it was.
    pub before: serde_json::Value,
    /// What it is.
    pub after: serde_json::Value,
}

/// A hasher of numbers whose bits are spread already.
#[derive(Default)]
struct Spreading(u64);

impl Hasher for Spreading {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = flyball_stats::sketch::mix(self.0 ^ u64::from(*byte)));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = flyball_stats::sketch::mix(number);
    }
}

/// Compares two tables whose rows are told apart by `key`. A key that is not there, or that rows share, is an error.
pub fn diff(before: &dyn Rows, after: &dyn Rows, key: &[String]) -> Result<RowDiff> {
    let schemas = [before.schema(), after.schema()];
    check_key(&schemas, key)?;
    if before.count().max(after.count()) > MOST_ROWS {
        return Err(Error::new(ErrorCode::LimitExceeded, format!("more than {MOST_ROWS} rows cannot be compared")));
    }
    let same_kinds = key.iter().all(|name| kind(&schemas[0], name) == kind(&schemas[1], name));
    let keys = [keys(before, key, same_kinds)?, keys(after, key, same_kinds)?];
    let matched = Matched::new(&keys)?;
    let mut found = RowDiff {
        key: key.to_vec(),
        rows: [before.count(), after.count()],
        without_key: [0, 1].map(|side: usize| keys[side].iter().filter(|key| key.is_none()).count()),
        added: matched.added.len(),
        removed: matched.removed.len(),
        changed: 0,
        added_columns: only_in(&schemas[1], &schemas[0]),
        removed_columns: only_in(&schemas[0], &schemas[1]),
        columns: Vec::new(),
        added_rows: examples(after, &matched.added)?,
        removed_rows: examples(before, &matched.removed)?,
    };
    drop(keys);
    let mut is_changed = vec![false; after.count()];
    let mut places = Vec::new();
    for column in schemas[1].iter().filter(|one| schemas[0].iter().any(|other| other.name == one.name)) {
        let kinds = [kind(&schemas[0], &column.name), Some(column.kind)].map(|kind| kind.unwrap_or(column.kind));
        let is_key = key.contains(&column.name);
        let (diff, rows) =
            compare_column(before, after, &column.name, kinds, (!is_key).then_some(&matched), &mut is_changed)?;
        found.columns.push(diff);
        places.push(rows);
    }
    found.changed = is_changed.iter().filter(|changed| **changed).count();
    fill_examples(before, after, &mut found, &places)?;
    Ok(found)
}

fn kind(schema: &[ColumnSchema], name: &str) -> Option<Kind> {
    schema.iter().find(|one| one.name == name).map(|one| one.kind)
}

fn check_key(schemas: &[Vec<ColumnSchema>; 2], key: &[String]) -> Result<()> {
    if key.is_empty() {
        return Err(
            Error::invalid("rows are matched by a key").hint("name the columns that tell rows apart, with --key")
        );
    }
    for (schema, which) in schemas.iter().zip(["first", "second"]) {
        if let Some(absent) = key.iter().find(|name| kind(schema, name).is_none()) {
            let hint = nearest::hint(absent, schema.iter().map(|one| one.name.as_str()), "columns");
            return Err(Error::invalid(format!("the {which} version has no column '{absent}'")).hint(hint));
        }
    }
    Ok(())
}

fn only_in(schema: &[ColumnSchema], other: &[ColumnSchema]) -> Vec<ColumnSchema> {
    schema.iter().filter(|one| kind(other, &one.name).is_none()).cloned().collect()
}

fn keys(rows: &dyn Rows, key: &[String], same_kinds: bool) -> Result<Vec<Option<u64>>> {
    let mut found = Vec::with_capacity(rows.count());
    rows.scan(Some(key), &mut |table, _| {
        let columns: Vec<Column> = key
            .iter()
            .map(|name| table.column(name).map(|column| if same_kinds { column.clone() } else { as_floats(column) }))
            .collect::<Result<_>>()?;
        found.extend(of_rows(table, &columns.iter().collect::<Vec<_>>(), false));
        Ok(())
    })?;
    Ok(found)
}

/// Numbers of every type as one type, so that they can be compared.
fn as_floats(column: &Column) -> Column {
    match column {
        Column::Text(_) => column.clone(),
        numbers => Column::Float(numbers.numbers()),
    }
}

/// Which rows belong together.
struct Matched {
    /// For each row of the second version the row of the first, or `NONE`.
    rows: Vec<u32>,
    added: Vec<usize>,
    removed: Vec<usize>,
}

impl Matched {
    fn new(keys: &[Vec<Option<u64>>; 2]) -> Result<Self> {
        let is_rising =
            |keys: &[Option<u64>]| keys.windows(2).all(|pair| pair[0] < pair[1]) && keys.first() != Some(&None);
        if is_rising(&keys[0]) && is_rising(&keys[1]) { Ok(Self::merged(keys)) } else { Self::looked_up(keys) }
    }

    /// Both are in the order of the key: a walk along both.
    fn merged(keys: &[Vec<Option<u64>>; 2]) -> Self {
        let mut matched = Self { rows: vec![NONE; keys[1].len()], added: Vec::new(), removed: Vec::new() };
        let mut before = 0;
        for (after, key) in keys[1].iter().enumerate() {
            while keys[0].get(before).is_some_and(|other| other < key) {
                matched.removed.push(before);
                before += 1;
            }
            if keys[0].get(before) == Some(key) {
                matched.rows[after] = before as u32;
                before += 1;
            } else {
                matched.added.push(after);
            }
        }
        matched.removed.extend(before..keys[0].len());
        matched
    }

    fn looked_up(keys: &[Vec<Option<u64>>; 2]) -> Result<Self> {
        type Index = HashMap<u64, u32, BuildHasherDefault<Spreading>>;
        let mut index = Index::with_capacity_and_hasher(keys[0].len(), BuildHasherDefault::default());
        let shared = |which: &str, row: usize| {
            Error::invalid(format!(
                "the key does not tell the rows of the {which} version apart: row {row} repeats one"
            ))
            .hint("name more columns with --key")
        };
        for (row, key) in keys[0].iter().enumerate() {
            if let Some(key) = key
                && index.insert(*key, row as u32).is_some()
            {
                return Err(shared("first", row));
            }
        }
        let mut matched = Self { rows: vec![NONE; keys[1].len()], added: Vec::new(), removed: Vec::new() };
        let mut is_taken = vec![false; keys[0].len()];
        let mut new = std::collections::HashSet::<u64, BuildHasherDefault<Spreading>>::default();
        for (row, key) in keys[1].iter().enumerate() {
            let Some(key) = key else { continue };
            match index.get(key) {
                Some(before) if std::mem::replace(&mut is_taken[*before as usize], true) => {
                    return Err(shared("second", row));
                }
                Some(before) => matched.rows[row] = *before,
                None if !new.insert(*key) => return Err(shared("second", row)),
                None => matched.added.push(row),
            }
        }
        let left = keys[0].iter().zip(&is_taken).enumerate().filter(|(_, (key, taken))| key.is_some() && !**taken);
        matched.removed = left.map(|(row, _)| row).collect();
        Ok(matched)
    }
}

/// Compares the cells of a column in the matched rows. Gives the first rows that differ beside, as pairs of positions.
fn compare_column(
    before: &dyn Rows,
    after: &dyn Rows,
    name: &str,
    kinds: [Kind; 2],
    matched: Option<&Matched>,
    is_changed: &mut [bool],
) -> Result<(ColumnDiff, Vec<(usize, usize)>)> {
    let is_same = kinds[0] == kinds[1];
    let wanted = [name.to_owned()];
    let mut old = Vec::with_capacity(before.count());
    let mut spreads = kinds.map(|kind| Spread::sample_of(name, kind, COMPARED));
    let cells = |column: &Column| {
        let values = if is_same { of_column(column) } else { of_column(&as_floats(column)) };
        values.into_iter().map(|value| value.unwrap_or(MISSING))
    };
    before.scan(Some(&wanted), &mut |table, first| {
        let column = table.column(name)?;
        spreads[0].add(table, column, first);
        if matched.is_some() {
            old.extend(cells(column));
        }
        Ok(())
    })?;
    let (mut changed, mut places) = (0, Vec::new());
    after.scan(Some(&wanted), &mut |table, first| {
        let column = table.column(name)?;
        spreads[1].add(table, column, first);
        let Some(matched) = matched else { return Ok(()) };
        for (position, value) in cells(column).enumerate() {
            let row = first + position;
            let other = matched.rows[row];
            if other != NONE && old[other as usize] != value {
                changed += 1;
                is_changed[row] = true;
                if places.len() < EXAMPLES {
                    places.push((other as usize, row));
                }
            }
        }
        Ok(())
    })?;
    let [reference, current] = spreads;
    let drift = current.distances(&reference);
    Ok((ColumnDiff { name: name.to_owned(), kinds, changed, examples: Vec::new(), drift }, places))
}

fn examples(rows: &dyn Rows, positions: &[usize]) -> Result<Vec<Vec<serde_json::Value>>> {
    let positions = &positions[..positions.len().min(EXAMPLES)];
    if positions.is_empty() {
        return Ok(Vec::new());
    }
    let table = rows.take(positions)?;
    Ok((0..table.rows()).map(|row| table.row(row).iter().map(flyball_core::Value::json).collect()).collect())
}

/// Reads the cells of the first rows that differ.
fn fill_examples(
    before: &dyn Rows,
    after: &dyn Rows,
    found: &mut RowDiff,
    places: &[Vec<(usize, usize)>],
) -> Result<()> {
    let picked = |rows: &dyn Rows, of: fn(&(usize, usize)) -> usize| -> Result<(Vec<usize>, Table)> {
        let mut positions: Vec<usize> = places.iter().flatten().map(of).collect();
        positions.sort_unstable();
        positions.dedup();
        let table = if positions.is_empty() { Table::default() } else { rows.take(&positions)? };
        Ok((positions, table))
    };
    let (old_rows, old) = picked(before, |pair| pair.0)?;
    let (new_rows, new) = picked(after, |pair| pair.1)?;
    let key = found.key.clone();
    for (column, places) in found.columns.iter_mut().zip(places) {
        for (old_row, new_row) in places {
            let (Ok(old_at), Ok(new_at)) = (old_rows.binary_search(old_row), new_rows.binary_search(new_row)) else {
                continue;
            };
            let cell = |table: &Table, name: &str, row: usize| Ok(table.column(name)?.value(row).json());
            column.examples.push(CellChange {
                key: key.iter().map(|name| cell(&new, name, new_at)).collect::<Result<_>>()?,
                before: cell(&old, &column.name, old_at)?,
                after: cell(&new, &column.name, new_at)?,
            });
        }
    }
    Ok(())
}
