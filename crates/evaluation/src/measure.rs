//! One metric of one set of rows, with its interval.

use std::collections::BTreeMap;

use flyball_core::Task;
use flyball_stats::interval::Interval;
use flyball_stats::{classification, interval, regression};
use serde::{Deserialize, Serialize};

/// The confidence of every interval that we show.
pub const CONFIDENCE: f64 = 0.95;
/// The probability from which on a row counts as positive.
pub const THRESHOLD: f64 = 0.5;

/// A metric's value with its interval at `CONFIDENCE` and the number of rows behind it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// The value.
    pub value: f64,
    /// The lower end of the interval, where one is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub low: Option<f64>,
    /// The upper end of the interval.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub high: Option<f64>,
    /// The rows behind it.
    pub rows: usize,
}

impl Measure {
    fn new(value: f64, interval: Option<Interval>, rows: usize) -> Self {
        Self { value, low: interval.map(|i| i.low), high: interval.map(|i| i.high), rows }
    }
}

/// All metrics of the task that are defined on these rows: `truth` holds the class (0 or 1) or the target value, `score`
/// the probability of the positive class or the predicted value. Metrics that the rows cannot define (AUC without both
/// classes, anything without rows) are left out.
pub fn measure(task: Task, truth: &[f64], score: &[f64]) -> BTreeMap<String, Measure> {
    if truth.is_empty() {
        return BTreeMap::new();
    }
    match task {
        Task::Classification => binary(truth, score),
        Task::Regression => numeric(truth, score),
    }
}

fn binary(truth: &[f64], score: &[f64]) -> BTreeMap<String, Measure> {
    let rows = truth.len();
    let labels: Vec<bool> = truth.iter().map(|&y| y > 0.5).collect();
    let mut found = BTreeMap::new();
    let mut add = |name: &str, value: Option<f64>, interval: Option<Interval>| {
        if let Some(value) = value.filter(|v| v.is_finite()) {
            found.insert(name.to_owned(), Measure::new(value, interval, rows));
        }
    };
    add("auc", classification::roc_auc(&labels, score), interval::auc_interval(&labels, score, CONFIDENCE));
    let losses: Vec<f64> = labels.iter().zip(score).map(|(&y, &p)| row_log_loss(y, p)).collect();
    add("log_loss", mean(&losses), interval::mean_interval(&losses, CONFIDENCE));
    let squares: Vec<f64> = truth.iter().zip(score).map(|(y, p)| (y - p) * (y - p)).collect();
    add("brier", mean(&squares), interval::mean_interval(&squares, CONFIDENCE));
    let count = |wanted: bool, chosen: bool| {
        labels.iter().zip(score).filter(|&(&y, &p)| y == wanted && (p >= THRESHOLD) == chosen).count() as u64
    };
    let (tp, fp, fn_, tn) = (count(true, true), count(false, true), count(true, false), count(false, false));
    let mut share = |name: &str, part: u64, whole: u64| {
        if whole > 0 {
            add(name, Some(part as f64 / whole as f64), interval::wilson(part as f64, whole as f64, CONFIDENCE));
        }
    };
    share("accuracy", tp + tn, tp + tn + fp + fn_);
    share("precision", tp, tp + fp);
    share("recall", tp, tp + fn_);
    share("false_positive_rate", fp, fp + tn);
    share("selection_rate", tp + fp, tp + tn + fp + fn_);
    share("base_rate", tp + fn_, tp + tn + fp + fn_);
    if 2 * tp + fp + fn_ > 0 {
        add("f1", Some(2.0 * tp as f64 / (2 * tp + fp + fn_) as f64), None);
    }
    found
}

fn numeric(truth: &[f64], score: &[f64]) -> BTreeMap<String, Measure> {
    let rows = truth.len();
    let mut found = BTreeMap::new();
    let mut add = |name: &str, value: Option<f64>, interval: Option<Interval>| {
        if let Some(value) = value.filter(|v| v.is_finite()) {
            found.insert(name.to_owned(), Measure::new(value, interval, rows));
        }
    };
    let errors: Vec<f64> = truth.iter().zip(score).map(|(y, p)| p - y).collect();
    let absolute: Vec<f64> = errors.iter().map(|e| e.abs()).collect();
    let squares: Vec<f64> = errors.iter().map(|e| e * e).collect();
    let root = |i: Interval| Interval { low: i.low.max(0.0).sqrt(), high: i.high.max(0.0).sqrt() };
    add("rmse", mean(&squares).map(f64::sqrt), interval::mean_interval(&squares, CONFIDENCE).map(root));
    add("mae", mean(&absolute), interval::mean_interval(&absolute, CONFIDENCE));
    add("mean_error", mean(&errors), interval::mean_interval(&errors, CONFIDENCE));
    add("r2", regression::r2(truth, score, None), None);
    found
}

/// The log loss of one row (natural logarithm), probabilities kept 1e-15 away from 0 and 1.
pub fn row_log_loss(positive: bool, probability: f64) -> f64 {
    let p = probability.clamp(1e-15, 1.0 - 1e-15);
    if positive { -p.ln() } else { -(1.0 - p).ln() }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_hold_their_values_and_undefined_metrics_are_left_out() {
        let truth: Vec<f64> = (0..200).map(|row| f64::from(u8::from(row % 4 == 0))).collect();
        let score: Vec<f64> =
            (0..200).map(|row| if row % 4 == 0 { 0.6 } else { 0.1 + 0.003 * f64::from(row % 200) }).collect();
        let measured = measure(Task::Classification, &truth, &score);
        for (name, measure) in &measured {
            let (low, high) = (measure.low.unwrap_or(measure.value), measure.high.unwrap_or(measure.value));
            assert!(low <= measure.value && measure.value <= high, "{name}: {measure:?}");
        }
        assert_eq!(measured["base_rate"].value, 0.25);
        let one_class = super::measure(Task::Classification, &[0.0, 0.0], &[0.2, 0.3]);
        assert!(
            !one_class.contains_key("auc") && !one_class.contains_key("recall") && one_class.contains_key("log_loss")
        );
        assert!(super::measure(Task::Regression, &[], &[]).is_empty());
    }

    #[test]
    fn regression_metrics_are_those_of_the_definition() {
        let measured = measure(Task::Regression, &[1.0, 2.0, 3.0, 4.0], &[1.0, 2.0, 3.0, 8.0]);
        assert_eq!(measured["mae"].value, 1.0);
        assert_eq!(measured["rmse"].value, 2.0);
        assert_eq!(measured["mean_error"].value, 1.0);
    }
}
