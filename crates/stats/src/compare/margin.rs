//! A difference between two models on the same rows, and what may be claimed of it: that the challenger is better, not
//! worse by more than a margin, or as good as the champion.

use super::{delong_paired, paired_t};
use crate::interval::Interval;
use crate::special::{normal_quantile, normal_sf, student_t_quantile, student_t_sf};
use crate::summary::{finite_sorted, mean, quantile};

/// Below this standard error two models differ by rounding only.
const ROUNDING: f64 = 1e-8;

/// How much better the challenger is than the champion (more is better), with what is known of its uncertainty.
#[derive(Debug, Clone, PartialEq)]
pub struct Improvement {
    /// The estimate.
    pub value: f64,
    distribution: Distribution,
}

#[derive(Debug, Clone, PartialEq)]
enum Distribution {
    /// Both models answer alike: the value stands for itself.
    Certain,
    /// Normal, with this standard error.
    Normal(f64),
    /// Student's t with this standard error and degrees of freedom.
    Student(f64, f64),
    /// Ascending values of resampled rows.
    Draws(Vec<f64>),
}

/// A claim and whether it is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shown {
    /// The one-sided p-value of the opposite.
    pub p_value: f64,
    /// Whether the claim holds at the asked confidence.
    pub holds: bool,
}

impl Improvement {
    /// An estimate with a normal distribution. `None` for a NaN or a negative error.
    pub fn normal(value: f64, standard_error: f64) -> Option<Self> {
        if value.is_nan() || standard_error.is_nan() || standard_error < 0.0 {
            return None;
        }
        let certain = standard_error <= ROUNDING;
        let distribution = if certain { Distribution::Certain } else { Distribution::Normal(standard_error) };
        Some(Self { value, distribution })
    }

    /// Of the AUC, by DeLong's covariance. `None` when a class is missing, lengths differ, or a score is NaN.
    pub fn of_auc(y: &[bool], champion: &[f64], challenger: &[f64]) -> Option<Self> {
        let comparison = delong_paired(y, champion, challenger)?;
        Self::normal(comparison.difference(), comparison.standard_error())
    }

    /// Of the mean of per-row gains, by Student's t: pass correctness, or losses with the challenger's first. `None` for
    /// fewer than two rows, other lengths, or a NaN.
    pub fn of_means(minuend: &[f64], subtrahend: &[f64]) -> Option<Self> {
        if minuend.len() != subtrahend.len() || minuend.len() < 2 {
            return None;
        }
        let value = mean(minuend)? - mean(subtrahend)?;
        if value.is_nan() {
            return None;
        }
        let degrees = minuend.len() as f64 - 1.0;
        let distribution = paired_t(minuend, subtrahend)
            .map_or(Distribution::Certain, |test| Distribution::Student(test.standard_error, degrees));
        Some(Self { value, distribution })
    }

    /// Of any metric, by resampling rows (percentile bootstrap). `below(n)` draws a number in 0..n and carries the seed.
    /// `improvement` gets how often each row was drawn, or nothing for the rows as they are; draws where it is undefined are
    /// left out. `None` if it is undefined for the rows themselves or for more than half of the draws.
    pub fn of_any(
        rows: usize,
        repetitions: usize,
        mut below: impl FnMut(usize) -> usize,
        mut improvement: impl FnMut(Option<&[f64]>) -> Option<f64>,
    ) -> Option<Self> {
        let value = improvement(None).filter(|value| value.is_finite())?;
        let mut draws = Vec::with_capacity(repetitions);
        let mut counts = vec![0.0; rows];
        for _ in 0..repetitions {
            counts.fill(0.0);
            for _ in 0..rows {
                counts[below(rows).min(rows - 1)] += 1.0;
            }
            draws.extend(improvement(Some(&counts)));
        }
        let draws = finite_sorted(&draws);
        if draws.is_empty() || draws.len() * 2 < repetitions {
            return None;
        }
        let alike = draws[0] == value && draws[draws.len() - 1] == value;
        let distribution = if alike { Distribution::Certain } else { Distribution::Draws(draws) };
        Some(Self { value, distribution })
    }

