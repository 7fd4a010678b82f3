//! What a table looks like: per column how many, how spread, which values, and whether they tell who somebody is.
//!
//! The rows pass by once, in pieces, in bounded memory. Counts, extremes, means and deviations are exact; different values
//! are exact up to 32,768 of them and quantiles up to 262,144 rows, past which sketches estimate them.

use std::sync::Arc;

use flyball_core::{Column, Kind, Result, Table};
use flyball_stats::sketch::{DistinctSketch, QuantileSketch};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::measure::{self, Levels, Running, Sample};
use crate::model::ColumnSchema;
use crate::scan::Rows;
use crate::sensitive::{self, Sensitive};

/// The quantiles that a profile keeps.
pub const QUANTILES: [f64; 9] = [0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0];
/// Bins of a histogram: as many as a small chart can show.
const BINS: usize = 20;
/// Most frequent values kept.
const TOP: usize = 20;
/// Different values that are looked at for their form.
const EXAMPLES: usize = 500;
/// Rows of which correlations are computed: they are then off by 0.02 at most.
const CORRELATED_ROWS: usize = 10_000;
/// Most columns whose correlations are computed, since there are as many as pairs of them.
const CORRELATED_COLUMNS: usize = 60;
/// Weaker correlations are not told.
const WORTH_TELLING: f64 = 0.5;

/// The profile of a table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TableProfile {
    /// How many rows.
    pub rows: usize,
    /// The columns, in the table's order.
    pub columns: Vec<ColumnProfile>,
    /// Pairs of columns of numbers that go together, the strongest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub correlations: Vec<Correlation>,
}

impl TableProfile {
    /// The profile of a column.
    pub fn column(&self, name: &str) -> Option<&ColumnProfile> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// How strongly two columns of numbers go together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Correlation {
    /// The one column.
    pub left: String,
    /// The other.
    pub right: String,
    /// Pearson's coefficient, from −1 to 1, over an even sample of the rows.
    pub pearson: f64,
}

/// The profile of one column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnProfile {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// Rows without a value.
    pub missing: usize,
    /// Different values, missing not counted.
    pub distinct: usize,
    /// Whether the different values or the quantiles are estimates.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
    /// Whether every row has a value of its own: the column can be the key of a row.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub candidate_key: bool,
    /// What the values tell of people; such a column should be masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensitive: Option<Sensitive>,
    /// Lengths of the texts of a column; none for other columns, or without values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lengths: Option<LengthProfile>,
    /// Figures of a column of numbers (booleans as 0 and 1, times in milliseconds since 1970); none for text, or when
    /// there is no finite value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbers: Option<NumberProfile>,
    /// The most frequent values of a text or boolean column, most frequent first, equal ones by value. Counts of columns
    /// with thousands of values may be too low, never too high.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub top: Vec<Frequency>,
}

/// The figures of the finite values of a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NumberProfile {
    /// The smallest value.
    pub min: f64,
    /// The largest value.
    pub max: f64,
    /// The arithmetic mean.
    pub mean: f64,
    /// The standard deviation of a sample (divisor n − 1); 0 for a single value.
    pub std: f64,
    /// The values at [`QUANTILES`], interpolated linearly (Hyndman and Fan 1996, type 7).
    pub quantiles: Vec<f64>,
    /// Counts in 20 bins of equal width from `min` to `max`, the last one closed; one bin when all values are equal.
    pub histogram: Vec<usize>,
    /// Infinite values, left out of the other figures.
    pub infinite: usize,
}

/// Lengths of texts, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LengthProfile {
    /// The shortest.
    pub min: usize,
    /// The longest.
    pub max: usize,
    /// The mean.
    pub mean: f64,
}

/// A value and how often it appears.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frequency {
    /// The value as text.
    pub value: String,
    /// In how many rows.
    pub rows: usize,
}

/// Measures a table.
pub fn profile(table: &Table) -> TableProfile {
    let mut builder = ProfileBuilder::new(&ColumnSchema::of(table));
    builder.add(table, 0);
    builder.finish()
}

/// Measures rows that pass by.
pub fn profile_rows(rows: &dyn Rows) -> Result<TableProfile> {
    let mut builder = ProfileBuilder::new(&rows.schema());
    rows.scan(None, &mut |table, first| {
        builder.add(table, first);
        Ok(())
    })?;
    Ok(builder.finish())
}

/// Measures a table piece by piece.
#[derive(Debug)]
pub struct ProfileBuilder {
    rows: usize,
    columns: Vec<Measuring>,
    sample: Sample,
}

