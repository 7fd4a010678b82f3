//! Confidence-based performance estimation for two classes.

use super::Isotonic;
use super::calibration::{CalibrationCheck, check_calibration};
use super::expected::{ExpectedConfusion, average_precision, positives_from_top, roc_auc};
use super::reference::{Estimate, MetricReference, limits, population_deviation, windows};
use super::sampling::{bootstrap_of_average_precision, deviation_of_placements, deviation_of_share};
use crate::classification::{Confusion, ScoreCurve, brier_rows, log_loss_rows};
use crate::interval::Interval;
use crate::summary::{mean, ratio};

/// What can be estimated for two classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CbpeMetric {
    /// Area under the ROC curve.
    RocAuc,
    /// Average precision.
    AveragePrecision,
    /// F1 of the positive class.
    F1,
    /// Precision of the positive class.
    Precision,
    /// Recall of the positive class.
    Recall,
    /// Recall of the negative class.
    Specificity,
    /// Share of right predictions.
    Accuracy,
    /// Number of positives predicted to be so.
    TruePositive,
    /// Number of negatives predicted to be so.
    TrueNegative,
    /// Number of negatives predicted positive.
    FalsePositive,
    /// Number of positives predicted negative.
    FalseNegative,
    /// Mean squared error of the model's own probability.
    Brier,
    /// Mean log loss of the model's own probability.
    LogLoss,
}

impl CbpeMetric {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::RocAuc,
        Self::AveragePrecision,
        Self::F1,
        Self::Precision,
        Self::Recall,
        Self::Specificity,
        Self::Accuracy,
        Self::TruePositive,
        Self::TrueNegative,
        Self::FalsePositive,
        Self::FalseNegative,
        Self::Brier,
        Self::LogLoss,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::RocAuc => "roc_auc",
            Self::AveragePrecision => "average_precision",
            Self::F1 => "f1",
            Self::Precision => "precision",
            Self::Recall => "recall",
            Self::Specificity => "specificity",
            Self::Accuracy => "accuracy",
            Self::TruePositive => "true_positive",
            Self::TrueNegative => "true_negative",
            Self::FalsePositive => "false_positive",
            Self::FalseNegative => "false_negative",
            Self::Brier => "brier",
            Self::LogLoss => "log_loss",
        }
    }

    /// The metric is a number of rows and grows with the window.
    fn is_count(self) -> bool {
        matches!(self, Self::TruePositive | Self::TrueNegative | Self::FalsePositive | Self::FalseNegative)
    }

    /// Between what it can be.
    pub(super) fn range(self) -> Interval {
        let unbounded = self.is_count() || self == Self::LogLoss;
        Interval { low: 0.0, high: if unbounded { f64::INFINITY } else { 1.0 } }
    }
}

/// How the expected curves are summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rounding {
    /// To the last bit.
    #[default]
    Exact,
    /// Expected counts to five decimals, as NannyML does; the areas differ in the ninth digit.
    FiveDecimals,
}

impl Rounding {
    pub(super) fn apply(self, count: f64) -> f64 {
        match self {
            Self::Exact => count,
            Self::FiveDecimals => (count * 1e5).round_ties_even() / 1e5,
        }
    }
}

/// Choices for [`Cbpe::fit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CbpeSettings {
    /// Rows of one window of the reference, from which the limits come; a tenth of the reference if absent.
    pub window_rows: Option<usize>,
    /// Whether scores are calibrated; if absent, when that helps on held-out rows.
    pub calibrate: Option<bool>,
    /// How the expected curves are summed.
    pub rounding: Rounding,
}

/// The estimator: fitted once on a reference, then asked about windows.
#[derive(Debug, Clone, PartialEq)]
pub struct Cbpe {
    /// From scores to probabilities; absent if the scores are better probabilities as they are.
    pub calibrator: Option<Isotonic>,
    /// How far probabilities are from what comes true, on held-out rows of the reference, without and with calibration.
    pub calibration: Option<CalibrationCheck>,
    /// How the expected curves are summed.
    pub rounding: Rounding,
    /// Each metric of [`CbpeMetric::ALL`] on the reference, in that order.
    pub metrics: Vec<MetricReference>,
}

