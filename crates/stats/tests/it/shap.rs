//! Explanations against the definition: all coalitions, one by one.

use flyball_core::rng::Rng;
use flyball_stats::shap::{Comparison, Ensemble, Explainer, Node, Tree};

use crate::oracle::near;

const FEATURES: usize = 5;

/// A random tree of a given depth; cover shrinks at random, sometimes to nothing.
fn grow(rng: &mut Rng, nodes: &mut Vec<Node>, depth: usize, cover: f64) -> usize {
    let index = nodes.len();
    nodes.push(Node::Leaf { value: rng.unit() - 0.5, cover });
    if depth > 0 && cover > 0.0 && rng.below(12) > 0 {
        let share = if rng.below(10) == 0 { 0.0 } else { rng.unit() };
        let left = grow(rng, nodes, depth - 1, cover * share);
        let right = grow(rng, nodes, depth - 1, cover * (1.0 - share));
        let (column, missing_left) = (rng.below(FEATURES), rng.below(2) == 0);
        // Few thresholds, so that values meet them exactly.
        let threshold = rng.below(8) as f64 / 8.0;
        nodes[index] = Node::Split { column, threshold, missing_left, left, right, cover };
    }
    index
}

fn forest(rng: &mut Rng, trees: usize, depth: usize, comparison: Comparison) -> Ensemble {
    let tree = |_| {
        let mut nodes = Vec::new();
        grow(rng, &mut nodes, depth, 100.0);
        Tree { nodes }
    };
    Ensemble {
        trees: (0..trees).map(tree).collect(),
        base: 0.25,
        comparison,
        features: FEATURES,
        columns: (0..FEATURES).collect(),
    }
}

fn row(rng: &mut Rng) -> Vec<f64> {
    let value = |_| if rng.below(6) == 0 { f64::NAN } else { rng.below(9) as f64 / 8.0 - 0.03 * rng.below(2) as f64 };
    (0..FEATURES).map(value).collect()
}

/// The mean of the leaves below a node, where `at` gives the value of a feature, or nothing to follow the cover.
fn mean_below(tree: &Tree, index: usize, comparison: Comparison, at: &dyn Fn(usize) -> Option<f64>) -> f64 {
    match tree.nodes[index] {
        Node::Leaf { value, .. } => value,
        Node::Split { column, threshold, missing_left, left, right, cover } => {
            let below = |child| mean_below(tree, child, comparison, at);
            let cover_of = |child: usize| match tree.nodes[child] {
                Node::Leaf { cover, .. } | Node::Split { cover, .. } => cover,
            };
            match at(column) {
                None => [left, right].iter().map(|&child| cover_of(child) / cover * below(child)).sum(),
                Some(x) if x.is_nan() => below(if missing_left { left } else { right }),
                Some(x) if comparison == Comparison::Less => below(if x < threshold { left } else { right }),
                Some(x) => below(if x <= threshold { left } else { right }),
            }
        }
    }
}

/// What the trees give for each coalition of features that `x` keeps.
fn game(ensemble: &Ensemble, x: &[f64], background: Option<&[f64]>) -> Vec<f64> {
    let value = |coalition: usize, other: Option<&[f64]>| {
        let at = |feature: usize| match coalition >> feature & 1 {
            1 => Some(x[feature]),
            _ => other.map(|row| row[feature]),
        };
        let trees = ensemble.trees.iter().map(|tree| mean_below(tree, 0, ensemble.comparison, &at));
        ensemble.base + trees.sum::<f64>()
    };
    let of = |coalition| match background {
        None => value(coalition, None),
        Some(rows) => {
            let values = rows.chunks_exact(FEATURES).map(|row| value(coalition, Some(row)));
            values.sum::<f64>() / (rows.len() / FEATURES) as f64
        }
    };
    (0..1 << FEATURES).map(of).collect()
}

fn factorial(n: usize) -> f64 {
    (1..=n).map(|i| i as f64).product()
}

/// The Shapley value of a feature, or half of the Shapley interaction index of two.
fn by_definition(game: &[f64], i: usize, j: usize) -> f64 {
    let members = 1 << i | 1 << j;
    let others = (0..1 << FEATURES).filter(|coalition| coalition & members == 0);
    others
        .map(|coalition: usize| {
            let size = coalition.count_ones() as usize;
            let both = game[coalition | members] + if i == j { 0.0 } else { game[coalition] };
            let one = |k: usize| game[coalition | 1 << k];
            if i == j {
                let weight = factorial(size) * factorial(FEATURES - size - 1) / factorial(FEATURES);
                return weight * (both - game[coalition]);
            }
            let weight = factorial(size) * factorial(FEATURES - size - 2) / (2.0 * factorial(FEATURES - 1));
            weight * (both - one(i) - one(j))
        })
        .sum()
}

