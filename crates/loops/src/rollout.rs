//! Moves an endpoint's traffic to a new version, step by step, and back when a condition says so.

use flyball_core::{Duration, Error, Result, Timestamp, id};
use flyball_evaluation::expression::{Aggregate, Condition, Facts, Measured, Subject};
use flyball_governance::identity;
use flyball_jobs::{Claimed, NewJob, Outcome, enqueue};
use flyball_monitoring::alert::{AlertKind, Finding};
use flyball_monitoring::store as monitoring;
use flyball_registry::{CHALLENGER, CHAMPION, packages as registry};
use flyball_serving::model::{Revision, Share};
use flyball_serving::record_columns as columns;
use flyball_serving::rollout::rules::{self, Next};
use flyball_serving::rollout::{Observed, Rollout, RolloutPlan, RolloutState, StepDecision, store as rollouts};
use flyball_serving::store::{self as serving, NewRevision};
use flyball_store::Tx;
use serde_json::json;

use crate::declared::{self, Declared};
use crate::file::{LoopFile, Strategy};
use crate::platform::{Platform, permit_of};

/// The kind of the job that ends a step.
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
    };
    let revision = serving::create_revision(tx, &permit, &new, now)?;
    let champion = registry::by_alias(tx, &permit.read(), declared.name.as_str(), CHAMPION)?;
    match (champion, serving_now(tx, declared)?) {
        (Some(_), Some(old)) if old.id != revision.id => {
            move_traffic(tx, declared, Some(old), revision, plan_of(&declared.file), now)
        }
        _ => move_traffic(tx, declared, None, revision, direct(), now),
    }
}

/// Takes all traffic to a revision that served before, or to the fallback, at once.
pub fn switch(tx: &mut Tx<'_>, declared: &Declared, to: Revision, now: Timestamp) -> Result<()> {
    let old = serving_now(tx, declared)?;
    move_traffic(tx, declared, old, to, direct(), now)
}

/// The revision with the largest share of the traffic now.
fn serving_now(tx: &mut Tx<'_>, declared: &Declared) -> Result<Option<Revision>> {
    let shares = serving::traffic(tx, declared.name.as_str())?;
    let largest = shares.iter().max_by_key(|share| share.per_mille);
    largest.map(|share| serving::revision(tx, &share.revision_id)).transpose()
}

fn set_traffic(tx: &mut Tx<'_>, declared: &Declared, split: &[(&str, u32)], now: Timestamp) -> Result<()> {
    let share = |&(revision, share): &(&str, u32)| {
        let per_mille = u16::try_from(share).map_err(Error::internal)?;
        Ok(Share { revision_id: revision.into(), per_mille })
    };
    let shares = split.iter().map(share).collect::<Result<Vec<_>>>()?;
    serving::set_traffic(tx, &permit_of(&declared.name)?, &declared.name, &shares, now)
}

fn direct() -> RolloutPlan {
    RolloutPlan { steps: vec![ALL], bake: Duration::ZERO, abort_if: Vec::new() }
}

fn plan_of(file: &LoopFile) -> RolloutPlan {
    match &file.deploy.strategy {
        Strategy::Direct => direct(),
        Strategy::Canary { steps, bake } => RolloutPlan {
            steps: steps.iter().map(|share| (share * f64::from(ALL)).round() as u32).collect(),
            bake: *bake,
            abort_if: file.deploy.abort_if.iter().map(|condition| condition.text().to_owned()).collect(),
        },
    }
}

fn move_traffic(
    tx: &mut Tx<'_>,
    declared: &Declared,
    from: Option<Revision>,
    to: Revision,
    plan: RolloutPlan,
    now: Timestamp,
) -> Result<()> {
    let share = plan.steps.first().copied().unwrap_or(ALL);
    let text = match &from {
        None => format!("version {} gets all traffic", to.version),
        Some(_) if share == ALL => format!("version {} gets all traffic at once", to.version),
        Some(old) => {
            format!(
                "version {} gets {} % of the traffic, version {} keeps the rest",
                to.version,
                share / 10,
                old.version
            )
        }
    };
    let rollout = Rollout {
        id: id::derived_at("rol", &to.id, now, 0),
        endpoint: declared.name.to_string(),
        loop_name: declared.name.to_string(),
        from_revision: from.map(|revision| revision.id.to_string()),
        to_revision: to.id.to_string(),
        plan,
        step: 0,
        state: RolloutState::Running,
        started_at: now,
        step_started_at: now,
        ended_at: None,
        decisions: vec![StepDecision { at: now, text, share, observed: Observed::default() }],
    };
    if share == ALL { finish(tx, declared, rollout, now) } else { step(tx, declared, rollout, 0, now) }
}

