//! Tests between two groups of different rows, as an A/B split makes them.

use crate::interval::Interval;
use crate::special::{normal_quantile, normal_sf, student_t_quantile, student_t_sf};

/// How two groups differ: right minus left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// Right minus left.
    pub value: f64,
    /// Its confidence interval.
    pub interval: Interval,
    /// Two-sided p-value of no difference.
    pub p_value: f64,
}

/// Successes among trials.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Proportion {
    /// How many succeeded.
    pub successes: u64,
    /// How many were tried.
    pub trials: u64,
}

/// The sums of numbers from which their mean and variance follow.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Moments {
    count: u64,
    mean: f64,
    squares: f64,
}

impl Moments {
    /// Takes in a number (Welford, Technometrics 4, 1962).
    pub fn add(&mut self, value: f64) {
        self.count += 1;
        let before = value - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (value - self.mean);
    }

    /// How many numbers.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their mean; `None` without any.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then_some(self.mean)
    }

    /// Interval of the mean by Student's t. `None` for fewer than two numbers or a confidence outside (0, 1).
    pub fn interval(&self, confidence: f64) -> Option<Interval> {
        let error = self.variance_of_mean()?.sqrt();
        if !(confidence > 0.0 && confidence < 1.0) {
            return None;
        }
        let reach = student_t_quantile(0.5 + confidence / 2.0, (self.count - 1) as f64) * error;
        Some(Interval { low: self.mean - reach, high: self.mean + reach })
    }

    /// The variance of the mean; `None` for fewer than two numbers.
    pub(crate) fn variance_of_mean(&self) -> Option<f64> {
        (self.count > 1).then(|| self.squares / (self.count - 1) as f64 / self.count as f64)
    }
}

/// Compares two proportions: the z-test with the pooled variance, the interval with both (Wald). `None` without trials, or
/// when all succeed or all fail in both groups: then nothing speaks for a difference.
pub fn two_proportions(left: Proportion, right: Proportion, confidence: f64) -> Option<Difference> {
    let share = |group: Proportion| (group.trials > 0).then(|| group.successes as f64 / group.trials as f64);
    let (from, to) = (share(left)?, share(right)?);
    let (n, m) = (left.trials as f64, right.trials as f64);
    let pooled = (left.successes + right.successes) as f64 / (n + m);
    let error = (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)).sqrt();
    if !(error > 0.0 && (0.0..1.0).contains(&confidence)) {
        return None;
    }
    let value = to - from;
    let own = (from * (1.0 - from) / n + to * (1.0 - to) / m).sqrt();
    let reach = normal_quantile(0.5 + confidence / 2.0) * own;
    let interval = Interval { low: (value - reach).max(-1.0), high: (value + reach).min(1.0) };
    Some(Difference { value, interval, p_value: 2.0 * normal_sf((value / error).abs()) })
}

/// Compares two means by Welch's t-test, which does not assume equal variances. `None` for fewer than two numbers in a
/// group, or when neither varies.
pub fn welch(left: &Moments, right: &Moments, confidence: f64) -> Option<Difference> {
    let (a, b) = (left.variance_of_mean()?, right.variance_of_mean()?);
    let error = (a + b).sqrt();
    if !(error > 0.0 && (0.0..1.0).contains(&confidence)) {
        return None;
    }
    let freedom = (a + b).powi(2) / (a * a / (left.count - 1) as f64 + b * b / (right.count - 1) as f64);
    let value = right.mean - left.mean;
    let reach = student_t_quantile(0.5 + confidence / 2.0, freedom) * error;
    let interval = Interval { low: value - reach, high: value + reach };
    Some(Difference { value, interval, p_value: 2.0 * student_t_sf((value / error).abs(), freedom) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values: scipy.stats.ttest_ind(equal_var=False) of SciPy, and the pooled z-test by hand with norm.sf.
    #[test]
    fn both_tests_agree_with_scipy() {
        let moments = |values: &[f64]| {
            let mut moments = Moments::default();
            values.iter().for_each(|value| moments.add(*value));
            moments
        };
        let test = welch(&moments(&[2.1, 3.4, 1.9, 5.0, 4.4]), &moments(&[3.9, 4.8, 6.1, 5.5]), 0.95).unwrap();
        assert!((test.p_value - 0.062_634_415_075_341_13).abs() < 1e-9, "{test:?}");
        assert!(
            (test.interval.low + 0.118_920_676).abs() < 1e-6 && (test.interval.high - 3.548_920_676).abs() < 1e-6,
            "{test:?}"
        );
        let share = |successes, trials| Proportion { successes, trials };
        let test = two_proportions(share(45, 100), share(66, 120), 0.95).unwrap();
        assert!((test.value - 0.1).abs() < 1e-12 && (test.p_value - 0.139_633_039_280_296_74).abs() < 1e-9, "{test:?}");
    }

    #[test]
    fn without_evidence_there_is_no_answer() {
        assert_eq!(two_proportions(Proportion::default(), Proportion { successes: 1, trials: 2 }, 0.95), None);
        let all = Proportion { successes: 5, trials: 5 };
        assert_eq!(two_proportions(all, all, 0.95), None);
        assert_eq!(welch(&Moments::default(), &Moments::default(), 0.95), None);
    }
}