impl Cbpe {
    /// Learns from rows whose truth is known: their truths, the model's scores in [0, 1], and what it predicted.
    ///
    /// `below(n)` draws a number in 0..n; the sampling error of the average precision is bootstrapped. `None` for no
    /// rows, lengths that differ, or scores outside [0, 1].
    pub fn fit(
        y: &[bool],
        scores: &[f64],
        predicted: &[bool],
        settings: CbpeSettings,
        below: impl FnMut(usize) -> usize,
    ) -> Option<Self> {
        let lengths = y.len() == scores.len() && y.len() == predicted.len() && !y.is_empty();
        if !lengths || !scores.iter().all(|score| (0.0..=1.0).contains(score)) {
            return None;
        }
        let calibration = check_calibration(y, scores);
        let helps = calibration.is_some_and(|check| check.helps());
        let needed = settings.calibrate.unwrap_or(helps);
        let calibrator = if needed { Isotonic::fit(scores, y) } else { None };
        let parts = windows(y.len(), settings.window_rows);
        let average_precision = bootstrap_of_average_precision(y, scores, below);
        let metrics = CbpeMetric::ALL.map(|metric| {
            let (deviation, fraction) = match metric {
                CbpeMetric::AveragePrecision => average_precision,
                _ => deviation(metric, y, scores, predicted),
            };
            let realized = |part: &std::ops::Range<usize>| {
                realized(metric, &y[part.clone()], &scores[part.clone()], &predicted[part.clone()])
            };
            let defined: Vec<f64> = parts.iter().filter_map(realized).collect();
            let limits = limits(&defined, metric.range());
            MetricReference { metric: metric.name().to_owned(), deviation, fraction, limits }
        });
        Some(Self { calibrator, calibration, rounding: settings.rounding, metrics: metrics.into() })
    }

    /// The probability of the positive class behind a score; `None` for a NaN.
    pub fn probability(&self, score: f64) -> Option<f64> {
        match &self.calibrator {
            Some(curve) => curve.at(score),
            None => (!score.is_nan()).then_some(score),
        }
    }

    /// Estimates every metric on a window from its scores and predictions. Rows whose score is NaN are left out; a
    /// metric that is undefined is absent.
    pub fn estimate(&self, scores: &[f64], predicted: &[bool]) -> Vec<Estimate> {
        let rows: Vec<(f64, f64, bool)> = scores
            .iter()
            .zip(predicted)
            .filter_map(|(&score, &predicted)| Some((self.probability(score)?, score, predicted)))
            .collect();
        let probabilities: Vec<f64> = rows.iter().map(|row| row.0).collect();
        let scores: Vec<f64> = rows.iter().map(|row| row.1).collect();
        let predicted: Vec<bool> = rows.iter().map(|row| row.2).collect();
        let values = expected_values(&probabilities, &scores, &predicted, self.rounding);
        let metrics = CbpeMetric::ALL.into_iter().zip(values).zip(&self.metrics);
        metrics
            .filter_map(|((metric, value), reference)| {
                let scale = if metric.is_count() { rows.len() as f64 } else { 1.0 };
                let error = reference.sampling_error(rows.len()).map(|error| error * scale);
                Some(reference.estimate(value?, error, metric.range()))
            })
            .collect()
    }
}

/// Every metric in expectation, in the order of [`CbpeMetric::ALL`].
pub(super) fn expected_values(
    probabilities: &[f64],
    scores: &[f64],
    predicted: &[bool],
    rounding: Rounding,
) -> [Option<f64>; 13] {
    let cells = ExpectedConfusion::new(probabilities, predicted);
    let ExpectedConfusion { true_positive, false_positive, false_negative, true_negative } = cells;
    let rows = probabilities.len() as f64;
    let positives = positives_from_top(probabilities, scores);
    let count = |cell: f64| (rows > 0.0).then_some(cell);
    let loss = |rows_of: fn(&[bool], &[f64]) -> Vec<f64>| {
        let all = |truth: bool| rows_of(&vec![truth; scores.len()], scores);
        let rows = all(true).into_iter().zip(all(false)).zip(probabilities);
        mean(&rows.map(|((positive, negative), p)| p * positive + (1.0 - p) * negative).collect::<Vec<_>>())
    };
    CbpeMetric::ALL.map(|metric| match metric {
        CbpeMetric::RocAuc => roc_auc(&positives, rounding),
        CbpeMetric::AveragePrecision => average_precision(&positives, rounding),
        CbpeMetric::F1 => ratio(true_positive, true_positive + 0.5 * (false_positive + false_negative)),
        CbpeMetric::Precision => ratio(true_positive, true_positive + false_positive),
        CbpeMetric::Recall => ratio(true_positive, true_positive + false_negative),
        CbpeMetric::Specificity => ratio(true_negative, true_negative + false_positive),
        CbpeMetric::Accuracy => ratio(true_positive + true_negative, rows),
        CbpeMetric::TruePositive => count(true_positive),
        CbpeMetric::TrueNegative => count(true_negative),
        CbpeMetric::FalsePositive => count(false_positive),
        CbpeMetric::FalseNegative => count(false_negative),
        CbpeMetric::Brier => loss(brier_rows),
        CbpeMetric::LogLoss => loss(log_loss_rows),
    })
}

