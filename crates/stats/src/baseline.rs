//! Metrics of answering every row alike, which any model must beat.

use crate::regression::{mae, mse};
use crate::summary::{finite_sorted, quantile, ratio, weighted_mean};

/// The metrics of giving every row the shares of the classes as probabilities, and so predicting the most common class:
/// log loss and Brier score are the least that any constant reaches. Of two classes (the second one is positive) the
/// Brier score is that of the positive one, and `f1` and `average_precision` are those of calling every row positive.
/// `None` for no weight, lengths that differ, or a label that is not below `classes`.
pub fn same_class_for_all(y: &[usize], classes: usize, weights: Option<&[f64]>) -> Option<Vec<(&'static str, f64)>> {
    if weights.is_some_and(|weights| weights.len() != y.len()) {
        return None;
    }
    let mut shares = vec![0.0; classes];
    for (row, &class) in y.iter().enumerate() {
        *shares.get_mut(class)? += weights.map_or(1.0, |weights| weights[row]);
    }
    let total: f64 = shares.iter().sum();
    let shares = shares.iter().map(|share| ratio(*share, total)).collect::<Option<Vec<f64>>>()?;
    let entropy: f64 = shares.iter().filter(|share| **share > 0.0).map(|share| -share * share.ln()).sum();
    let concentration: f64 = shares.iter().map(|share| share * share).sum();
    let most = shares.iter().copied().fold(0.0, f64::max);
    let mut metrics = vec![("accuracy", most), ("log_loss", entropy), ("auc", 0.5)];
    if let [_, positive] = shares[..] {
        metrics.push(("brier", positive * (1.0 - positive)));
        metrics.push(("average_precision", positive));
        metrics.push(("f1", 2.0 * positive / (1.0 + positive)));
    } else {
        metrics.push(("brier", 1.0 - concentration));
    }
    Some(metrics)
}

/// The metrics of giving every row the mean of the truth, for the absolute error its median. `None` without rows, or
/// for a truth that is not finite.
pub fn same_number_for_all(y: &[f64], weights: Option<&[f64]>) -> Option<Vec<(&'static str, f64)>> {
    let sorted = finite_sorted(y);
    if sorted.len() != y.len() {
        return None;
    }
    let (mean, median) = (weighted_mean(y.iter().copied(), weights)?, quantile(&sorted, 0.5)?);
    let (of_mean, of_median) = (vec![mean; y.len()], vec![median; y.len()]);
    Some(vec![("rmse", mse(y, &of_mean, weights)?.sqrt()), ("mae", mae(y, &of_median, weights)?), ("r2", 0.0)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_cost_what_their_definitions_say() {
        let metrics = same_class_for_all(&[1, 0, 0, 0], 2, None).unwrap();
        let value = |name: &str| metrics.iter().find(|(known, _)| *known == name).unwrap().1;
        assert_eq!((value("accuracy"), value("brier"), value("average_precision")), (0.75, 0.1875, 0.25));
        assert!((value("log_loss") - 0.562_335_144_618_808).abs() < 1e-12);
        assert_eq!(value("f1"), 0.4);
        let metrics = same_number_for_all(&[1.0, 2.0, 9.0], None).unwrap();
        assert_eq!(metrics[1], ("mae", 8.0 / 3.0));
        assert!((metrics[0].1 - (38.0_f64 / 3.0).sqrt()).abs() < 1e-12);
        assert!(same_class_for_all(&[3], 2, None).is_none() && same_class_for_all(&[], 2, None).is_none());
        assert!(same_number_for_all(&[], None).is_none() && same_number_for_all(&[f64::NAN], None).is_none());
    }
}
