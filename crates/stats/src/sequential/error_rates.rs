//! How often looking all the time is wrong, by simulation with fixed seeds.

use flyball_core::rng::Rng;

use super::{BoundedMean, bounded_difference, mean_difference, rate_difference};
use crate::compare::{Difference, Moments, Proportion, two_proportions};

/// Simulated experiments.
const EXPERIMENTS: u64 = 400;
/// Observations of each.
const OBSERVATIONS: usize = 2000;
/// The nominal error.
const ALPHA: f64 = 0.05;

/// Two streams that one observation at a time goes to, a quarter to the right one.
#[derive(Default)]
struct Streams {
    rates: [Proportion; 2],
    moments: [Moments; 2],
    bounded: [BoundedMean; 2],
}

/// The share of experiments in which a test, looked at after every tenth observation, ever says that there is a difference.
fn ever_significant(draw: impl Fn(&mut Rng, usize) -> f64, test: impl Fn(&Streams) -> Option<Difference>) -> f64 {
    let ever = |seed: &u64| {
        let mut rng = Rng::seeded(*seed);
        let mut streams = Streams::default();
        (0..OBSERVATIONS).any(|row| {
            let side = usize::from(rng.unit() < 0.25);
            let value = draw(&mut rng, side);
            streams.rates[side].trials += 1;
            streams.rates[side].successes += u64::from(value > 0.5);
            streams.moments[side].add(value);
            streams.bounded[side].add(value);
            row % 10 == 0 && test(&streams).is_some_and(|found| found.p_value < ALPHA)
        })
    };
    (0..EXPERIMENTS).filter(ever).count() as f64 / EXPERIMENTS as f64
}

fn coin(chances: [f64; 2]) -> impl Fn(&mut Rng, usize) -> f64 {
    move |rng, side| f64::from(u8::from(rng.unit() < chances[side]))
}

fn rates(streams: &Streams) -> Option<Difference> {
    rate_difference(streams.rates[0], streams.rates[1], 0.95)
}

/// Far from normal: the logarithm of a uniform number, shifted for the right stream.
fn exponential(shift: f64) -> impl Fn(&mut Rng, usize) -> f64 {
    move |rng, side| -(1.0 - rng.unit()).ln() + shift * side as f64
}

#[test]
fn looking_all_the_time_at_equal_rates_is_rarely_wrong() {
    for chance in [0.01, 0.2, 0.5] {
        let wrong = ever_significant(coin([chance; 2]), rates);
        assert!(wrong <= ALPHA, "{chance}: {wrong}");
    }
    // A planned sample's test is wrong in every fourth experiment and more when it is looked at all the time.
    let planned = |streams: &Streams| two_proportions(streams.rates[0], streams.rates[1], 0.95);
    let wrong = ever_significant(coin([0.2; 2]), planned);
    assert!(wrong > 0.25, "{wrong}");
}

#[test]
fn a_real_difference_of_rates_is_found() {
    let found = ever_significant(coin([0.02, 0.10]), rates);
    assert!(found > 0.9, "{found}");
}

#[test]
fn looking_all_the_time_at_equal_means_is_rarely_wrong_and_finds_what_is_there() {
    let test = |streams: &Streams| mean_difference(&streams.moments[0], &streams.moments[1], 0.95);
    let wrong = ever_significant(exponential(0.0), test);
    assert!(wrong <= ALPHA + 0.02, "{wrong}");
    let found = ever_significant(exponential(0.3), test);
    assert!(found > 0.9, "{found}");
}

#[test]
fn bounded_means_keep_their_promise_exactly() {
    let test = |streams: &Streams| bounded_difference(&streams.bounded[0], &streams.bounded[1], 0.95);
    let wrong = ever_significant(|rng, _| rng.unit(), test);
    assert!(wrong <= ALPHA, "{wrong}");
    let found = ever_significant(|rng, side| 0.3 * rng.unit() + 0.2 * side as f64, test);
    assert!(found > 0.9, "{found}");
}
