//! Remedies: when a condition on the newest windows holds or the calendar says so, the action is taken within its limits,
//! or what holds it back is recorded.

use flyball_core::model::Interface;
use flyball_core::{Duration, Permit, Read, Result, Timestamp};
use flyball_governance::identity;
use flyball_jobs::{Claimed, NewJob, Outcome, enqueue};
use flyball_monitoring::alert::{AlertKind, Finding};
use flyball_monitoring::{WindowReport, store as monitoring};
use flyball_registry::{CHAMPION, packages as registry};
use flyball_remedies::{PastAction, rules, store as remedies};
use flyball_serving::rollout::{RolloutState, store as rollouts};
use flyball_serving::store::{self as serving, NewRevision};
use flyball_store::Tx;
use serde_json::json;

use crate::declared::{self, Declared};
use crate::file::{Action, Remedy, Schedule, Trigger};
use crate::platform::{Platform, permit_of};
use crate::{rollout, train};

/// The kind of the job of a remedy that acts by the calendar.
pub const SCHEDULED: &str = "loop.scheduled";

fn windows_of(trigger: &Trigger) -> u32 {
    match trigger {
        Trigger::When(condition) => condition.windows(),
        Trigger::Every(_) => 1,
    }
}

/// Lets the remedies act whose conditions hold on the newest windows, of which `report` is the one just closed.
pub(crate) fn consider(tx: &mut Tx<'_>, declared: &Declared, report: &WindowReport, now: Timestamp) -> Result<()> {
    let permit = permit_of(&declared.name)?;
    // Newest first; the window just closed is the first.
    let most = declared.file.remedies.iter().map(|remedy| windows_of(&remedy.trigger)).max().unwrap_or(1);
    let history = monitoring::windows_until(tx, &permit.read(), declared.name.as_str(), report.from, most as usize)?;
    for (position, remedy) in declared.file.remedies.iter().enumerate() {
        let Trigger::When(condition) = &remedy.trigger else { continue };
        let wanted = condition.windows() as usize;
        let verdicts: Vec<_> = history.iter().take(wanted).map(|window| condition.evaluate(window)).collect();
        let holds = verdicts.len() == wanted && verdicts.iter().all(|verdict| verdict.holds == Some(true));
        if let (true, Some(newest)) = (holds, verdicts.first()) {
            let evidence = json!({ "window": report.from.to_string(), "condition": newest.explain() });
            act(tx, declared, position, remedy, &newest.explain(), evidence, now)?;
        }
    }
    Ok(())
}

/// Plans the next calendar action of a remedy.
pub fn plan_scheduled(
    tx: &mut Tx<'_>,
    declared: &Declared,
    position: usize,
    remedy: &Remedy,
    now: Timestamp,
) -> Result<()> {
    let Trigger::Every(schedule) = &remedy.trigger else { return Ok(()) };
    let due = next_of(*schedule, now);
    let key = format!("scheduled:{}:{position}:{}", declared.name, due.0);
    let payload = json!({ "loop": declared.name, "remedy": position });
    enqueue(tx, &NewJob::new(SCHEDULED, key, declared.name.as_str(), payload, due), now).map(drop)
}

/// The next moment of a schedule after `now`.
fn next_of(schedule: Schedule, now: Timestamp) -> Timestamp {
    match schedule {
        Schedule::Span(span) => now + span,
        Schedule::Month => (now.month_start() + Duration::days(32)).month_start(),
    }
}

/// Runs a calendar action.
pub fn run_scheduled(platform: &Platform, job: &Claimed) -> Result<Outcome> {
    let permit = identity::local_user()?.edit().read();
    let name = job.job.payload["loop"].as_str().unwrap_or_default().to_owned();
    let position = usize::try_from(job.job.payload["remedy"].as_u64().unwrap_or(0)).unwrap_or(0);
    let declared = platform.db.read(|tx| declared::get(tx, &permit, &name))?;
    let now = platform.clock.now();
    let effects = move |tx: &mut Tx<'_>| {
        // The file may have changed since the action was planned.
        let Some(remedy) = declared.file.remedies.get(position) else { return Ok(()) };
        let Trigger::Every(schedule) = &remedy.trigger else { return Ok(()) };
        let reason = match schedule {
            Schedule::Span(span) => format!("every {span}"),
            Schedule::Month => "the first of the month".to_owned(),
        };
        act(tx, &declared, position, remedy, &reason, json!({}), now)?;
        plan_scheduled(tx, &declared, position, remedy, now)
    };
    Ok(Outcome { effects: Box::new(effects), result: json!({}) })
}

