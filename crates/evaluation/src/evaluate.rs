//! The evaluation of a model on labelled rows: metrics over all, and by group of chosen columns.

use std::collections::BTreeMap;

use flyball_core::{Result, Table, Task};
use flyball_stats::classification::Slicing;
use serde::{Deserialize, Serialize};

pub use crate::answers::{ClassScores, Subject, truth_of};
pub use crate::slicing::SLICE_GROUPS;

use crate::curves::Curves;
use crate::fairness::SMALLEST_SHOWN_GROUP;
use crate::grouping::Grouping;
use crate::measure::{CONFIDENCE, Measure, Measures, in_lists, measured, named, pass, with_classes};
use crate::naive::naive;
use crate::ranking::{self, RankedLists};
use crate::slicing::groups_of;
use crate::weak::{ErrorBias, WeakSlice};

/// A group with fewer rows than this is reported but takes no part in `worst`, `ratio` and the like: its metrics would
/// be noise.
pub const SMALL_GROUP_ROWS: usize = 50;

/// The metrics of a model on some rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// How many labelled rows.
    pub rows: usize,
    /// Each metric by its name.
    pub metrics: Measures,
    /// The same by group of each sliced column.
    pub slices: Vec<Slice>,
    /// Rows with a label that the model gave no number; they are in no metric.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub unanswered: usize,
    /// Of more than two classes each against the rest.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub labels: Vec<LabelMetrics>,
    /// The metrics of answering every row alike, without looking at it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub naive: BTreeMap<String, f64>,
    /// Where rows are ranked against each other, the lists behind the metrics of their order.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ranking: Option<RankedLists>,
    /// The curves.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub curves: Option<Curves>,
    /// Where the model errs most, where that was searched.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub weak_slices: Vec<WeakSlice>,
    /// Of a regression, how the features differ where it errs most; the one that says most of the errors first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub error_bias: Vec<ErrorBias>,
}

/// The metrics of one group of rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slice {
    /// The column.
    pub column: String,
    /// The value of the column in this group, or the range of its values.
    pub group: String,
    /// How many labelled rows.
    pub rows: usize,
    /// Each metric by its name; none where they are withheld.
    pub metrics: Measures,
    /// Whether the group is so small that its metrics would tell about single people, and are withheld.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub withheld: bool,
}

/// The metrics of one class against the rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelMetrics {
    /// The class.
    pub label: String,
    /// How many rows are of it (with weights, their weight).
    pub rows: usize,
    /// Each metric by its name.
    pub metrics: Measures,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Slice {
    fn new(column: &str, group: &str, rows: usize, metrics: impl FnOnce() -> Measures) -> Self {
        let withheld = rows < SMALLEST_SHOWN_GROUP;
        let metrics = if withheld { Measures::new() } else { metrics() };
        Self { column: column.to_owned(), group: group.to_owned(), rows, metrics, withheld }
    }

    /// Whether the group is too small to be compared.
    pub fn is_small(&self) -> bool {
        self.rows < SMALL_GROUP_ROWS
    }
}

/// Evaluates: all metrics of the task over the labelled rows, and by group of each column in `by` (columns of many
/// numbers by ranges).
///
/// # Errors
/// `NotFound` for an unknown column, `InvalidInput` for one with too many groups.
pub fn evaluate(task: Task, subject: &Subject, rows: &Table, by: &[String]) -> Result<Evaluation> {
    let labelled = subject.truth.iter().filter(|truth| !truth.is_nan()).count();
    let known = subject.known();
    let groupings = by.iter().map(|name| groups_of(rows, name)).collect::<Result<Vec<Grouping>>>()?;
    let codes: Vec<Vec<u32>> =
        groupings.iter().map(|grouping| known.iter().map(|&row| grouping.codes[row]).collect()).collect();
    let subject = subject.take(&known);
    let mut evaluation = match (task, &subject.classes) {
        (Task::Classification, None) => two_classes(&subject, &groupings, &codes),
        _ => one_by_one(task, &subject, &groupings, &codes),
    };
    evaluation.rows = known.len();
    evaluation.unanswered = labelled - known.len();
    evaluation.naive = naive(task, &subject);
    evaluation.ranking = ranking::judged(&subject);
    // A group of which no row is known was not evaluated.
    evaluation.slices.retain(|slice| slice.rows > 0);
    Ok(evaluation)
}

