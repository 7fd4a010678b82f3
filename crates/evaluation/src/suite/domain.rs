//! Tells two tables apart: extremely randomized trees learn on half of the rows which table a row is from, and score
//! the other half. What single columns do not show, such as a changed correlation, shows here.

use flyball_core::Column;
use flyball_core::rng::Rng;

/// Enough trees for scores that hardly depend on the seed.
const TREES: usize = 60;
/// Deep enough for the interplay of a few features.
const DEPTH: usize = 6;
/// A leaf has at least so many rows.
const LEAF_ROWS: usize = 10;
/// Random cuts that are tried at a node.
const TRIES: usize = 8;
/// Fewer rows on a side than this cannot be learned from.
const LEAST_ROWS: usize = 50;
/// Rows of each side that are used at most: the AUC is then known to a hundredth.
const MOST_ROWS: usize = 5_000;

enum Node {
    Leaf(f64),
    Split { feature: usize, at: f64, below: Box<Node>, above: Box<Node> },
}

/// For the rows that were not learned from, whether each is of the second table, and how much it looks so.
pub(super) fn tell_apart(first: &[Column], second: &[Column], rng: &mut Rng) -> Option<(Vec<bool>, Vec<f64>)> {
    let rows = |table: &[Column]| table.first().map_or(0, Column::len);
    if rows(first).min(rows(second)) < LEAST_ROWS {
        return None;
    }
    let columns: Vec<(Vec<f64>, Vec<f64>)> = first.iter().zip(second).map(|(a, b)| numbers(a, b)).collect();
    let mut all: Vec<(bool, Vec<f64>)> = Vec::new();
    for (is_second, count) in [(false, rows(first)), (true, rows(second))] {
        let mut own: Vec<usize> = (0..count).collect();
        rng.shuffle(&mut own);
        own.truncate(MOST_ROWS);
        let value = |column: &(Vec<f64>, Vec<f64>), row: usize| if is_second { column.1[row] } else { column.0[row] };
        all.extend(own.into_iter().map(|row| (is_second, columns.iter().map(|column| value(column, row)).collect())));
    }
    rng.shuffle(&mut all);
    let (learn, judge) = all.split_at(all.len() / 2);
    let trees: Vec<Node> = (0..TREES)
        .map(|_| {
            let places: Vec<usize> = (0..learn.len()).collect();
            grow(learn, places, DEPTH, rng)
        })
        .collect();
    let score = |row: &[f64]| trees.iter().map(|tree| walk(tree, row)).sum::<f64>() / trees.len() as f64;
    Some(judge.iter().map(|(is_second, row)| (*is_second, score(row))).unzip())
}

fn grow(rows: &[(bool, Vec<f64>)], places: Vec<usize>, depth: usize, rng: &mut Rng) -> Node {
    let seconds = |places: &[usize]| places.iter().filter(|place| rows[**place].0).count() as f64;
    let share = seconds(&places) / places.len().max(1) as f64;
    let width = rows.first().map_or(0, |row| row.1.len());
    if depth == 0 || width == 0 || places.len() < 2 * LEAF_ROWS || share == 0.0 || share == 1.0 {
        return Node::Leaf(share);
    }
    let mut best: Option<(f64, usize, f64)> = None;
    for _ in 0..TRIES {
        let feature = rng.below(width);
        let at = rows[places[rng.below(places.len())]].1[feature];
        let below: Vec<usize> = places.iter().copied().filter(|place| rows[*place].1[feature] < at).collect();
        let above = places.len() - below.len();
        if below.len() < LEAF_ROWS || above < LEAF_ROWS {
            continue;
        }
        let (left, all) = (seconds(&below), seconds(&places));
        let gain = left * left / below.len() as f64 + (all - left) * (all - left) / above as f64;
        if best.is_none_or(|(most, ..)| gain > most) {
            best = Some((gain, feature, at));
        }
    }
    let Some((_, feature, at)) = best else { return Node::Leaf(share) };
    let (below, above) = places.into_iter().partition(|place| rows[*place].1[feature] < at);
    let below = Box::new(grow(rows, below, depth - 1, rng));
    Node::Split { feature, at, below, above: Box::new(grow(rows, above, depth - 1, rng)) }
}

fn walk(node: &Node, row: &[f64]) -> f64 {
    match node {
        Node::Leaf(share) => *share,
        Node::Split { feature, at, below, above } => walk(if row[*feature] < *at { below } else { above }, row),
    }
}

/// Both columns as numbers: texts by their order, missing values below all others.
fn numbers(first: &Column, second: &Column) -> (Vec<f64>, Vec<f64>) {
    if first.kind().is_number() && second.kind().is_number() {
        let known = |column: &Column| {
            let value = |value: f64| if value.is_nan() { f64::NEG_INFINITY } else { value };
            column.numbers().into_iter().map(value).collect()
        };
        return (known(first), known(second));
    }
    let texts = |column: &Column| -> Vec<String> {
        (0..column.len()).map(|row| column.value(row).text().unwrap_or_default()).collect()
    };
    let (one, other) = (texts(first), texts(second));
    let mut levels: Vec<&String> = one.iter().chain(&other).collect();
    levels.sort();
    levels.dedup();
    let place = |text: &String| levels.partition_point(|level| *level < text) as f64;
    (one.iter().map(place).collect(), other.iter().map(place).collect())
}
