//! Tests that look at the order of values only: Cramér–von Mises, Anderson–Darling, Mann–Whitney.

use std::collections::HashMap;

use super::walk::Walk;
use super::{Test, sorted};
use crate::special::{cramer_von_mises_sf, cramer_von_mises_sf_as_scipy, normal_sf};

/// Up to this many rows on each side Cramér and von Mises' distribution is counted out (scipy's bound).
const COUNTED_ROWS: u64 = 20;
/// Up to this many rows on the smaller side Mann and Whitney's distribution is counted out (scipy's bound)…
const COUNTED_SIDE: u64 = 8;
/// … and this many pairs, so that the count stays below a millisecond.
const COUNTED_PAIRS: u64 = 100_000;

/// Which differences Mann and Whitney's test is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alternative {
    /// Either side may be the larger.
    TwoSided,
    /// The reference is the smaller.
    Less,
}

/// Cramér and von Mises' test of values in any order: exact up to 20 rows on each side, else by the limit as scipy
/// computes it, whose p-values end at about 1e-9. `None` if a
/// side has fewer than two finite values.
pub fn cramer_von_mises(reference: &[f64], current: &[f64]) -> Option<Test> {
    let (reference, current) = (sorted(reference), sorted(current));
    let (n, m) = (reference.len() as u64, current.len() as u64);
    if n.min(m) < 2 {
        return None;
    }
    let walk = Walk::through(&reference, &current);
    if n.max(m) <= COUNTED_ROWS {
        let statistic = walk.cramer_von_mises();
        return Some(Test { statistic, p_value: counted_cramer_von_mises(walk.rank_squares(), n, m) });
    }
    let statistic = walk.cramer_von_mises();
    Some(Test { statistic, p_value: cramer_von_mises_sf_as_scipy(standardized(statistic, n, m)) })
}

/// By the limiting distribution.
pub(crate) fn cramer_von_mises_of(statistic: f64, n: u64, m: u64) -> Test {
    Test { statistic, p_value: cramer_von_mises_sf(standardized(statistic, n, m)) }
}

/// The statistic with mean and variance of so many rows turned to those of the limit (Anderson 1962, equations 11, 14
/// and 15).
fn standardized(statistic: f64, n: u64, m: u64) -> f64 {
    let (n, m) = (n as f64, m as f64);
    let (product, rows) = (n * m, n + m);
    let mean = (1.0 + 1.0 / rows) / 6.0;
    let variance = (rows + 1.0) * (4.0 * product * rows - 3.0 * (n * n + m * m) - 2.0 * product)
        / (45.0 * rows * rows * 4.0 * product);
    1.0 / 6.0 + (statistic - mean) / (45.0 * variance).sqrt()
}

/// The share of all orders of both samples that reach the statistic (Xiao, Gordon & Yakovlev 2006).
fn counted_cramer_von_mises(rank_squares: f64, n: u64, m: u64) -> f64 {
    let common = n * m / greatest_divisor(n, m);
    let (step, other) = ((common / n) as i64, (common / m) as i64);
    let (rows, product) = ((n + m) as f64, (n * m) as f64);
    let scale = (common * common) as f64 * rows;
    let reached =
        (scale * (6.0 * rank_squares - product * (4.0 * product - 1.0)) / (6.0 * product * product)).floor() as i64;
    // For each number of the reference's rows seen so far: how many orders lead to each sum.
    let mut ways: Vec<HashMap<i64, f64>> = vec![HashMap::new(); n as usize + 1];
    ways[0].insert(0, 1.0);
    for row in 0..=m as i64 {
        let mut before: HashMap<i64, f64> = HashMap::new();
        for (seen, here) in ways.iter_mut().enumerate() {
            for (sum, count) in here.drain() {
                *before.entry(sum).or_default() += count;
            }
            let added = (step * seen as i64 - other * row).pow(2);
            *here = before.iter().map(|(sum, count)| (sum + added, *count)).collect();
            before = here.clone();
        }
    }
    let last = &ways[n as usize];
    let all: f64 = last.values().sum();
    last.iter().filter(|(sum, _)| **sum >= reached).map(|(_, count)| count).sum::<f64>() / all
}

fn greatest_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_divisor(b, a % b) }
}

/// Anderson and Darling's test of values in any order. The statistic is normalised; the p-value is interpolated in the
/// published table and ends at 0.25 and 0.001. `None` with fewer than two different values, four rows, or an empty side.
pub fn anderson_darling(reference: &[f64], current: &[f64]) -> Option<Test> {
    let (reference, current) = (sorted(reference), sorted(current));
    let (n, m) = (reference.len() as u64, current.len() as u64);
    anderson_darling_of(&Walk::through(&reference, &current), n, m)
}

