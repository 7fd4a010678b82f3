//! Gradient boosting by forust, and its trees as ONNX.

use flyball_core::{Error, ErrorCode, Result, Task};
use forust_ml::gradientbooster::{GradientBooster, GrowPolicy};
use forust_ml::metric::Metric;
use forust_ml::objective::ObjectiveType;
use forust_ml::sampler::SampleMethod;
use forust_ml::{Matrix, tree::Tree};
use rayon::prelude::*;

use super::parameters::Parameters;
use crate::onnx::build;
use crate::onnx::proto::Attribute;

/// Rows as a column-major matrix with their targets. All values are exact 32-bit floats, NaN for missing, so that the
/// exported model takes the same branches as training did.
pub(crate) struct Rows {
    pub(crate) matrix: Vec<f64>,
    pub(crate) target: Vec<f64>,
    /// How much each row counts.
    pub(crate) weights: Vec<f64>,
}

impl Rows {
    fn matrix(&self) -> Matrix<'_, f64> {
        let rows = self.target.len();
        Matrix::new(&self.matrix, rows, self.matrix.len() / rows.max(1))
    }
}

/// What boosting gave.
pub(crate) struct Boosted {
    trees: Vec<Tree>,
    base: f64,
    /// The validation metric after each tree, when there were validation rows.
    pub(crate) curve: Option<Vec<f64>>,
    features: usize,
}

/// Learns trees.
pub(crate) fn fit(rows: &Rows, validation: Option<&Rows>, task: Task, with: &Parameters, seed: u64) -> Result<Boosted> {
    let matrix = rows.matrix();
    let mut booster = booster(task, with, seed, matrix.cols);
    let evaluation = validation.map(|v| vec![(v.matrix(), v.target.as_slice(), v.weights.as_slice())]);
    booster.early_stopping_rounds = evaluation.is_some().then(|| with.count("early_stopping"));
    booster.fit(&matrix, &rows.target, &rows.weights, evaluation).map_err(|cause| {
        Error::new(ErrorCode::InvalidData, format!("boosting could not learn from the rows: {cause}"))
    })?;
    let mut trees = booster.trees;
    trees.truncate(booster.prediction_iteration.unwrap_or(usize::MAX));
    let curve = booster.evaluation_history.map(|history| history.data);
    Ok(Boosted { trees, base: booster.base_score, curve, features: matrix.cols })
}

fn booster(task: Task, with: &Parameters, seed: u64, columns: usize) -> GradientBooster {
    let (objective_type, metric) = match task {
        Task::Classification => (ObjectiveType::LogLoss, Metric::LogLoss),
        Task::Regression => (ObjectiveType::SquaredLoss, Metric::RootMeanSquaredError),
    };
    let subsample = with.number("subsample") as f32;
    // The struct has a private field, so that it cannot be written as one expression.
    let mut booster = GradientBooster::default();
    booster.objective_type = objective_type;
    booster.iterations = with.count("trees");
    booster.learning_rate = with.number("learning_rate") as f32;
    booster.max_depth = with.count("depth");
    booster.max_leaves = with.count("leaves");
    booster.l1 = with.number("l1") as f32;
    booster.l2 = with.number("l2") as f32;
    booster.gamma = with.number("min_gain") as f32;
    booster.min_leaf_weight = with.number("min_child_weight") as f32;
    booster.nbins = with.count("bins") as u16;
    booster.subsample = subsample;
    booster.sample_method = if subsample < 1.0 { SampleMethod::Random } else { SampleMethod::None };
    // Forust rounds the number of columns down, and a tree needs one.
    booster.colsample_bytree = with.number("column_sample").max(1.0 / columns.max(1) as f64);
    booster.seed = seed;
    booster.grow_policy = GrowPolicy::LossGuide;
    booster.evaluation_metric = Some(metric);
    booster.initialize_base_score = true;
    booster
}

impl Boosted {
    /// The total gain of each feature's splits.
    pub(crate) fn gains(&self) -> Vec<f64> {
        let mut gains = vec![0.0; self.features];
        for node in self.trees.iter().flat_map(|tree| &tree.nodes).filter(|node| !node.is_leaf) {
            gains[node.split_feature] += f64::from(node.split_gain.max(0.0));
        }
        gains
    }

