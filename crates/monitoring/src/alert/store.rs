//! The SQL of alerts, and what people do with them.

use std::collections::BTreeMap;

use flyball_core::{Edit, Error, ErrorCode, Permit, Read, Result, Timestamp, id};
use flyball_governance::{Event, audit};
use flyball_store::{Row, Tx, params};
use serde_json::json;

use super::model::{Alert, AlertKind, AlertState, Change, Finding, Severity};
use super::policy::AlertPolicy;
use super::rules::{self, Seen, Standing, Step};
use super::settings;
use crate::notify::outbox;

/// Longest note of a person.
const NOTE_CHARS: usize = 1000;

/// Moves the alert of this fingerprint to what was found: opens it, sees it again, or resolves it, as the loop's policy
/// says, and enqueues what its routes have to be told. Each change of state is an audit event.
///
/// # Errors
/// Those of the database.
pub fn apply(tx: &mut Tx<'_>, permit: &Permit<Edit>, loop_name: &str, finding: &Finding, now: Timestamp) -> Result<()> {
    let settings = settings::of(tx, &permit.read(), loop_name)?;
    let policy = if finding.kind.is_measured() { settings.policy } else { settings.policy.at_once() };
    let old = open_alert(tx, permit, &finding.fingerprint(loop_name))?;
    let seen = match (finding.present, finding.near) {
        (true, _) => Seen::There,
        (false, true) => Seen::Near,
        (false, false) => Seen::Gone,
    };
    match (rules::step(old.as_ref().map(standing), seen, &policy, now), old) {
        (Step::Nothing, _) => return Ok(()),
        (Step::Open(standing), _) => open(tx, permit, loop_name, finding, &policy, standing, now)?,
        (Step::Go(standing), Some(old)) => go_on(tx, permit, &old, finding, standing, now)?,
        (Step::Forget, Some(old)) => {
            tx.execute("DELETE FROM alert_changes WHERE alert_id = $1", &params![&old.id])?;
            tx.execute("DELETE FROM alerts WHERE id = $1", &params![&old.id])?;
        }
        (Step::Resolve, Some(old)) => {
            resolve_alert(tx, permit, &old, &format!("no longer there: {}", finding.summary), now)?;
        }
        (Step::Go(_) | Step::Forget | Step::Resolve, None) => return Err(Error::internal("a step of no alert")),
    }
    outbox::tell(tx, permit, loop_name, now)
}

fn open_alert(tx: &mut Tx<'_>, permit: &Permit<Edit>, fingerprint: &str) -> Result<Option<Alert>> {
    let sql = format!("SELECT {COLUMNS} FROM alerts WHERE workspace = $1 AND fingerprint = $2 AND state <> 'resolved'");
    tx.query_one(&sql, &params![permit.workspace(), fingerprint])?.as_ref().map(from_row).transpose()
}

fn standing(alert: &Alert) -> Standing {
    Standing {
        state: alert.state,
        opened_at: alert.opened_at,
        seen_at: alert.seen_at,
        windows: alert.windows,
        clear_windows: alert.clear_windows,
        clear_since: alert.clear_since,
    }
}

fn open(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    loop_name: &str,
    finding: &Finding,
    policy: &AlertPolicy,
    standing: Standing,
    now: Timestamp,
) -> Result<()> {
    let fingerprint = finding.fingerprint(loop_name);
    let id = id::derived_at("alt", &format!("{}/{fingerprint}", permit.workspace()), now, 0);
    let inhibited_by = explaining(tx, permit, loop_name, finding.kind)?;
    tx.execute(
        "INSERT INTO alerts (id, workspace, loop_name, kind, state, opened_at, seen_at, windows, summary, details, \
         fingerprint, subject, severity, labels, runbook, fired_at, clear_windows, inhibited_by) \
         VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 0, $16)",
        &params![
            &id,
            permit.workspace(),
            loop_name,
            finding.kind.as_str(),
            standing.state.as_str(),
            now,
            standing.windows,
            finding.summary.as_str(),
            finding.details.to_string(),
            &fingerprint,
            finding.subject.as_deref().unwrap_or_default(),
            finding.severity.as_str(),
            json!(policy.labels).to_string(),
            policy.runbook.as_ref(),
            (standing.state == AlertState::Firing).then_some(now),
            inhibited_by
        ],
    )?;
    changed(tx, permit, &id, standing.state, &finding.summary, now)?;
    if standing.state == AlertState::Firing {
        record(tx, permit, "alert.fire", loop_name, (&id, finding.kind, &finding.summary), now)?;
    }
    Ok(())
}

