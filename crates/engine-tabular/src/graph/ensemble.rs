//! Tree ensembles as ONNX-ML defines them.

use super::post::{PostTransform, logistic};
use crate::forest::Forest;

/// How the leaves of the trees become one number per target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aggregate {
    Sum,
    Average,
    Min,
    Max,
}

/// How the raw scores become the scores of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// One number per target.
    Targets,
    /// One raw score for two classes, log-odds or (`probability`) already the positive probability.
    Binary { probability: bool },
    /// One raw score per class.
    Classes,
}

/// The weights of the leaves.
#[derive(Clone, Debug)]
pub(crate) enum Leaves {
    /// One weight per node (0 for inner nodes), for ensembles with one raw score.
    Single(Vec<f32>),
    /// Per node the range of its (score, weight) pairs.
    Multiple { ranges: Vec<(u32, u32)>, weights: Vec<(u32, f32)> },
}

/// A compiled ensemble of trees.
#[derive(Clone, Debug)]
pub(crate) struct Ensemble {
    pub(crate) forest: Forest,
    pub(crate) leaves: Leaves,
    /// Training rows per node, when the model says so.
    pub(crate) covers: Option<Vec<f32>>,
    /// How many features a row must have.
    pub(crate) features: usize,
    /// Raw scores per row.
    pub(crate) scores: usize,
    pub(crate) base: Vec<f32>,
    pub(crate) aggregate: Aggregate,
    pub(crate) output: Output,
    pub(crate) post: PostTransform,
}

impl Ensemble {
    /// Numbers per row of the output.
    pub(crate) fn width(&self) -> usize {
        if matches!(self.output, Output::Binary { .. }) { 2 } else { self.scores }
    }

    /// Writes the output scores of `count` rows, which have `columns` values each and no less than `features`, into
    /// `out` (`count` times `width` long).
    pub(crate) fn evaluate(&self, rows: &[f32], columns: usize, count: usize, out: &mut [f32]) {
        let Output::Binary { probability } = self.output else {
            self.raw(rows, columns, count, out);
            out.chunks_exact_mut(self.scores).for_each(|row| self.post.apply(row));
            return;
        };
        // The raw scores stand in the first half until the pairs, from the last one on, take their place.
        self.raw(rows, columns, count, &mut out[..count]);
        for row in (0..count).rev() {
            let score = out[row];
            let pair = match (self.post, probability) {
                (PostTransform::Logistic, _) => [logistic(-score), logistic(score)],
                (_, true) => [1.0 - score, score],
                (_, false) => [-score, score],
            };
            out[2 * row..2 * row + 2].copy_from_slice(&pair);
        }
    }

    /// Writes the raw scores of some rows: aggregated leaves plus base values.
    fn raw(&self, rows: &[f32], columns: usize, count: usize, raw: &mut [f32]) {
        let unset = match self.aggregate {
            Aggregate::Sum | Aggregate::Average => 0.0,
            Aggregate::Min => f32::INFINITY,
            Aggregate::Max => f32::NEG_INFINITY,
        };
        raw.fill(unset);
        match (&self.leaves, self.aggregate) {
            (Leaves::Single(values), Aggregate::Sum | Aggregate::Average) => {
                self.forest.walk(rows, columns, count, |row, _, leaf| raw[row] += values[leaf]);
            }
            (leaves, aggregate) => {
                self.forest.walk(rows, columns, count, |row, _, leaf| {
                    let raw = &mut raw[row * self.scores..(row + 1) * self.scores];
                    let mut add = |target: usize, weight: f32| {
                        raw[target] = match aggregate {
                            Aggregate::Sum | Aggregate::Average => raw[target] + weight,
                            Aggregate::Min => raw[target].min(weight),
                            Aggregate::Max => raw[target].max(weight),
                        }
                    };
                    match leaves {
                        Leaves::Single(values) => add(0, values[leaf]),
                        Leaves::Multiple { ranges, weights } => {
                            let (start, stop) = ranges[leaf];
                            for &(target, weight) in &weights[start as usize..stop as usize] {
                                add(target as usize, weight);
                            }
                        }
                    }
                });
            }
        }
        for raw in raw.chunks_exact_mut(self.scores) {
            match self.aggregate {
                Aggregate::Average => raw.iter_mut().for_each(|s| *s /= self.forest.roots.len() as f32),
                // A target that no leaf names has no score.
                Aggregate::Min | Aggregate::Max => raw.iter_mut().filter(|s| s.is_infinite()).for_each(|s| *s = 0.0),
                Aggregate::Sum => {}
            }
            raw.iter_mut().zip(&self.base).for_each(|(s, b)| *s += b);
        }
    }
}
