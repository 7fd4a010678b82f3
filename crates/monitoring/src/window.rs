//! One window: what was served in a slice of event time, judged.

use std::collections::BTreeMap;

use flyball_core::{Task, Timestamp};
use flyball_evaluation::expression::{Aggregate, Facts, Measured, Subject};
use flyball_evaluation::fairness::{AttributeFairness, FairnessReport};
use flyball_evaluation::gate::shown;
use flyball_evaluation::measure::{Measure, measure, measured};
use serde::{Deserialize, Serialize};

use crate::attributions::AttributionChange;
use crate::diagnosis::Cause;
use crate::domain::ToldApart;
use crate::drift::{self, ColumnDrift};
use crate::intake::Intake;
use crate::quality::{self, ColumnQuality};

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
    /// The version whose reference it was compared with, as MODEL/NUMBER: that which answered most rows when it was judged
    /// first.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub against: Option<String>,
    /// Each column against the reference; empty when the window was too small to judge.
    pub columns: Vec<ColumnDrift>,
    /// What is missing, unseen or out of range in each feature; empty when the window was too small to judge.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub quality: BTreeMap<String, ColumnQuality>,
    /// Whether any column raised an alarm.
    pub drift: bool,
    /// The metrics of the labelled rows.
    pub performance: BTreeMap<String, Measure>,
    /// What the metrics are estimated to be while the truth is not known, from the answers themselves.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub estimated: BTreeMap<String, Measure>,
    /// How the features vary together.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub together: Option<Together>,
    /// By what the rows are told from those of the reference; absent while nothing asks for it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub told_apart: Option<ToldApart>,
    /// How the model reasons, beside the reference; absent without drift, and for a model that has no exact explanation.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub attributions: Option<AttributionChange>,
    /// The rows that belong together and were counted so.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub grouped: Option<Grouped>,
    /// The columns whose drift somebody must know of: shown in two windows in a row, and so strong that over a year false
    /// ones are rare.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub paging: Vec<String>,
    /// What the next window must know of this one, for that.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub remembered: String,
    /// Groups that were treated less alike than is asked for, in words.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub unfair: Vec<String>,
    /// The metrics of the serving version on its held-out rows, to compare with.
    pub reference: BTreeMap<String, Measure>,
    /// Parts of the rows, judged by themselves.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub segments: Vec<SegmentReport>,
    /// How alike groups are treated; selection rates alone while the truth is not known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fairness: Option<FairnessReport>,
    /// What its findings may come from, the most telling first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub causes: Vec<Cause>,
    /// Why the window was not judged, when it was not.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<String>,
}

/// What was served in a window.
#[derive(Debug)]
pub struct Served<'a> {
    /// Its rows, counted against the reference.
    pub intake: Intake<'a>,
    /// Parts of the rows that are judged by themselves, by name, each counted against its part of the reference.
    pub segments: Vec<(String, Intake<'a>)>,
    /// Requests that failed and have no row.
    pub errors: usize,
    /// The model versions that answered, with their rows.
    pub versions: BTreeMap<String, usize>,
}

/// How the features of a window vary together (principal components of the reference).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Together {
    /// The mean distance of the rows from the directions in which the reference varies, in standard deviations.
    pub error: f64,
    /// The least that parts of the reference show.
    pub low: f64,
    /// The most that they show.
    pub high: f64,
    /// The rows without a missing value, which alone are counted.
    pub rows: usize,
    /// Whether the error is beyond what parts of the reference show.
    pub outside: bool,
}

/// Rows that belong together, as those of one user or session do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grouped {
    /// The column whose equal values mark them.
    pub column: String,
    /// How many values it has among the rows that were looked at.
    pub groups: usize,
}

/// A part of a window's rows, judged by itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SegmentReport {
    /// What the rows have in common.
    pub name: String,
    /// Predictions in it.
    pub rows: usize,
    /// Those whose ground truth is known.
    pub labelled: usize,
    /// The columns that drifted within it, at the false-alarm rate over the columns of this segment.
    pub drifted: Vec<ColumnDrift>,
    /// The metrics of its labelled rows; empty while there are too few.
    pub performance: BTreeMap<String, Measure>,
}

