//! Does what a remedy says.

use std::collections::HashSet;

use flyball_core::model::Interface;
use flyball_core::{Result, Timestamp};
use flyball_evaluation::store as gates;
use flyball_jobs::{NewJob, enqueue};
use flyball_registry::{CHALLENGER, CHAMPION, packages as registry};
use flyball_remedies::{PastAction, quarantine};
use flyball_serving::model::Revision;
use flyball_serving::rollout::{RolloutState, store as rollouts};
use flyball_serving::settings::CONCURRENCY;
use flyball_serving::store::{self as serving, NewRevision};
use flyball_store::Tx;
use serde_json::{Value, json};

use super::act::{Asks, tell};
use crate::declared::{Declared, is_fallback};
use crate::file::{Action, Limits};
use crate::platform::permit_of;
use crate::{rollout, train};

/// How many rollouts back an earlier version is looked for.
const ROLLOUTS: usize = 50;

/// What came of an action.
pub(super) enum Done {
    /// It was done.
    Yes {
        /// What it changed.
        effect: Value,
        /// Whether that is in effect already; a training and a canary take their time.
        in_effect: bool,
    },
    /// It cannot be done.
    No(String),
}

/// Does an action. `past` is what the loop's remedies did before, for trouble that began at `trouble_at`.
pub(super) fn perform(
    tx: &mut Tx<'_>,
    declared: &Declared,
    action: Action,
    reason: &str,
    (trouble_at, past): (Option<Timestamp>, &[PastAction]),
    limits: &Limits,
    now: Timestamp,
) -> Result<Done> {
    match action {
        Action::Retrain => retrain(tx, declared, reason, now),
        Action::Rollback => match earlier(tx, declared, past)? {
            None => Ok(Done::No("there is no earlier version to go back to".to_owned())),
            Some(revision) => switch(tx, declared, revision, now),
        },
        Action::Fallback => fall_back(tx, declared, now),
        Action::Promote => promote(tx, declared, now),
        Action::ScaleUp => scale(tx, declared, limits, |at_once| at_once.saturating_mul(2), now),
        Action::ScaleDown => scale(tx, declared, limits, |at_once| at_once / 2, now),
        Action::Quarantine => {
            let from = trouble_at.unwrap_or(now);
            quarantine::open(tx, &permit_of(&declared.name)?, declared.name.as_str(), from, reason, now)?;
            // Training stands still until the data is sound again: somebody should know.
            let summary = format!("nothing is learned from the data since {from}: {reason}");
            tell(tx, declared, Asks::Quarantine, summary, json!({}), now)?;
            Ok(Done::Yes { effect: json!({ "from": from.to_string() }), in_effect: true })
        }
        Action::Page => {
            tell(tx, declared, Asks::Page, format!("a person is needed: {reason}"), json!({}), now)?;
            Ok(Done::Yes { effect: Value::Null, in_effect: true })
        }
    }
}

fn retrain(tx: &mut Tx<'_>, declared: &Declared, reason: &str, now: Timestamp) -> Result<Done> {
    let name = declared.name.as_str();
    let key = format!("train:{name}:remedy:{}", now.0);
    let payload = json!({ "loop": name, "cause": format!("remedy: {reason}") });
    enqueue(tx, &NewJob::new(train::KIND, key, name, payload, now), now)?;
    Ok(Done::Yes { effect: Value::Null, in_effect: false })
}

/// The newest version of the loop that had the traffic before, that has it no more, and that no remedy went away from.
fn earlier(tx: &mut Tx<'_>, declared: &Declared, past: &[PastAction]) -> Result<Option<Revision>> {
    let permit = permit_of(&declared.name)?.read();
    let name = declared.name.as_str();
    let left = past.iter().filter(|action| action.is_taken()).filter_map(|action| action.effect["from"].as_str());
    let left: HashSet<&str> = left.collect();
    let now = rollout::serving_now(tx, name)?.map(|revision| revision.id.to_string());
    for old in rollouts::list(tx, &permit, name, ROLLOUTS)? {
        let (RolloutState::Succeeded, Some(from)) = (old.state, old.from_revision) else { continue };
        if now.as_deref() == Some(from.as_str()) || left.contains(from.as_str()) {
            continue;
        }
        let revision = serving::revision(tx, &from)?;
        if !is_fallback(revision.model.as_ref()) {
            return Ok(Some(revision));
        }
    }
    Ok(None)
}

/// Gives all traffic to a revision at once.
fn switch(tx: &mut Tx<'_>, declared: &Declared, to: Revision, now: Timestamp) -> Result<Done> {
    let from = rollout::serving_now(tx, declared.name.as_str())?;
    let effect = json!({
        "from": from.as_ref().map(|revision| revision.id.to_string()), "to": to.id.to_string(),
        "from_version": from.as_ref().map(|revision| revision.version), "to_version": to.version,
        "to_model": to.model.to_string(),
    });
    rollout::switch(tx, declared, to, now)?;
    Ok(Done::Yes { effect, in_effect: true })
}

fn fall_back(tx: &mut Tx<'_>, declared: &Declared, now: Timestamp) -> Result<Done> {
    let permit = permit_of(&declared.name)?;
    let name = declared.name.as_str();
    let Some(version) = registry::by_alias(tx, &permit.read(), &declared.fallback_model(), CHAMPION)? else {
        return Ok(Done::No("no fallback model was trained yet".to_owned()));
    };
    if rollout::serving_now(tx, name)?.is_some_and(|revision| is_fallback(revision.model.as_ref())) {
        return Ok(Done::No("the fallback serves already".to_owned()));
    }
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
    switch(tx, declared, revision, now)
}

/// Rolls the challenger out, if it passed its gates.
fn promote(tx: &mut Tx<'_>, declared: &Declared, now: Timestamp) -> Result<Done> {
    let permit = permit_of(&declared.name)?.read();
    let Some(version) = registry::by_alias(tx, &permit, declared.name.as_str(), CHALLENGER)? else {
        return Ok(Done::No("there is no challenger".to_owned()));
    };
    let passed = gates::get(tx, &permit, &version.run_id)?.is_some_and(|report| report.passed);
    if !passed {
        return Ok(Done::No(format!("the challenger, version {}, did not pass its gates", version.version)));
    }
    rollout::start(tx, declared, version.version, now)?;
    Ok(Done::Yes { effect: json!({ "to_version": version.version }), in_effect: false })
}

/// Changes how many requests the endpoint answers at the same time, within the remedy's bounds.
fn scale(
    tx: &mut Tx<'_>,
    declared: &Declared,
    limits: &Limits,
    change: impl Fn(usize) -> usize,
    now: Timestamp,
) -> Result<Done> {
    let permit = permit_of(&declared.name)?;
    let mut settings = serving::owned_endpoint(tx, &permit, declared.name.as_str())?.settings;
    let before = settings.max_concurrency.unwrap_or(CONCURRENCY);
    let (fewest, most) = limits.concurrency;
    let after = change(before).clamp(fewest as usize, most as usize);
    if after == before {
        return Ok(Done::No(format!("{before} requests at the same time are the bound")));
    }
    settings.max_concurrency = Some(after);
    serving::set_settings(tx, &permit, &declared.name, &settings, now)?;
    Ok(Done::Yes { effect: json!({ "concurrency": { "before": before, "after": after } }), in_effect: true })
}