    /// The attributes of a TreeEnsemble node. Each node's hit rate is the number of training rows that pass it.
    pub(crate) fn attributes(&self, rows: &Rows, task: Task) -> Vec<Attribute> {
        let covers: Vec<Vec<u32>> = self.trees.par_iter().map(|tree| count_rows(tree, rows)).collect();
        let mut lists = Lists::default();
        for ((tree, covers), number) in self.trees.iter().zip(&covers).zip(0i64..) {
            for (node, &cover) in tree.nodes.iter().zip(covers) {
                lists.trees.push(number);
                lists.nodes.push(node.num as i64);
                lists.hit_rates.push(cover as f32);
                if node.is_leaf {
                    lists.leaf(number, node.num as i64, node.weight_value);
                } else {
                    lists.features.push(node.split_feature as i64);
                    lists.values.push(round_up(node.split_value));
                    lists.modes.push("BRANCH_LT");
                    lists.true_children.push(node.left_child as i64);
                    lists.false_children.push(node.right_child as i64);
                    lists.missing_true.push(i64::from(node.missing_node == node.left_child));
                }
            }
        }
        lists.into_attributes(task, self.base as f32)
    }
}

/// The least 32-bit float that is not below `x`: a 32-bit value is below one exactly when it is below the other.
fn round_up(x: f64) -> f32 {
    let rounded = x as f32;
    if f64::from(rounded) < x { rounded.next_up() } else { rounded }
}

/// How many rows pass each node.
fn count_rows(tree: &Tree, rows: &Rows) -> Vec<u32> {
    let count = rows.target.len();
    let mut covers = vec![0; tree.nodes.len()];
    for row in 0..count {
        let mut at = 0;
        loop {
            covers[at] += 1;
            let node = &tree.nodes[at];
            if node.is_leaf {
                break;
            }
            at = node.get_child_idx(&rows.matrix[node.split_feature * count + row], &f64::NAN);
        }
    }
    covers
}

/// The parallel lists of a TreeEnsemble node.
#[derive(Default)]
struct Lists {
    trees: Vec<i64>,
    nodes: Vec<i64>,
    features: Vec<i64>,
    values: Vec<f32>,
    hit_rates: Vec<f32>,
    modes: Vec<&'static str>,
    true_children: Vec<i64>,
    false_children: Vec<i64>,
    missing_true: Vec<i64>,
    leaf_trees: Vec<i64>,
    leaf_nodes: Vec<i64>,
    leaf_weights: Vec<f32>,
}

impl Lists {
    fn leaf(&mut self, tree: i64, node: i64, weight: f32) {
        self.features.push(0);
        self.values.push(0.0);
        self.modes.push("LEAF");
        self.true_children.push(0);
        self.false_children.push(0);
        self.missing_true.push(0);
        self.leaf_trees.push(tree);
        self.leaf_nodes.push(node);
        self.leaf_weights.push(weight);
    }

    fn into_attributes(self, task: Task, base: f32) -> Vec<Attribute> {
        let classifies = task == Task::Classification;
        let prefix = if classifies { "class" } else { "target" };
        let own = |name: &str| format!("{prefix}_{name}");
        let mut attributes = vec![
            build::ints("nodes_treeids", self.trees),
            build::ints("nodes_nodeids", self.nodes),
            build::ints("nodes_featureids", self.features),
            build::floats("nodes_values", self.values),
            build::floats("nodes_hitrates", self.hit_rates),
            build::texts("nodes_modes", &self.modes),
            build::ints("nodes_truenodeids", self.true_children),
            build::ints("nodes_falsenodeids", self.false_children),
            build::ints("nodes_missing_value_tracks_true", self.missing_true),
            build::ints(&own("ids"), vec![0; self.leaf_trees.len()]),
            build::ints(&own("treeids"), self.leaf_trees),
            build::ints(&own("nodeids"), self.leaf_nodes),
            build::floats(&own("weights"), self.leaf_weights),
            build::floats("base_values", vec![base]),
            build::text("post_transform", if classifies { "LOGISTIC" } else { "NONE" }),
        ];
        if !classifies {
            attributes.push(build::int("n_targets", 1));
        }
        attributes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_round_up_to_the_side_that_keeps_the_branch() {
        for x in [0.1, 1.0, -0.1, 1e300, f64::MAX] {
            let up = round_up(x);
            assert!(f64::from(up) >= x && f64::from(up.next_down()) < x, "{x}");
        }
    }
}
