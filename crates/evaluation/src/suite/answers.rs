//! Answers of a model beside what really happened, for any number of classes and for numbers.

use flyball_core::model::{Model, Predictions, Signature};
use flyball_core::{Column, Result, Table, Task};
use flyball_stats::interval::{Interval, wilson};

use super::bench::ask;
use crate::evaluate::truth_of;
use flyball_stats::classification::row_log_loss;

use crate::measure::{CONFIDENCE, THRESHOLD, measure};

/// A predicted number counts as another one when it moved by more than this part of the standard deviation of all
/// predictions: a tenth is below what anybody would act on.
const MOVED: f64 = 0.1;

/// How good answers are, in the one metric that fits the task.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// `auc` for two classes, `accuracy` for several, `rmse` for numbers.
    pub metric: &'static str,
    /// Its value.
    pub value: f64,
    /// Its 95 % interval.
    pub interval: Option<Interval>,
    /// The value of perfect answers.
    pub perfect: f64,
    /// The value of the best answers that look at no feature.
    pub dummy: f64,
}

impl Quality {
    /// The part of the way from another value to perfection that these answers go; below zero when they are worse.
    pub(super) fn gain_over(&self, other: f64) -> Option<f64> {
        let way = self.perfect - other;
        (way != 0.0).then(|| (self.value - other) / way)
    }
}

/// What really happened in each row.
pub(super) enum Truth {
    /// The place of the class; `None` where it is unknown or no class of the model.
    Classes(Vec<Option<usize>>),
    /// The number; NaN where it is unknown.
    Numbers(Vec<f64>),
}

/// The answers to some rows.
pub(super) struct Answers {
    pub(super) task: Task,
    pub(super) predictions: Predictions,
    pub(super) truth: Option<Truth>,
}

impl Answers {
    pub(super) fn new(signature: &Signature, predictions: Predictions, label: Option<&Column>) -> Self {
        let truth = label.map(|label| match signature.task {
            Task::Regression => Truth::Numbers(label.numbers()),
            Task::Classification => Truth::Classes(places(label, &signature.classes)),
        });
        Self { task: signature.task, predictions, truth }
    }

    pub(super) fn rows(&self) -> usize {
        self.predictions.rows()
    }

    /// The place of the class that is answered; of equally probable classes the last.
    pub(super) fn choice(&self, row: usize) -> usize {
        let scores = self.predictions.row(row);
        match scores {
            [_, positive] => usize::from(*positive >= THRESHOLD),
            scores => (0..scores.len()).max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap_or(0),
        }
    }

    /// Whether every number of an answer is finite.
    pub(super) fn is_finite(&self, row: usize) -> bool {
        self.predictions.row(row).iter().all(|score| score.is_finite())
    }

    /// For each row whether other answers to it decide otherwise.
    pub(super) fn flips(&self, other: &Answers) -> Vec<bool> {
        let rows = 0..self.rows().min(other.rows());
        match self.task {
            Task::Classification => {
                rows.map(|row| !other.is_finite(row) || self.choice(row) != other.choice(row)).collect()
            }
            Task::Regression => {
                let (before, after) = (self.predictions.headline(), other.predictions.headline());
                let least = MOVED * deviation(&before).unwrap_or(0.0);
                rows.map(|row| {
                    let moved = (before[row] - after[row]).abs();
                    moved > least || moved.is_nan()
                })
                .collect()
            }
        }
    }

    /// The labelled rows that are answered: row and loss. The loss is the negative logarithm of the probability of what
    /// happened, or the squared error.
    pub(super) fn losses(&self) -> Vec<(usize, f64)> {
        let loss = |row: usize| match self.truth.as_ref()? {
            _ if !self.is_finite(row) => None,
            Truth::Classes(truth) => Some(row_log_loss(true, *self.predictions.row(row).get(truth[row]?)?)),
            Truth::Numbers(truth) => {
                let error = self.predictions.row(row).last()? - truth[row];
                error.is_finite().then_some(error * error)
            }
        };
        (0..self.rows()).filter_map(|row| Some((row, loss(row)?))).collect()
    }

    /// What the losses are beyond the model's own expectation: for classes the loss less the entropy of the answer,
    /// which is zero on average wherever probabilities are right, however uncertain they are; for numbers the loss
    /// itself.
    pub(super) fn surprises(&self) -> Vec<(usize, f64)> {
        let entropy = |row: usize| -> f64 {
            let scores = self.predictions.row(row).iter();
            scores.map(|p| if *p > 0.0 { p * row_log_loss(true, *p) } else { 0.0 }).sum()
        };
        let expected = |row| if self.task == Task::Classification { entropy(row) } else { 0.0 };
        self.losses().into_iter().map(|(row, loss)| (row, loss - expected(row))).collect()
    }

