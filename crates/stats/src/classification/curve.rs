//! What depends on the order of the scores: ROC, precision–recall, Kolmogorov–Smirnov, lift.

use crate::summary::ratio;

/// A point of the ROC curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RocPoint {
    /// Rows with a score of at least this are selected; infinite at the origin.
    pub threshold: f64,
    /// False positive rate.
    pub fpr: f64,
    /// True positive rate.
    pub tpr: f64,
}

/// A point of the precision–recall curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PrPoint {
    /// Rows with a score of at least this are selected.
    pub threshold: f64,
    /// Share of the selected that are positive.
    pub precision: f64,
    /// Share of the positives that are selected.
    pub recall: f64,
}

/// Weights of the positives and negatives selected at each distinct score, from the highest score down.
#[derive(Debug, Clone)]
pub struct ScoreCurve {
    thresholds: Vec<f64>,
    tp: Vec<f64>,
    fp: Vec<f64>,
}

impl ScoreCurve {
    /// Sorts once; everything else is one pass. `None` if lengths differ, a score is NaN, or a class is missing.
    pub fn new(y: &[bool], scores: &[f64], weights: Option<&[f64]>) -> Option<Self> {
        if y.len() != scores.len() || weights.is_some_and(|weights| weights.len() != y.len()) {
            return None;
        }
        let order = super::order::descending(scores)?.rows;
        let mut curve = Self { thresholds: Vec::new(), tp: Vec::new(), fp: Vec::new() };
        let (mut tp, mut fp) = (0.0, 0.0);
        for group in order.chunk_by(|&left, &right| scores[left as usize] == scores[right as usize]) {
            for row in group.iter().map(|&row| row as usize) {
                *(if y[row] { &mut tp } else { &mut fp }) += weights.map_or(1.0, |weights| weights[row]);
            }
            curve.thresholds.push(scores[group[0] as usize]);
            curve.tp.push(tp);
            curve.fp.push(fp);
        }
        (tp > 0.0 && fp > 0.0).then_some(curve)
    }

    fn positives(&self) -> f64 {
        self.tp.last().copied().unwrap_or_default()
    }

    fn negatives(&self) -> f64 {
        self.fp.last().copied().unwrap_or_default()
    }

    /// The ROC curve from (0, 0) to (1, 1), a point for every distinct score.
    pub fn roc(&self) -> Vec<RocPoint> {
        let origin = RocPoint { threshold: f64::INFINITY, fpr: 0.0, tpr: 0.0 };
        let (positives, negatives) = (self.positives(), self.negatives());
        let points = self.thresholds.iter().zip(self.tp.iter().zip(&self.fp));
        std::iter::once(origin)
            .chain(points.map(|(&threshold, (tp, fp))| RocPoint {
                threshold,
                fpr: fp / negatives,
                tpr: tp / positives,
            }))
            .collect()
    }

    /// The precision–recall curve from the highest score down.
    pub fn precision_recall(&self) -> Vec<PrPoint> {
        let positives = self.positives();
        let points = self.thresholds.iter().zip(self.tp.iter().zip(&self.fp));
        points
            .map(|(&threshold, (&tp, &fp))| PrPoint {
                threshold,
                precision: ratio(tp, tp + fp).unwrap_or(1.0),
                recall: tp / positives,
            })
            .collect()
    }

    /// Area under the ROC curve; ties count half.
    pub fn roc_auc(&self) -> f64 {
        let (mut area, mut tp_before, mut fp_before) = (0.0, 0.0, 0.0);
        for (&tp, &fp) in self.tp.iter().zip(&self.fp) {
            area += (fp - fp_before) * (tp + tp_before) / 2.0;
            (tp_before, fp_before) = (tp, fp);
        }
        area / (self.positives() * self.negatives())
    }

    /// Area under the ROC curve up to `max_fpr` in (0, 1], rescaled so that chance is ½ and perfection 1
    /// (McClish 1989). `None` outside.
    pub fn partial_roc_auc(&self, max_fpr: f64) -> Option<f64> {
        if !(max_fpr > 0.0 && max_fpr <= 1.0) {
            return None;
        }
        let mut area = 0.0;
        for pair in self.roc().windows(2) {
            let (start, end) = (pair[0], pair[1]);
            if start.fpr >= max_fpr || end.fpr == start.fpr {
                continue;
            }
            let right = end.fpr.min(max_fpr);
            let height = start.tpr + (end.tpr - start.tpr) * (right - start.fpr) / (end.fpr - start.fpr);
            area += (right - start.fpr) * (start.tpr + height) / 2.0;
        }
        let chance = max_fpr * max_fpr / 2.0;
        Some(0.5 * (1.0 + (area - chance) / (max_fpr - chance)))
    }

    /// Mean precision over the steps in recall, without interpolation.
    pub fn average_precision(&self) -> f64 {
        let mut before = 0.0;
        let mut sum = 0.0;
        for point in self.precision_recall() {
            sum += (point.recall - before) * point.precision;
            before = point.recall;
        }
        sum
    }

    /// Area under the precision–recall curve by the trapezoid rule, starting from (recall 0, precision 1).
    pub fn pr_auc_trapezoid(&self) -> f64 {
        let (mut recall, mut precision, mut area) = (0.0, 1.0, 0.0);
        for point in self.precision_recall() {
            area += (point.recall - recall) * (point.precision + precision) / 2.0;
            (recall, precision) = (point.recall, point.precision);
        }
        area
    }

    /// Largest distance between the score distributions of both classes: max (TPR − FPR).
    pub fn ks_statistic(&self) -> f64 {
        self.roc().iter().fold(0.0, |largest, point| (point.tpr - point.fpr).max(largest))
    }
}

/// Area under the ROC curve: the chance that a positive outscores a negative. `None` when a class is missing.
pub fn roc_auc(y: &[bool], scores: &[f64]) -> Option<f64> {
    ScoreCurve::new(y, scores, None).map(|curve| curve.roc_auc())
}

/// Precision among the best ⌊n·share⌋ scores (at least one row) over the base rate; equal scores keep their order.
/// `None` without positives, for lengths that differ, a NaN, or a share outside (0, 1].
pub fn lift(y: &[bool], scores: &[f64], share: f64) -> Option<f64> {
    if y.len() != scores.len() || !(share > 0.0 && share <= 1.0) {
        return None;
    }
    let order = super::order::descending(scores)?.rows;
    let hits = |rows: &[u32]| rows.iter().filter(|&&row| y[row as usize]).count() as f64;
    let best = ((order.len() as f64 * share).floor() as usize).max(1);
    ratio(hits(order.get(..best)?) / best as f64, ratio(hits(&order), order.len() as f64)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auc_is_undefined_without_both_classes() {
        assert_eq!(roc_auc(&[true, true], &[0.1, 0.2]), None);
        assert_eq!(roc_auc(&[true, false], &[f64::NAN, 0.2]), None);
        assert_eq!(roc_auc(&[true, false], &[0.3, 0.3]), Some(0.5));
    }

    #[test]
    fn a_perfect_order_has_partial_area_one() {
        let curve = ScoreCurve::new(&[true, true, false], &[0.9, 0.8, 0.1], None).unwrap();
        assert_eq!(curve.partial_roc_auc(0.1), Some(1.0));
        assert_eq!(curve.partial_roc_auc(0.0), None);
        assert_eq!(curve.roc().len(), 4);
    }
}
