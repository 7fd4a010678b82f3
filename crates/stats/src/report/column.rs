//! One column of a table.

use crate::calibrated::{categorical_test, few_values, few_values_test, ks_column_test};
use crate::drift::{Moments, NumberStatistics, Prepared, ShareStatistics, Sorter};
use crate::sketch::{Absent, ColumnStatistics, Comparison, missing_test};

/// The values of a column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Values<'a> {
    /// Numbers; NaN is a missing one.
    Numbers(&'a [f64]),
    /// For each row the place of its level; other codes than those below `levels` are missing values. Both windows share the
    /// places; the current one may have further levels behind the reference's.
    Codes {
        /// A code a row.
        codes: &'a [u32],
        /// How many levels there are.
        levels: usize,
    },
}

/// A column of the reference, ready for any number of windows.
#[derive(Debug, Clone, PartialEq)]
pub struct PreparedColumn(Kind);

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Numbers { prepared: Prepared, absent: Absent },
    Levels { counts: Vec<u64>, absent: Absent },
}

/// Memory that comparisons share, so that a thousand columns need no more than one.
#[derive(Debug, Default)]
pub struct Workspace {
    sorter: Sorter,
}

impl PreparedColumn {
    /// Makes a column ready.
    pub fn new(values: Values<'_>) -> Self {
        Self(match values {
            Values::Numbers(values) => {
                let ascending = Sorter::default().sort(values).to_vec();
                Kind::Numbers { prepared: Prepared::new(ascending), absent: absent(values) }
            }
            Values::Codes { codes, levels } => {
                let (counts, absent) = count(codes, levels);
                Kind::Levels { counts, absent }
            }
        })
    }

    /// Compares the current window. `None` if it is of another kind.
    pub fn compare(&self, current: &Values<'_>, workspace: &mut Workspace) -> Option<Comparison> {
        match (&self.0, current) {
            (Kind::Numbers { prepared, absent: before }, Values::Numbers(values)) => {
                let now = workspace.sorter.sort(values);
                let found = numbers(prepared, now);
                let sides = [(prepared.rows(), before), (now.len() as u64, &absent(values))];
                Some(Comparison { missing: missing_test(sides), ..found })
            }
            (Kind::Levels { counts, absent: before }, Values::Codes { codes, levels }) => {
                let (now, absent) = count(codes, (*levels).max(counts.len()));
                Some(levels_of(counts, &now, [before, &absent]))
            }
            _ => None,
        }
    }
}

fn numbers(prepared: &Prepared, now: &[f64]) -> Comparison {
    let before = prepared.ascending();
    let statistics = prepared.statistics(now);
    let few = few_values(before, now).and_then(|(reference, current)| few_values_test(&reference, &current));
    let by_order = statistics.map(|found: NumberStatistics| {
        let [n, m] = found.moments.map(|side: Moments| side.rows);
        ks_column_test(found.ks, n, m)
    });
    let outside = before.first().zip(before.last()).map(|(least, greatest)| {
        let below = now.partition_point(|value| value < least);
        (below + now.len() - now.partition_point(|value| value <= greatest)) as u64
    });
    Comparison {
        statistics: statistics.map(ColumnStatistics::Numbers),
        values: few.or(by_order),
        missing: None,
        unfamiliar: outside,
    }
}

fn levels_of(before: &[u64], now: &[u64], absent: [&Absent; 2]) -> Comparison {
    let padded: Vec<u64> = before.iter().copied().chain(std::iter::repeat(0)).take(now.len()).collect();
    let sides = [(padded.iter().sum(), absent[0]), (now.iter().sum(), absent[1])];
    Comparison {
        statistics: ShareStatistics::of(&padded, now).map(ColumnStatistics::Levels),
        values: categorical_test(&padded, now),
        missing: missing_test(sides),
        unfamiliar: Some(padded.iter().zip(now).filter(|(before, _)| **before == 0).map(|(_, now)| now).sum()),
    }
}

fn absent(values: &[f64]) -> Absent {
    let nan = values.iter().filter(|value| value.is_nan()).count() as u64;
    let infinite = values.iter().filter(|value| value.is_infinite()).count() as u64;
    Absent { nan, infinite, ..Absent::default() }
}

fn count(codes: &[u32], levels: usize) -> (Vec<u64>, Absent) {
    let mut counts = vec![0_u64; levels];
    let mut missing = 0;
    for &code in codes {
        match counts.get_mut(code as usize) {
            Some(count) => *count += 1,
            None => missing += 1,
        }
    }
    (counts, Absent { missing, ..Absent::default() })
}
