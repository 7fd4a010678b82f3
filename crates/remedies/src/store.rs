//! The SQL of remedy actions.

use flyball_core::{Edit, Error, Permit, Read, Result, Timestamp};
use flyball_governance::{Event, Outcome, audit};
use flyball_store::{Row, Tx, params};
use serde_json::{Value, json};

use crate::record::{Help, PastAction, State};

const COLUMNS: &str = "id, loop_name, remedy, action, at, state, cause, reason, evidence, diagnosis, trouble_at, cost, \
     effect, expires_at, decided_by, decided_at, help, judged_at, effective_at, is_over";

/// Records what a remedy did, wants or held back, with its audit event; `false` when the same call was answered before,
/// and then nothing changes.
pub fn record(tx: &mut Tx<'_>, permit: &Permit<Edit>, action: &PastAction) -> Result<bool> {
    let sql = format!(
        "INSERT INTO remedy_actions (workspace, {COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, \
         $13, $14, $15, NULL, NULL, NULL, NULL, $16, 0) ON CONFLICT DO NOTHING"
    );
    let added = tx.execute(
        &sql,
        &params![
            permit.workspace(),
            action.id.as_str(),
            action.loop_name.as_str(),
            action.remedy as i64,
            action.action.as_str(),
            action.at,
            action.state.as_str(),
            action.cause.as_str(),
            action.reason.as_str(),
            &action.evidence,
            &action.diagnosis,
            action.trouble_at,
            action.cost,
            &action.effect,
            action.expires_at,
            action.effective_at
        ],
    )?;
    if added > 0 {
        told(tx, permit, action, action.at)?;
    }
    Ok(added > 0)
}

fn told(tx: &mut Tx<'_>, permit: &Permit<Edit>, action: &PastAction, now: Timestamp) -> Result<()> {
    let outcome = if action.is_taken() { Outcome::Done } else { Outcome::Denied };
    let event = Event::done(permit, now, &format!("remedy.{}", action.action), format!("loop/{}", action.loop_name))
        .outcome(outcome)
        .details(json!({
            "id": action.id, "remedy": action.remedy + 1, "state": action.state, "reason": action.reason,
            "evidence": action.evidence, "diagnosis": action.diagnosis,
        }));
    audit::record(tx, &event)
}

/// Writes what a person decided on an action that waited, or that nobody did in time.
pub fn decide(tx: &mut Tx<'_>, permit: &Permit<Edit>, action: &PastAction, now: Timestamp) -> Result<()> {
    tx.execute(
        "UPDATE remedy_actions SET state = $3, reason = $4, effect = $5, decided_by = $6, decided_at = $7, \
         effective_at = $8 WHERE workspace = $1 AND id = $2 AND state = 'waiting'",
        &params![
            permit.workspace(),
            action.id.as_str(),
            action.state.as_str(),
            action.reason.as_str(),
            &action.effect,
            action.decided_by.as_deref(),
            action.decided_at,
            action.effective_at
        ],
    )?;
    told(tx, permit, action, now)
}

/// Notes whether an action helped.
pub fn judge(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    action: &PastAction,
    help: Help,
    effective_at: Timestamp,
    now: Timestamp,
) -> Result<()> {
    tx.execute(
        "UPDATE remedy_actions SET help = $3, judged_at = $4, effective_at = $5 \
         WHERE workspace = $1 AND id = $2 AND help IS NULL",
        &params![permit.workspace(), action.id.as_str(), help.as_str(), now, effective_at],
    )?;
    let judged = PastAction { help: Some(help), effective_at: Some(effective_at), ..action.clone() };
    let event = Event::done(permit, now, "remedy.judge", format!("loop/{}", action.loop_name)).details(json!({
        "id": action.id, "action": action.action, "help": help, "recovery_ms": judged.recovery_ms(),
    }));
    audit::record(tx, &event)
}

/// Notes that the trouble is over that a remedy acted for: its next action is a first one again.
pub fn end_trouble(tx: &mut Tx<'_>, permit: &Permit<Edit>, loop_name: &str, remedy: usize) -> Result<()> {
    tx.execute(
        "UPDATE remedy_actions SET is_over = 1 WHERE workspace = $1 AND loop_name = $2 AND remedy = $3 AND is_over = 0",
        &params![permit.workspace(), loop_name, remedy as i64],
    )?;
    Ok(())
}

