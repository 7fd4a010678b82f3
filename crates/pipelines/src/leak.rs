//! Features that know the answer: a column that alone predicts the label suspiciously well was most likely recorded
//! after the event.

use flyball_core::{Column, Error, ErrorCode, Result, Table, Task};
use flyball_stats::classification;

/// A single feature that separates the classes this well is taken for a leak. Honest single features rarely pass 0.9;
/// a departure delay predicts a late arrival with about 0.95.
pub const SUSPICIOUS_AUC: f64 = 0.94;
/// A single number that explains this share of the target's variance is taken for a leak.
pub const SUSPICIOUS_R2: f64 = 0.98;
/// With fewer rows than this no feature is suspected: chance alone can separate them.
pub const FEWEST_ROWS: usize = 200;

/// Refuses features that predict the label suspiciously well, each with its figure, unless the user trusts it.
pub fn refuse_leaks(table: &Table, features: &[String], trusted: &[String], truth: &[f64], task: Task) -> Result<()> {
    if truth.len() < FEWEST_ROWS {
        return Ok(());
    }
    let mut leaks = Vec::new();
    for name in features.iter().filter(|name| !trusted.contains(name)) {
        let column = table.column(name)?;
        match task {
            Task::Classification => {
                if let Some(auc) = single_auc(column, truth).filter(|auc| *auc >= SUSPICIOUS_AUC) {
                    leaks.push(format!("'{name}' alone has AUC {auc:.3}"));
                }
            }
            Task::Regression => {
                if let Some(share) = single_r2(column, truth).filter(|share| *share >= SUSPICIOUS_R2) {
                    leaks.push(format!("'{name}' alone explains {:.1} % of the variance", share * 100.0));
                }
            }
        }
    }
    if leaks.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::LabelLeak,
        format!(
            "the label leaks into the features: {}; such a column is usually known only after the event",
            leaks.join(", ")
        ),
    )
    .hint("leave it out with train.exclude, or list it in train.trusted if it is known when the prediction is made"))
}

/// The AUC of a number as it stands, in the better direction; missing values are left out.
fn single_auc(column: &Column, truth: &[f64]) -> Option<f64> {
    if matches!(column, Column::Text(_)) {
        return None;
    }
    let known: Vec<usize> = (0..truth.len()).filter(|&row| !truth[row].is_nan() && !column.is_missing(row)).collect();
    if known.len() < FEWEST_ROWS {
        return None;
    }
    let labels: Vec<bool> = known.iter().map(|&row| truth[row] > 0.5).collect();
    let values: Vec<f64> = known.iter().map(|&row| column.number(row)).collect();
    classification::roc_auc(&labels, &values).map(|auc| auc.max(1.0 - auc))
}

/// The squared correlation of a number with the target.
fn single_r2(column: &Column, truth: &[f64]) -> Option<f64> {
    let known: Vec<(f64, f64)> = (0..truth.len())
        .map(|row| (column.number(row), truth[row]))
        .filter(|(x, y)| !x.is_nan() && !y.is_nan())
        .collect();
    let n = known.len() as f64;
    if known.len() < FEWEST_ROWS {
        return None;
    }
    let (mean_x, mean_y) = (known.iter().map(|p| p.0).sum::<f64>() / n, known.iter().map(|p| p.1).sum::<f64>() / n);
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (x, y) in known {
        xx += (x - mean_x) * (x - mean_x);
        yy += (y - mean_y) * (y - mean_y);
        xy += (x - mean_x) * (y - mean_y);
    }
    (xx > 0.0 && yy > 0.0).then(|| xy * xy / (xx * yy))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flyball_core::rng::Rng;

    #[test]
    fn a_column_known_only_later_is_refused_by_name() {
        let mut rng = Rng::seeded(1);
        let truth: Vec<f64> = (0..1000).map(|_| f64::from(u8::from(rng.unit() < 0.2))).collect();
        let honest: Vec<f64> = truth.iter().map(|y| y * 0.5 + rng.unit() * 2.0).collect();
        let leak: Vec<f64> = truth.iter().map(|y| y * 30.0 + rng.unit() * 10.0).collect();
        let table =
            Table::new(vec![("honest".into(), Column::Float(honest)), ("arr_delay".into(), Column::Float(leak))])
                .unwrap();
        let features = vec!["honest".to_owned(), "arr_delay".to_owned()];
        let error = refuse_leaks(&table, &features, &[], &truth, Task::Classification).unwrap_err();
        assert_eq!(error.code(), ErrorCode::LabelLeak);
        assert!(error.message().contains("'arr_delay' alone has AUC 1.000") && !error.message().contains("honest"));
        refuse_leaks(&table, &features, &["arr_delay".into()], &truth, Task::Classification).unwrap();
    }
}
