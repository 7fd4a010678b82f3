//! Remedies on how an endpoint serves right now: conditions that name nothing but `error_rate` and `latency_p99_ms` do not
//! wait for a window to end. The counters of the revision that serves are looked at every second, in stretches of a few
//! seconds; a condition that holds in two stretches in a row is believed.
//!
//! What is looked at is in memory and costs no transaction until a remedy acts; each process looks at what it served.

use std::collections::BTreeMap;
use std::sync::Arc;

use flyball_core::{Duration, Result, Timestamp};
use flyball_evaluation::expression::{Aggregate, Condition, Facts, Measured, Subject, Verdict};
use flyball_governance::identity;
use flyball_monitoring::diagnosis::{Cause, CauseKind};
use flyball_remedies::State;
use flyball_serving::{CountersSnapshot, LiveRevision};
use flyball_store::Tx;
use serde_json::json;

use super::act::{Call, act};
use super::judge;
use crate::declared::{self, Declared};
use crate::file::Trigger;
use crate::platform::Platform;

/// How the cause of a call begins that came from here.
pub(super) const CAUSE: &str = "serving:";
/// How long a stretch is at least: shorter ones hold too little traffic.
const STRETCH: Duration = Duration::seconds(5);
/// Fewer requests say too little about a stretch: the 99th percentile of a hundred is the second slowest.
const FEWEST_REQUESTS: u64 = 100;
/// A stretch that an endpoint with little traffic has made long is believed with so many.
const FEW_REQUESTS: u64 = 10;
/// In how many stretches in a row a condition must hold: one may be an accident.
const STRETCHES: u32 = 2;

/// Watches the endpoints of loops. A restart forgets what was seen and looks anew.
#[derive(Default)]
pub struct ServingWatch {
    /// What the loops were when they were read, to know when they changed.
    version: Option<(i64, Option<Timestamp>)>,
    watched: Vec<Watched>,
}

/// A loop with remedies on how it serves.
struct Watched {
    declared: Arc<Declared>,
    stretch: Option<Stretch>,
    /// By the position of the remedy.
    findings: BTreeMap<usize, Finding>,
}

/// A stretch of time at the revision that serves, as it began.
struct Stretch {
    revision: Arc<str>,
    from: Timestamp,
    counters: CountersSnapshot,
}

/// What was found for one remedy.
struct Finding {
    /// In how many stretches in a row its condition held.
    stretches: u32,
    /// Since when.
    since: Timestamp,
    /// Whether something that it did may still have to be judged.
    open: bool,
}

impl ServingWatch {
    /// Looks at every endpoint once; says whether a remedy acted. To be called about once a second.
    ///
    /// # Errors
    /// Those of the database.
    pub fn look(&mut self, platform: &Platform) -> Result<bool> {
        self.read_loops(platform)?;
        let mut acted = false;
        for watched in &mut self.watched {
            acted |= watched.look(platform)?;
        }
        if acted {
            platform.serving.refresh()?;
        }
        Ok(acted)
    }

    /// Reads the loops again when one was applied; what was found of those that are the same goes on.
    fn read_loops(&mut self, platform: &Platform) -> Result<()> {
        let version = platform.db.read(declared::version)?;
        if self.version == Some(version) {
            return Ok(());
        }
        let permit = identity::local_user()?.edit().read();
        let loops = platform.db.read(|tx| declared::list(tx, &permit))?;
        let mut before = std::mem::take(&mut self.watched);
        for declared in loops.into_iter().filter(|declared| remedies_of(declared).next().is_some()) {
            let same = |watched: &Watched| {
                watched.declared.name == declared.name && watched.declared.applied_at == declared.applied_at
            };
            self.watched.push(match before.iter().position(same) {
                Some(at) => before.swap_remove(at),
                None => Watched { declared: Arc::new(declared), stretch: None, findings: BTreeMap::new() },
            });
        }
        self.version = Some(version);
        Ok(())
    }
}

/// The remedies of a loop that are about how it serves.
fn remedies_of(declared: &Declared) -> impl Iterator<Item = (usize, &Condition)> {
    declared.file.remedies.iter().enumerate().filter_map(|(position, remedy)| match &remedy.trigger {
        Trigger::When(condition) if condition.is_of_serving() => Some((position, condition)),
        _ => None,
    })
}

impl Watched {
    fn look(&mut self, platform: &Platform) -> Result<bool> {
        let Ok(live) = platform.serving.endpoint(self.declared.name.as_str()) else { return Ok(false) };
        let Some(serving) = live.revisions.iter().max_by_key(|revision| revision.per_mille) else { return Ok(false) };
        let (now, counters) = (platform.clock.now(), serving.counters());
        let id = &serving.revision.id;
        let begun = match &self.stretch {
            // Another revision has done nothing of this, and a restart sets the counters to zero.
            Some(stretch) if stretch.revision == *id && stretch.counters.requests <= counters.requests => stretch,
            _ => {
                self.begin(id, now, counters);
                return Ok(false);
            }
        };
        let done = counters.since(&begun.counters);
        let window = self.declared.file.monitor.stride();
        let age = now - begun.from;
        let full = age >= STRETCH.min(Duration(window.0 / 4)) && done.requests >= FEWEST_REQUESTS;
        let late = age >= Duration(window.0 / 3) && done.requests >= FEW_REQUESTS;
        if !full && !late {
            if age >= window {
                self.begin(id, now, counters);
            }
            return Ok(false);
        }
        let from = begun.from;
        let acted = self.judge(platform, serving, &done, (from, now))?;
        self.begin(&Arc::clone(id), now, counters);
        Ok(acted)
    }