/// What is counted of a column.
#[derive(Debug)]
struct Measuring {
    name: String,
    kind: Kind,
    present: u64,
    moments: Running,
    quantiles: QuantileSketch,
    distinct: DistinctSketch,
    levels: Levels,
    lengths: Option<(usize, usize, u64)>,
    examples: Vec<Arc<str>>,
    scratch: Vec<f64>,
}

impl ProfileBuilder {
    /// For pieces with these columns, in this order.
    pub fn new(schema: &[ColumnSchema]) -> Self {
        let columns = schema.iter().map(|one| Measuring::new(one.name.clone(), one.kind)).collect();
        let numeric = schema.iter().filter(|one| matches!(one.kind, Kind::Float | Kind::Int));
        let correlated = numeric.take(CORRELATED_COLUMNS).map(|one| (one.name.clone(), one.kind));
        Self { rows: 0, columns, sample: Sample::new(correlated, CORRELATED_ROWS) }
    }

    /// Adds a piece whose first row stands at the position `first`. Its columns are measured side by side.
    pub fn add(&mut self, table: &Table, first: usize) {
        self.rows += table.rows();
        self.sample.add(table, first);
        self.columns.par_iter_mut().enumerate().for_each(|(position, column)| {
            if position < table.names().len() {
                column.add(table.at(position));
            }
        });
    }

    /// The profile of all pieces.
    pub fn finish(self) -> TableProfile {
        let rows = self.rows;
        let correlations = correlations(self.sample.columns());
        TableProfile { rows, columns: self.columns.into_iter().map(|one| one.finish(rows)).collect(), correlations }
    }
}

impl Measuring {
    fn new(name: String, kind: Kind) -> Self {
        Self {
            name,
            kind,
            present: 0,
            moments: Running::default(),
            quantiles: QuantileSketch::default(),
            distinct: DistinctSketch::default(),
            levels: Levels::default(),
            lengths: None,
            examples: Vec::new(),
            scratch: Vec::new(),
        }
    }

    fn add(&mut self, column: &Column) {
        measure::add_distinct(&mut self.distinct, column);
        if let Column::Text(text) = column {
            let counts = measure::code_counts(&text.codes, text.levels.len());
            for (level, rows) in text.levels.iter().zip(counts).filter(|(_, rows)| *rows > 0) {
                self.present += rows;
                let length = level.chars().count();
                let (min, max, sum) = self.lengths.get_or_insert((length, length, 0));
                (*min, *max, *sum) = ((*min).min(length), (*max).max(length), *sum + length as u64 * rows);
                if self.examples.len() < EXAMPLES && !self.examples.contains(level) {
                    self.examples.push(Arc::clone(level));
                }
            }
            return self.levels.add(column);
        }
        self.present += self.moments.add(column);
        measure::add_quantiles(&mut self.quantiles, column, &mut self.scratch);
        match column {
            Column::Bool(_) => self.levels.add(column),
            Column::Int(values) => {
                let there = values.iter().filter(|x| **x != flyball_core::table::MISSING_INT);
                let wanted = EXAMPLES - self.examples.len();
                self.examples.extend(there.take(wanted).map(|x| Arc::from(x.to_string())));
            }
            _ => {}
        }
    }

    fn finish(self, rows: usize) -> ColumnProfile {
        let (present, distinct) = (self.present as usize, self.distinct.count() as usize);
        let is_exact = self.distinct.is_exact() && self.quantiles.is_exact();
        let examples: Vec<&str> = self.examples.iter().map(AsRef::as_ref).collect();
        let has_form = matches!(self.kind, Kind::Text | Kind::Int);
        // An estimate of as many values as rows is off by one per cent or so.
        let all_differ =
            if self.distinct.is_exact() { distinct == rows } else { distinct as f64 >= 0.97 * rows as f64 };
        ColumnProfile {
            missing: rows - present.min(rows),
            distinct: distinct.min(present),
            estimated: !is_exact,
            candidate_key: rows > 1 && present == rows && all_differ && self.kind != Kind::Float,
            sensitive: has_form.then(|| sensitive::find(&self.name, &examples, self.kind == Kind::Int)).flatten(),
            lengths: self.lengths.map(|(min, max, sum)| LengthProfile { min, max, mean: sum as f64 / present as f64 }),
            numbers: number_profile(&self.moments, &self.quantiles),
            top: self
                .levels
                .top(TOP)
                .into_iter()
                .map(|(value, rows)| Frequency { value, rows: rows as usize })
                .collect(),
            kind: self.kind,
            name: self.name,
        }
    }
}

