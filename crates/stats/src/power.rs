//! How many rows a comparison needs to find a difference that matters. Everything is two-sided at `alpha` and rounds up.

use crate::special::normal_quantile;

/// How sure a comparison shall be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Demand {
    /// The chance of finding a difference that is not there.
    pub alpha: f64,
    /// The chance of finding one that is.
    pub power: f64,
}

impl Default for Demand {
    /// The field's custom: 5 % and 80 %.
    fn default() -> Self {
        Self { alpha: 0.05, power: 0.8 }
    }
}

/// Larger sizes are not worth telling: the difference is next to nothing.
const LARGEST: f64 = 1e15;

impl Demand {
    /// The normal deviates of both errors; `None` for a chance outside (0, 1) or a power not above alpha.
    fn deviates(self) -> Option<(f64, f64)> {
        let valid = self.alpha > 0.0 && self.power < 1.0 && self.power > self.alpha;
        valid.then(|| (normal_quantile(1.0 - self.alpha / 2.0), normal_quantile(self.power)))
    }
}

fn rounded(rows: f64) -> Option<u64> {
    (rows.is_finite() && rows > 0.0 && rows < LARGEST).then(|| (rows.ceil() as u64).max(2))
}

/// Rows of the first of two groups to find that it has the rate `from` and the other, of `ratio` times as many rows, the rate
/// `to` (Fleiss 1981, without continuity correction). `None` for equal rates, rates outside [0, 1], or a ratio that is not
/// positive.
pub fn proportions(from: f64, to: f64, ratio: f64, demand: Demand) -> Option<u64> {
    let (alpha, beta) = demand.deviates()?;
    if !((0.0..=1.0).contains(&from) && (0.0..=1.0).contains(&to) && ratio > 0.0) {
        return None;
    }
    let mean = (from + ratio * to) / (1.0 + ratio);
    let own = (from * (1.0 - from) + to * (1.0 - to) / ratio).sqrt();
    let spread = alpha * ((1.0 + 1.0 / ratio) * mean * (1.0 - mean)).sqrt() + beta * own;
    rounded((spread / (to - from)).powi(2))
}

/// Rows of the first of two groups, the other of `ratio` times as many, to find that their means differ by `difference`, where
/// numbers have this standard deviation. `None` for no difference, or a deviation or ratio that is not positive.
pub fn means(difference: f64, deviation: f64, ratio: f64, demand: Demand) -> Option<u64> {
    let (alpha, beta) = demand.deviates()?;
    let rows = || (1.0 + 1.0 / ratio) * ((alpha + beta) * deviation / difference).powi(2);
    (deviation > 0.0 && ratio > 0.0).then(rows).and_then(rounded)
}

/// Rows that both models answer to find that a mean per row (a loss) differs by `difference`, where the differences of rows have
/// this standard deviation. `None` as for [`means`].
pub fn paired_means(difference: f64, deviation: f64, demand: Demand) -> Option<u64> {
    let (alpha, beta) = demand.deviates()?;
    (deviation > 0.0).then(|| ((alpha + beta) * deviation / difference).powi(2)).and_then(rounded)
}

/// The variance of an AUC of so many positives and negatives (Hanley & McNeil 1982, exponential scores). `None` for an AUC
/// outside (0, 1) or a missing class.
pub fn auc_variance(auc: f64, positives: f64, negatives: f64) -> Option<f64> {
    if !(auc > 0.0 && auc < 1.0 && positives >= 1.0 && negatives >= 1.0) {
        return None;
    }
    let (q1, q2) = (auc / (2.0 - auc), 2.0 * auc * auc / (1.0 + auc));
    let square = auc * auc;
    let sum = auc * (1.0 - auc) + (positives - 1.0) * (q1 - square) + (negatives - 1.0) * (q2 - square);
    Some(sum / (positives * negatives))
}

/// Rows that both models answer to find that their AUCs are `from` and `to`, where `prevalence` of the rows are positive and
/// the two AUCs correlate by `correlation` (Hanley & McNeil 1983; 0 for different rows). `None` for equal AUCs, AUCs or a
/// prevalence outside (0, 1), or a correlation outside [0, 1).
pub fn aucs(from: f64, to: f64, prevalence: f64, correlation: f64, demand: Demand) -> Option<u64> {
    let (alpha, beta) = demand.deviates()?;
    if !(prevalence > 0.0 && prevalence < 1.0 && (0.0..1.0).contains(&correlation)) {
        return None;
    }
    // For many rows the variance is in proportion to 1/n; it is taken at a size where the −1 of the formula does not matter.
    let large = 1e9;
    let unit = |auc: f64| Some(auc_variance(auc, prevalence * large, (1.0 - prevalence) * large)? * large);
    let (own, other) = (unit(from)?, unit(to)?);
    let of_difference = |a: f64, b: f64| (a + b - 2.0 * correlation * (a * b).sqrt()).sqrt();
    let spread = alpha * of_difference(own, own) + beta * of_difference(own, other);
    rounded((spread / (to - from)).powi(2))
}

/// Rows that both classifiers answer for McNemar's test to find that the challenger alone is right in the share
/// `challenger_only` of the rows and the champion alone in `champion_only` (Connor 1987). `None` for equal shares, or shares
/// that are none.
pub fn mcnemar(challenger_only: f64, champion_only: f64, demand: Demand) -> Option<u64> {
    let (alpha, beta) = demand.deviates()?;
    let (discordant, difference) = (challenger_only + champion_only, challenger_only - champion_only);
    if !(challenger_only >= 0.0 && champion_only >= 0.0 && discordant <= 1.0) {
        return None;
    }
    let spread = alpha * discordant.sqrt() + beta * (discordant - difference * difference).sqrt();
    rounded((spread / difference).powi(2))
}

