//! An evaluation: the verdict, what it rests on, and everything that was checked.

use askama::Template;
use serde::Serialize;

use crate::pages::{MetricRow, SliceTable};
use crate::{Badge, Chart, Fact, Grid, Panel, Shell, filters};

/// `/evaluations/{id}`
#[derive(Clone, Debug, Default, Serialize, Template)]
#[template(path = "evaluation.html")]
pub struct EvaluationPage {
    /// What stands around the page.
    pub shell: Shell,
    /// The id.
    pub id: String,
    /// What was evaluated.
    pub title: String,
    /// `passed`, `failed`, `waiting`.
    pub badge: Badge,
    /// The verdict in a sentence.
    pub verdict: String,
    /// Whether it is still being made, so that the page looks again.
    pub waiting: bool,
    /// Version, dataset, who and when.
    pub facts: Vec<Fact>,
    /// The metrics that are looked at first.
    pub metrics: Vec<MetricRow>,
    /// All others.
    pub more_metrics: Vec<MetricRow>,
    /// ROC, precision and recall, reliability, errors, differences.
    pub charts: Vec<Chart>,
    /// The checks by group; those that need a look first.
    pub checks: Vec<CheckGroup>,
    /// The metric by slice, one table per column.
    pub slices: Vec<SliceTable>,
    /// What is best seen side by side: fairness, comparison, worst rows.
    pub panels: Vec<Panel>,
}

/// The checks of a group.
#[derive(Clone, Debug, Serialize)]
pub struct CheckGroup {
    /// The group.
    pub title: String,
    /// Its checks.
    pub rows: Vec<SuiteRow>,
}

/// A check of a suite.
#[derive(Clone, Debug, Serialize)]
pub struct SuiteRow {
    /// Its name.
    pub name: String,
    /// How it came out.
    pub badge: Badge,
    /// What was measured; NaN where nothing was.
    pub value: f64,
    /// The interval of the value; may be empty.
    pub interval: String,
    /// The limit; NaN without one.
    pub threshold: f64,
    /// What was found, and what to do.
    pub explanation: String,
    /// The numbers behind it; without a head there are none.
    pub evidence: Grid,
}
