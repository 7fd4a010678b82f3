//! Recorded answers beside those of a candidate.

use std::collections::BTreeMap;

use flyball_core::model::{Model, Predictions};
use flyball_core::{Result, Table, Task, Timestamp, Value};
use flyball_evaluation::grouping::Grouping;
use flyball_evaluation::measure::{CONFIDENCE, THRESHOLD};
use flyball_serving::record_columns as records;
use flyball_stats::interval::{mean_interval, wilson};
use serde::{Deserialize, Serialize};

use crate::explain::attributions;

/// Bars of the histogram of differences: odd, so that no difference has a bar of its own.
const BARS: usize = 21;
/// Rows that are named for differing most.
const WORST: usize = 20;
/// A number moved when it did so by more than this part of the deviation of all recorded ones.
const MOVED: f64 = 0.1;

/// A share of rows with its 95 % interval (Wilson).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// How many.
    pub count: usize,
    /// Of how many.
    pub rows: usize,
    /// The share; `None` of nothing.
    pub value: Option<f64>,
    /// The lower end of its interval.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
}

impl Share {
    fn of(count: usize, rows: usize) -> Self {
        let interval = wilson(count as f64, rows as f64, CONFIDENCE);
        let value = (rows > 0).then(|| count as f64 / rows as f64);
        Self { count, rows, value, low: interval.map(|i| i.low), high: interval.map(|i| i.high) }
    }
}

/// How scores differ, candidate less recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Differences {
    /// The mean.
    pub mean: f64,
    /// Its 95 % interval.
    pub interval: Option<(f64, f64)>,
    /// The mean of the sizes.
    pub mean_size: f64,
    /// The largest size.
    pub largest: f64,
    /// The ends of the bars, ascending; one more than bars.
    pub edges: Vec<f64>,
    /// The rows of each bar.
    pub counts: Vec<usize>,
}

/// A row that differs much.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorstRow {
    /// The prediction.
    pub prediction_id: String,
    /// Its event time.
    pub at: Timestamp,
    /// What was answered.
    pub recorded: f64,
    /// What the candidate answers; `None` for no number.
    pub candidate: Option<f64>,
    /// Whether the decision turns.
    pub flips: bool,
}

/// A group of rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplayGroup {
    /// The feature.
    pub column: String,
    /// Its value.
    pub group: String,
    /// Decisions that turn.
    pub flips: Share,
    /// The mean difference; `None` without an answer.
    pub mean_difference: Option<f64>,
}

/// How much a feature moves the answers: the mean size of its contributions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attribution {
    /// The feature.
    pub feature: String,
    /// In what serves now; `None` when it is no feature there.
    pub serving: Option<f64>,
    /// In the candidate.
    pub candidate: Option<f64>,
}

/// Recorded answers beside those of a candidate, row by row.
pub(super) struct Compared {
    /// The recorded headline numbers.
    pub(super) before: Vec<f64>,
    /// Those of the candidate; NaN for no answer.
    pub(super) after: Vec<f64>,
    turned: Vec<bool>,
}

impl Compared {
    /// # Errors
    /// When the records lack a column.
    pub(super) fn of(rows: &Table, classes: &[String], task: Task, answers: &Predictions) -> Result<Self> {
        let before = rows.column(records::SCORE)?.numbers();
        let after = answers.headline();
        let turned = match (task, classes.len()) {
            (Task::Classification, 2) => before
                .iter()
                .zip(&after)
                .map(|(before, after)| after.is_nan() || (*before >= THRESHOLD) != (*after >= THRESHOLD))
                .collect(),
            (Task::Classification, 3..) => {
                let columns =
                    classes.iter().map(|class| rows.column(&records::of_class(class))).collect::<Result<Vec<_>>>()?;
                let was = |row: usize| greatest(columns.iter().map(|column| column.number(row)));
                let is = |row: usize| greatest(answers.row(row).iter().copied());
                (0..before.len()).map(|row| was(row) != is(row)).collect()
            }
            _ => {
                let least = MOVED * deviation(&before);
                let moved = |(before, after): (&f64, &f64)| after.is_nan() || (before - after).abs() > least;
                before.iter().zip(&after).map(moved).collect()
            }
        };
        Ok(Self { before, after, turned })
    }

