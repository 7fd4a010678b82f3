//! What is wrong with the values of a window, feature by feature, whatever their distribution: missing, never seen, out
//! of range.

use std::collections::BTreeMap;

use flyball_core::{Column, Table};
use flyball_evaluation::expression::Measured;
use serde::{Deserialize, Serialize};

use crate::reference::{MISSING_LEVEL, Reference, ReferenceColumn};

/// The values of one feature in a window, as shares of its rows from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnQuality {
    /// Missing values in the reference.
    pub missing_before: f64,
    /// Missing values; numbers that are not finite are missing.
    pub missing: f64,
    /// Texts that the reference does not have; `None` for numbers.
    pub unseen: Option<f64>,
    /// Numbers below the smallest or above the largest of the reference; `None` for texts.
    pub range: Option<f64>,
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

/// Compares every feature of a window with the reference; features that either lacks are left out.
pub fn compare(reference: &Reference, rows: &Table) -> BTreeMap<String, ColumnQuality> {
    let known = reference.columns.iter().filter_map(|(name, before)| {
        let column = rows.at(rows.position(name)?);
        of(before, column).map(|quality| (name.clone(), quality))
    });
    known.collect()
}

fn of(before: &ReferenceColumn, now: &Column) -> Option<ColumnQuality> {
    let rows = now.len();
    if rows == 0 {
        return None;
    }
    let share = |count: usize| count as f64 / rows as f64;
    Some(match before {
        ReferenceColumn::Numbers { rows: all, known } => {
            let values = || (0..rows).map(|row| now.number(row));
            let missing = values().filter(|value| !value.is_finite()).count();
            let range = known.first().zip(known.last()).map(|(least, most)| {
                let outside = |value: &f64| value.is_finite() && (value < least || value > most);
                share(values().filter(outside).count())
            });
            let missing_before = all.saturating_sub(known.len() as u64) as f64 / (*all).max(1) as f64;
            ColumnQuality { missing_before, missing: share(missing), unseen: None, range }
        }
        ReferenceColumn::Levels(levels) => {
            let texts = || (0..rows).map(|row| now.value(row).text());
            let missing = texts().filter(Option::is_none).count();
            let unseen = texts().flatten().filter(|text| !levels.contains_key(text)).count();
            let all: u64 = levels.values().sum();
            let missing_before = levels.get(MISSING_LEVEL).copied().unwrap_or(0) as f64 / all.max(1) as f64;
            ColumnQuality { missing_before, missing: share(missing), unseen: Some(share(unseen)), range: None }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use flyball_core::TextColumn;

    #[test]
    fn shares_are_of_the_rows_of_the_window() {
        let texts = |all: &[Option<&str>]| Column::Text(TextColumn::from_texts(all.iter().copied()));
        let before = [
            ("miles", Column::Float(vec![1.0, 5.0, f64::NAN, 3.0])),
            ("origin", texts(&[Some("JFK"), Some("EWR"), None, None])),
            ("gone", Column::Float(vec![1.0])),
        ];
        let columns = before.iter().map(|(name, column)| ((*name).to_owned(), ReferenceColumn::of(column))).collect();
        let now = Table::new(vec![
            ("miles".into(), Column::Float(vec![f64::NAN, f64::INFINITY, 6.0, 5.0, 0.5])),
            ("origin".into(), texts(&[Some("LGA"), Some("JFK"), None, Some("JFK"), Some("JFK")])),
        ])
        .unwrap();
        let found = compare(&Reference::of(columns), &now);
        let miles = ColumnQuality { missing_before: 0.25, missing: 0.4, unseen: None, range: Some(0.4) };
        let origin = ColumnQuality { missing_before: 0.5, missing: 0.2, unseen: Some(0.2), range: None };
        assert_eq!(found, BTreeMap::from([("miles".to_owned(), miles), ("origin".to_owned(), origin)]));
        assert_eq!(miles.fact("unseen"), None);
        assert_eq!(origin.fact("unseen").map(|measured| measured.value), Some(0.2));
    }
}
