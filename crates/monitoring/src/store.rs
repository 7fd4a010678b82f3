//! The SQL of windows.

use flyball_core::{Duration, Edit, Error, Permit, Read, Result, Timestamp};
use flyball_governance::{Event, audit};
use flyball_store::{Tx, params};
use serde_json::json;

use crate::alert::settings;
pub use crate::alert::store::{alert_count, alerts, apply};
use crate::window::WindowReport;

/// How many windows back one that could be judged is looked for: a loop that nobody asked for longer is not being watched.
const RECENT: usize = 24;

/// A judged window with what it is judged from.
#[derive(Clone, Debug)]
pub struct Judged {
    /// What it showed.
    pub report: WindowReport,
    /// The records that were written in its stretch of event time, those that failed included.
    pub seen_rows: u64,
    /// The highest number of a record in it; -1 without any.
    pub last_sequence: i64,
    /// The sketches of its columns, in their own form; empty when the window had no rows.
    pub sketches: Vec<u8>,
}

/// How a window stands among those of its loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// No later window is judged.
    pub newest: bool,
    /// Its labels are due, and no later window's are.
    pub newest_labelled: bool,
}

/// Keeps a judged window, with its audit event. Judging it again replaces what was found; an event is written only if
/// something changed.
///
/// # Errors
/// Those of the database.
pub fn keep(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    loop_name: &str,
    judged: &Judged,
    now: Timestamp,
) -> Result<Standing> {
    let report = &judged.report;
    let drifted: Vec<&str> = report.drifted().iter().map(|column| column.column.as_str()).collect();
    let text = serde_json::to_string(report).map_err(Error::internal)?;
    let before = tx.query_one(
        "SELECT report FROM monitor_windows WHERE workspace = $1 AND loop_name = $2 AND window_from = $3",
        &params![permit.workspace(), loop_name, report.from],
    )?;
    let before = before.map(|row| row.get::<String>("report")).transpose()?;
    tx.execute(
        "INSERT INTO monitor_windows (workspace, loop_name, window_from, window_to, closed_at, row_count, labelled, \
         drifted, report, judged_at, seen_rows, last_sequence, labels_due, sketches) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $5, $10, $11, $12, $13) \
         ON CONFLICT (workspace, loop_name, window_from) DO UPDATE SET window_to = excluded.window_to, \
         row_count = excluded.row_count, labelled = excluded.labelled, drifted = excluded.drifted, \
         report = excluded.report, judged_at = excluded.judged_at, seen_rows = excluded.seen_rows, \
         last_sequence = excluded.last_sequence, labels_due = excluded.labels_due, sketches = excluded.sketches",
        &params![
            permit.workspace(),
            loop_name,
            report.from,
            report.to,
            now,
            report.rows,
            report.labelled,
            drifted.len(),
            text.as_str(),
            judged.seen_rows.cast_signed(),
            judged.last_sequence,
            report.labels_due,
            judged.sketches.as_slice()
        ],
    )?;
    if before.as_ref() != Some(&text) {
        let metrics: serde_json::Map<String, serde_json::Value> =
            report.performance.iter().map(|(name, measure)| (name.clone(), measure.value.into())).collect();
        let action = if before.is_none() { "window.close" } else { "window.update" };
        let event = Event::done(permit, now, action, format!("loop/{loop_name}")).details(json!({
            "from": report.from.to_string(), "to": report.to.to_string(), "rows": report.rows,
            "labelled": report.labelled, "drifted": drifted, "metrics": metrics, "note": report.note,
        }));
        audit::record(tx, &event)?;
    }
    let later = tx.query_one(
        "SELECT COUNT(*) AS n, COALESCE(SUM(labels_due), 0) AS labelled FROM monitor_windows \
         WHERE workspace = $1 AND loop_name = $2 AND window_from > $3",
        &params![permit.workspace(), loop_name, report.from],
    )?;
    let later = |column: &str| later.as_ref().map_or(Ok(0), |row| row.get::<i64>(column));
    Ok(Standing { newest: later("n")? == 0, newest_labelled: report.labels_due && later("labelled")? == 0 })
}

/// Where the newest window of a loop ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Newest {
    /// Its end in event time.
    pub to: Timestamp,
    /// The highest number of a record in it; -1 without any.
    pub last_sequence: i64,
}

/// Where the newest window of a loop ends; `None` while none was judged.
///
/// # Errors
/// Those of the database.
pub fn newest(tx: &mut Tx<'_>, permit: &Permit<Read>, loop_name: &str) -> Result<Option<Newest>> {
    let row = tx.query_one(
        "SELECT window_to, last_sequence FROM monitor_windows WHERE workspace = $1 AND loop_name = $2 \
         ORDER BY window_from DESC LIMIT 1",
        &params![permit.workspace(), loop_name],
    )?;
    row.map(|row| Ok(Newest { to: row.get("window_to")?, last_sequence: row.get("last_sequence")? })).transpose()
}

/// The windows that ended after `since`, at most `most` of them, for which records were written or labels came after they
/// were judged. Labels of what happened in a window and up to `delay` after it are its own.
///
/// # Errors
/// Those of the database.
pub fn changed(
    tx: &mut Tx<'_>,
    permit: &Permit<Read>,
    loop_name: &str,
    (since, delay): (Timestamp, Duration),
    most: usize,
) -> Result<Vec<(Timestamp, Timestamp)>> {
    let rows = tx.query(
        "SELECT w.window_from, w.window_to FROM monitor_windows w \
         WHERE w.workspace = $1 AND w.loop_name = $2 AND w.window_to > $3 AND (\
         w.seen_rows <> (SELECT COALESCE(SUM(s.row_count), 0) FROM record_segments s \
         WHERE s.endpoint = w.loop_name AND s.at_to >= w.window_from AND s.at_from < w.window_to) \
         OR (w.labels_due = 1 AND EXISTS (SELECT 1 FROM ground_truths t WHERE t.endpoint = w.loop_name \
         AND t.happened_at >= w.window_from AND t.happened_at < w.window_to + $4 AND t.arrived_at > w.judged_at))) \
         ORDER BY w.window_from LIMIT $5",
        &params![permit.workspace(), loop_name, since, delay.0, most],
    )?;
    rows.iter().map(|row| Ok((row.get("window_from")?, row.get("window_to")?))).collect()
}

