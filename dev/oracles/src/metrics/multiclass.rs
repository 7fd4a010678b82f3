//! Several classes.

use flyball_stats::classification::{Average, MulticlassProbabilities, multiclass_metrics};
use serde_json::Value;

use super::binary::{compare_bins, compare_list};
use super::{compare, value};
use crate::checks::Checks;
use crate::read::{items, numbers};

/// Expected beside single numbers, and compared one by one.
const ELSEWHERE: &[&str] = &[
    "confusion_matrix",
    "bins",
    "per_class_support",
    "precision_per_class",
    "recall_per_class",
    "f1_per_class",
    "weighted",
];

/// Compares a case.
pub(super) fn check(case: &Value, name: &str, checks: &mut Checks) {
    let y: Vec<usize> = numbers(&case["y_true"]).iter().map(|&class| class as usize).collect();
    let rows: Vec<Vec<f64>> = items(&case["y_prob"]).iter().map(numbers).collect();
    let (classes, p) = (rows.first().map_or(0, Vec::len), rows.concat());
    let expected = &case["expected"];
    let Some(data) = MulticlassProbabilities::new(&y, &p, classes, None) else {
        checks.leave_out(format!("{name}: its rows do not fit together"));
        return;
    };
    compare_metrics(&data, expected, name, checks);
    if let Some(weighted) = expected.get("weighted") {
        let weights = numbers(&case["sample_weight"]);
        if let Some(data) = MulticlassProbabilities::new(&y, &p, classes, Some(&weights)) {
            compare_metrics(&data, weighted, &format!("{name} weighted"), checks);
        }
    }
    if let (Some(expected), Some(calibration)) = (expected.get("bins"), data.calibration(10)) {
        compare_bins(&calibration.bins, expected, name, checks);
    }
    let Some(matrix) = data.matrix() else { return };
    for (truth, expected) in items(&expected["confusion_matrix"]).iter().enumerate() {
        let row = matrix.rows().get(truth).cloned().unwrap_or_default();
        compare_list(&row, expected, &format!("{name} confusion of class {truth}"), checks);
    }
    let scores = matrix.per_class();
    let column = |of: fn(&flyball_stats::classification::ClassScore) -> Option<f64>| {
        scores.iter().map(|score| of(score).unwrap_or(f64::NAN)).collect::<Vec<f64>>()
    };
    let columns = [
        ("per_class_support", column(|score| Some(score.support))),
        ("precision_per_class", column(|score| score.precision)),
        ("recall_per_class", column(|score| score.recall)),
        ("f1_per_class", column(|score| score.f1)),
    ];
    for (key, got) in columns {
        if let Some(expected) = expected.get(key) {
            compare_list(&got, expected, &format!("{name} {key}"), checks);
        }
    }
}

fn compare_metrics(data: &MulticlassProbabilities<'_>, expected: &Value, name: &str, checks: &mut Checks) {
    let labels = data.labels().unwrap_or_default();
    let metrics = multiclass_metrics(data, &labels, 0.95);
    let ours = |name: &str| -> Option<Option<f64>> {
        let known = match name {
            "cohen_kappa" => "kappa",
            "brier_multiclass" => "brier",
            "precision_macro" => "precision",
            "recall_macro" => "recall",
            "f1_macro" => "f1",
            "precision_micro" | "recall_micro" | "f1_micro" => "accuracy",
            "roc_auc_ovr_macro" => "auc",
            "roc_auc_ovr_weighted" => "auc_ovr_weighted",
            "roc_auc_ovr_micro" => "auc_ovr_micro",
            "roc_auc_ovo_macro" => "auc_ovo",
            "roc_auc_ovo_weighted" => return Some(data.roc_auc_ovo(Average::Weighted)),
            "average_precision_macro_ovr" => "average_precision",
            "ece_10_confidence" => "ece",
            "mce_10" => "mce",
            _ => name,
        };
        if let Some(k) = name.strip_prefix("top").and_then(|rest| rest.strip_suffix("_accuracy")) {
            return Some(data.top_k_accuracy(k.parse().ok()?));
        }
        let undefined = ["auc", "auc_ovr_weighted", "auc_ovo", "average_precision", "precision", "recall", "f1", "mcc"];
        value(&metrics, known).map(Some).or_else(|| undefined.contains(&known).then_some(None))
    };
    compare(expected, name, checks, ELSEWHERE, ours);
}
