//! Two classes.

use flyball_stats::classification::{Bin, ScoreCurve, binary_pass, calibration_curve, confidence_calibration, lift};
use flyball_stats::interval::Named;
use serde_json::{Value, json};

use super::{compare, value};
use crate::checks::Checks;
use crate::read::{items, numbers, truths};

/// Expected beside single numbers, and compared one by one.
const ELSEWHERE: &[&str] = &[
    "confusion_matrix_tn_fp_fn_tp",
    "calibration_bins_count_acc_conf",
    "calibration_curve_true_pred",
    "weighted",
    "roc_curve",
    "pr_curve",
];

/// The rows of a case.
struct Rows {
    y: Vec<bool>,
    p: Vec<f64>,
    threshold: f64,
}

/// Compares a case.
pub(super) fn check(case: &Value, name: &str, checks: &mut Checks) {
    let rows = Rows {
        y: truths(&case["y_true"]),
        p: numbers(&case["y_prob"]),
        threshold: case["threshold"].as_f64().unwrap_or(0.5),
    };
    let expected = &case["expected"];
    compare_metrics(&rows, None, expected, name, checks);
    if let Some(weighted) = expected.get("weighted") {
        let weights = numbers(&case["sample_weight"]);
        compare_metrics(&rows, Some(&weights), weighted, &format!("{name} weighted"), checks);
    }
    compare_curves(&rows, expected, name, checks);
}

fn compare_metrics(rows: &Rows, weights: Option<&[f64]>, expected: &Value, case: &str, checks: &mut Checks) {
    let Rows { y, p, threshold } = rows;
    let pass = binary_pass(y, p, weights, *threshold, &[]);
    let metrics: Named = pass.as_ref().map(|pass| pass.overall.metrics(0.95)).unwrap_or_default();
    let curve = ScoreCurve::new(y, p, weights);
    let ours = |name: &str| -> Option<Option<f64>> {
        let known = match name {
            "fpr" => "false_positive_rate",
            "fnr" => "false_negative_rate",
            "tpr" => "recall",
            "tnr" => "specificity",
            "cohen_kappa" => "kappa",
            "roc_auc" => "auc",
            "ks_statistic" => "ks",
            "f1_micro" => "accuracy",
            "ece_10_equal_width_positive_class" => "ece",
            "mce_10_positive_class" => "mce",
            "pr_auc_trapezoid" => return Some(curve.as_ref().map(ScoreCurve::pr_auc_trapezoid)),
            "ece_10_confidence_of_predicted" if weights.is_none() => {
                return Some(confidence_calibration(y, p, 10).map(|bins| bins.expected_error));
            }
            "mce_10_confidence" if weights.is_none() => {
                return Some(confidence_calibration(y, p, 10).map(|bins| bins.largest_error));
            }
            _ => name,
        };
        if let Some(fpr) = name.strip_prefix("roc_auc_max_fpr_") {
            let fpr: f64 = fpr.parse().ok()?;
            return Some(curve.as_ref().and_then(|curve| curve.partial_roc_auc(fpr)));
        }
        if let Some(share) = name.strip_prefix("lift_at_").and_then(|rest| rest.strip_suffix("pct")) {
            let share: f64 = share.parse().ok()?;
            // The shares of the pass are compared as the pass gives them.
            let passed = value(&metrics, &format!("lift_{share}"));
            return Some(passed.or_else(|| lift(y, p, share / 100.0)));
        }
        value(&metrics, known).map(Some).or_else(|| KNOWN.contains(&known).then_some(None))
    };
    let elsewhere = if weights.is_none() { ELSEWHERE } else { &[] };
    compare(expected, case, checks, elsewhere, ours);
    if weights.is_none()
        && let Some(cells) = expected.get("confusion_matrix_tn_fp_fn_tp")
    {
        let got = pass.as_ref().map(|pass| pass.overall.cells);
        let got = got.map(|cells| [cells.tn, cells.fp, cells.fn_, cells.tp]);
        for (cell, expected) in items(cells).iter().enumerate() {
            checks.same(&format!("{case} cell {cell}"), got.and_then(|got| got.get(cell).copied()), expected);
        }
    }
    let bins = expected.get("calibration_bins_count_acc_conf");
    if let (Some(expected), Some(pass)) = (bins, &pass) {
        let bins: Vec<Bin> = pass.overall.reliability(0.95).into_iter().flatten().map(|(bin, _)| bin).collect();
        compare_bins(&bins, expected, case, checks);
    }
}

