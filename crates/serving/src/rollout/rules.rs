//! The pure decision at the end of a step.

use super::model::{Observed, Rollout};

/// A step with fewer requests than this says nothing about the new revision.
pub const FEWEST_REQUESTS: u64 = 10;
/// How often a step is watched again for want of requests before it is believed anyway: an endpoint that is hardly
/// asked must still be able to change its model.
pub const MOST_EXTENSIONS: usize = 3;

/// What to do at the end of a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// A condition says stop: all traffic back to the old revision.
    Abort(String),
    /// Too few requests: watch this step for another bake.
    Extend(String),
    /// Go to the step with this position.
    Advance(usize),
    /// The last step is reached.
    Finish,
}

/// Decides. `broken` is the first abort condition that holds, with its evidence; `extensions` tells how often this step
/// was extended already.
pub fn decide(rollout: &Rollout, observed: &Observed, broken: Option<String>, extensions: usize) -> Next {
    if let Some(reason) = broken {
        return Next::Abort(reason);
    }
    if observed.requests < FEWEST_REQUESTS && extensions < MOST_EXTENSIONS {
        return Next::Extend(format!("{} requests are too few to judge", observed.requests));
    }
    let next = rollout.step + 1;
    if next + 1 >= rollout.plan.steps.len() { Next::Finish } else { Next::Advance(next) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollout::model::{RolloutPlan, RolloutState};
    use flyball_core::{Duration, Timestamp};

    fn rollout(step: usize) -> Rollout {
        Rollout {
            id: "rol_1".into(),
            endpoint: "e".into(),
            loop_name: "l".into(),
            from_revision: Some("old".into()),
            to_revision: "new".into(),
            plan: RolloutPlan { steps: vec![100, 500, 1000], bake: Duration::hours(6), abort_if: vec![] },
            step,
            state: RolloutState::Running,
            started_at: Timestamp(0),
            step_started_at: Timestamp(0),
            ended_at: None,
            decisions: vec![],
        }
    }

    #[test]
    fn steps_advance_extend_and_abort() {
        let busy = Observed { requests: 50, errors: 0, latency_p99_ms: None };
        let quiet = Observed { requests: 2, ..Observed::default() };
        assert_eq!(decide(&rollout(0), &busy, None, 0), Next::Advance(1));
        assert_eq!(decide(&rollout(1), &busy, None, 0), Next::Finish);
        assert!(matches!(decide(&rollout(0), &quiet, None, 2), Next::Extend(_)));
        assert_eq!(decide(&rollout(0), &quiet, None, MOST_EXTENSIONS), Next::Advance(1));
        let broken = Some("error_rate = 0.5 > 0.01".to_owned());
        assert!(matches!(decide(&rollout(0), &busy, broken, 0), Next::Abort(reason) if reason.contains("0.5")));
    }
}
