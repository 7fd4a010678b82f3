//! One alert: what it is, since when, how bad, why, what was done, and what to do next.

use flyball_core::{Duration, Edit, Error, Permit, Read, Result, Timestamp};
use flyball_loops::platform::Platform;
use flyball_monitoring::alert::silence::{self, Matcher, NewSilence};
use flyball_monitoring::alert::{Alert, AlertState, Change, Severity, store};
use flyball_monitoring::notify::{Delivery, Evidence, deliveries, outbox};
use flyball_remedies::store as remedies;
use flyball_store::Tx;
use flyball_web::{AlertPage, AlertStep, Badge, DeliveryRow, Fact, Link, Section, State, format, links};

use super::{period, shell};

/// How many actions of remedies are told.
const ACTIONS: usize = 10;
/// How many deliveries are told.
const DELIVERIES: usize = 50;
/// How many silences are looked at.
const SILENCES: usize = 500;
/// For how long a silence from the page lasts when the form does not say, a night, and at most, a week.
const USUAL_HOURS: i64 = 8;
const MOST_HOURS: i64 = 168;

/// The state as a badge; a firing alert is as red as it is bad.
pub(crate) fn badge(alert: &Alert) -> Badge {
    let state = match (alert.state, alert.severity) {
        (AlertState::Firing, Severity::Critical | Severity::Error) => State::Failed,
        (AlertState::Firing, _) => State::Attention,
        (AlertState::Acknowledged, _) => State::Active,
        (AlertState::Pending, _) => State::Idle,
        (AlertState::Resolved, _) => State::Ok,
    };
    Badge::new(state, alert.state.as_str())
}

/// The page.
pub(crate) fn page(platform: &Platform, permit: &Permit<Read>, id: &str) -> Result<AlertPage> {
    let now = platform.clock.now();
    let (alert, history, told, silenced, actions) = platform.db.read(|tx| {
        let alert = store::get(tx, permit, id)?;
        let silences = silence::list(tx, permit, SILENCES)?;
        let silenced = silence::silenced_until(&silences, &alert, now);
        let history = store::history(tx, &alert)?;
        let told = deliveries(tx, permit, None, Some(&alert.id), DELIVERIES)?;
        let actions = remedies::since(tx, permit, &alert.loop_name, alert.opened_at)?;
        Ok((alert, history, told, silenced, actions))
    })?;
    let mut evidence = Evidence::of(alert.kind, &alert.details);
    let window = window(&alert);
    if window.is_some() {
        evidence.facts.retain(|(name, _)| !matches!(name.as_str(), "from" | "to"));
    }
    let over = |at: Timestamp| alert.resolved_at.is_none_or(|end| at <= end);
    let taken = actions.iter().filter(|action| over(action.at)).take(ACTIONS);
    let mut done = evidence.done;
    done.extend(taken.map(|action| format!("{}: {} ({})", format::minute(action.at), action.action, action.reason)));
    Ok(AlertPage {
        shell: shell(platform, permit, Section::Alerts)?,
        summary: alert.summary.clone(),
        badge: badge(&alert),
        facts: facts(&alert, silenced).into_iter().chain(window).collect(),
        evidence: evidence.facts.into_iter().map(|(name, value)| Fact::new(name, value)).collect(),
        diagnosis: evidence.diagnosis,
        done,
        next: evidence.next,
        runbook: alert.runbook.clone().unwrap_or_default(),
        acknowledge: (alert.state == AlertState::Firing).then(|| links::alert_decision(&alert.id, "acknowledge")),
        resolve: (alert.state != AlertState::Resolved).then(|| links::alert_decision(&alert.id, "resolve")),
        silence: (alert.is_open() && silenced.is_none()).then(|| links::alert_decision(&alert.id, "silence")),
        history: history.iter().map(step).collect(),
        told: told.iter().map(delivery).collect(),
    })
}

/// What a form of the page sends.
#[derive(Debug, Default)]
pub(crate) struct Form {
    note: String,
    hours: Option<i64>,
}

impl Form {
    /// Reads the body of a form; fields that it does not know mean nothing.
    pub(crate) fn read(body: &str) -> Result<Self> {
        let mut form = Self::default();
        for (name, value) in form_urlencoded::parse(body.as_bytes()) {
            match &*name {
                "note" => form.note = value.into_owned(),
                "hours" => {
                    let hours = value.parse().ok().filter(|hours| (1..=MOST_HOURS).contains(hours));
                    form.hours = Some(hours.ok_or_else(|| {
                        Error::invalid(format!("a silence lasts 1 to {MOST_HOURS} hours here"))
                            .hint("longer ones, and ones that come back: `flyball alerts silence`")
                    })?);
                }
                _ => {}
            }
        }
        Ok(form)
    }
}

