//! Confidence intervals. `confidence` is two-sided and in (0, 1), usually 0.95; outside that everything is `None`.

use crate::compare::{DeLong, delong};
use crate::special::{normal_quantile, student_t_quantile};
use crate::summary::{finite_sorted, mean, quantile, squared_deviations};

/// A closed interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// Each end mapped by a growing function.
    #[must_use]
    pub fn map(self, growing: impl Fn(f64) -> f64) -> Self {
        Self { low: growing(self.low), high: growing(self.high) }
    }

    /// The part inside `low..=high`.
    #[must_use]
    pub fn within(self, low: f64, high: f64) -> Self {
        self.map(|end| end.clamp(low, high))
    }
}

/// A value with its interval, where one is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The value.
    pub value: f64,
    /// Its interval.
    pub interval: Option<Interval>,
}

/// Metrics by name.
pub type Named = Vec<(&'static str, Estimate)>;

/// The normal deviate of a two-sided confidence.
pub(crate) fn two_sided_deviate(confidence: f64) -> Option<f64> {
    (confidence > 0.0 && confidence < 1.0).then(|| normal_quantile(0.5 + confidence / 2.0))
}

/// Wilson's score interval of a proportion; right at 0 and 1 too. Takes weights of rows as well as counts.
/// `None` without trials, or for more successes than trials.
pub fn wilson(successes: f64, trials: f64, confidence: f64) -> Option<Interval> {
    let z = two_sided_deviate(confidence)?;
    if !(trials > 0.0 && (0.0..=trials).contains(&successes)) {
        return None;
    }
    let share = successes / trials;
    let z2 = z * z;
    let center = (share + z2 / (2.0 * trials)) / (1.0 + z2 / trials);
    let half = z / (1.0 + z2 / trials) * (share * (1.0 - share) / trials + z2 / (4.0 * trials * trials)).sqrt();
    // At the ends the exact bound is 0 or 1; rounding must not move it.
    let low = if successes == 0.0 { 0.0 } else { (center - half).max(0.0) };
    let high = if successes == trials { 1.0 } else { (center + half).min(1.0) };
    Some(Interval { low, high })
}

/// Interval of the ROC AUC from DeLong's variance on the logit scale, so that it stays inside (0, 1).
///
/// Where DeLong's variance is zero (a perfect order of few rows) the interval comes from the bound
/// Var ≤ AUC (1 − AUC) / min(positives, negatives) (Birnbaum & Klose 1957) as Wilson's interval. `None` when a class
/// is missing or lengths differ.
pub fn auc_interval(y: &[bool], scores: &[f64], confidence: f64) -> Option<Interval> {
    let DeLong { auc, variance, positives, negatives } = delong(y, scores)?;
    logit_interval(auc, variance, positives.min(negatives) as f64, confidence)
}

/// Interval of a value in [0, 1] with a known variance, on the logit scale, so that it stays inside. At the ends, and
/// without a variance, Wilson's interval for `rows` trials.
pub(crate) fn logit_interval(value: f64, variance: f64, rows: f64, confidence: f64) -> Option<Interval> {
    let z = two_sided_deviate(confidence)?;
    // Rounding leaves about 1e-17 of variance in a perfect order.
    if variance <= 1e-15 || value <= 0.0 || value >= 1.0 {
        return wilson((value * rows).clamp(0.0, rows), rows, confidence);
    }
    let logit = (value / (1.0 - value)).ln();
    let half = z * variance.sqrt() / (value * (1.0 - value));
    let back = |logit: f64| 1.0 / (1.0 + (-logit).exp());
    Some(Interval { low: back(logit - half), high: back(logit + half) })
}

/// Interval of the difference (`sign` −1) or sum (`sign` +1) of two independent shares from their own intervals
/// (Newcombe 1998, method 10): never too narrow where a share is 0 or 1.
pub(crate) fn of_two_shares(
    (left, of_left): (f64, Interval),
    (right, of_right): (f64, Interval),
    sign: f64,
) -> Interval {
    let value = left + sign * right;
    let (right_low, right_high) = if sign < 0.0 {
        (of_right.high - right, right - of_right.low)
    } else {
        (right - of_right.low, of_right.high - right)
    };
    Interval {
        low: value - (left - of_left.low).hypot(right_low),
        high: value + (of_left.high - left).hypot(right_high),
    }
}

/// Interval of a mean from per-row values (log losses, squared or absolute errors, …), by Student's t, which is the
/// normal interval for many rows. `None` for fewer than two rows or a NaN.
pub fn mean_interval(values: &[f64], confidence: f64) -> Option<Interval> {
    let center = mean(values)?;
    let rows = values.len() as f64;
    mean_interval_from(center, squared_deviations(values, center) / rows, rows, confidence)
}

/// [`mean_interval`] from the mean, the mean squared deviation from it, and the (effective) number of rows.
pub(crate) fn mean_interval_from(center: f64, deviation: f64, rows: f64, confidence: f64) -> Option<Interval> {
    let valid = rows > 1.0 && center.is_finite() && deviation.is_finite() && confidence > 0.0 && confidence < 1.0;
    if !valid {
        return None;
    }
    // Beyond a thousand rows t and the normal deviate differ by less than 0.2 %.
    let deviate = if rows > 1000.0 {
        two_sided_deviate(confidence)?
    } else {
        student_t_quantile(0.5 + confidence / 2.0, rows - 1.0)
    };
    let half = deviate * (deviation.max(0.0) / (rows - 1.0)).sqrt();
    Some(Interval { low: center - half, high: center + half })
}

/// Percentile bootstrap interval of any statistic of rows.
///
/// `below(n)` draws a number in 0..n and carries the seed; `statistic` gets `rows` row indexes drawn with
/// replacement and may be undefined for some draws, which are left out. `None` if fewer than half of the
/// `repetitions` are defined.
pub fn bootstrap(
    rows: usize,
    repetitions: usize,
    confidence: f64,
    mut below: impl FnMut(usize) -> usize,
    mut statistic: impl FnMut(&[usize]) -> Option<f64>,
) -> Option<Interval> {
    if rows == 0 || repetitions == 0 || !(confidence > 0.0 && confidence < 1.0) {
        return None;
    }
    let mut sample = vec![0; rows];
    let mut values = Vec::with_capacity(repetitions);
    for _ in 0..repetitions {
        for row in &mut sample {
            *row = below(rows).min(rows - 1);
        }
        values.extend(statistic(&sample));
    }
    let sorted = finite_sorted(&values);
    if sorted.len() * 2 < repetitions {
        return None;
    }
    let tail = (1.0 - confidence) / 2.0;
    Some(Interval { low: quantile(&sorted, tail)?, high: quantile(&sorted, 1.0 - tail)? })
}

#[cfg(test)]
mod tests {
    use flyball_core::rng::Rng;

    use super::*;

    #[test]
    fn wilson_matches_the_published_example() {
        // Newcombe 1998, table I: 81 of 263 and 0 of 20.
        let interval = wilson(81.0, 263.0, 0.95).unwrap();
        assert!((interval.low - 0.2553).abs() < 5e-5 && (interval.high - 0.3662).abs() < 5e-5, "{interval:?}");
        let none = wilson(0.0, 20.0, 0.95).unwrap();
        assert!(none.low == 0.0 && (none.high - 0.1611).abs() < 5e-5, "{none:?}");
        assert_eq!(wilson(0.0, 0.0, 0.95), None);
        assert_eq!(wilson(1.0, 2.0, 1.0), None);
    }

    #[test]
    fn a_perfect_order_of_few_rows_is_not_certain() {
        let interval = auc_interval(&[true, true, false, false], &[0.9, 0.8, 0.2, 0.1], 0.95).unwrap();
        assert!(interval.high == 1.0 && interval.low < 0.4, "{interval:?}");
    }

    #[test]
    fn a_mean_of_few_rows_uses_student() {
        let interval = mean_interval(&[1.0, 2.0, 3.0], 0.95).unwrap();
        let half = 4.302_652_729_911_275 / 3.0_f64.sqrt();
        assert!((interval.low - (2.0 - half)).abs() < 1e-9 && (interval.high - (2.0 + half)).abs() < 1e-9);
        assert_eq!(mean_interval(&[1.0], 0.95), None);
        assert_eq!(mean_interval(&[1.0, f64::NAN], 0.95), None);
    }

    #[test]
    fn the_bootstrap_agrees_with_theory_and_repeats_with_its_seed() {
        let values: Vec<f64> = (0..400).map(|row| f64::from(row % 20)).collect();
        let run = |seed| {
            let mut rng = Rng::seeded(seed);
            let statistic = |rows: &[usize]| mean(&rows.iter().map(|&row| values[row]).collect::<Vec<_>>());
            bootstrap(values.len(), 500, 0.95, |n| rng.below(n), statistic).unwrap()
        };
        let theory = mean_interval(&values, 0.95).unwrap();
        let sample = run(7);
        assert!((sample.low - theory.low).abs() < 0.1 && (sample.high - theory.high).abs() < 0.1, "{sample:?}");
        assert_eq!(sample, run(7));
        assert_eq!(bootstrap(3, 10, 0.95, |_| 0, |_| None), None);
    }
}
