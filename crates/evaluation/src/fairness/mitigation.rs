//! What makes decisions more alike: weights for training, and a threshold per group.

use flyball_core::{Error, Result, Task};
use flyball_stats::fairness::{self as stats, Constraint, Outcome, Reweighing, ThresholdSearch};
use serde::{Deserialize, Serialize};

use super::report::FairnessOptions;
use crate::evaluate::Subject;
use crate::grouping::Grouping;
use crate::measure::THRESHOLD;

/// Weights under which group and label are independent, one per row; `own` is what rows count already, all the same if
/// absent, and part of the weights. A row without a label keeps its own.
///
/// # Errors
/// When lengths differ or no row has a label.
pub fn reweigh(truth: &[f64], grouping: &Grouping, own: Option<&[f64]>) -> Result<(Vec<f64>, Reweighing)> {
    let labelled: Vec<usize> = (0..truth.len()).filter(|&row| !truth[row].is_nan()).collect();
    let y: Vec<bool> = labelled.iter().map(|&row| truth[row] > 0.5).collect();
    let codes: Vec<u32> = labelled.iter().filter_map(|&row| grouping.codes.get(row).copied()).collect();
    let of_labelled = own.map(|own| labelled.iter().filter_map(|&row| own.get(row).copied()).collect::<Vec<f64>>());
    let found = stats::reweigh(&y, &codes, grouping.names.len(), of_labelled.as_deref())
        .ok_or_else(|| Error::invalid("weights by group need a group and a label for each row"))?;
    let mut weights = own.map_or_else(|| vec![1.0; truth.len()], <[f64]>::to_vec);
    for (&row, weight) in labelled.iter().zip(found.rows(&y, &codes)) {
        weights[row] *= weight;
    }
    Ok((weights, found))
}

/// How far apart groups may stay when thresholds are searched: closer than that a few hundred rows cannot tell.
const TOLERANCE: f64 = 0.05;
/// What can be asked to be alike, by the names of the measures.
const CONSTRAINTS: [(Constraint, &str); 3] = [
    (Constraint::DemographicParity, "demographic_parity"),
    (Constraint::EqualOpportunity, "equal_opportunity"),
    (Constraint::EqualizedOdds, "equalized_odds"),
];

/// What would make the decisions about the groups of an attribute more alike, and what it would cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mitigation {
    /// The columns.
    pub columns: Vec<String>,
    /// How far apart the groups may stay.
    pub tolerance: f64,
    /// The difference in the share of positives between groups, which training with weights by group takes away; `None`
    /// if fewer than two groups have labels.
    pub base_rate_difference: Option<f64>,
    /// For each measure whose difference is above the tolerance the thresholds that bring it there.
    pub thresholds: Vec<PerGroupThresholds>,
}

/// Suggests what makes the decisions more alike, from the rows of the groups that are large enough to be compared. `None`
/// for numbers, when fewer than two groups are, and when their decisions are alike already.
///
/// # Errors
/// When lengths differ.
pub fn mitigate(
    task: Task,
    subject: &Subject,
    grouping: &Grouping,
    options: &FairnessOptions,
) -> Result<Option<Mitigation>> {
    if task != Task::Classification {
        return Ok(None);
    }
    let (subject, grouping) = comparable(subject, grouping, options.smallest_compared);
    if grouping.names.len() < 2 {
        return Ok(None);
    }
    let mut thresholds = Vec::new();
    for asked in CONSTRAINTS {
        let found = per_group_thresholds(&subject, &grouping, asked, TOLERANCE)?;
        if found.before.difference.is_some_and(|difference| difference > TOLERANCE) {
            thresholds.push(found);
        }
    }
    let (_, weights) = reweigh(&subject.truth, &grouping, None)?;
    let base_rate_difference = stats::spread(&weights.before).map(|spread| spread.difference());
    let columns = grouping.columns;
    Ok((!thresholds.is_empty()).then_some(Mitigation {
        columns,
        tolerance: TOLERANCE,
        base_rate_difference,
        thresholds,
    }))
}

