//! What is wrong with the values of a window, feature by feature, whatever their distribution: missing, never seen, out
//! of range, of another type.

use std::collections::BTreeMap;

use flyball_evaluation::expression::Measured;
use flyball_stats::sketch::{ColumnReference, ColumnSketch};
use serde::{Deserialize, Serialize};

use crate::intake::Intake;
use crate::reference::PREDICTION;

/// The values of one feature in a window, as shares of its rows from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnQuality {
    /// Missing values in the reference.
    pub missing_before: f64,
    /// Missing values; numbers that are not finite are missing.
    pub missing: f64,
    /// Texts that the reference does not have; `None` for numbers, and where the reference has too many to know.
    pub unseen: Option<f64>,
    /// Numbers below the smallest or above the largest of the reference; `None` for texts.
    pub range: Option<f64>,
    /// Values of another type than the reference's.
    #[serde(default)]
    pub mismatched: f64,
}

impl ColumnQuality {
    /// The share that a condition names by this word; `None` for what the feature does not have.
    pub fn fact(&self, word: &str) -> Option<Measured> {
        let share = match word {
            "missing" => Some(self.missing),
            "unseen" => self.unseen,
            "range" => self.range,
            _ => None,
        };
        share.map(Measured::from)
    }
}

/// Compares every feature of a window with the reference.
pub fn compare(intake: &Intake<'_>) -> BTreeMap<String, ColumnQuality> {
    let before = intake.of_reference();
    let features = before.columns().zip(intake.columns()).filter(|((name, ..), _)| *name != PREDICTION);
    let judged = features.filter_map(|((name, reference, before), (.., now))| {
        of(reference, before, now).map(|quality| (name.to_owned(), quality))
    });
    judged.collect()
}

fn of(reference: &ColumnReference, before: &ColumnSketch, now: &ColumnSketch) -> Option<ColumnQuality> {
    let rows = now.rows() + now.absent().rows();
    if rows == 0 {
        return None;
    }
    let share = |count: u64| count as f64 / rows as f64;
    let unfamiliar = reference.compare(now).and_then(|comparison| comparison.unfamiliar).map(share);
    let is_numbers = matches!(reference, ColumnReference::Numbers(_));
    Some(ColumnQuality {
        missing_before: before.absent().rows() as f64 / (before.rows() + before.absent().rows()).max(1) as f64,
        missing: share(now.absent().rows() - now.absent().mismatched),
        unseen: unfamiliar.filter(|_| !is_numbers),
        range: unfamiliar.filter(|_| is_numbers),
        mismatched: share(now.absent().mismatched),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{Reference, SCORE};
    use flyball_core::{Column, Table, TextColumn};

    #[test]
    fn shares_are_of_the_rows_of_the_window() {
        let texts = |all: &[Option<&str>]| Column::Text(TextColumn::from_texts(all.iter().copied()));
        let table = |columns: Vec<(&str, Column)>| {
            Table::new(columns.into_iter().map(|(name, column)| (name.to_owned(), column)).collect()).unwrap()
        };
        let learnt = table(vec![
            ("miles", Column::Float(vec![1.0, 5.0, f64::NAN, 3.0])),
            ("origin", texts(&[Some("JFK"), Some("EWR"), None, None])),
        ]);
        let reference = Reference::of(learnt, table(vec![(SCORE, Column::Float(vec![0.5]))])).unwrap();
        let now = table(vec![
            ("miles", Column::Float(vec![f64::NAN, f64::INFINITY, 6.0, 5.0, 0.5])),
            ("origin", texts(&[Some("LGA"), Some("JFK"), None, Some("JFK"), Some("JFK")])),
        ]);
        let mut intake = Intake::new(&reference);
        intake.add(&now, &[0.5; 5], &[0.0; 5]);
        let found = compare(&intake);
        let miles = ColumnQuality { missing_before: 0.25, missing: 0.4, range: Some(0.4), ..ColumnQuality::default() };
        let origin = ColumnQuality { missing_before: 0.5, missing: 0.2, unseen: Some(0.2), ..ColumnQuality::default() };
        assert_eq!(found, BTreeMap::from([("miles".to_owned(), miles), ("origin".to_owned(), origin)]));
        assert_eq!(miles.fact("unseen"), None);
        assert_eq!(origin.fact("unseen").map(|measured| measured.value), Some(0.2));
    }
}
