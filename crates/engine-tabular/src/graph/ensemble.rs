//! Tree ensembles in flat arrays, walked eight trees at a time so that the processor overlaps their memory latencies.

use super::post::{PostTransform, logistic};

/// How many trees are walked at once: enough to hide the latency of a cached load, few enough for the registers.
const LANES: usize = 8;

/// One node. Children are neighbours: the left one at `left`, the right one behind it. A leaf points at itself with a
/// NaN threshold, so that walking on stays where it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    /// Rows with `x < threshold` go left (`x == threshold` for an equality node).
    pub(crate) threshold: f32,
    pub(crate) left: u32,
    pub(crate) feature: u16,
    /// 1 if a missing value goes right.
    pub(crate) missing_right: u8,
    /// 1 if the node asks for equality.
    pub(crate) equality: u8,
}

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

/// The depth of the deepest tree of each group, from the depth of each tree.
pub(crate) fn group_depths(depths: &[u32]) -> Vec<u32> {
    depths.chunks(LANES).map(|group| group.iter().copied().max().unwrap_or(0)).collect()
}

/// A compiled ensemble of trees.
#[derive(Clone, Debug)]
pub(crate) struct Ensemble {
    pub(crate) nodes: Vec<Node>,
    pub(crate) roots: Vec<u32>,
    /// The depth of the deepest tree of each group of trees that is walked at once: a fixed number of steps costs less
    /// than asking after each whether all trees have reached their leaves.
    pub(crate) depths: Vec<u32>,
    pub(crate) leaves: Leaves,
    /// Training rows per node, when the model says so.
    pub(crate) covers: Option<Vec<f32>>,
    /// How many features a row must have.
    pub(crate) features: usize,
    pub(crate) has_equality: bool,
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

    /// Writes the output scores of one row, which has at least `features` values, into `out` (`width` long).
    pub(crate) fn evaluate(&self, row: &[f32], out: &mut [f32]) {
        match self.output {
            Output::Binary { probability } => {
                let mut raw = [0.0];
                self.raw(row, &mut raw);
                let [score] = raw;
                let pair = match (self.post, probability) {
                    (PostTransform::Logistic, _) => [logistic(-score), logistic(score)],
                    (_, true) => [1.0 - score, score],
                    (_, false) => [-score, score],
                };
                out.copy_from_slice(&pair);
            }
            Output::Targets | Output::Classes => {
                self.raw(row, out);
                self.post.apply(out);
            }
        }
    }

    /// Writes the raw scores of one row: aggregated leaves plus base values.
    pub(crate) fn raw(&self, row: &[f32], raw: &mut [f32]) {
        match (&self.leaves, self.aggregate) {
            (Leaves::Single(values), Aggregate::Sum | Aggregate::Average) => {
                let mut sum = 0.0;
                self.walk(row, |leaf| sum += values[leaf]);
                raw[0] = sum;
            }
            (leaves, aggregate) => {
                let unset = match aggregate {
                    Aggregate::Sum | Aggregate::Average => 0.0,
                    Aggregate::Min => f32::INFINITY,
                    Aggregate::Max => f32::NEG_INFINITY,
                };
                raw.fill(unset);
                self.walk(row, |leaf| {
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
                if matches!(aggregate, Aggregate::Min | Aggregate::Max) {
                    // A target that no leaf names has no score.
                    raw.iter_mut().filter(|s| s.is_infinite()).for_each(|s| *s = 0.0);
                }
            }
        }
        if self.aggregate == Aggregate::Average {
            raw.iter_mut().for_each(|s| *s /= self.roots.len() as f32);
        }
        raw.iter_mut().zip(&self.base).for_each(|(s, b)| *s += b);
    }

    /// Calls `visit` with the leaf that the row reaches in each tree, in the order of the trees.
    pub(crate) fn walk(&self, row: &[f32], visit: impl FnMut(usize)) {
        // Bitwise, not short-circuit: a branch here would be mispredicted half of the time.
        if self.has_equality {
            self.walk_with(row, visit, |x, node| {
                let differs = u32::from(
                    (x >= node.threshold) & (node.equality == 0) | (x != node.threshold) & (node.equality == 1),
                );
                if x.is_nan() { u32::from(node.missing_right) } else { differs }
            });
        } else if row.iter().any(|x| x.is_nan()) {
            self.walk_with(row, visit, |x, node| {
                u32::from(x >= node.threshold) | (u32::from(x.is_nan()) & u32::from(node.missing_right))
            });
        } else {
            self.walk_with(row, visit, |x, node| u32::from(x >= node.threshold));
        }
    }

    /// Walks with a test that says 1 for the right child.
    #[inline(always)]
    fn walk_with(&self, row: &[f32], mut visit: impl FnMut(usize), right: impl Fn(f32, &Node) -> u32) {
        let step = |at: u32| {
            let node = &self.nodes[at as usize];
            node.left.wrapping_add(right(row[usize::from(node.feature)], node))
        };
        for (group, &depth) in self.roots.chunks(LANES).zip(&self.depths) {
            if let Ok(mut at) = <[u32; LANES]>::try_from(group) {
                for _ in 0..depth {
                    at = at.map(step);
                }
                at.iter().for_each(|&leaf| visit(leaf as usize));
            } else {
                group.iter().for_each(|&root| visit((0..depth).fold(root, |at, _| step(at)) as usize));
            }
        }
    }
}
