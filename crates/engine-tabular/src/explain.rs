//! Explanations of the fused plan's models, per column of the model's row, in raw units (log-odds for classifiers).

use flyball_stats::shap::{self, Comparison, Explainer, LinearModel};

use crate::boosters::sum::Boosted;
use crate::forest::Forest;
use crate::graph::ensemble::{Aggregate, Ensemble, Leaves, Output};
use crate::graph::linear::Linear;
use crate::plan::Head;

/// What explains a model, prepared once at load.
pub(crate) enum Explanation {
    Trees(Box<Explainer>),
    Linear { coefficients: Vec<f64>, intercept: f64, means: Vec<f64> },
}

impl Explanation {
    /// Prepares explanations of a model whose row has `columns` columns. `None` if the model has more than one raw
    /// score, or does not say how many training rows passed its nodes (trees) or what its columns' means are (linear).
    pub(crate) fn prepare(head: &Head, columns: usize, means: Option<Vec<f64>>) -> Option<Self> {
        match head {
            Head::Trees(model) => ensemble(model, columns),
            Head::Boosted(model) => boosted(model, columns),
            Head::Linear(model) => linear(model, means.filter(|m| m.len() == columns && columns == model.features)?),
        }
    }

    /// The expected raw score, and the Shapley value of each column for a filled row.
    pub(crate) fn columns(&self, row: &[f32]) -> Option<(f64, Vec<f64>)> {
        let row: Vec<f64> = row.iter().map(|&x| f64::from(x)).collect();
        let explanation = match self {
            Explanation::Trees(explainer) => explainer.explain(&row)?,
            Explanation::Linear { coefficients, intercept, means } => {
                shap::linear_shap(&LinearModel { intercept: *intercept, coefficients, means }, &row)?
            }
        };
        Some((explanation.expected_value, explanation.values))
    }
}

/// The explanation of an ensemble.
fn ensemble(model: &Ensemble, columns: usize) -> Option<Explanation> {
    let (Leaves::Single(weights), Some(covers)) = (&model.leaves, &model.covers) else { return None };
    let raw_scores = match model.output {
        Output::Binary { probability } => !probability || model.post == crate::graph::PostTransform::Logistic,
        Output::Targets => true,
        Output::Classes => false,
    };
    if !raw_scores || model.aggregate != Aggregate::Sum {
        return None;
    }
    let base = f64::from(model.base.first().copied().unwrap_or(0.0));
    trees(&model.forest, covers, &|leaf| f64::from(weights[leaf]), base, columns)
}

/// The explanation of a booster.
fn boosted(model: &Boosted, columns: usize) -> Option<Explanation> {
    let base = model.terms.base();
    let (&[base], Some(covers)) = (base.as_slice(), &model.covers) else { return None };
    let leaf = |leaf| model.terms.leaf(leaf) / model.divisor;
    trees(&model.forest, covers, &leaf, base / model.divisor, columns)
}

/// The forest as SHAP reads it, tree by tree.
fn trees(
    forest: &Forest,
    covers: &[f32],
    leaf: &dyn Fn(usize) -> f64,
    base: f64,
    features: usize,
) -> Option<Explanation> {
    if !forest.ordered {
        return None;
    }
    let ends = forest.roots.iter().skip(1).copied().chain([forest.nodes.len() as u32]);
    let tree = |(start, end): (u32, u32)| {
        let nodes = start as usize..end as usize;
        let child = |at: u32| (at - start) as usize;
        let node = |at: usize| {
            let node = &forest.nodes[at];
            let cover = f64::from(covers[at]);
            if node.left as usize == at {
                return shap::Node::Leaf { value: leaf(at), cover };
            }
            shap::Node::Split {
                feature: usize::from(node.feature),
                threshold: f64::from(node.threshold),
                left: child(node.left),
                right: child(node.left + 1),
                missing_left: node.missing_right == 0,
                cover,
            }
        };
        shap::Tree { nodes: nodes.map(node).collect() }
    };
    let trees = forest.roots.iter().copied().zip(ends).map(tree).collect();
    let explainer =
        Explainer::new(&shap::Ensemble { trees, base, comparison: Comparison::Less, features, groups: None }).ok()?;
    Some(Explanation::Trees(Box::new(explainer)))
}

/// A linear model with one raw score, or with two that mirror each other.
fn linear(model: &Linear, means: Vec<f64>) -> Option<Explanation> {
    let (coefficients, intercept) = match model.intercepts.as_slice() {
        [intercept] => (&model.coefficients[..], *intercept),
        [first, second] if *first == -second => {
            let (negative, positive) = model.coefficients.split_at(model.features);
            let mirrored = negative.iter().zip(positive).all(|(n, p)| *n == -p);
            (mirrored.then_some(positive)?, *second)
        }
        _ => return None,
    };
    let coefficients = coefficients.iter().map(|&c| f64::from(c)).collect();
    Some(Explanation::Linear { coefficients, intercept: f64::from(intercept), means })
}
