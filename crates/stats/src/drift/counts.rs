//! χ² tests of counts per level.

use crate::special::chi_square_sf;

/// Cochran's rule: below this expected count the χ² distribution is not to be trusted.
const LEAST_EXPECTED: f64 = 5.0;

/// Outcome of a χ² test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChiSquare {
    /// The statistic; infinite for a level that the reference says is impossible.
    pub statistic: f64,
    /// Levels compared, less one.
    pub degrees_of_freedom: usize,
    /// P(χ² ≥ statistic) without drift.
    pub p_value: f64,
    /// Cramér's V, √(χ² / rows): from 0 to 1, but bounded lower when one side has far more rows than the other.
    pub cramers_v: f64,
}

impl ChiSquare {
    fn new(statistic: f64, levels: usize, rows: f64) -> Self {
        let degrees_of_freedom = levels - 1;
        let p_value = if degrees_of_freedom == 0 { 1.0 } else { chi_square_sf(statistic, degrees_of_freedom as f64) };
        Self { statistic, degrees_of_freedom, p_value, cramers_v: (statistic / rows).sqrt() }
    }
}

/// The levels that occur, with both totals. `None` if lengths differ or a side is empty.
pub(super) fn occurring(reference: &[u64], current: &[u64]) -> Option<(Vec<[u64; 2]>, [f64; 2])> {
    if reference.len() != current.len() {
        return None;
    }
    let levels: Vec<[u64; 2]> = reference
        .iter()
        .zip(current)
        .map(|(&reference, &current)| [reference, current])
        .filter(|level| *level != [0, 0])
        .collect();
    let total = |side: usize| levels.iter().map(|level| level[side] as f64).sum::<f64>();
    let totals = [total(0), total(1)];
    (totals[0] > 0.0 && totals[1] > 0.0).then_some((levels, totals))
}

/// Test of homogeneity of a 2 × k table, `correction` being Yates' (0 or ½, never beyond the deviation itself).
fn homogeneity(levels: &[[u64; 2]], totals: [f64; 2], correction: f64) -> ChiSquare {
    let rows = totals[0] + totals[1];
    let mut statistic = 0.0;
    for level in levels {
        let both = level[0] as f64 + level[1] as f64;
        for side in 0..2 {
            let expected = both * totals[side] / rows;
            let deviation = (level[side] as f64 - expected).abs();
            statistic += (deviation - correction.min(deviation)).powi(2) / expected;
        }
    }
    ChiSquare::new(statistic, levels.len(), rows)
}

/// Do both windows draw from the same distribution over levels? Levels that occur in neither are left out; with a
/// single level p is 1. `None` if lengths differ or a side is empty. Sparse levels spoil the p-value: see
/// [`pooled_contingency`].
pub fn contingency(reference: &[u64], current: &[u64]) -> Option<ChiSquare> {
    let (levels, totals) = occurring(reference, current)?;
    Some(homogeneity(&levels, totals, 0.0))
}

/// As [`contingency`], with Yates' continuity correction where there are two levels.
pub fn contingency_corrected(reference: &[u64], current: &[u64]) -> Option<ChiSquare> {
    let (levels, totals) = occurring(reference, current)?;
    Some(homogeneity(&levels, totals, if levels.len() == 2 { 0.5 } else { 0.0 }))
}

/// As [`contingency`], after the rarest levels were pooled into one until every expected count is at least 5.
///
/// Which levels are pooled depends on the sums over both windows only, so it does not bias the test. A table in
/// which only one level is left has no evidence: p = 1.
pub fn pooled_contingency(reference: &[u64], current: &[u64]) -> Option<ChiSquare> {
    pooled_contingency_with(reference, current, [0, 0])
}

/// As [`pooled_contingency`], with rows of each side that are in the pool from the beginning.
pub(crate) fn pooled_contingency_with(reference: &[u64], current: &[u64], pool: [u64; 2]) -> Option<ChiSquare> {
    // The pool takes part in finding out whether a side has rows, and stands last.
    let with = |side: &[u64], rest: u64| [side, &[rest]].concat();
    let (mut levels, totals) = occurring(&with(reference, pool[0]), &with(current, pool[1]))?;
    if pool != [0, 0] {
        levels.pop();
    }
    let smaller_share = totals[0].min(totals[1]) / (totals[0] + totals[1]);
    let expected = |level: &[u64; 2]| (level[0] as f64 + level[1] as f64) * smaller_share;
    levels.sort_unstable_by(|left, right| expected(right).total_cmp(&expected(left)));
    let mut pool = pool;
    while let Some(&level) = levels.last() {
        let pool_is_short = pool != [0, 0] && expected(&pool) < LEAST_EXPECTED;
        if expected(&level) >= LEAST_EXPECTED && !pool_is_short {
            break;
        }
        pool = [pool[0] + level[0], pool[1] + level[1]];
        levels.pop();
    }
    if pool != [0, 0] {
        levels.push(pool);
    }
    Some(homogeneity(&levels, totals, 0.0))
}

/// Goodness of fit of the current counts to the reference's shares **as if those were known exactly**. It alarms too
/// often unless the reference is far larger; it is here for comparison with tools that use it.
pub fn chi_square_goodness_of_fit(reference: &[u64], current: &[u64]) -> Option<ChiSquare> {
    let (levels, totals) = occurring(reference, current)?;
    let deviation = |level: &[u64; 2]| {
        let expected = level[0] as f64 * totals[1] / totals[0];
        (level[1] as f64 - expected).powi(2) / expected
    };
    Some(ChiSquare::new(levels.iter().map(deviation).sum(), levels.len(), totals[1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_levels_are_pooled_until_they_can_be_tested() {
        let test = pooled_contingency(&[100, 80, 3, 2, 1], &[90, 85, 2, 3, 2]).unwrap();
        // 3+2+1 and 2+3+2 make an expected 6.5 or more: three levels are left.
        assert_eq!(test.degrees_of_freedom, 2);
        let same = contingency(&[100, 80, 6], &[90, 85, 7]).unwrap();
        assert!((test.statistic - same.statistic).abs() < 1e-12);
    }

    #[test]
    fn a_pool_that_is_short_takes_the_next_level() {
        let test = pooled_contingency(&[100, 10, 1], &[100, 10, 0]).unwrap();
        assert_eq!(test.degrees_of_freedom, 1);
        let nothing = pooled_contingency(&[3, 1], &[2, 2]).unwrap();
        assert_eq!((nothing.degrees_of_freedom, nothing.p_value), (0, 1.0));
    }

    #[test]
    fn levels_that_never_occur_do_not_count() {
        assert_eq!(contingency(&[5, 0, 5], &[5, 0, 5]).unwrap().degrees_of_freedom, 1);
        assert_eq!(contingency(&[0], &[3]), None);
        assert_eq!(contingency(&[1, 2], &[3]), None);
    }
}