/// Everything from one pass.
fn two_classes(subject: &Subject, groupings: &[Grouping], codes: &[Vec<u32>]) -> Evaluation {
    let slicings: Vec<Slicing<'_>> =
        groupings.iter().zip(codes).map(|(grouping, codes)| Slicing { codes, groups: grouping.names.len() }).collect();
    let Some(pass) = pass(subject, &slicings) else { return Evaluation::default() };
    let slices = groupings.iter().zip(codes).zip(&pass.slices).flat_map(|((grouping, own), groups)| {
        grouping.names.iter().zip(groups).zip(0..).map(|((name, group), code)| {
            Slice::new(&grouping.columns[0], name, group.rows, || {
                let mut metrics = named(group.metrics(CONFIDENCE), group.rows);
                if subject.lists.is_some() {
                    let members: Vec<usize> = (0..own.len()).filter(|&row| own[row] == code).collect();
                    metrics.extend(in_lists(&subject.take(&members)));
                }
                metrics
            })
        })
    });
    let mut metrics = named(pass.overall.metrics(CONFIDENCE), pass.overall.rows);
    metrics.extend(in_lists(subject));
    Evaluation { metrics, slices: slices.collect(), curves: Some(Curves::of_pass(&pass)), ..Evaluation::default() }
}

/// The rows of each group are gathered and measured.
fn one_by_one(task: Task, subject: &Subject, groupings: &[Grouping], codes: &[Vec<u32>]) -> Evaluation {
    let slices = groupings.iter().zip(codes).flat_map(|(grouping, codes)| {
        let mut members = vec![Vec::new(); grouping.names.len()];
        for (row, &code) in codes.iter().enumerate() {
            members[code as usize].push(row);
        }
        grouping.names.iter().zip(members).map(|(name, members)| {
            Slice::new(&grouping.columns[0], name, members.len(), || measured(task, &subject.take(&members)))
        })
    });
    let labels = subject.classes.as_ref().and_then(|classes| {
        let labels = with_classes(subject, classes, |data| data.labels())?;
        let label = |(name, label): (&String, &flyball_stats::classification::BinarySummary)| LabelMetrics {
            label: name.clone(),
            rows: label.cells.positives().round() as usize,
            metrics: named(label.metrics(CONFIDENCE), label.rows),
        };
        Some(classes.names.iter().zip(&labels).map(label).collect())
    });
    let curves = match &subject.classes {
        Some(classes) => Curves::of_classes(subject, classes),
        None => Curves::of_errors(subject),
    };
    Evaluation {
        metrics: measured(task, subject),
        slices: slices.collect(),
        labels: labels.unwrap_or_default(),
        curves: Some(curves),
        ..Evaluation::default()
    }
}

