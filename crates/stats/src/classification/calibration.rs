//! Does a probability of 70 % come true 70 % of the time?

use crate::summary::{mean, ratio};

/// One bin of a reliability diagram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// Weight (without weights, the number) of the rows whose probability lies in the bin.
    pub weight: f64,
    /// Share of them that came true; `None` for an empty bin.
    pub observed: Option<f64>,
    /// Mean of their probabilities; `None` for an empty bin.
    pub predicted: Option<f64>,
}

/// Reliability over equal bins of [0, 1], closed on the left (the last on both sides).
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// The bins in ascending order, empty ones included.
    pub bins: Vec<Bin>,
    /// Expected calibration error: mean |observed − predicted| weighted by rows.
    pub expected_error: f64,
    /// Maximum calibration error over the bins that have rows.
    pub largest_error: f64,
}

/// The bins of a reliability diagram.
pub(super) const BINS: usize = 10;

/// Calibration of the positive class. `None` without rows or bins, or for a probability outside [0, 1].
pub fn positive_calibration(y: &[bool], p: &[f64], bins: usize) -> Option<Calibration> {
    (y.len() == p.len()).then(|| reliability(y.iter().copied().zip(p.iter().copied()), bins))?
}

/// Calibration of the class that is predicted at ½: its probability against how often it is right.
pub fn confidence_calibration(y: &[bool], p: &[f64], bins: usize) -> Option<Calibration> {
    let rows = y.iter().zip(p).map(|(&y, &p)| ((p >= 0.5) == y, p.max(1.0 - p)));
    (y.len() == p.len()).then(|| reliability(rows, bins))?
}

/// Reliability of (came true, probability) pairs.
pub(super) fn reliability(rows: impl Iterator<Item = (bool, f64)>, bins: usize) -> Option<Calibration> {
    if bins == 0 {
        return None;
    }
    let mut sums = vec![(0_usize, 0_usize, 0.0_f64); bins];
    for (hit, probability) in rows {
        if !(0.0..=1.0).contains(&probability) {
            return None;
        }
        let (count, hits, sum) = &mut sums[bin_of(probability, bins)];
        *count += 1;
        *hits += usize::from(hit);
        *sum += probability;
    }
    let total: usize = sums.iter().map(|(count, _, _)| count).sum();
    let (mut weighted, mut largest_error) = (0.0, 0.0_f64);
    let bins = sums
        .into_iter()
        .map(|(count, hits, sum)| {
            let weight = count as f64;
            let bin = Bin { weight, observed: ratio(hits as f64, weight), predicted: ratio(sum, weight) };
            if let (Some(observed), Some(predicted)) = (bin.observed, bin.predicted) {
                weighted += weight * (observed - predicted).abs();
                largest_error = largest_error.max((observed - predicted).abs());
            }
            bin
        })
        .collect();
    Some(Calibration { bins, expected_error: ratio(weighted, total as f64)?, largest_error })
}

/// The k with k/bins ≤ p < (k+1)/bins; multiplying alone would misplace an edge by its rounding.
fn bin_of(p: f64, bins: usize) -> usize {
    let mut bin = ((p * bins as f64) as usize).min(bins - 1);
    while bin > 0 && p < bin as f64 / bins as f64 {
        bin -= 1;
    }
    while bin + 1 < bins && p >= (bin + 1) as f64 / bins as f64 {
        bin += 1;
    }
    bin
}

/// [`bin_of`] for ten bins without a branch; what is no probability falls into the nearest bin.
pub(super) fn bin_of_ten(p: f64) -> usize {
    const EDGES: [f64; BINS + 1] = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, f64::INFINITY];
    let bin = ((p * BINS as f64) as usize).min(BINS - 1);
    bin + usize::from(p >= EDGES[bin + 1]) - usize::from(p < EDGES[bin] && bin > 0)
}

/// Reliability curve as scikit-learn draws it: bins closed on the right, empty ones left out; each point is
/// (mean probability, share that came true).
pub fn calibration_curve(y: &[bool], p: &[f64], bins: usize) -> Option<Vec<(f64, f64)>> {
    if y.len() != p.len() || bins == 0 {
        return None;
    }
    let edges: Vec<f64> = (1..bins).map(|edge| edge as f64 / bins as f64).collect();
    let mut groups: Vec<(Vec<f64>, Vec<f64>)> = vec![Default::default(); bins];
    for (&y, &p) in y.iter().zip(p) {
        let (probabilities, outcomes) = &mut groups[edges.partition_point(|&edge| edge < p)];
        probabilities.push(p);
        outcomes.push(f64::from(u8::from(y)));
    }
    Some(groups.iter().filter_map(|(probabilities, outcomes)| Some((mean(probabilities)?, mean(outcomes)?))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_belongs_to_the_bin_above_it() {
        for k in 0..10 {
            assert_eq!(bin_of(f64::from(k) / 10.0, 10), k as usize);
            for p in [f64::from(k) / 10.0, (f64::from(k) / 10.0).next_down(), (f64::from(k) / 10.0).next_up()] {
                assert_eq!(bin_of_ten(p), bin_of(p, 10), "{p}");
            }
        }
        assert_eq!(bin_of(1.0, 10), 9);
        assert_eq!(bin_of(0.299_999_999_999_999_9, 10), 2);
    }

    #[test]
    fn a_constant_right_probability_has_no_error() {
        let calibration = confidence_calibration(&[true, false], &[0.5, 0.5], 10).unwrap();
        assert_eq!((calibration.expected_error, calibration.largest_error), (0.0, 0.0));
        assert_eq!(confidence_calibration(&[true], &[1.5], 10), None);
        assert_eq!(confidence_calibration(&[], &[], 10), None);
    }
}
