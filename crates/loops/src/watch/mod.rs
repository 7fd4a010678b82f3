//! Watches what serves: a window of what was answered is joined with what really happened and judged; then the alerts move
//! and the remedies are considered.

mod groups;
pub mod period;
mod report;
mod schedule;
mod segments;
mod served;

use flyball_core::{Result, Timestamp};
use flyball_evaluation::expression::higher_is_better;
use flyball_governance::identity;
use flyball_jobs::{Claimed, Outcome};
use flyball_monitoring::alert::{AlertKind, Floor, findings};
use flyball_monitoring::store as monitoring;
use flyball_monitoring::store::Judged;
use flyball_registry::{CHAMPION, packages as registry};
use flyball_store::Tx;
use serde_json::json;

pub use schedule::{KIND, LABELS, plan};
pub use served::joined;

use crate::declared::{self, Declared};
use crate::platform::{Platform, permit_of};
use crate::remedy;

/// Closes the window of the job, and judges those again for which rows or labels came late.
///
/// # Errors
/// Those of the database and of the store.
pub fn run(platform: &Platform, job: &Claimed) -> Result<Outcome> {
    let (declared, from) = of_job(platform, job)?;
    let now = platform.clock.now();
    let mut windows = schedule::changed(platform, &declared, now)?;
    let ended = schedule::ended(platform, &declared, from)?;
    windows.extend(&ended);
    let judged = judge_all(platform, &declared, &windows, now)?;
    let result = json!({ "windows": judged.len(), "rows": judged.last().map(|judged| judged.report.rows) });
    let effects = move |tx: &mut Tx<'_>| {
        for judged in &judged {
            conclude(tx, &declared, judged, now)?;
        }
        for window in &ended {
            schedule::plan_labels(tx, &declared, *window, now)?;
        }
        plan(tx, &declared, from + declared.file.monitor.stride(), now)
    };
    Ok(Outcome { effects: Box::new(effects), result })
}

/// Judges a window again whose labels are due.
///
/// # Errors
/// Those of the database and of the store.
pub fn run_labels(platform: &Platform, job: &Claimed) -> Result<Outcome> {
    let (declared, from) = of_job(platform, job)?;
    let to = Timestamp(job.job.payload["to"].as_i64().unwrap_or_default());
    let now = platform.clock.now();
    let judged = judge_all(platform, &declared, &[(from, to)], now)?;
    let result = json!({ "labelled": judged.last().map(|judged| judged.report.labelled) });
    let effects = move |tx: &mut Tx<'_>| judged.iter().try_for_each(|judged| conclude(tx, &declared, judged, now));
    Ok(Outcome { effects: Box::new(effects), result })
}

fn of_job(platform: &Platform, job: &Claimed) -> Result<(Declared, Timestamp)> {
    let permit = identity::local_user()?.edit().read();
    let name = job.job.payload["loop"].as_str().unwrap_or_default();
    let from = Timestamp(job.job.payload["from"].as_i64().unwrap_or_default());
    Ok((platform.db.read(|tx| declared::get(tx, &permit, name))?, from))
}

/// Judges windows by what their loop's champion was built on; nothing while there is none.
fn judge_all(
    platform: &Platform,
    declared: &Declared,
    windows: &[(Timestamp, Timestamp)],
    now: Timestamp,
) -> Result<Vec<Judged>> {
    let permit = permit_of(&declared.name)?.read();
    let champion = platform.db.read(|tx| registry::by_alias(tx, &permit, declared.name.as_str(), CHAMPION))?;
    let Some(champion) = champion else { return Ok(Vec::new()) };
    let judge = report::Judge::new(platform, declared, &champion)?;
    windows.iter().map(|window| judge.judge(*window, now)).collect()
}

/// Writes a judged window, moves the alerts, and lets the remedies act.
fn conclude(tx: &mut Tx<'_>, declared: &Declared, judged: &Judged, now: Timestamp) -> Result<()> {
    let permit = permit_of(&declared.name)?;
    let name = declared.name.as_str();
    let standing = monitoring::keep(tx, &permit, name, judged, now)?;
    // What came late changes what is known of its window, but says nothing about how things stand now: the data by the
    // newest window, the performance by the newest one whose labels are due.
    let speaks = |kind: AlertKind| if kind.needs_labels() { standing.newest_labelled } else { standing.newest };
    let floor = declared.file.monitor.performance.as_ref();
    let floor = floor.map(|p| Floor {
        metric: &p.metric,
        limit: p.floor,
        clear: p.clear,
        higher_is_better: higher_is_better(&p.metric),
    });
    let report = &judged.report;
    for finding in findings(report, &report.causes, floor.as_ref()).into_iter().filter(|finding| speaks(finding.kind)) {
        monitoring::apply(tx, &permit, name, &finding, now)?;
    }
    if standing.newest || standing.newest_labelled {
        remedy::consider(tx, declared, &judged.report, now)?;
    }
    Ok(())
}
