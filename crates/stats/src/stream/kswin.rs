//! KSWIN: the newest values of a window against a sample of the older ones, by Kolmogorov and Smirnov (Raab, Heusinger &
//! Schleif 2020).

use std::collections::VecDeque;

use super::codec::{fields, settings};
use super::{LONGEST_WINDOW, State};
use crate::mersenne::Mersenne;
use crate::special::kolmogorov_sf;

/// A distance of the distribution functions up to this is no drift, however sure.
const LEAST_DISTANCE: f64 = 0.1;
/// Above this many values on a side the p-value is asymptotic (scipy's bound).
const EXACT_ROWS: usize = 10_000;

/// Parameters of [`Kswin`].
#[derive(Debug, Clone, PartialEq)]
pub struct KswinSettings {
    /// Significance of one test, in [0, 1]; there is a test at every value, so it should be small.
    pub alpha: f64,
    /// Number of values in the window.
    pub window_size: usize,
    /// Number of the newest values that are tested, and of older ones they are tested against; at most half the window.
    pub stat_size: usize,
    /// Seed of the draws, as Python's `random.Random` takes it.
    pub seed: u64,
}

settings!(KswinSettings { alpha, window_size, stat_size, seed });

impl Default for KswinSettings {
    fn default() -> Self {
        Self { alpha: 0.005, window_size: 100, stat_size: 30, seed: 0 }
    }
}

/// The detector.
#[derive(Debug, Clone, PartialEq)]
pub struct Kswin {
    settings: KswinSettings,
    /// The distance, times `stat_size`, from which on there is drift.
    critical: usize,
    window: VecDeque<f64>,
    draws: Mersenne,
    /// The distance of the last test, times `stat_size`; 0 before the first.
    distance: usize,
    drift: bool,
}

fields!(Kswin { settings, critical, window, draws, distance, drift });

impl Kswin {
    /// A detector with an empty window. `None` if a parameter is out of its range.
    pub fn new(settings: KswinSettings) -> Option<Self> {
        let (window, draws) = (VecDeque::new(), Mersenne::python(settings.seed));
        let mut detector = Self { settings, critical: 0, window, draws, distance: 0, drift: false };
        if !detector.is_sound() {
            return None;
        }
        let KswinSettings { alpha, stat_size, .. } = detector.settings;
        // The p-value falls with the distance: the first that is significant and far enough is found once.
        let (mut low, mut high) = (0, stat_size + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            let far = middle as f64 / stat_size as f64 > LEAST_DISTANCE;
            if far && p_value(stat_size, middle) <= alpha {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        detector.critical = low;
        Some(detector)
    }

    pub(super) fn is_sound(&self) -> bool {
        let KswinSettings { alpha, window_size, stat_size, .. } = self.settings;
        (0.0..=1.0).contains(&alpha)
            && window_size <= LONGEST_WINDOW
            && stat_size > 0
            && stat_size <= window_size / 2
            && self.window.len() <= window_size
            && self.distance <= stat_size
            && self.draws.is_sound()
    }

    /// Takes a value. KSWIN gives no warnings.
    pub fn update(&mut self, value: f64) -> State {
        if !value.is_finite() {
            return State::default();
        }
        if self.drift {
            self.window.clear();
            self.draws = Mersenne::python(self.settings.seed);
            (self.distance, self.drift) = (0, false);
        }
        let KswinSettings { window_size, stat_size, .. } = self.settings;
        if self.window.len() == window_size {
            self.window.pop_front();
        }
        self.window.push_back(value);
        if self.window.len() == window_size {
            let older = window_size - stat_size;
            let drawn = self.draws.sample(older, stat_size);
            let mut drawn: Vec<f64> = drawn.into_iter().map(|row| self.window[row]).collect();
            let mut newest: Vec<f64> = self.window.range(older..).copied().collect();
            drawn.sort_unstable_by(f64::total_cmp);
            newest.sort_unstable_by(f64::total_cmp);
            self.distance = largest_distance(&drawn, &newest);
            self.drift = self.distance >= self.critical;
        }
        State { drift: self.drift, warning: false }
    }

    /// P-value of the last test; `None` while the window is not full.
    pub fn p_value(&self) -> Option<f64> {
        let KswinSettings { window_size, stat_size, .. } = self.settings;
        (self.window.len() == window_size).then(|| p_value(stat_size, self.distance))
    }
}

/// The distance of two distribution functions of equally many ascending values, in steps of one value.
fn largest_distance(left: &[f64], right: &[f64]) -> usize {
    let (mut i, mut j, mut largest) = (0, 0, 0);
    while i < left.len() && j < right.len() {
        let value = left[i].min(right[j]);
        while i < left.len() && left[i] <= value {
            i += 1;
        }
        while j < right.len() && right[j] <= value {
            j += 1;
        }
        largest = largest.max(i.abs_diff(j));
    }
    largest
}

/// Probability that two samples of `rows` values from one distribution are at least `steps` apart.
///
/// The number of paths that touch a boundary at `steps` is an alternating sum of binomial coefficients by reflection
/// (Gnedenko & Korolyuk 1951).
fn p_value(rows: usize, steps: usize) -> f64 {
    if steps == 0 {
        return 1.0;
    }
    if rows > EXACT_ROWS {
        return kolmogorov_sf((rows as f64 / 2.0).round_ties_even() as u64, steps as f64 / rows as f64);
    }
    let mut sum = 0.0;
    // C(2n, n − d) / C(2n, n), carried from one multiple of `steps` to the next.
    let mut share = 1.0;
    for reflections in 1..=rows / steps {
        for distance in (reflections - 1) * steps..reflections * steps {
            share *= (rows - distance) as f64 / (rows + distance + 1) as f64;
        }
        sum += if reflections % 2 == 1 { share } else { -share };
    }
    (2.0 * sum).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift::{KsMethod, ks_sorted};

    #[test]
    fn the_p_value_is_that_of_the_general_test() {
        for rows in [1, 2, 7, 30, 64] {
            let left: Vec<f64> = (0..rows).map(f64::from).collect();
            for shift in 0..=rows {
                let right: Vec<f64> = left.iter().map(|value| value + f64::from(shift) - 0.5).collect();
                let steps = largest_distance(&left, &right);
                let expected = ks_sorted(&left, &right, KsMethod::Exact).unwrap().p_value;
                let got = p_value(left.len(), steps);
                assert!((got - expected).abs() <= 1e-9 * expected, "{rows} rows, {steps} steps: {got}, {expected}");
            }
        }
    }
}
