//! The outbox: what routes are told is written with the change that it tells of, and delivered by a durable job.

use std::collections::BTreeMap;

use flyball_core::{Edit, Error, ErrorCode, Permit, Read, Result, Timestamp, id};
use flyball_jobs::{NewJob, enqueue};
use flyball_store::{Row, Tx, params};
use serde::Serialize;
use serde_json::{Value, json};

use super::dialects::alertmanager;
use super::message::{MOST_ALERTS, Message};
use super::plan::{self, Event, Member, Rhythm, Told};
use super::route::{Destination, Route};
use crate::alert::silence::{self, Silence};
use crate::alert::{Alert, AlertKind, AlertPolicy, settings, store};

/// The kind of the job that delivers one notification.
pub(super) const DELIVER: &str = "notify.deliver";
/// The kind of the job that looks whether somebody has to be told although nothing new was found.
pub(super) const LOOK: &str = "notify.look";
/// What stands before a notification's id in the key of its job.
const KEY: &str = "notify:";
/// How often a delivery is tried. The wait doubles from a second to ten minutes, so this is an hour: longer than the usual
/// outage of a receiver, and not so long that an old page wakes anybody.
const ATTEMPTS: u32 = 15;

/// Tells every route of a loop what it does not know yet, in the transaction that changed something, and plans the next
/// look.
pub(crate) fn tell(tx: &mut Tx<'_>, permit: &Permit<Edit>, loop_name: &str, now: Timestamp) -> Result<()> {
    let reader = permit.read();
    let settings = settings::of(tx, &reader, loop_name)?;
    if settings.routes.is_empty() {
        return Ok(());
    }
    let open = store::open_of(tx, &reader, loop_name)?;
    let silences = silence::standing(tx, &reader, now)?;
    let mut told = told_of(tx, &reader, loop_name)?;
    let mut look: Option<Timestamp> = None;
    for kind in AlertKind::ALL.iter().copied() {
        for route in &settings.routes {
            let members = members(&open, kind, route, &silences, now);
            let last = told.remove(&(kind, route.name.clone()));
            let next = plan::next(&members, last.as_ref(), rhythm(route, &settings.policy), now);
            look = [look, next.look].into_iter().flatten().min();
            if let Some(event) = next.tell {
                put(tx, permit, (loop_name, kind, route), last.as_ref(), (event, &next.about), now)?;
            }
        }
    }
    let Some(look) = look else { return Ok(()) };
    let key = format!("look:{}:{loop_name}:{}", permit.workspace(), look.0);
    enqueue(tx, &NewJob::new(LOOK, key, loop_name, json!({ "loop": loop_name }), look), now).map(drop)
}

/// The same for every loop, when what changed is not one loop's: a silence.
///
/// # Errors
/// Those of the database.
pub fn tell_all(tx: &mut Tx<'_>, permit: &Permit<Edit>, now: Timestamp) -> Result<()> {
    for (loop_name, _) in settings::all(tx, &permit.read())? {
        tell(tx, permit, &loop_name, now)?;
    }
    Ok(())
}

fn members<'a>(
    open: &'a [Alert],
    kind: AlertKind,
    route: &Route,
    silences: &[Silence],
    now: Timestamp,
) -> Vec<Member<'a>> {
    let wanted = open.iter().filter(|alert| alert.kind == kind && alert.severity <= route.severity);
    let member = |alert: &'a Alert| Member {
        id: &alert.id,
        state: alert.state,
        fired_at: alert.fired_at.unwrap_or(alert.opened_at),
        quiet_until: match &alert.inhibited_by {
            Some(_) => Some(plan::FOREVER),
            None => silence::silenced_until(silences, alert, now),
        },
    };
    wanted.map(member).collect()
}

fn rhythm(route: &Route, policy: &AlertPolicy) -> Rhythm {
    let forgets = matches!(route.destination, Destination::Alertmanager { .. });
    Rhythm {
        after: route.after,
        repeat: policy.repeat,
        refresh: forgets.then_some(alertmanager::REFRESH),
        cool_down: policy.cool_down,
    }
}

