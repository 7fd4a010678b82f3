//! A model version: what it is for, whether it may be used, and where it comes from.

use askama::Template;
use flyball_core::{FeatureKind, Signature};
use serde::Serialize;

use crate::pages::MetricRow;
use crate::{Badge, Estimate, Fact, LineageStep, Shell, State, filters};

/// `/models/{name}/versions/{version}`
#[derive(Clone, Debug, Default, Serialize, Template)]
#[template(path = "model_version.html")]
pub struct ModelVersionPage {
    /// What stands around the page.
    pub shell: Shell,
    /// The registered model.
    pub name: String,
    /// The number of the version.
    pub version: String,
    /// `champion`, `challenger`.
    pub aliases: Vec<String>,
    /// How it stands (`serving`, `refused`, `archived`).
    pub badge: Badge,
    /// Made when, by whom, format, size, digest.
    pub facts: Vec<Fact>,
    /// Dataset version, run, this version, revision.
    pub lineage: Vec<LineageStep>,
    /// The outcome of each gate.
    pub gates: Vec<GateRow>,
    /// The metrics of its evaluation.
    pub metrics: Vec<MetricRow>,
    /// The metric by slice, one table per column.
    pub slices: Vec<SliceTable>,
    /// What it takes and gives.
    pub signature: Option<Signature>,
}

/// The outcome of a gate.
#[derive(Clone, Debug, Serialize)]
pub struct GateRow {
    /// The condition as declared.
    pub expression: String,
    /// Whether it holds; `None` if it could not be decided.
    pub holds: Option<bool>,
    /// The numbers it was decided on.
    pub evidence: String,
}

impl GateRow {
    pub(crate) fn badge(&self) -> Badge {
        match self.holds {
            Some(true) => Badge::new(State::Ok, "holds"),
            Some(false) => Badge::new(State::Failed, "does not hold"),
            None => Badge::new(State::Attention, "undecided"),
        }
    }
}

/// A metric by the values of a column.
#[derive(Clone, Debug, Serialize)]
pub struct SliceTable {
    /// The column.
    pub by: String,
    /// The metric.
    pub metric: String,
    /// One row per value.
    pub rows: Vec<SliceRow>,
}

/// One slice.
#[derive(Clone, Debug, Serialize)]
pub struct SliceRow {
    /// The value of the column.
    pub value: String,
    /// How many rows.
    pub rows: u64,
    /// The metric there.
    pub estimate: Estimate,
    /// Whether it is the worst one.
    pub worst: bool,
}
