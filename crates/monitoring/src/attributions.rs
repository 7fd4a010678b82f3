//! Whether a model reasons about a window as it did about what it was built on: drift of its Shapley values.

use flyball_core::rng::Rng;
use flyball_stats::attribution::attribution_drift;
use serde::{Deserialize, Serialize};

/// The confidence of the changes that are told; high, since every feature has its chance to be told by accident.
const CONFIDENCE: f64 = 0.99;
/// Resamples behind an interval: two or three of them are beyond each end.
const RESAMPLES: usize = 500;
/// The smallest change of a share that is told: less changes nothing that one looks at first.
const LEAST_CHANGE: f64 = 0.03;

/// How attributions differ between a window and the reference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttributionChange {
    /// Agreement of the order of the features, in (0, 1]: 1 when those that matter most are the same; below 0.9 is much.
    pub ndcg: f64,
    /// How far apart the shares of the features are, 0 to 1 (Jensen–Shannon distance, base 2).
    pub jensen_shannon: f64,
    /// The rows of the window that were explained.
    pub rows: usize,
    /// The features whose part in the answers changed beyond chance and by a few percent at least, the largest change
    /// first.
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
        let found = attribution_drift(&means, attributions, CONFIDENCE, RESAMPLES, |limit| rng.below(limit))?;
        let changed = reference.iter().zip(&found.shares).filter_map(|((feature, _), share)| {
            let interval = share.interval.filter(|_| share.is_significant() == Some(true))?;
            let (before, after) = (share.reference, share.current);
            (share.change().abs() >= LEAST_CHANGE).then(|| ChangedShare {
                feature: feature.clone(),
                before,
                after,
                low: interval.low,
                high: interval.high,
            })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_features_whose_part_changed_are_named_and_others_not() {
        let mut rng = Rng::seeded(4);
        let mut rows = |parts: [f64; 3]| -> Vec<f64> {
            (0..200).flat_map(|_| parts.map(|part| part * (rng.unit() - 0.5))).collect()
        };
        let reference = ["wind", "site", "rain"].map(str::to_owned).into_iter().zip([0.5, 0.25, 0.25]);
        let reference: Vec<(String, f64)> = reference.collect();
        let judge = |amounts: &[f64]| AttributionChange::of(&reference, amounts, &mut Rng::seeded(5));
        let same = judge(&rows([2.0, 1.0, 1.0])).unwrap();
        assert!(same.changed.is_empty() && same.ndcg > 0.99 && same.rows == 200, "{same:?}");
        let turned = judge(&rows([0.5, 4.0, 1.0])).unwrap();
        let named: Vec<&str> = turned.changed.iter().map(|share| share.feature.as_str()).collect();
        assert_eq!(named[..2], ["site", "wind"]);
        assert!(turned.ndcg < same.ndcg && turned.jensen_shannon > same.jensen_shannon);
        for share in &turned.changed {
            let change = share.after - share.before;
            assert!(share.low < change && change < share.high && share.low * share.high > 0.0, "{share:?}");
        }
        assert_eq!(judge(&[0.0; 6]), None);
        assert_eq!(judge(&[]), None);
    }
}
