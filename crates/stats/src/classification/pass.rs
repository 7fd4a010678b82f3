//! All binary metrics of all rows and of every group of several slicings, from one sort and one reading of the rows.

use super::binary::ScoreSums;
use super::calibration::{BINS, bin_of_ten};
use super::scores::row_log_loss;
use super::walk::{Ranked, Walk};
use super::{BinarySummary, Confusion, order};

/// Which group each row belongs to, by one column.
#[derive(Debug, Clone, Copy)]
pub struct Slicing<'a> {
    /// The group of each row; a code that is not below `groups` belongs to none.
    pub codes: &'a [u32],
    /// How many groups.
    pub groups: usize,
}

/// The metrics of all rows, and of each group of each slicing.
#[derive(Debug, Clone)]
pub struct BinaryPass {
    /// All rows.
    pub overall: BinarySummary,
    /// For each slicing the groups in the order of their codes; those without rows too.
    pub slices: Vec<Vec<BinarySummary>>,
    /// The selection at falling scores, thinned for drawing; empty where a class is missing.
    pub curve: Vec<CurvePoint>,
}

/// What is selected at a score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurvePoint {
    /// Rows with a score of at least this are selected.
    pub threshold: f64,
    /// Weight of the selected positives.
    pub tp: f64,
    /// Weight of the selected negatives.
    pub fp: f64,
}

/// Measures in one go. Selected are the rows with p ≥ `threshold`.
///
/// `None` if lengths differ, a score is NaN, or a weight is negative or not finite. Scores outside [0, 1] are allowed:
/// then what needs a probability is undefined.
pub fn binary_pass(
    y: &[bool],
    p: &[f64],
    weights: Option<&[f64]>,
    threshold: f64,
    slicings: &[Slicing<'_>],
) -> Option<BinaryPass> {
    let rows = y.len();
    let fits = p.len() == rows && weights.is_none_or(|weights| weights.len() == rows && weights.iter().all(sound));
    if !fits || slicings.iter().any(|slicing| slicing.codes.len() != rows) {
        return None;
    }
    let order = order::descending(p)?;
    let read = Read::of(y, p, threshold);
    let ranked = Ranked::new(y, p, &order);
    let overall = measure(&read, &ranked, weights, 1, |_| 0).pop()?;
    let slice = |slicing: &Slicing<'_>| {
        // The walk meets rows in the order of their scores, far apart in memory: a byte each stays in the cache.
        let few: Option<Vec<u8>> = (slicing.groups < usize::from(u8::MAX))
            .then(|| slicing.codes.iter().map(|&code| u8::try_from(code).unwrap_or(u8::MAX)).collect());
        match few {
            Some(codes) => measure(&read, &ranked, weights, slicing.groups, |row| usize::from(codes[row])),
            None => measure(&read, &ranked, weights, slicing.groups, |row| slicing.codes[row] as usize),
        }
    };
    let curve = match weights {
        None => ranked.curve(&overall.cells, |_| 1.0),
        Some(weights) => ranked.curve(&overall.cells, |row| weights[row]),
    };
    Some(BinaryPass { slices: slicings.iter().map(slice).collect(), overall, curve })
}

/// The groups of one slicing.
fn measure(
    read: &Read<'_>,
    ranked: &Ranked<'_>,
    weights: Option<&[f64]>,
    count: usize,
    code: impl Fn(usize) -> usize,
) -> Vec<BinarySummary> {
    match weights {
        None => groups(read, ranked, count, code, |_| 1.0),
        Some(weights) => groups(read, ranked, count, code, |row| weights[row]),
    }
}

/// Whether a weight can be one.
fn sound(weight: &f64) -> bool {
    weight.is_finite() && *weight >= 0.0
}

/// What is read from each row once, for all slicings.
struct Read<'a> {
    p: &'a [f64],
    /// The reliability bin times four, plus the cell of the confusion table: truth times two plus selected.
    kinds: Vec<u8>,
    losses: Vec<f64>,
    /// Whether all scores are probabilities.
    probabilities: bool,
}

impl<'a> Read<'a> {
    fn of(y: &[bool], p: &'a [f64], threshold: f64) -> Self {
        let kind = |(&y, &p): (&bool, &f64)| (bin_of_ten(p) as u8) << 2 | u8::from(y) << 1 | u8::from(p >= threshold);
        Self {
            p,
            kinds: y.iter().zip(p).map(kind).collect(),
            losses: y.iter().zip(p).map(|(&y, &p)| row_log_loss(y, p)).collect(),
            probabilities: p.iter().all(|p| (0.0..=1.0).contains(p)),
        }
    }
}

/// Sums over the rows of one group, in any order.
#[derive(Clone)]
struct Sums {
    /// Weight by kind of row (see [`Read::kinds`]).
    kinds: [f64; BINS * 4],
    /// Weighted sum of the probabilities by bin.
    probabilities: [f64; BINS],
    loss: [f64; 2],
    square: [f64; 2],
    rows: usize,
    /// Sum of squared weights of negatives and positives.
    squared_weights: [f64; 2],
}

impl Default for Sums {
    fn default() -> Self {
        Self {
            kinds: [0.0; BINS * 4],
            probabilities: [0.0; BINS],
            loss: [0.0; 2],
            square: [0.0; 2],
            rows: 0,
            squared_weights: [0.0; 2],
        }
    }
}

fn groups(
    read: &Read<'_>,
    ranked: &Ranked<'_>,
    groups: usize,
    code: impl Fn(usize) -> usize,
    weight: impl Fn(usize) -> f64,
) -> Vec<BinarySummary> {
    let mut sums = vec![Sums::default(); groups];
    for row in 0..read.kinds.len() {
        let Some(sums) = sums.get_mut(code(row)) else { continue };
        let (kind, weight, loss, p) = (read.kinds[row] as usize, weight(row), read.losses[row], read.p[row]);
        let truth = kind >> 1 & 1;
        let square = (p - truth as f64) * (p - truth as f64);
        sums.kinds[kind] += weight;
        sums.probabilities[kind >> 2] += weight * p;
        sums.loss[0] += weight * loss;
        sums.loss[1] += weight * loss * loss;
        sums.square[0] += weight * square;
        sums.square[1] += weight * square * square;
        sums.squared_weights[truth] += weight * weight;
        sums.rows += 1;
    }
    let cells: Vec<Confusion> = sums.iter().map(|sums| cells_of(&sums.kinds)).collect();
    let mut walks: Vec<Walk> = cells
        .iter()
        .zip(&sums)
        .map(|(cells, sums)| Walk::new(cells.positives(), cells.negatives(), sums.rows))
        .collect();
    ranked.walk(&mut walks, code, weight);
    let summary = |((sums, cells), walk): ((Sums, Confusion), Walk)| BinarySummary {
        rows: sums.rows,
        cells,
        squared_weights: sums.squared_weights,
        scores: read.probabilities.then(|| ScoreSums {
            loss: sums.loss,
            square: sums.square,
            bins: std::array::from_fn(|bin| {
                let kinds = &sums.kinds[bin * 4..bin * 4 + 4];
                [kinds.iter().sum(), kinds[2] + kinds[3], sums.probabilities[bin]]
            }),
        }),
        ranks: walk.ranks(),
        lifts: walk.lifts(),
    };
    sums.into_iter().zip(cells).zip(walks).map(summary).collect()
}

fn cells_of(kinds: &[f64; BINS * 4]) -> Confusion {
    let cell = |cell: usize| kinds.iter().skip(cell).step_by(4).sum();
    Confusion { tn: cell(0), fp: cell(1), fn_: cell(2), tp: cell(3) }
}