/// The game of groups of columns: those of a group join together. Groups are numbered from 0.
fn grouped(game: &[f64], groups: &[usize]) -> Vec<f64> {
    let columns = |set: usize| (0..FEATURES).filter(|&c| set >> groups[c] & 1 == 1).fold(0, |all, c| all | 1 << c);
    (0..1 << FEATURES).map(|set| game[columns(set)]).collect()
}

fn check(explainer: &Explainer, games: &[Vec<f64>], rows: &[f64]) {
    let explained = explainer.explain_rows(rows).unwrap();
    let matrices = explainer.interactions(rows).unwrap();
    for (number, (x, game)) in rows.chunks_exact(FEATURES).zip(games).enumerate() {
        near(explained.expected_value, game[0], 1e-12, "expected value");
        near(explainer.predict(x).unwrap(), game[game.len() - 1], 1e-12, "prediction");
        let alone = explainer.explain(x).unwrap();
        for i in 0..FEATURES {
            let value = by_definition(game, i, i);
            near(explained.values[number * FEATURES + i], value, 1e-12, "value in a block");
            near(alone.values[i], value, 1e-12, "value of one row");
            let line = &matrices[(number * FEATURES + i) * FEATURES..][..FEATURES];
            near(line.iter().sum(), value, 1e-12, "sum of a line");
            for j in (0..FEATURES).filter(|&j| j != i) {
                near(line[j], by_definition(game, i, j), 1e-12, "interaction");
            }
        }
    }
}

#[test]
fn random_trees_equal_the_definition_over_all_coalitions() {
    let mut rng = Rng::seeded(11);
    for (round, comparison) in [Comparison::Less, Comparison::LessOrEqual].into_iter().cycle().take(20).enumerate() {
        let ensemble = forest(&mut rng, 3, [1, 3, 8, 14][round % 4], comparison);
        let rows: Vec<f64> = (0..40).flat_map(|_| row(&mut rng)).collect();
        let background: Vec<f64> = (0..7).flat_map(|_| row(&mut rng)).collect();
        let games = |background| -> Vec<Vec<f64>> {
            rows.chunks_exact(FEATURES).map(|x| game(&ensemble, x, background)).collect()
        };
        check(&Explainer::new(&ensemble).unwrap(), &games(None), &rows);
        let against = Explainer::against(&ensemble, background.clone()).unwrap().unwrap();
        check(&against, &games(Some(&background)), &rows);
        // Features without columns get nothing, so that the definition over five players holds for fewer groups too.
        let groups = vec![0, 4, 0, 1, 4];
        let joined = |games: Vec<Vec<f64>>| -> Vec<Vec<f64>> { games.iter().map(|g| grouped(g, &groups)).collect() };
        let ensemble = Ensemble { columns: groups.clone(), ..ensemble.clone() };
        check(&Explainer::new(&ensemble).unwrap(), &joined(games(None)), &rows);
        let against = Explainer::against(&ensemble, background.clone()).unwrap().unwrap();
        check(&against, &joined(games(Some(&background))), &rows);
    }
}

/// A tree that asks for a new feature at every step of one long branch.
fn long_branch(features: usize) -> Ensemble {
    let mut nodes = Vec::new();
    for feature in 0..features {
        let (left, right) = (nodes.len() + 1, nodes.len() + 2);
        let cover = 2.0 * (features - feature) as f64;
        nodes.push(Node::Leaf { value: feature as f64, cover: 1.0 });
        nodes.push(Node::Split { column: feature, threshold: 0.5, missing_left: true, left: left - 1, right, cover });
    }
    // Roots stand first: the leaf of each step behind its split.
    for pair in nodes.chunks_exact_mut(2) {
        pair.swap(0, 1);
    }
    for (at, node) in nodes.iter_mut().enumerate() {
        if let Node::Split { left, right, .. } = node {
            (*left, *right) = (at + 1, at + 2);
        }
    }
    nodes.push(Node::Leaf { value: 100.0, cover: 1.0 });
    Ensemble {
        trees: vec![Tree { nodes }],
        base: 0.0,
        comparison: Comparison::LessOrEqual,
        features,
        columns: (0..features).collect(),
    }
}

#[test]
fn long_paths_add_up_and_longer_ones_are_refused() {
    for features in [12, 40, 63] {
        let ensemble = long_branch(features);
        let rows: Vec<f64> =
            (0..3).flat_map(|row| (0..features).map(move |f| f64::from(u8::from(f != row * 9)))).collect();
        let background = vec![0.0; features];
        for explainer in
            [Explainer::new(&ensemble).unwrap(), Explainer::against(&ensemble, background).unwrap().unwrap()]
        {
            let explained = explainer.explain_rows(&rows).unwrap();
            for (x, values) in rows.chunks_exact(features).zip(explained.rows()) {
                let sum = explained.expected_value + values.iter().sum::<f64>();
                near(sum, explainer.predict(x).unwrap(), 1e-9, &format!("{features}"));
            }
        }
    }
    let refused = Explainer::new(&long_branch(64)).unwrap_err();
    assert_eq!(refused.reason, "more than 63 features on one path");
}
