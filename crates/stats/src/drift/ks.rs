//! The two-sample Kolmogorov–Smirnov test.

use super::sorted;
use crate::special::kolmogorov_sf;

/// Above this many rows on a side the exact p-value is not worth its cost (scipy's bound).
const EXACT_ROWS: u64 = 10_000;
/// Up to this many pairs of rows the exact p-value takes below a millisecond.
const AFFORDABLE_PAIRS: u64 = 250_000;

/// How the p-value is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KsMethod {
    /// Exact up to 10 000 rows on each side, asymptotic beyond; up to about 0.1 s.
    Auto,
    /// Over all orders of the rows, in time rows × rows × D.
    Exact,
    /// Exact where that takes below a millisecond; beyond, the asymptotic one differs by about a percent of itself, on
    /// the safe side.
    Affordable,
    /// The one-sample distribution at n·m / (n + m) rows; slightly conservative, and microseconds.
    Asymptotic,
}

/// Outcome of the test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KsTest {
    /// Largest distance D of the two distribution functions.
    pub statistic: f64,
    /// Probability of such a D without drift; conservative with ties.
    pub p_value: f64,
}

/// Tests values in any order. `None` if a side has no finite value.
pub fn ks_two_sample(reference: &[f64], current: &[f64], method: KsMethod) -> Option<KsTest> {
    ks_sorted(&sorted(reference), &sorted(current), method)
}

/// Tests ascending finite values, in one walk over both. `None` if a side is empty.
pub fn ks_sorted(reference: &[f64], current: &[f64], method: KsMethod) -> Option<KsTest> {
    let (n, m) = (reference.len(), current.len());
    if n == 0 || m == 0 {
        return None;
    }
    let distance = largest_distance(reference, current);
    Some(ks_of_distance(n as u64, m as u64, distance as f64, method))
}

/// The test of a largest distance times the rows of both sides, which is a whole number.
pub(crate) fn ks_of_distance(n: u64, m: u64, distance: f64, method: KsMethod) -> KsTest {
    let statistic = distance / (n as f64 * m as f64);
    let exact = match method {
        KsMethod::Auto => n.max(m) <= EXACT_ROWS,
        KsMethod::Exact => true,
        KsMethod::Affordable => n.saturating_mul(m) <= AFFORDABLE_PAIRS,
        KsMethod::Asymptotic => false,
    };
    let p_value = if exact {
        exact_p(n as usize, m as usize, distance as i64)
    } else {
        let (n, m) = (n as f64, m as f64);
        kolmogorov_sf((n * m / (n + m)).round() as u64, statistic)
    };
    KsTest { statistic, p_value }
}

/// By how much the maximum of a Brownian path exceeds that over its points in steps of 1, −ζ(½)/√(2π) (Chernoff 1965;
/// Broadie, Glasserman & Kou 1997).
const OVERSHOOT: f64 = 0.582_597_157_939_010_6;

/// The test of a distance that was looked for at the edges of bins only, each with this share of the rows: between them
/// the process that the distance is the maximum of goes on, and is that much higher on average. Without a share the
/// test as it is.
pub(crate) fn ks_of_bins(test: KsTest, n: u64, m: u64, share: Option<f64>) -> KsTest {
    let Some(share) = share else { return test };
    let (n, m) = (n as f64, m as f64);
    let rows = (n * m / (n + m)).round().max(1.0);
    // Fewer rows than bins have no more points than the rows themselves.
    let lost = OVERSHOOT * share.sqrt() - OVERSHOOT / (n + m).sqrt();
    let statistic = (test.statistic + lost.max(0.0) / rows.sqrt()).min(1.0);
    KsTest { statistic: test.statistic, p_value: kolmogorov_sf(rows as u64, statistic).min(test.p_value) }
}

