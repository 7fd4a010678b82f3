//! A training run.

use askama::Template;
use serde::Serialize;

use crate::{Badge, Chart, Estimate, Fact, LineageStep, Shell, filters, svg};

/// `/runs/{id}`
#[derive(Clone, Debug, Default, Serialize, Template)]
#[template(path = "run.html")]
pub struct RunPage {
    /// What stands around the page.
    pub shell: Shell,
    /// The id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `running`, `finished`, `failed`.
    pub badge: Badge,
    /// Experiment, start, duration, window of the data, code commit, who.
    pub facts: Vec<Fact>,
    /// Dataset version, run, model version.
    pub lineage: Vec<LineageStep>,
    /// The parameters.
    pub parameters: Vec<Fact>,
    /// The metrics.
    pub metrics: Vec<MetricRow>,
    /// The metrics by iteration.
    pub curve: Chart,
    /// What the model looks at, largest first.
    pub importance: Vec<Importance>,
}

/// A metric and its value.
#[derive(Clone, Debug, Serialize)]
pub struct MetricRow {
    /// Its name.
    pub name: String,
    /// Its value, with its interval where known.
    pub estimate: Estimate,
    /// What it was measured on (`holdout, 4,810 rows`); may be empty.
    pub on: String,
}

/// How much a model looks at a feature.
#[derive(Clone, Debug, Serialize)]
pub struct Importance {
    /// The feature.
    pub feature: String,
    /// The mean absolute contribution or gain.
    pub amount: f64,
}

impl RunPage {
    pub(crate) fn bars(&self) -> impl Iterator<Item = (&Importance, f64)> {
        let largest = svg::largest(self.importance.iter().map(|row| row.amount));
        self.importance.iter().map(move |row| (row, svg::signed_bar(row.amount.abs(), largest).1 * 2.0))
    }
}
