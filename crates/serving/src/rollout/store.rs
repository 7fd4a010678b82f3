//! The SQL of rollouts.

use flyball_core::{Edit, Error, Permit, Read, Result};
use flyball_governance::{Event, Outcome, audit};
use flyball_store::{Row, Tx, params};
use serde_json::json;

use super::model::{Rollout, RolloutState};

/// Writes a rollout as it stands now, with an audit event that tells its newest decision.
pub fn save(tx: &mut Tx<'_>, permit: &Permit<Edit>, rollout: &Rollout) -> Result<()> {
    let plan = serde_json::to_string(&rollout.plan).map_err(Error::internal)?;
    let decisions = serde_json::to_string(&rollout.decisions).map_err(Error::internal)?;
    tx.execute(
        "INSERT INTO rollouts (id, workspace, endpoint, loop_name, from_revision, to_revision, plan, step, state, \
         started_at, step_started_at, ended_at, decisions) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
         ON CONFLICT (id) DO UPDATE SET step = excluded.step, state = excluded.state, \
         step_started_at = excluded.step_started_at, ended_at = excluded.ended_at, decisions = excluded.decisions",
        &params![
            rollout.id.as_str(),
            permit.workspace(),
            rollout.endpoint.as_str(),
            rollout.loop_name.as_deref(),
            rollout.from_revision.clone(),
            rollout.to_revision.as_str(),
            plan,
            rollout.step as i64,
            rollout.state.as_str(),
            rollout.started_at,
            rollout.step_started_at,
            rollout.ended_at,
            decisions
        ],
    )?;
    let Some(decision) = rollout.decisions.last() else { return Ok(()) };
    let outcome = if rollout.state == RolloutState::Aborted { Outcome::Failed } else { Outcome::Done };
    let event = Event::done(permit, decision.at, "rollout.step", format!("endpoint/{}", rollout.endpoint))
        .outcome(outcome)
        .details(json!({
            "rollout": rollout.id,
            "revision": rollout.to_revision,
            "decision": decision.text,
            "share": f64::from(decision.share) / 1000.0,
            "observed": decision.observed,
        }));
    audit::record(tx, &event)
}

const COLUMNS: &str = "id, endpoint, loop_name, from_revision, to_revision, plan, step, state, started_at, \
     step_started_at, ended_at, decisions";

/// The rollout with this id.
pub fn get(tx: &mut Tx<'_>, permit: &Permit<Read>, id: &str) -> Result<Rollout> {
    let sql = format!("SELECT {COLUMNS} FROM rollouts WHERE workspace = $1 AND id = $2");
    let row = tx.query_one(&sql, &params![permit.workspace(), id])?.ok_or_else(|| Error::not_found("rollout", id))?;
    from_row(&row)
}

/// The rollout that is under way on an endpoint.
pub fn under_way(tx: &mut Tx<'_>, permit: &Permit<Read>, endpoint: &str) -> Result<Option<Rollout>> {
    Ok(list(tx, permit, endpoint, 1)?.into_iter().find(|rollout| rollout.state.is_under_way()))
}

/// The newest rollouts of an endpoint.
pub fn list(tx: &mut Tx<'_>, permit: &Permit<Read>, endpoint: &str, limit: usize) -> Result<Vec<Rollout>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM rollouts WHERE workspace = $1 AND endpoint = $2 ORDER BY started_at DESC, id LIMIT $3"
    );
    tx.query(&sql, &params![permit.workspace(), endpoint, limit as i64])?.iter().map(from_row).collect()
}

fn from_row(row: &Row) -> Result<Rollout> {
    let state = match row.get::<String>("state")?.as_str() {
        "running" => RolloutState::Running,
        "paused" => RolloutState::Paused,
        "succeeded" => RolloutState::Succeeded,
        _ => RolloutState::Aborted,
    };
    Ok(Rollout {
        id: row.get("id")?,
        endpoint: row.get("endpoint")?,
        loop_name: row.get("loop_name")?,
        from_revision: row.get("from_revision")?,
        to_revision: row.get("to_revision")?,
        plan: serde_json::from_str(&row.get::<String>("plan")?).map_err(Error::internal)?,
        step: usize::try_from(row.get::<i64>("step")?).unwrap_or(0),
        state,
        started_at: row.get("started_at")?,
        step_started_at: row.get("step_started_at")?,
        ended_at: row.get("ended_at")?,
        decisions: serde_json::from_str(&row.get::<String>("decisions")?).map_err(Error::internal)?,
    })
}