fn go_on(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    old: &Alert,
    finding: &Finding,
    standing: Standing,
    now: Timestamp,
) -> Result<()> {
    let fires = standing.state == AlertState::Firing && old.state == AlertState::Pending;
    let inhibited_by = explaining(tx, permit, &old.loop_name, finding.kind)?;
    tx.execute(
        "UPDATE alerts SET state = $2, seen_at = $3, windows = $4, clear_windows = $5, clear_since = $6, \
         fired_at = COALESCE(fired_at, $7), inhibited_by = $8 WHERE id = $1",
        &params![
            &old.id,
            standing.state.as_str(),
            standing.seen_at,
            standing.windows,
            standing.clear_windows,
            standing.clear_since,
            fires.then_some(now),
            inhibited_by
        ],
    )?;
    if finding.present {
        // What it looked like when it was last there stays; a window without it has no numbers for it.
        tx.execute(
            "UPDATE alerts SET summary = $2, details = $3, severity = $4 WHERE id = $1",
            &params![&old.id, finding.summary.as_str(), finding.details.to_string(), finding.severity.as_str()],
        )?;
    }
    if fires {
        changed(tx, permit, &old.id, AlertState::Firing, &finding.summary, now)?;
        record(tx, permit, "alert.fire", &old.loop_name, (&old.id, old.kind, &finding.summary), now)?;
    }
    Ok(())
}

/// The open alert of the loop that explains one of this kind.
fn explaining(tx: &mut Tx<'_>, permit: &Permit<Edit>, loop_name: &str, kind: AlertKind) -> Result<Option<String>> {
    let mut causes = AlertKind::ALL.iter().filter(|cause| cause.explains(kind));
    let Some(cause) = causes.next() else { return Ok(None) };
    let row = tx.query_one(
        "SELECT id FROM alerts WHERE workspace = $1 AND loop_name = $2 AND kind = $3 \
         AND state IN ('firing', 'acknowledged') ORDER BY opened_at, id LIMIT 1",
        &params![permit.workspace(), loop_name, cause.as_str()],
    )?;
    row.map(|row| row.get("id")).transpose()
}

fn resolve_alert(tx: &mut Tx<'_>, permit: &Permit<Edit>, alert: &Alert, note: &str, now: Timestamp) -> Result<()> {
    tx.execute("UPDATE alerts SET state = 'resolved', resolved_at = $2 WHERE id = $1", &params![&alert.id, now])?;
    changed(tx, permit, &alert.id, AlertState::Resolved, note, now)?;
    record(tx, permit, "alert.resolve", &alert.loop_name, (&alert.id, alert.kind, note), now)
}

/// Notes that the actor of the permit has taken an alert on. It is not told again until it is resolved.
///
/// # Errors
/// `NotFound` when there is none, `Conflict` when it does not fire.
pub fn acknowledge(tx: &mut Tx<'_>, permit: &Permit<Edit>, id: &str, note: &str, now: Timestamp) -> Result<Alert> {
    let alert = get(tx, &permit.read(), id)?;
    if alert.state != AlertState::Firing {
        return Err(Error::new(ErrorCode::Conflict, format!("the alert is {}", alert.state.as_str()))
            .hint("only an alert that fires can be acknowledged"));
    }
    let note = checked(note)?;
    tx.execute(
        "UPDATE alerts SET state = 'acknowledged', acknowledged_at = $2, acknowledged_by = $3 WHERE id = $1",
        &params![id, now, permit.actor()],
    )?;
    changed(tx, permit, id, AlertState::Acknowledged, note, now)?;
    record(tx, permit, "alert.acknowledge", &alert.loop_name, (id, alert.kind, note), now)?;
    outbox::tell(tx, permit, &alert.loop_name, now)?;
    get(tx, &permit.read(), id)
}

/// Ends an alert by hand. If what it is about is still there, the next window opens a new one.
///
/// # Errors
/// `NotFound` when there is none, `Conflict` when it is over.
pub fn resolve(tx: &mut Tx<'_>, permit: &Permit<Edit>, id: &str, note: &str, now: Timestamp) -> Result<Alert> {
    let alert = get(tx, &permit.read(), id)?;
    if alert.state == AlertState::Resolved {
        return Err(Error::new(ErrorCode::Conflict, "the alert is resolved already"));
    }
    resolve_alert(tx, permit, &alert, checked(note)?, now)?;
    outbox::tell(tx, permit, &alert.loop_name, now)?;
    get(tx, &permit.read(), id)
}

fn checked(note: &str) -> Result<&str> {
    if note.chars().count() > NOTE_CHARS {
        return Err(Error::invalid(format!("the note is longer than {NOTE_CHARS} characters")));
    }
    Ok(note.trim())
}

fn changed(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    id: &str,
    state: AlertState,
    note: &str,
    now: Timestamp,
) -> Result<()> {
    tx.execute(
        "INSERT INTO alert_changes (alert_id, number, at, state, actor, note) \
         SELECT $1, COUNT(*) + 1, $2, $3, $4, $5 FROM alert_changes WHERE alert_id = $1",
        &params![id, now, state.as_str(), permit.actor(), note],
    )
    .map(drop)
}

fn record(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    action: &str,
    loop_name: &str,
    (id, kind, summary): (&str, AlertKind, &str),
    now: Timestamp,
) -> Result<()> {
    let event = Event::done(permit, now, action, format!("loop/{loop_name}"))
        .details(json!({ "alert": id, "kind": kind, "summary": summary }));
    audit::record(tx, &event)
}

const COLUMNS: &str = "id, loop_name, kind, subject, fingerprint, state, severity, opened_at, fired_at, seen_at, windows, \
     acknowledged_at, acknowledged_by, clear_since, clear_windows, resolved_at, inhibited_by, summary, details, labels, \
     runbook";

