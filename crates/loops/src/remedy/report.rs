//! What the remedies of a loop would do now, and what holds them back.

use flyball_core::{Error, Permit, Read, Result, Timestamp};
use flyball_monitoring::diagnosis::Cause;
use flyball_remedies::quarantine::{self, Quarantine};
use flyball_remedies::rules::{self, Step};
use flyball_remedies::{Pause, pause};
use serde::Serialize;
use serde_json::json;

use super::act::{Call, Standing};
use super::{evaluate, windows_until};
use crate::declared;
use crate::file::{Action, Trigger};
use crate::platform::Platform;

/// How a loop's remedies stand.
#[derive(Clone, Debug, Serialize)]
pub struct Planned {
    /// The loop.
    pub loop_name: String,
    /// The newest judged window.
    pub window: Option<Timestamp>,
    /// What it shows, the most telling cause first.
    pub diagnosis: Vec<Cause>,
    /// Who paused the remedies.
    pub pause: Option<Pause>,
    /// The data that nothing is learned from, newest first.
    pub quarantines: Vec<Quarantine>,
    /// Each remedy, in the order of the file.
    pub remedies: Vec<PlannedRemedy>,
}

/// How one remedy stands.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedRemedy {
    /// Its position in the file, from 1.
    pub number: usize,
    /// What calls for it: its condition or schedule.
    pub when: String,
    /// Whether that is so now; `None` when it is not known, or the calendar decides.
    pub holds: Option<bool>,
    /// Its condition with the values behind it.
    pub explained: Option<String>,
    /// Its steps.
    pub steps: Vec<Action>,
    /// What it would do.
    pub next: Option<Action>,
    /// What would hold it back.
    pub held: Option<String>,
    /// Whether it would wait for a person.
    pub approval: bool,
    /// Whether it would only record it.
    pub dry_run: bool,
}

/// Says what the remedies of a loop would do now.
///
/// # Errors
/// `NotFound` when there is no such loop.
pub fn plan(platform: &Platform, permit: &Permit<Read>, loop_name: &str) -> Result<Planned> {
    let now = platform.clock.now();
    platform.db.read(|tx| {
        let declared = declared::get(tx, permit, loop_name)?;
        let history = windows_until(tx, &declared, Timestamp(i64::MAX))?;
        let standing = Standing::of(tx, &declared, now)?;
        let newest = history.first();
        let causes = newest.map(|window| window.causes.clone()).unwrap_or_default();
        let mut remedies = Vec::new();
        for (position, remedy) in declared.file.remedies.iter().enumerate() {
            let (when, windows) = match &remedy.trigger {
                Trigger::When(condition) => (condition.text().to_owned(), condition.windows() as usize),
                Trigger::Every(_) => ("by the calendar".to_owned(), 0),
            };
            let (holds, explained) = match &remedy.trigger {
                Trigger::When(condition) => {
                    let verdicts: Vec<_> =
                        history.iter().take(windows).map(|window| evaluate(condition, window)).collect();
                    let all = verdicts.len() == windows && verdicts.iter().all(|verdict| verdict.holds == Some(true));
                    let newest = verdicts.first();
                    let known = newest.and_then(|verdict| verdict.holds);
                    (known.map(|holds| holds && all), newest.map(|verdict| verdict.explain()))
                }
                Trigger::Every(_) => (None, None),
            };
            let call = Call {
                cause: String::new(),
                reason: String::new(),
                evidence: json!({}),
                causes: causes.clone(),
                trouble_at: None,
                rows: newest.map(|window| (window.rows + window.errors) as u64),
            };
            let (step, held) = standing.next(&declared, position, remedy, &call);
            let (next, held) = match step {
                Step::Take(action) => (Some(action), held),
                Step::Hold(why) | Step::GiveUp { why, .. } => (None, Some(why)),
            };
            remedies.push(PlannedRemedy {
                number: position + 1,
                when,
                holds,
                explained,
                steps: remedy.steps.clone(),
                approval: next.is_some_and(|action| rules::needs_approval(action, &remedy.limits)),
                next,
                held,
                dry_run: remedy.dry_run,
            });
        }
        Ok::<_, Error>(Planned {
            loop_name: loop_name.to_owned(),
            window: newest.map(|window| window.from),
            diagnosis: causes,
            pause: pause::of(tx, permit, loop_name)?,
            quarantines: quarantine::all(tx, permit, loop_name)?,
            remedies,
        })
    })
}