    /// Truth and score of labelled, answered rows: class 0 or 1 and the probability of 1 for two classes, else numbers.
    pub(super) fn pairs(&self) -> Option<(Vec<f64>, Vec<f64>)> {
        let known = |row: usize| match self.truth.as_ref()? {
            Truth::Classes(truth) => truth[row].map(|place| place as f64),
            Truth::Numbers(truth) => Some(truth[row]).filter(|value| value.is_finite()),
        };
        let wide = self.task == Task::Classification && self.predictions.width != 2;
        if wide || self.truth.is_none() {
            return None;
        }
        let score = |row: usize| self.predictions.row(row).last().copied().filter(|score| score.is_finite());
        Some((0..self.rows()).filter_map(|row| Some((known(row)?, score(row)?))).unzip())
    }

    /// How good the answers are over these rows, or over all; `None` without labels or with one class only.
    pub(super) fn quality(&self, rows: Option<&[usize]>) -> Option<Quality> {
        match rows {
            None => self.quality_of((0..self.rows()).collect()),
            Some(rows) => self.quality_of(rows.to_vec()),
        }
    }

    fn quality_of(&self, rows: Vec<usize>) -> Option<Quality> {
        let score = |row: &usize| self.predictions.row(*row).last().copied().unwrap_or(f64::NAN);
        let rows: Vec<usize> = rows.into_iter().filter(|row| self.is_finite(*row)).collect();
        match self.truth.as_ref()? {
            Truth::Classes(truth) if self.predictions.width == 2 => {
                let rows: Vec<usize> = rows.into_iter().filter(|row| truth[*row].is_some()).collect();
                let classes: Vec<f64> = rows.iter().filter_map(|row| truth[*row]).map(|place| place as f64).collect();
                let scores: Vec<f64> = rows.iter().map(score).collect();
                let auc = measure(Task::Classification, &classes, &scores).remove("auc")?;
                let interval = auc.low.zip(auc.high).map(|(low, high)| Interval { low, high });
                Some(Quality { metric: "auc", value: auc.value, interval, perfect: 1.0, dummy: 0.5 })
            }
            Truth::Classes(truth) => {
                let known: Vec<(usize, usize)> = rows.iter().filter_map(|row| Some((*row, truth[*row]?))).collect();
                let right = known.iter().filter(|(row, place)| self.choice(*row) == *place).count() as f64;
                let mut counts = vec![0usize; self.predictions.width];
                known.iter().for_each(|(_, place)| counts[*place] += 1);
                let total = known.len() as f64;
                let most = counts.into_iter().max()? as f64;
                let interval = wilson(right, total, CONFIDENCE);
                let share = |part: f64| (total > 0.0).then(|| part / total);
                Some(Quality { metric: "accuracy", value: share(right)?, interval, perfect: 1.0, dummy: share(most)? })
            }
            Truth::Numbers(truth) => {
                let rows: Vec<usize> = rows.into_iter().filter(|row| truth[*row].is_finite()).collect();
                let known: Vec<f64> = rows.iter().map(|row| truth[*row]).collect();
                let rmse = measure(Task::Regression, &known, &rows.iter().map(score).collect::<Vec<_>>());
                let rmse = rmse.get("rmse")?;
                let interval = rmse.low.zip(rmse.high).map(|(low, high)| Interval { low, high });
                let dummy = deviation(&known)?;
                Some(Quality { metric: "rmse", value: rmse.value, interval, perfect: 0.0, dummy })
            }
        }
    }
}

/// How good a model answers labelled rows; `None` without labels, or with one class only.
///
/// # Errors
/// `InvalidData` for a missing column; what the model fails with.
pub fn quality_of(model: &dyn Model, rows: &Table, label: &str) -> Result<Option<Quality>> {
    let column = rows.column(label)?;
    Ok(Answers::new(model.signature(), ask(model, rows)?, Some(column)).quality(None))
}

/// For each label its place among the classes.
fn places(labels: &Column, classes: &[String]) -> Vec<Option<usize>> {
    let mut places = vec![None; labels.len()];
    for (place, class) in classes.iter().enumerate() {
        for (row, is) in truth_of(labels, std::slice::from_ref(class)).into_iter().enumerate() {
            if is > 0.5 {
                places[row] = Some(place);
            }
        }
    }
    places
}

/// The standard deviation of the finite values; `None` without any.
pub(super) fn deviation(values: &[f64]) -> Option<f64> {
    let finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    let count = finite.len() as f64;
    let mean = finite.iter().sum::<f64>() / count;
    let squares: f64 = finite.iter().map(|value| (value - mean) * (value - mean)).sum();
    (count > 0.0).then(|| (squares / count).sqrt())
}
