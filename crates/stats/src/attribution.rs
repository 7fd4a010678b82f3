//! Has the model's reasoning changed? Drift of feature attributions (SHAP values or other).

use crate::interval::{Interval, bootstrap};
use crate::ranking::{Gain, ndcg};
use crate::summary::ratio;

/// One feature's part in the predictions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShareChange {
    /// Its share of all absolute attributions in the reference.
    pub reference: f64,
    /// Its share in the window.
    pub current: f64,
    /// Interval of current − reference over resampled rows of the window.
    pub interval: Option<Interval>,
}

impl ShareChange {
    /// Current − reference.
    pub fn change(&self) -> f64 {
        self.current - self.reference
    }

    /// Whether chance does not explain the change; `None` if that is unknown.
    pub fn is_significant(&self) -> Option<bool> {
        self.interval.map(|interval| interval.low > 0.0 || interval.high < 0.0)
    }
}

/// How attributions differ between a reference and a window.
#[derive(Debug, Clone, PartialEq)]
pub struct AttributionDrift {
    /// Agreement of the order of the features, in (0, 1]: the normalised discounted cumulative gain of the window's
    /// order, each feature's relevance being its mean absolute attribution in the reference, as in Azure ML, which
    /// gives an alert below 0.9.
    pub ndcg: f64,
    /// Jensen–Shannon distance of the shares, base 2: 0 if they are equal, 1 if no feature counts on both sides.
    pub jensen_shannon: f64,
    /// The change of each feature.
    pub shares: Vec<ShareChange>,
}

/// Mean absolute attribution of each of `features` over rows. Rows with a value that is not finite are left out. `None`
/// if the slice is no whole number of rows, or none is left.
pub fn mean_absolute(attributions: &[f64], features: usize) -> Option<Vec<f64>> {
    let rows = finite_rows(attributions, features)?;
    (!rows.is_empty()).then(|| mean_of(&rows, features))
}

/// Compares the attributions of a window, row by row, with the mean absolute attributions of the reference
/// ([`mean_absolute`], kept with the model). `below(n)` draws a number in 0..n; intervals have this two-sided
/// confidence and so many resamples.
///
/// `None` if the numbers of features differ, or one side attributes nothing to any feature.
pub fn attribution_drift(
    reference: &[f64],
    attributions: &[f64],
    confidence: f64,
    resamples: usize,
    mut below: impl FnMut(usize) -> usize,
) -> Option<AttributionDrift> {
    let rows = finite_rows(attributions, reference.len())?;
    if rows.is_empty() || reference.iter().any(|value| !(value.is_finite() && *value >= 0.0)) {
        return None;
    }
    let current = mean_of(&rows, reference.len());
    let (before, after) = (shares(reference)?, shares(&current)?);
    let totals: Vec<f64> = rows.iter().map(|row| row.iter().map(|value| value.abs()).sum()).collect();
    let interval = |feature: usize, below: &mut dyn FnMut(usize) -> usize| {
        let share = |drawn: &[usize]| {
            let total: f64 = drawn.iter().map(|&row| totals[row]).sum();
            let own: f64 = drawn.iter().map(|&row| rows[row][feature].abs()).sum();
            Some(ratio(own, total)? - before[feature])
        };
        bootstrap(rows.len(), resamples, confidence, below, share)
    };
    let changes = (0..reference.len()).map(|feature| ShareChange {
        reference: before[feature],
        current: after[feature],
        interval: interval(feature, &mut below),
    });
    Some(AttributionDrift {
        shares: changes.collect(),
        ndcg: ndcg(reference, &current, reference.len(), Gain::Linear)?,
        jensen_shannon: jensen_shannon(&before, &after),
    })
}

fn finite_rows(attributions: &[f64], features: usize) -> Option<Vec<&[f64]>> {
    let whole = features > 0 && attributions.len().is_multiple_of(features);
    whole.then(|| attributions.chunks_exact(features).filter(|row| row.iter().all(|value| value.is_finite())).collect())
}

fn mean_of(rows: &[&[f64]], features: usize) -> Vec<f64> {
    let mut sums = vec![0.0; features];
    for row in rows {
        sums.iter_mut().zip(*row).for_each(|(sum, value)| *sum += value.abs());
    }
    sums.iter().map(|sum| sum / rows.len() as f64).collect()
}

fn shares(values: &[f64]) -> Option<Vec<f64>> {
    let total: f64 = values.iter().sum();
    values.iter().map(|value| ratio(*value, total)).collect()
}

fn jensen_shannon(left: &[f64], right: &[f64]) -> f64 {
    let part = |share: f64, middle: f64| if share > 0.0 { share * (share / middle).log2() } else { 0.0 };
    let sum = |(l, r): (&f64, &f64)| part(*l, (l + r) / 2.0) + part(*r, (l + r) / 2.0);
    (left.iter().zip(right).map(sum).sum::<f64>() / 2.0).max(0.0).sqrt()
}
