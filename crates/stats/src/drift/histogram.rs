//! Bins that turn values into counts.

use super::{population_stability, sorted};
use crate::summary::quantile;

/// The deciles of ascending values, equal ones once: nine cuts at most, fewer with ties.
pub fn decile_cuts(sorted: &[f64]) -> Vec<f64> {
    let mut cuts = decile_cuts_all(sorted);
    cuts.dedup();
    cuts
}

/// The nine deciles of ascending values; none without values.
pub(crate) fn decile_cuts_all(sorted: &[f64]) -> Vec<f64> {
    (1..10).filter_map(|tenth| quantile(sorted, f64::from(tenth) / 10.0)).collect()
}

/// Counts of values by the number of ascending cuts at or below them: one bin more than cuts. NaN is left out.
pub fn split_at(cuts: &[f64], values: &[f64]) -> Vec<u64> {
    let mut counts = vec![0; cuts.len() + 1];
    for &value in values.iter().filter(|value| !value.is_nan()) {
        counts[cuts.partition_point(|&cut| cut <= value)] += 1;
    }
    counts
}

/// As [`split_at`], of ascending finite values: by bisection.
pub(crate) fn split_sorted(cuts: &[f64], sorted: &[f64]) -> Vec<u64> {
    let mut counts = Vec::with_capacity(cuts.len() + 1);
    let mut before = 0;
    for &cut in cuts {
        let below = sorted.partition_point(|&value| value < cut);
        counts.push((below - before) as u64);
        before = below;
    }
    counts.push((sorted.len() - before) as u64);
    counts
}

/// Population stability index over the deciles of the reference. `None` if a side has no finite value.
pub fn population_stability_deciles(reference: &[f64], current: &[f64]) -> Option<f64> {
    let (reference, current) = (sorted(reference), sorted(current));
    let cuts = decile_cuts(&reference);
    population_stability(&split_at(&cuts, &reference), &split_at(&cuts, &current))
}

/// Edges of equal bins by Sturges' rule, ⌈log₂ n + 1⌉ of them over all values of both sides. `None` without finite
/// values, or where their range is not finite.
pub fn sturges_edges(reference: &[f64], current: &[f64]) -> Option<Vec<f64>> {
    let all = || reference.iter().chain(current).copied().filter(|value| value.is_finite());
    let rows = all().count();
    let (low, high) = (all().reduce(f64::min)?, all().reduce(f64::max)?);
    // A single value still needs a bin around it.
    let (low, high) = if low == high { (low - 0.5, high + 0.5) } else { (low, high) };
    if !(high - low).is_finite() {
        return None;
    }
    let bins = ((rows as f64).log2() + 1.0).ceil() as usize;
    let edge = |bin: usize| if bin == bins { high } else { low + (high - low) / bins as f64 * bin as f64 };
    Some((0..=bins).map(edge).collect())
}

/// Counts of values between ascending edges, bins closed on the left, the last on both sides. Values outside, and
/// NaN, are left out.
pub fn histogram(edges: &[f64], values: &[f64]) -> Vec<u64> {
    let mut counts = vec![0; edges.len().saturating_sub(1)];
    let (Some(&low), Some(&high)) = (edges.first(), edges.last()) else {
        return counts;
    };
    let bins = counts.len();
    if bins == 0 {
        return counts;
    }
    for &value in values.iter().filter(|&&value| value >= low && value <= high) {
        counts[(edges.partition_point(|&edge| edge <= value) - 1).min(bins - 1)] += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_bin_is_closed_on_both_sides() {
        assert_eq!(histogram(&[0.0, 1.0, 2.0], &[0.0, 1.0, 2.0, 2.5, f64::NAN]), [1, 2]);
        assert_eq!(histogram(&[], &[1.0]), Vec::<u64>::new());
        assert_eq!(split_at(&[1.0], &[0.5, 1.0, f64::NAN]), [1, 1]);
        assert_eq!(sturges_edges(&[2.0], &[]), Some(vec![1.5, 2.5]));
    }
}
