//! What a route has to be told now, and when to look again, as a pure decision.

use flyball_core::{Duration, Error, Result, Timestamp};
use serde::{Deserialize, Serialize};

use crate::alert::AlertState;
use crate::alert::model::words;

words! {
    /// What a route is told.
    Event, "an event" {
        /// Alerts fire.
        Trigger => "trigger",
        /// Somebody has taken them on.
        Acknowledge => "acknowledge",
        /// They are gone.
        Resolve => "resolve",
    }
}

/// An open alert, as far as a route is concerned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member<'a> {
    pub(super) id: &'a str,
    pub(super) state: AlertState,
    pub(super) fired_at: Timestamp,
    /// Nobody is to be told of it before this moment.
    pub(super) quiet_until: Option<Timestamp>,
}

/// What the route was told last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) number: i64,
    pub(super) event: Event,
    pub(super) at: Timestamp,
    /// Of which alerts.
    pub(super) alerts: Vec<String>,
}

/// How a route wants to be told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rhythm {
    /// Only of what nobody took on for so long.
    pub(super) after: Duration,
    /// After how long it is told again.
    pub(super) repeat: Duration,
    /// After how long it is told again even if somebody took it on, for receivers that forget.
    pub(super) refresh: Option<Duration>,
    /// For how long after a resolution nothing is told as firing.
    pub(super) cool_down: Duration,
}

/// What to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Next {
    pub(super) tell: Option<Event>,
    /// Of which alerts: those that the route knows of, and those that are new to it.
    pub(super) about: Vec<String>,
    /// When to look again if nothing else happens before.
    pub(super) look: Option<Timestamp>,
}

/// Decides it. `members` are the open alerts of one kind that are bad enough for the route.
pub(super) fn next(members: &[Member<'_>], told: Option<&Told>, rhythm: Rhythm, now: Timestamp) -> Next {
    let open_told = told.filter(|told| told.event != Event::Resolve);
    let mut about: Vec<String> = open_told.map(|told| told.alerts.clone()).unwrap_or_default();
    if members.is_empty() {
        return Next { tell: open_told.map(|_| Event::Resolve), about, look: None };
    }
    let is_loud = |member: &&Member<'_>| member.quiet_until.is_none_or(|until| until <= now);
    let loud: Vec<&Member<'_>> = members.iter().filter(is_loud).collect();
    // An alert that another one explains has no end of its silence that could be waited for.
    let quiet_ends = members.iter().filter_map(|member| member.quiet_until);
    let mut look = quiet_ends.filter(|until| *until > now && *until < FOREVER).min();
    let mut look_at = |at: Timestamp| look = Some(look.map_or(at, |look| look.min(at)));
    let firing: Vec<&Member<'_>> = loud.iter().copied().filter(|one| one.state == AlertState::Firing).collect();
    let ripe: Vec<&Member<'_>> = firing.iter().copied().filter(|one| one.fired_at + rhythm.after <= now).collect();
    firing.iter().map(|member| member.fired_at + rhythm.after).filter(|at| *at > now).for_each(&mut look_at);
    let tell = match told {
        _ if loud.is_empty() => None,
        Some(Told { event: Event::Resolve, at, .. }) if !ripe.is_empty() && now < *at + rhythm.cool_down => {
            look_at(*at + rhythm.cool_down);
            None
        }
        _ if !ripe.is_empty() => triggered(&ripe, open_told, rhythm, now, &mut look_at),
        Some(Told { event: Event::Trigger, .. }) if firing.is_empty() => Some(Event::Acknowledge),
        Some(Told { event: Event::Acknowledge, at, .. }) => {
            let due = rhythm.refresh.map(|refresh| *at + refresh);
            due.filter(|due| *due > now).into_iter().for_each(&mut look_at);
            due.filter(|due| *due <= now).map(|_| Event::Acknowledge)
        }
        _ => None,
    };
    if let Some(event) = tell {
        let again = rhythm.refresh.or((event == Event::Trigger).then_some(rhythm.repeat));
        again.map(|again| now + again).into_iter().for_each(&mut look_at);
    }
    let taken = loud.iter().filter(|member| member.state == AlertState::Acknowledged).copied();
    for member in ripe.iter().copied().chain(taken) {
        if !about.iter().any(|id| id == member.id) {
            about.push(member.id.to_owned());
        }
    }
    Next { tell, about, look }
}

/// The end of a silence that nobody can know.
pub(super) const FOREVER: Timestamp = Timestamp(i64::MAX);

/// Fires what is new, or what was told long ago.
fn triggered(
    ripe: &[&Member<'_>],
    open_told: Option<&Told>,
    rhythm: Rhythm,
    now: Timestamp,
    look_at: &mut impl FnMut(Timestamp),
) -> Option<Event> {
    let Some(told) = open_told else { return Some(Event::Trigger) };
    let is_new = ripe.iter().any(|member| !told.alerts.iter().any(|id| id == member.id));
    let again = told.at + rhythm.refresh.unwrap_or(rhythm.repeat);
    if is_new || now >= again {
        return Some(Event::Trigger);
    }
    look_at(again);
    None
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
