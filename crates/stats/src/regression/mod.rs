//! Metrics of predicted numbers. An error is prediction minus truth.
//!
//! `weights` are per row. Slices of different lengths, no rows, or a quantity that divides by zero give `None`.

mod intervals;
mod residuals;

pub use intervals::regression_metrics;
pub use residuals::{ErrorBias, Normality, Segment, error_bias, error_normality, normal_quantiles};

use crate::summary::{finite_sorted, quantile, ratio, weighted_mean};

/// Weighted mean of a function of (truth, prediction).
fn mean_of(y: &[f64], predicted: &[f64], weights: Option<&[f64]>, value: impl Fn(f64, f64) -> f64) -> Option<f64> {
    if y.len() != predicted.len() {
        return None;
    }
    weighted_mean(y.iter().zip(predicted).map(|(&y, &predicted)| value(y, predicted)), weights)
}

/// Mean absolute error.
pub fn mae(y: &[f64], predicted: &[f64], weights: Option<&[f64]>) -> Option<f64> {
    mean_of(y, predicted, weights, |y, p| (p - y).abs())
}

/// Mean squared error.
pub fn mse(y: &[f64], predicted: &[f64], weights: Option<&[f64]>) -> Option<f64> {
    mean_of(y, predicted, weights, |y, p| (p - y).powi(2))
}

/// Root of the mean squared error.
pub fn rmse(y: &[f64], predicted: &[f64], weights: Option<&[f64]>) -> Option<f64> {
    mse(y, predicted, weights).map(f64::sqrt)
}

/// Mean absolute error relative to |truth|, which counts as at least the machine epsilon: a zero explodes.
pub fn mape(y: &[f64], predicted: &[f64], weights: Option<&[f64]>) -> Option<f64> {
    mean_of(y, predicted, weights, relative)
}

/// Mean absolute error relative to the mean of |truth| and |prediction|, in 0..=2; 0 where both are zero.
pub fn smape(y: &[f64], predicted: &[f64], weights: Option<&[f64]>) -> Option<f64> {
    mean_of(y, predicted, weights, symmetric)
}

/// Sum of absolute errors over the sum of |truth|.
pub fn wape(y: &[f64], predicted: &[f64], weights: Option<&[f64]>) -> Option<f64> {
    ratio(mae(y, predicted, weights)?, weighted_mean(y.iter().map(|y| y.abs()), weights)?)
}

/// Mean error: positive if the predictions are too high.
pub fn mean_error(y: &[f64], predicted: &[f64], weights: Option<&[f64]>) -> Option<f64> {
    mean_of(y, predicted, weights, |y, p| p - y)
}

/// Standard deviation of the errors, dividing by their number.
pub fn error_std(y: &[f64], predicted: &[f64], weights: Option<&[f64]>) -> Option<f64> {
    let center = mean_error(y, predicted, weights)?;
    mean_of(y, predicted, weights, |y, p| (p - y - center).powi(2)).map(f64::sqrt)
}

/// Variance of the truth around its weighted mean.
fn variance(y: &[f64], weights: Option<&[f64]>) -> Option<f64> {
    let center = weighted_mean(y.iter().copied(), weights)?;
    weighted_mean(y.iter().map(|y| (y - center).powi(2)), weights)
}

/// Coefficient of determination: 1 − MSE / variance of the truth.
pub fn r2(y: &[f64], predicted: &[f64], weights: Option<&[f64]>) -> Option<f64> {
    Some(1.0 - ratio(mse(y, predicted, weights)?, variance(y, weights)?)?)
}

/// As R², but blind to a constant error.
pub fn explained_variance(y: &[f64], predicted: &[f64], weights: Option<&[f64]>) -> Option<f64> {
    Some(1.0 - ratio(error_std(y, predicted, weights)?.powi(2), variance(y, weights)?)?)
}

/// Absolute errors in ascending order. `None` for a NaN or an infinity.
fn sorted_errors(y: &[f64], predicted: &[f64]) -> Option<Vec<f64>> {
    let errors: Vec<f64> = y.iter().zip(predicted).map(|(y, p)| (p - y).abs()).collect();
    let sorted = finite_sorted(&errors);
    (y.len() == predicted.len() && sorted.len() == y.len()).then_some(sorted)
}

/// Largest absolute error.
pub fn max_error(y: &[f64], predicted: &[f64]) -> Option<f64> {
    sorted_errors(y, predicted)?.last().copied()
}

/// Median absolute error.
pub fn median_absolute_error(y: &[f64], predicted: &[f64]) -> Option<f64> {
    quantile(&sorted_errors(y, predicted)?, 0.5)
}

/// Pinball (quantile) loss at `level` in (0, 1).
pub fn pinball(y: &[f64], predicted: &[f64], level: f64, weights: Option<&[f64]>) -> Option<f64> {
    mean_of(y, predicted, weights, |y, p| (level * (y - p)).max((level - 1.0) * (y - p)))
}

