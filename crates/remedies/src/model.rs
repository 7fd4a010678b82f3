//! Actions and their limits.

use flyball_core::{Duration, Timestamp};
use serde::{Deserialize, Serialize};

/// What a remedy does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Trains a new version on the newest data and rolls it out if it passes the gates.
    Retrain,
    /// Goes back to the version that served before.
    Rollback,
    /// Serves the simple fallback model.
    Fallback,
    /// Raises an alert for a person and does nothing else.
    Page,
}

impl Action {
    /// The word for the action, as in the loop file.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Retrain => "retrain",
            Action::Rollback => "rollback",
            Action::Fallback => "fallback",
            Action::Page => "page",
        }
    }
}

/// How often a remedy may act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The least time between two actions: a day, unless given; nothing for a scheduled remedy.
    pub cool_down: Duration,
    /// The most actions in a calendar month, UTC.
    pub per_month: Option<u32>,
}

/// What a remedy did or held back.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PastAction {
    /// The position of the remedy in the loop file, from 0.
    pub remedy: usize,
    /// What it wanted to do.
    pub action: String,
    /// When.
    pub at: Timestamp,
    /// Whether it was done.
    pub taken: bool,
    /// Why it was done, or what held it back.
    pub reason: String,
    /// The values behind it.
    pub evidence: serde_json::Value,
}
