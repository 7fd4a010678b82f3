//! What makes decisions more alike: weights for training, and a threshold per group.

use flyball_core::{Error, Result};
use flyball_stats::fairness::{self as stats, Constraint, Outcome, Reweighing, ThresholdSearch};
use serde::{Deserialize, Serialize};

use crate::evaluate::Subject;
use crate::grouping::Grouping;
use crate::measure::THRESHOLD;

/// Weights under which group and label are independent, one per row; a row without a label weighs 1.
///
/// # Errors
/// When lengths differ or no row has a label.
pub fn reweigh(truth: &[f64], grouping: &Grouping) -> Result<(Vec<f64>, Reweighing)> {
    let labelled: Vec<usize> = (0..truth.len()).filter(|&row| !truth[row].is_nan()).collect();
    let y: Vec<bool> = labelled.iter().map(|&row| truth[row] > 0.5).collect();
    let codes: Vec<u32> = labelled.iter().filter_map(|&row| grouping.codes.get(row).copied()).collect();
    let found = stats::reweigh(&y, &codes, grouping.names.len())
        .ok_or_else(|| Error::invalid("weights by group need a group and a label for each row"))?;
    let mut weights = vec![1.0; truth.len()];
    for (&row, weight) in labelled.iter().zip(found.rows(&y, &codes)) {
        weights[row] = weight;
    }
    Ok((weights, found))
}

/// A threshold for each group, with the decisions before and after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PerGroupThresholds {
    /// The columns.
    pub columns: Vec<String>,
    /// Each group.
    pub groups: Vec<GroupThreshold>,
    /// With the common threshold.
    pub before: Decisions,
    /// With one per group.
    pub after: Decisions,
}

/// The threshold of one group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupThreshold {
    /// The group.
    pub group: String,
    /// Labelled rows.
    pub rows: usize,
    /// The probability from which on a row is selected; absent where nobody is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub threshold: Option<f64>,
    /// Selection rate, true and false positive rate before; `None` is undefined.
    pub before: [Option<f64>; 3],
    /// The same after.
    pub after: [Option<f64>; 3],
}

/// What some thresholds give over all groups.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decisions {
    /// Share of right decisions.
    pub accuracy: f64,
    /// The difference between groups that shall be small; `None` if fewer than two groups can be compared.
    pub difference: Option<f64>,
}

/// Finds a threshold per group so that the difference of a constraint is at most `tolerance`, at the best accuracy.
///
/// # Errors
/// When lengths differ, a score is NaN, no truth is known, or the tolerance is negative.
pub fn per_group_thresholds(
    subject: &Subject,
    grouping: &Grouping,
    constraint: Constraint,
    tolerance: f64,
) -> Result<PerGroupThresholds> {
    let invalid = || Error::invalid("thresholds by group need scores and labels for the rows of the groups");
    if subject.truth.len() != grouping.codes.len() || subject.score.len() != grouping.codes.len() {
        return Err(invalid());
    }
    let labelled: Vec<usize> = (0..subject.truth.len()).filter(|&row| !subject.truth[row].is_nan()).collect();
    let y: Vec<bool> = labelled.iter().map(|&row| subject.truth[row] > 0.5).collect();
    let scores: Vec<f64> = labelled.iter().map(|&row| subject.score[row]).collect();
    let codes: Vec<u32> = labelled.iter().map(|&row| grouping.codes[row]).collect();
    let search = ThresholdSearch { constraint, tolerance, threshold: THRESHOLD };
    let found = stats::optimize_thresholds(&y, &scores, &codes, grouping.names.len(), &search).ok_or_else(invalid)?;
    let rates = |outcome: &Outcome, group: usize| {
        let cells = &outcome.groups.cells()[group];
        [cells.selection_rate(), cells.recall(), cells.fpr()]
    };
    let told = |(group, name): (usize, &String)| GroupThreshold {
        group: name.clone(),
        rows: found.after.groups.cells()[group].total() as usize,
        threshold: Some(found.thresholds[group]).filter(|threshold| threshold.is_finite()),
        before: rates(&found.before, group),
        after: rates(&found.after, group),
    };
    let over_all = |outcome: &Outcome| Decisions { accuracy: outcome.accuracy, difference: outcome.violation };
    Ok(PerGroupThresholds {
        columns: grouping.columns.clone(),
        groups: grouping.names.iter().enumerate().map(told).collect(),
        before: over_all(&found.before),
        after: over_all(&found.after),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> (Subject, Grouping) {
        let mut rng = flyball_core::rng::Rng::seeded(6);
        let codes: Vec<u32> = (0..2000).map(|row| row % 2).collect();
        let truth: Vec<f64> =
            codes.iter().map(|code| f64::from(u8::from(rng.unit() < 0.6 - 0.3 * f64::from(*code)))).collect();
        let score = truth.iter().map(|y| 0.4 * y + 0.6 * rng.unit()).collect();
        let grouping = Grouping { columns: vec!["g".into()], names: vec!["a".into(), "b".into()], codes };
        (Subject::new(truth, score), grouping)
    }

    #[test]
    fn weights_are_for_every_row_and_those_without_a_label_weigh_one() {
        let (mut subject, grouping) = rows();
        subject.truth[3] = f64::NAN;
        let (weights, report) = reweigh(&subject.truth, &grouping).unwrap();
        assert_eq!((weights.len(), weights[3]), (2000, 1.0));
        assert!(report.before[0].unwrap() > report.before[1].unwrap() + 0.2);
        assert!((report.after[0].unwrap() - report.after[1].unwrap()).abs() < 1e-12);
        assert!(reweigh(&[f64::NAN], &grouping).is_err() && reweigh(&vec![1.0; 2001], &grouping).is_err());
    }

    #[test]
    fn thresholds_by_group_make_selection_alike() {
        let (subject, grouping) = rows();
        let found = per_group_thresholds(&subject, &grouping, Constraint::DemographicParity, 0.02).unwrap();
        assert!(found.before.difference.unwrap() > 0.1 && found.after.difference.unwrap() <= 0.02 + 1e-9);
        assert!(found.groups[0].threshold > found.groups[1].threshold, "{found:?}");
        assert!(found.after.accuracy > 0.6 && found.groups[0].rows == 1000);
        let short = Subject::new(vec![1.0], vec![0.5]);
        assert!(per_group_thresholds(&short, &grouping, Constraint::DemographicParity, 0.02).is_err());
    }
}
