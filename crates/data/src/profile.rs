//! What a table looks like: per column how many, how spread, which values.

use flyball_core::table::MISSING_INT;
use flyball_core::{Column, Kind, Table};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// The quantiles that a profile keeps.
pub const QUANTILES: [f64; 9] = [0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0];
/// Bins of a histogram: as many as a small chart can show.
const BINS: usize = 20;
/// Most frequent values kept.
const TOP: usize = 20;

/// The profile of a table. Every figure is exact.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TableProfile {
    /// How many rows.
    pub rows: usize,
    /// The columns, in the table's order.
    pub columns: Vec<ColumnProfile>,
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
    /// Figures of a column of numbers (booleans as 0 and 1, times in milliseconds since 1970); none for text, or when
    /// there is no finite value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbers: Option<NumberProfile>,
    /// The most frequent values of a text or boolean column, most frequent first, equal ones by value.
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

/// A value and how often it appears.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frequency {
    /// The value as text.
    pub value: String,
    /// In how many rows.
    pub rows: usize,
}

/// Measures a table, its columns in parallel.
pub fn profile(table: &Table) -> TableProfile {
    let columns: Vec<(&str, &Column)> = table.columns().collect();
    let columns = columns.into_par_iter().map(|(name, column)| profile_column(name, column)).collect();
    TableProfile { rows: table.rows(), columns }
}

fn profile_column(name: &str, column: &Column) -> ColumnProfile {
    let (missing, distinct, numbers, top) = match column {
        Column::Text(text) => {
            let mut counts = vec![0usize; text.levels.len()];
            let mut missing = 0;
            for &code in &text.codes {
                match counts.get_mut(code as usize) {
                    Some(count) => *count += 1,
                    None => missing += 1,
                }
            }
            let pairs = text.levels.iter().map(AsRef::<str>::as_ref).zip(counts);
            let (distinct, top) = most_frequent(pairs);
            (missing, distinct, None, top)
        }
        other => {
            let (sorted, distinct) = match other {
                Column::Int(values) | Column::Time(values) => sorted_whole(values),
                _ => sorted_numbers(other),
            };
            let missing = other.len() - sorted.len();
            let top = match other {
                Column::Bool(_) => {
                    let yes = sorted.iter().filter(|x| **x == 1.0).count();
                    most_frequent([("false", sorted.len() - yes), ("true", yes)]).1
                }
                _ => Vec::new(),
            };
            (missing, distinct, number_profile(&sorted), top)
        }
    };
    ColumnProfile { name: name.to_owned(), kind: column.kind(), missing, distinct, numbers, top }
}

/// The present values in ascending order, and how many differ. Whole numbers are compared as such: as floats, neighbours
/// past 2⁵³ would be one value.
fn sorted_whole(values: &[i64]) -> (Vec<f64>, usize) {
    let mut sorted: Vec<i64> = values.iter().copied().filter(|x| *x != MISSING_INT).collect();
    sorted.sort_unstable();
    let distinct = sorted.chunk_by(|a, b| a == b).count();
    (sorted.into_iter().map(|x| x as f64).collect(), distinct)
}

fn sorted_numbers(column: &Column) -> (Vec<f64>, usize) {
    let mut sorted = column.numbers();
    sorted.retain(|x| !x.is_nan());
    sorted.sort_unstable_by(f64::total_cmp);
    let distinct = sorted.chunk_by(|a, b| a == b).count();
    (sorted, distinct)
}

/// How many values appear at all, and the most frequent ones.
fn most_frequent<'a>(counts: impl IntoIterator<Item = (&'a str, usize)>) -> (usize, Vec<Frequency>) {
    let mut counts: Vec<(&str, usize)> = counts.into_iter().filter(|(_, rows)| *rows > 0).collect();
    let distinct = counts.len();
    counts.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    counts.truncate(TOP);
    (distinct, counts.into_iter().map(|(value, rows)| Frequency { value: value.to_owned(), rows }).collect())
}

fn number_profile(sorted: &[f64]) -> Option<NumberProfile> {
    let from = sorted.partition_point(|x| *x == f64::NEG_INFINITY);
    let to = sorted.partition_point(|x| *x < f64::INFINITY);
    let finite = &sorted[from..to];
    let (min, max) = (*finite.first()?, *finite.last()?);
    let count = finite.len() as f64;
    // Deviations from the smallest value keep the digits that sums of large times would lose.
    let mean = min + finite.iter().map(|x| x - min).sum::<f64>() / count;
    let squares: f64 = finite.iter().map(|x| (x - mean).powi(2)).sum();
    let std = if finite.len() > 1 { (squares / (count - 1.0)).sqrt() } else { 0.0 };
    Some(NumberProfile {
        min,
        max,
        mean,
        std,
        quantiles: QUANTILES.iter().map(|level| quantile(finite, *level)).collect(),
        histogram: histogram(finite, min, max),
        infinite: sorted.len() - finite.len(),
    })
}

/// The quantile of ascending values, of which there is at least one.
fn quantile(sorted: &[f64], level: f64) -> f64 {
    let position = level * (sorted.len() - 1) as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (sorted[above] - sorted[below]) * (position - below as f64)
}

fn histogram(values: &[f64], min: f64, max: f64) -> Vec<usize> {
    if max <= min {
        return vec![values.len()];
    }
    let mut counts = vec![0; BINS];
    for value in values {
        // Halves keep the range finite when it spans more than the largest number.
        let share = (value / 2.0 - min / 2.0) / (max / 2.0 - min / 2.0);
        counts[((share * BINS as f64) as usize).min(BINS - 1)] += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use flyball_core::TextColumn;
    use flyball_core::table::MISSING_BOOL;

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
