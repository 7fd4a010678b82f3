//! The decisions of other tools, exactly as they make them: for teams that move over and want to see the same figures
//! first. The rules are the tools' own, with what is odd about them; Flyball's own decision is
//! [`crate::calibrated`].

pub mod evidently;
pub mod nannyml;
pub mod scouter;

use crate::drift::sorted;

/// A column of the reference and of the current window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Column<'a> {
    /// Numbers in any order; NaN and infinities are dropped.
    Numbers {
        /// Of the reference.
        reference: &'a [f64],
        /// Of the current window.
        current: &'a [f64],
    },
    /// Rows per level, both in the same, rising order of the levels' names.
    Levels {
        /// Of the reference.
        reference: &'a [u64],
        /// Of the current window.
        current: &'a [u64],
    },
}

/// What a tool decides on a column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decision {
    /// The tool's name of the method.
    pub method: &'static str,
    /// The distance or p-value; `None` where the tool has none and calls that no drift.
    pub score: Option<f64>,
    /// What it is compared with; `None` where the tool has none, so that it never alarms.
    pub threshold: Option<f64>,
    /// Whether the tool calls it drift.
    pub drifted: bool,
}

/// A column made ready: numbers sorted and finite, or counts of the levels that occur.
enum Prepared {
    Numbers(Vec<f64>, Vec<f64>),
    Levels(Vec<u64>, Vec<u64>),
}

impl Prepared {
    /// `None` if a side has no rows, or the counts are of different levels.
    fn of(column: &Column<'_>) -> Option<Self> {
        match column {
            Column::Numbers { reference, current } => {
                let (reference, current) = (sorted(reference), sorted(current));
                (!reference.is_empty() && !current.is_empty()).then_some(Self::Numbers(reference, current))
            }
            Column::Levels { reference, current } => {
                let is_empty = |side: &[u64]| side.iter().all(|&rows| rows == 0);
                if reference.len() != current.len() || is_empty(reference) || is_empty(current) {
                    return None;
                }
                let occurring = reference.iter().zip(*current).filter(|(before, now)| **before + **now > 0);
                let (reference, current) = occurring.unzip();
                Some(Self::Levels(reference, current))
            }
        }
    }

    /// Rows per different value, in rising order.
    fn counts(&self) -> (Vec<u64>, Vec<u64>) {
        match self {
            Self::Levels(reference, current) => (reference.clone(), current.clone()),
            Self::Numbers(reference, current) => {
                let mut values = [reference.as_slice(), current].concat();
                values.sort_unstable_by(f64::total_cmp);
                values.dedup();
                let count = |side: &[f64]| -> Vec<u64> {
                    let to = |value: f64| side.partition_point(|&other| other <= value) as u64;
                    let until: Vec<u64> = values.iter().map(|&value| to(value)).collect();
                    until.iter().scan(0, |before, &rows| Some(rows - std::mem::replace(before, rows))).collect()
                };
                (count(reference), count(current))
            }
        }
    }
}