fn number_profile(moments: &Running, sketch: &QuantileSketch) -> Option<NumberProfile> {
    let mut quantiles = sketch.quantiles(&QUANTILES)?;
    // The ends are known exactly.
    (quantiles[0], quantiles[QUANTILES.len() - 1]) = (moments.min, moments.max);
    Some(NumberProfile {
        min: moments.min,
        max: moments.max,
        mean: moments.mean,
        std: moments.deviation()?,
        quantiles,
        histogram: histogram(&sketch.weighted(), moments.min, moments.max),
        infinite: moments.infinite as usize,
    })
}

fn histogram(values: &[(f64, u64)], min: f64, max: f64) -> Vec<usize> {
    if max <= min {
        return vec![values.iter().map(|(_, rows)| *rows as usize).sum()];
    }
    let mut counts = vec![0; BINS];
    for (value, rows) in values {
        // Halves keep the range finite when it spans more than the largest number.
        let share = (value / 2.0 - min / 2.0) / (max / 2.0 - min / 2.0);
        counts[((share * BINS as f64) as usize).min(BINS - 1)] += *rows as usize;
    }
    counts
}

fn correlations(columns: &[(String, Vec<f64>)]) -> Vec<Correlation> {
    let pairs: Vec<(usize, usize)> =
        (0..columns.len()).flat_map(|left| (left + 1..columns.len()).map(move |right| (left, right))).collect();
    let mut found: Vec<Correlation> = pairs
        .into_par_iter()
        .filter_map(|(left, right)| {
            let pearson = measure::correlation(&columns[left].1, &columns[right].1)?;
            let (left, right) = (columns[left].0.clone(), columns[right].0.clone());
            (pearson.abs() >= WORTH_TELLING).then_some(Correlation { left, right, pearson })
        })
        .collect();
    found.sort_by(|a, b| b.pearson.abs().total_cmp(&a.pearson.abs()).then_with(|| a.left.cmp(&b.left)));
    found.truncate(TOP);
    found
}

#[cfg(test)]
mod tests {
    use flyball_core::TextColumn;
    use flyball_core::table::{MISSING_BOOL, MISSING_INT};

    use super::*;

    fn only(column: Column) -> ColumnProfile {
        profile(&Table::new(vec![("x".into(), column)]).unwrap()).columns.remove(0)
    }

    #[test]
    fn figures_of_numbers_agree_with_their_definitions() {
        let column = only(Column::Float((1..=100).map(f64::from).chain([f64::NAN, 100.0, f64::INFINITY]).collect()));
        assert_eq!((column.missing, column.distinct), (1, 101));
        let numbers = column.numbers.unwrap();
        assert_eq!((numbers.min, numbers.max, numbers.infinite), (1.0, 100.0, 1));
        assert!((numbers.mean - 5150.0 / 101.0).abs() < 1e-12);
        assert_eq!(numbers.quantiles, [1.0, 2.0, 6.0, 26.0, 51.0, 76.0, 96.0, 100.0, 100.0]);
        assert_eq!(numbers.histogram.iter().sum::<usize>(), 101);
        assert_eq!(numbers.histogram.len(), 20);
    }

    #[test]
    fn the_deviation_is_that_of_a_sample() {
        let numbers = only(Column::Int(vec![2, 4, 4, 4, 5, 5, 7, 9])).numbers.unwrap();
        assert!((numbers.std - (32.0f64 / 7.0).sqrt()).abs() < 1e-12);
        let numbers = only(Column::Int(vec![3])).numbers.unwrap();
        assert_eq!((numbers.std, numbers.histogram), (0.0, vec![1]));
    }

    #[test]
    fn large_whole_numbers_stay_apart() {
        let column = only(Column::Int(vec![i64::MAX, i64::MAX - 1, MISSING_INT, i64::MAX]));
        assert_eq!((column.missing, column.distinct), (1, 2));
        assert_eq!(only(Column::Float(vec![0.0, -0.0])).distinct, 1);
    }

    #[test]
    fn text_shows_its_most_frequent_values() {
        let column = only(Column::Text(TextColumn::from_texts([Some("b"), Some("a"), None, Some("b"), Some("c")])));
        assert_eq!((column.missing, column.distinct), (1, 3));
        let top: Vec<(&str, usize)> = column.top.iter().map(|f| (f.value.as_str(), f.rows)).collect();
        assert_eq!(top, [("b", 2), ("a", 1), ("c", 1)]);
        assert!(column.numbers.is_none());
    }

    #[test]
    fn columns_without_values_have_no_figures() {
        assert!(only(Column::Float(vec![f64::NAN; 3])).numbers.is_none());
        let column = only(Column::Bool(vec![1, MISSING_BOOL, 1]));
        assert_eq!(column.top, [Frequency { value: "true".into(), rows: 2 }]);
    }
}