/// Sets the split of the rollout's step and plans the moment when it is looked at.
fn step(tx: &mut Tx<'_>, declared: &Declared, rollout: Rollout, extension: usize, now: Timestamp) -> Result<()> {
    let permit = permit_of(&declared.name)?;
    let share = rollout.share();
    // The growing revision stands last, so that each key moves to it once.
    let old = rollout.from_revision.iter().map(|old| (old.as_str(), ALL - share));
    let split: Vec<(&str, u32)> = old.chain([(rollout.to_revision.as_str(), share)]).collect();
    set_traffic(tx, declared, &split, now)?;
    let key = format!("{}:{}:{extension}", rollout.id, rollout.step);
    let payload = json!({ "loop": declared.name, "rollout": rollout.id, "extension": extension });
    enqueue(tx, &NewJob::new(KIND, key, declared.name.as_str(), payload, now + rollout.plan.bake), now)?;
    rollouts::save(tx, &permit, &rollout)
}

/// Gives the new revision everything and moves the aliases.
fn finish(tx: &mut Tx<'_>, declared: &Declared, mut rollout: Rollout, now: Timestamp) -> Result<()> {
    let permit = permit_of(&declared.name)?;
    let name = declared.name.as_str();
    set_traffic(tx, declared, &[(&rollout.to_revision, ALL)], now)?;
    rollout.state = RolloutState::Succeeded;
    rollout.ended_at = Some(now);
    rollouts::save(tx, &permit, &rollout)?;
    let revision = serving::revision(tx, &rollout.to_revision)?;
    if *revision.model == *name {
        registry::set_alias(tx, &permit, name, CHAMPION, revision.version, "its rollout succeeded", now)?;
        registry::remove_alias(tx, &permit, name, CHALLENGER, "it is the champion now", now)?;
    }
    let calm =
        Finding { kind: AlertKind::Rollout, present: false, summary: "a rollout succeeded".into(), details: json!({}) };
    monitoring::apply(tx, &permit, name, &calm, now)
}

/// Gives everything back to the old revision.
fn abort(tx: &mut Tx<'_>, declared: &Declared, mut rollout: Rollout, reason: &str, now: Timestamp) -> Result<()> {
    let permit = permit_of(&declared.name)?;
    let name = declared.name.as_str();
    if let Some(old) = &rollout.from_revision {
        set_traffic(tx, declared, &[(old, ALL)], now)?;
    }
    rollout.state = RolloutState::Aborted;
    rollout.ended_at = Some(now);
    rollouts::save(tx, &permit, &rollout)?;
    registry::remove_alias(tx, &permit, name, CHALLENGER, reason, now)?;
    let finding = Finding {
        kind: AlertKind::Rollout,
        present: true,
        summary: format!("rolled back: {reason}"),
        details: json!({ "rollout": rollout.id }),
    };
    monitoring::apply(tx, &permit, name, &finding, now)
}

/// Ends a step: looks at what the new revision did since the step began, and goes on, waits, or goes back.
pub fn run(platform: &Platform, job: &Claimed) -> Result<Outcome> {
    let permit = identity::local_user()?.edit().read();
    let name = job.job.payload["loop"].as_str().unwrap_or_default().to_owned();
    let rollout_id = job.job.payload["rollout"].as_str().unwrap_or_default().to_owned();
    let extension = usize::try_from(job.job.payload["extension"].as_u64().unwrap_or(0)).unwrap_or(0);
    let (declared, rollout) =
        platform.db.read(|tx| Ok((declared::get(tx, &permit, &name)?, rollouts::get(tx, &permit, &rollout_id)?)))?;
    if rollout.state != RolloutState::Running {
        return Ok(Outcome { effects: Box::new(|_| Ok(())), result: json!({ "state": rollout.state }) });
    }
    let now = platform.clock.now();
    let observed = observe(platform, &rollout, now)?;
    let broken = first_broken(&declared.file.deploy.abort_if, &observed);
    let next = rules::decide(&rollout, &observed, broken, extension);
    let result = json!({ "observed": observed });
    let effects = move |tx: &mut Tx<'_>| decide(tx, &declared, rollout, next, observed, extension, now);
    Ok(Outcome { effects: Box::new(effects), result })
}

