//! Wasserstein's distance: how far the values moved on average, in their own unit.

use super::sorted;
use super::walk::Walk;
use crate::summary::{mean, squared_deviations};

/// A reference that hardly varies must not turn every change into an infinite one (Evidently's bound).
pub(super) const LEAST_DEVIATION: f64 = 0.001;

/// Area between both distribution functions. `None` if a side has no finite value.
pub fn wasserstein(reference: &[f64], current: &[f64]) -> Option<f64> {
    wasserstein_sorted(&sorted(reference), &sorted(current))
}

/// As [`wasserstein`], of ascending finite values. `None` if a side is empty.
pub fn wasserstein_sorted(reference: &[f64], current: &[f64]) -> Option<f64> {
    if reference.is_empty() || current.is_empty() {
        return None;
    }
    let (n, m) = (reference.len(), current.len());
    let (mut i, mut j, mut area) = (0, 0, 0.0);
    let mut before = reference[0].min(current[0]);
    while i < n || j < m {
        let next_reference = reference.get(i).copied().unwrap_or(f64::INFINITY);
        let value = next_reference.min(current.get(j).copied().unwrap_or(f64::INFINITY));
        area += (value - before) * (i as f64 / n as f64 - j as f64 / m as f64).abs();
        before = value;
        while i < n && reference[i] <= value {
            i += 1;
        }
        while j < m && current[j] <= value {
            j += 1;
        }
    }
    Some(area)
}

/// Energy distance: the root of twice the integral of the squared difference of both distribution functions. `None` if a
/// side has no finite value.
pub fn energy(reference: &[f64], current: &[f64]) -> Option<f64> {
    let (reference, current) = (sorted(reference), sorted(current));
    let both = !reference.is_empty() && !current.is_empty();
    both.then(|| (2.0 * Walk::through(&reference, &current).squared_area()).sqrt())
}

/// Wasserstein's distance in standard deviations of the reference (dividing by n; at least 0.001).
pub fn wasserstein_normed(reference: &[f64], current: &[f64]) -> Option<f64> {
    let reference = sorted(reference);
    let distance = wasserstein_sorted(&reference, &sorted(current))?;
    let deviation = (squared_deviations(&reference, mean(&reference)?) / reference.len() as f64).sqrt();
    Some(distance / deviation.max(LEAST_DEVIATION))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_is_its_own_distance() {
        let distance = wasserstein(&[1.0, 2.0, 3.0], &[3.5, 1.5, 2.5]).unwrap();
        assert!((distance - 0.5).abs() < 1e-15);
        assert_eq!(wasserstein(&[], &[1.0]), None);
        assert_eq!(wasserstein_normed(&[1.0, 1.0], &[2.0]), Some(1000.0));
    }
}
