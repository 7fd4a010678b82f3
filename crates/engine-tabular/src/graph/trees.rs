//! Compiles TreeEnsembleClassifier and TreeEnsembleRegressor nodes.

use std::collections::HashMap;

use flyball_core::{Error, ErrorCode, Result};

use super::attributes::Attributes;
use super::ensemble::{Aggregate, Ensemble, Leaves, Output};
use super::post::PostTransform;
use super::tensor::mismatch;
use crate::forest::{Forest, Layout, Node, Sets, Test, no_trees, sound_covers};

/// Most classes or targets of one ensemble; a hostile file could otherwise ask for rows of any width.
const MOST_TARGETS: usize = 10_000;

/// The node lists of the operator, checked to be of one length.
struct Lists<'a> {
    features: &'a [i64],
    thresholds: &'a [f32],
    modes: Vec<Mode>,
    true_children: Vec<Option<usize>>,
    false_children: Vec<Option<usize>>,
    missing_true: Option<&'a [i64]>,
    /// The position of a node by tree and node number.
    index: HashMap<(i64, i64), usize>,
}

/// The test of a node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Leaf,
    LessEqual,
    Less,
    GreaterEqual,
    Greater,
    Equal,
    NotEqual,
}

impl Mode {
    fn read(text: &str) -> Result<Self> {
        Ok(match text {
            "LEAF" => Mode::Leaf,
            "BRANCH_LEQ" => Mode::LessEqual,
            "BRANCH_LT" => Mode::Less,
            "BRANCH_GTE" => Mode::GreaterEqual,
            "BRANCH_GT" => Mode::Greater,
            "BRANCH_EQ" => Mode::Equal,
            "BRANCH_NEQ" => Mode::NotEqual,
            other => {
                return Err(Error::new(
                    ErrorCode::UnsupportedModel,
                    format!("the tabular engine lacks tree nodes of the mode {other}"),
                ));
            }
        })
    }
}

/// Compiles the node; `classes` is the number of class labels for a classifier and `None` for a regressor.
pub(crate) fn compile(attributes: &Attributes<'_>, classes: Option<usize>) -> Result<Ensemble> {
    let lists = Lists::read(attributes)?;
    let (order, forest) = lay_out(&lists)?;
    let prefix = if classes.is_some() { "class" } else { "target" };
    let weights = read_weights(attributes, prefix, &lists, &order)?;
    let single = weights.iter().all(|&(_, target, _)| target == 0);
    let targets = match classes {
        Some(classes) => classes,
        None => usize::try_from(attributes.int("n_targets").unwrap_or(1)).unwrap_or(0),
    };
    if targets == 0 || targets > MOST_TARGETS || weights.iter().any(|&(_, target, _)| target as usize >= targets) {
        return Err(mismatch("a tree's leaf names a class or target that the model does not have"));
    }
    let output = match classes {
        None => Output::Targets,
        Some(2) if single => Output::Binary { probability: weights.iter().all(|&(_, _, w)| w >= 0.0) },
        Some(_) => Output::Classes,
    };
    let scores = if matches!(output, Output::Binary { .. }) { 1 } else { targets };
    let base = attributes.floats("base_values").to_vec();
    if base.len() > scores || (scores > 1 && base.len() == 1) {
        // ONNX leaves open what they mean, and runtimes differ.
        return Err(Error::new(
            ErrorCode::UnsupportedModel,
            format!("the tabular engine lacks {} base values for {scores} scores", base.len()),
        ));
    }
    let covers = read_covers(attributes, &order, &forest.nodes)?;
    Ok(Ensemble {
        features: forest.columns(),
        leaves: leaves(&weights, forest.nodes.len(), scores),
        forest,
        covers,
        scores,
        base,
        aggregate: read_aggregate(attributes)?,
        output,
        post: PostTransform::read(attributes)?,
    })
}