/// The actions of a loop since a moment, newest first, but not those that a person forgave.
pub fn counted(tx: &mut Tx<'_>, permit: &Permit<Read>, loop_name: &str, from: Timestamp) -> Result<Vec<PastAction>> {
    list(tx, permit, Some(loop_name), from, " AND forgiven = 0", i64::MAX)
}

/// The actions of a loop since a moment, newest first.
pub fn since(tx: &mut Tx<'_>, permit: &Permit<Read>, loop_name: &str, from: Timestamp) -> Result<Vec<PastAction>> {
    list(tx, permit, Some(loop_name), from, "", i64::MAX)
}

/// The newest actions of one loop or of all, newest first.
pub fn newest(
    tx: &mut Tx<'_>,
    permit: &Permit<Read>,
    loop_name: Option<&str>,
    limit: usize,
) -> Result<Vec<PastAction>> {
    list(tx, permit, loop_name, Timestamp(i64::MIN), "", limit as i64)
}

/// The actions that wait for a person, of one loop or of all, newest first.
pub fn waiting(
    tx: &mut Tx<'_>,
    permit: &Permit<Read>,
    loop_name: Option<&str>,
    now: Timestamp,
) -> Result<Vec<PastAction>> {
    let found = list(tx, permit, loop_name, Timestamp(i64::MIN), " AND state = 'waiting'", i64::MAX)?;
    Ok(found.into_iter().filter(|action| action.state_at(now) == State::Waiting).collect())
}

/// The actions that waited for a person until `now` and no longer do, though that was not written yet.
pub fn overdue(tx: &mut Tx<'_>, permit: &Permit<Read>, loop_name: &str, now: Timestamp) -> Result<Vec<PastAction>> {
    let found = list(tx, permit, Some(loop_name), Timestamp(i64::MIN), " AND state = 'waiting'", i64::MAX)?;
    Ok(found.into_iter().filter(|action| action.state_at(now) == State::Expired).collect())
}

/// Whether there is an action with this id.
pub fn is_answered(tx: &mut Tx<'_>, permit: &Permit<Read>, id: &str) -> Result<bool> {
    let sql = "SELECT 1 AS found FROM remedy_actions WHERE workspace = $1 AND id = $2";
    Ok(tx.query_one(sql, &params![permit.workspace(), id])?.is_some())
}

/// The action with this id.
///
/// # Errors
/// `NotFound`.
pub fn get(tx: &mut Tx<'_>, permit: &Permit<Read>, id: &str) -> Result<PastAction> {
    let sql = format!("SELECT {COLUMNS} FROM remedy_actions WHERE workspace = $1 AND id = $2");
    let row = tx.query_one(&sql, &params![permit.workspace(), id])?;
    let found = row.as_ref().map(from_row).transpose()?;
    found.ok_or_else(|| Error::not_found("action of a remedy", id).hint("`flyball remedies list` names them"))
}

fn list(
    tx: &mut Tx<'_>,
    permit: &Permit<Read>,
    loop_name: Option<&str>,
    from: Timestamp,
    only: &str,
    limit: i64,
) -> Result<Vec<PastAction>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM remedy_actions WHERE workspace = $1 AND ($2 = '' OR loop_name = $2) AND at >= $3{only} \
         ORDER BY at DESC, remedy, id LIMIT $4"
    );
    let rows = tx.query(&sql, &params![permit.workspace(), loop_name.unwrap_or(""), from, limit])?;
    rows.iter().map(from_row).collect()
}

fn from_row(row: &Row) -> Result<PastAction> {
    let help: Option<String> = row.get("help")?;
    Ok(PastAction {
        id: row.get("id")?,
        loop_name: row.get("loop_name")?,
        remedy: usize::try_from(row.get::<i64>("remedy")?).unwrap_or(0),
        action: row.get("action")?,
        at: row.get("at")?,
        state: State::parse(&row.get::<String>("state")?)?,
        cause: row.get("cause")?,
        reason: row.get("reason")?,
        evidence: row.get("evidence")?,
        diagnosis: row.get::<Option<Value>>("diagnosis")?.unwrap_or_default(),
        trouble_at: row.get("trouble_at")?,
        cost: row.get("cost")?,
        effect: row.get::<Option<Value>>("effect")?.unwrap_or_default(),
        expires_at: row.get("expires_at")?,
        decided_by: row.get("decided_by")?,
        decided_at: row.get("decided_at")?,
        help: help.as_deref().map(Help::parse).transpose()?,
        judged_at: row.get("judged_at")?,
        effective_at: row.get("effective_at")?,
        is_over: row.get("is_over")?,
    })
}
