//! Whether a model reasons about a window as it did about what it was built on: drift of its Shapley values.

use flyball_core::rng::Rng;
use flyball_stats::attribution::attribution_drift;
use serde::{Deserialize, Serialize};

/// The confidence of the changes that are told.
const CONFIDENCE: f64 = 0.99;
/// Resamples behind an interval: enough that its ends are known to a tenth of its length.
const RESAMPLES: usize = 400;

/// How attributions differ between a window and the reference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttributionChange {
    /// Agreement of the order of the features, in (0, 1]: 1 when those that matter most are the same; below 0.9 is much.
    pub ndcg: f64,
    /// How far apart the shares of the features are, 0 to 1 (Jensen–Shannon distance, base 2).
    pub jensen_shannon: f64,
    /// The rows of the window that were explained.
    pub rows: usize,
    /// The features whose part in the answers changed beyond chance, the largest change first.
    pub changed: Vec<ChangedShare>,
}

/// A feature whose part in the answers changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChangedShare {
    /// The feature.
    pub feature: String,
    /// Its share of all absolute attributions in the reference.
    pub before: f64,
    /// The same in the window.
    pub after: f64,
    /// The least that `after` minus `before` is, with 99 % confidence.
    pub low: f64,
    /// The most that it is.
    pub high: f64,
}

impl AttributionChange {
    /// Compares the attributions of a window, row by row, with the mean absolute attribution of each feature in the
    /// reference. `None` when either attributes nothing to any feature.
    pub fn of(reference: &[(String, f64)], attributions: &[f64], rng: &mut Rng) -> Option<Self> {
        let means: Vec<f64> = reference.iter().map(|(_, mean)| *mean).collect();
        // Over so many features the intervals stay right together (Bonferroni).
        let confidence = 1.0 - (1.0 - CONFIDENCE) / means.len().max(1) as f64;
        let found = attribution_drift(&means, attributions, confidence, RESAMPLES, |limit| rng.below(limit))?;
        let changed = reference.iter().zip(&found.shares).filter_map(|((feature, _), share)| {
            let interval = share.interval.filter(|_| share.is_significant() == Some(true))?;
            let (before, after) = (share.reference, share.current);
            Some(ChangedShare { feature: feature.clone(), before, after, low: interval.low, high: interval.high })
        });
        let mut changed: Vec<ChangedShare> = changed.collect();
        changed.sort_by(|a, b| {
            let size = |share: &ChangedShare| (share.after - share.before).abs();
            size(b).total_cmp(&size(a)).then_with(|| a.feature.cmp(&b.feature))
        });
        let rows = attributions.len() / means.len();
        Some(Self { ndcg: found.ndcg, jensen_shannon: found.jensen_shannon, rows, changed })
    }
}
