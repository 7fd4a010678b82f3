//! Scouter 0.25: the population stability index with a threshold from the χ² distribution.

use super::{Column, Decision, Prepared};
use crate::drift::decile_cuts_all;
use crate::special::chi_square_quantile;

/// What is added to every share.
const FILL: f64 = 1e-10;
/// Level of the threshold.
const LEVEL: f64 = 0.95;
/// Bins of numbers.
const BINS: usize = 10;

/// The index over the reference's deciles, bins closed above, or over levels. `None` if a side is empty.
pub fn score(column: &Column<'_>) -> Option<f64> {
    Some(index(&Prepared::of(column)?))
}

/// The threshold for so many bins and rows of the current window: the index times the rows is taken as χ² with one degree
/// less than bins, the reference as known exactly. `None` for fewer than two bins or no rows.
pub fn threshold(bins: usize, current_rows: u64) -> Option<f64> {
    (bins > 1 && current_rows > 0).then(|| chi_square_quantile(LEVEL, (bins - 1) as f64) / current_rows as f64)
}

/// Decides on a column as Scouter does by itself. `None` if a side is empty.
pub fn decide(column: &Column<'_>) -> Option<Decision> {
    let prepared = Prepared::of(column)?;
    let (bins, rows) = match &prepared {
        Prepared::Numbers(_, current) => (BINS, current.len() as u64),
        Prepared::Levels(reference, current) => (reference.len(), current.iter().sum()),
    };
    let (score, threshold) = (index(&prepared), threshold(bins, rows));
    Some(Decision {
        method: "psi",
        score: Some(score),
        threshold,
        drifted: threshold.is_some_and(|bound| score > bound),
    })
}

fn index(column: &Prepared) -> f64 {
    let (before, now) = match column {
        Prepared::Levels(reference, current) => (reference.clone(), current.clone()),
        Prepared::Numbers(reference, current) => {
            let cuts = decile_cuts_all(reference);
            let count = |side: &[f64]| -> Vec<u64> {
                let until = cuts.iter().map(|&cut| side.partition_point(|&value| value <= cut));
                let until = until.chain([side.len()]);
                until.scan(0, |before, rows| Some((rows - std::mem::replace(before, rows)) as u64)).collect()
            };
            (count(reference), count(current))
        }
    };
    let totals = [&before, &now].map(|side| side.iter().sum::<u64>() as f64);
    let term = |(&before, &now): (&u64, &u64)| {
        let (p, q) = (now as f64 / totals[1], before as f64 / totals[0]);
        (p - q) * ((p + FILL) / (q + FILL)).ln()
    };
    before.iter().zip(&now).map(term).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_drift_above_its_threshold() {
        let levels = Column::Levels { reference: &[500, 500], current: &[100, 100] };
        let same = decide(&levels).unwrap();
        assert_eq!((same.score, same.drifted), (Some(0.0), false));
        assert!((same.threshold.unwrap() - 3.841_458_820_694_124 / 200.0).abs() < 1e-12);
        assert!(decide(&Column::Levels { reference: &[500, 500], current: &[150, 50] }).unwrap().drifted);
        assert_eq!(decide(&Column::Levels { reference: &[5], current: &[5] }).unwrap().threshold, None);
        assert_eq!(decide(&Column::Levels { reference: &[], current: &[] }), None);
    }
}