/// Where the distribution functions of two ascending samples are farthest apart, and whether the reference's is above (1)
/// or below (−1) there. Of several such places the first of the reference's values counts, above before below (scipy's
/// choice). `None` if a side is empty.
pub fn ks_location(reference: &[f64], current: &[f64]) -> Option<(f64, i8)> {
    let (n, m) = (reference.len() as i64, current.len() as i64);
    let first = *reference.first().filter(|_| m > 0)?;
    let mut highest = (i64::MIN, first);
    let mut lowest = (i64::MAX, first);
    for &value in reference.iter().chain(current) {
        let below = |side: &[f64]| side.partition_point(|&other| other <= value) as i64;
        let apart = below(reference) * m - below(current) * n;
        if apart > highest.0 {
            highest = (apart, value);
        }
        if apart < lowest.0 {
            lowest = (apart, value);
        }
    }
    Some(if -lowest.0 > highest.0 { (lowest.1, -1) } else { (highest.1, 1) })
}

/// D·n·m, which is a whole number, and fits for 3 · 10⁹ rows on each side.
fn largest_distance(reference: &[f64], current: &[f64]) -> i64 {
    let (n, m) = (reference.len() as i64, current.len() as i64);
    let (mut i, mut j, mut largest) = (0, 0, 0);
    while i < reference.len() && j < current.len() {
        let value = reference[i].min(current[j]);
        while i < reference.len() && reference[i] <= value {
            i += 1;
        }
        while j < current.len() && current[j] <= value {
            j += 1;
        }
        largest = largest.max((i as i64 * m - j as i64 * n).abs());
    }
    largest
}

/// Probability that a random order of both samples reaches the distance.
///
/// Walks the lattice of (rows of the reference, rows of the current) seen so far, keeping the probability that the
/// path to a point has touched the boundary. Only sums of positive terms: small p-values keep their digits. Points
/// outside the boundary have probability 1, so that only the band inside is visited.
fn exact_p(n: usize, m: usize, distance: i64) -> f64 {
    let (wide, tall) = (n as i64, m as i64);
    if distance == 0 {
        return 1.0;
    }
    let mut touched = vec![1.0_f64; m + 1];
    for i in 0..=n {
        // Inside: |i·m − j·n| < distance.
        let center = i as i64 * tall;
        let first = ((center - distance).div_euclid(wide) + 1).max(0);
        let last = ((center + distance - 1).div_euclid(wide)).min(tall);
        if first > last {
            return 1.0;
        }
        let (first, last) = (first as usize, last as usize);
        if first > 0 {
            touched[first - 1] = 1.0;
        }
        for j in first..=last {
            touched[j] = match (i, j) {
                (0, 0) => 0.0,
                (0, _) => touched[j - 1],
                (_, 0) => touched[0],
                _ => (i as f64 * touched[j] + j as f64 * touched[j - 1]) / (i + j) as f64,
            };
        }
    }
    touched[m].min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_rows_each_give_the_countable_values() {
        // Of the six orders, two separate the samples.
        let test = ks_two_sample(&[1.0, 2.0], &[3.0, 4.0], KsMethod::Exact).unwrap();
        assert_eq!(test.statistic, 1.0);
        assert!((test.p_value - 1.0 / 3.0).abs() < 1e-15);
    }

    #[test]
    fn equal_samples_do_not_drift_and_empty_ones_are_undefined() {
        let test = ks_two_sample(&[1.0, 2.0, f64::NAN], &[2.0, 1.0], KsMethod::Auto).unwrap();
        assert_eq!((test.statistic, test.p_value), (0.0, 1.0));
        assert_eq!(ks_two_sample(&[f64::NAN], &[1.0], KsMethod::Auto), None);
    }

    #[test]
    fn sides_may_be_swapped() {
        let (a, b) = ([1.0, 4.0, 5.0, 9.0, 11.0], [2.0, 3.0, 12.0]);
        let forth = ks_two_sample(&a, &b, KsMethod::Exact).unwrap();
        let back = ks_two_sample(&b, &a, KsMethod::Exact).unwrap();
        assert_eq!(forth.statistic, back.statistic);
        assert!((forth.p_value - back.p_value).abs() < 1e-14);
    }
}
