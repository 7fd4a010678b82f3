//! Small gradient-boosted trees over binned columns, for what statistics must learn by itself: the error of a model, and
//! how to tell two tables apart. Not a trainer of models for users.

use crate::summary::{finite_sorted, mean};

/// Number of trees.
const TREES: usize = 60;
/// Splits from the root to a leaf.
const DEPTH: usize = 3;
/// Share of a tree that is believed.
const LEARNING_RATE: f64 = 0.1;
/// A leaf speaks for at least so many rows.
const LEAST_ROWS: usize = 20;
/// Cuts of a column, at its quantiles.
const CUTS: usize = 31;
/// Added to the curvature of every leaf, against leaves that are sure of few rows.
const SHRINKAGE: f64 = 1.0;

/// What the trees learn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// The mean of a number.
    Squared,
    /// The log odds of 1 against 0.
    Logistic,
}

/// A split, or a leaf if `right` is 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TreeNode {
    /// Index of the column.
    pub feature: usize,
    /// Values up to this, and missing ones, go left.
    pub threshold: f64,
    /// Index of the left child, greater than that of its parent.
    pub left: usize,
    /// Index of the right child, greater than that of its parent.
    pub right: usize,
    /// What a leaf adds.
    pub value: f64,
}

/// A sum of trees.
#[derive(Debug, Clone, PartialEq)]
pub struct BoostedTrees {
    /// What is added to the trees.
    pub base: f64,
    /// The nodes of each tree, the root first.
    pub trees: Vec<Vec<TreeNode>>,
    /// How much the splits on each column improved the fit.
    pub gains: Vec<f64>,
}

/// Gradient and curvature of the loss over rows.
#[derive(Clone, Copy, Default)]
struct Sums {
    gradient: f64,
    curvature: f64,
    rows: usize,
}

impl Sums {
    fn add(&mut self, gradient: f64, curvature: f64) {
        self.gradient += gradient;
        self.curvature += curvature;
        self.rows += 1;
    }

    fn score(&self) -> f64 {
        self.gradient * self.gradient / (self.curvature + SHRINKAGE)
    }
}

/// Columns as numbers of bins: 0 for missing, then one more than the number of cuts below the value.
struct Binned {
    cuts: Vec<Vec<f64>>,
    bins: Vec<Vec<u8>>,
}

impl Binned {
    fn new(columns: &[&[f64]], rows: &[usize]) -> Self {
        let cuts: Vec<Vec<f64>> = columns
            .iter()
            .map(|column| {
                let sorted = finite_sorted(&rows.iter().map(|&row| column[row]).collect::<Vec<_>>());
                let quantile = |cut: usize| sorted.get(cut * sorted.len() / (CUTS + 1)).copied();
                let mut cuts: Vec<f64> = (1..=CUTS).filter_map(quantile).collect();
                cuts.dedup();
                // Nothing is above the largest value.
                cuts.retain(|cut| sorted.last().is_some_and(|last| cut < last));
                cuts
            })
            .collect();
        let bin = |value: f64, cuts: &[f64]| {
            if value.is_nan() { 0 } else { 1 + cuts.partition_point(|cut| *cut < value) as u8 }
        };
        let bins =
            columns.iter().zip(&cuts).map(|(column, cuts)| column.iter().map(|&value| bin(value, cuts)).collect());
        Self { bins: bins.collect(), cuts }
    }

    /// The threshold that leaves the bins up to this one on the left.
    fn threshold(&self, feature: usize, bin: usize) -> f64 {
        bin.checked_sub(1).and_then(|cut| self.cuts[feature].get(cut).copied()).unwrap_or(f64::NEG_INFINITY)
    }
}

impl BoostedTrees {
    /// Learns `target` from the given rows of columns of equal length; a NaN is a missing value, infinities are ordered
    /// like other values. `None` for no rows, no columns, lengths that differ, or a target that is not finite.
    pub fn fit(columns: &[&[f64]], target: &[f64], rows: &[usize], loss: Loss) -> Option<Self> {
        let lengths = columns.iter().all(|column| column.len() == target.len());
        if columns.is_empty() || !lengths || rows.iter().any(|&row| !target.get(row).is_some_and(|y| y.is_finite())) {
            return None;
        }
        let center = mean(&rows.iter().map(|&row| target[row]).collect::<Vec<_>>())?;
        let base = match loss {
            Loss::Squared => center,
            Loss::Logistic => {
                let share = center.clamp(1e-6, 1.0 - 1e-6);
                (share / (1.0 - share)).ln()
            }
        };
        let binned = Binned::new(columns, rows);
        let mut fitted = Self { base, trees: Vec::with_capacity(TREES), gains: vec![0.0; columns.len()] };
        let mut sums = vec![base; target.len()];
        let mut slopes = vec![(0.0, 1.0); target.len()];
        for _ in 0..TREES {
            for &row in rows {
                slopes[row] = match loss {
                    Loss::Squared => (target[row] - sums[row], 1.0),
                    Loss::Logistic => {
                        let p = 1.0 / (1.0 + (-sums[row]).exp());
                        (target[row] - p, p * (1.0 - p))
                    }
                };
            }
            let mut nodes = Vec::new();
            fitted.grow(&binned, &slopes, rows.to_vec(), DEPTH, &mut nodes, &mut sums);
            fitted.trees.push(nodes);
        }
        Some(fitted)
    }

