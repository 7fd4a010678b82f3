//! Moves an endpoint's traffic to a new version, step by step, and back when a condition says so. A loop starts its own
//! rollouts; those that people start are in [`crate::handmade`]. Both go on here, as durable jobs.

mod observe;

use flyball_core::model::Interface;
use flyball_core::{Edit, Error, Name, Permit, Result, Task, Timestamp, id};
use flyball_evaluation::expression::{Condition, Scope};
use flyball_governance::identity;
use flyball_jobs::{Claimed, NewJob, Outcome, enqueue};
use flyball_monitoring::alert::{AlertKind, Finding};
use flyball_monitoring::store as monitoring;
use flyball_registry::{CHALLENGER, CHAMPION, packages as registry};
use flyball_serving::model::{Revision, Share};
use flyball_serving::rollout::rules::{self, Look, Next};
use flyball_serving::rollout::{Observed, Rollout, RolloutPlan, RolloutState, StepDecision, store as rollouts};
use flyball_serving::store::{self as serving, NewRevision};
use flyball_store::Tx;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::declared::Declared;
use crate::file::{LoopFile, Strategy};
use crate::platform::{Platform, permit_of};

pub(crate) use observe::Seen;

/// The kind of the job that looks at a step.
pub const KIND: &str = "loop.rollout";
const ALL: u32 = flyball_serving::rollout::model::ALL;

/// Starts to move the traffic to a registered version of the loop's model. The first version gets all of it at once:
/// there is nothing to compare with.
pub fn start(tx: &mut Tx<'_>, declared: &Declared, version: i64, now: Timestamp) -> Result<()> {
    let permit = permit_of(&declared.name)?;
    let model = registry::get(tx, &permit.read(), declared.name.as_str(), version)?;
    let new = NewRevision {
        endpoint: &declared.name,
        model: &declared.name,
        version,
        artifact: model.artifact,
        loop_name: Some(&declared.name),
        interface: Some(Interface::Rows(model.signature)),
        memory: 0,
    };
    let revision = serving::create_revision(tx, &permit, &new, now)?;
    let champion = registry::by_alias(tx, &permit.read(), declared.name.as_str(), CHAMPION)?;
    let (from, plan) = match (champion, serving_now(tx, declared.name.as_str())?) {
        (Some(_), Some(old)) if old.id != revision.id => (Some(old), plan_of(&declared.file)),
        _ => (None, direct()),
    };
    let new = NewRollout { endpoint: &declared.name, loop_name: Some(&declared.name), from, to: revision, plan };
    begin(tx, &new, now).map(drop)
}

/// Takes all traffic to a revision that served before, or to the fallback, at once.
pub fn switch(tx: &mut Tx<'_>, declared: &Declared, to: Revision, now: Timestamp) -> Result<()> {
    let old = serving_now(tx, declared.name.as_str())?;
    begin(
        tx,
        &NewRollout { endpoint: &declared.name, loop_name: Some(&declared.name), from: old, to, plan: direct() },
        now,
    )
    .map(drop)
}

/// The revision with the largest share of the traffic now.
pub(crate) fn serving_now(tx: &mut Tx<'_>, endpoint: &str) -> Result<Option<Revision>> {
    let shares = serving::traffic(tx, endpoint)?;
    let largest = shares.iter().max_by_key(|share| share.per_mille);
    largest.map(|share| serving::revision(tx, &share.revision_id)).transpose()
}

/// The plan that gives all traffic at once.
pub(crate) fn direct() -> RolloutPlan {
    RolloutPlan { steps: vec![ALL], ..RolloutPlan::default() }
}

fn plan_of(file: &LoopFile) -> RolloutPlan {
    match &file.deploy.strategy {
        Strategy::Direct => direct(),
        Strategy::Canary { steps, bake } => RolloutPlan {
            steps: steps.iter().map(|share| (share * f64::from(ALL)).round() as u32).collect(),
            bake: *bake,
            abort_if: file.deploy.abort_if.iter().map(|condition| condition.text().to_owned()).collect(),
            ..RolloutPlan::default()
        },
    }
}