    /// The two-sided interval at `confidence`. `None` for a confidence outside (0, 1).
    pub fn interval(&self, confidence: f64) -> Option<Interval> {
        if !(confidence > 0.0 && confidence < 1.0) {
            return None;
        }
        let level = 0.5 + confidence / 2.0;
        let around = |reach: f64| Interval { low: self.value - reach, high: self.value + reach };
        Some(match &self.distribution {
            Distribution::Certain => around(0.0),
            Distribution::Normal(error) => around(normal_quantile(level) * error),
            Distribution::Student(error, degrees) => around(student_t_quantile(level, *degrees) * error),
            Distribution::Draws(draws) => {
                Interval { low: quantile(draws, 1.0 - level)?, high: quantile(draws, level)? }
            }
        })
    }

    /// The one-sided p-value of the hypothesis that the true improvement is at most `bound`.
    pub fn p_at_most(&self, bound: f64) -> f64 {
        let gap = self.value - bound;
        match &self.distribution {
            Distribution::Certain => f64::from(u8::from(gap <= 0.0)),
            Distribution::Normal(error) => normal_sf(gap / error),
            Distribution::Student(error, degrees) => signed_student_sf(gap / error, *degrees),
            // The value itself counts as a draw, so that no p-value is 0 (Davison & Hinkley 1997, 4.2).
            Distribution::Draws(draws) => share(draws.partition_point(|draw| *draw <= bound), draws.len()),
        }
    }

    /// The one-sided p-value of the hypothesis that the true improvement is at least `bound`.
    pub fn p_at_least(&self, bound: f64) -> f64 {
        let gap = self.value - bound;
        match &self.distribution {
            Distribution::Certain => f64::from(u8::from(gap >= 0.0)),
            Distribution::Normal(error) => normal_sf(-gap / error),
            Distribution::Student(error, degrees) => signed_student_sf(-gap / error, *degrees),
            Distribution::Draws(draws) => share(draws.len() - draws.partition_point(|draw| *draw < bound), draws.len()),
        }
    }

    /// The two-sided p-value of no difference.
    pub fn p_value(&self) -> f64 {
        (2.0 * self.p_at_most(0.0).min(self.p_at_least(0.0))).min(1.0)
    }

    /// Whether the challenger is shown to be not worse by `margin` or more. One that answers alike passes. `None` for a
    /// negative margin or a confidence outside (0, 1).
    pub fn non_inferior(&self, margin: f64, confidence: f64) -> Option<Shown> {
        if self.distribution == Distribution::Certain && self.value >= -margin && margin >= 0.0 {
            return shown(0.0, margin, confidence);
        }
        shown(self.p_at_most(-margin), margin, confidence)
    }

    /// Whether the challenger is shown to be better by more than `margin`, usually 0. `None` as above.
    pub fn superior(&self, margin: f64, confidence: f64) -> Option<Shown> {
        shown(self.p_at_most(margin), margin, confidence)
    }

    /// Whether both are shown to differ by less than `margin` on either side (two one-sided tests, Schuirmann 1987). `None`
    /// as above.
    pub fn equivalent(&self, margin: f64, confidence: f64) -> Option<Shown> {
        shown(self.p_at_most(-margin).max(self.p_at_least(margin)), margin, confidence)
    }
}

fn shown(p_value: f64, margin: f64, confidence: f64) -> Option<Shown> {
    let valid = margin >= 0.0 && confidence > 0.0 && confidence < 1.0;
    valid.then_some(Shown { p_value, holds: p_value < 1.0 - confidence })
}

fn share(hits: usize, draws: usize) -> f64 {
    (hits + 1) as f64 / (draws + 1) as f64
}

/// P(T > t) for either sign of t.
fn signed_student_sf(t: f64, degrees: f64) -> f64 {
    if t >= 0.0 { student_t_sf(t, degrees) } else { 1.0 - student_t_sf(-t, degrees) }
}

