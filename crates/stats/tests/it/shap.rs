use flyball_core::rng::Rng;
use flyball_stats::shap::{Comparison, Ensemble, Explainer, LinearModel, Node, Tree, linear_shap};
use serde_json::Value;

use crate::oracle::{items, load, near, numbers};

const TOLERANCE: f64 = 1e-5;

fn rows(value: &Value) -> Vec<Vec<f64>> {
    items(value).iter().map(numbers).collect()
}

fn model(oracle: &Value, name: &str) -> Value {
    items(&oracle["models"]).iter().find(|model| model["name"] == name).unwrap().clone()
}

/// A tree as scikit-learn keeps it, for one output.
fn scikit_tree(tree: &Value, output: usize, scale: f64) -> Tree {
    let left = numbers(&tree["children_left"]);
    let right = numbers(&tree["children_right"]);
    let (feature, threshold) = (numbers(&tree["feature"]), numbers(&tree["threshold"]));
    let cover = numbers(&tree["weighted_n_node_samples"]);
    let nodes = (0..left.len()).map(|node| {
        if left[node] < 0.0 {
            let value = scale * tree["value"][node][output].as_f64().unwrap();
            return Node::Leaf { value, cover: cover[node] };
        }
        Node::Split {
            feature: feature[node] as usize,
            threshold: threshold[node],
            missing_left: false,
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
        let single = |key: &str| f64::from(node[key].as_f64().unwrap() as f32);
        let index = nodes.len();
        if node.get("leaf").is_some() {
            nodes.push(Node::Leaf { value: single("leaf"), cover: single("cover") });
            return index;
        }
        nodes.push(Node::Leaf { value: 0.0, cover: 0.0 });
        let child = |key: &str| items(&node["children"]).iter().find(|child| child["nodeid"] == node[key]).unwrap();
        let left = add(child("yes"), nodes);
        let right = add(child("no"), nodes);
        nodes[index] = Node::Split {
            feature: node["split"].as_str().unwrap()[1..].parse().unwrap(),
            threshold: single("split_condition"),
            missing_left: node["missing"] == node["yes"],
            left,
            right,
            cover: single("cover"),
        };
        index
    }
    let mut nodes = Vec::new();
    add(tree, &mut nodes);
    Tree { nodes }
}

/// Compares every row with expected values (`expected[row][feature]`) and checks additivity.
fn check(explainer: &Explainer, x: &[Vec<f64>], expected: impl Fn(usize, usize) -> f64, predictions: &[f64]) {
    for (row, x) in x.iter().enumerate() {
        let explanation = explainer.explain(x).unwrap();
        let prediction = explainer.predict(x).unwrap();
        near(prediction, predictions[row], TOLERANCE, "prediction");
        let sum: f64 = explanation.values.iter().sum();
        near(explanation.expected_value + sum, prediction, 1e-12, "additivity");
        for (feature, value) in explanation.values.iter().enumerate() {
            near(*value, expected(row, feature), TOLERANCE, &format!("row {row} feature {feature}"));
        }
    }
}

#[test]
fn gradient_boosting_of_scikit_learn_equals_shap() {
    let oracle = load("shap");
    let model = model(&oracle, "sklearn_gbr_6x3");
    let x = rows(&oracle["X"]);
    let explainer = Explainer::new(Ensemble {
        trees: items(&model["trees"]).iter().map(|tree| scikit_tree(tree, 0, 1.0)).collect(),
        base: model["init"].as_f64().unwrap(),
        comparison: Comparison::LessOrEqual,
        features: x[0].len(),
    })
    .unwrap();
    let expected = &model["tree_path_dependent"];
    near(explainer.expected_value(), expected["expected_value"].as_f64().unwrap(), TOLERANCE, "expected value");
    let values = rows(&expected["shap_values"]);
    check(&explainer, &x, |row, feature| values[row][feature], &numbers(&model["predictions"]));
}

#[test]
fn xgboost_with_missing_values_equals_its_contributions() {
    let oracle = load("shap");
    let model = model(&oracle, "xgboost_binary_5x3_missing");
    let x = rows(&model["X"]);
    assert!(x.iter().flatten().any(|value| value.is_nan()));
    let explainer = Explainer::new(Ensemble {
        trees: items(&model["trees"]).iter().map(xgboost_tree).collect(),
        base: model["base_margin"].as_f64().unwrap(),
        comparison: Comparison::Less,
        features: x[0].len(),
    })
    .unwrap();
    let expected = &model["tree_path_dependent"];
    near(explainer.expected_value(), expected["expected_value"].as_f64().unwrap(), TOLERANCE, "expected value");
    let values = rows(&expected["shap_values"]);
    check(&explainer, &x, |row, feature| values[row][feature], &numbers(&model["margin"]));
}

#[test]
fn each_class_of_a_forest_equals_shap() {
    let oracle = load("shap");
    let model = model(&oracle, "sklearn_rf_4x3_3class");
    let x = rows(&oracle["X"]);
    let expected = &model["tree_path_dependent"];
    let trees = items(&model["trees"]);
    for class in 0..3 {
        let explainer = Explainer::new(Ensemble {
            trees: trees.iter().map(|tree| scikit_tree(tree, class, 1.0 / trees.len() as f64)).collect(),
            base: 0.0,
            comparison: Comparison::LessOrEqual,
            features: x[0].len(),
        })
        .unwrap();
        near(explainer.expected_value(), expected["expected_value"][class].as_f64().unwrap(), TOLERANCE, "expected");
        let values = &expected["shap_values_row_feature_class"];
        let predictions: Vec<f64> = rows(&model["predictions"]).iter().map(|row| row[class]).collect();
        check(&explainer, &x, |row, feature| values[row][feature][class].as_f64().unwrap(), &predictions);
    }
}

#[test]
fn linear_values_equal_the_closed_form() {
    let oracle = load("shap");
    let model = model(&oracle, "linear");
    let background = rows(&oracle["background"]);
    let means: Vec<f64> = (0..background[0].len())
        .map(|feature| background.iter().map(|row| row[feature]).sum::<f64>() / background.len() as f64)
        .collect();
    let coefficients = numbers(&model["coef"]);
    let linear =
        LinearModel { intercept: model["intercept"].as_f64().unwrap(), coefficients: &coefficients, means: &means };
    let expected = rows(&model["exact_interventional_phi"]);
    for (x, expected) in rows(&oracle["X"]).iter().zip(expected) {
        let explanation = linear_shap(&linear, x).unwrap();
        near(explanation.expected_value, model["base"].as_f64().unwrap(), TOLERANCE, "base");
        for (got, expected) in explanation.values.iter().zip(expected) {
            near(*got, expected, TOLERANCE, "value");
        }
    }
    assert!(linear_shap(&linear, &[1.0]).is_none());
}

/// A random tree of a given depth; cover shrinks at random, sometimes to nothing.
fn grow(rng: &mut Rng, nodes: &mut Vec<Node>, depth: usize, cover: f64, features: usize) -> usize {
    let index = nodes.len();
    nodes.push(Node::Leaf { value: rng.unit() - 0.5, cover });
    if depth > 0 && cover > 0.0 {
        let share = if rng.below(10) == 0 { 0.0 } else { rng.unit() };
        let left = grow(rng, nodes, depth - 1, cover * share, features);
        let right = grow(rng, nodes, depth - 1, cover * (1.0 - share), features);
        nodes[index] = Node::Split {
            feature: rng.below(features),
            threshold: rng.unit(),
            missing_left: rng.below(2) == 0,
            left,
            right,
            cover,
        };
    }
    index
}

/// The game itself: the mean of the leaves when the features outside the coalition follow the cover.
fn value_of(tree: &Tree, index: usize, x: &[f64], coalition: usize) -> f64 {
    match tree.nodes[index] {
        Node::Leaf { value, .. } => value,
        Node::Split { feature, threshold, left, right, cover, .. } => {
            let cover_of = |child: usize| match tree.nodes[child] {
                Node::Leaf { cover, .. } | Node::Split { cover, .. } => cover,
            };
            if coalition >> feature & 1 == 1 {
                value_of(tree, if x[feature] < threshold { left } else { right }, x, coalition)
            } else {
                [left, right].iter().map(|&child| cover_of(child) / cover * value_of(tree, child, x, coalition)).sum()
            }
        }
    }
}

#[test]
fn random_deep_trees_equal_the_definition_over_all_coalitions() {
    const FEATURES: usize = 5;
    let factorial = |n: usize| (1..=n).map(|i| i as f64).product::<f64>();
    let mut rng = Rng::seeded(11);
    for _ in 0..30 {
        let mut nodes = Vec::new();
        grow(&mut rng, &mut nodes, 8, 100.0, FEATURES);
        let tree = Tree { nodes };
        let ensemble =
            Ensemble { trees: vec![tree.clone()], base: 0.0, comparison: Comparison::Less, features: FEATURES };
        let explainer = Explainer::new(ensemble).unwrap();
        let x: Vec<f64> = (0..FEATURES).map(|_| rng.unit()).collect();
        let got = explainer.explain(&x).unwrap();
        for feature in 0..FEATURES {
            let mut expected = 0.0;
            for coalition in (0..1_usize << FEATURES).filter(|coalition| coalition >> feature & 1 == 0) {
                let size = coalition.count_ones() as usize;
                let weight = factorial(size) * factorial(FEATURES - size - 1) / factorial(FEATURES);
                let with = value_of(&tree, 0, &x, coalition | 1 << feature);
                expected += weight * (with - value_of(&tree, 0, &x, coalition));
            }
            near(got.values[feature], expected, 1e-12, "Shapley value");
        }
    }
}
