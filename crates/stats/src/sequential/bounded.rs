//! Means of numbers in [0, 1], such as probabilities: bets on each next number against a mean that is not true cannot be
//! expected to win (predictable plug-in empirical Bernstein confidence sequence, Waudby-Smith & Ramdas 2024).

use crate::compare::Difference;
use crate::interval::Interval;

/// The error for which the bets are sized; they are valid for any other.
const SIZED_FOR: f64 = 0.05;
/// The largest bet.
const LARGEST_BET: f64 = 0.5;

/// The bets on a stream of numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoundedMean {
    count: u64,
    /// Sum of the numbers and of their squared deviations from the mean known before each, both with a first guess of ½ and ¼.
    sum: f64,
    squares: f64,
    bets: f64,
    won: f64,
    spent: f64,
}

impl Default for BoundedMean {
    fn default() -> Self {
        Self { count: 0, sum: 0.5, squares: 0.25, bets: 0.0, won: 0.0, spent: 0.0 }
    }
}

impl BoundedMean {
    /// Takes in the next number; one outside [0, 1] counts as the nearest in it, and a NaN does not count.
    pub fn add(&mut self, value: f64) {
        if value.is_nan() {
            return;
        }
        let value = value.clamp(0.0, 1.0);
        let place = (self.count + 1) as f64;
        let (mean, variance) = (self.sum / place, self.squares / place);
        let bet = (2.0 * (2.0 / SIZED_FOR).ln() / (variance * place * (1.0 + place).ln())).sqrt().min(LARGEST_BET);
        self.bets += bet;
        self.won += bet * value;
        self.spent += (value - mean).powi(2) * (-(1.0 - bet).ln() - bet);
        self.count += 1;
        self.sum += value;
        self.squares += (value - self.sum / (place + 1.0)).powi(2);
    }

    /// How many numbers.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The center of the interval, a mean that weighs early numbers more.
    fn center(&self) -> f64 {
        self.won / self.bets
    }

    /// The interval that holds the true mean at all times at once with this confidence. `None` without numbers, or for a
    /// confidence outside (0, 1).
    pub fn interval(&self, confidence: f64) -> Option<Interval> {
        if self.count == 0 || !(confidence > 0.0 && confidence < 1.0) {
            return None;
        }
        let reach = ((2.0 / (1.0 - confidence)).ln() + self.spent) / self.bets;
        Some(Interval { low: (self.center() - reach).max(0.0), high: (self.center() + reach).min(1.0) })
    }
}

/// Compares two means: right minus left, each with half of the error. The value is that of the plain means. `None` as for the
/// intervals.
pub fn bounded_difference(left: &BoundedMean, right: &BoundedMean, confidence: f64) -> Option<Difference> {
    let half = 1.0 - (1.0 - confidence) / 2.0;
    let (from, to) = (left.interval(half)?, right.interval(half)?);
    let mean = |seen: &BoundedMean| (seen.sum - 0.5) / seen.count as f64;
    // The least error at which the two intervals are apart: their reaches are (ln 4/α + spent) / bets.
    let apart = (right.center() - left.center()).abs() - left.spent / left.bets - right.spent / right.bets;
    let evidence = apart / (1.0 / left.bets + 1.0 / right.bets);
    Some(Difference {
        value: mean(right) - mean(left),
        interval: Interval { low: to.low - from.high, high: to.high - from.low },
        p_value: (4.0 * (-evidence).exp()).min(1.0),
    })
}

#[cfg(test)]
mod tests {
    use flyball_core::rng::Rng;

    use super::*;

    fn stream(rows: usize, low: f64, high: f64, seed: u64) -> BoundedMean {
        let mut rng = Rng::seeded(seed);
        let mut mean = BoundedMean::default();
        (0..rows).for_each(|_| mean.add(low + (high - low) * rng.unit()));
        mean
    }

    #[test]
    fn little_variance_makes_a_short_interval() {
        let (wide, narrow) = (stream(2000, 0.0, 1.0, 1), stream(2000, 0.45, 0.55, 1));
        let length = |mean: &BoundedMean| {
            let interval = mean.interval(0.95).unwrap();
            assert!(interval.low < 0.5 && 0.5 < interval.high, "{interval:?}");
            interval.high - interval.low
        };
        assert!(length(&narrow) < 0.4 * length(&wide) && length(&wide) < 0.15, "{} {}", length(&narrow), length(&wide));
    }

    #[test]
    fn the_p_value_agrees_with_the_interval() {
        for (shift, rows) in [(0.0, 500), (0.1, 500), (0.1, 3000), (0.3, 500)] {
            let (left, right) = (stream(rows, 0.0, 0.6, 3), stream(rows, shift, 0.6 + shift, 4));
            let found = bounded_difference(&left, &right, 0.95).unwrap();
            let excluded = found.interval.low > 0.0 || found.interval.high < 0.0;
            assert_eq!(excluded, found.p_value < 0.05, "{shift} {rows}: {found:?}");
        }
    }

    #[test]
    fn numbers_beyond_the_bounds_and_nothing_at_all_have_an_answer() {
        let mut mean = BoundedMean::default();
        assert_eq!(mean.interval(0.95), None);
        [2.0, -1.0, f64::NAN, f64::INFINITY].into_iter().for_each(|value| mean.add(value));
        assert_eq!(mean.count(), 3);
        assert!(mean.interval(0.95).unwrap().high <= 1.0);
        assert_eq!(bounded_difference(&mean, &BoundedMean::default(), 0.95), None);
    }
}
