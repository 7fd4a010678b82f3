//! Sums, means and ranks that several modules need.

/// `numerator / denominator`, or `None` when the denominator is zero or the quotient is not a number.
pub(crate) fn ratio(numerator: f64, denominator: f64) -> Option<f64> {
    (denominator != 0.0).then(|| numerator / denominator).filter(|value| !value.is_nan())
}

/// Arithmetic mean; `None` for no rows.
pub(crate) fn mean(values: &[f64]) -> Option<f64> {
    ratio(values.iter().sum(), values.len() as f64)
}

/// Sum of squared deviations from `center`.
pub(crate) fn squared_deviations(values: &[f64], center: f64) -> f64 {
    values.iter().map(|value| (value - center).powi(2)).sum()
}

/// Weighted mean (plain mean without weights); `None` for no weight, or another number of weights than of values.
pub(crate) fn weighted_mean(values: impl ExactSizeIterator<Item = f64>, weights: Option<&[f64]>) -> Option<f64> {
    let rows = values.len();
    match weights {
        None => ratio(values.sum(), rows as f64),
        Some(weights) if weights.len() == rows => {
            ratio(values.zip(weights).map(|(value, weight)| value * weight).sum(), weights.iter().sum())
        }
        Some(_) => None,
    }
}

/// Quantile of ascending values by linear interpolation between order statistics (Hyndman–Fan type 7).
pub(crate) fn quantile(sorted: &[f64], level: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let position = level.clamp(0.0, 1.0) * last as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(last);
    Some(sorted[below] + (sorted[above] - sorted[below]) * (position - below as f64))
}

/// The values in ascending order, without NaN and infinities.
pub(crate) fn finite_sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

/// Ranks from 1, ties sharing their mean rank, and the sizes of the groups of equal values.
pub(crate) fn mid_ranks(values: &[f64]) -> (Vec<f64>, Vec<usize>) {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|&left, &right| values[left].total_cmp(&values[right]));
    let mut ranks = vec![0.0; values.len()];
    let mut groups = Vec::new();
    let mut start = 0;
    for group in order.chunk_by(|&left, &right| values[left] == values[right]) {
        let rank = start as f64 + (group.len() as f64 + 1.0) / 2.0;
        for &row in group {
            ranks[row] = rank;
        }
        start += group.len();
        groups.push(group.len());
    }
    (ranks, groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_share_the_mean_of_their_ranks() {
        let (ranks, groups) = mid_ranks(&[2.0, 1.0, 2.0, 3.0]);
        assert_eq!(ranks, [2.5, 1.0, 2.5, 4.0]);
        assert_eq!(groups, [1, 2, 1]);
    }

    #[test]
    fn a_quantile_interpolates_between_order_statistics() {
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.75), Some(3.0));
        assert_eq!(quantile(&[], 0.5), None);
    }
}