fn decide(
    tx: &mut Tx<'_>,
    declared: &Declared,
    mut rollout: Rollout,
    next: Next,
    observed: Observed,
    extension: usize,
    now: Timestamp,
) -> Result<()> {
    let say = |rollout: &mut Rollout, text: String, share: u32| {
        rollout.decisions.push(StepDecision { at: now, text, share, observed: observed.clone() });
    };
    match next {
        Next::Abort(reason) => {
            say(&mut rollout, format!("rolled back: {reason}"), 0);
            abort(tx, declared, rollout, &reason, now)
        }
        Next::Extend(reason) => {
            let share = rollout.share();
            say(&mut rollout, format!("watched longer: {reason}"), share);
            step(tx, declared, rollout, extension + 1, now)
        }
        Next::Advance(position) => {
            rollout.step = position;
            rollout.step_started_at = now;
            let share = rollout.share();
            say(&mut rollout, format!("sound; the share grows to {} %", share / 10), share);
            step(tx, declared, rollout, 0, now)
        }
        Next::Finish => {
            rollout.step = rollout.plan.steps.len().saturating_sub(1);
            rollout.step_started_at = now;
            say(&mut rollout, "sound; it gets all traffic".into(), ALL);
            finish(tx, declared, rollout, now)
        }
    }
}

/// What the new revision did since its step began.
fn observe(platform: &Platform, rollout: &Rollout, now: Timestamp) -> Result<Observed> {
    let records = platform.serving.records(&rollout.endpoint, rollout.step_started_at, now)?;
    if records.rows() == 0 {
        return Ok(Observed::default());
    }
    let (revisions, errors) = (records.column(columns::REVISION)?, records.column(columns::ERROR)?);
    let own =
        (0..records.rows()).filter(|&row| revisions.value(row).text().as_deref() == Some(rollout.to_revision.as_str()));
    let mut seen = Observed::default();
    for row in own {
        seen.requests += 1;
        seen.errors += u64::from(!errors.is_missing(row));
    }
    let snapshot = platform.serving.snapshot().into_iter().flat_map(|endpoint| endpoint.revisions);
    let counters =
        snapshot.into_iter().find(|live| *live.revision.id == *rollout.to_revision).map(|live| live.counters);
    // Under a virtual clock nothing takes time, and there is no latency to speak of.
    seen.latency_p99_ms = counters.map(|c| c.latency.quantile_nanos(0.99) as f64 / 1e6).filter(|ms| *ms > 0.0);
    Ok(seen)
}

/// The first abort condition that holds, with its values.
fn first_broken(conditions: &[Condition], observed: &Observed) -> Option<String> {
    conditions.iter().find_map(|condition| {
        let verdict = condition.evaluate(&Behaviour(observed));
        (verdict.holds == Some(true)).then(|| verdict.explain())
    })
}

/// The observed behaviour of a revision as facts for conditions.
struct Behaviour<'a>(&'a Observed);

impl Facts for Behaviour<'_> {
    fn value(&self, subject: Subject, metric: &str) -> Option<Measured> {
        let value = match (subject, metric) {
            (Subject::Current, "error_rate") => self.0.error_rate(),
            (Subject::Current, "latency_p99_ms") => self.0.latency_p99_ms,
            _ => None,
        };
        let note = Some(format!("{} requests", self.0.requests));
        value.map(|value| Measured { value, low: None, high: None, note })
    }

    fn by_group(&self, _aggregate: Aggregate, _metric: &str, _column: &str) -> Option<Measured> {
        None
    }

    fn flag(&self, _name: &str) -> Option<bool> {
        None
    }
}
