//! A dataset version: its schema, its profile, and its checks.

use askama::Template;
use serde::Serialize;

use crate::{Badge, Fact, LineageStep, Shell, filters, svg};

/// `/data/{name}/versions/{version}`
#[derive(Clone, Debug, Default, Serialize, Template)]
#[template(path = "dataset.html")]
pub struct DatasetPage {
    /// What stands around the page.
    pub shell: Shell,
    /// The dataset.
    pub name: String,
    /// The version.
    pub version: String,
    /// The outcome of its checks.
    pub badge: Badge,
    /// Rows, bytes, made when, digest, event time.
    pub facts: Vec<Fact>,
    /// Its inputs, this version, what was made from it.
    pub lineage: Vec<LineageStep>,
    /// The columns, in their order.
    pub columns: Vec<ColumnProfile>,
    /// The checks.
    pub checks: Vec<CheckRow>,
}

/// A column and its profile.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ColumnProfile {
    /// The name.
    pub name: String,
    /// The type.
    pub kind: String,
    /// What the column can be: a key, what must be masked, or nothing.
    pub role: String,
    /// The share of rows without a value.
    pub missing: f64,
    /// How many different values; may be an estimate.
    pub distinct: u64,
    /// The smallest value, or the most frequent one.
    pub low: String,
    /// The median; empty for categories.
    pub middle: String,
    /// The largest value, or the least frequent one.
    pub high: String,
    /// Counts by bin or by level, at most 20.
    pub histogram: Vec<f64>,
}

impl ColumnProfile {
    pub(crate) fn outline(&self) -> String {
        svg::histogram(&self.histogram, 80.0, 20.0)
    }
}

/// The outcome of a check.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CheckRow {
    /// The rule as declared.
    pub rule: String,
    /// `passed`, `warning`, `failed`.
    pub badge: Badge,
    /// How many rows fail.
    pub failing: u64,
    /// Some of them.
    pub examples: Option<FailingRows>,
}

/// Some of the rows that fail a check.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FailingRows {
    /// The columns that are shown.
    pub columns: Vec<String>,
    /// The rows, at most 20.
    pub rows: Vec<Vec<String>>,
}
