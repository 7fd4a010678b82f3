//! Runs.

use flyball_core::{Digest, Timestamp};
use serde::{Deserialize, Serialize};

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// It is being worked on.
    Running,
    /// It ended well.
    Finished,
    /// It ended with an error.
    Failed,
}

impl RunStatus {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            RunStatus::Running => "running",
            RunStatus::Finished => "finished",
            RunStatus::Failed => "failed",
        }
    }
}

/// What is known of a run when it starts. Its lineage is complete from the first moment.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// The id, derived from what the run is for, so that a repeated attempt finds it.
    pub id: String,
    /// The experiment, by default the loop's name.
    pub experiment: String,
    /// Why it was started (`first training`, `remedy 1: drift and …`).
    pub cause: String,
    /// The dataset version that it learns from.
    pub dataset_version: String,
    /// The event times of the rows: from (inclusive) and to (exclusive).
    pub window: Option<(Timestamp, Timestamp)>,
    /// How many rows.
    pub rows: u64,
    /// The digest of the row keys, so that the very rows can be told.
    pub rows_digest: Digest,
    /// The commit of the project's code, when it is a git repository.
    pub code_commit: Option<String>,
}

/// A run as stored.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// The id.
    pub id: String,
    /// The experiment.
    pub experiment: String,
    /// Why it was started.
    pub cause: String,
    /// How it stands.
    pub status: RunStatus,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The dataset version that it learnt from.
    pub dataset_version: String,
    /// The event times of its rows.
    pub window: Option<(Timestamp, Timestamp)>,
    /// How many rows.
    pub rows: u64,
    /// The digest of the row keys.
    pub rows_digest: String,
    /// The commit of the project's code.
    pub code_commit: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// The importance of each feature, largest first.
    pub importance: Vec<(String, f64)>,
    /// The parameters, by name.
    pub params: Vec<(String, String)>,
    /// The last value of each metric, by name.
    pub metrics: Vec<(String, f64)>,
}
