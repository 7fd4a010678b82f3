//! One group against another: AIF360's unprivileged against privileged, Aequitas' disparities to a reference group.

use super::groups::Groups;
use super::rate::Rate;
use super::spread::spread;
use crate::classification::Confusion;
use crate::summary::ratio;

/// Disparities between τ and 1/τ are called fair; 0.8 is the four-fifths rule.
pub const TAU: f64 = 0.8;

/// With which group the others are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Benchmark {
    /// The one with the most rows.
    Majority,
    /// For each metric the one with its lowest defined value.
    Lowest,
    /// The one at this position.
    Group(usize),
}

impl Benchmark {
    /// The position of the reference group for a metric with these values. `None` if there is none.
    pub fn position(self, groups: &Groups, values: &[Option<f64>]) -> Option<usize> {
        match self {
            Self::Majority => {
                let sizes: Vec<Option<f64>> = groups.cells().iter().map(|cells| Some(cells.total())).collect();
                spread(&sizes).map_or_else(|| (sizes.len() == 1).then_some(0), |sizes| Some(sizes.highest.0))
            }
            Self::Lowest => spread(values).map(|spread| spread.lowest.0),
            Self::Group(position) => (position < groups.cells().len()).then_some(position),
        }
    }
}

/// Each group's value over that of the reference group. `None` where either is undefined, or the reference's is 0.
pub fn disparities(values: &[Option<f64>], reference: usize) -> Vec<Option<f64>> {
    let base = values.get(reference).copied().flatten();
    values.iter().map(|value| ratio((*value)?, base?)).collect()
}

/// Whether a disparity lies in [τ, 1/τ].
pub fn within_tau(disparity: f64, tau: f64) -> bool {
    (tau..=1.0 / tau).contains(&disparity)
}

/// The privileged group beside all others together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Versus {
    /// All other groups.
    pub unprivileged: Confusion,
    /// The privileged group.
    pub privileged: Confusion,
}

impl Groups {
    /// Sets the group at a position against all others. `None` if there is no such group.
    pub fn against(&self, privileged: usize) -> Option<Versus> {
        let own = *self.cells().get(privileged)?;
        let others = self.cells().iter().enumerate().filter(|(group, _)| *group != privileged).map(|(_, cells)| *cells);
        Some(Versus { unprivileged: Groups::from_cells(others.collect()).overall(), privileged: own })
    }
}

impl Versus {
    /// A rate of the unprivileged less that of the privileged: statistical parity difference for the selection rate, the
    /// signed equal opportunity difference for the true positive rate, predictive parity for the precision.
    pub fn difference(&self, rate: Rate) -> Option<f64> {
        Some(rate.of(&self.unprivileged)? - rate.of(&self.privileged)?)
    }

    /// A rate of the unprivileged over that of the privileged: the disparate impact for the selection rate.
    pub fn ratio(&self, rate: Rate) -> Option<f64> {
        ratio(rate.of(&self.unprivileged)?, rate.of(&self.privileged)?)
    }

    /// Disparate impact: selection rates, unprivileged over privileged.
    pub fn disparate_impact(&self) -> Option<f64> {
        self.ratio(Rate::SelectionRate)
    }

    /// Mean of the differences in false and in true positive rate.
    pub fn average_odds_difference(&self) -> Option<f64> {
        Some((self.difference(Rate::FalsePositiveRate)? + self.difference(Rate::TruePositiveRate)?) / 2.0)
    }

    /// Mean of the sizes of both differences: they cannot cancel out.
    pub fn average_absolute_odds_difference(&self) -> Option<f64> {
        let both = [Rate::FalsePositiveRate, Rate::TruePositiveRate].map(|rate| self.difference(rate));
        Some((both[0]?.abs() + both[1]?.abs()) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups() -> Groups {
        let cells = |tn, fp, fn_, tp| Confusion { tn, fp, fn_, tp };
        Groups::from_cells(vec![cells(8.0, 2.0, 2.0, 8.0), cells(4.0, 1.0, 0.0, 0.0), cells(50.0, 50.0, 0.0, 0.0)])
    }

    #[test]
    fn the_reference_is_the_majority_the_lowest_or_the_one_that_is_named() {
        let (groups, rate) = (groups(), Rate::SelectionRate);
        let values = groups.values(rate);
        assert_eq!(Benchmark::Majority.position(&groups, &values), Some(2));
        assert_eq!(Benchmark::Lowest.position(&groups, &values), Some(1));
        assert_eq!(Benchmark::Group(3).position(&groups, &values), None);
        let found = disparities(&values, 0);
        assert_eq!(found, [Some(1.0), Some(0.4), Some(1.0)]);
        assert!(within_tau(1.25, TAU) && within_tau(0.8, TAU) && !within_tau(0.79, TAU) && !within_tau(1.26, TAU));
        assert_eq!(disparities(&groups.values(Rate::TruePositiveRate), 1), [None, None, None]);
    }

    #[test]
    fn what_a_side_lacks_is_undefined() {
        let versus = groups().against(0).unwrap();
        assert_eq!(versus.difference(Rate::TruePositiveRate), None);
        assert_eq!(versus.average_odds_difference(), None);
        assert!((versus.disparate_impact().unwrap() - 51.0 / 105.0 / 0.5).abs() < 1e-15);
        assert_eq!(groups().against(3), None);
    }
}
