//! Exact explanations of a tree ensemble: 100 trees × depth 6 × 20 features.

use std::sync::Arc;

use anyhow::{Context, Result};
use flyball_core::model::{Engine, TrainRequest, Trainer, load_graph};
use flyball_core::rng::Rng;
use flyball_core::{Column, Table, Task};
use flyball_engine_tabular::{Gbdt, TabularEngine};
use flyball_stats::explain::{Coalition, kernel_shap};
use flyball_stats::shap::{Comparison, Ensemble, Explainer, Node, Tree};
use serde_json::{Value, json};

use crate::measure::per_call;

const TREES: usize = 100;
const DEPTH: usize = 6;
const FEATURES: usize = 20;
const BACKGROUND: usize = 100;

/// Rows per CPU-second, on one thread.
pub(crate) fn bench() -> Result<Value> {
    let mut rng = Rng::seeded(7);
    let trees = (0..TREES).map(|_| tree(&mut rng)).collect();
    let ensemble = Ensemble {
        trees,
        base: 0.5,
        comparison: Comparison::Less,
        features: FEATURES,
        columns: (0..FEATURES).collect(),
    };
    let by_cover = Explainer::new(&ensemble)?;
    let background = rows(&mut rng, BACKGROUND);
    let against = Explainer::against(&ensemble, background).context("a background")??;
    let rate = |explainer: &Explainer, count: usize, seed| -> Result<f64> {
        let rows = rows(&mut Rng::seeded(seed), count);
        Ok(count as f64 / per_call(|| drop(std::hint::black_box(explainer.explain_rows(&rows))))?)
    };
    let many = rows(&mut rng, 10_000);
    let explained = by_cover.explain_rows(&many).context("rows")?;
    let additivity = many.chunks_exact(FEATURES).zip(explained.rows()).map(|(x, values)| {
        let sum = explained.expected_value + values.iter().sum::<f64>();
        (sum - by_cover.predict(x).unwrap_or(f64::NAN)).abs()
    });
    let pairs = rows(&mut rng, 2_000);
    let interactions = 2_000.0 / per_call(|| drop(std::hint::black_box(by_cover.interactions(&pairs))))?;
    Ok(json!({
        "path_dependent_rows_per_cpu_s": rate(&by_cover, 10_000, 1)?,
        "path_dependent_one_row_at_a_time_per_cpu_s": rate(&by_cover, 1, 1)?,
        "interventional_100_rows_per_cpu_s": rate(&against, 10_000, 2)?,
        "interventional_100_one_row_at_a_time_per_cpu_s": rate(&against, 1, 2)?,
        "interactions_rows_per_cpu_s": interactions,
        "kernel_rows_per_cpu_s": kernel()?,
        "additivity_worst": additivity.fold(0.0, f64::max),
    }))
}

/// KernelSHAP of a model as it is served, with SHAP's own number of coalitions.
fn kernel() -> Result<f64> {
    let mut rng = Rng::seeded(8);
    let names: Vec<String> = (0..FEATURES).map(|at| format!("f{at}")).collect();
    let mut columns: Vec<Vec<f64>> = (0..FEATURES).map(|_| (0..5_000).map(|_| rng.unit()).collect()).collect();
    let label: Vec<f64> =
        (0..5_000).map(|row| (6.0 * columns[0][row]).sin() + columns[1][row] * columns[2][row]).collect();
    let column = |(name, values): (&String, &Vec<f64>)| (name.clone(), Column::Float(values.clone()));
    let mut learn = Table::new(names.iter().zip(&columns).map(column).collect())?;
    learn.push("y", Column::Float(label))?;
    let parameters = json!({ "trees": TREES, "depth": DEPTH });
    let parameters = parameters.as_object().context("parameters")?;
    let request = TrainRequest {
        task: Task::Regression,
        rows: &learn,
        label: "y",
        features: &names,
        validation: None,
        parameters,
        weights: None,
        seed: 1,
    };
    let engines: [Arc<dyn Engine>; 1] = [Arc::new(TabularEngine)];
    let model = load_graph(&engines, &Gbdt.train(&request)?.artifact)?;
    columns.iter_mut().for_each(|values| values.truncate(BACKGROUND + 1));
    let mut game = |coalitions: &[Coalition]| -> Result<Vec<f64>> {
        let mut gains = Vec::with_capacity(coalitions.len());
        // So many as the explanations of endpoints ask for at once.
        for some in coalitions.chunks(16_384 / BACKGROUND) {
            let mixed = columns.iter().enumerate().map(|(place, values)| {
                let (own, theirs) = (values[BACKGROUND], &values[..BACKGROUND]);
                let mut made = Vec::with_capacity(some.len() * BACKGROUND);
                some.iter().for_each(|coalition| match coalition[place] {
                    true => made.resize(made.len() + BACKGROUND, own),
                    false => made.extend_from_slice(theirs),
                });
                (names[place].clone(), Column::Float(made))
            });
            let scores = model.predict(&Table::new(mixed.collect())?)?.scores;
            gains.extend(scores.chunks_exact(BACKGROUND).map(|own| own.iter().sum::<f64>() / BACKGROUND as f64));
        }
        Ok(gains)
    };
    let seconds = per_call(|| {
        let estimate = kernel_shap(FEATURES, 2 * FEATURES + 2_048, &mut |n| rng.below(n), &mut game);
        drop(std::hint::black_box(estimate));
    })?;
    Ok(1.0 / seconds)
}

fn rows(rng: &mut Rng, count: usize) -> Vec<f64> {
    (0..count * FEATURES).map(|_| rng.unit()).collect()
}

/// A full tree with random splits, whose covers follow the uniform rows.
fn tree(rng: &mut Rng) -> Tree {
    fn grow(rng: &mut Rng, nodes: &mut Vec<Node>, depth: usize, cover: f64) -> usize {
        let index = nodes.len();
        nodes.push(Node::Leaf { value: rng.unit() - 0.5, cover });
        if depth > 0 {
            let threshold = 0.1 + 0.8 * rng.unit();
            let column = rng.below(FEATURES);
            let left = grow(rng, nodes, depth - 1, cover * threshold);
            let right = grow(rng, nodes, depth - 1, cover * (1.0 - threshold));
            nodes[index] = Node::Split { column, threshold, missing_left: true, left, right, cover };
        }
        index
    }
    let mut nodes = Vec::new();
    grow(rng, &mut nodes, DEPTH, 10_000.0);
    Tree { nodes }
}
