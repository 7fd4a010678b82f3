//! Exact explanations of a tree ensemble: 100 trees × depth 6 × 20 features.

use anyhow::{Context, Result};
use flyball_core::rng::Rng;
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
        "additivity_worst": additivity.fold(0.0, f64::max),
    }))
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