/// An alert.
///
/// # Errors
/// `NotFound` when there is none.
pub fn get(tx: &mut Tx<'_>, permit: &Permit<Read>, id: &str) -> Result<Alert> {
    let sql = format!("SELECT {COLUMNS} FROM alerts WHERE workspace = $1 AND id = $2");
    let row = tx.query_one(&sql, &params![permit.workspace(), id])?;
    from_row(&row.ok_or_else(|| Error::not_found("alert", id.escape_debug()))?)
}

/// The course of an alert, oldest first.
///
/// # Errors
/// Those of the database.
pub fn history(tx: &mut Tx<'_>, alert: &Alert) -> Result<Vec<Change>> {
    let rows = tx.query(
        "SELECT at, state, actor, note FROM alert_changes WHERE alert_id = $1 ORDER BY number",
        &params![&alert.id],
    )?;
    let change = |row: &Row| {
        Ok(Change {
            at: row.get("at")?,
            state: AlertState::parse(&row.get::<String>("state")?)?,
            actor: row.get("actor")?,
            note: row.get("note")?,
        })
    };
    rows.iter().map(change).collect()
}

/// The alerts of one loop or of all: firing ones first, then those taken on, pending and over, each the newest first.
///
/// # Errors
/// Those of the database.
pub fn alerts(tx: &mut Tx<'_>, permit: &Permit<Read>, loop_name: Option<&str>, limit: usize) -> Result<Vec<Alert>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM alerts WHERE workspace = $1 AND ($2 = '' OR loop_name = $2) \
         ORDER BY CASE state WHEN 'firing' THEN 0 WHEN 'acknowledged' THEN 1 WHEN 'pending' THEN 2 ELSE 3 END, \
         opened_at DESC, id LIMIT $3"
    );
    tx.query(&sql, &params![permit.workspace(), loop_name.unwrap_or(""), limit])?.iter().map(from_row).collect()
}

/// The alerts of a loop that are firing or taken on.
pub(crate) fn open_of(tx: &mut Tx<'_>, permit: &Permit<Read>, loop_name: &str) -> Result<Vec<Alert>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM alerts WHERE workspace = $1 AND loop_name = $2 AND state IN ('firing', 'acknowledged') \
         ORDER BY opened_at, id"
    );
    tx.query(&sql, &params![permit.workspace(), loop_name])?.iter().map(from_row).collect()
}

/// How many alerts of a loop a person had to look at: those that fired and were not explained by another.
///
/// # Errors
/// Those of the database.
pub fn alert_count(tx: &mut Tx<'_>, permit: &Permit<Read>, loop_name: &str) -> Result<i64> {
    let row = tx.query_one(
        "SELECT COUNT(*) AS fired FROM alerts WHERE workspace = $1 AND loop_name = $2 AND fired_at IS NOT NULL \
         AND inhibited_by IS NULL",
        &params![permit.workspace(), loop_name],
    )?;
    row.map_or(Ok(0), |row| row.get("fired"))
}

/// How many alerts fire now, by loop, kind and severity.
///
/// # Errors
/// Those of the database.
pub fn firing(tx: &mut Tx<'_>, permit: &Permit<Read>) -> Result<Vec<(String, AlertKind, Severity, i64)>> {
    let rows = tx.query(
        "SELECT loop_name, kind, severity, COUNT(*) AS firing FROM alerts WHERE workspace = $1 AND state = 'firing' \
         GROUP BY loop_name, kind, severity ORDER BY loop_name, kind, severity",
        &params![permit.workspace()],
    )?;
    let one = |row: &Row| {
        let (kind, severity): (String, String) = (row.get("kind")?, row.get("severity")?);
        Ok((row.get("loop_name")?, AlertKind::parse(&kind)?, Severity::parse(&severity)?, row.get("firing")?))
    };
    rows.iter().map(one).collect()
}

fn from_row(row: &Row) -> Result<Alert> {
    let text = |name: &str| row.get::<String>(name);
    let labels: BTreeMap<String, String> = serde_json::from_str(&text("labels")?).map_err(Error::internal)?;
    Ok(Alert {
        id: row.get("id")?,
        loop_name: row.get("loop_name")?,
        kind: AlertKind::parse(&text("kind")?)?,
        subject: row.get("subject")?,
        fingerprint: row.get("fingerprint")?,
        state: AlertState::parse(&text("state")?)?,
        severity: Severity::parse(&text("severity")?)?,
        opened_at: row.get("opened_at")?,
        fired_at: row.get("fired_at")?,
        seen_at: row.get("seen_at")?,
        windows: row.get("windows")?,
        acknowledged_at: row.get("acknowledged_at")?,
        acknowledged_by: row.get("acknowledged_by")?,
        clear_since: row.get("clear_since")?,
        clear_windows: row.get("clear_windows")?,
        resolved_at: row.get("resolved_at")?,
        inhibited_by: row.get("inhibited_by")?,
        summary: row.get("summary")?,
        details: row.get("details")?,
        labels,
        runbook: row.get("runbook")?,
    })
}
