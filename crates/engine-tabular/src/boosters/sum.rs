//! How a booster's trees become scores: added up in the order and the precision of its library, then linked.

use std::ops::{Add, AddAssign};

use crate::forest::Forest;

/// How raw scores become those of the answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Link {
    Identity,
    /// One over one plus e to the negative score times the factor.
    Logistic(f64),
    Exponential,
    /// The square with the sign of the score.
    SignedSquare,
    /// The logarithm of one plus e to the score.
    Softplus,
    Softmax,
}

impl Link {
    fn apply(self, scores: &mut [f64]) {
        match self {
            Link::Identity => {}
            Link::Logistic(factor) => scores.iter_mut().for_each(|s| *s = 1.0 / (1.0 + (-factor * *s).exp())),
            Link::Exponential => scores.iter_mut().for_each(|s| *s = s.exp()),
            Link::SignedSquare => scores.iter_mut().for_each(|s| *s *= s.abs()),
            Link::Softplus => scores.iter_mut().for_each(|s| *s = s.exp().ln_1p()),
            Link::Softmax => {
                let largest = scores.iter().copied().fold(f64::MIN, f64::max);
                scores.iter_mut().for_each(|s| *s = (*s - largest).exp());
                let sum: f64 = scores.iter().sum();
                scores.iter_mut().for_each(|s| *s /= sum);
            }
        }
    }
}

/// A number per flat node, 0 for inner ones, and the start of each raw score, in the precision of the sums. Sums in 32
/// bits depend on their order: XGBoost starts with the base and adds tree after tree, and so must who wants its scores.
#[derive(Clone, Debug)]
pub(crate) enum Terms {
    Single { leaves: Vec<f32>, base: Vec<f32> },
    Double { leaves: Vec<f64>, base: Vec<f64> },
}

impl Terms {
    /// The number of a node.
    pub(crate) fn leaf(&self, node: usize) -> f64 {
        match self {
            Terms::Single { leaves, .. } => f64::from(leaves[node]),
            Terms::Double { leaves, .. } => leaves[node],
        }
    }

    /// The start of each raw score.
    pub(crate) fn base(&self) -> Vec<f64> {
        match self {
            Terms::Single { base, .. } => base.iter().copied().map(f64::from).collect(),
            Terms::Double { base, .. } => base.clone(),
        }
    }

    /// How many raw scores there are.
    pub(crate) fn scores(&self) -> usize {
        match self {
            Terms::Single { base, .. } => base.len(),
            Terms::Double { base, .. } => base.len(),
        }
    }
}

/// A compiled booster.
#[derive(Clone, Debug)]
pub(crate) struct Boosted {
    pub(crate) forest: Forest,
    pub(crate) terms: Terms,
    /// What of the training passed each flat node, when the model says so.
    pub(crate) covers: Option<Vec<f32>>,
    /// The raw score that each tree adds to.
    pub(crate) targets: Vec<u32>,
    /// What the sums are divided by.
    pub(crate) divisor: f64,
    pub(crate) link: Link,
    /// Whether the one score is the probability of the second of two classes.
    pub(crate) pair: bool,
}

impl Boosted {
    /// Numbers per row of the answer.
    pub(crate) fn width(&self) -> usize {
        if self.pair { 2 } else { self.terms.scores() }
    }

    /// Appends the scores of `count` rows, which have `columns` values each.
    pub(crate) fn evaluate(&self, rows: &[f32], columns: usize, count: usize, out: &mut Vec<f64>) {
        let start = out.len();
        match &self.terms {
            Terms::Single { leaves, base } => {
                out.extend(self.add_up(leaves, base, rows, columns, count).into_iter().map(f64::from));
            }
            Terms::Double { leaves, base } => out.extend(self.add_up(leaves, base, rows, columns, count)),
        }
        for scores in out[start..].chunks_exact_mut(self.terms.scores()) {
            scores.iter_mut().for_each(|score| *score /= self.divisor);
            self.link.apply(scores);
        }
        if self.pair {
            out.resize(start + 2 * count, 0.0);
            // From the last row on, so that no score is overwritten before it was read.
            for row in (0..count).rev() {
                let positive = out[start + row];
                out[start + 2 * row..start + 2 * row + 2].copy_from_slice(&[1.0 - positive, positive]);
            }
        }
    }

    /// What it keeps in memory; an estimate.
    pub(crate) fn bytes(&self) -> usize {
        let number = if matches!(self.terms, Terms::Single { .. }) { 4 } else { 8 };
        self.forest.bytes() + self.forest.nodes.len() * (number + 4) + self.targets.len() * 4
    }

    fn add_up<T: Copy + Add<Output = T> + AddAssign>(
        &self,
        leaves: &[T],
        base: &[T],
        rows: &[f32],
        columns: usize,
        count: usize,
    ) -> Vec<T> {
        if let (&[base], 1) = (base, count) {
            let mut sum = base;
            self.forest.walk(rows, columns, count, |_, _, leaf| sum += leaves[leaf]);
            return vec![sum];
        }
        let mut sums = base.repeat(count);
        if base.len() == 1 {
            self.forest.walk(rows, columns, count, |row, _, leaf| sums[row] += leaves[leaf]);
        } else {
            self.forest.walk(rows, columns, count, |row, tree, leaf| {
                sums[row * base.len() + self.targets[tree] as usize] += leaves[leaf];
            });
        }
        sums
    }
}
