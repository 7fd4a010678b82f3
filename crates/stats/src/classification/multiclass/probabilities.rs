//! Probabilities of several classes.

use super::{Average, ConfusionMatrix};
use crate::classification::calibration::{Calibration, reliability};
use crate::classification::{BinarySummary, ScoreCurve, binary_pass, roc_auc};
use crate::summary::{mean, ratio, weighted_mean};

/// True classes beside the probabilities that a model gave to each class.
#[derive(Debug, Clone, Copy)]
pub struct MulticlassProbabilities<'a> {
    y: &'a [usize],
    p: &'a [f64],
    classes: usize,
    weights: Option<&'a [f64]>,
}

impl<'a> MulticlassProbabilities<'a> {
    /// `p` is row-major, `classes` values per row. `None` for no rows, a length that does not fit, a label that is
    /// not below `classes`, a NaN, or a weight that is negative or not finite.
    pub fn new(y: &'a [usize], p: &'a [f64], classes: usize, weights: Option<&'a [f64]>) -> Option<Self> {
        let fits = !y.is_empty() && y.len().checked_mul(classes) == Some(p.len());
        let valid = fits && y.iter().all(|&class| class < classes) && !p.iter().any(|p| p.is_nan());
        let weighed = |weights: &[f64]| {
            weights.len() == y.len() && weights.iter().all(|weight| weight.is_finite() && *weight >= 0.0)
        };
        (valid && weights.is_none_or(weighed)).then_some(Self { y, p, classes, weights })
    }

    /// How many classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The weight of all rows: without weights, their number.
    pub(super) fn weight(&self) -> f64 {
        self.weights.map_or(self.y.len() as f64, |weights| weights.iter().sum())
    }

    /// Effective rows per weight (Kish 1965).
    pub(super) fn scale(&self) -> f64 {
        let squares = |weights: &[f64]| ratio(weights.iter().sum(), weights.iter().map(|weight| weight * weight).sum());
        self.weights.map_or(Some(1.0), squares).unwrap_or(1.0)
    }

    fn rows(&self) -> impl ExactSizeIterator<Item = (usize, &'a [f64])> {
        self.y.iter().copied().zip(self.p.chunks_exact(self.classes))
    }

    /// The most probable class of each row; the first of equals.
    pub fn predicted(&self) -> Vec<usize> {
        let most_probable =
            |row: &[f64]| row.iter().enumerate().fold(0, |best, (class, &p)| if p > row[best] { class } else { best });
        self.rows().map(|(_, row)| most_probable(row)).collect()
    }

    /// The table of the most probable classes.
    pub fn matrix(&self) -> Option<ConfusionMatrix> {
        ConfusionMatrix::new(self.y, &self.predicted(), self.weights, self.classes)
    }

    /// −ln of the probability given to the true class, row by row.
    pub fn log_loss_rows(&self) -> Vec<f64> {
        self.rows().map(|(y, row)| -row[y].clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()).collect()
    }

    /// Squared distance of the probabilities from the truth, in 0..=2, row by row.
    pub fn brier_rows(&self) -> Vec<f64> {
        let distance = |(y, row): (usize, &[f64])| -> f64 {
            row.iter().enumerate().map(|(class, p)| (p - f64::from(u8::from(class == y))).powi(2)).sum()
        };
        self.rows().map(distance).collect()
    }

    /// Weighted share of rows whose true class is among the `k` most probable (of equals, the higher index goes first).
    pub fn top_k_accuracy(&self, k: usize) -> Option<f64> {
        let among = |(y, row): (usize, &[f64])| {
            let above = row.iter().enumerate().filter(|&(class, &p)| p > row[y] || (p == row[y] && class > y));
            f64::from(u8::from(above.count() < k))
        };
        weighted_mean(self.rows().map(among), self.weights)
    }

    fn one_versus_rest(&self, class: usize) -> (Vec<bool>, Vec<f64>) {
        self.rows().map(|(y, row)| (y == class, row[class])).unzip()
    }

    /// Each class against the rest: its rates among the decisions for the most probable class, and the order and
    /// calibration of its own probability.
    pub fn labels(&self) -> Option<Vec<BinarySummary>> {
        let matrix = self.matrix()?;
        let label = |class| {
            let (y, p) = self.one_versus_rest(class);
            let mut summary = binary_pass(&y, &p, self.weights, 0.5, &[])?.overall;
            summary.cells = matrix.one_versus_rest(class);
            Some(summary)
        };
        (0..self.classes).map(label).collect()
    }

    /// One-versus-rest ROC AUC of all decisions together. `None` unless two classes occur.
    pub fn roc_auc_ovr_micro(&self) -> Option<f64> {
        let y: Vec<bool> =
            self.y.iter().flat_map(|&truth| (0..self.classes).map(move |class| class == truth)).collect();
        let weights = self.weights.map(|weights| {
            weights.iter().flat_map(|&weight| std::iter::repeat_n(weight, self.classes)).collect::<Vec<_>>()
        });
        Some(ScoreCurve::new(&y, self.p, weights.as_deref())?.roc_auc())
    }

    /// ROC AUC averaged over all ordered pairs of classes (Hand & Till 2001), which is not defined for weighted rows.
    /// `None` with weights, and unless every class occurs. Weighted, a pair counts by the rows of its two classes.
    pub fn roc_auc_ovo(&self, average: Average) -> Option<f64> {
        if self.weights.is_some() {
            return None;
        }
        let (mut sum, mut weights) = (0.0, 0.0);
        for positive in 0..self.classes {
            for negative in (0..self.classes).filter(|&class| class != positive) {
                let pair = self.rows().filter(|(y, _)| *y == positive || *y == negative);
                let (y, scores): (Vec<bool>, Vec<f64>) = pair.map(|(y, row)| (y == positive, row[positive])).unzip();
                let weight = if average == Average::Weighted { y.len() as f64 } else { 1.0 };
                sum += weight * roc_auc(&y, &scores)?;
                weights += weight;
            }
        }
        ratio(sum, weights)
    }

    /// Calibration of the most probable class: its probability against how often it is right. Weights are not used.
    pub fn calibration(&self, bins: usize) -> Option<Calibration> {
        let predicted = self.predicted();
        reliability(self.rows().zip(predicted).map(|((y, row), class)| (class == y, row[class])), bins)
    }

    pub(super) fn mean(&self, values: &[f64]) -> Option<f64> {
        match self.weights {
            None => mean(values),
            weights => weighted_mean(values.iter().copied(), weights),
        }
    }
}
