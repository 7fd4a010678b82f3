//! Watches what serves: a window of what was answered is joined with what really happened and judged; then the alerts move
//! and the remedies are considered.

mod columns;
mod groups;
pub mod period;
mod reasoning;
mod report;
mod rows;
mod schedule;
mod segments;
mod served;
mod unfair;

use flyball_core::{Error, ErrorCode, Permit, Read, Result, Timestamp};
use flyball_evaluation::expression::higher_is_better;
use flyball_governance::identity;
use flyball_jobs::{Claimed, Outcome};
use flyball_monitoring::alert::{AlertKind, Finding, Floor, findings};
use flyball_monitoring::store as monitoring;
use flyball_monitoring::store::Judged;
use flyball_registry::{CHAMPION, PackagedVersion, packages as registry};
use flyball_store::Tx;
use serde_json::json;

pub(crate) use columns::{check, check_conditions};
pub use reasoning::Usual;
pub use schedule::{KIND, LABELS, plan};
pub use served::{each_joined, joined};

use crate::declared::{self, Declared};
use crate::platform::{Platform, permit_of};
use crate::remedy;

/// Closes the window of the job, and judges those again for which rows or labels came late. A window that cannot be judged
/// is told of, and does not keep those after it from being judged.
///
/// # Errors
/// Those of the database and of the store that may pass, while the job has attempts left.
pub fn run(platform: &Platform, job: &Claimed) -> Result<Outcome> {
    let (declared, from) = of_job(platform, job)?;
    let now = platform.clock.now();
    let judged = attempt(job, || {
        let ended = schedule::ended(platform, &declared, from)?;
        let mut judged = judge_all(platform, &declared, &ended, now)?;
        // What came late to a window that cannot be judged again is no reason not to judge the new one.
        let changed = schedule::changed(platform, &declared, now)?;
        for window in changed.into_iter().filter(|window| !ended.contains(window)) {
            judged.extend(kept(judge_all(platform, &declared, &[window], now))?.unwrap_or_default());
        }
        judged.sort_by_key(|judged| judged.report.from);
        Ok((judged, ended))
    })?;
    let result = match &judged {
        Ok((judged, _)) => json!({ "windows": judged.len(), "rows": judged.last().map(|judged| judged.report.rows) }),
        Err(reason) => json!({ "windows": 0, "error": reason }),
    };
    let effects = move |tx: &mut Tx<'_>| {
        match judged {
            Ok((judged, ended)) => {
                for judged in &judged {
                    conclude(tx, &declared, judged, now)?;
                }
                for window in &ended {
                    schedule::plan_labels(tx, &declared, *window, now)?;
                }
                tell(tx, &declared, from, None, now)?;
            }
            Err(reason) => tell(tx, &declared, from, Some(&reason), now)?,
        }
        plan(tx, &declared, from + declared.file.monitor.stride(), now)
    };
    Ok(Outcome { effects: Box::new(effects), result })
}

/// Judges a window again whose labels are due.
///
/// # Errors
/// As [`run`].
pub fn run_labels(platform: &Platform, job: &Claimed) -> Result<Outcome> {
    let (declared, from) = of_job(platform, job)?;
    let to = Timestamp(job.job.payload["to"].as_i64().unwrap_or_default());
    let now = platform.clock.now();
    let judged = attempt(job, || judge_all(platform, &declared, &[(from, to)], now))?;
    let result = match &judged {
        Ok(judged) => json!({ "labelled": judged.last().map(|judged| judged.report.labelled) }),
        Err(reason) => json!({ "error": reason }),
    };
    let effects = move |tx: &mut Tx<'_>| match judged {
        Ok(judged) => judged.iter().try_for_each(|judged| conclude(tx, &declared, judged, now)),
        Err(reason) => {
            tell(tx, &declared, from, Some(&reason), now)?;
            schedule::plan_labels_later(tx, &declared, (from, to), now)
        }
    };
    Ok(Outcome { effects: Box::new(effects), result })
}

