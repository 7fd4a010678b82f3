//! What a policy came to: its metrics by month, what it did, and what it cost.

use std::collections::BTreeMap;

use flyball_core::{Permit, Read, Result, Task, Timestamp};
use flyball_evaluation::measure::{Measure, THRESHOLD, measure};
use flyball_monitoring::store as monitoring;
use flyball_store::{Tx, params};
use serde::{Deserialize, Serialize};

use crate::declared::Declared;
use crate::platform::Platform;
use crate::watch;

/// What a policy came to over a period.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicyOutcome {
    /// The loop.
    pub name: String,
    /// Month by month.
    pub months: Vec<Month>,
    /// Alerts that were opened.
    pub alerts: i64,
    /// Windows that were judged, and those with drift.
    pub windows: i64,
    /// Windows in which a column raised an alarm.
    pub drifted_windows: i64,
    /// Trainings after the first one that gave a version.
    pub retrainings: i64,
    /// Versions that got the traffic after the first one.
    pub promotions: i64,
    /// Rollouts that were taken back, and rollback remedies that acted.
    pub rollbacks: i64,
    /// The cost by the loop file's `costs`; `None` when it declares none.
    pub cost: Option<f64>,
}

/// The metrics of a calendar month (UTC).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Month {
    /// `2013-03`.
    pub month: String,
    /// Predictions whose truth is known.
    pub rows: usize,
    /// Positives that were predicted negative; 0 for a regression.
    pub false_negatives: usize,
    /// Negatives that were predicted positive; 0 for a regression.
    pub false_positives: usize,
    /// Each metric by its name.
    pub metrics: BTreeMap<String, Measure>,
}

/// What the loop came to in `period`, from (inclusive) to (exclusive). `known` holds its first months when they were
/// measured before.
pub fn of(
    platform: &Platform,
    permit: &Permit<Read>,
    declared: &Declared,
    period: (Timestamp, Timestamp),
    known: Vec<Month>,
) -> Result<PolicyOutcome> {
    let (mut start, until) = period;
    let mut months = Vec::new();
    let mut known = known.into_iter();
    while start < until {
        let end = next_month(start).min(until);
        months.push(match known.next() {
            Some(month) => month,
            None => month_of(platform, declared, start, end)?,
        });
        start = end;
    }
    let name = declared.name.as_str();
    let mut outcome = platform.db.read(|tx| count(tx, permit, name, until))?;
    outcome.cost = declared.file.costs.as_ref().map(|costs| {
        let sum = |count: fn(&Month) -> usize| months.iter().map(count).sum::<usize>() as f64;
        costs.retrain * outcome.retrainings as f64
            + costs.alert * outcome.alerts as f64
            + costs.false_negative * sum(|month| month.false_negatives)
            + costs.false_positive * sum(|month| month.false_positives)
    });
    outcome.months = months;
    Ok(outcome)
}

fn month_of(platform: &Platform, declared: &Declared, start: Timestamp, end: Timestamp) -> Result<Month> {
    let task = declared.file.task;
    let (truth, score) = watch::joined(platform, declared, start, end)?;
    let wrong = |positive: bool| {
        let is_wrong = |(y, p): (&f64, &f64)| (*y > 0.5) == positive && (*p >= THRESHOLD) != positive;
        let counts = task == Task::Classification;
        truth.iter().zip(&score).filter(|pair| counts && is_wrong(*pair)).count()
    };
    let (year, month, _) = start.date();
    Ok(Month {
        month: format!("{year}-{month:02}"),
        rows: truth.len(),
        false_negatives: wrong(true),
        false_positives: wrong(false),
        metrics: measure(task, &truth, &score),
    })
}

fn next_month(at: Timestamp) -> Timestamp {
    let start = at.month_start();
    (start + flyball_core::Duration::days(32)).month_start()
}

/// What the loop did, counted.
fn count(tx: &mut Tx<'_>, permit: &Permit<Read>, name: &str, until: Timestamp) -> Result<PolicyOutcome> {
    let mut number = |sql: &str| -> Result<i64> {
        let row = tx.query_one(sql, &params![permit.workspace(), name, until])?;
        row.map_or(Ok(0), |row| row.get("n"))
    };
    let versions = number(
        "SELECT COUNT(*) AS n FROM registered_models m JOIN model_versions v ON v.model_no = m.no \
         WHERE m.workspace = $1 AND m.name = $2 AND v.created_at < $3",
    )?;
    let promotions = number(
        "SELECT COUNT(*) AS n FROM rollouts WHERE workspace = $1 AND loop_name = $2 AND state = 'succeeded' AND started_at < $3",
    )?;
    let aborted = number(
        "SELECT COUNT(*) AS n FROM rollouts WHERE workspace = $1 AND loop_name = $2 AND state = 'aborted' AND started_at < $3",
    )?;
    let back = number(
        "SELECT COUNT(*) AS n FROM remedy_actions WHERE workspace = $1 AND loop_name = $2 AND state = 'taken' AND action = 'rollback' AND at < $3",
    )?;
    let windows = number(
        "SELECT COUNT(*) AS n FROM monitor_windows WHERE workspace = $1 AND loop_name = $2 AND window_from < $3",
    )?;
    let drifted = number(
        "SELECT COUNT(*) AS n FROM monitor_windows WHERE workspace = $1 AND loop_name = $2 AND drifted > 0 AND window_from < $3",
    )?;
    Ok(PolicyOutcome {
        name: name.to_owned(),
        months: Vec::new(),
        alerts: monitoring::alert_count(tx, permit, name)?,
        windows,
        drifted_windows: drifted,
        retrainings: (versions - 1).max(0),
        promotions: (promotions - 1).max(0),
        rollbacks: aborted + back,
        cost: None,
    })
}
