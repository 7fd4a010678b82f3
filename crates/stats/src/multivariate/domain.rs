//! Domain classifier: can rows of a window be told from rows of the reference?

use crate::compare::delong;
use crate::special::normal_sf;
use crate::trees::{BoostedTrees, Loss};

/// Parts of the cross-validation.
const FOLDS: usize = 5;
/// Each side has at least so many rows: two leaves of every fold.
const LEAST_ROWS: usize = 50;
/// Areas that NannyML takes for no drift.
pub const NANNYML_RANGE: std::ops::RangeInclusive<f64> = 0.45..=0.65;

/// How well the rows are told apart.
#[derive(Debug, Clone, PartialEq)]
pub struct DomainClassifier {
    /// Area under the ROC curve of telling current rows from those of the reference, on rows that were not learnt from.
    pub auc: f64,
    /// Probability of such an area without drift, one-sided (DeLong).
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
    // Every fold has its part of both sides.
    let mut folds = vec![0; n + m];
    for (begin, rows) in [(0, n), (n, m)] {
        let mut order: Vec<usize> = (begin..begin + rows).collect();
        for last in (1..rows).rev() {
            order.swap(last, below(last + 1).min(last));
        }
        order.into_iter().enumerate().for_each(|(place, row)| folds[row] = place % FOLDS);
    }
    let mut scores = vec![0.0; n + m];
    let mut importance = vec![0.0; columns.len()];
    for fold in 0..FOLDS {
        let (held_out, rows): (Vec<usize>, Vec<usize>) = (0..n + m).partition(|&row| folds[row] == fold);
        let trees = BoostedTrees::fit(&columns, &target, &rows, Loss::Logistic)?;
        // The base differs between folds by chance alone, and would order rows of different folds.
        held_out.into_iter().for_each(|row| scores[row] = trees.at(|column| columns[column][row]) - trees.base);
        importance.iter_mut().zip(&trees.gains).for_each(|(sum, gain)| *sum += gain);
    }
    let is_current: Vec<bool> = target.iter().map(|&side| side > 0.5).collect();
    let area = delong(&is_current, &scores)?;
    let total: f64 = importance.iter().sum();
    if total > 0.0 {
        importance.iter_mut().for_each(|share| *share /= total);
    }
    Some(DomainClassifier {
        auc: area.auc,
        p_value: p_value(area.auc, area.variance, n, m),
        outside_nannyml_range: !NANNYML_RANGE.contains(&area.auc),
        importance,
    })
}

/// One-sided p-value of an area, with the variance that it has without drift where DeLong's is smaller: that of a nearly
/// perfect order is near zero and says nothing about chance.
fn p_value(auc: f64, variance: f64, n: usize, m: usize) -> f64 {
    let (n, m) = (n as f64, m as f64);
    let by_chance = (n + m + 1.0) / (12.0 * n * m);
    normal_sf((auc - 0.5) / variance.max(by_chance).sqrt())
}
