//! Proper scores of probabilities.

use crate::summary::weighted_mean;

/// Log loss of a row: −ln of the probability given to what happened, kept away from 0 by the machine epsilon.
pub fn row_log_loss(y: bool, p: f64) -> f64 {
    let given = if y { p } else { 1.0 - p };
    -given.clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
}

/// [`row_log_loss`] of each row. Rows beyond the shorter slice are left out.
pub fn log_loss_rows(y: &[bool], p: &[f64]) -> Vec<f64> {
    y.iter().zip(p).map(|(&y, &p)| row_log_loss(y, p)).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certainty_that_fails_costs_a_finite_loss() {
        let loss = log_loss(&[true], &[0.0], None).unwrap();
        assert!((loss + f64::EPSILON.ln()).abs() < 1e-12);
        assert_eq!(log_loss(&[], &[], None), None);
    }
}
