//! The evaluation of a model on labelled rows: metrics over all, and by group of chosen columns.

use std::collections::BTreeMap;

use flyball_core::model::Model;
use flyball_core::{Column, Error, ErrorCode, Result, Table, Task};
use serde::{Deserialize, Serialize};

use crate::measure::{Measure, measure};

/// A group with fewer rows than this is reported but takes no part in `worst`, `ratio` and the like: its metrics would
/// be noise.
pub const SMALL_GROUP_ROWS: usize = 50;
/// A column with more groups than this is not sliced.
pub const SLICE_GROUPS: usize = 200;

/// The metrics of a model on some rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// How many labelled rows.
    pub rows: usize,
    /// Each metric by its name.
    pub metrics: BTreeMap<String, Measure>,
    /// The same by group of each sliced column.
    pub slices: Vec<Slice>,
}

/// The metrics of one group of rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slice {
    /// The column.
    pub column: String,
    /// The value of the column in this group.
    pub group: String,
    /// How many labelled rows.
    pub rows: usize,
    /// Each metric by its name.
    pub metrics: BTreeMap<String, Measure>,
}

/// Answers of a model beside what really happened.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Per row the class (0 or 1) or the target value; NaN where it is not known.
    pub truth: Vec<f64>,
    /// Per row the probability of the positive class or the predicted value.
    pub score: Vec<f64>,
}

impl Subject {
    /// Lets the model answer the rows and puts the labels beside.
    pub fn of(model: &dyn Model, rows: &Table, label: &str) -> Result<Self> {
        let signature = model.signature();
        if signature.classes.len() > 2 {
            return Err(Error::new(ErrorCode::InvalidInput, "evaluation handles two classes or a number for now"));
        }
        let truth = truth_of(rows.column(label)?, &signature.classes);
        Ok(Self { truth, score: model.predict(rows)?.headline() })
    }
}

/// Labels as numbers: for two classes 1 where the label is the second class and 0 elsewhere, else the number itself.
/// NaN where the label is missing.
pub fn truth_of(labels: &Column, classes: &[String]) -> Vec<f64> {
    let Some(positive) = classes.last() else { return labels.numbers() };
    (0..labels.len())
        .map(|row| match labels.value(row).text() {
            None => f64::NAN,
            Some(text) => f64::from(u8::from(same_class(&text, positive))),
        })
        .collect()
}

/// Whether two spellings name the same class: `1`, `1.0` and `true` are one.
fn same_class(label: &str, class: &str) -> bool {
    let plain = |text: &str| match text {
        "1.0" | "true" => "1".to_owned(),
        "0.0" | "false" => "0".to_owned(),
        other => other.to_owned(),
    };
    label == class || plain(label) == plain(class)
}

/// Evaluates: all metrics of the task over the labelled rows, and by group of each column in `by`.
pub fn evaluate(task: Task, subject: &Subject, rows: &Table, by: &[String]) -> Result<Evaluation> {
    let labelled: Vec<usize> = (0..subject.truth.len()).filter(|&row| !subject.truth[row].is_nan()).collect();
    let pick = |rows: &[usize]| -> BTreeMap<String, Measure> {
        let truth: Vec<f64> = rows.iter().map(|&r| subject.truth[r]).collect();
        let score: Vec<f64> = rows.iter().map(|&r| subject.score[r]).collect();
        measure(task, &truth, &score)
    };
    let mut slices = Vec::new();
    for name in by {
        let column = rows.column(name)?;
        let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for &row in &labelled {
            groups.entry(column.value(row).text().unwrap_or_else(|| "(missing)".into())).or_default().push(row);
        }
        if groups.len() > SLICE_GROUPS {
            return Err(Error::invalid(format!(
                "the column '{name}' has {} groups; at most {SLICE_GROUPS} can be compared",
                groups.len()
            ))
            .hint("compare by a column with fewer values, or make a coarser one in the SQL"));
        }
        slices.extend(groups.into_iter().map(|(group, members)| Slice {
            column: name.clone(),
            group,
            rows: members.len(),
            metrics: pick(&members),
        }));
    }
    Ok(Evaluation { rows: labelled.len(), metrics: pick(&labelled), slices })
}

impl Evaluation {
    /// The metric of each group of a column that is large enough to count: group, measure.
    pub fn groups(&self, column: &str, metric: &str) -> Vec<(&str, &Measure)> {
        self.slices
            .iter()
            .filter(|slice| slice.column == column && slice.rows >= SMALL_GROUP_ROWS)
            .filter_map(|slice| slice.metrics.get(metric).map(|measure| (slice.group.as_str(), measure)))
            .collect()
    }
}