    fn begin(&mut self, revision: &Arc<str>, from: Timestamp, counters: CountersSnapshot) {
        self.stretch = Some(Stretch { revision: Arc::clone(revision), from, counters });
    }

    /// Judges a stretch for each remedy, and lets those act whose condition was seen often enough.
    fn judge(
        &mut self,
        platform: &Platform,
        serving: &LiveRevision,
        done: &CountersSnapshot,
        (from, now): (Timestamp, Timestamp),
    ) -> Result<bool> {
        let declared = Arc::clone(&self.declared);
        let window = declared.file.monitor.stride();
        let mut acted = false;
        for (position, condition) in remedies_of(&declared) {
            let verdict = condition.evaluate(&Behaviour(done));
            let finding = self.findings.entry(position).or_insert(Finding { stretches: 0, since: from, open: true });
            if verdict.holds != Some(true) {
                finding.stretches = 0;
                if finding.open && verdict.holds == Some(false) {
                    let (declared, moment) = (Arc::clone(&declared), (from, Some(false)));
                    platform.db.write(move |tx| judge::by_verdict(tx, &declared, position, moment, now))?;
                    finding.open = false;
                }
                continue;
            }
            if finding.stretches == 0 {
                finding.since = from;
            }
            finding.stretches += 1;
            // `for N windows`: it must hold for as long as the end of the N-th would have taken to come.
            let long = Duration(window.0.saturating_mul(i64::from(condition.windows()) - 1));
            if finding.stretches < STRETCHES || now - finding.since < long {
                continue;
            }
            let call = call_of(&verdict, serving, done, finding.since, (from, now));
            let declared = Arc::clone(&declared);
            let recorded = platform.db.write(move |tx| answer(tx, &declared, position, (from, now), call))?;
            finding.open = true;
            if recorded {
                acted = true;
                finding.stretches = 0;
            }
        }
        Ok(acted)
    }
}

/// Judges what was done before, then takes the next step; says whether it was taken.
fn answer(
    tx: &mut Tx<'_>,
    declared: &Declared,
    position: usize,
    (from, now): (Timestamp, Timestamp),
    call: Call,
) -> Result<bool> {
    let Some(remedy) = declared.file.remedies.get(position) else { return Ok(false) };
    judge::by_verdict(tx, declared, position, (from, Some(true)), now)?;
    let recorded = act(tx, declared, position, remedy, call, now)?;
    Ok(recorded.is_some_and(|action| action.state == State::Taken))
}

fn call_of(
    verdict: &Verdict,
    serving: &LiveRevision,
    done: &CountersSnapshot,
    since: Timestamp,
    (from, now): (Timestamp, Timestamp),
) -> Call {
    let revision = &serving.revision;
    let version = format!("{}/{}", revision.model, revision.version);
    let p99 = latency(done).map_or_else(String::new, |ms| format!(", 99 % within {ms:.1} ms"));
    let told = format!("{} of {} requests to {version} failed{p99}", done.errors, done.requests);
    let named = |metric: &str| verdict.evidence.iter().any(|(term, _)| term == metric);
    let mut causes = Vec::new();
    if named("error_rate") && done.errors > 0 {
        causes.push(Cause::new(CauseKind::FailingModel, None, done.error_rate(), told.clone()));
    }
    if named("latency_p99_ms") && latency(done).is_some() {
        causes.push(Cause::new(CauseKind::SlowModel, None, 1.0, told));
    }
    Call {
        cause: format!("{CAUSE}{}", now.0),
        reason: verdict.explain(),
        evidence: json!({
            "from": from.to_string(), "to": now.to_string(), "condition": verdict.explain(),
            "measured": verdict.evidence, "requests": done.requests, "errors": done.errors,
            "latency_p99_ms": latency(done), "version": version, "revision": revision.id,
        }),
        causes,
        trouble_at: Some(since),
        rows: Some(done.requests),
    }
}

fn latency(done: &CountersSnapshot) -> Option<f64> {
    Some(done.latency.quantile_nanos(0.99) as f64 / 1e6).filter(|ms| *ms > 0.0)
}

/// What a revision did in a stretch, as facts for conditions.
struct Behaviour<'a>(&'a CountersSnapshot);

impl Facts for Behaviour<'_> {
    fn value(&self, subject: Subject, metric: &str) -> Option<Measured> {
        if subject != Subject::Current {
            return None;
        }
        let value = match metric {
            "error_rate" if self.0.requests > 0 => Some(self.0.error_rate()),
            "latency_p99_ms" => latency(self.0),
            _ => None,
        };
        let note = Some(format!("{} requests", self.0.requests));
        value.map(|value| Measured { value, low: None, high: None, note })
    }

    fn by_group(&self, _aggregate: Aggregate, _metric: &str, _column: &str) -> Option<Measured> {
        None
    }

    fn flag(&self, _name: &str) -> Option<bool> {
        None
    }
}