    pub(super) fn unanswered(&self) -> usize {
        self.after.iter().filter(|after| !after.is_finite()).count()
    }

    pub(super) fn flips(&self) -> Share {
        Share::of(self.turned.iter().filter(|turned| **turned).count(), self.turned.len())
    }

    fn moves(&self) -> impl Iterator<Item = f64> {
        self.before.iter().zip(&self.after).map(|(before, after)| after - before).filter(|moved| moved.is_finite())
    }

    pub(super) fn differences(&self) -> Option<Differences> {
        let moves: Vec<f64> = self.moves().collect();
        if moves.is_empty() {
            return None;
        }
        let count = moves.len() as f64;
        let largest = moves.iter().map(|moved| moved.abs()).fold(0.0, f64::max);
        // Alike answers have one place, which still needs a width.
        let reach = if largest > 0.0 { largest } else { 1.0 };
        let width = 2.0 * reach / BARS as f64;
        let mut counts = vec![0; BARS];
        for moved in &moves {
            counts[(((moved + reach) / width) as usize).min(BARS - 1)] += 1;
        }
        Some(Differences {
            mean: moves.iter().sum::<f64>() / count,
            interval: mean_interval(&moves, CONFIDENCE).map(|interval| (interval.low, interval.high)),
            mean_size: moves.iter().map(|moved| moved.abs()).sum::<f64>() / count,
            largest,
            edges: (0..=BARS).map(|edge| edge as f64 * width - reach).collect(),
            counts,
        })
    }

    /// The rows that differ most; those without an answer come first.
    pub(super) fn worst(&self, rows: &Table) -> Result<Vec<WorstRow>> {
        let size = |row: usize| {
            let size = (self.after[row] - self.before[row]).abs();
            if size.is_nan() { f64::INFINITY } else { size }
        };
        let mut order: Vec<usize> = (0..self.before.len()).filter(|row| size(*row) > 0.0).collect();
        order.sort_by(|a, b| size(*b).total_cmp(&size(*a)));
        let (ids, times) = (rows.column(records::PREDICTION_ID)?, rows.column(records::AT)?);
        let worst = order.into_iter().take(WORST).map(|row| WorstRow {
            prediction_id: ids.value(row).text().unwrap_or_default(),
            at: match times.value(row) {
                Value::Time(at) | Value::Int(at) => Timestamp(at),
                _ => Timestamp(0),
            },
            recorded: self.before[row],
            candidate: Some(self.after[row]).filter(|after| after.is_finite()),
            flips: self.turned[row],
        });
        Ok(worst.collect())
    }

    /// # Errors
    /// For a feature that is not recorded, or has too many values.
    pub(super) fn groups(&self, features: &Table, by: &[String]) -> Result<Vec<ReplayGroup>> {
        let mut found = Vec::new();
        for column in by {
            let grouping = Grouping::of(features, std::slice::from_ref(column))?;
            for (group, members) in grouping.names.iter().zip(grouping.members()) {
                let moves: Vec<f64> =
                    members.iter().map(|row| self.after[*row] - self.before[*row]).filter(|m| m.is_finite()).collect();
                found.push(ReplayGroup {
                    column: column.clone(),
                    group: group.clone(),
                    flips: Share::of(members.iter().filter(|row| self.turned[**row]).count(), members.len()),
                    mean_difference: (!moves.is_empty()).then(|| moves.iter().sum::<f64>() / moves.len() as f64),
                });
            }
        }
        Ok(found)
    }
}

