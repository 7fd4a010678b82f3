//! Further tests of counts: likelihood ratio, two proportions, Fisher's.

use super::Test;
use super::counts::occurring;
use crate::special::{chi_square_sf, ln_gamma, normal_sf};

/// Tables this close in probability count as equally likely: they differ by rounding only.
const EQUALLY_LIKELY: f64 = 1.0 + 1e-7;
/// By how much the totals of observed and expected counts may differ (scipy's bound).
const EQUAL_TOTALS: f64 = 1.5e-8;

/// Likelihood-ratio test of homogeneity of counts per level. `None` if lengths differ or a side is empty.
pub fn g_contingency(reference: &[u64], current: &[u64]) -> Option<Test> {
    let (levels, totals) = occurring(reference, current)?;
    let rows = totals[0] + totals[1];
    let mut statistic = 0.0;
    for level in &levels {
        let both = level[0] as f64 + level[1] as f64;
        for side in 0..2 {
            let observed = level[side] as f64;
            if observed > 0.0 {
                statistic += 2.0 * observed * (observed * rows / (both * totals[side])).ln();
            }
        }
    }
    Some(of_levels(statistic, levels.len()))
}

/// Likelihood-ratio goodness of fit of the current counts to those of the reference, taken as expected counts. `None` if
/// lengths differ, a side is empty, or the totals differ: the test is defined for equal totals only.
pub fn g_goodness_of_fit(reference: &[u64], current: &[u64]) -> Option<Test> {
    let (levels, totals) = occurring(reference, current)?;
    if (totals[0] - totals[1]).abs() > EQUAL_TOTALS * totals[0].min(totals[1]) {
        return None;
    }
    let term = |level: &[u64; 2]| {
        let [expected, observed] = level.map(|count| count as f64);
        if observed == 0.0 { 0.0 } else { 2.0 * observed * (observed / expected).ln() }
    };
    Some(of_levels(levels.iter().map(term).sum(), levels.len()))
}

fn of_levels(statistic: f64, levels: usize) -> Test {
    let degrees = levels.saturating_sub(1) as f64;
    let p_value = if degrees == 0.0 { 1.0 } else { chi_square_sf(statistic.max(0.0), degrees) };
    Test { statistic, p_value }
}

/// Two-sided test of two proportions with their variance pooled, each given as (rows that have it, all rows). With no
/// variance at all the proportions are equal, and p is 1. `None` if a side has no rows.
pub fn two_proportions(reference: (u64, u64), current: (u64, u64)) -> Option<Test> {
    let [(have, n), (now_have, m)] = [reference, current].map(|(have, rows)| (have as f64, rows as f64));
    if n == 0.0 || m == 0.0 {
        return None;
    }
    let pooled = (have + now_have) / (n + m);
    let variance = pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m);
    if variance == 0.0 {
        return Some(Test { statistic: 0.0, p_value: 1.0 });
    }
    let statistic = (have / n - now_have / m) / variance.sqrt();
    Some(Test { statistic, p_value: (2.0 * normal_sf(statistic.abs())).min(1.0) })
}

/// Fisher's exact test of a 2 × 2 table: the probability, both margins given, of all tables that are no likelier. The
/// statistic is the odds ratio. `None` if lengths differ, a side is empty, or there are not two levels.
pub fn fisher_exact(reference: &[u64], current: &[u64]) -> Option<Test> {
    let ([a, b], [c, d]) = (<[u64; 2]>::try_from(reference).ok()?, <[u64; 2]>::try_from(current).ok()?);
    if a + b == 0 || c + d == 0 {
        return None;
    }
    let (column, row, rows) = (a + c, a + b, a + b + c + d);
    let ln_choose =
        |n: u64, k: u64| ln_gamma(n as f64 + 1.0) - ln_gamma(k as f64 + 1.0) - ln_gamma((n - k) as f64 + 1.0);
    let (least, most) = (column.saturating_sub(rows - row), column.min(row));
    let ln_all = ln_choose(rows, row);
    let probability = |cell: u64| (ln_choose(column, cell) + ln_choose(rows - column, row - cell) - ln_all).exp();
    let bound = probability(a) * EQUALLY_LIKELY;
    let p_value = (least..=most).map(probability).filter(|&p| p <= bound).sum::<f64>().min(1.0);
    let odds = (a as f64 * d as f64) / (b as f64 * c as f64);
    Some(Test { statistic: odds, p_value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lady_who_tastes_tea_is_counted_out() {
        let test = fisher_exact(&[3, 1], &[1, 3]).unwrap();
        assert!((test.p_value - 34.0 / 70.0).abs() < 1e-12);
        assert_eq!(test.statistic, 9.0);
        assert_eq!(fisher_exact(&[1, 2, 3], &[1, 2, 3]), None);
        assert_eq!(fisher_exact(&[0, 0], &[1, 3]), None);
    }

    #[test]
    fn equal_shares_are_no_evidence() {
        assert_eq!(two_proportions((5, 10), (10, 20)).unwrap().statistic, 0.0);
        assert_eq!(two_proportions((0, 10), (0, 20)).unwrap().p_value, 1.0);
        assert_eq!(two_proportions((0, 0), (0, 20)), None);
        assert!(g_contingency(&[10, 20], &[20, 40]).unwrap().statistic.abs() < 1e-12);
        assert_eq!(g_goodness_of_fit(&[10, 20], &[20, 40]), None);
        assert_eq!(g_goodness_of_fit(&[10, 20], &[10, 20]).unwrap().p_value, 1.0);
        assert_eq!(g_goodness_of_fit(&[0, 30], &[10, 20]).unwrap().p_value, 0.0);
    }
}
