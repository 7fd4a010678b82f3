//! Remedies: when a condition on the newest windows holds, on how an endpoint serves right now, or when the calendar says
//! so, the next step is taken within its limits, or what holds it back is recorded. Later windows tell whether it helped.

mod act;
mod approve;
mod judge;
mod perform;
mod report;
mod serving;

use flyball_core::{Duration, Result, Timestamp};
use flyball_evaluation::expression::{Condition, Verdict};
use flyball_governance::identity;
use flyball_jobs::{Claimed, NewJob, Outcome, enqueue};
use flyball_monitoring::diagnosis::Diagnosed;
use flyball_monitoring::{WindowReport, store as monitoring};
use flyball_remedies::quarantine;
use flyball_store::Tx;
use serde_json::json;

pub use approve::{Decision, decide, release};
pub use report::{Planned, plan};
pub use serving::ServingWatch;

use crate::declared::{self, Declared};
use crate::file::{Remedy, Schedule, Trigger};
use crate::platform::{Platform, permit_of};
use act::{Asks, Call, act, resolve};

/// The kind of the job of a remedy that acts by the calendar.
pub const SCHEDULED: &str = "loop.scheduled";

/// How many windows beside those of a condition are looked at, to tell since when it holds.
const EARLIER: usize = 8;

/// Judges a condition on a window and on what it was diagnosed with.
fn evaluate(condition: &Condition, window: &WindowReport) -> Verdict {
    condition.evaluate(&Diagnosed { window })
}

/// The windows until `until` that conditions look at, newest first.
fn windows_until(tx: &mut Tx<'_>, declared: &Declared, until: Timestamp) -> Result<Vec<WindowReport>> {
    let windows_of = |remedy: &Remedy| match &remedy.trigger {
        Trigger::When(condition) => condition.windows() as usize,
        Trigger::Every(_) => 0,
    };
    let most = declared.file.remedies.iter().map(windows_of).max().unwrap_or(0) + EARLIER;
    let permit = permit_of(&declared.name)?.read();
    monitoring::windows_until(tx, &permit, declared.name.as_str(), until, most)
}

/// Lets the remedies act whose conditions hold on the newest windows, of which `report` is the one just judged, and notes
/// of what they did before whether it helped.
pub(crate) fn consider(tx: &mut Tx<'_>, declared: &Declared, report: &WindowReport, now: Timestamp) -> Result<()> {
    let history = windows_until(tx, declared, report.from)?;
    let permit = permit_of(&declared.name)?;
    let name = declared.name.as_str();
    approve::expire(tx, declared, now)?;
    if report.note.is_none()
        && !report.causes.iter().any(|cause| cause.kind.is_data_fault())
        && quarantine::current(tx, &permit.read(), name)?.is_some_and(|open| open.from < report.from)
    {
        quarantine::close(tx, &permit, name, report.from, "the data is sound again", now)?;
        resolve(tx, declared, Asks::Quarantine, "the data is sound again", now)?;
    }
    let is_newest =
        monitoring::windows(tx, &permit.read(), name, 1)?.first().map(|window| window.from) == Some(report.from);
    for (position, remedy) in declared.file.remedies.iter().enumerate() {
        let Trigger::When(condition) = &remedy.trigger else { continue };
        // A window that labels came to late says nothing new about what needs none.
        if !is_newest && !condition.needs_labels() {
            continue;
        }
        judge::by_window(tx, declared, position, condition, report, now)?;
        let wanted = condition.windows() as usize;
        let verdicts: Vec<Verdict> = history.iter().map(|window| evaluate(condition, window)).collect();
        let holding = verdicts.iter().take_while(|verdict| verdict.holds == Some(true)).count();
        let (true, Some(verdict)) = (holding >= wanted, verdicts.first()) else { continue };
        let began = history.get(holding - 1).map_or(report.from, |window| window.from);
        let evidence = json!({
            "window": report.from.to_string(), "condition": verdict.explain(), "measured": verdict.evidence,
            "rows": report.rows, "labelled": report.labelled, "errors": report.errors, "versions": report.versions,
            "drifted": report.drifted().iter().map(|column| column.column.as_str()).collect::<Vec<_>>(),
        });
        let call = Call {
            cause: format!("window:{}", report.from.0),
            reason: verdict.explain(),
            evidence,
            causes: report.causes.clone(),
            trouble_at: Some(began),
            rows: Some((report.rows + report.errors) as u64),
        };
        act(tx, declared, position, remedy, call, now)?;
    }
    Ok(())
}

/// Plans the next calendar action of a remedy.
pub fn plan_scheduled(
    tx: &mut Tx<'_>,
    declared: &Declared,
    position: usize,
    remedy: &Remedy,
    now: Timestamp,
) -> Result<()> {
    let Trigger::Every(schedule) = &remedy.trigger else { return Ok(()) };
    let due = next_of(*schedule, now);
    let key = format!("scheduled:{}:{position}:{}", declared.name, due.0);
    let payload = json!({ "loop": declared.name, "remedy": position });
    enqueue(tx, &NewJob::new(SCHEDULED, key, declared.name.as_str(), payload, due), now).map(drop)
}

/// The next moment of a schedule after `now`.
fn next_of(schedule: Schedule, now: Timestamp) -> Timestamp {
    match schedule {
        Schedule::Span(span) => now + span,
        Schedule::Month => (now.month_start() + Duration::days(32)).month_start(),
    }
}

/// Runs a calendar action.
pub fn run_scheduled(platform: &Platform, job: &Claimed) -> Result<Outcome> {
    let permit = identity::local_user()?.edit().read();
    let name = job.job.payload["loop"].as_str().unwrap_or_default().to_owned();
    let position = usize::try_from(job.job.payload["remedy"].as_u64().unwrap_or(0)).unwrap_or(0);
    let declared = platform.db.read(|tx| declared::get(tx, &permit, &name))?;
    let (now, due) = (platform.clock.now(), job.job.due_at);
    let effects = move |tx: &mut Tx<'_>| {
        // The file may have changed since the action was planned.
        let Some(remedy) = declared.file.remedies.get(position) else { return Ok(()) };
        let Trigger::Every(schedule) = &remedy.trigger else { return Ok(()) };
        let reason = match schedule {
            Schedule::Span(span) => format!("every {span}"),
            Schedule::Month => "the first of the month".to_owned(),
        };
        approve::expire(tx, &declared, now)?;
        act(tx, &declared, position, remedy, Call::scheduled(due, reason), now)?;
        plan_scheduled(tx, &declared, position, remedy, now)
    };
    Ok(Outcome { effects: Box::new(effects), result: json!({}) })
}