impl<'a> Lists<'a> {
    fn read(attributes: &Attributes<'a>) -> Result<Self> {
        let trees = attributes.ints("nodes_treeids");
        let count = trees.len();
        let sized =
            |name| attributes.sized(name, count)?.ok_or_else(|| mismatch(format!("a tree model lacks '{name}'")));
        let ids = sized("nodes_nodeids")?;
        let index: HashMap<_, _> = trees.iter().copied().zip(ids.iter().copied()).zip(0..).collect();
        let modes = attributes.texts("nodes_modes")?.iter().map(|m| Mode::read(m)).collect::<Result<Vec<_>>>()?;
        let thresholds = attributes.floats("nodes_values");
        if index.len() != count || modes.len() != count || thresholds.len() != count {
            return Err(mismatch("the node lists of a tree model differ in length or repeat a node"));
        }
        let children = |name| -> Result<Vec<Option<usize>>> {
            let list = sized(name)?;
            Ok(trees.iter().zip(list).map(|(&tree, &child)| index.get(&(tree, child)).copied()).collect())
        };
        Ok(Self {
            features: sized("nodes_featureids")?,
            thresholds,
            true_children: children("nodes_truenodeids")?,
            false_children: children("nodes_falsenodeids")?,
            missing_true: attributes.sized("nodes_missing_value_tracks_true", count)?,
            modes,
            index,
        })
    }

    /// The flat node at position `at` with its (left, right) children, or `None` for a leaf.
    fn flat(&self, at: usize) -> Result<Option<(Node, usize, usize)>> {
        let mode = self.modes[at];
        if mode == Mode::Leaf {
            return Ok(None);
        }
        let (Some(true_child), Some(false_child)) = (self.true_children[at], self.false_children[at]) else {
            return Err(mismatch("a tree node names a child that does not exist"));
        };
        let feature = u16::try_from(self.features[at])
            .map_err(|_| mismatch(format!("a tree asks for the feature {}", self.features[at])))?;
        let missing_true = self.missing_true.is_some_and(|m| m[at] != 0);
        let value = self.thresholds[at];
        // Every order test becomes "less than goes left"; x ≤ t is x < the next float above t.
        let (threshold, swapped) = match mode {
            Mode::LessEqual => (value.next_up(), false),
            Mode::Greater => (value.next_up(), true),
            Mode::GreaterEqual | Mode::NotEqual => (value, true),
            _ => (value, false),
        };
        let missing_right = match mode {
            // NaN differs from everything, so that it takes the true branch, which is the right one here.
            Mode::NotEqual => true,
            _ if swapped => missing_true,
            _ => !missing_true,
        };
        let (left, right) = if swapped { (false_child, true_child) } else { (true_child, false_child) };
        let node = Node {
            threshold,
            left: 0,
            feature,
            missing_right: u8::from(missing_right),
            test: if matches!(mode, Mode::Equal | Mode::NotEqual) { Test::Equal } else { Test::Below },
        };
        Ok(Some((node, left, right)))
    }
}

/// The flat trees, and for each of their nodes its position in the lists.
fn lay_out(lists: &Lists<'_>) -> Result<(Vec<usize>, Forest)> {
    let count = lists.modes.len();
    let mut is_child = vec![false; count];
    for at in (0..count).filter(|&at| lists.modes[at] != Mode::Leaf) {
        let children = [lists.true_children[at], lists.false_children[at]];
        children.into_iter().flatten().for_each(|child| is_child[child] = true);
    }
    let mut layout = Layout::default();
    for root in (0..count).filter(|&at| !is_child[at]) {
        layout.place(root, count, |at| lists.flat(at))?;
    }
    if count == 0 || layout.order.len() != count {
        return Err(no_trees());
    }
    Ok((std::mem::take(&mut layout.order), layout.finish(Sets::default())))
}

/// The weights of the leaves as (flat node, target, weight), sorted by node.
fn read_weights(
    attributes: &Attributes<'_>,
    prefix: &str,
    lists: &Lists<'_>,
    order: &[usize],
) -> Result<Vec<(u32, u32, f32)>> {
    let weights = attributes.floats(&format!("{prefix}_weights"));
    let list = |name: &str| {
        let name = format!("{prefix}_{name}");
        attributes.sized(&name, weights.len())?.ok_or_else(|| mismatch(format!("a tree model lacks '{name}'")))
    };
    let (trees, ids, targets) = (list("treeids")?, list("nodeids")?, list("ids")?);
    let mut placed = vec![0u32; order.len()];
    order.iter().zip(0..).for_each(|(&position, flat)| placed[position] = flat);
    let mut result = Vec::with_capacity(weights.len());
    for (i, &weight) in weights.iter().enumerate() {
        let at = lists.index.get(&(trees[i], ids[i])).ok_or_else(|| mismatch("a leaf weight names no node"))?;
        let target = u32::try_from(targets[i]).map_err(|_| mismatch("a leaf weight names no class or target"))?;
        // Some converters write weights at inner nodes, which no row ever ends in.
        if lists.modes[*at] == Mode::Leaf {
            result.push((placed[*at], target, weight));
        }
    }
    result.sort_by_key(|&(node, _, _)| node);
    Ok(result)
}

