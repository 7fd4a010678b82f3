//! Experiments, runs and what is logged to them.

use flyball_core::Timestamp;
use serde::{Deserialize, Serialize};

use crate::lineage::Lineage;

/// Whether a thing is in use or in the bin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lifecycle {
    /// In use.
    Active,
    /// Deleted, and can be restored.
    Deleted,
}

impl Lifecycle {
    /// The word for it, as stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Lifecycle::Active => "active",
            Lifecycle::Deleted => "deleted",
        }
    }

    pub(crate) fn of(text: &str) -> Self {
        if text == "deleted" { Lifecycle::Deleted } else { Lifecycle::Active }
    }
}

/// Which lifecycles a search shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// What is in use.
    #[default]
    Active,
    /// What is in the bin.
    Deleted,
    /// Both.
    All,
}

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// It is being worked on.
    Running,
    /// It waits for its turn.
    Scheduled,
    /// It ended well.
    Finished,
    /// It ended with an error.
    Failed,
    /// It was stopped.
    Killed,
}

impl RunStatus {
    /// All of them, in the order of their numbers in the tracking API, from 1.
    pub const ALL: [RunStatus; 5] =
        [RunStatus::Running, RunStatus::Scheduled, RunStatus::Finished, RunStatus::Failed, RunStatus::Killed];

    /// The word for it, as stored and as searches name it.
    pub fn as_str(self) -> &'static str {
        match self {
            RunStatus::Running => "RUNNING",
            RunStatus::Scheduled => "SCHEDULED",
            RunStatus::Finished => "FINISHED",
            RunStatus::Failed => "FAILED",
            RunStatus::Killed => "KILLED",
        }
    }

    /// Whether a run that stands so has ended.
    pub fn is_over(self) -> bool {
        !matches!(self, RunStatus::Running | RunStatus::Scheduled)
    }

    pub(crate) fn of(text: &str) -> Self {
        Self::ALL.into_iter().find(|status| status.as_str() == text).unwrap_or(RunStatus::Failed)
    }
}

/// A key with its value: a parameter or a tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
}

impl Pair {
    /// A pair of these texts.
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self { key: key.into(), value: value.into() }
    }
}

/// An experiment: what belongs together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Experiment {
    /// The number, from 0.
    pub id: i64,
    /// The name, unique in its workspace, also among deleted ones.
    pub name: String,
    /// Where its artifacts are.
    pub artifact_location: String,
    /// Whether it is in use.
    pub lifecycle: Lifecycle,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its name or lifecycle changed last.
    pub updated_at: Timestamp,
    /// Its tags, by key.
    pub tags: Vec<Pair>,
}

/// What a new experiment is made of.
#[derive(Clone, Debug, Default)]
pub struct NewExperiment {
    /// The name.
    pub name: String,
    /// Where its artifacts shall be; Flyball chooses when it is absent.
    pub artifact_location: Option<String>,
    /// Its tags.
    pub tags: Vec<Pair>,
}

/// What a new run is made of.
#[derive(Clone, Debug, Default)]
pub struct NewRun {
    /// The id: unique, of letters, digits, `_` and `-`.
    pub id: String,
    /// The experiment's number.
    pub experiment_id: i64,
    /// The name; made up when absent.
    pub name: Option<String>,
    /// Who started it, as the client says.
    pub user_id: String,
    /// When it started, in milliseconds, as the client says.
    pub started_at: Timestamp,
    /// Its tags.
    pub tags: Vec<Pair>,
}

/// A value of a metric.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Metric {
    /// The metric.
    pub key: String,
    /// The point.
    #[serde(flatten)]
    pub point: Point,
}

/// A point of a metric's history.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    /// The value; may be NaN, never infinite.
    pub value: f64,
    /// When it was measured, in milliseconds, as the client says.
    pub timestamp: i64,
    /// The step of the training; may be negative.
    pub step: i64,
}

/// A dataset as a client describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LoggedDataset {
    /// The name.
    pub name: String,
    /// What tells its contents from others of the name.
    pub digest: String,
    /// The kind of its source.
    pub source_type: String,
    /// Where it is from.
    pub source: String,
    /// Its columns, as the client writes them.
    pub schema: Option<String>,
    /// Its statistics, as the client writes them.
    pub profile: Option<String>,
}

/// A dataset that runs of an experiment used, in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DatasetSummary {
    /// The experiment's number.
    pub experiment_id: i64,
    /// The name.
    pub name: String,
    /// What tells its contents from others of the name.
    pub digest: String,
    /// What it was used for, when a run says so.
    pub context: Option<String>,
}

/// A dataset that a run used, with the tags of the use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DatasetInput {
    /// The dataset.
    pub dataset: LoggedDataset,
    /// The tags of this use.
    pub tags: Vec<Pair>,
}

/// A logged model that a run took in or made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModelUse {
    /// The model's id.
    pub model_id: String,
    /// The step at which it was made; 0 for one that was taken in.
    pub step: i64,
}

/// What a run used and made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RunInputs {
    /// The datasets that it used.
    pub datasets: Vec<DatasetInput>,
    /// The models that it took in.
    pub models: Vec<ModelUse>,
    /// The models that it made.
    pub outputs: Vec<ModelUse>,
}

/// A run as stored.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// The id.
    pub id: String,
    /// The experiment's number.
    pub experiment_id: i64,
    /// The experiment's name.
    pub experiment: String,
    /// The name.
    pub name: String,
    /// Who started it.
    pub user_id: String,
    /// How it stands.
    pub status: RunStatus,
    /// Whether it is in use.
    pub lifecycle: Lifecycle,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Where its artifacts are.
    pub artifact_uri: String,
    /// The parameters, by key.
    pub params: Vec<Pair>,
    /// The latest value of each metric, by key.
    pub metrics: Vec<Metric>,
    /// The tags, by key.
    pub tags: Vec<Pair>,
    /// What it used and made.
    pub inputs: RunInputs,
    /// What it learnt from, when a loop trained it.
    pub lineage: Option<Lineage>,
}

impl Run {
    /// The latest value of a metric.
    pub fn metric(&self, key: &str) -> Option<f64> {
        self.metrics.iter().find(|metric| metric.key == key).map(|metric| metric.point.value)
    }
}
