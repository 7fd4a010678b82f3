//! Every statistic of a column at once: they share one walk over ordered values and one count of shares.

use super::Test;
use super::counts::{ChiSquare, chi_square_goodness_of_fit, contingency, pooled_contingency};
use super::distance::{
    hellinger, jensen_shannon, jensen_shannon_base_2, kullback_leibler, l_infinity, population_stability,
    total_variation,
};
use super::histogram::{decile_cuts, split_sorted};
use super::ks::{KsMethod, KsTest, ks_of_distance};
use super::means::{Variances, t_test_of};
use super::rank::{anderson_darling_of, cramer_von_mises_of, mann_whitney_of};
use super::walk::Walk;
use super::wasserstein::LEAST_DEVIATION;

/// Distances and tests between two distributions over the same levels or bins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShareStatistics {
    /// Population stability index.
    pub population_stability: f64,
    /// Jensen–Shannon distance, natural logarithm.
    pub jensen_shannon: f64,
    /// Jensen–Shannon distance, logarithm to base 2.
    pub jensen_shannon_base_2: f64,
    /// Hellinger distance.
    pub hellinger: f64,
    /// Kullback–Leibler divergence of the reference from the current window.
    pub kullback_leibler: f64,
    /// Total variation distance.
    pub total_variation: f64,
    /// Largest difference of one share.
    pub l_infinity: f64,
    /// χ² test of homogeneity.
    pub contingency: ChiSquare,
    /// The same with rare levels pooled: the one whose p-value holds.
    pub pooled: ChiSquare,
    /// χ² goodness of fit to the reference as if it were known exactly.
    pub goodness_of_fit: ChiSquare,
}

impl ShareStatistics {
    /// Of counts per level or bin. `None` if lengths differ or a side is empty.
    pub fn of(reference: &[u64], current: &[u64]) -> Option<Self> {
        Some(Self {
            population_stability: population_stability(reference, current)?,
            jensen_shannon: jensen_shannon(reference, current)?,
            jensen_shannon_base_2: jensen_shannon_base_2(reference, current)?,
            hellinger: hellinger(reference, current)?,
            kullback_leibler: kullback_leibler(reference, current)?,
            total_variation: total_variation(reference, current)?,
            l_infinity: l_infinity(reference, current)?,
            contingency: contingency(reference, current)?,
            pooled: pooled_contingency(reference, current)?,
            goodness_of_fit: chi_square_goodness_of_fit(reference, current)?,
        })
    }
}

/// How many values there are, and where.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    /// Finite values.
    pub rows: u64,
    /// Their mean.
    pub mean: f64,
    /// Their variance, dividing by the rows.
    pub variance: f64,
}

impl Moments {
    /// Of finite values; `None` without any.
    pub fn of(values: &[f64]) -> Option<Self> {
        let rough = crate::summary::mean(values)?;
        let rows = values.len() as f64;
        // What the first sum rounded away; far from zero that is more than the values differ.
        let rest: f64 = values.iter().map(|value| value - rough).sum();
        let mean = if rest.is_finite() { rough + rest / rows } else { rough };
        let variance = crate::summary::squared_deviations(values, mean) / rows;
        Some(Self { rows: values.len() as u64, mean, variance })
    }

    /// The standard deviation, dividing by the rows.
    pub fn deviation(&self) -> f64 {
        self.variance.sqrt()
    }
}

/// All that can be said of a numeric column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NumberStatistics {
    /// Kolmogorov–Smirnov.
    pub ks: KsTest,
    /// Wasserstein's distance.
    pub wasserstein: f64,
    /// Wasserstein's distance in standard deviations of the reference.
    pub wasserstein_normed: f64,
    /// Energy distance.
    pub energy: f64,
    /// Cramér–von Mises, asymptotic.
    pub cramer_von_mises: Test,
    /// Anderson–Darling, normalised; its p-value lies within 0.001 to 0.25.
    pub anderson_darling: Option<Test>,
    /// Mann–Whitney, two-sided, normal approximation.
    pub mann_whitney: Option<Test>,
    /// Welch's t-test.
    pub welch: Option<Test>,
    /// Moments of the reference and the current window.
    pub moments: [Moments; 2],
    /// Distances of the shares in the reference's ten quantile groups.
    pub shares: ShareStatistics,
}

impl NumberStatistics {
    /// Of two ascending samples of finite values; `None` if one is empty.
    pub fn of(reference: &[f64], current: &[f64]) -> Option<Self> {
        Prepared::new(reference.to_vec()).statistics(current)
    }

    /// Of a walk through bins.
    pub(crate) fn of_bins(walk: &Walk, moments: [Moments; 2], shares: ShareStatistics) -> Self {
        Self::from_walk(walk, walk.spread_cramer_von_mises(), moments, shares)
    }

    fn from_walk(walk: &Walk, cramer_von_mises: f64, moments: [Moments; 2], shares: ShareStatistics) -> Self {
        let [n, m] = moments.map(|moments| moments.rows);
        Self {
            ks: ks_of_distance(n, m, walk.largest_distance(), KsMethod::Affordable),
            wasserstein: walk.area(),
            wasserstein_normed: walk.area() / moments[0].deviation().max(LEAST_DEVIATION),
            energy: (2.0 * walk.squared_area()).sqrt(),
            cramer_von_mises: cramer_von_mises_of(cramer_von_mises, n, m),
            anderson_darling: anderson_darling_of(walk, n, m),
            mann_whitney: mann_whitney_of(walk, n, m),
            welch: t_test_of(&moments, Variances::Separate),
            moments,
            shares,
        }
    }
}

/// A reference whose own part of the statistics is done.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Prepared {
    ascending: Vec<f64>,
    moments: Option<Moments>,
    cuts: Vec<f64>,
    counts: Vec<u64>,
}

impl Prepared {
    /// Of ascending finite values.
    pub(crate) fn new(ascending: Vec<f64>) -> Self {
        let (moments, cuts) = (Moments::of(&ascending), decile_cuts(&ascending));
        let counts = split_sorted(&cuts, &ascending);
        Self { ascending, moments, cuts, counts }
    }

    pub(crate) fn ascending(&self) -> &[f64] {
        &self.ascending
    }

    pub(crate) fn rows(&self) -> u64 {
        self.ascending.len() as u64
    }

    /// All statistics against ascending finite values; `None` if a side is empty.
    pub(crate) fn statistics(&self, current: &[f64]) -> Option<NumberStatistics> {
        let moments = [self.moments?, Moments::of(current)?];
        let shares = ShareStatistics::of(&self.counts, &split_sorted(&self.cuts, current))?;
        let walk = Walk::through(&self.ascending, current);
        Some(NumberStatistics::from_walk(&walk, walk.cramer_von_mises(), moments, shares))
    }
}
