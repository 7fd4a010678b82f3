//! Tree ensembles as scikit-learn and XGBoost dump them.

use flyball_stats::shap::{Comparison, Ensemble, Explainer, InvalidTree, Node, Tree};
use serde_json::Value;

use super::Data;
use crate::checks::{Checks, number};
use crate::read::{items, numbers};

/// How near predictions and sums of values must be to each other.
const ADDITIVE: f64 = 1e-6;

/// Compares all explanations of a model of trees.
pub(super) fn check(data: &Data<'_>, checks: &mut Checks) {
    let Some(features) = data.x.first().map(Vec::len) else {
        return checks.leave_out(format!("{}: no rows", data.name));
    };
    let explainers = match explainers(data.model, features) {
        Ok(explainers) => explainers,
        Err(error) => return checks.leave_out(format!("{}: {error}", data.name)),
    };
    for (output, explainer) in explainers.iter().enumerate() {
        predictions(data, output, explainer, explainers.len(), checks);
        explained(data, "tree_path_dependent", output, explainer, checks);
    }
    for part in ["interventional", "brute_force_interventional"] {
        if !data.model[part].is_object() {
            continue;
        }
        for (output, ensemble) in ensembles(data.model, features).iter().enumerate() {
            match Explainer::against(ensemble, data.background.concat()) {
                Some(Ok(explainer)) => explained(data, part, output, &explainer, checks),
                _ => checks.leave_out(format!("{} {part}: no background", data.name)),
            }
        }
    }
}

fn predictions(data: &Data<'_>, output: usize, explainer: &Explainer, outputs: usize, checks: &mut Checks) {
    for (row, x) in data.x.iter().enumerate() {
        let raw = explainer.predict(x);
        for (key, got) in
            [("predictions", raw), ("margin", raw), ("probability", raw.map(|raw| 1.0 / (1.0 + (-raw).exp())))]
        {
            let expected = &data.model[key][row];
            let expected = if outputs > 1 { &expected[output] } else { expected };
            if !data.model[key].is_null() {
                checks.near(&format!("{} {key}: row {row}, output {output}", data.name), got, expected, data.tolerance);
            }
        }
    }
}

/// Compares values, interactions and the base of one output, and that they add up.
fn explained(data: &Data<'_>, part: &str, output: usize, explainer: &Explainer, checks: &mut Checks) {
    let expected = &data.model[part];
    let features = data.x.first().map_or(0, Vec::len);
    let known = ["expected_value", "base", "shap_values", "shap_values_row_feature_class", "interaction_values"];
    data.leave_out(part, &known, checks);
    let base = if expected["base"].is_null() { &expected["expected_value"] } else { &expected["base"] };
    let base = if base.is_array() { &base[output] } else { base };
    checks.near(&format!("{} {part} base", data.name), explainer.expected_value(), base, data.tolerance);
    let rows = data.x.concat();
    let values = explainer.explain_rows(&rows).map_or(Vec::new(), |explained| explained.values);
    let of_class = |row: usize| -> Value {
        let features = items(&expected["shap_values_row_feature_class"][row]);
        features.iter().map(|classes| classes[output].clone()).collect()
    };
    for (row, values) in values.chunks_exact(features.max(1)).enumerate() {
        let sum = explainer.expected_value() + values.iter().sum::<f64>();
        let prediction = data.x.get(row).and_then(|x| explainer.predict(x));
        let what = format!("{} {part} sum: row {row}, output {output}", data.name);
        checks.near(&what, sum, &prediction.map_or(Value::Null, Value::from), ADDITIVE);
        let own = &expected["shap_values"][row];
        let own = if own.is_array() { own.clone() } else { of_class(row) };
        // Some tools append the base.
        let own = Value::from(items(&own).iter().take(features).cloned().collect::<Vec<_>>());
        data.near(part, row, values, &own, checks);
    }
    if expected["interaction_values"].is_array() {
        let matrices = explainer.interactions(&rows).unwrap_or_default();
        for (at, got) in matrices.iter().enumerate() {
            let (row, i, j) = (at / features / features, at / features % features, at % features);
            let expected = &expected["interaction_values"][row][i][j];
            let what = format!("{} {part} interaction: row {row}, features {i} and {j}", data.name);
            checks.near(&what, *got, expected, data.tolerance);
        }
    }
}

