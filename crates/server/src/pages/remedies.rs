//! What remedies did and what waits for a person.

use flyball_core::{Duration, Permit, Read, Result, Timestamp};
use flyball_loops::platform::Platform;
use flyball_monitoring::diagnosis::Cause;
use flyball_remedies::{Help, PastAction, Pause, State as Stands, pause, store as remedies};
use flyball_web::{Badge, Fact, Link, RemediesPage, RemedyRow, Section, State, WaitingRow, format, links};
use serde::Deserialize;

use super::shell;

/// How many actions the page shows.
const SHOWN: usize = 200;
/// How many causes of its trouble are told with an action.
const CAUSES: usize = 3;

/// The whole page.
pub(crate) fn page(platform: &Platform, permit: &Permit<Read>) -> Result<RemediesPage> {
    let now = platform.clock.now();
    let (waiting, actions, pauses) = platform.db.read(|tx| {
        let waiting = remedies::waiting(tx, permit, None, now)?;
        Ok::<_, flyball_core::Error>((waiting, remedies::newest(tx, permit, None, SHOWN)?, pause::all(tx, permit)?))
    })?;
    Ok(RemediesPage {
        shell: shell(platform, permit, Section::Loops)?,
        pauses: pauses.iter().map(paused).collect(),
        waiting: waiting.iter().map(waiting_row).collect(),
        facts: recovery(&actions),
        actions: actions
            .iter()
            .map(|action| RemedyRow {
                loop_name: Link::new(action.loop_name.clone(), links::loop_page(&action.loop_name)),
                ..remedy_row(action, now)
            })
            .collect(),
    })
}

fn paused(pause: &Pause) -> String {
    match &pause.loop_name {
        Some(name) => format!("{name}: {pause}"),
        None => pause.to_string(),
    }
}

fn waiting_row(action: &PastAction) -> WaitingRow {
    WaitingRow {
        loop_name: Link::new(action.loop_name.clone(), links::loop_page(&action.loop_name)),
        action: action.action.clone(),
        until: action.expires_at.unwrap_or(action.at),
        evidence: action.reason.clone(),
        approve: links::remedy_decision(&action.id, "approve"),
        deny: links::remedy_decision(&action.id, "deny"),
    }
}

/// How many actions helped, and how long recovery took.
fn recovery(actions: &[PastAction]) -> Vec<Fact> {
    let count = |help: Help| actions.iter().filter(|action| action.help == Some(help)).count() as u64;
    let mut times: Vec<i64> = actions.iter().filter_map(PastAction::recovery_ms).collect();
    let mut facts = vec![
        Fact::new("helped", format::count(count(Help::Helped))),
        Fact::new("did not help", format::count(count(Help::Useless))),
    ];
    if !times.is_empty() {
        times.sort_unstable();
        let mean = times.iter().sum::<i64>() / times.len() as i64;
        let took = |millis: i64| Duration::millis(millis).to_string();
        facts.push(Fact::new("mean time to recovery", took(mean)));
        facts.push(Fact::new("longest", took(times[times.len() - 1])));
    }
    facts
}

/// An action in a list.
pub(crate) fn remedy_row(action: &PastAction, now: Timestamp) -> RemedyRow {
    let badge = match (action.state_at(now), action.help) {
        (Stands::Taken, Some(Help::Helped)) => Badge::new(State::Ok, "helped"),
        (Stands::Taken, Some(Help::Useless)) => Badge::new(State::Failed, "did not help"),
        (Stands::Taken, _) => Badge::new(State::Ok, "taken"),
        (Stands::Waiting, _) => Badge::new(State::Active, "waits for approval"),
        (Stands::Held, _) => Badge::new(State::Attention, "held back"),
        (Stands::DryRun, _) => Badge::new(State::Idle, "dry run"),
        (Stands::Denied, _) => Badge::new(State::Attention, "refused"),
        (Stands::Expired, _) => Badge::new(State::Attention, "expired"),
    };
    let causes = action.diagnosis.as_array().map(Vec::as_slice).unwrap_or_default();
    // A diagnosis of another version of the program may have other keys; it is left out.
    let causes = causes.iter().filter_map(|cause| Cause::deserialize(cause).ok());
    let mut told: Vec<String> = causes.take(CAUSES).map(|cause| cause.shown()).collect();
    told.extend(action.recovery_ms().map(|millis| format!("recovered after {}", Duration::millis(millis))));
    RemedyRow {
        at: action.at,
        action: Link::plain(action.action.replace('_', " ")),
        loop_name: Link::default(),
        badge,
        evidence: action.reason.clone(),
        diagnosis: told.join("; "),
    }
}