/// Judges a window.
pub fn judge(
    task: Task,
    span: (Timestamp, Timestamp),
    served: &Served<'_>,
    reference_metrics: &BTreeMap<String, Measure>,
    settings: &WindowSettings,
) -> WindowReport {
    let intake = &served.intake;
    let mut report = WindowReport {
        rows: intake.rows(),
        labelled: labelled(intake),
        errors: served.errors,
        versions: served.versions.clone(),
        note: None,
        ..WindowReport::silent(span, reference_metrics.clone())
    };
    if report.rows < settings.min_rows {
        report.note = Some(match report.rows {
            0 => "nobody asked".to_owned(),
            1 => format!("1 row is too few to judge; {} are needed", settings.min_rows),
            rows => format!("{rows} rows are too few to judge; {} are needed", settings.min_rows),
        });
        return report;
    }
    report.columns = drift::compare(intake, settings);
    report.grouped = intake.grouped.as_ref().map(|grouped| grouped.by.clone());
    report.quality = quality::compare(intake);
    report.drift = report.columns.iter().any(|column| column.alarm);
    report.performance = performance(task, intake, settings);
    report.segments = served.segments.iter().map(|(name, intake)| segment(task, name, intake, settings)).collect();
    report
}

fn segment(task: Task, name: &str, intake: &Intake<'_>, settings: &WindowSettings) -> SegmentReport {
    let mut report = SegmentReport {
        name: name.to_owned(),
        rows: intake.rows(),
        labelled: labelled(intake),
        ..SegmentReport::default()
    };
    if report.rows >= settings.min_rows {
        report.drifted = drift::compare(intake, settings).into_iter().filter(|column| column.alarm).collect();
        report.performance = performance(task, intake, settings);
    }
    report
}

fn labelled(intake: &Intake<'_>) -> usize {
    intake.truth.iter().filter(|truth| !truth.is_nan()).count()
}

/// The metrics of the rows whose truth is known; empty while they are too few.
fn performance(task: Task, intake: &Intake<'_>, settings: &WindowSettings) -> BTreeMap<String, Measure> {
    if let Some(answers) = &intake.several {
        let known = answers.known();
        return if known.len() < settings.min_rows { BTreeMap::new() } else { measured(task, &answers.take(&known)) };
    }
    let known = intake.truth.iter().zip(&intake.scores).filter(|(truth, _)| !truth.is_nan());
    let (truth, score): (Vec<f64>, Vec<f64>) = known.map(|(truth, score)| (*truth, *score)).unzip();
    if truth.len() < settings.min_rows { BTreeMap::new() } else { measure(task, &truth, &score) }
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
            against: None,
            columns: Vec::new(),
            quality: BTreeMap::new(),
            drift: false,
            performance: BTreeMap::new(),
            estimated: BTreeMap::new(),
            together: None,
            told_apart: None,
            attributions: None,
            grouped: None,
            paging: Vec::new(),
            remembered: String::new(),
            unfair: Vec::new(),
            segments: Vec::new(),
            fairness: None,
            causes: Vec::new(),
            reference,
            note: Some("nobody asked".to_owned()),
        }
    }

    /// How the groups of these columns were treated.
    fn attribute(&self, columns: &[String]) -> Option<&AttributeFairness> {
        self.fairness.as_ref()?.attributes.iter().find(|attribute| attribute.columns == columns)
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
            // Until the labels are due, what is known of the rows is a biased part of them.
            Subject::Current if !self.labels_due => None,
            Subject::Current => self.performance.get(metric).map(shown),
            Subject::Estimated => self.estimated.get(metric).map(shown),
            Subject::Champion | Subject::Baseline => None,
        }
    }

    fn by_group(&self, aggregate: Aggregate, metric: &str, column: &str) -> Option<Measured> {
        self.across(aggregate, metric, std::slice::from_ref(&column.to_owned()))
    }

    fn across(&self, aggregate: Aggregate, metric: &str, columns: &[String]) -> Option<Measured> {
        let attribute = self.attribute(columns)?;
        let gap = attribute.gaps.get(metric)?;
        let note = format!("{} and {}", gap.lowest, gap.highest);
        let value = match aggregate {
            Aggregate::Difference => gap.difference,
            Aggregate::Ratio => gap.ratio?,
            Aggregate::Worst | Aggregate::Best => return None,
        };
        Some(Measured { note: Some(note), ..Measured::from(value) })
    }

    fn fairness(&self, measure: &str, columns: &[String]) -> Option<Measured> {
        self.attribute(columns)?.measures.get(measure).copied().flatten().map(Measured::from)
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
