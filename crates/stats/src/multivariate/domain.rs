//! Domain classifier: can rows of a window be told from rows of the reference?

use std::f64::consts::PI;

use crate::classification::roc_auc;
use crate::special::normal_sf;
use crate::summary::mean;
use crate::trees::{BoostedTrees, Loss};

/// Parts of the cross-validation for the area and the importance.
const FOLDS: usize = 5;
/// Parts of that for the p-value.
const HALVES: usize = 2;
/// Each side has at least so many rows: two leaves of every fold.
const LEAST_ROWS: usize = 50;
/// Areas that NannyML takes for no drift.
pub const NANNYML_RANGE: std::ops::RangeInclusive<f64> = 0.45..=0.65;

/// How well the rows are told apart.
#[derive(Debug, Clone, PartialEq)]
pub struct DomainClassifier {
    /// Area under the ROC curve of telling current rows from those of the reference, on rows that were not learnt from.
    pub auc: f64,
    /// Probability of such areas without drift, one-sided: of two classifiers, each learnt from one half of the rows and
    /// judged on the other. The rows of one judgement are independent of its classifier, which those of a whole
    /// cross-validation are not: taking them for it doubles the false alarms.
    pub p_value: f64,
    /// NannyML would give an alert: the area is outside .45 to .65.
    pub outside_nannyml_range: bool,
    /// Share of each column in telling the rows apart; zeros if nothing does.
    pub importance: Vec<f64>,
}

/// Learns to tell the rows of two tables apart, by cross-validated boosted trees. Columns are numbers, categories their
/// codes, missing values NaN; missing values tell rows apart too. `below(n)` draws a number in 0..n.
///
/// `None` for other columns on one side than on the other, or fewer than 50 rows on a side.
pub fn domain_classifier(
    reference: &[&[f64]],
    current: &[&[f64]],
    mut below: impl FnMut(usize) -> usize,
) -> Option<DomainClassifier> {
    let (n, m) = (reference.first()?.len(), current.first()?.len());
    let even = |side: &[&[f64]], rows: usize| side.iter().all(|column| column.len() == rows);
    if reference.len() != current.len() || !even(reference, n) || !even(current, m) || n.min(m) < LEAST_ROWS {
        return None;
    }
    let columns: Vec<Vec<f64>> = reference.iter().zip(current).map(|(left, right)| [*left, *right].concat()).collect();
    let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
    let target: Vec<f64> = (0..n + m).map(|row| f64::from(u8::from(row >= n))).collect();
    let mut importance = vec![0.0; columns.len()];
    let mut validate = |folds: usize, importance: &mut [f64]| -> Option<Vec<(Vec<bool>, Vec<f64>)>> {
        let fold_of = stratified_folds([n, m], folds, &mut below);
        let one = |fold: usize| {
            let (held_out, rows): (Vec<usize>, Vec<usize>) = (0..n + m).partition(|&row| fold_of[row] == fold);
            let trees = BoostedTrees::fit(&columns, &target, &rows, Loss::Logistic)?;
            importance.iter_mut().zip(&trees.gains).for_each(|(sum, gain)| *sum += gain);
            // Bases differ between folds by chance alone, and would order rows of different folds.
            let score = |row: &usize| trees.at(|column| columns[column][*row]) - trees.base;
            Some((held_out.iter().map(|&row| row >= n).collect(), held_out.iter().map(score).collect()))
        };
        (0..folds).map(one).collect()
    };
    let halves = validate(HALVES, &mut importance)?;
    let p_values = halves.iter().map(|(is_current, scores)| p_value(is_current, scores)).collect::<Option<Vec<_>>>()?;
    importance.fill(0.0);
    let (is_current, scores): (Vec<_>, Vec<_>) = validate(FOLDS, &mut importance)?.into_iter().unzip();
    let auc = roc_auc(&is_current.concat(), &scores.concat())?;
    let total: f64 = importance.iter().sum();
    if total > 0.0 {
        importance.iter_mut().for_each(|share| *share /= total);
    }
    Some(DomainClassifier {
        auc,
        p_value: cauchy_combination(&p_values)?,
        outside_nannyml_range: !NANNYML_RANGE.contains(&auc),
        importance,
    })
}

/// A fold for every row, so that each has its part of both sides.
fn stratified_folds(sides: [usize; 2], folds: usize, below: &mut impl FnMut(usize) -> usize) -> Vec<usize> {
    let mut fold_of = vec![0; sides[0] + sides[1]];
    for (begin, rows) in [(0, sides[0]), (sides[0], sides[1])] {
        let mut order: Vec<usize> = (begin..begin + rows).collect();
        for last in (1..rows).rev() {
            order.swap(last, below(last + 1).min(last));
        }
        order.into_iter().enumerate().for_each(|(place, row)| fold_of[row] = place % folds);
    }
    fold_of
}

/// One-sided p-value of the area (Mann & Whitney); ties make it cautious.
fn p_value(is_current: &[bool], scores: &[f64]) -> Option<f64> {
    let auc = roc_auc(is_current, scores)?;
    let m = is_current.iter().filter(|&&current| current).count() as f64;
    let n = is_current.len() as f64 - m;
    Some(normal_sf((auc - 0.5) / ((n + m + 1.0) / (12.0 * n * m)).sqrt()))
}

/// One p-value from several that may depend on each other (Liu & Xie 2020).
fn cauchy_combination(p_values: &[f64]) -> Option<f64> {
    let statistic = mean(&p_values.iter().map(|p| 1.0 / (p * PI).tan()).collect::<Vec<_>>())?;
    // The inverse tangent of the inverse keeps the digits of small p-values.
    Some(if statistic > 0.0 { (1.0 / statistic).atan() / PI } else { 0.5 - statistic.atan() / PI })
}