/// Rows of a window to find that a column's distribution function moved by `effect` somewhere (Kolmogorov–Smirnov distance),
/// against a reference of `reference` rows. At the place of the largest distance both are shares, which near the middle vary
/// most: the size holds wherever that place is. `None` for an effect outside (0, 1], or when no window is large enough
/// because the reference is too small.
pub fn ks_window(effect: f64, reference: u64, demand: Demand) -> Option<u64> {
    let (_, beta) = demand.deviates()?;
    if !(effect > 0.0 && effect <= 1.0) {
        return None;
    }
    // The two-sided critical value of √n D is about √(ln(2/α) / 2); a share varies by ½/√n at most.
    let critical = ((2.0 / demand.alpha).ln() / 2.0).sqrt();
    let effective = ((critical + 0.5 * beta) / effect).powi(2);
    // 1/effective = 1/window + 1/reference.
    rounded(1.0 / (1.0 / effective - 1.0 / reference as f64))
}

#[cfg(test)]
mod tests {
    use flyball_core::rng::Rng;

    use super::*;
    use crate::compare::{Moments, welch};
    use crate::drift::{KsMethod, ks_two_sample};

    #[test]
    fn sizes_are_those_of_the_textbooks() {
        let demand = Demand::default();
        // Fleiss 1981: 0.25 against 0.40 needs 152 of each; statsmodels: d = 0.5 needs 62.8 by the normal.
        assert_eq!(proportions(0.25, 0.40, 1.0, demand), Some(152));
        assert_eq!(means(0.5, 1.0, 1.0, demand), Some(63));
        // A group of twice as many rows: (1 + 1/2)(1.959964 + 0.841621)² / 0.5² = 47.09, and 94.19 in the other.
        assert_eq!(means(0.5, 1.0, 2.0, demand), Some(48));
        // Fleiss by hand, twice as many: (1.959964·√(1.5·0.35·0.65) + 0.841621·√(0.1875 + 0.24/2))² / 0.15² = 115.4.
        assert_eq!(proportions(0.25, 0.40, 2.0, demand), Some(116));
        assert_eq!(paired_means(0.5, 1.0, demand), Some(32));
        // Hanley & McNeil 1982 by hand: V₁ = 0.117857, V₂ = 0.097778,
        // (1.644854·√(2 V₁) + 0.841621·√(V₁ + V₂))² / 0.05² = 565.9 of each class.
        assert_eq!(aucs(0.75, 0.80, 0.5, 0.0, Demand { alpha: 0.10, power: 0.8 }), Some(1132));
        // Connor 1987 by hand: (1.959964·√0.3 + 0.841621·√(0.3 − 0.01))² / 0.01 = 233.1.
        assert_eq!(mcnemar(0.2, 0.1, demand), Some(234));
    }

    #[test]
    fn correlated_models_need_fewer_rows_and_small_effects_more() {
        let rows = |correlation| aucs(0.80, 0.82, 0.3, correlation, Demand::default()).unwrap();
        assert!(rows(0.8) < rows(0.5) && rows(0.5) < rows(0.0));
        assert!(ks_window(0.05, 100_000, Demand::default()) > ks_window(0.1, 100_000, Demand::default()));
        assert_eq!(ks_window(0.1, 10, Demand::default()), None);
    }

    #[test]
    fn nothing_to_find_needs_no_size() {
        let demand = Demand::default();
        assert_eq!(
            (proportions(0.2, 0.2, 1.0, demand), means(0.0, 1.0, 1.0, demand), mcnemar(0.1, 0.1, demand)),
            (None, None, None)
        );
        assert_eq!((aucs(0.8, 0.8, 0.5, 0.5, demand), ks_window(0.0, 100, demand)), (None, None));
        assert_eq!((means(1.0, f64::NAN, 1.0, demand), means(1.0, 1.0, 0.0, demand)), (None, None));
        assert_eq!(proportions(0.1, 0.2, 1.0, Demand { alpha: 0.0, power: 0.8 }), None);
        assert_eq!(proportions(0.1, 0.2, 1.0, Demand { alpha: 0.05, power: 1.0 }), None);
        assert_eq!(proportions(0.1, 0.2, f64::NAN, demand), None);
    }

    #[test]
    fn the_power_that_was_asked_for_is_had() {
        let demand = Demand::default();
        let rows = means(0.25, 1.0 / 12.0_f64.sqrt(), 1.0, demand).unwrap() as usize;
        let mut rng = Rng::seeded(8);
        let found = (0..1000).filter(|_| {
            let mut sample = |shift: f64| {
                let mut moments = Moments::default();
                (0..rows).for_each(|_| moments.add(shift + rng.unit()));
                moments
            };
            welch(&sample(0.0), &sample(0.25), 0.95).is_some_and(|test| test.p_value < 0.05)
        });
        let share = found.count() as f64 / 1000.0;
        assert!((0.74..0.86).contains(&share), "{share}");
    }

    #[test]
    fn a_window_of_the_size_finds_the_effect() {
        let rows = ks_window(0.15, 2000, Demand::default()).unwrap() as usize;
        let mut rng = Rng::seeded(8);
        let found = (0..200).filter(|_| {
            let reference: Vec<f64> = (0..2000).map(|_| rng.unit()).collect();
            let window: Vec<f64> = (0..rows).map(|_| rng.unit() + 0.15).collect();
            ks_two_sample(&reference, &window, KsMethod::Asymptotic).is_some_and(|test| test.p_value < 0.05)
        });
        let share = found.count() as f64 / 200.0;
        assert!(share > 0.75, "{share}");
    }
}