fn leaves(weights: &[(u32, u32, f32)], nodes: usize, scores: usize) -> Leaves {
    if scores == 1 {
        let mut values = vec![0.0; nodes];
        weights.iter().for_each(|&(node, _, weight)| values[node as usize] += weight);
        return Leaves::Single(values);
    }
    let mut ranges = vec![(0, 0); nodes];
    for (i, &(node, _, _)) in (0u32..).zip(weights) {
        let range: &mut (u32, u32) = &mut ranges[node as usize];
        *range = (if range.1 == 0 { i } else { range.0 }, i + 1);
    }
    Leaves::Multiple { ranges, weights: weights.iter().map(|&(_, target, weight)| (target, weight)).collect() }
}

/// The covers, if they are some: many converters write only ones.
fn read_covers(attributes: &Attributes<'_>, order: &[usize], nodes: &[Node]) -> Result<Option<Vec<f32>>> {
    let rates = attributes.floats("nodes_hitrates");
    if rates.is_empty() {
        return Ok(None);
    }
    if rates.len() != order.len() {
        return Err(mismatch("'nodes_hitrates' does not have one element per node"));
    }
    Ok(sound_covers(nodes, order.iter().map(|&position| rates[position]).collect()))
}

fn read_aggregate(attributes: &Attributes<'_>) -> Result<Aggregate> {
    Ok(match attributes.text("aggregate_function")?.unwrap_or("SUM") {
        "SUM" => Aggregate::Sum,
        "AVERAGE" => Aggregate::Average,
        "MIN" => Aggregate::Min,
        "MAX" => Aggregate::Max,
        other => {
            return Err(Error::new(
                ErrorCode::UnsupportedModel,
                format!("the tabular engine lacks trees with aggregate_function {other}"),
            ));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::build;

    /// One split at 1.0 with the leaves 1 (true) and 2 (false).
    fn stump(mode: &str, missing_true: i64, true_child: i64) -> Result<Ensemble> {
        let node = build::ml_node(
            "TreeEnsembleRegressor",
            &["x"],
            &["y"],
            vec![
                build::ints("nodes_treeids", vec![0, 0, 0]),
                build::ints("nodes_nodeids", vec![0, 1, 2]),
                build::ints("nodes_featureids", vec![0, 0, 0]),
                build::floats("nodes_values", vec![1.0, 0.0, 0.0]),
                build::texts("nodes_modes", &[mode, "LEAF", "LEAF"]),
                build::ints("nodes_truenodeids", vec![true_child, 0, 0]),
                build::ints("nodes_falsenodeids", vec![2, 0, 0]),
                build::ints("nodes_missing_value_tracks_true", vec![missing_true, 0, 0]),
                build::ints("target_treeids", vec![0, 0]),
                build::ints("target_nodeids", vec![1, 2]),
                build::ints("target_ids", vec![0, 0]),
                build::floats("target_weights", vec![1.0, 2.0]),
            ],
        );
        compile(&Attributes(&node), None)
    }

    #[test]
    fn every_mode_branches_as_its_name_says() {
        type Test = fn(f32) -> bool;
        let modes: [(&str, Test); 6] = [
            ("BRANCH_LEQ", |x| x <= 1.0),
            ("BRANCH_LT", |x| x < 1.0),
            ("BRANCH_GTE", |x| x >= 1.0),
            ("BRANCH_GT", |x| x > 1.0),
            ("BRANCH_EQ", |x| x == 1.0),
            ("BRANCH_NEQ", |x| x != 1.0),
        ];
        for (mode, holds) in modes {
            for missing_true in [0, 1] {
                let model = stump(mode, missing_true, 1).unwrap();
                for x in [f32::NEG_INFINITY, -1.0, 1.0f32.next_down(), 1.0, 1.0f32.next_up(), f32::INFINITY, f32::NAN] {
                    let truth = holds(x) || (x.is_nan() && missing_true == 1);
                    let mut out = [0.0];
                    model.evaluate(&[x], 1, 1, &mut out);
                    assert_eq!(out, [if truth { 1.0 } else { 2.0 }], "{mode} {missing_true} at {x}");
                }
            }
        }
    }

    #[test]
    fn nodes_that_do_not_form_trees_are_refused() {
        for child in [0, 2, 9] {
            assert!(stump("BRANCH_LT", 0, child).is_err(), "{child}");
        }
        assert!(stump("BRANCH_SOME", 0, 1).is_err());
    }
}