/// A metric on rows whose truth is known; `None` where NannyML has none either.
pub(super) fn realized(metric: CbpeMetric, y: &[bool], scores: &[f64], predicted: &[bool]) -> Option<f64> {
    let cells = Confusion::from_labels(y, predicted, None)?;
    let mixed = cells.positives() > 0.0 && cells.negatives() > 0.0;
    let both = mixed && cells.selected() > 0.0 && cells.selected() < cells.total();
    match metric {
        CbpeMetric::RocAuc => crate::classification::roc_auc(y, scores),
        CbpeMetric::AveragePrecision if !mixed => (cells.positives() > 0.0).then_some(1.0),
        CbpeMetric::AveragePrecision => ScoreCurve::new(y, scores, None).map(|curve| curve.average_precision()),
        CbpeMetric::F1 => cells.f1().filter(|_| both),
        CbpeMetric::Precision => cells.precision().filter(|_| both),
        CbpeMetric::Recall => cells.recall().filter(|_| both),
        CbpeMetric::Specificity => cells.specificity(),
        CbpeMetric::Accuracy => cells.accuracy(),
        CbpeMetric::TruePositive => Some(cells.tp),
        CbpeMetric::TrueNegative => Some(cells.tn),
        CbpeMetric::FalsePositive => Some(cells.fp),
        CbpeMetric::FalseNegative => Some(cells.fn_),
        CbpeMetric::Brier => mean(&brier_rows(y, scores)),
        CbpeMetric::LogLoss => mean(&log_loss_rows(y, scores)),
    }
}

/// Standard deviation of a metric per relevant row of the reference, and the share of those rows.
pub(super) fn deviation(metric: CbpeMetric, y: &[bool], scores: &[f64], predicted: &[bool]) -> (Option<f64>, f64) {
    let Some(cells) = Confusion::from_labels(y, predicted, None) else { return (None, 0.0) };
    let total = cells.total();
    let wrong = cells.fp + cells.fn_;
    let of_share = |hits: f64, relevant: f64| (deviation_of_share(hits, relevant), relevant / total);
    match metric {
        CbpeMetric::RocAuc => deviation_of_placements(y, scores),
        // The rows are weighted so that their mean is the F1.
        CbpeMetric::F1 => {
            let relevant = cells.tp + wrong;
            let (deviation, fraction) = of_share(cells.tp, relevant);
            (deviation.and_then(|deviation| Some(deviation * ratio(relevant, cells.tp + 0.5 * wrong)?)), fraction)
        }
        CbpeMetric::Precision => of_share(cells.tp, cells.selected()),
        CbpeMetric::Recall => of_share(cells.tp, cells.positives()),
        CbpeMetric::Specificity => of_share(cells.tn, cells.negatives()),
        CbpeMetric::Accuracy => of_share(cells.tp + cells.tn, total),
        CbpeMetric::TruePositive => of_share(cells.tp, total),
        CbpeMetric::TrueNegative => of_share(cells.tn, total),
        CbpeMetric::FalsePositive => of_share(cells.fp, total),
        CbpeMetric::FalseNegative => of_share(cells.fn_, total),
        CbpeMetric::Brier => (population_deviation(&brier_rows(y, scores)), 1.0),
        CbpeMetric::LogLoss => (population_deviation(&log_loss_rows(y, scores)), 1.0),
        CbpeMetric::AveragePrecision => (None, 0.0),
    }
}