    /// Grows a node for these rows and everything below it; returns its index.
    fn grow(
        &mut self,
        binned: &Binned,
        slopes: &[(f64, f64)],
        rows: Vec<usize>,
        depth: usize,
        nodes: &mut Vec<TreeNode>,
        sums: &mut [f64],
    ) -> usize {
        let index = nodes.len();
        nodes.push(TreeNode { feature: 0, threshold: 0.0, left: 0, right: 0, value: 0.0 });
        match if depth == 0 { None } else { best_split(binned, slopes, &rows) } {
            Some((gain, feature, bin)) => {
                self.gains[feature] += gain;
                let goes_left = |row: &usize| usize::from(binned.bins[feature][*row]) <= bin;
                let (left_rows, right_rows) = rows.into_iter().partition(goes_left);
                let left = self.grow(binned, slopes, left_rows, depth - 1, nodes, sums);
                let right = self.grow(binned, slopes, right_rows, depth - 1, nodes, sums);
                nodes[index] = TreeNode { feature, threshold: binned.threshold(feature, bin), left, right, value: 0.0 };
            }
            None => {
                let mut total = Sums::default();
                rows.iter().for_each(|&row| total.add(slopes[row].0, slopes[row].1));
                nodes[index].value = LEARNING_RATE * total.gradient / (total.curvature + SHRINKAGE);
                rows.iter().for_each(|&row| sums[row] += nodes[index].value);
            }
        }
        index
    }

    /// The sum of the trees for a row: the number that was learnt, or its log odds. `value(column)` gives the row's values.
    pub fn at(&self, value: impl Fn(usize) -> f64) -> f64 {
        let of_tree = |nodes: &Vec<TreeNode>| {
            let mut node = nodes.first();
            while let Some(TreeNode { feature, threshold, left, right, .. }) = node.filter(|node| node.right > 0) {
                let value = value(*feature);
                node = nodes.get(if value.is_nan() || value <= *threshold { *left } else { *right });
            }
            node.map_or(0.0, |leaf| leaf.value)
        };
        self.base + self.trees.iter().map(of_tree).sum::<f64>()
    }
}

/// The split of the rows that improves the fit most: its gain, the column, and the last bin that goes left.
fn best_split(binned: &Binned, slopes: &[(f64, f64)], rows: &[usize]) -> Option<(f64, usize, usize)> {
    let mut best = None;
    for (feature, bins) in binned.bins.iter().enumerate() {
        let mut sums = [Sums::default(); CUTS + 2];
        let mut total = Sums::default();
        for &row in rows {
            sums[usize::from(bins[row])].add(slopes[row].0, slopes[row].1);
            total.add(slopes[row].0, slopes[row].1);
        }
        let mut left = Sums::default();
        for (bin, sum) in sums.iter().enumerate().take(binned.cuts[feature].len() + 1) {
            left.gradient += sum.gradient;
            left.curvature += sum.curvature;
            left.rows += sum.rows;
            let right = Sums {
                gradient: total.gradient - left.gradient,
                curvature: total.curvature - left.curvature,
                rows: total.rows - left.rows,
            };
            let gain = left.score() + right.score() - total.score();
            let enough = left.rows.min(right.rows) >= LEAST_ROWS;
            if enough && gain > best.map_or(1e-12, |(gain, _, _)| gain) {
                best = Some((gain, feature, bin));
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_interactions_and_missing_values_are_learnt() {
        let first: Vec<f64> = (0..2_000).map(|row| f64::from(row % 40)).collect();
        let second: Vec<f64> =
            (0..2_000).map(|row| if row % 7 == 0 { f64::NAN } else { f64::from(row % 11) }).collect();
        let truth = |a: f64, b: f64| {
            if b.is_nan() {
                9.0
            } else if a > 20.0 && b > 5.0 {
                3.0
            } else {
                -1.0
            }
        };
        let target: Vec<f64> = first.iter().zip(&second).map(|(&a, &b)| truth(a, b)).collect();
        let rows: Vec<usize> = (0..2_000).collect();
        let trees = BoostedTrees::fit(&[&first, &second], &target, &rows, Loss::Squared).unwrap();
        for row in 0..2_000 {
            let got = trees.at(|column| if column == 0 { first[row] } else { second[row] });
            assert!((got - target[row]).abs() < 0.2, "{got} is not {}", target[row]);
        }
        assert!(trees.gains.iter().all(|gain| *gain > 0.0));
    }

    #[test]
    fn nothing_to_learn_gives_the_mean_and_nothing_at_all_is_refused() {
        let trees = BoostedTrees::fit(&[&[1.0, 1.0]], &[2.0, 4.0], &[0, 1], Loss::Squared).unwrap();
        assert_eq!(trees.at(|_| 5.0), 3.0);
        assert_eq!(BoostedTrees::fit(&[], &[], &[], Loss::Squared), None);
        assert_eq!(BoostedTrees::fit(&[&[1.0]], &[f64::NAN], &[0], Loss::Squared), None);
        assert_eq!(BoostedTrees::fit(&[&[1.0]], &[1.0, 2.0], &[0], Loss::Squared), None);
    }
}
