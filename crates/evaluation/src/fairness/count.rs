//! What is counted of each group, in one pass for each kind of value.

use std::collections::BTreeMap;

use flyball_core::Task;
use flyball_stats::classification::Confusion;
use flyball_stats::fairness::{Groups, Rate, group_calibration, group_errors};
use flyball_stats::interval::{Interval, wilson};

use super::report::{FairnessOptions, GroupValue};
use crate::evaluate::Subject;

/// The counts of one group.
#[derive(Clone, Debug)]
pub(super) struct Counted {
    /// Rows with a score.
    pub(super) rows: usize,
    /// Those with a truth.
    pub(super) labelled: usize,
    /// Each value by its name.
    pub(super) values: BTreeMap<String, GroupValue>,
    /// The decisions about all rows, as if every truth were negative.
    pub(super) decided: Confusion,
    /// The decisions about the rows with a truth.
    pub(super) confusion: Confusion,
}

/// Counts the groups; `None` if lengths differ or a code is too high.
pub(super) fn count(
    task: Task,
    subject: &Subject,
    codes: &[u32],
    groups: usize,
    options: &FairnessOptions,
) -> Option<Vec<Counted>> {
    match task {
        Task::Classification => decisions(subject, codes, groups, options),
        Task::Regression => errors(subject, codes, groups, options),
    }
}

/// The rows of a classifier that have a score, and which of them have a truth.
#[derive(Default)]
struct Rows {
    codes: Vec<u32>,
    selected: Vec<bool>,
    truth: Vec<bool>,
    scores: Vec<f64>,
}

impl Rows {
    fn push(&mut self, code: u32, score: f64, truth: bool, threshold: f64) {
        self.codes.push(code);
        self.selected.push(score >= threshold);
        self.truth.push(truth);
        self.scores.push(score);
    }

    fn tables(&self, groups: usize) -> Option<Groups> {
        Groups::new(&self.truth, &self.selected, &self.codes, groups, None)
    }
}

fn decisions(subject: &Subject, codes: &[u32], groups: usize, options: &FairnessOptions) -> Option<Vec<Counted>> {
    if subject.truth.len() != codes.len() || subject.score.len() != codes.len() {
        return None;
    }
    let (mut labelled, mut unlabelled) = (Rows::default(), Rows::default());
    for ((&truth, &score), &code) in subject.truth.iter().zip(&subject.score).zip(codes) {
        if score.is_nan() {
            continue;
        }
        let rows = if truth.is_nan() { &mut unlabelled } else { &mut labelled };
        rows.push(code, score, truth > 0.5, options.threshold);
    }
    let (confusions, others) = (labelled.tables(groups)?, unlabelled.tables(groups)?);
    // Scores that are no probabilities have no calibration.
    let calibration = group_calibration(&labelled.truth, &labelled.scores, &labelled.codes, groups);
    let of_group = |(group, (own, other)): (usize, (&Confusion, &Confusion))| {
        let decided = Confusion {
            tn: own.tn + own.fn_ + other.tn + other.fn_,
            fp: own.selected() + other.selected(),
            ..Confusion::default()
        };
        let rate = |rate: Rate| {
            let (hits, rows) = rate.parts(if rate.needs_no_labels() { &decided } else { own });
            let share = (rows > 0.0).then(|| hits / rows);
            (rate.name().to_owned(), value(share, wilson(hits, rows, options.confidence), rows as usize))
        };
        let mut values: BTreeMap<String, GroupValue> = Rate::ALL.into_iter().map(rate).collect();
        if let Some(found) = calibration.as_ref().and_then(|calibration| calibration.get(group)) {
            let mut add = |name: &str, number| values.insert(name.to_owned(), value(number, None, found.rows));
            add("mean_score", found.mean_score);
            add("calibration_error", found.expected_calibration_error);
            add("mean_score_less_base_rate", found.mean_score.zip(found.base_rate).map(|(score, rate)| score - rate));
        }
        Counted { rows: decided.total() as usize, labelled: own.total() as usize, values, decided, confusion: *own }
    };
    Some(confusions.cells().iter().zip(others.cells()).enumerate().map(of_group).collect())
}

fn errors(subject: &Subject, codes: &[u32], groups: usize, options: &FairnessOptions) -> Option<Vec<Counted>> {
    let found = group_errors(&subject.truth, &subject.score, codes, groups)?;
    let of_group = |own: &flyball_stats::fairness::GroupErrors| {
        let (rows, labelled) = (own.rows() as usize, own.labelled() as usize);
        let told = |name: &str, estimated: Option<(f64, Option<Interval>)>, rows: usize| {
            let (number, interval) = estimated.unzip();
            (name.to_owned(), value(number, interval.flatten(), rows))
        };
        let level = options.confidence;
        let values = [
            told("mean_prediction", own.mean_prediction(level), rows),
            told("mean_error", own.mean_error(level), labelled),
            told("mae", own.mae(level), labelled),
            told("rmse", own.rmse(level), labelled),
        ];
        Counted {
            rows,
            labelled,
            values: values.into_iter().collect(),
            decided: Confusion { tn: rows as f64, ..Confusion::default() },
            confusion: Confusion::default(),
        }
    };
    Some(found.iter().map(of_group).collect())
}

fn value(value: Option<f64>, interval: Option<Interval>, rows: usize) -> GroupValue {
    GroupValue { value, low: interval.map(|own| own.low), high: interval.map(|own| own.high), rows }
}
