//! Paired tests on per-row losses.

use crate::special::{normal_sf, student_t_sf};
use crate::summary::{mean, mid_ranks, squared_deviations};

/// Up to this many different rows without ties, Wilcoxon's distribution is counted out.
const EXACT_ROWS: usize = 50;

/// Paired Student's t.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairedT {
    /// Mean of left − right.
    pub mean_difference: f64,
    /// Standard error of that mean.
    pub standard_error: f64,
    /// Their quotient.
    pub t: f64,
    /// Two-sided p-value.
    pub p_value: f64,
}

/// Wilcoxon's signed-rank test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wilcoxon {
    /// The smaller of the two rank sums.
    pub statistic: f64,
    /// Two-sided p-value.
    pub p_value: f64,
}

/// Differences left − right. `None` if lengths differ.
fn differences(left: &[f64], right: &[f64]) -> Option<Vec<f64>> {
    (left.len() == right.len()).then(|| left.iter().zip(right).map(|(l, r)| l - r).collect())
}

/// Tests whether the mean of left − right is zero. `None` for fewer than two rows, or differences all equal.
pub fn paired_t(left: &[f64], right: &[f64]) -> Option<PairedT> {
    let differences = differences(left, right)?;
    let rows = differences.len() as f64;
    let mean_difference = mean(&differences)?;
    let standard_error = (squared_deviations(&differences, mean_difference) / (rows - 1.0) / rows).sqrt();
    if standard_error.is_nan() || standard_error <= 0.0 {
        return None;
    }
    let t = mean_difference / standard_error;
    Some(PairedT { mean_difference, standard_error, t, p_value: 2.0 * student_t_sf(t.abs(), rows - 1.0) })
}

/// Tests whether left − right is symmetric about zero. Equal pairs are dropped; exact up to 50 rows without ties,
/// else normal with the variance corrected for ties. `None` if all pairs are equal, or a difference is NaN.
pub fn wilcoxon(left: &[f64], right: &[f64]) -> Option<Wilcoxon> {
    let all = differences(left, right)?;
    let kept: Vec<f64> = all.iter().copied().filter(|&difference| difference != 0.0).collect();
    if kept.is_empty() || kept.iter().any(|difference| difference.is_nan()) {
        return None;
    }
    let sizes: Vec<f64> = kept.iter().map(|difference| difference.abs()).collect();
    let (ranks, groups) = mid_ranks(&sizes);
    let above: f64 = kept.iter().zip(&ranks).filter(|(difference, _)| **difference > 0.0).map(|(_, rank)| rank).sum();
    let rows = kept.len() as f64;
    let total = rows * (rows + 1.0) / 2.0;
    let statistic = above.min(total - above);
    let tied = groups.len() < kept.len();
    if kept.len() <= EXACT_ROWS && !tied && kept.len() == all.len() {
        return Some(Wilcoxon { statistic, p_value: exact_p(kept.len(), statistic as usize) });
    }
    let ties: f64 = groups.iter().map(|&size| (size as f64).powi(3) - size as f64).sum();
    let variance = rows * (rows + 1.0) * (2.0 * rows + 1.0) / 24.0 - ties / 48.0;
    let z = (statistic - total / 2.0) / variance.sqrt();
    Some(Wilcoxon { statistic, p_value: (2.0 * normal_sf(z.abs())).min(1.0) })
}

/// Two-sided p-value by the number of subsets of 1..=rows with each sum; exact in f64 up to 50 rows.
fn exact_p(rows: usize, statistic: usize) -> f64 {
    let mut subsets = vec![0.0; rows * (rows + 1) / 2 + 1];
    subsets[0] = 1.0;
    for rank in 1..=rows {
        for sum in (rank..subsets.len()).rev() {
            subsets[sum] += subsets[sum - rank];
        }
    }
    let below: f64 = subsets[..=statistic].iter().sum();
    (2.0 * below / (rows as f64).exp2()).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_rows_are_counted_out() {
        // All five differences positive: 2 / 2⁵.
        let test = wilcoxon(&[1.0, 2.0, 3.0, 4.0, 5.0], &[0.0; 5]).unwrap();
        assert_eq!((test.statistic, test.p_value), (0.0, 0.0625));
        assert_eq!(wilcoxon(&[1.0], &[1.0]), None);
    }

    #[test]
    fn a_constant_difference_has_no_t() {
        assert_eq!(paired_t(&[1.0, 1.0], &[0.0, 0.0]), None);
        let test = paired_t(&[1.0, 3.0], &[0.0, 0.0]).unwrap();
        assert!((test.t - 2.0).abs() < 1e-12);
    }
}
