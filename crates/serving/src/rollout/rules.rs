//! The pure decision at the end of a step.

use super::model::{Observed, Rollout};

/// A step with fewer requests than this says nothing about the new revision.
pub const FEWEST_REQUESTS: u64 = 10;
/// How often a step is watched again for want of requests before it is believed anyway: an endpoint that is hardly
/// asked must still be able to change its model.
pub const MOST_EXTENSIONS: usize = 3;

/// What to do after a look at a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// A condition says stop: all traffic back to the old revision.
    Abort(String),
    /// The step is not over: look again.
    Wait(String),
    /// Too few requests: watch this step for another bake.
    Extend(String),
    /// A person must say how to go on.
    Pause(String),
    /// Go to the step with this position.
    Advance(usize),
    /// The last step is reached.
    Finish,
}

/// What a look at a step found.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// The first abort condition that holds, with its evidence.
    pub broken: Option<String>,
    /// The first condition to advance that does not hold, with its evidence.
    pub unmet: Option<String>,
    /// Whether the step was watched for as long as it should be.
    pub over: bool,
    /// How often this step was extended already.
    pub extensions: usize,
    /// How many looks at this step found a broken condition before.
    pub failures: u32,
}

/// Decides.
pub fn decide(rollout: &Rollout, observed: &Observed, look: &Look) -> Next {
    let plan = &rollout.plan;
    if let Some(reason) = &look.broken {
        if look.failures >= plan.failure_limit {
            return Next::Abort(reason.clone());
        }
        if !look.over {
            return Next::Wait(reason.clone());
        }
    }
    if !look.over {
        return Next::Wait("sound so far".to_owned());
    }
    let fewest = plan.fewest_requests.unwrap_or(FEWEST_REQUESTS);
    let seen = if rollout.share() == 0 {
        observed.agreement.as_ref().map_or(0, |agreement| agreement.compared).max(observed.requests)
    } else {
        observed.requests
    };
    // A revision that nobody is meant to ask yet need not have been asked.
    let asked = rollout.share() > 0 || plan.mirror > 0;
    if asked && seen < fewest && look.extensions < MOST_EXTENSIONS {
        return Next::Extend(format!("{seen} requests are too few to judge"));
    }
    if let Some(unmet) = &look.unmet {
        return Next::Pause(format!("inconclusive: {unmet}"));
    }
    let next = rollout.step + 1;
    if next + 1 < plan.steps.len() {
        return Next::Advance(next);
    }
    if plan.approval { Next::Pause("it waits for approval".to_owned()) } else { Next::Finish }
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
            loop_name: Some("l".into()),
            from_revision: Some("old".into()),
            to_revision: "new".into(),
            plan: RolloutPlan { steps: vec![100, 500, 1000], bake: Duration::hours(6), ..RolloutPlan::default() },
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
        let busy = Observed { requests: 50, ..Observed::default() };
        let quiet = Observed { requests: 2, ..Observed::default() };
        let over = |extensions| Look { over: true, extensions, ..Look::default() };
        assert_eq!(decide(&rollout(0), &busy, &over(0)), Next::Advance(1));
        assert_eq!(decide(&rollout(1), &busy, &over(0)), Next::Finish);
        assert!(matches!(decide(&rollout(0), &quiet, &over(2)), Next::Extend(_)));
        assert_eq!(decide(&rollout(0), &quiet, &over(MOST_EXTENSIONS)), Next::Advance(1));
        let broken = Look { broken: Some("error_rate = 0.5 > 0.01".to_owned()), ..over(0) };
        assert!(matches!(decide(&rollout(0), &busy, &broken), Next::Abort(reason) if reason.contains("0.5")));
        assert!(matches!(decide(&rollout(0), &busy, &Look::default()), Next::Wait(_)));
    }

    #[test]
    fn limits_approval_and_unmet_conditions_hold_a_rollout_back() {
        let busy = Observed { requests: 50, ..Observed::default() };
        let mut strict = rollout(1);
        strict.plan.failure_limit = 2;
        strict.plan.approval = true;
        let broken = |failures, over| Look { broken: Some("slow".into()), failures, over, ..Look::default() };
        assert_eq!(decide(&strict, &busy, &broken(1, false)), Next::Wait("slow".into()));
        assert_eq!(decide(&strict, &busy, &broken(2, false)), Next::Abort("slow".into()));
        let over = Look { over: true, ..Look::default() };
        assert_eq!(decide(&strict, &busy, &over), Next::Pause("it waits for approval".into()));
        let unmet = Look { unmet: Some("disagreement = 0.2".into()), ..over };
        assert_eq!(decide(&strict, &busy, &unmet), Next::Pause("inconclusive: disagreement = 0.2".into()));
    }

    #[test]
    fn a_step_in_the_shadow_is_judged_by_what_was_compared() {
        let mut dark = rollout(0);
        dark.plan.steps = vec![0, 1000];
        let over = Look { over: true, ..Look::default() };
        assert_eq!(decide(&dark, &Observed::default(), &over), Next::Finish);
        dark.plan.mirror = 1000;
        assert!(matches!(decide(&dark, &Observed::default(), &over), Next::Extend(_)));
    }
}
