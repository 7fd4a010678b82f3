//! The background work of loops, for the job runner.

use flyball_core::{Error, Result};
use flyball_jobs::{Claimed, Handler, Outcome};

use crate::platform::Platform;
use crate::{evaluate, remedy, rollout, train, watch};

/// Runs the jobs of loops: trainings, rollout steps, windows, calendar actions.
pub struct LoopJobs {
    platform: Platform,
}

impl LoopJobs {
    /// The handler over these services.
    pub fn new(platform: Platform) -> Self {
        Self { platform }
    }
}

impl Handler for LoopJobs {
    fn kinds(&self) -> &[&'static str] {
        &[evaluate::KIND, train::KIND, rollout::KIND, watch::KIND, watch::LABELS, remedy::SCHEDULED]
    }

    fn run(&self, job: &Claimed) -> Result<Outcome> {
        match job.job.kind.as_str() {
            evaluate::KIND => evaluate::run(&self.platform, job),
            train::KIND => train::run(&self.platform, job),
            rollout::KIND => rollout::run(&self.platform, job),
            watch::KIND => watch::run(&self.platform, job),
            watch::LABELS => watch::run_labels(&self.platform, job),
            remedy::SCHEDULED => remedy::run_scheduled(&self.platform, job),
            other => Err(Error::internal(format!("no handler for jobs of the kind {other}"))),
        }
    }
}