/// A rollout to begin.
pub(crate) struct NewRollout<'a> {
    pub(crate) endpoint: &'a Name,
    pub(crate) loop_name: Option<&'a Name>,
    pub(crate) from: Option<Revision>,
    pub(crate) to: Revision,
    pub(crate) plan: RolloutPlan,
}

/// Begins a rollout with its first step.
pub(crate) fn begin(tx: &mut Tx<'_>, new: &NewRollout<'_>, now: Timestamp) -> Result<Rollout> {
    let NewRollout { endpoint, loop_name, from, to, plan } = new;
    let share = plan.steps.first().copied().unwrap_or(ALL);
    let text = match from {
        None => format!("version {} gets all traffic", to.version),
        Some(_) if share == ALL => format!("version {} gets all traffic at once", to.version),
        Some(old) if share == 0 && plan.mirror > 0 => {
            let copies = f64::from(plan.mirror) / 10.0;
            format!("version {} gets copies of {copies} % of the requests, version {} answers", to.version, old.version)
        }
        Some(old) if share == 0 => format!("version {} is ready beside version {}", to.version, old.version),
        Some(old) => {
            let percent = f64::from(share) / 10.0;
            format!("version {} gets {percent} % of the traffic, version {} keeps the rest", to.version, old.version)
        }
    };
    let rollout = Rollout {
        id: id::derived_at("rol", &to.id, now, 0),
        endpoint: endpoint.to_string(),
        loop_name: loop_name.map(Name::to_string),
        from_revision: from.as_ref().map(|revision| revision.id.to_string()),
        to_revision: to.id.to_string(),
        plan: plan.clone(),
        step: 0,
        state: RolloutState::Running,
        started_at: now,
        step_started_at: now,
        ended_at: None,
        decisions: vec![StepDecision { at: now, text, share, observed: Observed::default() }],
    };
    if share == ALL { finish(tx, rollout, now) } else { step(tx, rollout, Watch::default(), now) }
}

/// What is carried from one look at a step to the next.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Watch {
    /// How often the step was looked at.
    look: u64,
    /// How often it was extended.
    extensions: usize,
    /// How many looks found a broken condition.
    failures: u32,
    /// When the current bake began; that of the step when absent.
    since: Option<Timestamp>,
    /// What the revisions had done when the step began.
    seen: Option<Seen>,
}

/// In whose name a rollout changes things.
fn permit(rollout: &Rollout) -> Result<Permit<Edit>> {
    match &rollout.loop_name {
        Some(name) => permit_of(&name.parse()?),
        None => Ok(identity::for_endpoint(&rollout.endpoint.parse()?)?.edit()),
    }
}

/// Splits the traffic as the rollout's step says; the growing revision stands last, so that each key moves to it once.
pub(crate) fn set_traffic(tx: &mut Tx<'_>, rollout: &Rollout, share: u32, now: Timestamp) -> Result<()> {
    if rollout.from_revision.is_none() && share < ALL {
        // A first version that waits for approval gets nothing, and there is nobody who could have the rest.
        return Ok(());
    }
    let per_mille = |share: u32| u16::try_from(share).map_err(Error::internal);
    let mut shares = Vec::with_capacity(2);
    if let Some(old) = rollout.from_revision.as_ref().filter(|_| share < ALL) {
        shares.push(Share::new(old.as_str(), per_mille(ALL - share)?));
    }
    if rollout.state != RolloutState::Aborted {
        let mirror_per_mille = if share == 0 { per_mille(rollout.plan.mirror)? } else { 0 };
        let to = Share::new(rollout.to_revision.as_str(), per_mille(share)?);
        shares.push(Share { mirror_per_mille, ..to });
    }
    serving::set_traffic(tx, &permit(rollout)?, &rollout.endpoint.parse()?, &shares, now)
}

