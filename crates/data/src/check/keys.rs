//! Rows that repeat one another.
//!
//! Every row is one number: its value where one column of numbers is the key, and a hash of 64 bits otherwise. Two
//! different keys of ten million are taken for one in one of 300,000 tables. The numbers are sorted at the end, eight
//! bytes a row; a column that already rises needs not even that. Which rows they are is looked up in a second scan, when
//! there are any.

use flyball_core::{Column, Result, Table, limits};
use flyball_stats::sketch::mix;

use super::pass::{Ended, Found, Pass, Piece, Tally};

/// A number for each row of a piece that tells its values in `columns` from others; `None` where one is missing, unless
/// `alike` says that missing values equal each other.
pub(crate) fn of_rows(table: &Table, columns: &[&Column], alike: bool) -> Vec<Option<u64>> {
    if let ([column], false) = (columns, alike) {
        return of_column(column);
    }
    let mut keys: Vec<Option<u64>> = vec![Some(0); table.rows()];
    for (position, column) in columns.iter().enumerate() {
        let hashes = levels(column);
        // Which column it is goes into the hash, so that (1, 2) is not (2, 1).
        let salt = mix(position as u64 + 1);
        for (row, key) in keys.iter_mut().enumerate() {
            let value = value(column, &hashes, row).or(alike.then_some(MISSING));
            *key = key.zip(value).map(|(key, value)| mix(key.rotate_left(5) ^ value ^ salt));
        }
    }
    keys
}

/// A number for each value of a column that tells it from others; `None` where it is missing.
pub(crate) fn of_column(column: &Column) -> Vec<Option<u64>> {
    let hashes = levels(column);
    (0..column.len()).map(|row| value(column, &hashes, row)).collect()
}

/// What stands for a missing value among hashes.
const MISSING: u64 = 0x9e37_79b9_7f4a_7c15;

/// The hashes of the levels of a text column.
fn levels(column: &Column) -> Vec<u64> {
    match column {
        Column::Text(text) => text.levels.iter().map(|level| hash(level)).collect(),
        _ => Vec::new(),
    }
}

/// The hash of a text.
pub(crate) fn hash(text: &str) -> u64 {
    let mut hash = mix(text.len() as u64 ^ MISSING);
    for part in text.as_bytes().chunks(8) {
        let mut word = [0; 8];
        word[..part.len()].copy_from_slice(part);
        hash = mix(hash.rotate_left(5) ^ u64::from_le_bytes(word));
    }
    hash
}

/// A number that differs where the values of a column differ.
#[inline]
fn value(column: &Column, hashes: &[u64], row: usize) -> Option<u64> {
    match column {
        Column::Text(text) => hashes.get(text.codes[row] as usize).copied(),
        // Adding zero makes −0 and 0 equal.
        Column::Float(values) => Some(values[row]).filter(|x| !x.is_nan()).map(|x| (x + 0.0).to_bits()),
        Column::Int(values) | Column::Time(values) => {
            Some(values[row]).filter(|x| *x != flyball_core::table::MISSING_INT).map(|x| (x as u64) ^ (1 << 63))
        }
        Column::Bool(values) => Some(values[row]).filter(|x| *x < 2).map(u64::from),
    }
}

/// How the rows of a key are judged.
#[derive(Clone, Copy)]
pub(super) enum Judge {
    /// Every row that shares its key fails.
    Unique,
    /// Rows that are not the first of their kind may be this share of all.
    Duplicates(f64),
}

/// Gathers the keys of all rows.
pub(super) struct Keys {
    columns: Vec<String>,
    judge: Judge,
    keys: Vec<u64>,
    is_rising: bool,
}

impl Keys {
    /// Of these columns; all of the table when empty.
    pub(super) fn new(columns: Vec<String>, judge: Judge) -> Self {
        Self { columns, judge, keys: Vec::new(), is_rising: true }
    }
}

fn keys_of(columns: &[String], judge: Judge, table: &Table) -> Result<Vec<Option<u64>>> {
    let chosen: Vec<&Column> = if columns.is_empty() {
        table.columns().map(|(_, column)| column).collect()
    } else {
        columns.iter().map(|name| table.column(name)).collect::<Result<_>>()?
    };
    Ok(of_rows(table, &chosen, matches!(judge, Judge::Duplicates(_))))
}

impl Pass for Keys {
    fn add(&mut self, piece: &Piece<'_>) -> Result<()> {
        for key in keys_of(&self.columns, self.judge, piece.table)?.into_iter().flatten() {
            self.is_rising = self.is_rising && self.keys.last().is_none_or(|last| *last < key);
            self.keys.push(key);
        }
        Ok(())
    }

    fn end(mut self: Box<Self>) -> Result<Ended> {
        let examined = self.keys.len();
        if self.is_rising {
            return Ok(Ended::Found(outcome(self.judge, Tally { examined, ..Tally::default() })));
        }
        self.keys.sort_unstable();
        let (mut failing, mut kept, mut start) = (0, 0, 0);
        while start < examined {
            let key = self.keys[start];
            let run = self.keys[start..].iter().take_while(|other| **other == key).count();
            if run > 1 {
                failing += if matches!(self.judge, Judge::Unique) { run } else { run - 1 };
                // The repeated keys move to the front, where the second scan looks them up.
                self.keys[kept] = key;
                kept += 1;
            }
            start += run;
        }
        self.keys.truncate(kept);
        let tally = Tally { examined, failing, first: Vec::new() };
        if kept == 0 {
            return Ok(Ended::Found(outcome(self.judge, tally)));
        }
        let Keys { columns, judge, keys, .. } = *self;
        Ok(Ended::Again(Box::new(Repeated { columns, judge, seen: vec![false; keys.len()], keys, tally })))
    }
}

fn outcome(judge: Judge, tally: Tally) -> Found {
    match judge {
        Judge::Unique => Found::Rows(tally, None),
        Judge::Duplicates(max) => {
            let share = if tally.examined > 0 { tally.failing as f64 / tally.examined as f64 } else { 0.0 };
            // Rows that the rule lets pass are no failing ones.
            if share <= max && tally.failing > 0 {
                return Found::Whole(true, format!("{} of {} rows repeat another", tally.failing, tally.examined));
            }
            Found::Rows(tally, None)
        }
    }
}

/// Finds the first rows with keys that are known to repeat.
struct Repeated {
    columns: Vec<String>,
    judge: Judge,
    keys: Vec<u64>,
    seen: Vec<bool>,
    tally: Tally,
}

impl Pass for Repeated {
    fn add(&mut self, piece: &Piece<'_>) -> Result<()> {
        if self.tally.first.len() >= limits::FAILING_ROWS_KEPT {
            return Ok(());
        }
        for (row, key) in keys_of(&self.columns, self.judge, piece.table)?.into_iter().enumerate() {
            let Some(at) = key.and_then(|key| self.keys.binary_search(&key).ok()) else { continue };
            let is_first = !std::mem::replace(&mut self.seen[at], true);
            let fails = !(is_first && matches!(self.judge, Judge::Duplicates(_)));
            if fails && self.tally.first.len() < limits::FAILING_ROWS_KEPT {
                self.tally.first.push(piece.number(row));
            }
        }
        Ok(())
    }

    fn end(self: Box<Self>) -> Result<Ended> {
        Ok(Ended::Found(outcome(self.judge, self.tally)))
    }
}
