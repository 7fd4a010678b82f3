//! Curves of an evaluation, reduced to what a chart can show.

use flyball_stats::classification::BinaryPass;
use flyball_stats::regression::{error_normality, normal_quantiles};
use serde::{Deserialize, Serialize};

use crate::answers::{ClassScores, Subject};
use crate::measure::{CONFIDENCE, with_classes};

/// Points of a chart of errors; more could not be told apart.
const POINTS: usize = 200;
/// Classes of the largest confusion matrix that is kept; a larger one could not be read.
const MATRIX_CLASSES: usize = 50;

/// The curves of an evaluation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Curves {
    /// What is selected at falling scores, of which the ROC, precision–recall, lift and gain curves are made.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub selection: Vec<Selection>,
    /// The reliability diagram in ten equal bins of the probability; bins without rows are left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reliability: Vec<Reliability>,
    /// The classes by which the confusion matrix is ordered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// Rows (or weight) by true class, then by predicted class.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub confusion: Vec<Vec<f64>>,
    /// Predicted value and error (predicted minus true) of rows drawn evenly over the predicted values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub residuals: Vec<[f64; 2]>,
    /// Standard normal quantile and error: a straight line where the errors are normal.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub error_quantiles: Vec<[f64; 2]>,
    /// The p-value of normal errors (Jarque–Bera).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normal_errors_p: Option<f64>,
}

/// What is selected from a score on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Selection {
    /// The score.
    pub threshold: f64,
    /// True positive rate: recall, and the gain.
    pub tpr: f64,
    /// False positive rate.
    pub fpr: f64,
    /// Share of the selected that are positive; over the base rate it is the lift.
    pub precision: f64,
    /// Share of the rows that are selected.
    pub selected: f64,
}

/// One bin of the reliability diagram.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reliability {
    /// Rows (or weight) in the bin.
    pub rows: f64,
    /// Their mean probability.
    pub predicted: f64,
    /// Share of them that came true.
    pub observed: f64,
    /// The lower end of its interval (Wilson).
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Curves {
    /// The curves of a classifier of two classes.
    pub(crate) fn of_pass(pass: &BinaryPass) -> Self {
        let cells = &pass.overall.cells;
        let (positives, negatives, total) = (cells.positives(), cells.negatives(), cells.total());
        let selection = pass.curve.iter().map(|point| Selection {
            threshold: short(point.threshold),
            tpr: short(point.tp / positives),
            fpr: short(point.fp / negatives),
            precision: short(if point.tp == 0.0 { 0.0 } else { point.tp / (point.tp + point.fp) }),
            selected: short((point.tp + point.fp) / total),
        });
        let bins = pass.overall.reliability(CONFIDENCE).into_iter().flatten();
        let reliability = bins.filter_map(|(bin, interval)| {
            let (observed, predicted, interval) = (bin.observed?, bin.predicted?, interval?);
            Some(Reliability {
                rows: bin.weight,
                predicted: short(predicted),
                observed: short(observed),
                low: short(interval.low),
                high: short(interval.high),
            })
        });
        Self {
            selection: selection.collect(),
            reliability: reliability.collect(),
            confusion: vec![vec![cells.tn, cells.fp], vec![cells.fn_, cells.tp]],
            ..Self::default()
        }
    }

    /// The confusion matrix of more than two classes.
    pub(crate) fn of_classes(subject: &Subject, classes: &ClassScores) -> Self {
        if classes.names.len() > MATRIX_CLASSES {
            return Self::default();
        }
        let matrix = with_classes(subject, classes, |data| data.matrix());
        let confusion = matrix.map(|matrix| matrix.rows()).unwrap_or_default();
        Self { classes: classes.names.clone(), confusion, ..Self::default() }
    }

    /// The errors of a regression.
    pub(crate) fn of_errors(subject: &Subject) -> Self {
        let mut rows: Vec<[f64; 2]> =
            subject.score.iter().zip(&subject.truth).map(|(score, truth)| [*score, score - truth]).collect();
        rows.sort_unstable_by(|left, right| left[0].total_cmp(&right[0]));
        let errors: Vec<f64> = rows.iter().map(|row| row[1]).collect();
        let count = POINTS.min(rows.len());
        let residuals = (0..count).map(|at| rows[at * rows.len() / count].map(short)).collect();
        let quantiles = normal_quantiles(&errors, POINTS).into_iter();
        Self {
            residuals,
            error_quantiles: quantiles.map(|(deviate, error)| [short(deviate), short(error)]).collect(),
            normal_errors_p: error_normality(&errors).map(|test| test.p_value),
            ..Self::default()
        }
    }
}

/// A number with the digits that a chart can show, so that what is kept stays small.
fn short(number: f64) -> f64 {
    format!("{number:.5e}").parse().unwrap_or(number)
}
