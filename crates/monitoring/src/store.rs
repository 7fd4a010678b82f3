//! The SQL of windows and alerts.

use flyball_core::{Edit, Error, Permit, Read, Result, Timestamp, id};
use flyball_governance::{Event, audit};
use flyball_store::{Row, Tx, params};
use serde_json::json;

use crate::alert::{Alert, Finding};
use crate::window::WindowReport;

/// Keeps the report of a closed window, with its audit event. Closing it again changes nothing.
pub fn keep_window(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    loop_name: &str,
    report: &WindowReport,
    now: Timestamp,
) -> Result<()> {
    let drifted: Vec<&str> = report.drifted().iter().map(|column| column.column.as_str()).collect();
    let text = serde_json::to_string(report).map_err(Error::internal)?;
    let added = tx.execute(
        "INSERT INTO monitor_windows (workspace, loop_name, window_from, window_to, closed_at, row_count, labelled, \
         drifted, report) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
        &params![
            permit.workspace(),
            loop_name,
            report.from,
            report.to,
            now,
            report.rows as i64,
            report.labelled as i64,
            drifted.len() as i64,
            text
        ],
    )?;
    if added == 0 {
        return Ok(());
    }
    let metrics: serde_json::Map<String, serde_json::Value> =
        report.performance.iter().map(|(name, measure)| (name.clone(), measure.value.into())).collect();
    let event = Event::done(permit, now, "window.close", format!("loop/{loop_name}")).details(json!({
        "from": report.from.to_string(), "to": report.to.to_string(), "rows": report.rows,
        "labelled": report.labelled, "drifted": drifted, "metrics": metrics, "note": report.note,
    }));
    audit::record(tx, &event)
}

/// The newest closed windows of a loop, newest first.
pub fn windows(tx: &mut Tx<'_>, permit: &Permit<Read>, loop_name: &str, limit: usize) -> Result<Vec<WindowReport>> {
    let rows = tx.query(
        "SELECT report FROM monitor_windows WHERE workspace = $1 AND loop_name = $2 ORDER BY window_from DESC LIMIT $3",
        &params![permit.workspace(), loop_name, limit as i64],
    )?;
    rows.iter().map(|row| serde_json::from_str(&row.get::<String>("report")?).map_err(Error::internal)).collect()
}

/// Moves the alert of this kind to what was found: opens it, sees it again, or resolves it. Each change of state is an
/// audit event.
pub fn apply(tx: &mut Tx<'_>, permit: &Permit<Edit>, loop_name: &str, finding: &Finding, now: Timestamp) -> Result<()> {
    let kind = finding.kind.as_str();
    let open = tx.query_one(
        "SELECT id FROM alerts WHERE workspace = $1 AND loop_name = $2 AND kind = $3 AND state = 'firing'",
        &params![permit.workspace(), loop_name, kind],
    )?;
    let details = finding.details.to_string();
    match (open, finding.present) {
        (None, false) => Ok(()),
        (None, true) => {
            let id = id::derived_at("alt", &format!("{}/{loop_name}/{kind}", permit.workspace()), now, 0);
            tx.execute(
                "INSERT INTO alerts (id, workspace, loop_name, kind, state, opened_at, seen_at, windows, summary, details) \
                 VALUES ($1, $2, $3, $4, 'firing', $5, $5, 1, $6, $7)",
                &params![id, permit.workspace(), loop_name, kind, now, finding.summary.as_str(), details],
            )?;
            told(tx, permit, loop_name, "alert.fire", finding, now)
        }
        (Some(row), true) => {
            tx.execute(
                "UPDATE alerts SET seen_at = $2, windows = windows + 1, summary = $3, details = $4 \
                 WHERE id = $1 AND seen_at < $2",
                &params![row.get::<String>("id")?, now, finding.summary.as_str(), details],
            )?;
            Ok(())
        }
        (Some(row), false) => {
            tx.execute(
                "UPDATE alerts SET state = 'resolved', resolved_at = $2 WHERE id = $1",
                &params![row.get::<String>("id")?, now],
            )?;
            told(tx, permit, loop_name, "alert.resolve", finding, now)
        }
    }
}

fn told(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    loop_name: &str,
    action: &str,
    finding: &Finding,
    now: Timestamp,
) -> Result<()> {
    let event = Event::done(permit, now, action, format!("loop/{loop_name}"))
        .details(json!({ "kind": finding.kind, "summary": finding.summary }));
    audit::record(tx, &event)
}

/// The alerts of one loop or of all, firing ones first, then the newest.
pub fn alerts(tx: &mut Tx<'_>, permit: &Permit<Read>, loop_name: Option<&str>, limit: usize) -> Result<Vec<Alert>> {
    let rows = tx.query(
        "SELECT id, loop_name, kind, state, opened_at, seen_at, windows, resolved_at, summary, details FROM alerts \
         WHERE workspace = $1 AND ($2 = '' OR loop_name = $2) ORDER BY state, opened_at DESC, id LIMIT $3",
        &params![permit.workspace(), loop_name.unwrap_or(""), limit as i64],
    )?;
    rows.iter().map(from_row).collect()
}

/// How many alerts of a loop were ever opened, by kind.
pub fn alert_count(tx: &mut Tx<'_>, permit: &Permit<Read>, loop_name: &str) -> Result<i64> {
    let row = tx.query_one(
        "SELECT COUNT(*) AS opened FROM alerts WHERE workspace = $1 AND loop_name = $2",
        &params![permit.workspace(), loop_name],
    )?;
    row.map_or(Ok(0), |row| row.get("opened"))
}

fn from_row(row: &Row) -> Result<Alert> {
    Ok(Alert {
        id: row.get("id")?,
        loop_name: row.get("loop_name")?,
        kind: row.get("kind")?,
        state: row.get("state")?,
        opened_at: row.get("opened_at")?,
        seen_at: row.get("seen_at")?,
        windows: row.get("windows")?,
        resolved_at: row.get("resolved_at")?,
        summary: row.get("summary")?,
        details: row.get("details")?,
    })
}
