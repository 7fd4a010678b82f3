//! The four cells of a binary decision, and everything that follows from them alone.

use crate::summary::ratio;

/// Counts (or sums of weights) of decisions by truth and prediction.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Confusion {
    /// True negatives.
    pub tn: f64,
    /// False positives.
    pub fp: f64,
    /// False negatives.
    pub fn_: f64,
    /// True positives.
    pub tp: f64,
}

impl Confusion {
    /// Counts predicted labels against true ones.
    pub fn from_labels(y: &[bool], predicted: &[bool], weights: Option<&[f64]>) -> Option<Self> {
        if y.len() != predicted.len() {
            return None;
        }
        Self::count(y.iter().copied().zip(predicted.iter().copied()), weights)
    }

    /// Counts the decision "positive if p ≥ threshold". `None` also for a NaN.
    pub fn at_threshold(y: &[bool], p: &[f64], weights: Option<&[f64]>, threshold: f64) -> Option<Self> {
        if y.len() != p.len() || p.iter().any(|p| p.is_nan()) {
            return None;
        }
        Self::count(y.iter().copied().zip(p.iter().map(|&p| p >= threshold)), weights)
    }

    fn count(rows: impl ExactSizeIterator<Item = (bool, bool)>, weights: Option<&[f64]>) -> Option<Self> {
        if weights.is_some_and(|weights| weights.len() != rows.len()) {
            return None;
        }
        let mut cells = Self::default();
        for (row, (truth, predicted)) in rows.enumerate() {
            cells.add(truth, predicted, weights.map_or(1.0, |weights| weights[row]));
        }
        Some(cells)
    }

    /// Adds one row.
    pub fn add(&mut self, truth: bool, predicted: bool, weight: f64) {
        match (truth, predicted) {
            (false, false) => self.tn += weight,
            (false, true) => self.fp += weight,
            (true, false) => self.fn_ += weight,
            (true, true) => self.tp += weight,
        }
    }

    /// All rows.
    pub fn total(&self) -> f64 {
        self.tn + self.fp + self.fn_ + self.tp
    }

    /// Rows whose true label is positive.
    pub fn positives(&self) -> f64 {
        self.tp + self.fn_
    }

    /// Rows whose true label is negative.
    pub fn negatives(&self) -> f64 {
        self.tn + self.fp
    }

    /// Rows predicted positive.
    pub fn selected(&self) -> f64 {
        self.tp + self.fp
    }

    /// The same decisions seen from the negative class.
    pub fn swapped(&self) -> Self {
        Self { tn: self.tp, fp: self.fn_, fn_: self.fp, tp: self.tn }
    }

    /// Share of right decisions.
    pub fn accuracy(&self) -> Option<f64> {
        ratio(self.tp + self.tn, self.total())
    }

    /// Mean of recall and specificity.
    pub fn balanced_accuracy(&self) -> Option<f64> {
        Some((self.recall()? + self.specificity()?) / 2.0)
    }

    /// Share predicted positive.
    pub fn selection_rate(&self) -> Option<f64> {
        ratio(self.selected(), self.total())
    }

    /// Positive predictive value: tp / (tp + fp).
    pub fn precision(&self) -> Option<f64> {
        ratio(self.tp, self.selected())
    }

    /// True positive rate: tp / (tp + fn).
    pub fn recall(&self) -> Option<f64> {
        ratio(self.tp, self.positives())
    }

    /// True negative rate: tn / (tn + fp).
    pub fn specificity(&self) -> Option<f64> {
        ratio(self.tn, self.negatives())
    }

    /// False positive rate: fp / (tn + fp).
    pub fn fpr(&self) -> Option<f64> {
        ratio(self.fp, self.negatives())
    }

    /// False negative rate: fn / (tp + fn).
    pub fn fnr(&self) -> Option<f64> {
        ratio(self.fn_, self.positives())
    }

    /// Negative predictive value: tn / (tn + fn).
    pub fn npv(&self) -> Option<f64> {
        ratio(self.tn, self.tn + self.fn_)
    }

    /// F score; β > 1 weighs recall higher. Undefined only if nothing is positive, in truth or prediction.
    pub fn f_beta(&self, beta: f64) -> Option<f64> {
        let squared = beta * beta;
        let hits = (1.0 + squared) * self.tp;
        ratio(hits, hits + squared * self.fn_ + self.fp)
    }

    /// Harmonic mean of precision and recall.
    pub fn f1(&self) -> Option<f64> {
        self.f_beta(1.0)
    }

    /// Mean of the F1 of both classes.
    pub fn f1_macro(&self) -> Option<f64> {
        Some((self.f1()? + self.swapped().f1()?) / 2.0)
    }

    /// Mean of the F1 of both classes, weighted by how often each is true.
    pub fn f1_weighted(&self) -> Option<f64> {
        ratio(self.positives() * self.f1()? + self.negatives() * self.swapped().f1()?, self.total())
    }

    /// Matthews' correlation coefficient.
    pub fn mcc(&self) -> Option<f64> {
        let marginals = self.selected() * self.positives() * self.negatives() * (self.tn + self.fn_);
        ratio(self.tp * self.tn - self.fp * self.fn_, marginals.sqrt())
    }

    /// Cohen's κ: agreement beyond what the marginals would give by chance.
    pub fn cohen_kappa(&self) -> Option<f64> {
        let total = self.total();
        let chance =
            ratio(self.positives() * self.selected() + self.negatives() * (self.tn + self.fn_), total * total)?;
        ratio(self.accuracy()? - chance, 1.0 - chance)
    }

    /// Intersection over union of the true and the predicted positives.
    pub fn jaccard(&self) -> Option<f64> {
        ratio(self.tp, self.tp + self.fp + self.fn_)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_denominator_is_undefined() {
        let cells = Confusion::from_labels(&[false, false], &[false, true], None).unwrap();
        assert_eq!(cells.recall(), None);
        assert_eq!(cells.precision(), Some(0.0));
        assert_eq!(cells.mcc(), None);
        assert_eq!(Confusion::default().accuracy(), None);
    }

    #[test]
    fn the_threshold_itself_is_positive() {
        let cells = Confusion::at_threshold(&[true], &[0.5], None, 0.5).unwrap();
        assert_eq!(cells.tp, 1.0);
        assert_eq!(Confusion::at_threshold(&[true], &[], None, 0.5), None);
        assert_eq!(Confusion::at_threshold(&[true], &[f64::NAN], None, 0.5), None);
    }
}
