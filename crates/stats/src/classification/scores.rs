//! Proper scores, and all binary metrics by name.

use std::collections::BTreeMap;

use super::curve::lifts;
use super::{Confusion, ScoreCurve, confidence_calibration, positive_calibration};
use crate::summary::weighted_mean;

/// Log loss of each row: −ln of the probability given to what happened, with p kept away from 0 and 1 by the
/// machine epsilon. Rows beyond the shorter slice are left out.
pub fn log_loss_rows(y: &[bool], p: &[f64]) -> Vec<f64> {
    let row = |(&y, &p): (&bool, &f64)| {
        let p = p.clamp(f64::EPSILON, 1.0 - f64::EPSILON);
        if y { -p.ln() } else { -(-p).ln_1p() }
    };
    y.iter().zip(p).map(row).collect()
}

/// Squared error of the probability, row by row. Rows beyond the shorter slice are left out.
pub fn brier_rows(y: &[bool], p: &[f64]) -> Vec<f64> {
    y.iter().zip(p).map(|(&y, &p)| (f64::from(u8::from(y)) - p).powi(2)).collect()
}

/// Mean log loss, natural logarithm.
pub fn log_loss(y: &[bool], p: &[f64], weights: Option<&[f64]>) -> Option<f64> {
    if y.len() != p.len() {
        return None;
    }
    weighted_mean(log_loss_rows(y, p).into_iter(), weights)
}

/// Brier score: mean squared error of the probability.
pub fn brier(y: &[bool], p: &[f64], weights: Option<&[f64]>) -> Option<f64> {
    if y.len() != p.len() {
        return None;
    }
    weighted_mean(brier_rows(y, p).into_iter(), weights)
}

/// Every binary metric that is defined for these rows, by name: the rates at `threshold`, `roc_auc`, `log_loss`,
/// `brier`, calibration errors (`ece`, `mce`, and of the predicted class `ece_confidence`, `mce_confidence`; 10 equal
/// bins) and `lift_at_5pct` … `lift_at_50pct`. Lifts and calibration ignore the weights.
pub fn binary_metrics(
    y: &[bool],
    p: &[f64],
    weights: Option<&[f64]>,
    threshold: f64,
) -> Option<BTreeMap<&'static str, f64>> {
    let cells = Confusion::at_threshold(y, p, weights, threshold)?;
    let curve = ScoreCurve::new(y, p, weights);
    let curve = curve.as_ref();
    let area = curve.map(ScoreCurve::roc_auc);
    let positive = positive_calibration(y, p, 10);
    let confidence = confidence_calibration(y, p, 10);
    let [at_5, at_10, at_20, at_50] = lifts(y, p, [0.05, 0.1, 0.2, 0.5]);
    let metrics = [
        ("accuracy", cells.accuracy()),
        ("balanced_accuracy", cells.balanced_accuracy()),
        ("precision", cells.precision()),
        ("recall", cells.recall()),
        ("specificity", cells.specificity()),
        ("fpr", cells.fpr()),
        ("fnr", cells.fnr()),
        ("npv", cells.npv()),
        ("f1", cells.f1()),
        ("f0_5", cells.f_beta(0.5)),
        ("f2", cells.f_beta(2.0)),
        ("f1_macro", cells.f1_macro()),
        ("f1_weighted", cells.f1_weighted()),
        ("f1_micro", cells.accuracy()),
        ("mcc", cells.mcc()),
        ("cohen_kappa", cells.cohen_kappa()),
        ("jaccard", cells.jaccard()),
        ("selection_rate", cells.selection_rate()),
        ("roc_auc", area),
        ("roc_auc_max_fpr_0.1", curve.and_then(|curve| curve.partial_roc_auc(0.1))),
        ("gini", area.map(|area| 2.0 * area - 1.0)),
        ("average_precision", curve.map(ScoreCurve::average_precision)),
        ("pr_auc_trapezoid", curve.map(ScoreCurve::pr_auc_trapezoid)),
        ("ks_statistic", curve.map(ScoreCurve::ks_statistic)),
        ("log_loss", log_loss(y, p, weights)),
        ("brier", brier(y, p, weights)),
        ("ece", positive.as_ref().map(|bins| bins.expected_error)),
        ("mce", positive.as_ref().map(|bins| bins.largest_error)),
        ("ece_confidence", confidence.as_ref().map(|bins| bins.expected_error)),
        ("mce_confidence", confidence.as_ref().map(|bins| bins.largest_error)),
        ("lift_at_5pct", at_5),
        ("lift_at_10pct", at_10),
        ("lift_at_20pct", at_20),
        ("lift_at_50pct", at_50),
    ];
    Some(metrics.into_iter().filter_map(|(name, value)| Some((name, value?))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certainty_that_fails_costs_a_finite_loss() {
        let loss = log_loss(&[true], &[0.0], None).unwrap();
        assert!((loss + f64::EPSILON.ln()).abs() < 1e-12);
        assert_eq!(log_loss(&[], &[], None), None);
    }

    #[test]
    fn undefined_metrics_are_left_out() {
        let metrics = binary_metrics(&[false, false], &[0.1, 0.2], None, 0.5).unwrap();
        assert!(!metrics.contains_key("roc_auc"));
        assert_eq!(metrics["accuracy"], 1.0);
        assert_eq!(binary_metrics(&[true], &[], None, 0.5), None);
    }
}
