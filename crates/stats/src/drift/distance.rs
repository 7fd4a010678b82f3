//! Distances between two distributions over the same levels or bins, from counts.
//!
//! Every function normalises both sides and gives `None` if lengths differ or a side is empty.

use std::f64::consts::LN_2;

/// The share that stands for a level that did not occur, where a logarithm needs one.
const ZERO_SHARE: f64 = 1e-4;

fn shares(reference: &[u64], current: &[u64]) -> Option<Vec<(f64, f64)>> {
    let total = |counts: &[u64]| counts.iter().map(|&count| count as f64).sum::<f64>();
    let (n, m) = (total(reference), total(current));
    if reference.len() != current.len() || n == 0.0 || m == 0.0 {
        return None;
    }
    Some(reference.iter().zip(current).map(|(&r, &c)| (r as f64 / n, c as f64 / m)).collect())
}

/// Shares with empty levels filled by 1e-4, or by a millionth of the smallest share where that is not above 1e-4.
fn filled(reference: &[u64], current: &[u64]) -> Option<Vec<(f64, f64)>> {
    let shares = shares(reference, current)?;
    let fill = |side: fn(&(f64, f64)) -> f64| {
        let least = shares.iter().map(side).filter(|&share| share > 0.0).fold(f64::INFINITY, f64::min);
        if least <= ZERO_SHARE { least / 1e6 } else { ZERO_SHARE }
    };
    let (of_reference, of_current) = (fill(|share| share.0), fill(|share| share.1));
    let or = |share: f64, fill: f64| if share == 0.0 { fill } else { share };
    Some(shares.iter().map(|&(r, c)| (or(r, of_reference), or(c, of_current))).collect())
}

fn relative_entropy(p: f64, q: f64) -> f64 {
    if p == 0.0 { 0.0 } else { p * (p / q).ln() }
}

/// Jensen–Shannon distance with natural logarithms: the root of the divergence, at most √ln 2.
pub fn jensen_shannon(reference: &[u64], current: &[u64]) -> Option<f64> {
    let terms = shares(reference, current)?.into_iter().map(|(r, c)| {
        let middle = (r + c) / 2.0;
        relative_entropy(r, middle) + relative_entropy(c, middle)
    });
    Some((terms.sum::<f64>() / 2.0).max(0.0).sqrt())
}

/// Jensen–Shannon distance with logarithms to base 2, at most 1.
pub fn jensen_shannon_base_2(reference: &[u64], current: &[u64]) -> Option<f64> {
    Some(jensen_shannon(reference, current)? / LN_2.sqrt())
}

/// Hellinger distance, at most 1.
pub fn hellinger(reference: &[u64], current: &[u64]) -> Option<f64> {
    // Σ(√r − √c)²/2 equals 1 − Σ√(rc), without cancelling when both sides are close.
    let squares = shares(reference, current)?.into_iter().map(|(r, c)| (r.sqrt() - c.sqrt()).powi(2));
    Some((squares.sum::<f64>() / 2.0).sqrt())
}

/// Total variation distance: half the sum of the differences in share, at most 1.
pub fn total_variation(reference: &[u64], current: &[u64]) -> Option<f64> {
    Some(shares(reference, current)?.into_iter().map(|(r, c)| (r - c).abs()).sum::<f64>() / 2.0)
}

/// Largest difference in the share of one level.
pub fn l_infinity(reference: &[u64], current: &[u64]) -> Option<f64> {
    Some(shares(reference, current)?.into_iter().map(|(r, c)| (r - c).abs()).fold(0.0, f64::max))
}

/// Kullback–Leibler divergence of the reference from the current window, natural logarithm, empty levels filled.
pub fn kullback_leibler(reference: &[u64], current: &[u64]) -> Option<f64> {
    let filled = filled(reference, current)?;
    let (n, m) = filled.iter().fold((0.0, 0.0), |(n, m), (r, c)| (n + r, m + c));
    Some(filled.iter().map(|&(r, c)| relative_entropy(r / n, c / m)).sum())
}

/// Population stability index: the symmetric Kullback–Leibler divergence, empty levels filled.
pub fn population_stability(reference: &[u64], current: &[u64]) -> Option<f64> {
    Some(filled(reference, current)?.into_iter().map(|(r, c)| (c - r) * (c / r).ln()).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_span_their_range() {
        let (left, right) = ([4, 0], [0, 9]);
        assert_eq!(total_variation(&left, &right), Some(1.0));
        assert_eq!(hellinger(&left, &right), Some(1.0));
        assert!((jensen_shannon_base_2(&left, &right).unwrap() - 1.0).abs() < 1e-15);
        assert_eq!(jensen_shannon(&left, &left), Some(0.0));
        assert_eq!(population_stability(&left, &[8, 0]), Some(0.0));
        assert_eq!(hellinger(&left, &[0, 0]), None);
    }
}