/// Critical values of the normalised statistic for two samples, and their levels (Scholz & Stephens 1987, table 2).
const CRITICAL: [(f64, f64); 7] = [
    (0.325, 0.25),
    (1.226, 0.1),
    (1.961, 0.05),
    (1.96 + 1.149 - 0.391, 0.025),
    (3.752, 0.01),
    (4.592, 0.005),
    (6.546, 0.001),
];

pub(crate) fn anderson_darling_of(walk: &Walk, n: u64, m: u64) -> Option<Test> {
    if n == 0 || m == 0 || n + m < 4 || walk.groups() < 2 {
        return None;
    }
    let statistic = (walk.anderson_darling() - 1.0) / anderson_darling_variance(n, m).sqrt();
    let p_value = if statistic < CRITICAL[0].0 {
        CRITICAL[0].1
    } else if statistic > CRITICAL[6].0 {
        CRITICAL[6].1
    } else {
        let [a, b, c] = log_levels();
        (a + statistic * (b + statistic * c)).exp()
    };
    Some(Test { statistic, p_value })
}

/// Variance of A² for two samples (Scholz & Stephens 1987, equation 4).
fn anderson_darling_variance(n: u64, m: u64) -> f64 {
    let rows = (n + m) as f64;
    let inverse = 1.0 / n as f64 + 1.0 / m as f64;
    let before = rows - 1.0;
    // The double sum g of the paper in closed form: Σ H(N−j)/j over j < N is H(N)² − Σ 1/j² over j ≤ N.
    let h = harmonic(before);
    let g = harmonic_squares(rows) - 2.0 * h / rows - 1.0 / (rows * rows);
    let a = (4.0 * g - 6.0) + (10.0 - 6.0 * g) * inverse;
    let b = (2.0 * g - 4.0) * 4.0 + 16.0 * h + (2.0 * g - 14.0 * h - 4.0) * inverse - 8.0 * h + 4.0 * g - 6.0;
    let c = (6.0 * h + 2.0 * g - 2.0) * 4.0 + (4.0 * h - 4.0 * g + 6.0) * 2.0 + (2.0 * h - 6.0) * inverse + 4.0 * h;
    let d = (2.0 * h + 6.0) * 4.0 - 8.0 * h;
    (((a * rows + b) * rows + c) * rows + d) / ((rows - 1.0) * (rows - 2.0) * (rows - 3.0))
}

/// From here on the first terms of the Euler–Maclaurin series have all digits.
const HARMONIC_TERMS: f64 = 200.0;
/// Euler's constant.
const EULER: f64 = 0.577_215_664_901_532_9;

/// Σ 1/j over j = 1 … n.
fn harmonic(n: f64) -> f64 {
    if n < HARMONIC_TERMS {
        return (1..=n as u32).map(|j| 1.0 / f64::from(j)).sum();
    }
    n.ln() + EULER + 0.5 / n - 1.0 / (12.0 * n * n) + 1.0 / (120.0 * n.powi(4))
}

/// Σ 1/j² over j = 1 … n.
fn harmonic_squares(n: f64) -> f64 {
    if n < HARMONIC_TERMS {
        return (1..=n as u32).map(|j| 1.0 / f64::from(j).powi(2)).sum();
    }
    std::f64::consts::PI.powi(2) / 6.0 - 1.0 / n + 0.5 / (n * n) - 1.0 / (6.0 * n.powi(3)) + 1.0 / (30.0 * n.powi(5))
}

/// The parabola through the logarithms of the levels, by least squares over the critical values.
fn log_levels() -> [f64; 3] {
    let mut sums = [0.0; 5];
    let mut right = [0.0; 3];
    for (critical, level) in CRITICAL {
        for (power, sum) in sums.iter_mut().enumerate() {
            *sum += critical.powi(power as i32);
        }
        for (power, sum) in right.iter_mut().enumerate() {
            *sum += critical.powi(power as i32) * level.ln();
        }
    }
    let determinant = |m: [[f64; 3]; 3]| -> f64 {
        m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
            + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
    };
    let matrix: [[f64; 3]; 3] = std::array::from_fn(|row| std::array::from_fn(|column| sums[row + column]));
    let whole = determinant(matrix);
    std::array::from_fn(|column| {
        let mut replaced = matrix;
        for (row, value) in replaced.iter_mut().zip(right) {
            row[column] = value;
        }
        determinant(replaced) / whole
    })
}

