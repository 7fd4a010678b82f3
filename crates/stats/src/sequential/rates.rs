//! Rates of Bernoulli trials, from counts alone: the likelihood mixed over Jeffreys' prior against that of a single rate is
//! a martingale where that rate is true (Robbins 1970), so it exceeds 1/α at any time with a chance of at most α (Ville).

use crate::compare::{Difference, Proportion};
use crate::interval::Interval;
use crate::special::ln_gamma;

/// Both parameters of the beta prior; ½ is Jeffreys', good for rare events.
const PRIOR: f64 = 0.5;
/// Halvings by which the ends of an interval are found: to 2⁻⁶⁰ of its length.
const HALVINGS: usize = 60;

fn ln_beta(a: f64, b: f64) -> f64 {
    ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b)
}

/// The logarithm of the probability of a sequence of trials, mixed over the prior.
fn ln_mixed(seen: Proportion) -> f64 {
    let (hits, misses) = parts(seen);
    ln_beta(PRIOR + hits, PRIOR + misses) - ln_beta(PRIOR, PRIOR)
}

/// The logarithm of its probability at one rate.
fn ln_likelihood(seen: Proportion, rate: f64) -> f64 {
    let (hits, misses) = parts(seen);
    // 0 ln 0 is 0.
    let term = |count: f64, chance: f64| if count == 0.0 { 0.0 } else { count * chance.ln() };
    term(hits, rate) + term(misses, 1.0 - rate)
}

fn parts(seen: Proportion) -> (f64, f64) {
    (seen.successes as f64, (seen.trials - seen.successes) as f64)
}

/// The interval that holds the true rate at all times at once with this confidence. `None` without trials, for more
/// successes than trials, or a confidence outside (0, 1).
pub fn rate_interval(seen: Proportion, confidence: f64) -> Option<Interval> {
    if seen.trials == 0 || seen.successes > seen.trials || !(confidence > 0.0 && confidence < 1.0) {
        return None;
    }
    let limit = ln_mixed(seen) + (1.0 - confidence).ln();
    let share = seen.successes as f64 / seen.trials as f64;
    // The likelihood falls from the share towards both ends.
    let end = |outside: f64| {
        if ln_likelihood(seen, outside) >= limit {
            return outside;
        }
        let (mut inside, mut outside) = (share, outside);
        for _ in 0..HALVINGS {
            let middle = f64::midpoint(inside, outside);
            *(if ln_likelihood(seen, middle) >= limit { &mut inside } else { &mut outside }) = middle;
        }
        outside
    };
    Some(Interval { low: end(0.0), high: end(1.0) })
}

/// Compares two rates: right minus left. The interval takes half of the error for each rate; the p-value comes from the mixed
/// likelihoods of both against the best common rate. `None` as for the intervals.
pub fn rate_difference(left: Proportion, right: Proportion, confidence: f64) -> Option<Difference> {
    let half = 1.0 - (1.0 - confidence) / 2.0;
    let (from, to) = (rate_interval(left, half)?, rate_interval(right, half)?);
    let share = |seen: Proportion| seen.successes as f64 / seen.trials as f64;
    let pooled = Proportion { successes: left.successes + right.successes, trials: left.trials + right.trials };
    let evidence = ln_mixed(left) + ln_mixed(right) - ln_likelihood(pooled, share(pooled));
    Some(Difference {
        value: share(right) - share(left),
        interval: Interval { low: to.low - from.high, high: to.high - from.low },
        p_value: (-evidence).exp().min(1.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(successes: u64, trials: u64) -> Proportion {
        Proportion { successes, trials }
    }

    #[test]
    fn intervals_hold_the_share_shrink_and_reach_the_ends() {
        let none = rate_interval(seen(0, 100), 0.95).unwrap();
        assert!(none.low == 0.0 && (0.03..0.09).contains(&none.high), "{none:?}");
        let all = rate_interval(seen(100, 100), 0.95).unwrap();
        assert!(all.high == 1.0 && (all.low - (1.0 - none.high)).abs() < 1e-12);
        let (few, many) = (rate_interval(seen(5, 50), 0.95).unwrap(), rate_interval(seen(500, 5000), 0.95).unwrap());
        assert!(few.low < many.low && many.low < 0.1 && 0.1 < many.high && many.high < few.high);
        // Wider than a planned sample's, but not by much.
        let wilson = crate::interval::wilson(500.0, 5000.0, 0.95).unwrap();
        assert!((many.high - many.low) < 2.2 * (wilson.high - wilson.low));
        assert_eq!((rate_interval(seen(0, 0), 0.95), rate_interval(seen(2, 1), 0.95)), (None, None));
    }

    #[test]
    fn two_failures_of_two_show_more_than_a_per_cent_and_one_of_fifty_does_not() {
        assert!(rate_interval(seen(2, 2), 0.95).unwrap().low > 0.01);
        assert!(rate_interval(seen(1, 50), 0.95).unwrap().low < 0.01);
    }

    #[test]
    fn a_clear_difference_is_found_and_equal_rates_are_not_different() {
        let found = rate_difference(seen(20, 1000), seen(80, 1000), 0.95).unwrap();
        assert!(found.p_value < 1e-4 && found.interval.low > 0.0, "{found:?}");
        let equal = rate_difference(seen(20, 1000), seen(20, 1000), 0.95).unwrap();
        assert!(equal.p_value == 1.0 && equal.interval.low < 0.0 && equal.interval.high > 0.0);
        let swapped = rate_difference(seen(80, 1000), seen(20, 1000), 0.95).unwrap();
        assert!((swapped.p_value - found.p_value).abs() < 1e-15 && swapped.value == -found.value);
        assert_eq!(rate_difference(seen(0, 0), seen(1, 2), 0.95), None);
    }
}
