//! What is counted of a column as its rows pass by: by checks, by profiles, by comparisons.

use std::collections::HashMap;

use flyball_core::{Column, Kind, Table};
use flyball_stats::sketch::{DistinctSketch, QuantileSketch, mix};

use crate::check::{each_number, hash};

/// Moments of numbers, piece by piece (Chan, Golub and LeVeque 1979).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Running {
    /// Finite values.
    pub(crate) count: u64,
    /// Infinite values, left out of all else.
    pub(crate) infinite: u64,
    pub(crate) mean: f64,
    squares: f64,
    pub(crate) sum: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Default for Running {
    fn default() -> Self {
        Self { count: 0, infinite: 0, mean: 0.0, squares: 0.0, sum: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY }
    }
}

impl Running {
    /// Adds the numbers of a column; returns how many rows have one.
    pub(crate) fn add(&mut self, column: &Column) -> u64 {
        let (mut part, mut infinite) = (Self::default(), 0);
        // Deviations from the first value keep the digits that sums of large times would lose.
        let mut origin = None;
        each_number(column, |_, x| {
            if x.is_finite() {
                let origin = *origin.get_or_insert(x);
                part.count += 1;
                part.sum += x - origin;
                part.min = part.min.min(x);
                part.max = part.max.max(x);
            } else {
                infinite += 1;
            }
        });
        self.infinite += infinite;
        if let Some(origin) = origin {
            part.mean = origin + part.sum / part.count as f64;
            part.sum += origin * part.count as f64;
            each_number(column, |_, x| {
                if x.is_finite() {
                    part.squares += (x - part.mean) * (x - part.mean);
                }
            });
            self.merge(&part);
        }
        part.count + infinite
    }

    /// Adds what another part has.
    pub(crate) fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        let (own, theirs) = (self.count as f64, other.count as f64);
        let gap = other.mean - self.mean;
        self.squares += other.squares + gap * gap * own * theirs / (own + theirs);
        self.mean += gap * theirs / (own + theirs);
        self.count += other.count;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// The standard deviation of a sample; `None` without values.
    pub(crate) fn deviation(&self) -> Option<f64> {
        match self.count {
            0 => None,
            1 => Some(0.0),
            count => Some((self.squares / (count - 1) as f64).sqrt()),
        }
    }
}

/// Adds the finite numbers of a column to a sketch.
pub(crate) fn add_quantiles(sketch: &mut QuantileSketch, column: &Column, scratch: &mut Vec<f64>) {
    if let Column::Float(values) = column {
        return sketch.add(values);
    }
    scratch.clear();
    each_number(column, |_, x| scratch.push(x));
    sketch.add(scratch);
}

/// Adds the values of a column to a sketch.
pub(crate) fn add_distinct(sketch: &mut DistinctSketch, column: &Column) {
    match column {
        Column::Text(text) => {
            let counts = code_counts(&text.codes, text.levels.len());
            for (level, _) in text.levels.iter().zip(counts).filter(|(_, rows)| *rows > 0) {
                sketch.add(hash(level));
            }
        }
        Column::Int(values) | Column::Time(values) => {
            let there = values.iter().filter(|x| **x != flyball_core::table::MISSING_INT);
            there.for_each(|x| sketch.add(mix(*x as u64)));
        }
        other => each_number(other, |_, x| sketch.add(mix((x + 0.0).to_bits()))),
    }
}

/// In how many rows each code stands.
pub(crate) fn code_counts(codes: &[u32], levels: usize) -> Vec<u64> {
    let mut counts = vec![0; levels];
    for code in codes {
        if let Some(count) = counts.get_mut(*code as usize) {
            *count += 1;
        }
    }
    counts
}

/// Most values that are told apart by [`Levels`] before the rare ones are given up.
const LEVELS: usize = 4_096;

/// How often values appear: exactly while they are few, and then as Misra and Gries (1982) do, never too often.
#[derive(Clone, Debug, Default)]
pub(crate) struct Levels {
    counts: HashMap<Box<str>, u64>,
    /// By how much a count may be too low.
    error: u64,
}