/// Mann and Whitney's test of values in any order; the statistic counts the pairs in which the reference is larger.
/// Exact for at most eight rows on a side without ties, else normal with ties and continuity corrected; 1 where all
/// values are equal. `None` if a side has no finite value.
pub fn mann_whitney(reference: &[f64], current: &[f64], alternative: Alternative) -> Option<Test> {
    let (reference, current) = (sorted(reference), sorted(current));
    let (n, m) = (reference.len() as u64, current.len() as u64);
    let walk = Walk::through(&reference, &current);
    let small = n.min(m) <= COUNTED_SIDE && n.saturating_mul(m) <= COUNTED_PAIRS;
    if small && n.min(m) > 0 && walk.ties() == 0.0 {
        let below = walk.pairs_below();
        let statistic = (n * m) as f64 - below;
        let p_value = match alternative {
            Alternative::Less => counted_pairs(n, m, below),
            Alternative::TwoSided => (2.0 * counted_pairs(n, m, below.max(statistic))).min(1.0),
        };
        return Some(Test { statistic, p_value });
    }
    mann_whitney_normal(&walk, n, m, alternative)
}

pub(crate) fn mann_whitney_of(walk: &Walk, n: u64, m: u64) -> Option<Test> {
    mann_whitney_normal(walk, n, m, Alternative::TwoSided)
}

fn mann_whitney_normal(walk: &Walk, n: u64, m: u64, alternative: Alternative) -> Option<Test> {
    let (n, m) = (n as f64, m as f64);
    let (pairs, rows) = (n * m, n + m);
    let below = walk.pairs_below();
    let statistic = pairs - below;
    let variance = pairs / 12.0 * (rows + 1.0 - walk.ties() / (rows * (rows - 1.0)));
    if n == 0.0 || m == 0.0 {
        return None;
    }
    if variance.is_nan() || variance <= 0.0 {
        return Some(Test { statistic, p_value: 1.0 });
    }
    let z = |count: f64| (count - pairs / 2.0 - 0.5) / variance.sqrt();
    let p_value = match alternative {
        Alternative::Less => normal_sf(z(below)),
        Alternative::TwoSided => (2.0 * normal_sf(z(below.max(statistic)))).min(1.0),
    };
    Some(Test { statistic, p_value })
}

/// The share of all orders of both samples in which at least so many pairs stand one way: coefficients of the Gaussian
/// binomial.
fn counted_pairs(n: u64, m: u64, least: f64) -> f64 {
    let (few, many) = (n.min(m) as usize, n.max(m) as usize);
    let mut ways = vec![0.0; few * many + 1];
    ways[0] = 1.0;
    for factor in 1..=few {
        for pairs in (many + factor..ways.len()).rev() {
            ways[pairs] -= ways[pairs - many - factor];
        }
        for pairs in factor..ways.len() {
            ways[pairs] += ways[pairs - factor];
        }
    }
    let all: f64 = ways.iter().sum();
    ways[least as usize..].iter().sum::<f64>() / all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: f64, expected: f64) {
        assert!((got / expected - 1.0).abs() < 1e-9, "{got} is not {expected}");
    }

    #[test]
    fn few_rows_are_counted_out() {
        // Of the 20 orders of three and three rows, one has no pair the other way.
        let test = mann_whitney(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0], Alternative::TwoSided).unwrap();
        assert_eq!((test.statistic, test.p_value), (0.0, 0.1));
        let less = mann_whitney(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0], Alternative::Less).unwrap();
        close(less.p_value, 0.05);
        // Two of the 20 orders separate both samples.
        let test = cramer_von_mises(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]).unwrap();
        close(test.p_value, 0.1);
    }

    #[test]
    fn what_is_equal_does_not_differ_and_what_is_empty_is_undefined() {
        let same = [1.0, 2.0, 3.0, 4.0];
        close(cramer_von_mises(&same, &same).unwrap().p_value, 1.0);
        assert_eq!(anderson_darling(&same, &same).unwrap().p_value, 0.25);
        assert_eq!(mann_whitney(&[2.0; 30], &[2.0; 30], Alternative::TwoSided).unwrap().p_value, 1.0);
        assert_eq!(anderson_darling(&[2.0; 30], &[2.0; 30]), None);
        assert_eq!(anderson_darling(&[], &same), None);
        assert_eq!(cramer_von_mises(&[f64::NAN, 1.0], &same), None);
        assert_eq!(mann_whitney(&[], &same, Alternative::Less), None);
    }

    #[test]
    fn harmonic_sums_meet_their_series() {
        let n = HARMONIC_TERMS;
        assert!((harmonic(n - 1.0) + 1.0 / n - harmonic(n)).abs() < 1e-13);
        assert!((harmonic_squares(n - 1.0) + 1.0 / (n * n) - harmonic_squares(n)).abs() < 1e-13);
    }
}