/// Sets the split of the rollout's step and plans the moment when it is looked at.
pub(crate) fn step(tx: &mut Tx<'_>, rollout: Rollout, watch: Watch, now: Timestamp) -> Result<Rollout> {
    set_traffic(tx, &rollout, rollout.share(), now)?;
    look_again(tx, &rollout, &watch, now)?;
    rollouts::save(tx, &permit(&rollout)?, &rollout)?;
    Ok(rollout)
}

fn look_again(tx: &mut Tx<'_>, rollout: &Rollout, watch: &Watch, now: Timestamp) -> Result<()> {
    let end = watch.since.unwrap_or(rollout.step_started_at) + rollout.plan.bake;
    let due = rollout.plan.every.map_or(end, |every| end.min(now + every));
    // The moment is part of the key: a step that is resumed begins to be watched anew.
    let began = rollout.step_started_at.0;
    let key = format!("{}:{}:{began}:{}:{}", rollout.id, rollout.step, watch.extensions, watch.look);
    let payload = json!({ "endpoint": rollout.endpoint, "rollout": rollout.id, "watch": watch });
    enqueue(tx, &NewJob::new(KIND, key, &rollout.endpoint, payload, due), now).map(drop)
}

/// Gives the new revision everything and moves the aliases of its loop.
pub(crate) fn finish(tx: &mut Tx<'_>, mut rollout: Rollout, now: Timestamp) -> Result<Rollout> {
    let permit = permit(&rollout)?;
    rollout.state = RolloutState::Succeeded;
    rollout.ended_at = Some(now);
    set_traffic(tx, &rollout, ALL, now)?;
    rollouts::save(tx, &permit, &rollout)?;
    if let Some(name) = &rollout.loop_name {
        let revision = serving::revision(tx, &rollout.to_revision)?;
        if *revision.model == **name {
            registry::set_alias(tx, &permit, name, CHAMPION, revision.version, "its rollout succeeded", now)?;
            registry::remove_alias(tx, &permit, name, CHALLENGER, "it is the champion now", now)?;
        }
    }
    let calm = Finding::new(AlertKind::Rollout, false, "a rollout succeeded", json!({}));
    monitoring::apply(tx, &permit, &rollout.endpoint, &calm, now)?;
    Ok(rollout)
}

/// Gives everything back to the old revision.
pub(crate) fn abort(tx: &mut Tx<'_>, mut rollout: Rollout, reason: &str, now: Timestamp) -> Result<Rollout> {
    let permit = permit(&rollout)?;
    rollout.state = RolloutState::Aborted;
    rollout.ended_at = Some(now);
    if rollout.from_revision.is_some() {
        set_traffic(tx, &rollout, 0, now)?;
    }
    rollouts::save(tx, &permit, &rollout)?;
    if let Some(name) = &rollout.loop_name {
        registry::remove_alias(tx, &permit, name, CHALLENGER, reason, now)?;
    }
    let finding =
        Finding::new(AlertKind::Rollout, true, format!("rolled back: {reason}"), json!({ "rollout": rollout.id }));
    monitoring::apply(tx, &permit, &rollout.endpoint, &finding, now)?;
    Ok(rollout)
}

/// Goes to a step of the rollout, the last of which ends it.
pub(crate) fn advance(tx: &mut Tx<'_>, mut rollout: Rollout, to: usize, now: Timestamp) -> Result<Rollout> {
    rollout.state = RolloutState::Running;
    rollout.step = to;
    rollout.step_started_at = now;
    if to + 1 >= rollout.plan.steps.len() {
        return finish(tx, rollout, now);
    }
    step(tx, rollout, Watch::default(), now)
}

