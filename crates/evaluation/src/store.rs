//! The SQL of gate reports.

use flyball_core::{Edit, Error, Permit, Read, Result, Timestamp};
use flyball_governance::{Event, Outcome, audit};
use flyball_store::{Tx, params};
use serde_json::json;

use crate::gate::GateReport;

/// Keeps the report of a run's gates, with its evidence.
pub fn keep(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    run_id: &str,
    loop_name: &str,
    report: &GateReport,
    now: Timestamp,
) -> Result<()> {
    let text = serde_json::to_string(report).map_err(Error::internal)?;
    tx.execute(
        "INSERT INTO gate_reports (run_id, workspace, loop_name, at, passed, report) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT DO NOTHING",
        &params![run_id, permit.workspace(), loop_name, now, report.passed, text],
    )?;
    let outcome = if report.passed { Outcome::Done } else { Outcome::Denied };
    let gates: Vec<_> = report.gates.iter().map(|g| json!({ "gate": g.text, "holds": g.holds })).collect();
    let event = Event::done(permit, now, "gate.judge", format!("run/{run_id}"))
        .outcome(outcome)
        .details(json!({ "loop": loop_name, "passed": report.passed, "gates": gates }));
    audit::record(tx, &event)
}

/// The report of a run's gates.
pub fn get(tx: &mut Tx<'_>, permit: &Permit<Read>, run_id: &str) -> Result<Option<GateReport>> {
    let row = tx.query_one(
        "SELECT report FROM gate_reports WHERE workspace = $1 AND run_id = $2",
        &params![permit.workspace(), run_id],
    )?;
    row.map(|row| serde_json::from_str(&row.get::<String>("report")?).map_err(Error::internal)).transpose()
}
