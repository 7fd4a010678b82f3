//! What games know of the path of splits from a root to a leaf.
//!
//! All splits of a path on one feature are one *condition*. In a *pattern* bit i says whether a row meets condition i;
//! all rows of one pattern get the same values from the leaf.

/// A game on the leaves of trees, standing at the end of a path.
pub(super) trait Game {
    /// Condition `at` of the path lets through this share of the cover.
    fn condition(&mut self, at: usize, share: f64);

    /// The path ends in a leaf; `background` holds the patterns of the background rows there.
    fn arrive(&mut self, background: &[u64]);

    /// Adds to `out`, for each condition, the Shapley value of a leaf of this value for rows of the pattern.
    fn add_values(&self, conditions: usize, pattern: u64, value: f64, out: &mut [f64]);

    /// Adds to `out`, for each of the [`pairs`] of conditions, half of their Shapley interaction index.
    fn add_pairs(&self, conditions: usize, pattern: u64, value: f64, out: &mut [f64]);
}

/// The pairs of some conditions, as (later, earlier). More conditions only append pairs.
pub(super) fn pairs(conditions: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..conditions).flat_map(|later| (0..later).map(move |earlier| (later, earlier)))
}