/// Lets a remedy act, or records what holds it back.
fn act(
    tx: &mut Tx<'_>,
    declared: &Declared,
    position: usize,
    remedy: &Remedy,
    reason: &str,
    evidence: serde_json::Value,
    now: Timestamp,
) -> Result<()> {
    let permit = permit_of(&declared.name)?;
    let name = declared.name.as_str();
    let past = remedies::since(tx, &permit.read(), name, now - Duration::days(400))?;
    let busy = under_way(tx, &permit.read(), declared)?;
    let mut held = rules::held_back(position, &remedy.limits, &past, busy.as_deref(), now);
    if held.is_none() {
        held = perform(tx, declared, position, remedy, reason, now)?;
    }
    let action = PastAction {
        remedy: position,
        action: remedy.action.as_str().to_owned(),
        at: now,
        taken: held.is_none(),
        reason: held.map_or_else(|| reason.to_owned(), |held| format!("{reason}; held back: {held}")),
        evidence,
    };
    remedies::record(tx, &permit, name, &action)
}

/// What is under way on the loop's endpoint: a rollout or a training.
fn under_way(tx: &mut Tx<'_>, permit: &Permit<Read>, declared: &Declared) -> Result<Option<String>> {
    if let Some(rollout) = rollouts::under_way(tx, permit, declared.name.as_str())? {
        return Ok(Some(format!("the rollout of {}", rollout.to_revision)));
    }
    let training = flyball_jobs::unfinished(tx, train::KIND, declared.name.as_str())?;
    Ok(training.then(|| "a training".to_owned()))
}

/// Does what the remedy says. Answers why it could not, when it could not.
fn perform(
    tx: &mut Tx<'_>,
    declared: &Declared,
    position: usize,
    remedy: &Remedy,
    reason: &str,
    now: Timestamp,
) -> Result<Option<String>> {
    let permit = permit_of(&declared.name)?;
    let name = declared.name.as_str();
    match remedy.action {
        Action::Retrain => {
            let cause = format!("remedy {}: {reason}", position + 1);
            let key = format!("train:{name}:{position}:{}", now.0);
            let payload = json!({ "loop": name, "cause": cause });
            enqueue(tx, &NewJob::new(train::KIND, key, name, payload, now), now)?;
            Ok(None)
        }
        Action::Rollback => {
            let succeeded = |state| state == RolloutState::Succeeded;
            let last = rollouts::list(tx, &permit.read(), name, 20)?.into_iter().find(|r| succeeded(r.state));
            match last.and_then(|rollout| rollout.from_revision) {
                None => Ok(Some("there is no earlier version to go back to".to_owned())),
                Some(earlier) => {
                    let revision = serving::revision(tx, &earlier)?;
                    rollout::switch(tx, declared, revision, now)?;
                    Ok(None)
                }
            }
        }
        Action::Fallback => match registry::by_alias(tx, &permit.read(), &declared.fallback_model(), CHAMPION)? {
            None => Ok(Some("no fallback model was trained yet".to_owned())),
            Some(version) => {
                let model = version.model.parse()?;
                let new = NewRevision {
                    endpoint: &declared.name,
                    model: &model,
                    version: version.version,
                    artifact: version.artifact,
                    loop_name: Some(&declared.name),
                    interface: Some(Interface::Rows(version.signature)),
                    memory: 0,
                };
                let revision = serving::create_revision(tx, &permit, &new, now)?;
                rollout::switch(tx, declared, revision, now)?;
                Ok(None)
            }
        },
        Action::Page => {
            let summary = format!("a person is needed: {reason}");
            let finding = Finding { kind: AlertKind::Page, present: true, summary, details: json!({}) };
            monitoring::apply(tx, &permit, name, &finding, now)?;
            Ok(None)
        }
    }
}
