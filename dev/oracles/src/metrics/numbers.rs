//! Predicted numbers.

use flyball_stats::regression::{gamma_deviance, mape, msle, pinball, poisson_deviance, regression_metrics};
use serde_json::Value;

use super::{compare, value};
use crate::checks::Checks;
use crate::read::numbers;

/// A zero target divides by the machine epsilon; what comes out is compared to this share.
const EXPLODED: f64 = 1e-9;

/// Compares a case.
pub(super) fn check(case: &Value, name: &str, checks: &mut Checks) {
    let (y, p) = (numbers(&case["y_true"]), numbers(&case["y_pred"]));
    let expected = &case["expected"];
    compare_metrics(&y, &p, None, expected, name, checks);
    if let Some(weighted) = expected.get("weighted") {
        let weights = numbers(&case["sample_weight"]);
        compare_metrics(&y, &p, Some(&weights), weighted, &format!("{name} weighted"), checks);
    }
    let key = "mape_with_zero_target(y_true[0]=0)";
    if let Some(expected) = expected.get(key) {
        let with_zero: Vec<f64> = [0.0].into_iter().chain(y.iter().skip(1).copied()).collect();
        let tolerance = EXPLODED * crate::checks::number(expected).abs().max(1.0);
        checks.near(&format!("{name} {key}"), mape(&with_zero, &p, None), expected, tolerance);
    }
}

fn compare_metrics(y: &[f64], p: &[f64], weights: Option<&[f64]>, expected: &Value, name: &str, checks: &mut Checks) {
    let metrics = regression_metrics(y, p, weights, 0.95).unwrap_or_default();
    let positive = |values: &[f64]| values.iter().map(|value| value.abs() + 0.1).collect::<Vec<_>>();
    let (y_positive, p_positive) = (positive(y), positive(p));
    let ours = |name: &str| -> Option<Option<f64>> {
        Some(match name {
            "mean_error_pred_minus_true" => value(&metrics, "mean_error"),
            "std_error_ddof0" => value(&metrics, "error_std"),
            "pearson_r" => value(&metrics, "pearson"),
            "msle_on_abs_plus_0.1" => msle(&y_positive, &p_positive, weights),
            "rmsle_on_abs_plus_0.1" => msle(&y_positive, &p_positive, weights).map(f64::sqrt),
            "poisson_deviance_on_abs_plus_0.1" => poisson_deviance(&y_positive, &p_positive, weights),
            "gamma_deviance_on_abs_plus_0.1" => gamma_deviance(&y_positive, &p_positive, weights),
            "r2" | "explained_variance" | "pearson" | "msle" | "rmsle" | "poisson_deviance" | "gamma_deviance"
            | "d2_absolute_error" | "wape" => value(&metrics, name),
            _ => match name.strip_prefix("pinball_") {
                Some(level) => pinball(y, p, level.parse().ok()?, weights),
                None => return value(&metrics, name).map(Some),
            },
        })
    };
    compare(expected, name, checks, &["weighted", "mape_with_zero_target(y_true[0]=0)"], ours);
}
