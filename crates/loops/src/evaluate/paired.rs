//! Two versions on the same rows: what is proven of their difference.

use flyball_core::Task;
use flyball_evaluation::measure::{CONFIDENCE, THRESHOLD};
use flyball_stats::classification::row_log_loss;
use flyball_stats::compare::{Improvement, mcnemar};
use serde::{Deserialize, Serialize};

/// A paired test of one metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairedTest {
    /// The metric.
    pub metric: String,
    /// The test.
    pub test: String,
    /// How much better this version is than the other; below zero when it is worse.
    pub improvement: f64,
    /// Its 95 % interval.
    pub interval: Option<(f64, f64)>,
    /// The two-sided p-value of no difference.
    pub p_value: f64,
    /// Whether there is a difference beyond chance, corrected for how many metrics are tested (Bonferroni).
    pub proven: bool,
}

/// Tests the answers of this version against another's on the rows whose truth is known and that both answer.
pub fn paired(task: Task, truth: &[f64], theirs: &[f64], own: &[f64]) -> Vec<PairedTest> {
    let usable = |row: &usize| [truth[*row], theirs[*row], own[*row]].iter().all(|value| value.is_finite());
    let rows: Vec<usize> = (0..truth.len().min(theirs.len()).min(own.len())).filter(usable).collect();
    let pick = |values: &[f64]| -> Vec<f64> { rows.iter().map(|row| values[*row]).collect() };
    let (truth, theirs, own) = (pick(truth), pick(theirs), pick(own));
    let mut tests = match task {
        Task::Classification => of_classes(&truth, &theirs, &own),
        Task::Regression => of_numbers(&truth, &theirs, &own),
    };
    let level = (1.0 - CONFIDENCE) / tests.len().max(1) as f64;
    tests.iter_mut().for_each(|test| test.proven = test.p_value < level);
    tests
}

fn told(metric: &str, test: &str, found: Option<Improvement>, exact: Option<f64>) -> Option<PairedTest> {
    let found = found?;
    let interval = found.interval(CONFIDENCE).map(|interval| (interval.low, interval.high));
    let p_value = exact.unwrap_or_else(|| found.p_value());
    let (metric, test) = (metric.to_owned(), test.to_owned());
    Some(PairedTest { metric, test, improvement: found.value, interval, p_value, proven: false })
}

fn of_classes(truth: &[f64], theirs: &[f64], own: &[f64]) -> Vec<PairedTest> {
    let labels: Vec<bool> = truth.iter().map(|y| *y > 0.5).collect();
    let right = |scores: &[f64]| -> Vec<bool> {
        labels.iter().zip(scores).map(|(label, score)| *label == (*score >= THRESHOLD)).collect()
    };
    let (theirs_right, own_right) = (right(theirs), right(own));
    let share = |right: &[bool]| -> Vec<f64> { right.iter().map(|right| f64::from(u8::from(*right))).collect() };
    let loss = |scores: &[f64]| -> Vec<f64> {
        labels.iter().zip(scores).map(|(label, score)| row_log_loss(*label, *score)).collect()
    };
    let exact = mcnemar(&theirs_right, &own_right).map(|test| test.exact_p);
    let accuracy = Improvement::of_means(&share(&own_right), &share(&theirs_right));
    let all = [
        told("auc", "DeLong", Improvement::of_auc(&labels, theirs, own), None),
        told("accuracy", "McNemar, exact", accuracy, exact),
        told("log_loss", "paired t", Improvement::of_means(&loss(theirs), &loss(own)), None),
    ];
    all.into_iter().flatten().collect()
}

fn of_numbers(truth: &[f64], theirs: &[f64], own: &[f64]) -> Vec<PairedTest> {
    let errors = |scores: &[f64]| -> Vec<f64> { truth.iter().zip(scores).map(|(y, p)| (y - p).abs()).collect() };
    let squares = |scores: &[f64]| -> Vec<f64> { errors(scores).into_iter().map(|error| error * error).collect() };
    let all = [
        told("mae", "paired t", Improvement::of_means(&errors(theirs), &errors(own)), None),
        told("mse", "paired t", Improvement::of_means(&squares(theirs), &squares(own)), None),
    ];
    all.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_better_version_is_proven_and_a_copy_is_not() {
        let truth: Vec<f64> = (0..200).map(|row| f64::from(row % 2)).collect();
        let own: Vec<f64> = (0..200).map(|row| if row % 2 == 1 { 0.8 } else { 0.2 + 0.001 * f64::from(row) }).collect();
        let theirs: Vec<f64> = (0..200).map(|row| f64::from(row % 7) / 7.0).collect();
        let tests = paired(Task::Classification, &truth, &theirs, &own);
        assert_eq!(tests.len(), 3);
        assert!(tests.iter().all(|test| test.proven && test.improvement > 0.0), "{tests:?}");
        let same = paired(Task::Classification, &truth, &own, &own);
        assert!(same.iter().all(|test| !test.proven && test.improvement == 0.0), "{same:?}");
        let worse = paired(Task::Regression, &truth, &truth, &theirs);
        assert!(worse.iter().all(|test| test.proven && test.improvement < 0.0), "{worse:?}");
        assert!(paired(Task::Regression, &[f64::NAN], &[1.0], &[1.0]).is_empty());
        assert!(paired(Task::Classification, &[], &[], &[]).iter().all(|test| !test.proven));
    }
}