fn told_of(tx: &mut Tx<'_>, permit: &Permit<Read>, loop_name: &str) -> Result<BTreeMap<(AlertKind, String), Told>> {
    let rows = tx.query(
        "SELECT kind, route, number, event, at, alerts FROM told WHERE workspace = $1 AND loop_name = $2",
        &params![permit.workspace(), loop_name],
    )?;
    let one = |row: &Row| {
        let told = Told {
            number: row.get("number")?,
            event: Event::parse(&row.get::<String>("event")?)?,
            at: row.get("at")?,
            alerts: ids(row)?,
        };
        Ok(((AlertKind::parse(&row.get::<String>("kind")?)?, row.get("route")?), told))
    };
    rows.iter().map(one).collect()
}

fn ids(row: &Row) -> Result<Vec<String>> {
    serde_json::from_str(&row.get::<String>("alerts")?).map_err(Error::internal)
}

/// Writes a notification and enqueues its delivery. What is told again at the same moment only grows.
fn put(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    (loop_name, kind, route): (&str, AlertKind, &Route),
    last: Option<&Told>,
    (event, about): (Event, &[String]),
    now: Timestamp,
) -> Result<()> {
    let again = last.filter(|last| last.at == now && last.event == event);
    let number = again.map_or_else(|| last.map_or(1, |last| last.number + 1), |last| last.number);
    let owner = format!("{}/{loop_name}/{}/{}", permit.workspace(), kind.as_str(), route.name);
    let id = id::derived("ntf", &[owner.as_bytes(), &number.to_le_bytes()]);
    let alerts = json!(about).to_string();
    tx.execute(
        "INSERT INTO told (workspace, loop_name, kind, route, number, event, at, alerts) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (workspace, loop_name, kind, route) DO UPDATE SET \
         number = excluded.number, event = excluded.event, at = excluded.at, alerts = excluded.alerts",
        &params![permit.workspace(), loop_name, kind.as_str(), &route.name, number, event.as_str(), now, &alerts],
    )?;
    tx.execute(
        "INSERT INTO notifications (id, workspace, loop_name, kind, route, number, event, at, alerts) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO UPDATE SET alerts = excluded.alerts",
        &params![&id, permit.workspace(), loop_name, kind.as_str(), &route.name, number, event.as_str(), now, &alerts],
    )?;
    let job =
        NewJob::new(DELIVER, format!("{KEY}{id}"), loop_name, json!({ "notification": id, "loop": loop_name }), now);
    enqueue(tx, &job.max_attempts(ATTEMPTS), now).map(drop)
}

