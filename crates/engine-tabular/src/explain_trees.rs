//! Trees as explanations read them.
//!
//! Explanations know splits by order only. A split on a set of categories becomes an order too: a column of its own, the
//! *verdict*, holds whether the row's value goes right. It belongs to the same feature, so that nothing else changes.

use std::collections::HashMap;

use flyball_stats::shap::{Comparison, Ensemble, Node, Tree};

use crate::forest::{self, Forest, Test};
use crate::graph::ensemble::{Aggregate, Leaves};
use crate::plan::{Head, Plan};

/// More verdicts than this would make rows too long.
const MOST_VERDICTS: usize = 4_096;

/// The splits that compare by something else than order: each distinct one has a column behind those of the plan.
pub(crate) struct Verdicts<'a> {
    forest: &'a Forest,
    columns: HashMap<(u16, Test, u32), usize>,
    nodes: Vec<&'a forest::Node>,
}

impl<'a> Verdicts<'a> {
    /// The verdicts of a model of trees; `None` if there are too many.
    pub(crate) fn of(plan: &'a Plan) -> Option<Self> {
        let forest = forest_of(plan)?;
        let mut verdicts = Self { forest, columns: HashMap::new(), nodes: Vec::new() };
        for node in forest.nodes.iter().filter(|node| node.test != Test::Below) {
            verdicts.columns.entry(key(node)).or_insert_with(|| {
                verdicts.nodes.push(node);
                plan.columns + verdicts.nodes.len() - 1
            });
        }
        (verdicts.nodes.len() <= MOST_VERDICTS).then_some(verdicts)
    }

    /// Filled rows with their verdicts.
    pub(crate) fn extend(&self, plan: &Plan, rows: &[f64]) -> Vec<f64> {
        if self.nodes.is_empty() {
            return rows.to_vec();
        }
        let extended = rows.chunks_exact(plan.columns.max(1)).flat_map(|row| {
            let verdict = |node: &&forest::Node| {
                let x = row[usize::from(node.feature)];
                if x.is_nan() { x } else { f64::from(u8::from(self.forest.goes_right(node, x as f32))) }
            };
            row.iter().copied().chain(self.nodes.iter().map(verdict))
        });
        extended.collect()
    }
}

fn key(node: &forest::Node) -> (u16, Test, u32) {
    (node.feature, node.test, node.threshold.to_bits())
}

fn forest_of(plan: &Plan) -> Option<&Forest> {
    match &plan.head {
        Head::Trees(model) => Some(&model.forest),
        Head::Boosted(model) => Some(&model.forest),
        Head::Linear(_) => None,
    }
}

/// The trees that add to a raw score, for a signature of `features` features. With `covered`, `None` unless the model
/// says what of its training passed each node.
pub(crate) fn ensemble(
    plan: &Plan,
    verdicts: &Verdicts<'_>,
    features: usize,
    score: usize,
    covered: bool,
) -> Option<Ensemble> {
    let forest = forest_of(plan)?;
    let (covers, base) = match &plan.head {
        Head::Trees(model) => (&model.covers, f64::from(model.base.get(score).copied().unwrap_or(0.0))),
        Head::Boosted(model) => (&model.covers, model.terms.base().get(score)? / model.divisor),
        Head::Linear(_) => return None,
    };
    let covers = if covered { Some(covers.as_ref()?) } else { None };
    let ends = forest.roots.iter().skip(1).copied().chain([forest.nodes.len() as u32]);
    let ranges = forest.roots.iter().copied().zip(ends).enumerate().filter(|(tree, _)| adds_to(plan, *tree, score));
    let tree = |(_, (start, end)): (usize, (u32, u32))| {
        let node = |at: usize| {
            let node = &forest.nodes[at];
            let cover = covers.map_or(0.0, |covers| f64::from(covers[at]));
            if node.left as usize == at {
                return Node::Leaf { value: leaf(plan, at, score), cover };
            }
            let (column, threshold) = match verdicts.columns.get(&key(node)) {
                Some(column) if node.test != Test::Below => (*column, 0.5),
                _ => (usize::from(node.feature), f64::from(node.threshold)),
            };
            let left = (node.left - start) as usize;
            let missing_left = node.missing_right == 0;
            Node::Split { column, threshold, missing_left, left, right: left + 1, cover }
        };
        Tree { nodes: (start as usize..end as usize).map(node).collect() }
    };
    let trees = ranges.map(tree).collect();
    let mut columns = plan.features_of_columns();
    let of_verdicts: Vec<usize> = verdicts.nodes.iter().map(|node| columns[usize::from(node.feature)]).collect();
    columns.extend(of_verdicts);
    Some(Ensemble { trees, base, comparison: Comparison::Less, features, columns })
}

/// Whether a tree adds to a raw score.
fn adds_to(plan: &Plan, tree: usize, score: usize) -> bool {
    match &plan.head {
        Head::Boosted(model) => model.targets.get(tree).is_none_or(|target| *target as usize == score),
        _ => true,
    }
}

/// What a leaf adds to a raw score.
fn leaf(plan: &Plan, node: usize, score: usize) -> f64 {
    match &plan.head {
        Head::Trees(model) => {
            let trees = if model.aggregate == Aggregate::Average { model.forest.roots.len() as f64 } else { 1.0 };
            match &model.leaves {
                Leaves::Single(weights) => f64::from(weights[node]) / trees,
                Leaves::Multiple { ranges, weights } => {
                    let (start, end) = ranges[node];
                    let own = weights[start as usize..end as usize].iter().filter(|(to, _)| *to as usize == score);
                    own.map(|(_, weight)| f64::from(*weight)).sum::<f64>() / trees
                }
            }
        }
        Head::Boosted(model) => model.terms.leaf(node) / model.divisor,
        Head::Linear(_) => 0.0,
    }
}