impl Levels {
    /// Adds the values of a column of texts, booleans or whole numbers.
    pub(crate) fn add(&mut self, column: &Column) {
        if let Column::Text(text) = column {
            let counts = code_counts(&text.codes, text.levels.len());
            let mut seen: Vec<(&str, u64)> =
                text.levels.iter().map(AsRef::as_ref).zip(counts).filter(|(_, rows)| *rows > 0).collect();
            if seen.len() > LEVELS {
                // The rarest of a piece would be given up at once: they are not looked up first.
                seen.select_nth_unstable_by(LEVELS, |left, right| right.1.cmp(&left.1));
                let most_left_out = seen[LEVELS].1;
                seen.truncate(LEVELS);
                self.error += most_left_out;
                seen.iter_mut().for_each(|(_, rows)| *rows -= most_left_out.min(*rows));
                seen.retain(|(_, rows)| *rows > 0);
            }
            seen.into_iter().for_each(|(level, rows)| self.count(level, rows));
        } else {
            let mut seen: HashMap<u64, (usize, u64)> = HashMap::new();
            each_number(column, |row, x| seen.entry((x + 0.0).to_bits()).or_insert((row, 0)).1 += 1);
            for (row, rows) in seen.into_values() {
                if let Some(text) = column.value(row).text() {
                    self.count(&text, rows);
                }
            }
        }
        self.prune();
    }

    fn count(&mut self, level: &str, rows: u64) {
        match self.counts.get_mut(level) {
            Some(count) => *count += rows,
            None => drop(self.counts.insert(level.into(), rows)),
        }
    }

    fn prune(&mut self) {
        if self.counts.len() <= 2 * LEVELS {
            return;
        }
        let mut counts: Vec<u64> = self.counts.values().copied().collect();
        let (_, least, _) = counts.select_nth_unstable_by(LEVELS, |left, right| right.cmp(left));
        let least = *least;
        self.error += least;
        self.counts.retain(|_, count| {
            *count = count.saturating_sub(least);
            *count > 0
        });
    }

    /// Whether every value that appeared is known with its count.
    pub(crate) fn is_exact(&self) -> bool {
        self.error == 0
    }

    /// The most frequent values, most frequent first, equal ones by value.
    pub(crate) fn top(&self, most: usize) -> Vec<(String, u64)> {
        let mut counts: Vec<(&str, u64)> = self.counts.iter().map(|(level, rows)| (level.as_ref(), *rows)).collect();
        counts.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        counts.into_iter().take(most).map(|(level, rows)| (level.to_owned(), rows)).collect()
    }
}

/// An even sample of the rows of a table: every row, then every second, then every fourth, as more come.
#[derive(Debug)]
pub(crate) struct Sample {
    most: usize,
    step: usize,
    rows: Vec<usize>,
    columns: Vec<(String, Vec<f64>)>,
}

impl Sample {
    /// At most `most` rows of the columns of numbers.
    pub(crate) fn new(columns: impl IntoIterator<Item = (String, Kind)>, most: usize) -> Self {
        let numeric = columns.into_iter().filter(|(_, kind)| kind.is_number());
        Self { most, step: 1, rows: Vec::new(), columns: numeric.map(|(name, _)| (name, Vec::new())).collect() }
    }

    /// Takes what it needs of a piece that begins at the position `first`.
    pub(crate) fn add(&mut self, table: &Table, first: usize) {
        let columns: Vec<Option<&Column>> = self.columns.iter().map(|(name, _)| table.column(name).ok()).collect();
        let mut row = first.next_multiple_of(self.step) - first;
        while row < table.rows() {
            for ((_, values), column) in self.columns.iter_mut().zip(&columns) {
                values.push(column.map_or(f64::NAN, |column| column.number(row)));
            }
            self.rows.push(first + row);
            if self.rows.len() > self.most {
                self.step *= 2;
                let keep: Vec<bool> = self.rows.iter().map(|row| row % self.step == 0).collect();
                let kept = |position: usize| keep[position];
                for (_, values) in &mut self.columns {
                    let mut at = 0;
                    values.retain(|_| {
                        at += 1;
                        kept(at - 1)
                    });
                }
                self.rows.retain(|row| row % self.step == 0);
                row = (first + row + 1).next_multiple_of(self.step) - first;
            } else {
                row += self.step;
            }
        }
    }

    /// The sampled numbers of each column; NaN is missing.
    pub(crate) fn columns(&self) -> &[(String, Vec<f64>)] {
        &self.columns
    }
}

/// Pearson's correlation of the rows that have both numbers; `None` when one of them does not vary.
pub(crate) fn correlation(left: &[f64], right: &[f64]) -> Option<f64> {
    let known = || left.iter().zip(right).filter(|(x, y)| x.is_finite() && y.is_finite());
    let rows = known().count() as f64;
    let mean_x = known().map(|(x, _)| x / rows).sum::<f64>();
    let mean_y = known().map(|(_, y)| y / rows).sum::<f64>();
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (x, y) in known() {
        xx += (x - mean_x) * (x - mean_x);
        yy += (y - mean_y) * (y - mean_y);
        xy += (x - mean_x) * (y - mean_y);
    }
    let found = xy / (xx * yy).sqrt();
    (xx > 0.0 && yy > 0.0 && found.is_finite()).then(|| found.clamp(-1.0, 1.0))
}