/// The rows with an answer and a truth whose group has at least so many of them.
fn comparable(subject: &Subject, grouping: &Grouping, smallest: usize) -> (Subject, Grouping) {
    let known = |row: &usize| !subject.truth[*row].is_nan() && !subject.score[*row].is_nan();
    let rows = subject.truth.len().min(subject.score.len()).min(grouping.codes.len());
    let mut counts = vec![0; grouping.names.len()];
    for row in (0..rows).filter(known) {
        counts[grouping.codes[row] as usize] += 1;
    }
    let mut names = Vec::new();
    let place: Vec<Option<u32>> = grouping
        .names
        .iter()
        .zip(&counts)
        .map(|(name, count)| {
            (*count >= smallest).then(|| {
                names.push(name.clone());
                names.len() as u32 - 1
            })
        })
        .collect();
    let kept: Vec<usize> =
        (0..rows).filter(known).filter(|row| place[grouping.codes[*row] as usize].is_some()).collect();
    let codes = kept.iter().filter_map(|row| place[grouping.codes[*row] as usize]).collect();
    (subject.take(&kept), Grouping { columns: grouping.columns.clone(), names, codes })
}

/// A threshold for each group, with the decisions before and after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PerGroupThresholds {
    /// What they make alike: `demographic_parity`, `equal_opportunity` or `equalized_odds`.
    pub alike: String,
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

/// Finds a threshold per group, in the order of the groups, so that the difference of a constraint is at most `tolerance`, at the best accuracy.
///
/// # Errors
/// When lengths differ, a score is NaN, no truth is known, or the tolerance is negative.
fn per_group_thresholds(
    subject: &Subject,
    grouping: &Grouping,
    (constraint, alike): (Constraint, &str),
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
        alike: alike.to_owned(),
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
    fn weights_are_for_every_row_and_those_without_a_label_keep_their_own() {
        let (mut subject, grouping) = rows();
        subject.truth[3] = f64::NAN;
        let (weights, report) = reweigh(&subject.truth, &grouping, None).unwrap();
        assert_eq!((weights.len(), weights[3]), (2000, 1.0));
        let (doubled, same) = reweigh(&subject.truth, &grouping, Some(&[2.0; 2000])).unwrap();
        assert_eq!((doubled[3], doubled[4], &same), (2.0, 2.0 * weights[4], &report));
        assert!(report.before[0].unwrap() > report.before[1].unwrap() + 0.2);
        assert!((report.after[0].unwrap() - report.after[1].unwrap()).abs() < 1e-12);
        assert!(reweigh(&[f64::NAN], &grouping, None).is_err() && reweigh(&vec![1.0; 2001], &grouping, None).is_err());
    }

    #[test]
    fn thresholds_by_group_make_selection_alike() {
        let (subject, grouping) = rows();
        let found = per_group_thresholds(&subject, &grouping, CONSTRAINTS[0], 0.02).unwrap();
        assert!(found.before.difference.unwrap() > 0.1 && found.after.difference.unwrap() <= 0.02 + 1e-9);
        assert!(found.groups[0].threshold > found.groups[1].threshold, "{found:?}");
        assert!(found.after.accuracy > 0.6 && found.groups[0].rows == 1000);
        let short = Subject::new(vec![1.0], vec![0.5]);
        assert!(per_group_thresholds(&short, &grouping, CONSTRAINTS[0], 0.02).is_err());
    }

    #[test]
    fn suggestions_are_for_groups_that_can_be_compared_and_are_not_alike() {
        let (mut subject, mut grouping) = rows();
        let options = FairnessOptions::default();
        let suggest = |subject: &Subject, grouping: &Grouping| {
            mitigate(Task::Classification, subject, grouping, &options).unwrap()
        };
        // A group of seven people, and rows of which nothing is known.
        grouping.names.push("c".into());
        grouping.codes[..7].fill(2);
        (subject.truth[9], subject.score[11]) = (f64::NAN, f64::NAN);
        let found = suggest(&subject, &grouping).unwrap();
        assert_eq!(found.thresholds[0].alike, "demographic_parity");
        assert!(found.base_rate_difference.unwrap() > 0.2, "{found:?}");
        for thresholds in &found.thresholds {
            assert!(thresholds.before.difference.unwrap() > TOLERANCE, "{thresholds:?}");
            assert!(thresholds.after.difference.unwrap() <= TOLERANCE + 1e-9, "{thresholds:?}");
            let groups: Vec<&str> = thresholds.groups.iter().map(|group| group.group.as_str()).collect();
            assert_eq!(groups, ["a", "b"]);
        }
        assert!(mitigate(Task::Regression, &subject, &grouping, &options).unwrap().is_none());
        let alone = Grouping { codes: vec![0; 2000], ..grouping.clone() };
        assert_eq!(suggest(&subject, &alone), None);
        let blind = Subject::new(subject.truth.clone(), vec![0.9; 2000]);
        assert_eq!(suggest(&blind, &grouping), None, "everybody is selected: all are alike");
    }
}
