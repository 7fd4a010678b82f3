//! Metrics in expectation: every row counts as positive with its probability.

use super::Rounding;

/// Expected entries of a confusion matrix.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ExpectedConfusion {
    /// Positives that are predicted to be so.
    pub true_positive: f64,
    /// Negatives predicted positive.
    pub false_positive: f64,
    /// Positives predicted negative.
    pub false_negative: f64,
    /// Negatives predicted to be so.
    pub true_negative: f64,
}

impl ExpectedConfusion {
    /// Sums the probabilities of rows over their predictions.
    pub fn new(probabilities: &[f64], predicted: &[bool]) -> Self {
        let mut sums = Self::default();
        for (&p, &positive) in probabilities.iter().zip(predicted) {
            if positive {
                sums.true_positive += p;
                sums.false_positive += 1.0 - p;
            } else {
                sums.false_negative += p;
                sums.true_negative += 1.0 - p;
            }
        }
        sums
    }
}

/// Expected numbers of positives among the first rows, from the highest score down.
pub(super) fn positives_from_top(probabilities: &[f64], scores: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_unstable_by(|&left, &right| scores[right].total_cmp(&scores[left]));
    let mut sum = 0.0;
    let add = |row: usize| {
        sum += probabilities[row];
        sum
    };
    order.into_iter().map(add).collect()
}

/// Area under the expected ROC curve. Rows of one score have one probability, so that the curve is straight among them.
pub(super) fn roc_auc(positives: &[f64], rounding: Rounding) -> Option<f64> {
    let (mut area, mut tp_before, mut fp_before) = (0.0, 0.0, 0.0);
    for (row, &sum) in positives.iter().enumerate() {
        let (tp, fp) = (rounding.apply(sum), rounding.apply((row + 1) as f64 - sum));
        area += (fp - fp_before) * (tp + tp_before) / 2.0;
        (tp_before, fp_before) = (tp, fp);
    }
    crate::summary::ratio(area, tp_before * fp_before)
}

/// Expected average precision, a step for every row.
pub(super) fn average_precision(positives: &[f64], rounding: Rounding) -> Option<f64> {
    let (mut before, mut sum) = (0.0, 0.0);
    for (row, &expected) in positives.iter().enumerate() {
        let tp = rounding.apply(expected);
        sum += (tp - before) * tp / (row + 1) as f64;
        before = tp;
    }
    crate::summary::ratio(sum, before)
}
