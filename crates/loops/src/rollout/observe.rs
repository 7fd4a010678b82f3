//! What the revisions of a rollout did since its step began, and what conditions say about that.

use flyball_core::{Result, Timestamp};
use flyball_evaluation::expression::{Aggregate, Condition, Facts, Measured, Subject};
use flyball_serving::record_columns as columns;
use flyball_serving::rollout::{Observed, Rollout};
use flyball_serving::{CountersSnapshot, shadow};
use serde::{Deserialize, Serialize};

use crate::platform::Platform;

/// What the two revisions had done when a step began: the counters of this process, which a restart sets to zero.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Seen {
    to: Counted,
    from: Counted,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Counted {
    requests: u64,
    errors: u64,
}

/// What was observed. A rollout that is looked at often asks the counters; one that is looked at once a step, as in a
/// simulation, the records.
pub(super) fn observe(
    platform: &Platform,
    rollout: &Rollout,
    seen: &mut Option<Seen>,
    now: Timestamp,
) -> Result<Observed> {
    let mut observed = match rollout.plan.every {
        Some(_) => counted(platform, rollout, seen.get_or_insert_with(|| began(platform, rollout))),
        None => recorded(platform, rollout, now)?,
    };
    if rollout.plan.mirror > 0 {
        let (endpoint, to, since) = (&rollout.endpoint, &rollout.to_revision, rollout.step_started_at);
        let agreement = platform.db.read(|tx| shadow::agreement(tx, endpoint, to, since))?;
        observed.agreement = Some(agreement);
    }
    Ok(observed)
}

/// A step that has just begun: the new revision starts from nothing, the old one from what it has done.
fn began(platform: &Platform, rollout: &Rollout) -> Seen {
    let first = rollout.step == 0;
    let now = |revision: &str| {
        let counters = platform.serving.counters(&rollout.endpoint, revision).unwrap_or_default();
        Counted { requests: counters.requests, errors: counters.errors }
    };
    let from = rollout.from_revision.as_deref().map(now).unwrap_or_default();
    // What it did before the first look belongs to the first step.
    Seen { to: if first { Counted::default() } else { now(&rollout.to_revision) }, from }
}

fn counted(platform: &Platform, rollout: &Rollout, seen: &Seen) -> Observed {
    let since = |counters: &CountersSnapshot, before: Counted| {
        // A restart sets the counters to zero; then all that they say is since.
        let before = if counters.requests < before.requests { Counted::default() } else { before };
        let latency = counters.latency.quantile_nanos(0.99) as f64 / 1e6;
        Observed {
            requests: counters.requests - before.requests,
            errors: counters.errors.saturating_sub(before.errors),
            latency_p99_ms: (latency > 0.0).then_some(latency),
            ..Observed::default()
        }
    };
    let of = |revision: &str| platform.serving.counters(&rollout.endpoint, revision).unwrap_or_default();
    let before = rollout.from_revision.as_deref().map(|from| Box::new(since(&of(from), seen.from)));
    Observed { before, ..since(&of(&rollout.to_revision), seen.to) }
}

fn recorded(platform: &Platform, rollout: &Rollout, now: Timestamp) -> Result<Observed> {
    let records = platform.serving.records(&rollout.endpoint, rollout.step_started_at, now)?;
    if records.rows() == 0 {
        return Ok(Observed::default());
    }
    let (revisions, errors) = (records.column(columns::REVISION)?, records.column(columns::ERROR)?);
    let own =
        (0..records.rows()).filter(|&row| revisions.value(row).text().as_deref() == Some(rollout.to_revision.as_str()));
    let mut seen = Observed::default();
    for row in own {
        seen.requests += 1;
        seen.errors += u64::from(!errors.is_missing(row));
    }
    let counters = platform.serving.counters(&rollout.endpoint, &rollout.to_revision);
    // Under a virtual clock nothing takes time, and there is no latency to speak of.
    seen.latency_p99_ms = counters.map(|c| c.latency.quantile_nanos(0.99) as f64 / 1e6).filter(|ms| *ms > 0.0);
    Ok(seen)
}

/// The first condition that holds (or that does not), with its values. One whose values were not measured does neither.
pub(super) fn first(conditions: &[Condition], observed: &Observed, holds: bool) -> Option<String> {
    conditions.iter().find_map(|condition| {
        let verdict = condition.evaluate(&Behaviour(observed));
        let found = if holds { verdict.holds == Some(true) } else { verdict.holds != Some(true) };
        found.then(|| verdict.explain())
    })
}

/// The observed behaviour of a revision as facts for conditions; `champion` is the one that had the traffic before.
struct Behaviour<'a>(&'a Observed);

impl Facts for Behaviour<'_> {
    fn value(&self, subject: Subject, metric: &str) -> Option<Measured> {
        let observed = match subject {
            Subject::Current => self.0,
            Subject::Champion => self.0.before.as_deref()?,
            Subject::Reference | Subject::Baseline | Subject::Estimated => return None,
        };
        let value = match metric {
            "error_rate" => observed.error_rate(),
            "latency_p99_ms" => observed.latency_p99_ms,
            "disagreement" => observed.agreement.as_ref().and_then(|agreement| agreement.disagreement()),
            _ => None,
        };
        let note = Some(format!("{} requests", observed.requests));
        value.map(|value| Measured { value, low: None, high: None, note })
    }

    fn by_group(&self, _aggregate: Aggregate, _metric: &str, _column: &str) -> Option<Measured> {
        None
    }

    fn flag(&self, _name: &str) -> Option<bool> {
        None
    }
}