/// Names of the pass that rows may leave undefined.
const KNOWN: &[&str] = &[
    "accuracy",
    "balanced_accuracy",
    "precision",
    "recall",
    "specificity",
    "false_positive_rate",
    "false_negative_rate",
    "npv",
    "f1",
    "f0_5",
    "f2",
    "f1_macro",
    "f1_weighted",
    "mcc",
    "kappa",
    "jaccard",
    "auc",
    "gini",
    "average_precision",
    "ks",
    "log_loss",
    "brier",
    "ece",
    "mce",
    "selection_rate",
    "base_rate",
];

/// Compares reliability bins: count, share that came true, mean probability.
pub(super) fn compare_bins(bins: &[Bin], expected: &Value, case: &str, checks: &mut Checks) {
    checks.equal(&format!("{case} bins"), &json!(bins.len()), &json!(items(expected).len()));
    for (at, (bin, expected)) in bins.iter().zip(items(expected)).enumerate() {
        checks.same(&format!("{case} bin {at} rows"), bin.weight, &expected[0]);
        checks.same(&format!("{case} bin {at} observed"), bin.observed, &expected[1]);
        checks.same(&format!("{case} bin {at} predicted"), bin.predicted, &expected[2]);
    }
}

fn compare_curves(rows: &Rows, expected: &Value, case: &str, checks: &mut Checks) {
    let Rows { y, p, .. } = rows;
    if let Some(curve) = expected.get("calibration_curve_true_pred") {
        let points = calibration_curve(y, p, 10).unwrap_or_default();
        let (observed, predicted): (Vec<f64>, Vec<f64>) = points.iter().map(|point| (point.1, point.0)).unzip();
        compare_list(&observed, &curve[0], &format!("{case} calibration curve, observed"), checks);
        compare_list(&predicted, &curve[1], &format!("{case} calibration curve, predicted"), checks);
    }
    let curve = ScoreCurve::new(y, p, None);
    if let Some(roc) = expected.get("roc_curve") {
        let points = curve.as_ref().map(ScoreCurve::roc).unwrap_or_default();
        let column =
            |of: fn(&flyball_stats::classification::RocPoint) -> f64| points.iter().map(of).collect::<Vec<_>>();
        compare_list(&column(|point| point.fpr), &roc["fpr"], &format!("{case} fpr"), checks);
        compare_list(&column(|point| point.tpr), &roc["tpr"], &format!("{case} tpr"), checks);
        // The origin is selected by no finite score; fixtures write that in several ways.
        let thresholds = column(|point| point.threshold);
        let theirs: Vec<Value> = items(&roc["thresholds"]).iter().skip(1).cloned().collect();
        compare_list(thresholds.get(1..).unwrap_or_default(), &Value::Array(theirs), &format!("{case} roc"), checks);
    }
    if let Some(pr) = expected.get("pr_curve") {
        let points = curve.as_ref().map(ScoreCurve::precision_recall).unwrap_or_default();
        let column =
            |of: fn(&flyball_stats::classification::PrPoint) -> f64| points.iter().rev().map(of).collect::<Vec<_>>();
        // scikit-learn ends with a point that no score selects: precision 1, recall 0.
        let (mut precision, mut recall) = (column(|point| point.precision), column(|point| point.recall));
        if items(&pr["precision"]).len() == precision.len() + 1 {
            precision.push(1.0);
            recall.push(0.0);
        }
        compare_list(&precision, &pr["precision"], &format!("{case} curve precision"), checks);
        compare_list(&recall, &pr["recall"], &format!("{case} curve recall"), checks);
        compare_list(&column(|point| point.threshold), &pr["thresholds"], &format!("{case} pr thresholds"), checks);
    }
}

/// Compares two lists, their lengths first.
pub(super) fn compare_list(got: &[f64], expected: &Value, what: &str, checks: &mut Checks) {
    checks.equal(&format!("{what}: length"), &json!(got.len()), &json!(items(expected).len()));
    for (at, (got, expected)) in got.iter().zip(items(expected)).enumerate() {
        checks.same(&format!("{what} {at}"), *got, expected);
    }
}
