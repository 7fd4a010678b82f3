//! Means of any numbers, by the normal mixture of Robbins with the variance estimated (asymptotic confidence sequences:
//! Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas 2024; the mixed sequential probability ratio test of A/B platforms).

use crate::compare::{Difference, Moments};
use crate::interval::Interval;

/// The variance of fewer numbers is not known well enough to look at.
pub const FEWEST: u64 = 30;
/// The variance of the mixture, in pairs of observations. The interval is tightest at about
/// ρ (2 ln 20 + ln(1 + 2 ln 20)) = 500 pairs (Howard et al. 2021, 3.5, for an error of 5 %), and little wider elsewhere.
const RHO: f64 = 63.6;

/// Compares two means: right minus left. `None` for fewer than [`FEWEST`] numbers in a group, when neither varies, or for a
/// confidence outside (0, 1).
pub fn mean_difference(left: &Moments, right: &Moments, confidence: f64) -> Option<Difference> {
    let valid = confidence > 0.0 && confidence < 1.0 && left.count().min(right.count()) >= FEWEST;
    let variance = left.variance_of_mean()? + right.variance_of_mean()?;
    if !valid || variance.is_nan() || variance <= 0.0 {
        return None;
    }
    let (n, m) = (left.count() as f64, right.count() as f64);
    // As many pairs would tell as much; in units of the deviation of such a pair the sum is a random walk.
    let pairs = n * m / (n + m);
    let deviation = (variance * pairs).sqrt();
    let value = right.mean()? - left.mean()?;
    let walked = pairs * value / deviation;
    let evidence = walked * walked / (2.0 * (pairs + RHO)) + 0.5 * (RHO / (pairs + RHO)).ln();
    let alpha = 1.0 - confidence;
    let bound = ((pairs + RHO) * ((pairs + RHO) / (RHO * alpha * alpha)).ln()).sqrt();
    let reach = bound * deviation / pairs;
    Some(Difference {
        value,
        interval: Interval { low: value - reach, high: value + reach },
        p_value: (-evidence).exp().min(1.0),
    })
}

#[cfg(test)]
mod tests {
    use flyball_core::rng::Rng;

    use super::*;

    fn moments(rows: usize, shift: f64, seed: u64) -> Moments {
        let mut rng = Rng::seeded(seed);
        let mut moments = Moments::default();
        (0..rows).for_each(|_| moments.add(shift + rng.unit()));
        moments
    }

    #[test]
    fn the_interval_excludes_zero_exactly_when_the_p_value_says_so() {
        for shift in [0.0, 0.04, 0.06, 0.08, 0.1] {
            let (left, right) = (moments(600, 0.0, 1), moments(300, shift, 2));
            let found = mean_difference(&left, &right, 0.95).unwrap();
            let excluded = found.interval.low > 0.0 || found.interval.high < 0.0;
            assert_eq!(excluded, found.p_value < 0.05, "{shift}: {found:?}");
        }
        let far = mean_difference(&moments(600, 0.0, 1), &moments(600, 0.1, 2), 0.95).unwrap();
        assert!(far.p_value < 0.01 && (far.value - 0.1).abs() < 0.04, "{far:?}");
    }

    #[test]
    fn too_few_or_equal_numbers_say_nothing() {
        assert_eq!(mean_difference(&moments(29, 0.0, 1), &moments(500, 1.0, 2), 0.95), None);
        let mut constant = Moments::default();
        (0..50).for_each(|_| constant.add(1.0));
        assert_eq!(mean_difference(&constant, &constant, 0.95), None);
    }
}
