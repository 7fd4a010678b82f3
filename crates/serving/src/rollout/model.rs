//! The durable state of a rollout.

use flyball_core::{Duration, Timestamp};
use serde::{Deserialize, Serialize};

/// All of the traffic, in the unit of a split.
pub const ALL: u32 = 1000;

/// How a rollout goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RolloutPlan {
    /// The share of traffic of the new revision at each step, per mille, rising; the last is 1000.
    pub steps: Vec<u32>,
    /// How long each step but the last is watched.
    pub bake: Duration,
    /// The conditions, as written, any of which takes the traffic back.
    pub abort_if: Vec<String>,
}

/// How a rollout stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RolloutState {
    /// Traffic is moving.
    Running,
    /// The new revision has all of it.
    Succeeded,
    /// The old revision has all of it again.
    Aborted,
}

impl RolloutState {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            RolloutState::Running => "running",
            RolloutState::Succeeded => "succeeded",
            RolloutState::Aborted => "aborted",
        }
    }
}

/// What was seen of the new revision since its step began.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    /// Requests that reached it.
    pub requests: u64,
    /// Those that failed.
    pub errors: u64,
    /// The 99th percentile of its latency in milliseconds, where it was measured.
    pub latency_p99_ms: Option<f64>,
}

impl Observed {
    /// The share of failed requests; `None` without requests.
    pub fn error_rate(&self) -> Option<f64> {
        (self.requests > 0).then(|| self.errors as f64 / self.requests as f64)
    }
}

/// One decision of a rollout, with what it was based on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepDecision {
    /// When.
    pub at: Timestamp,
    /// What was decided, in words.
    pub text: String,
    /// The share of the new revision from then on, per mille.
    pub share: u32,
    /// What was seen before.
    pub observed: Observed,
}

/// A rollout as stored.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rollout {
    /// The id, derived from the new revision and the moment.
    pub id: String,
    /// The endpoint.
    pub endpoint: String,
    /// The loop that started it.
    pub loop_name: String,
    /// The revision that has the traffic before.
    pub from_revision: Option<String>,
    /// The revision that shall have it.
    pub to_revision: String,
    /// How it goes.
    pub plan: RolloutPlan,
    /// The step that is being watched, from 0.
    pub step: usize,
    /// How it stands.
    pub state: RolloutState,
    /// When it started.
    pub started_at: Timestamp,
    /// When the step began.
    pub step_started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// What was decided so far.
    pub decisions: Vec<StepDecision>,
}

impl Rollout {
    /// The share of the new revision now, per mille.
    pub fn share(&self) -> u32 {
        match self.state {
            RolloutState::Running => self.plan.steps.get(self.step).copied().unwrap_or(ALL),
            RolloutState::Succeeded => ALL,
            RolloutState::Aborted => 0,
        }
    }
}
