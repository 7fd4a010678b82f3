//! The SQL of remedy actions.

use flyball_core::{Edit, Error, Permit, Read, Result, Timestamp, id};
use flyball_governance::{Event, Outcome, audit};
use flyball_store::{Row, Tx, params};
use serde_json::json;

use crate::model::PastAction;

/// Records what a remedy did or held back, with its audit event. Repeating it at the same moment changes nothing.
pub fn record(tx: &mut Tx<'_>, permit: &Permit<Edit>, loop_name: &str, action: &PastAction) -> Result<()> {
    let id = id::derived_at("act", &format!("{}/{loop_name}", permit.workspace()), action.at, action.remedy as u64);
    let evidence = serde_json::to_string(&action.evidence).map_err(Error::internal)?;
    let added = tx.execute(
        "INSERT INTO remedy_actions (id, workspace, loop_name, remedy, action, at, taken, reason, evidence) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
        &params![
            id,
            permit.workspace(),
            loop_name,
            action.remedy as i64,
            action.action.as_str(),
            action.at,
            action.taken,
            action.reason.as_str(),
            evidence
        ],
    )?;
    if added == 0 {
        return Ok(());
    }
    let outcome = if action.taken { Outcome::Done } else { Outcome::Denied };
    let event = Event::done(permit, action.at, &format!("remedy.{}", action.action), format!("loop/{loop_name}"))
        .outcome(outcome)
        .details(json!({ "remedy": action.remedy + 1, "reason": action.reason, "evidence": action.evidence }));
    audit::record(tx, &event)
}

/// The actions of a loop since a moment, newest first.
pub fn since(tx: &mut Tx<'_>, permit: &Permit<Read>, loop_name: &str, from: Timestamp) -> Result<Vec<PastAction>> {
    let rows = tx.query(
        "SELECT remedy, action, at, taken, reason, evidence FROM remedy_actions \
         WHERE workspace = $1 AND loop_name = $2 AND at >= $3 ORDER BY at DESC, remedy",
        &params![permit.workspace(), loop_name, from],
    )?;
    rows.iter().map(from_row).collect()
}

fn from_row(row: &Row) -> Result<PastAction> {
    Ok(PastAction {
        remedy: usize::try_from(row.get::<i64>("remedy")?).unwrap_or(0),
        action: row.get("action")?,
        at: row.get("at")?,
        taken: row.get("taken")?,
        reason: row.get("reason")?,
        evidence: row.get("evidence")?,
    })
}