/// What is to be done with a notification whose turn has come.
pub(super) enum Due {
    Send(Box<(Route, Message)>),
    /// It is not needed any more.
    Drop(&'static str),
}

/// Looks a notification up.
///
/// # Errors
/// `NotFound` when there is none, `Unavailable` while an earlier one to the same route is on its way: they must not
/// overtake each other.
pub(super) fn due(tx: &mut Tx<'_>, permit: &Permit<Read>, id: &str, base: Option<String>) -> Result<Due> {
    let row = tx.query_one(
        "SELECT loop_name, kind, route, number, event, at, alerts FROM notifications WHERE workspace = $1 AND id = $2",
        &params![permit.workspace(), id],
    )?;
    let row = row.ok_or_else(|| Error::not_found("notification", id.escape_debug()))?;
    let (loop_name, kind, route): (String, String, String) =
        (row.get("loop_name")?, row.get("kind")?, row.get("route")?);
    let number: i64 = row.get("number")?;
    let place = params![permit.workspace(), &loop_name, &kind, &route, number];
    let newer = tx.query_one(
        "SELECT number FROM told WHERE workspace = $1 AND loop_name = $2 AND kind = $3 AND route = $4 AND number > $5",
        &place,
    )?;
    if newer.is_some() {
        return Ok(Due::Drop("a newer one tells how it stands"));
    }
    let earlier = tx.query_one(
        "SELECT COUNT(*) AS running FROM notifications n JOIN jobs j ON j.key = 'notify:' || n.id \
         WHERE n.workspace = $1 AND n.loop_name = $2 AND n.kind = $3 AND n.route = $4 AND n.number < $5 \
         AND j.state = 'running'",
        &place,
    )?;
    if earlier.map_or(Ok(0), |row| row.get::<i64>("running"))? > 0 {
        return Err(Error::new(ErrorCode::Unavailable, "an earlier notification is on its way to this route"));
    }
    let settings = settings::of(tx, permit, &loop_name)?;
    let Some(route) = settings.routes.into_iter().find(|known| known.name == route) else {
        return Ok(Due::Drop("the loop has no such route any more"));
    };
    let ids = ids(&row)?;
    let mut alerts = Vec::new();
    for id in ids.iter().take(MOST_ALERTS) {
        alerts.push(store::get(tx, permit, id)?);
    }
    let message = Message {
        id: id.to_owned(),
        event: Event::parse(&row.get::<String>("event")?)?,
        workspace: permit.workspace().to_string(),
        loop_name,
        kind: AlertKind::parse(&kind)?,
        at: row.get("at")?,
        truncated: ids.len() - alerts.len(),
        alerts,
        base,
    };
    Ok(Due::Send(Box::new((route, message))))
}

/// A notification with how its delivery goes.
#[derive(Clone, Debug, Serialize)]
pub struct Delivery {
    /// The id, which the receiver sees.
    pub id: String,
    /// The loop.
    pub loop_name: String,
    /// Of which kind its alerts are.
    pub kind: AlertKind,
    /// The route.
    pub route: String,
    /// What it says.
    pub event: Event,
    /// The moment that it tells of.
    pub at: Timestamp,
    /// The ids of its alerts.
    pub alerts: Vec<String>,
    /// `queued`, `running`, `succeeded`, `failed`; one that was not needed any more has succeeded.
    pub state: String,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried next.
    pub next_try_at: Option<Timestamp>,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
    /// What came of it: the receiver's status, or why it was not needed any more.
    pub result: Option<Value>,
    /// Why the last try failed.
    pub error: Option<String>,
}

/// The newest notifications, of one loop or of all, those of one alert or of all.
///
/// # Errors
/// Those of the database.
pub fn deliveries(
    tx: &mut Tx<'_>,
    permit: &Permit<Read>,
    loop_name: Option<&str>,
    alert: Option<&str>,
    limit: usize,
) -> Result<Vec<Delivery>> {
    let rows = tx.query(
        "SELECT n.id, n.loop_name, n.kind, n.route, n.event, n.at, n.alerts, j.state, j.attempt, j.due_at, \
         j.finished_at, j.result, j.error FROM notifications n JOIN jobs j ON j.key = 'notify:' || n.id \
         WHERE n.workspace = $1 AND ($2 = '' OR n.loop_name = $2) AND ($3 = '' OR n.alerts LIKE '%\"' || $3 || '\"%') \
         ORDER BY n.at DESC, n.number DESC, n.id LIMIT $4",
        &params![permit.workspace(), loop_name.unwrap_or_default(), alert.unwrap_or_default(), limit],
    )?;
    rows.iter().map(delivery).collect()
}

fn delivery(row: &Row) -> Result<Delivery> {
    let state: String = row.get("state")?;
    let waits = state == "queued";
    Ok(Delivery {
        id: row.get("id")?,
        loop_name: row.get("loop_name")?,
        kind: AlertKind::parse(&row.get::<String>("kind")?)?,
        route: row.get("route")?,
        event: Event::parse(&row.get::<String>("event")?)?,
        at: row.get("at")?,
        alerts: ids(row)?,
        attempts: row.get("attempt")?,
        next_try_at: if waits { Some(row.get("due_at")?) } else { None },
        finished_at: row.get("finished_at")?,
        result: row.get("result")?,
        error: row.get("error")?,
        state,
    })
}