impl Evaluation {
    /// The metric of each group of a column that is large enough to count: group, measure.
    pub fn groups(&self, column: &str, metric: &str) -> Vec<(&str, &Measure)> {
        self.slices
            .iter()
            .filter(|slice| slice.column == column && !slice.is_small())
            .filter_map(|slice| slice.metrics.get(metric).map(|measure| (slice.group.as_str(), measure)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use flyball_core::rng::Rng;
    use flyball_core::{Column, TextColumn};

    use super::*;
    use crate::measure::measure;

    /// 500 rows: `a` has 300, `b` 160, `c` 35, `d` 5.
    fn rows() -> (Table, Vec<f64>, Vec<f64>) {
        let mut rng = Rng::seeded(12);
        let name = |row: usize| match row {
            0..300 => "a",
            300..460 => "b",
            460..495 => "c",
            _ => "d",
        };
        let group = TextColumn::from_texts((0..500).map(|row| Some(name(row))));
        let score: Vec<f64> = (0..500).map(|_| rng.unit()).collect();
        let truth = score.iter().map(|score| f64::from(u8::from(rng.unit() < *score))).collect();
        let distance = Column::Float((0..500).map(|row| f64::from(row * 37 % 500)).collect());
        let table = Table::new(vec![("group".into(), Column::Text(group)), ("distance".into(), distance)]).unwrap();
        (table, truth, score)
    }

    #[test]
    fn slices_are_measured_and_people_in_small_groups_are_not_shown() {
        let (table, truth, score) = rows();
        let by = ["group".to_owned(), "distance".to_owned()];
        let subject = Subject::new(truth.clone(), score.clone());
        let evaluation = evaluate(Task::Classification, &subject, &table, &by).unwrap();
        let groups: Vec<(&str, usize, bool, bool)> =
            evaluation.slices.iter().map(|s| (s.group.as_str(), s.rows, s.is_small(), s.withheld)).collect();
        let expected =
            [("a", 300, false, false), ("b", 160, false, false), ("c", 35, true, false), ("d", 5, true, true)];
        assert_eq!(groups[..4], expected);
        assert_eq!(groups.len(), 9, "{groups:?}");
        assert!(evaluation.slices[3].metrics.is_empty());
        assert_eq!(evaluation.groups("group", "auc").len(), 2);
        let alone = measure(Task::Classification, &truth[300..460], &score[300..460]);
        assert_eq!(evaluation.slices[1].metrics.keys().collect::<Vec<_>>(), alone.keys().collect::<Vec<_>>());
        for (name, measure) in alone {
            assert!((evaluation.slices[1].metrics[&name].value - measure.value).abs() < 1e-12, "{name}");
        }
    }

    #[test]
    fn curves_are_kept_small_and_what_was_stored_before_is_still_read() {
        let (table, truth, score) = rows();
        let evaluation = evaluate(Task::Classification, &Subject::new(truth, score), &table, &[]).unwrap();
        let text = serde_json::to_string(&evaluation).unwrap();
        assert!(text.len() < 40_000, "{}", text.len());
        assert_eq!(serde_json::from_str::<Evaluation>(&text).unwrap(), evaluation);
        let curves = evaluation.curves.unwrap();
        assert!(curves.selection.len() > 50 && curves.selection.len() <= 200 && curves.reliability.len() == 10);
        let old = r#"{"rows":3,"metrics":{"auc":{"value":0.7,"rows":3}},
            "slices":[{"column":"c","group":"g","rows":3,"metrics":{}}]}"#;
        let old: Evaluation = serde_json::from_str(old).unwrap();
        assert!(old.curves.is_none() && !old.slices[0].withheld && old.metrics["auc"].value == 0.7);
    }

    #[test]
    fn three_classes_are_measured_by_class_and_by_slice() {
        let (table, _, _) = rows();
        let mut rng = Rng::seeded(3);
        let (mut truth, mut scores) = (Vec::new(), Vec::new());
        for _ in 0..500 {
            let draws = [rng.unit(), rng.unit(), rng.unit()];
            let sum: f64 = draws.iter().sum();
            scores.extend(draws.map(|draw| draw / sum));
            let most = (0..3).max_by(|&a, &b| draws[a].total_cmp(&draws[b])).unwrap();
            truth.push(if rng.unit() < 0.7 { most as f64 } else { rng.below(3) as f64 });
        }
        truth[4] = f64::NAN;
        let names = ["low", "middle", "high"].map(str::to_owned).to_vec();
        let score = scores.chunks(3).map(|row| row[2]).collect();
        let classes = Some(ClassScores { names, scores });
        let subject = Subject { classes, ..Subject::new(truth, score) };
        let evaluation = evaluate(Task::Classification, &subject, &table, &["group".to_owned()]).unwrap();
        assert_eq!((evaluation.rows, evaluation.labels.len(), evaluation.slices.len()), (499, 3, 4));
        let accuracy = evaluation.metrics["accuracy"].value;
        assert!((0.75..0.85).contains(&accuracy), "{accuracy}");
        assert_eq!(evaluation.labels.iter().map(|label| label.rows).sum::<usize>(), 499);
        assert!(evaluation.labels.iter().all(|label| label.metrics["auc"].value > 0.6));
        assert!(evaluation.slices[3].withheld && evaluation.slices[0].metrics.contains_key("f1"));
        let curves = evaluation.curves.unwrap();
        assert_eq!((curves.classes.len(), curves.confusion.len()), (3, 3));
        assert!(evaluation.naive["accuracy"] < accuracy);
    }

    #[test]
    fn a_regression_keeps_its_errors_and_rows_without_an_answer_are_told() {
        let (table, _, mut score) = rows();
        let truth: Vec<f64> = score.iter().enumerate().map(|(row, score)| score + (row % 5) as f64 * 0.1).collect();
        score[9] = f64::NAN;
        let subject = Subject::new(truth, score);
        let evaluation = evaluate(Task::Regression, &subject, &table, &["distance".to_owned()]).unwrap();
        assert_eq!((evaluation.rows, evaluation.unanswered, evaluation.slices.len()), (499, 1, 5));
        let curves = evaluation.curves.unwrap();
        assert_eq!((curves.residuals.len(), curves.error_quantiles.len()), (200, 200));
        assert!(evaluation.naive["r2"] == 0.0 && evaluation.metrics["r2"].value < 1.0);
    }
}
