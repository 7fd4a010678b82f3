//! Rollouts that people start, and what they say while one is under way: pause, resume, promote, abort.

use flyball_core::{Duration, Edit, Error, ErrorCode, Format, Name, Permit, Read, Result, Timestamp};
use flyball_governance::{Event, audit};
use flyball_serving::Contract;
use flyball_serving::rollout::model::ALL;
use flyball_serving::rollout::{Observed, Rollout, RolloutPlan, RolloutState, StepDecision, store as rollouts};
use flyball_serving::store as serving;
use flyball_store::Tx;
use serde::Deserialize;
use serde_json::json;

use crate::deploy::{self, Prepared, prepare};
use crate::environments;
use crate::platform::Platform;
use crate::rollout::{self, NewRollout, Watch};

/// How often a step is looked at, when the request does not say.
const EVERY: Duration = Duration::seconds(5);
/// Most steps of a rollout.
const STEPS: usize = 50;

/// A rollout that somebody asks for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// The registered model.
    pub model: Name,
    /// The version that shall get the traffic.
    pub version: i64,
    /// The form to load it in; the fastest that works when absent.
    #[serde(default)]
    pub format: Option<Format>,
    /// How it goes.
    #[serde(flatten)]
    pub plan: PlanBody,
}

/// How a rollout goes, as people write it.
#[derive(Clone, Debug, Deserialize)]
pub struct PlanBody {
    /// The shares of the new version, rising, as parts of 1000; 1000 is added at the end. Begin with 0 for a step in the
    /// shadow or beside the old version (blue/green).
    #[serde(default)]
    pub steps: Vec<u32>,
    /// How long each step is watched, in milliseconds.
    #[serde(default)]
    pub bake_ms: i64,
    /// How often a step is looked at, in milliseconds.
    #[serde(default)]
    pub every_ms: Option<i64>,
    /// The part of the requests whose copy the new version gets while its share is 0, of 1000.
    #[serde(default)]
    pub mirror: u32,
    /// Conditions any of which takes the traffic back.
    #[serde(default)]
    pub abort_if: Vec<String>,
    /// Conditions all of which must hold at the end of a step.
    #[serde(default)]
    pub advance_if: Vec<String>,
    /// How many looks may find a broken condition before the traffic is taken back.
    #[serde(default)]
    pub failure_limit: u32,
    /// A step with fewer requests is watched longer.
    #[serde(default)]
    pub fewest_requests: Option<u64>,
    /// Whether a person must agree before it gets all traffic.
    #[serde(default)]
    pub approval: bool,
}

impl PlanBody {
    fn plan(&self) -> Result<RolloutPlan> {
        let mut steps = self.steps.clone();
        if steps.last() != Some(&ALL) {
            steps.push(ALL);
        }
        let rising = steps.windows(2).all(|pair| pair[0] < pair[1]);
        if !rising || steps.len() > STEPS || steps.iter().any(|step| *step > ALL) {
            return Err(Error::invalid("the steps of a rollout are shares that rise to the whole")
                .hint("for example 1%, 10%, 50%; begin with 0% for a step in the shadow"));
        }
        if self.mirror > ALL || (self.mirror > 0 && steps.first() != Some(&0)) {
            return Err(Error::invalid("copies of requests go to a version whose first step is 0 %"));
        }
        let every = self.every_ms.map_or(EVERY, Duration::millis);
        if self.bake_ms < 0 || every.0 < 100 {
            return Err(Error::invalid("a step is watched for a time, and looked at every 100 ms at most"));
        }
        for text in self.abort_if.iter().chain(&self.advance_if) {
            rollout::condition(text)?;
        }
        Ok(RolloutPlan {
            steps,
            bake: Duration::millis(self.bake_ms),
            abort_if: self.abort_if.clone(),
            advance_if: self.advance_if.clone(),
            mirror: self.mirror,
            every: Some(every),
            failure_limit: self.failure_limit,
            fewest_requests: self.fewest_requests,
            approval: self.approval,
        })
    }
}

/// Starts to move an endpoint's traffic to a registered version. The first version of an endpoint gets all of it at once:
/// there is nothing to compare with.
///
/// # Errors
/// As [`deploy::deploy`]; `Conflict` when a rollout is under way already or a loop has the endpoint.
pub fn start(
    platform: &Platform,
    permit: &Permit<Edit>,
    endpoint: &Name,
    wanted: &Wanted,
    now: Timestamp,
) -> Result<Rollout> {
    let prepared = prepare(platform, &permit.read(), &wanted.model, wanted.version, wanted.format)?;
    start_prepared(platform, permit, endpoint, (&wanted.model, wanted.version), prepared, &wanted.plan, now)
}

