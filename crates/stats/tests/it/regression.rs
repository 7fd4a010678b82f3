use flyball_stats::regression::{gamma_deviance, mape, msle, poisson_deviance, regression_metrics};

use crate::oracle::{items, load, numbers, same};

#[test]
fn regression_metrics_equal_scikit_learn() {
    for case in items(&load("metrics")["regression"]) {
        let (y, p) = (numbers(&case["y_true"]), numbers(&case["y_pred"]));
        let weights = numbers(&case["sample_weight"]);
        let metrics = regression_metrics(&y, &p, None).unwrap();
        let weighted = regression_metrics(&y, &p, Some(&weights)).unwrap();
        let positive = |values: &[f64]| values.iter().map(|value| value.abs() + 0.1).collect::<Vec<_>>();
        let (y_positive, p_positive) = (positive(&y), positive(&p));
        for (name, expected) in case["expected"].as_object().unwrap() {
            match name.as_str() {
                "weighted" => {
                    for (name, expected) in expected.as_object().unwrap() {
                        same(weighted[name.as_str()], expected, name);
                    }
                }
                "msle_on_abs_plus_0.1" => same(msle(&y_positive, &p_positive).unwrap(), expected, name),
                "rmsle_on_abs_plus_0.1" => same(msle(&y_positive, &p_positive).unwrap().sqrt(), expected, name),
                "poisson_deviance_on_abs_plus_0.1" => {
                    same(poisson_deviance(&y_positive, &p_positive).unwrap(), expected, name);
                }
                "gamma_deviance_on_abs_plus_0.1" => {
                    same(gamma_deviance(&y_positive, &p_positive).unwrap(), expected, name);
                }
                "mape_with_zero_target(y_true[0]=0)" => {
                    let mut y = y.clone();
                    y[0] = 0.0;
                    let (got, expected) = (mape(&y, &p, None).unwrap(), expected.as_f64().unwrap());
                    assert!((got / expected - 1.0).abs() < 1e-12, "{got} is not {expected}");
                }
                "mean_error_pred_minus_true" => same(metrics["mean_error"], expected, name),
                "std_error_ddof0" => same(metrics["error_std"], expected, name),
                _ => same(metrics[name.as_str()], expected, name),
            }
        }
    }
}
