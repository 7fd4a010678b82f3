//! Whether similar rows are decided alike.

use flyball_core::{Column, Result, Table};
use flyball_stats::fairness;

/// Rows that consistency looks at, evenly spaced: the work grows with their square (0.2 s at this size).
pub const SIMILAR_ROWS: usize = 2000;
/// The nearest rows that a decision is held against, as AIF360 takes.
const NEIGHBOURS: usize = 5;
/// A category with more levels than this would be nearly as wide as the rows are many, and is left out.
const LEVELS: usize = 50;

/// How alike the model decides about similar rows: 1 less the mean distance of a decision (or score) from those of the five
/// nearest rows. Numbers count in their standard deviations, a missing one as their mean; two categories are one apart.
/// `None` without a usable feature or with fewer than five rows.
///
/// # Errors
/// `NotFound` for an unknown column.
pub fn consistency(rows: &Table, features: &[String], decisions: &[f64]) -> Result<Option<f64>> {
    let known: Vec<usize> = (0..decisions.len().min(rows.rows())).filter(|&row| decisions[row].is_finite()).collect();
    let stride = known.len().div_ceil(SIMILAR_ROWS).max(1);
    let sample: Vec<usize> = known.into_iter().step_by(stride).collect();
    let mut columns: Vec<Vec<f64>> = Vec::new();
    for name in features {
        let column = rows.column(name)?;
        match column {
            Column::Text(text) => {
                let own: Vec<u32> = sample.iter().map(|row| text.codes[*row]).collect();
                let mut levels = own.clone();
                levels.sort_unstable();
                levels.dedup();
                // Two rows of different levels differ in two of these columns, by half each when squared.
                let flag =
                    |level: u32| own.iter().map(|code| if *code == level { 0.5_f64.sqrt() } else { 0.0 }).collect();
                columns.extend(levels.iter().filter(|_| levels.len() <= LEVELS).map(|level| flag(*level)));
            }
            _ => columns.extend(standardized(sample.iter().map(|row| column.number(*row)).collect())),
        }
    }
    let width = columns.len();
    let flat: Vec<f64> = (0..sample.len()).flat_map(|row| columns.iter().map(move |column| column[row])).collect();
    let decided: Vec<f64> = sample.iter().map(|row| decisions[*row]).collect();
    Ok(fairness::consistency(&flat, width, &decided, NEIGHBOURS))
}

/// Numbers in standard deviations from their mean; `None` when they are all alike.
fn standardized(values: Vec<f64>) -> Option<Vec<f64>> {
    let known: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    let mean = known.iter().sum::<f64>() / known.len() as f64;
    let deviation = (known.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / known.len() as f64).sqrt();
    let standard = |value: f64| if value.is_finite() { (value - mean) / deviation } else { 0.0 };
    (deviation > 0.0).then(|| values.into_iter().map(standard).collect())
}

#[cfg(test)]
mod tests {
    use flyball_core::TextColumn;

    use super::*;

    #[test]
    fn decisions_that_follow_the_features_are_consistent_and_coin_flips_are_not() {
        let mut rng = flyball_core::rng::Rng::seeded(2);
        let amounts: Vec<f64> = (0..600).map(|_| rng.unit() * 1e6).collect();
        let levels = TextColumn::from_texts((0..600).map(|row| Some(if row % 2 == 0 { "a" } else { "b" })));
        let fair: Vec<f64> = amounts.iter().map(|amount| f64::from(u8::from(*amount > 5e5))).collect();
        let flips: Vec<f64> = (0..600).map(|_| f64::from(u8::from(rng.unit() < 0.5))).collect();
        let columns = vec![("amount".to_owned(), Column::Float(amounts)), ("level".to_owned(), Column::Text(levels))];
        let table = Table::new(columns).unwrap();
        let features = ["amount".to_owned(), "level".to_owned()];
        let of = |decisions: &[f64]| consistency(&table, &features, decisions).unwrap().unwrap();
        assert!(of(&fair) > 0.98 && of(&flips) < 0.7, "{} {}", of(&fair), of(&flips));
        assert_eq!(consistency(&table, &[], &fair).unwrap(), None);
        assert!(consistency(&table, &["none".to_owned()], &fair).is_err());
    }
}
