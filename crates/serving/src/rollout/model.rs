//! The durable state of a rollout.

use flyball_core::{Duration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::shadow::Agreement;

/// All of the traffic, in the unit of a split.
pub const ALL: u32 = 1000;

/// How a rollout goes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RolloutPlan {
    /// The share of traffic of the new revision at each step, per mille, rising; the last is 1000. A step of 0 is watched
    /// in the shadow, or by those who ask for the version.
    pub steps: Vec<u32>,
    /// How long each step but the last is watched.
    pub bake: Duration,
    /// The conditions, as written, any of which takes the traffic back.
    pub abort_if: Vec<String>,
    /// The conditions, as written, all of which must hold at the end of a step; else the rollout pauses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub advance_if: Vec<String>,
    /// The part of all requests whose copy the new revision gets while its share is 0, per mille.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mirror: u32,
    /// How often a step is looked at before its end; only at its end when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Duration>,
    /// How many looks of a step may find a broken condition before the traffic is taken back.
    #[serde(default, skip_serializing_if = "is_default")]
    pub failure_limit: u32,
    /// A step with fewer requests says nothing; [`super::rules::FEWEST_REQUESTS`] when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fewest_requests: Option<u64>,
    /// Whether a person must agree before the new revision gets all traffic.
    #[serde(default, skip_serializing_if = "is_default")]
    pub approval: bool,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// How a rollout stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RolloutState {
    /// Traffic is moving.
    Running,
    /// Traffic stays as it is until a person says how to go on.
    Paused,
    /// The new revision has all of it.
    Succeeded,
    /// The old revision has all of it again.
    Aborted,
}

impl RolloutState {
    /// Whether it is not over.
    pub fn is_under_way(self) -> bool {
        matches!(self, RolloutState::Running | RolloutState::Paused)
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            RolloutState::Running => "running",
            RolloutState::Paused => "paused",
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
    /// What was seen of the revision that had the traffic before, meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Box<Observed>>,
    /// How it agreed in the shadow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<Agreement>,
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
    /// The loop that started it; a person did when absent.
    pub loop_name: Option<String>,
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
            RolloutState::Running | RolloutState::Paused => self.plan.steps.get(self.step).copied().unwrap_or(ALL),
            RolloutState::Succeeded => ALL,
            RolloutState::Aborted => 0,
        }
    }
}