/// The number that splits the weight of the rows in half (without weights, the median).
fn weighted_median(values: &[f64], weights: Option<&[f64]>) -> Option<f64> {
    let Some(weights) = weights else { return quantile(&finite_sorted(values), 0.5) };
    let mut rows: Vec<(f64, f64)> = values.iter().copied().zip(weights.iter().copied()).collect();
    rows.sort_by(|left, right| left.0.total_cmp(&right.0));
    let half = weights.iter().sum::<f64>() / 2.0;
    let mut passed = 0.0;
    let above = rows.iter().position(|(_, weight)| {
        passed += weight;
        passed >= half
    })?;
    Some(rows[above].0)
}

/// 1 − MAE / MAE of always predicting the median of the truth.
pub fn d2_absolute_error(y: &[f64], predicted: &[f64], weights: Option<&[f64]>) -> Option<f64> {
    let median = weighted_median(y, weights)?;
    let baseline = weighted_mean(y.iter().map(|y| (y - median).abs()), weights)?;
    Some(1.0 - ratio(mae(y, predicted, weights)?, baseline)?)
}

/// Pearson's correlation of truth and prediction.
pub fn pearson(y: &[f64], predicted: &[f64], weights: Option<&[f64]>) -> Option<f64> {
    let y_mean = weighted_mean(y.iter().copied(), weights)?;
    let p_mean = weighted_mean(predicted.iter().copied(), weights)?;
    let covariance = mean_of(y, predicted, weights, |y, p| (y - y_mean) * (p - p_mean))?;
    ratio(covariance, (variance(y, weights)? * variance(predicted, weights)?).sqrt())
}

/// Mean squared error of ln(1 + x). `None` if a value is not above −1.
pub fn msle(y: &[f64], predicted: &[f64], weights: Option<&[f64]>) -> Option<f64> {
    mean_of(y, predicted, weights, log_square).filter(|value| value.is_finite())
}

/// Mean Poisson deviance. `None` if a truth is negative or a prediction not positive.
pub fn poisson_deviance(y: &[f64], predicted: &[f64], weights: Option<&[f64]>) -> Option<f64> {
    if y.iter().any(|&y| y < 0.0) || predicted.iter().any(|&p| p <= 0.0) {
        return None;
    }
    mean_of(y, predicted, weights, poisson)
}

/// Mean gamma deviance. `None` if a value is not positive.
pub fn gamma_deviance(y: &[f64], predicted: &[f64], weights: Option<&[f64]>) -> Option<f64> {
    if y.iter().chain(predicted).any(|&value| value <= 0.0) {
        return None;
    }
    mean_of(y, predicted, weights, gamma)
}

fn relative(y: f64, p: f64) -> f64 {
    (p - y).abs() / y.abs().max(f64::EPSILON)
}

fn symmetric(y: f64, p: f64) -> f64 {
    if y == 0.0 && p == 0.0 { 0.0 } else { 2.0 * (p - y).abs() / (y.abs() + p.abs()) }
}

fn log_square(y: f64, p: f64) -> f64 {
    (p.ln_1p() - y.ln_1p()).powi(2)
}

fn poisson(y: f64, p: f64) -> f64 {
    let relative = if y == 0.0 { 0.0 } else { y * (y / p).ln() };
    2.0 * (relative - y + p)
}

fn gamma(y: f64, p: f64) -> f64 {
    2.0 * ((p / y).ln() + y / p - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_truth_has_no_r2() {
        assert_eq!(r2(&[1.0, 1.0], &[1.0, 2.0], None), None);
        assert_eq!(mae(&[1.0], &[], None), None);
        assert_eq!(max_error(&[], &[]), None);
        assert_eq!(max_error(&[f64::NAN, 1.0], &[1.0, 2.0]), None);
    }

    #[test]
    fn deviances_refuse_values_outside_their_domain() {
        assert_eq!(poisson_deviance(&[1.0], &[0.0], None), None);
        assert_eq!(gamma_deviance(&[0.0], &[1.0], None), None);
        assert_eq!(msle(&[-2.0], &[1.0], None), None);
        assert_eq!(poisson_deviance(&[0.0], &[0.5], None), Some(1.0));
    }

    #[test]
    fn a_weight_of_two_is_a_row_twice() {
        let (y, p) = ([1.0, 2.0, 4.0, 7.0], [1.5, 1.0, 5.0, 6.0]);
        let (y_twice, p_twice) = ([1.0, 2.0, 4.0, 7.0, 7.0], [1.5, 1.0, 5.0, 6.0, 6.0]);
        let weights = [1.0, 1.0, 1.0, 2.0];
        for (once, twice) in [
            (d2_absolute_error(&y, &p, Some(&weights)), d2_absolute_error(&y_twice, &p_twice, None)),
            (pearson(&y, &p, Some(&weights)), pearson(&y_twice, &p_twice, None)),
            (gamma_deviance(&y, &p, Some(&weights)), gamma_deviance(&y_twice, &p_twice, None)),
        ] {
            assert!((once.unwrap() - twice.unwrap()).abs() < 1e-12, "{once:?} {twice:?}");
        }
    }
}
