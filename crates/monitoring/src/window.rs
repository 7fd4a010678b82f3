//! One window: what was served in a slice of event time, judged.

use std::collections::BTreeMap;

use flyball_core::{Result, Table, Task, Timestamp};
use flyball_evaluation::expression::{Aggregate, Facts, Measured, Subject};
use flyball_evaluation::gate::shown;
use flyball_evaluation::measure::{Measure, measure};
use serde::{Deserialize, Serialize};

use crate::drift::{self, ColumnDrift};
use crate::quality::{self, ColumnQuality};
use crate::reference::Reference;

/// How windows are judged.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowSettings {
    /// The rate at which drift-free windows may raise an alarm, over all columns together.
    pub false_alarm_rate: f64,
    /// The smallest Kolmogorov–Smirnov distance or total variation that counts; smaller ones are significant but harmless.
    pub effect_floor: f64,
    /// With fewer rows a window is not judged.
    pub min_rows: usize,
}

/// What a window showed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowReport {
    /// From (inclusive).
    pub from: Timestamp,
    /// To (exclusive).
    pub to: Timestamp,
    /// Predictions in it.
    pub rows: usize,
    /// Those whose ground truth is known.
    pub labelled: usize,
    /// Whether the labels of its last rows were due when it was judged; until then its performance is provisional.
    #[serde(default = "due")]
    pub labels_due: bool,
    /// Requests that failed.
    pub errors: usize,
    /// The model versions that answered, with their rows.
    pub versions: BTreeMap<String, usize>,
    /// Each column against the reference; empty when the window was too small to judge.
    pub columns: Vec<ColumnDrift>,
    /// What is missing, unseen or out of range in each feature; empty when the window was too small to judge.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub quality: BTreeMap<String, ColumnQuality>,
    /// Whether any column raised an alarm.
    pub drift: bool,
    /// The metrics of the labelled rows.
    pub performance: BTreeMap<String, Measure>,
    /// The metrics of the serving version on its held-out rows, to compare with.
    pub reference: BTreeMap<String, Measure>,
    /// Why the window was not judged, when it was not.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<String>,
}

/// The served rows of a window with their truth: features by name, `score`, and per row the truth (NaN while unknown).
#[derive(Debug)]
pub struct Served<'a> {
    /// The features, by name.
    pub rows: &'a Table,
    /// Per row the headline answer.
    pub scores: &'a [f64],
    /// Per row the class (0 or 1) or the target; NaN while unknown.
    pub truth: &'a [f64],
    /// Requests that failed and have no row.
    pub errors: usize,
    /// The model versions that answered, with their rows.
    pub versions: BTreeMap<String, usize>,
}

/// Judges a window.
pub fn judge(
    task: Task,
    span: (Timestamp, Timestamp),
    served: &Served<'_>,
    reference: &Reference,
    reference_metrics: &BTreeMap<String, Measure>,
    settings: &WindowSettings,
) -> Result<WindowReport> {
    let known: Vec<usize> = (0..served.truth.len()).filter(|&row| !served.truth[row].is_nan()).collect();
    let rows = served.scores.len();
    let mut report = WindowReport {
        rows,
        labelled: known.len(),
        errors: served.errors,
        versions: served.versions.clone(),
        note: None,
        ..WindowReport::silent(span, reference_metrics.clone())
    };
    if rows < settings.min_rows {
        report.note = Some(format!("{rows} rows are too few to judge; {} are needed", settings.min_rows));
        return Ok(report);
    }
    report.columns = drift::compare(reference, served.rows, served.scores, settings)?;
    report.quality = quality::compare(reference, served.rows);
    report.drift = report.columns.iter().any(|column| column.alarm);
    if known.len() >= settings.min_rows {
        let truth: Vec<f64> = known.iter().map(|&row| served.truth[row]).collect();
        let score: Vec<f64> = known.iter().map(|&row| served.scores[row]).collect();
        report.performance = measure(task, &truth, &score);
    }
    Ok(report)
}

/// What reports of before there were two judgements meant.
fn due() -> bool {
    true
}

impl WindowReport {
    /// The report of a window in which nobody asked for anything.
    pub fn silent(span: (Timestamp, Timestamp), reference: BTreeMap<String, Measure>) -> Self {
        Self {
            from: span.0,
            to: span.1,
            rows: 0,
            labelled: 0,
            labels_due: true,
            errors: 0,
            versions: BTreeMap::new(),
            columns: Vec::new(),
            quality: BTreeMap::new(),
            drift: false,
            performance: BTreeMap::new(),
            reference,
            note: Some("nobody asked".to_owned()),
        }
    }

    /// The names of the columns that raised an alarm, strongest first.
    pub fn drifted(&self) -> Vec<&ColumnDrift> {
        let mut alarmed: Vec<&ColumnDrift> = self.columns.iter().filter(|column| column.alarm).collect();
        alarmed.sort_by(|a, b| b.effect.total_cmp(&a.effect).then_with(|| a.column.cmp(&b.column)));
        alarmed
    }
}

impl Facts for WindowReport {
    fn value(&self, subject: Subject, metric: &str) -> Option<Measured> {
        match subject {
            Subject::Reference => self.reference.get(metric).map(shown),
            Subject::Current if metric == "error_rate" => {
                let asked = self.rows + self.errors;
                (asked > 0).then(|| Measured {
                    value: self.errors as f64 / asked as f64,
                    low: None,
                    high: None,
                    note: Some(format!("{asked} requests")),
                })
            }
            Subject::Current if metric == "rows" => Some(Measured::from(self.rows as f64)),
            Subject::Current if metric == "labels" => {
                (self.rows > 0).then(|| Measured::from(self.labelled as f64 / self.rows as f64))
            }
            Subject::Current => self.performance.get(metric).map(shown),
            Subject::Champion | Subject::Baseline | Subject::Estimated => None,
        }
    }

    fn by_group(&self, _aggregate: Aggregate, _metric: &str, _column: &str) -> Option<Measured> {
        None
    }

    fn of_column(&self, fact: &str, column: &str) -> Option<Measured> {
        self.quality.get(column).and_then(|quality| quality.fact(fact))
    }

    fn flag(&self, name: &str) -> Option<bool> {
        match name {
            "drift" if self.note.is_none() => Some(self.drift),
            _ => None,
        }
    }
}