/// The mean size of each feature's contribution in both models, where both explain themselves; the largest first. Each
/// model comes with the rows in its own features.
///
/// # Errors
/// What the models fail with.
pub(super) fn attribution(
    serving: (&dyn Model, &Table),
    candidate: (&dyn Model, &Table),
    most: usize,
) -> Result<Vec<Attribution>> {
    let (Some(before), Some(after)) = (sizes(serving, most)?, sizes(candidate, most)?) else {
        return Ok(Vec::new());
    };
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    let of = |name: &String| Attribution {
        feature: name.clone(),
        serving: before.get(name).copied(),
        candidate: after.get(name).copied(),
    };
    let mut found: Vec<Attribution> = names.into_iter().map(of).collect();
    let size = |row: &Attribution| row.serving.unwrap_or(0.0).max(row.candidate.unwrap_or(0.0));
    found.sort_by(|a, b| size(b).total_cmp(&size(a)));
    Ok(found)
}

/// The mean size of each feature's amounts over rows drawn evenly; `None` for a model that cannot explain itself.
fn sizes((model, features): (&dyn Model, &Table), most: usize) -> Result<Option<BTreeMap<String, f64>>> {
    Ok(attributions(model, features, most)?.map(|found| found.into_iter().collect()))
}

/// The place of the greatest number; of equal ones the last.
fn greatest(numbers: impl Iterator<Item = f64>) -> Option<usize> {
    numbers
        .enumerate()
        .filter(|(_, number)| !number.is_nan())
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(place, _)| place)
}

fn deviation(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    (values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / count).sqrt()
}

#[cfg(test)]
mod tests {
    use flyball_core::{Column, TextColumn};

    use super::*;

    fn rows(scores: &[f64]) -> Table {
        let ids: Vec<String> = (0..scores.len()).map(|row| format!("p{row}")).collect();
        Table::new(vec![
            (
                records::PREDICTION_ID.into(),
                Column::Text(TextColumn::from_texts(ids.iter().map(|id| Some(id.as_str())))),
            ),
            (records::AT.into(), Column::Time((0..scores.len() as i64).collect())),
            (records::SCORE.into(), Column::Float(scores.to_vec())),
        ])
        .unwrap()
    }

    fn compared(before: &[f64], after: &[f64]) -> Compared {
        let classes = ["no".to_owned(), "yes".to_owned()];
        let scores = after.iter().flat_map(|p| [1.0 - p, *p]).collect();
        Compared::of(&rows(before), &classes, Task::Classification, &Predictions { width: 2, scores }).unwrap()
    }

    #[test]
    fn turned_decisions_and_worst_rows_are_told() {
        let before = [0.1, 0.2, 0.6, 0.9];
        let found = compared(&before, &[0.1, 0.7, 0.55, f64::NAN]);
        let flips = found.flips();
        assert_eq!((flips.count, flips.rows, flips.value), (2, 4, Some(0.5)));
        assert!(flips.low.unwrap() < 0.5 && flips.high.unwrap() > 0.5);
        assert_eq!(found.unanswered(), 1);
        let worst = found.worst(&rows(&before)).unwrap();
        let ids: Vec<&str> = worst.iter().map(|row| row.prediction_id.as_str()).collect();
        assert_eq!(ids, ["p3", "p1", "p2"]);
        assert_eq!((worst[0].candidate, worst[1].flips, worst[2].flips), (None, true, false));
        let differences = found.differences().unwrap();
        assert_eq!(differences.counts.iter().sum::<usize>(), 3);
        assert_eq!((differences.edges.len(), differences.counts.len()), (BARS + 1, BARS));
    }

    #[test]
    fn alike_answers_differ_in_nothing() {
        let found = compared(&[0.1, 0.9], &[0.1, 0.9]);
        assert_eq!((found.flips().count, found.unanswered()), (0, 0));
        assert!(found.worst(&rows(&[0.1, 0.9])).unwrap().is_empty());
        let differences = found.differences().unwrap();
        assert_eq!((differences.largest, differences.counts[BARS / 2]), (0.0, 2));
        assert_eq!(compared(&[0.5], &[f64::NAN]).differences(), None);
    }

    #[test]
    fn numbers_move_against_their_spread() {
        let before = [0.0, 10.0, 20.0, 30.0];
        let after = Predictions { width: 1, scores: vec![0.1, 10.0, 25.0, 30.0] };
        let found = Compared::of(&rows(&before), &[], Task::Regression, &after).unwrap();
        assert_eq!(found.flips().count, 1);
    }
}