/// Judges; or says why that cannot be done: what the error is when it will not pass, and after attempts that failed (or
/// panicked) the last one only tells what those failed of.
fn attempt<T>(job: &Claimed, judge: impl FnOnce() -> Result<T>) -> Result<std::result::Result<T, String>> {
    let job = &job.job;
    if job.failures > 0 && job.failures + 1 >= job.max_attempts {
        return Ok(Err(job.error.clone().unwrap_or_else(|| "it failed several times".to_owned())));
    }
    kept(judge()).map(|judged| judged.map_err(|error| explained(&error)))
}

/// Lets only those errors pass that may pass by themselves.
fn kept<T>(judged: Result<T>) -> Result<std::result::Result<T, Error>> {
    use ErrorCode::{Fenced, Internal, Overloaded, StorageFull, Unavailable};
    match judged {
        Err(error) if matches!(error.code(), Fenced | Internal | Overloaded | StorageFull | Unavailable) => Err(error),
        judged => Ok(judged),
    }
}

fn explained(error: &Error) -> String {
    error.next_step().map_or_else(|| error.to_string(), |hint| format!("{error}; {hint}"))
}

/// Tells that the window from `from` on cannot be judged and why, or that windows are judged (again).
fn tell(tx: &mut Tx<'_>, declared: &Declared, from: Timestamp, reason: Option<&str>, now: Timestamp) -> Result<()> {
    let permit = permit_of(&declared.name)?;
    let summary = match reason {
        Some(reason) => format!("the window from {from} cannot be judged: {reason}"),
        None => "windows are judged".to_owned(),
    };
    let finding = Finding::new(AlertKind::Monitor, reason.is_some(), summary, json!({ "from": from, "error": reason }));
    monitoring::apply(tx, &permit, declared.name.as_str(), &finding, now)
}

fn of_job(platform: &Platform, job: &Claimed) -> Result<(Declared, Timestamp)> {
    let permit = identity::local_user()?.edit().read();
    let name = job.job.payload["loop"].as_str().unwrap_or_default();
    let from = Timestamp(job.job.payload["from"].as_i64().unwrap_or_default());
    Ok((platform.db.read(|tx| declared::get(tx, &permit, name))?, from))
}

/// Judges windows by what the version was built on that answered most of their rows: what was answered before a version
/// served is no evidence against it. A window that is judged again keeps the version that it was compared with first. Nothing
/// while there is no champion.
fn judge_all(
    platform: &Platform,
    declared: &Declared,
    windows: &[(Timestamp, Timestamp)],
    now: Timestamp,
) -> Result<Vec<Judged>> {
    let permit = permit_of(&declared.name)?.read();
    let name = declared.name.as_str();
    let version = |name: &str| platform.db.read(|tx| version_of(tx, &permit, name));
    let Some(champion) = platform.db.read(|tx| registry::by_alias(tx, &permit, name, CHAMPION))? else {
        return Ok(Vec::new());
    };
    let judge = |version: &PackagedVersion, window: (Timestamp, Timestamp)| {
        report::Judge::new(platform, declared, version)?.judge(window, now)
    };
    let each = |window: &(Timestamp, Timestamp)| {
        let first = platform.db.read(|tx| monitoring::against(tx, &permit, name, window.0))?;
        if let Some(first) = first.as_deref().map(version).transpose()?.flatten() {
            return judge(&first, *window);
        }
        let judged = judge(&champion, *window)?;
        let main = judged.report.versions.iter().max_by_key(|(_, rows)| **rows).map(|(name, _)| name);
        match main.filter(|main| judged.report.against.as_ref() != Some(main)).map(|main| version(main)).transpose()? {
            Some(Some(other)) => judge(&other, *window),
            _ => Ok(judged),
        }
    };
    windows.iter().map(each).collect()
}

/// The version of a name like MODEL/NUMBER; `None` where there is none any more.
fn version_of(tx: &mut Tx<'_>, permit: &Permit<Read>, name: &str) -> Result<Option<PackagedVersion>> {
    match name.rsplit_once('/').and_then(|(model, number)| Some((model, number.parse().ok()?))) {
        Some((model, number)) => registry::find(tx, permit, model, number),
        None => Ok(None),
    }
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
