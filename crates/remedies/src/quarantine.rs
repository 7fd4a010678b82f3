//! Data that nothing is learned from, because something upstream is at fault: stretches of event time, the last of which
//! may have no end yet.

use flyball_core::{Edit, Permit, Read, Result, Timestamp};
use flyball_governance::{Event, audit};
use flyball_store::{Row, Tx, params};
use serde::Serialize;
use serde_json::json;

/// A stretch of event time whose rows are not learned from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Quarantine {
    /// From (inclusive).
    pub from: Timestamp,
    /// To (exclusive); it goes on when absent.
    pub to: Option<Timestamp>,
    /// What is wrong with the data.
    pub reason: String,
}

impl Quarantine {
    /// Whether a row of this event time is in it.
    pub fn holds(&self, at: Timestamp) -> bool {
        at >= self.from && self.to.is_none_or(|to| at < to)
    }
}

/// Puts the data of a loop from a moment on into quarantine. When some is already, nothing changes.
pub fn open(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    loop_name: &str,
    from: Timestamp,
    reason: &str,
    now: Timestamp,
) -> Result<()> {
    if current(tx, &permit.read(), loop_name)?.is_some() {
        return Ok(());
    }
    tx.execute(
        "INSERT INTO data_quarantines (workspace, loop_name, from_at, to_at, reason) VALUES ($1, $2, $3, NULL, $4) \
         ON CONFLICT (workspace, loop_name, from_at) DO UPDATE SET to_at = NULL, reason = excluded.reason",
        &params![permit.workspace(), loop_name, from, reason],
    )?;
    let event = Event::done(permit, now, "quarantine.begin", format!("loop/{loop_name}"));
    audit::record(tx, &event.details(json!({ "from": from.to_string(), "reason": reason })))
}

/// Ends the quarantine of a loop: rows from `to` on are sound again. `false` when there was none.
pub fn close(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    loop_name: &str,
    to: Timestamp,
    reason: &str,
    now: Timestamp,
) -> Result<bool> {
    let changed = tx.execute(
        "UPDATE data_quarantines SET to_at = $3 WHERE workspace = $1 AND loop_name = $2 AND to_at IS NULL",
        &params![permit.workspace(), loop_name, to],
    )?;
    if changed > 0 {
        let event = Event::done(permit, now, "quarantine.end", format!("loop/{loop_name}"));
        audit::record(tx, &event.details(json!({ "to": to.to_string(), "reason": reason })))?;
    }
    Ok(changed > 0)
}

/// The quarantine of a loop that has no end yet.
pub fn current(tx: &mut Tx<'_>, permit: &Permit<Read>, loop_name: &str) -> Result<Option<Quarantine>> {
    Ok(all(tx, permit, loop_name)?.into_iter().find(|quarantine| quarantine.to.is_none()))
}

/// Every quarantine of a loop, newest first.
pub fn all(tx: &mut Tx<'_>, permit: &Permit<Read>, loop_name: &str) -> Result<Vec<Quarantine>> {
    let rows = tx.query(
        "SELECT from_at, to_at, reason FROM data_quarantines WHERE workspace = $1 AND loop_name = $2 \
         ORDER BY from_at DESC",
        &params![permit.workspace(), loop_name],
    )?;
    rows.iter().map(from_row).collect()
}

fn from_row(row: &Row) -> Result<Quarantine> {
    Ok(Quarantine { from: row.get("from_at")?, to: row.get("to_at")?, reason: row.get("reason")? })
}