#[cfg(test)]
mod tests {
    use flyball_core::rng::Rng;

    use super::*;

    fn normal(value: f64, error: f64) -> Improvement {
        Improvement::normal(value, error).unwrap()
    }

    #[test]
    fn a_wide_interval_proves_nothing() {
        let shows = |value, error| normal(value, error).non_inferior(0.005, 0.95).unwrap().holds;
        assert!(!shows(0.0, 0.01) && shows(0.0, 0.003) && !shows(-0.004, 0.003));
        assert!(!normal(0.004, 0.003).superior(0.0, 0.95).unwrap().holds);
        assert!(normal(0.006, 0.003).superior(0.0, 0.95).unwrap().holds);
        assert!(!normal(0.006, 0.003).superior(0.005, 0.95).unwrap().holds);
        assert!(normal(0.0, 0.002).equivalent(0.005, 0.95).unwrap().holds);
        assert!(!normal(0.003, 0.002).equivalent(0.005, 0.95).unwrap().holds);
    }

    #[test]
    fn intervals_and_p_values_agree() {
        let mut rng = Rng::seeded(1);
        let left: Vec<f64> = (0..60).map(|_| rng.unit()).collect();
        let right: Vec<f64> = left.iter().map(|value| value - 0.03 + 0.2 * (rng.unit() - 0.5)).collect();
        for found in [normal(0.01, 0.004), Improvement::of_means(&left, &right).unwrap()] {
            let interval = found.interval(0.9).unwrap();
            assert!((found.p_at_most(interval.low) - 0.05).abs() < 1e-9, "{found:?}");
            assert!((found.p_at_least(interval.high) - 0.05).abs() < 1e-9, "{found:?}");
        }
    }

    #[test]
    fn an_equal_challenger_is_not_inferior_and_not_better() {
        let y = [true, false, true, false];
        let p = [0.9, 0.5, 0.4, 0.1];
        let equal = [Improvement::of_auc(&y, &p, &p).unwrap(), Improvement::of_means(&p, &p).unwrap()];
        for found in equal {
            assert!(found.non_inferior(0.0, 0.95).unwrap().holds);
            assert!(!found.superior(0.0, 0.95).unwrap().holds);
            assert_eq!(found.p_value(), 1.0);
        }
        assert_eq!(Improvement::normal(f64::NAN, 1.0), None);
        assert_eq!(normal(0.0, 1.0).non_inferior(-0.1, 0.95), None);
        assert_eq!(normal(0.0, 1.0).superior(0.0, 1.0), None);
    }

    #[test]
    fn the_bootstrap_agrees_with_student_and_repeats_with_its_seed() {
        let mut rng = Rng::seeded(3);
        let gains: Vec<f64> = (0..300).map(|_| rng.unit() - 0.45).collect();
        let zeros = vec![0.0; gains.len()];
        let student = Improvement::of_means(&gains, &zeros).unwrap();
        let weighted = |weights: Option<&[f64]>| match weights {
            None => mean(&gains),
            Some(weights) => mean(&gains.iter().zip(weights).map(|(gain, weight)| gain * weight).collect::<Vec<_>>()),
        };
        let run = |seed| {
            let mut rng = Rng::seeded(seed);
            Improvement::of_any(gains.len(), 1000, |n| rng.below(n), weighted).unwrap()
        };
        let (found, expected) = (run(5), student.interval(0.95).unwrap());
        let interval = found.interval(0.95).unwrap();
        assert!((interval.low - expected.low).abs() < 0.005 && (interval.high - expected.high).abs() < 0.005);
        assert!((found.p_value() - student.p_value()).abs() < 0.02);
        assert_eq!(found, run(5));
        assert_eq!(Improvement::of_any(10, 50, |_| 0, |_| None), None);
        let constant = Improvement::of_any(10, 50, |_| 0, |_| Some(0.0)).unwrap();
        assert!(constant.non_inferior(0.0, 0.95).unwrap().holds);
    }
}