/// Starts to move an endpoint's traffic to a version that is loaded.
pub(crate) fn start_prepared(
    platform: &Platform,
    permit: &Permit<Edit>,
    endpoint: &Name,
    (model, version): (&Name, i64),
    prepared: Prepared,
    plan: &PlanBody,
    now: Timestamp,
) -> Result<Rollout> {
    let mut plan = plan.plan()?;
    let live = platform.serving.endpoint(endpoint.as_str()).ok();
    let environment = live.as_ref().map_or(serving::PRODUCTION, |live| live.endpoint.environment.as_str());
    plan.approval |= environments::admit(platform, &permit.read(), environment, prepared.artifact, now)?;
    // What was loaded is what shall serve: it must not be let go before it does.
    let _loaded = prepared.held.clone();
    let label = format!("{model}/{version}");
    let (endpoint, permit, model) = (endpoint.clone(), permit.clone(), model.clone());
    if let Some(first) = live.as_ref().and_then(|live| live.revisions.first()) {
        let mut joined = Contract::of(&prepared.interface);
        joined.join(&first.interface).map_err(|error| error.context(label))?;
    }
    let begun = platform.db.write(move |tx| {
        serving::create_endpoint(tx, &permit, &endpoint, None, now)?;
        refuse_while_running(tx, &permit.read(), &endpoint)?;
        let to = deploy::revision(tx, &permit, &endpoint, (&model, version), prepared, now)?;
        let from = rollout::serving_now(tx, endpoint.as_str())?;
        if from.as_ref().is_some_and(|from| from.id == to.id) {
            return Err(Error::new(ErrorCode::Conflict, format!("version {} has the traffic already", to.version)));
        }
        // Nothing to compare with; but what needs approval waits for it without any traffic.
        let plan = if from.is_some() || plan.approval { plan } else { rollout::direct() };
        let details = json!({ "model": model, "version": version, "plan": plan });
        let event = Event::done(&permit, now, "rollout.start", format!("endpoint/{endpoint}"));
        audit::record(tx, &event.details(details))?;
        rollout::begin(tx, &NewRollout { endpoint: &endpoint, loop_name: None, from, to, plan }, now)
    })?;
    platform.serving.refresh()?;
    Ok(begun)
}

/// What a person says while a rollout is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Say {
    /// Stay where it is.
    Pause,
    /// Watch the step anew and go on.
    Resume,
    /// Go to the next step now; the last one ends it. It approves what waits for approval.
    Promote,
    /// Give everything back to the old version.
    Abort,
}

/// Does what a person says with the rollout that is under way.
///
/// # Errors
/// `NotFound` when none is under way; `Conflict` when it is paused, or not, already.
pub fn say(
    platform: &Platform,
    permit: &Permit<Edit>,
    endpoint: &Name,
    said: Say,
    reason: &str,
    now: Timestamp,
) -> Result<Rollout> {
    let (endpoint, permit) = (endpoint.clone(), permit.clone());
    let reason = if reason.is_empty() { "a person said so".to_owned() } else { reason.to_owned() };
    let changed = platform.db.write(move |tx| {
        serving::owned_endpoint(tx, &permit, endpoint.as_str())?;
        let found = rollouts::under_way(tx, &permit.read(), endpoint.as_str())?;
        let mut rollout = found.ok_or_else(|| {
            Error::not_found("rollout under way", &endpoint)
                .hint("`flyball endpoints show NAME` lists what was decided")
        })?;
        let details = json!({ "rollout": rollout.id, "reason": reason });
        let what = match said {
            Say::Pause => "rollout.pause",
            Say::Resume => "rollout.resume",
            Say::Promote => "rollout.promote",
            Say::Abort => "rollout.abort",
        };
        audit::record(tx, &Event::done(&permit, now, what, format!("endpoint/{endpoint}")).details(details))?;
        let share = rollout.share();
        let mut tell = |text: String, share: u32| {
            rollout.decisions.push(StepDecision { at: now, text, share, observed: Observed::default() });
        };
        match said {
            Say::Abort => {
                tell(format!("rolled back: {reason}"), 0);
                rollout::abort(tx, rollout, &reason, now)
            }
            Say::Pause if rollout.state == RolloutState::Paused => Err(already("paused")),
            Say::Resume if rollout.state == RolloutState::Running => Err(already("running")),
            Say::Pause => {
                tell(format!("paused: {reason}"), share);
                rollout.state = RolloutState::Paused;
                rollouts::save(tx, &permit, &rollout)?;
                Ok(rollout)
            }
            Say::Resume => {
                tell(format!("resumed: {reason}"), share);
                rollout.state = RolloutState::Running;
                rollout.step_started_at = now;
                rollout::step(tx, rollout, Watch::default(), now)
            }
            Say::Promote => {
                let next = rollout.step + 1;
                let share = rollout.plan.steps.get(next).copied().unwrap_or(ALL);
                tell(format!("promoted to {} %: {reason}", f64::from(share) / 10.0), share);
                rollout::advance(tx, rollout, next, now)
            }
        }
    })?;
    platform.serving.refresh()?;
    Ok(changed)
}

fn already(state: &str) -> Error {
    Error::new(ErrorCode::Conflict, format!("the rollout is {state} already"))
}

/// Refuses to change traffic under the feet of a rollout.
///
/// # Errors
/// `Conflict` with what to do.
pub(crate) fn refuse_while_running(tx: &mut Tx<'_>, permit: &Permit<Read>, endpoint: &Name) -> Result<()> {
    match rollouts::under_way(tx, permit, endpoint.as_str())? {
        None => Ok(()),
        Some(rollout) => Err(Error::new(ErrorCode::Conflict, format!("the rollout {} is under way", rollout.id))
            .hint("let it end, or end it with `flyball endpoints promote NAME` or `flyball endpoints abort NAME`")),
    }
}
