use std::collections::BTreeMap;

use flyball_stats::classification::{
    Bin, Calibration, Confusion, ConfusionMatrix, MulticlassProbabilities, ScoreCurve, binary_metrics,
    calibration_curve, confidence_calibration, multiclass_calibration, multiclass_metrics, positive_calibration,
};
use serde_json::Value;

use crate::oracle::{bools, indexes, items, load, near, numbers, same};

fn check_bins(calibration: &Calibration, expected: &Value, what: &str) {
    assert_eq!(calibration.bins.len(), items(expected).len(), "{what}");
    for (bin, expected) in calibration.bins.iter().zip(items(expected)) {
        let &Bin { count, observed, predicted } = bin;
        assert_eq!(count as u64, expected[0].as_u64().unwrap(), "{what}");
        assert_eq!(observed.is_none(), expected[1].is_null(), "{what}");
        if let (Some(observed), Some(predicted)) = (observed, predicted) {
            same(observed, &expected[1], what);
            same(predicted, &expected[2], what);
        }
    }
}

/// Checks every plain number of the oracle; `renamed` maps its names to ours, `elsewhere` is checked by the caller.
fn check_all(metrics: &BTreeMap<&'static str, f64>, expected: &Value, renamed: &[(&str, &str)], elsewhere: &[&str]) {
    for (name, value) in expected.as_object().unwrap() {
        if elsewhere.contains(&name.as_str()) {
            continue;
        }
        let ours = renamed.iter().find(|(theirs, _)| theirs == name).map_or(name.as_str(), |(_, ours)| ours);
        let got = metrics.get(ours).unwrap_or_else(|| panic!("{name} is missing"));
        same(*got, value, name);
    }
}

#[test]
fn binary_metrics_equal_scikit_learn() {
    let renamed = [
        ("ece_10_equal_width_positive_class", "ece"),
        ("mce_10_positive_class", "mce"),
        ("ece_10_confidence_of_predicted", "ece_confidence"),
        ("mce_10_confidence", "mce_confidence"),
    ];
    let elsewhere = [
        "confusion_matrix_tn_fp_fn_tp",
        "calibration_bins_count_acc_conf",
        "calibration_curve_true_pred",
        "weighted",
        "roc_curve",
        "pr_curve",
    ];
    for case in items(&load("metrics")["binary"]) {
        let (y, p) = (bools(&case["y_true"]), numbers(&case["y_prob"]));
        let threshold = case["threshold"].as_f64().unwrap_or(0.5);
        let expected = &case["expected"];
        check_all(&binary_metrics(&y, &p, None, threshold).unwrap(), expected, &renamed, &elsewhere);

        let cells = Confusion::at_threshold(&y, &p, None, threshold).unwrap();
        assert_eq!([cells.tn, cells.fp, cells.fn_, cells.tp], numbers(&expected["confusion_matrix_tn_fp_fn_tp"])[..]);
        if let Some(bins) = expected.get("calibration_bins_count_acc_conf") {
            check_bins(&positive_calibration(&y, &p, 10).unwrap(), bins, "positive class");
        }
        if let Some(curve) = expected.get("calibration_curve_true_pred") {
            let (observed, predicted) = (numbers(&curve[0]), numbers(&curve[1]));
            let got = calibration_curve(&y, &p, 10).unwrap();
            assert_eq!(got.len(), observed.len());
            for (i, point) in got.iter().enumerate() {
                near(point.0, predicted[i], 1e-9, "mean probability");
                near(point.1, observed[i], 1e-9, "share of positives");
            }
        }
        if let Some(weighted) = expected.get("weighted") {
            let weights = numbers(&case["sample_weight"]);
            check_all(&binary_metrics(&y, &p, Some(&weights), threshold).unwrap(), weighted, &[], &[]);
        }
    }
}

#[test]
fn curves_have_scikit_learns_points() {
    let mut cases = 0;
    for case in items(&load("metrics")["binary"]) {
        let (y, p) = (bools(&case["y_true"]), numbers(&case["y_prob"]));
        let expected = &case["expected"];
        let curve = ScoreCurve::new(&y, &p, None).unwrap();
        let Some(roc) = expected.get("roc_curve") else { continue };
        cases += 1;
        let points = curve.roc();
        assert_eq!(points.len(), numbers(&roc["fpr"]).len());
        for (i, point) in points.iter().enumerate() {
            same(point.fpr, &roc["fpr"][i], "fpr");
            same(point.tpr, &roc["tpr"][i], "tpr");
            assert!(point.threshold.is_infinite() || roc["thresholds"][i].as_f64() == Some(point.threshold));
        }
        let pr = &expected["pr_curve"];
        for (i, point) in curve.precision_recall().iter().rev().enumerate() {
            same(point.precision, &pr["precision"][i], "precision");
            same(point.recall, &pr["recall"][i], "recall");
            same(point.threshold, &pr["thresholds"][i], "threshold");
        }
    }
    assert!(cases > 0);
}

#[test]
fn calibration_of_the_predicted_class_never_goes_below_half() {
    let case = &load("metrics")["binary"][0];
    let calibration = confidence_calibration(&bools(&case["y_true"]), &numbers(&case["y_prob"]), 10).unwrap();
    assert!(calibration.bins[..5].iter().all(|bin| bin.count == 0));
}

#[test]
fn multiclass_metrics_equal_scikit_learn() {
    for case in items(&load("metrics")["multiclass"]) {
        let y = indexes(&case["y_true"]);
        let rows: Vec<Vec<f64>> = items(&case["y_prob"]).iter().map(numbers).collect();
        let classes = rows[0].len();
        let p = rows.concat();
        let data = MulticlassProbabilities::new(&y, &p, classes).unwrap();
        let expected = &case["expected"];
        let elsewhere = [
            "confusion_matrix",
            "bins",
            "per_class_support",
            "precision_per_class",
            "recall_per_class",
            "f1_per_class",
        ];
        let renamed = [("ece_10_confidence", "ece_confidence"), ("mce_10", "mce_confidence")];
        check_all(&multiclass_metrics(&data), expected, &renamed, &elsewhere);
        check_bins(&multiclass_calibration(&data, 10).unwrap(), &expected["bins"], "predicted class");

        let matrix = ConfusionMatrix::new(&y, &data.predicted(), classes).unwrap();
        for (row, expected) in matrix.rows().iter().zip(items(&expected["confusion_matrix"])) {
            assert_eq!(*row, crate::oracle::counts(expected));
        }
        for (class, score) in matrix.per_class().iter().enumerate() {
            same(score.precision.unwrap(), &expected["precision_per_class"][class], "precision");
            same(score.recall.unwrap(), &expected["recall_per_class"][class], "recall");
            same(score.f1.unwrap(), &expected["f1_per_class"][class], "f1");
            assert_eq!(Some(score.support), expected["per_class_support"][class].as_u64());
        }
    }
}

#[test]
fn multiclass_input_must_fit() {
    assert!(MulticlassProbabilities::new(&[0, 1], &[0.5, 0.5, 0.5], 2).is_none());
    assert!(MulticlassProbabilities::new(&[2], &[0.5, 0.5], 2).is_none());
    assert!(MulticlassProbabilities::new(&[], &[], 2).is_none());
    let one_class = MulticlassProbabilities::new(&[0, 0], &[0.9, 0.1, 0.8, 0.2], 2).unwrap();
    assert!(!multiclass_metrics(&one_class).contains_key("roc_auc_ovr_macro"));
}
