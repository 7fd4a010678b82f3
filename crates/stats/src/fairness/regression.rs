//! Group fairness of predicted numbers.

use crate::compare::Moments;
use crate::interval::Interval;

/// The errors of one group, predicted minus true.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct GroupErrors {
    predictions: Moments,
    errors: Moments,
    absolute: Moments,
    squares: Moments,
}

/// A value with its interval, where there is one.
type Estimated = Option<(f64, Option<Interval>)>;

impl GroupErrors {
    /// Rows with a prediction.
    pub fn rows(&self) -> u64 {
        self.predictions.count()
    }

    /// Rows whose truth is known too.
    pub fn labelled(&self) -> u64 {
        self.errors.count()
    }

    /// Mean predicted value; `None` without rows, as with all others here.
    pub fn mean_prediction(&self, confidence: f64) -> Estimated {
        estimated(&self.predictions, confidence)
    }

    /// Mean of predicted minus true.
    pub fn mean_error(&self, confidence: f64) -> Estimated {
        estimated(&self.errors, confidence)
    }

    /// Mean absolute error.
    pub fn mae(&self, confidence: f64) -> Estimated {
        estimated(&self.absolute, confidence)
    }

    /// Root of the mean squared error.
    pub fn rmse(&self, confidence: f64) -> Estimated {
        let root = |interval: Interval| Interval { low: interval.low.max(0.0).sqrt(), high: interval.high.sqrt() };
        estimated(&self.squares, confidence).map(|(value, interval)| (value.sqrt(), interval.map(root)))
    }
}

fn estimated(moments: &Moments, confidence: f64) -> Estimated {
    moments.mean().map(|mean| (mean, moments.interval(confidence)))
}

/// The errors of each group, in one pass. `codes` holds an index below `groups` for each row; rows without a prediction
/// (NaN) are left out, and those without a truth count for the predictions only. `None` if lengths differ or an index is too
/// high.
pub fn group_errors(truth: &[f64], predicted: &[f64], codes: &[u32], groups: usize) -> Option<Vec<GroupErrors>> {
    if truth.len() != predicted.len() || truth.len() != codes.len() {
        return None;
    }
    let mut found = vec![GroupErrors::default(); groups];
    for ((&truth, &predicted), &code) in truth.iter().zip(predicted).zip(codes) {
        let own = found.get_mut(code as usize)?;
        if !predicted.is_finite() {
            continue;
        }
        own.predictions.add(predicted);
        let error = predicted - truth;
        if error.is_finite() {
            own.errors.add(error);
            own.absolute.add(error.abs());
            own.squares.add(error * error);
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_of_each_group_and_unknown_truths_count_for_predictions_only() {
        let nan = f64::NAN;
        let found = group_errors(&[1.0, 2.0, nan, 5.0], &[2.0, 0.0, 4.0, nan], &[0, 0, 0, 1], 2).unwrap();
        let value = |estimated: Estimated| estimated.map(|(value, _)| value);
        assert_eq!((found[0].rows(), found[0].labelled()), (3, 2));
        assert_eq!((value(found[0].mean_prediction(0.95)), value(found[0].mae(0.95))), (Some(2.0), Some(1.5)));
        assert_eq!(value(found[0].mean_error(0.95)), Some(-0.5));
        assert!((value(found[0].rmse(0.95)).unwrap() - 2.5_f64.sqrt()).abs() < 1e-15);
        assert_eq!((found[1].rows(), found[1].mae(0.95)), (0, None));
        assert_eq!(group_errors(&[1.0], &[1.0], &[1], 1), None);
    }
}