/// Looks at a step: what the new revision did since it began, and whether to go on, wait, or go back.
pub fn run(platform: &Platform, job: &Claimed) -> Result<Outcome> {
    let reader = identity::local_user()?.edit().read();
    let rollout_id = job.job.payload["rollout"].as_str().unwrap_or_default().to_owned();
    let mut watch: Watch = serde_json::from_value(job.job.payload["watch"].clone()).map_err(Error::internal)?;
    let rollout = platform.db.read(|tx| rollouts::get(tx, &reader, &rollout_id))?;
    let began = format!(":{}:{}:", rollout.step, rollout.step_started_at.0);
    if rollout.state != RolloutState::Running || !job.job.key.contains(&began) {
        return Ok(Outcome::unchanged(json!({ "state": rollout.state })));
    }
    let now = platform.clock.now();
    let observed = observe::observe(platform, &rollout, &mut watch.seen, now)?;
    let since = watch.since.unwrap_or(rollout.step_started_at);
    let over = now >= since + rollout.plan.bake;
    let abort_if = conditions(&rollout.plan.abort_if)?;
    let look = Look {
        // The end of a step is looked at once and must be decided; on the way there only what is shown counts.
        broken: if over {
            observe::first(&abort_if, &observed, true)
        } else {
            observe::first_shown(&abort_if, &observed)
        },
        unmet: observe::first(&conditions(&rollout.plan.advance_if)?, &observed, false),
        over,
        extensions: watch.extensions,
        failures: watch.failures,
    };
    watch.failures += u32::from(look.broken.is_some());
    let next = rules::decide(&rollout, &observed, &look);
    let result = json!({ "observed": observed });
    let effects = move |tx: &mut Tx<'_>| {
        // A person may have ended or moved it since it was read.
        let current = rollouts::get(tx, &reader, &rollout.id)?;
        let same = current.state == RolloutState::Running && current.step_started_at == rollout.step_started_at;
        if same { go_on(tx, current, next, observed, watch, now) } else { Ok(()) }
    };
    Ok(Outcome { effects: Box::new(effects), result })
}

/// The conditions of a plan; they were read before, when it was made.
fn conditions(texts: &[String]) -> Result<Vec<Condition>> {
    texts.iter().map(|text| condition(text)).collect()
}

/// A condition on an endpoint while it serves.
///
/// # Errors
/// `InvalidInput` that says what is wrong with it.
pub(crate) fn condition(text: &str) -> Result<Condition> {
    Condition::parse(text, Scope::Abort, Task::Classification)
        .map_err(|error| Error::invalid(format!("the condition '{text}' is not understood: {}", error.message)))
}

fn go_on(
    tx: &mut Tx<'_>,
    mut rollout: Rollout,
    next: Next,
    observed: Observed,
    mut watch: Watch,
    now: Timestamp,
) -> Result<()> {
    let say = |rollout: &mut Rollout, text: String, share: u32| {
        rollout.decisions.push(StepDecision { at: now, text, share, observed: observed.clone() });
    };
    watch.look += 1;
    let seen = observed.requests + observed.agreement.as_ref().map_or(0, |agreement| agreement.compared);
    let sound = if seen > 0 { "sound" } else { "nobody asked for it" };
    match next {
        Next::Wait(_) => look_again(tx, &rollout, &watch, now),
        Next::Abort(reason) => {
            say(&mut rollout, format!("rolled back: {reason}"), 0);
            abort(tx, rollout, &reason, now).map(drop)
        }
        Next::Extend(reason) => {
            let share = rollout.share();
            say(&mut rollout, format!("watched longer: {reason}"), share);
            watch.extensions += 1;
            watch.since = Some(now);
            step(tx, rollout, watch, now).map(drop)
        }
        Next::Pause(reason) => {
            let share = rollout.share();
            say(&mut rollout, format!("paused: {reason}"), share);
            rollout.state = RolloutState::Paused;
            rollouts::save(tx, &permit(&rollout)?, &rollout)
        }
        Next::Advance(to) => {
            let share = rollout.plan.steps.get(to).copied().unwrap_or(ALL);
            say(&mut rollout, format!("{sound}; the share grows to {} %", f64::from(share) / 10.0), share);
            advance(tx, rollout, to, now).map(drop)
        }
        Next::Finish => {
            say(&mut rollout, format!("{sound}; it gets all traffic"), ALL);
            let last = rollout.plan.steps.len().saturating_sub(1);
            advance(tx, rollout, last, now).map(drop)
        }
    }
}
