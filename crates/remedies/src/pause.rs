//! The switch that stops all remedies, of one loop or everywhere.

use std::fmt;

use flyball_core::{Edit, Permit, Read, Result, Timestamp};
use flyball_governance::{Event, audit};
use flyball_store::{Row, Tx, params};
use serde::Serialize;
use serde_json::json;

/// Stands in the place of a loop's name for all of them; no loop is called so.
const EVERYWHERE: &str = "*";

/// Remedies that are paused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pause {
    /// The loop; all of them when absent.
    pub loop_name: Option<String>,
    /// Since when.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: String,
}

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = if self.loop_name.is_some() { "the remedies of the loop" } else { "all remedies" };
        write!(f, "{of} are paused since {} by {}", self.at, self.by)?;
        if self.reason.is_empty() { Ok(()) } else { write!(f, ": {}", self.reason) }
    }
}

/// Pauses the remedies of a loop, or all of them. Pausing again changes nothing.
pub fn pause(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    loop_name: Option<&str>,
    reason: &str,
    now: Timestamp,
) -> Result<()> {
    let added = tx.execute(
        "INSERT INTO remedy_pauses (workspace, loop_name, at, paused_by, reason) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT DO NOTHING",
        &params![permit.workspace(), loop_name.unwrap_or(EVERYWHERE), now, permit.actor(), reason],
    )?;
    told(tx, permit, added, "remedies.pause", loop_name, reason, now)
}

/// Lets the remedies act again that were paused with the same loop, or with none. What they did before is forgiven: what
/// had given up begins anew.
pub fn resume(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    loop_name: Option<&str>,
    reason: &str,
    now: Timestamp,
) -> Result<()> {
    let removed = tx.execute(
        "DELETE FROM remedy_pauses WHERE workspace = $1 AND loop_name = $2",
        &params![permit.workspace(), loop_name.unwrap_or(EVERYWHERE)],
    )?;
    let forgiven = tx.execute(
        "UPDATE remedy_actions SET forgiven = 1, is_over = 1 WHERE workspace = $1 AND ($2 = '' OR loop_name = $2) \
         AND forgiven = 0",
        &params![permit.workspace(), loop_name.unwrap_or("")],
    )?;
    told(tx, permit, removed + forgiven, "remedies.resume", loop_name, reason, now)
}

fn told(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    changed: u64,
    action: &str,
    loop_name: Option<&str>,
    reason: &str,
    now: Timestamp,
) -> Result<()> {
    if changed == 0 {
        return Ok(());
    }
    let resource = loop_name.map_or_else(|| "remedies".to_owned(), |name| format!("loop/{name}"));
    audit::record(tx, &Event::done(permit, now, action, resource).details(json!({ "reason": reason })))
}

/// The pause that holds a loop's remedies; that of all loops first.
pub fn of(tx: &mut Tx<'_>, permit: &Permit<Read>, loop_name: &str) -> Result<Option<Pause>> {
    let row = tx.query_one(
        "SELECT loop_name, at, paused_by, reason FROM remedy_pauses WHERE workspace = $1 AND loop_name IN ($2, $3) \
         ORDER BY CASE loop_name WHEN $3 THEN 0 ELSE 1 END LIMIT 1",
        &params![permit.workspace(), loop_name, EVERYWHERE],
    )?;
    row.as_ref().map(from_row).transpose()
}

/// All pauses, by loop; that of all loops first.
pub fn all(tx: &mut Tx<'_>, permit: &Permit<Read>) -> Result<Vec<Pause>> {
    let rows = tx.query(
        "SELECT loop_name, at, paused_by, reason FROM remedy_pauses WHERE workspace = $1 ORDER BY loop_name",
        &params![permit.workspace()],
    )?;
    rows.iter().map(from_row).collect()
}

fn from_row(row: &Row) -> Result<Pause> {
    let name: String = row.get("loop_name")?;
    Ok(Pause {
        loop_name: (name != EVERYWHERE).then_some(name),
        at: row.get("at")?,
        by: row.get("paused_by")?,
        reason: row.get("reason")?,
    })
}