/// Does what a button says.
pub(crate) fn decide(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    (id, decision): (&str, &str),
    form: &Form,
    now: Timestamp,
) -> Result<()> {
    match decision {
        "acknowledge" => store::acknowledge(tx, permit, id, &form.note, now).map(drop),
        "resolve" => store::resolve(tx, permit, id, &form.note, now).map(drop),
        "silence" => {
            let alert = store::get(tx, &permit.read(), id)?;
            let matcher = |name: &str, value: &str| Matcher::parse(&format!("{name}=\"{value}\""));
            let mut matchers = vec![matcher("loop", &alert.loop_name)?, matcher("kind", alert.kind.as_str())?];
            matchers.extend((!alert.subject.is_empty()).then(|| matcher("subject", &alert.subject)).transpose()?);
            let ends_at = now + Duration::hours(form.hours.unwrap_or(USUAL_HOURS));
            let comment =
                if form.note.trim().is_empty() { format!("from the page of {id}") } else { form.note.clone() };
            let new = NewSilence { matchers, starts_at: now, ends_at, every: None, comment };
            silence::create(tx, permit, &new, now)?;
            outbox::tell_all(tx, permit, now)
        }
        other => Err(Error::not_found("decision", other.escape_debug())),
    }
}

/// The window that showed it last, where it was one.
fn window(alert: &Alert) -> Option<Fact> {
    let moment = |key: &str| alert.details[key].as_i64().map(Timestamp);
    let (from, to) = (moment("from")?, moment("to")?);
    Some(Fact::link("shown by the window", period(from, to), links::window(&alert.loop_name, &from.0.to_string())))
}

fn facts(alert: &Alert, silenced: Option<Timestamp>) -> Vec<Fact> {
    let mut facts = vec![
        Fact::new("severity", alert.severity.as_str()),
        Fact::link("loop", alert.loop_name.clone(), links::loop_page(&alert.loop_name)),
        Fact::link("monitor", alert.kind.as_str(), links::monitor(&alert.loop_name)),
        Fact::new("since", format::minute(alert.fired_at.unwrap_or(alert.opened_at))),
        Fact::new("windows in a row", alert.windows.to_string()),
    ];
    let mut also = |name: &str, value: Option<String>| {
        facts.extend(value.filter(|value| !value.is_empty()).map(|value| Fact::new(name, value)));
    };
    also("of", Some(alert.subject.clone()));
    also("taken on by", alert.acknowledged_by.clone());
    also("not seen since", alert.clear_since.filter(|_| alert.resolved_at.is_none()).map(format::minute));
    also("resolved", alert.resolved_at.map(format::minute));
    also("silenced until", silenced.map(format::minute));
    if let Some(cause) = &alert.inhibited_by {
        facts.push(Fact::link("explained by", "another alert", links::alert(cause)));
    }
    facts.extend(alert.labels.iter().map(|(name, value)| Fact::new(name.clone(), value.clone())));
    facts
}

fn step(change: &Change) -> AlertStep {
    AlertStep {
        at: change.at,
        state: change.state.as_str().to_owned(),
        who: change.actor.clone(),
        note: change.note.clone(),
    }
}

fn delivery(delivery: &Delivery) -> DeliveryRow {
    let dropped = delivery.result.as_ref().and_then(|result| result["dropped"].as_str());
    let badge = match (delivery.state.as_str(), dropped) {
        ("succeeded", None) => Badge::new(State::Ok, "delivered"),
        ("succeeded", Some(_)) => Badge::new(State::Idle, "not needed"),
        ("failed", _) => Badge::new(State::Failed, "given up"),
        _ => Badge::new(State::Active, "on its way"),
    };
    let mut note = dropped.or(delivery.error.as_deref()).unwrap_or_default().to_owned();
    if let Some(next) = delivery.next_try_at.filter(|_| delivery.attempts > 0) {
        note = format!("{note}; tried again at {}", format::minute(next));
    }
    DeliveryRow {
        at: delivery.at,
        route: Link::plain(delivery.route.clone()),
        event: delivery.event.as_str().to_owned(),
        badge,
        tries: delivery.attempts.unsigned_abs(),
        note,
    }
}
