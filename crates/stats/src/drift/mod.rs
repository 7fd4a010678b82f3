//! Has a column changed? Tests and distances between a reference and a current window.
//!
//! Numbers come as values (NaN and infinities are dropped; their share is a table of its own) or as ascending finite
//! values from [`sorted`], so that a kept reference is sorted once. Categories come as counts per level, both
//! slices in the same order of levels.

mod counts;
mod distance;
mod epps_singleton;
mod histogram;
mod ks;
mod means;
mod order;
mod rank;
mod statistics;
mod tables;
mod walk;
mod wasserstein;

pub(crate) use counts::pooled_contingency_with;
pub use counts::{ChiSquare, chi_square_goodness_of_fit, contingency, contingency_corrected, pooled_contingency};
pub use distance::{
    hellinger, jensen_shannon, jensen_shannon_base_2, kullback_leibler, l_infinity, population_stability,
    total_variation,
};
pub use epps_singleton::epps_singleton;
pub(crate) use histogram::decile_cuts_all;
pub use histogram::{decile_cuts, histogram, population_stability_deciles, split_at, sturges_edges};
pub(crate) use ks::ks_of_bins;
pub use ks::{KsMethod, KsTest, ks_location, ks_sorted, ks_two_sample};
pub use means::{Variances, t_test};
pub(crate) use order::Sorter;
pub use rank::{Alternative, anderson_darling, cramer_von_mises, mann_whitney};
pub(crate) use statistics::Prepared;
pub use statistics::{Moments, NumberStatistics, ShareStatistics};
pub use tables::{fisher_exact, g_contingency, g_goodness_of_fit, two_proportions};
pub(crate) use walk::Walk;
pub use wasserstein::{energy, wasserstein, wasserstein_normed, wasserstein_sorted};

/// Outcome of a test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Test {
    /// The statistic.
    pub statistic: f64,
    /// Probability of such a statistic, or one further out, without drift.
    pub p_value: f64,
}

/// The finite values in ascending order.
pub fn sorted(values: &[f64]) -> Vec<f64> {
    crate::summary::finite_sorted(values)
}