/// The sketches of every window that lies in a stretch of event time, from (inclusive) to (exclusive), oldest first.
///
/// # Errors
/// Those of the database.
pub fn sketches_between(
    tx: &mut Tx<'_>,
    permit: &Permit<Read>,
    loop_name: &str,
    (from, to): (Timestamp, Timestamp),
) -> Result<Vec<KeptSketches>> {
    let rows = tx.query(
        "SELECT report, sketches FROM monitor_windows WHERE workspace = $1 AND loop_name = $2 AND window_from >= $3 \
         AND window_to <= $4 ORDER BY window_from",
        &params![permit.workspace(), loop_name, from, to],
    )?;
    let mut kept = Vec::with_capacity(rows.len());
    for row in &rows {
        let bytes: Option<Vec<u8>> = row.get("sketches")?;
        if let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) {
            kept.push(KeptSketches { against: against_of(&row.get::<String>("report")?)?, bytes });
        }
    }
    Ok(kept)
}

/// The sketches of a window.
#[derive(Clone, Debug)]
pub struct KeptSketches {
    /// The version against whose reference they were counted.
    pub against: Option<String>,
    /// The sketches themselves.
    pub bytes: Vec<u8>,
}

/// The version against whose reference the window that begins at `from` was judged; `None` when it was not judged yet.
///
/// # Errors
/// Those of the database.
pub fn against(tx: &mut Tx<'_>, permit: &Permit<Read>, loop_name: &str, from: Timestamp) -> Result<Option<String>> {
    let row = tx.query_one(
        "SELECT report FROM monitor_windows WHERE workspace = $1 AND loop_name = $2 AND window_from = $3",
        &params![permit.workspace(), loop_name, from],
    )?;
    row.map_or(Ok(None), |row| against_of(&row.get::<String>("report")?))
}

fn against_of(report: &str) -> Result<Option<String>> {
    #[derive(serde::Deserialize)]
    struct Against {
        #[serde(default)]
        against: Option<String>,
    }
    serde_json::from_str::<Against>(report).map(|found| found.against).map_err(Error::internal)
}

/// The newest judged windows of a loop, newest first.
///
/// # Errors
/// Those of the database.
pub fn windows(tx: &mut Tx<'_>, permit: &Permit<Read>, loop_name: &str, limit: usize) -> Result<Vec<WindowReport>> {
    windows_until(tx, permit, loop_name, Timestamp(i64::MAX), limit)
}

/// The judged windows of a loop that begin at `until` or before, newest first.
///
/// # Errors
/// Those of the database.
pub fn windows_until(
    tx: &mut Tx<'_>,
    permit: &Permit<Read>,
    loop_name: &str,
    until: Timestamp,
    limit: usize,
) -> Result<Vec<WindowReport>> {
    let rows = tx.query(
        "SELECT report FROM monitor_windows WHERE workspace = $1 AND loop_name = $2 AND window_from <= $3 \
         ORDER BY window_from DESC LIMIT $4",
        &params![permit.workspace(), loop_name, until, limit],
    )?;
    rows.iter().map(|row| serde_json::from_str(&row.get::<String>("report")?).map_err(Error::internal)).collect()
}

/// One window of a loop.
///
/// # Errors
/// `NotFound` when it was not judged; those of the database.
pub fn window(tx: &mut Tx<'_>, permit: &Permit<Read>, loop_name: &str, from: Timestamp) -> Result<WindowReport> {
    let row = tx.query_one(
        "SELECT report FROM monitor_windows WHERE workspace = $1 AND loop_name = $2 AND window_from = $3",
        &params![permit.workspace(), loop_name, from],
    )?;
    let row = row.ok_or_else(|| Error::not_found("window", format!("{loop_name}/{}", from.0)))?;
    serde_json::from_str(&row.get::<String>("report")?).map_err(Error::internal)
}

/// The newest window of a loop that could be judged.
#[derive(Clone, Debug)]
pub struct Latest {
    /// The loop.
    pub loop_name: String,
    /// When it was judged last.
    pub judged_at: Timestamp,
    /// What it showed.
    pub report: WindowReport,
}

/// The newest window of each loop that could be judged, by loop.
///
/// # Errors
/// Those of the database.
pub fn newest_of_each(tx: &mut Tx<'_>, permit: &Permit<Read>) -> Result<Vec<Latest>> {
    let mut newest = Vec::new();
    for (loop_name, _) in settings::all(tx, permit)? {
        let rows = tx.query(
            "SELECT judged_at, report FROM monitor_windows WHERE workspace = $1 AND loop_name = $2 \
             ORDER BY window_from DESC LIMIT $3",
            &params![permit.workspace(), &loop_name, RECENT],
        )?;
        for row in &rows {
            let report: WindowReport = serde_json::from_str(&row.get::<String>("report")?).map_err(Error::internal)?;
            if report.note.is_none() {
                newest.push(Latest { loop_name, judged_at: row.get("judged_at")?, report });
                break;
            }
        }
    }
    Ok(newest)
}