/// The explainer of each output, by cover.
pub(super) fn explainers(model: &Value, features: usize) -> Result<Vec<Explainer>, InvalidTree> {
    ensembles(model, features).iter().map(Explainer::new).collect()
}

/// The ensemble of each output.
fn ensembles(model: &Value, features: usize) -> Vec<Ensemble> {
    let trees = items(&model["trees"]);
    let columns: Vec<usize> = (0..features).collect();
    let nested = trees.first().is_some_and(|tree| tree["nodeid"].is_number());
    if nested {
        let base = model["base_margin"].as_f64().unwrap_or(0.0);
        let trees = trees.iter().map(xgboost_tree).collect();
        return vec![Ensemble { trees, base, comparison: Comparison::Less, features, columns }];
    }
    let outputs = trees.first().map_or(0, |tree| items(&tree["value"][0]).len());
    // A forest is the mean of its trees; boosting has a start, and its leaves are scaled already.
    let scale = if model["init"].is_number() { 1.0 } else { 1.0 / trees.len() as f64 };
    let ensemble = |output| Ensemble {
        trees: trees.iter().map(|tree| scikit_tree(tree, output, scale)).collect(),
        base: model["init"].as_f64().unwrap_or(0.0),
        comparison: Comparison::LessOrEqual,
        features,
        columns: columns.clone(),
    };
    (0..outputs).map(ensemble).collect()
}

/// A tree as scikit-learn keeps it, for one output.
fn scikit_tree(tree: &Value, output: usize, scale: f64) -> Tree {
    let (left, right) = (numbers(&tree["children_left"]), numbers(&tree["children_right"]));
    let (feature, threshold) = (numbers(&tree["feature"]), numbers(&tree["threshold"]));
    let cover = numbers(&tree["weighted_n_node_samples"]);
    let goes_left = numbers(&tree["missing_go_to_left"]);
    let nodes = (0..left.len()).map(|node| {
        if left[node] < 0.0 {
            return Node::Leaf { value: scale * number(&tree["value"][node][output]), cover: cover[node] };
        }
        Node::Split {
            column: feature[node] as usize,
            threshold: threshold[node],
            missing_left: goes_left.get(node).is_some_and(|flag| *flag > 0.0),
            left: left[node] as usize,
            right: right[node] as usize,
            cover: cover[node],
        }
    });
    Tree { nodes: nodes.collect() }
}

/// XGBoost's nested JSON dump; its thresholds and leaves are 32-bit.
fn xgboost_tree(tree: &Value) -> Tree {
    fn add(node: &Value, nodes: &mut Vec<Node>) -> usize {
        let single = |key: &str| f64::from(number(&node[key]) as f32);
        let index = nodes.len();
        nodes.push(Node::Leaf { value: single("leaf"), cover: single("cover") });
        let child = |key: &str| items(&node["children"]).iter().find(|child| child["nodeid"] == node[key]);
        if let (Some(yes), Some(no)) = (child("yes"), child("no")) {
            let (left, right) = (add(yes, nodes), add(no, nodes));
            let name = node["split"].as_str().unwrap_or_default();
            nodes[index] = Node::Split {
                column: name.trim_start_matches('f').parse().unwrap_or(usize::MAX),
                threshold: single("split_condition"),
                missing_left: node["missing"] == node["yes"],
                left,
                right,
                cover: single("cover"),
            };
        }
        index
    }
    let mut nodes = Vec::new();
    add(tree, &mut nodes);
    Tree { nodes }
}
