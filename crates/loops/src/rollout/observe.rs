//! What the revisions of a rollout did since its step began, and what conditions say about that.

use flyball_core::{Result, Timestamp};
use flyball_evaluation::expression::{Aggregate, Condition, Facts, Measured, Subject};
use flyball_serving::record_columns as columns;
use flyball_serving::rollout::{Observed, Rollout};
use flyball_serving::{CountersSnapshot, shadow};
use flyball_stats::compare::Proportion;
use flyball_stats::sequential::rate_interval;
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
        let verdict = condition.evaluate(&Behaviour { observed, end: None });
        let found = if holds { verdict.holds == Some(true) } else { verdict.holds != Some(true) };
        found.then(|| verdict.explain())
    })
}

/// The first condition that holds wherever in its interval the error rate lies, with its values. The interval holds the true
/// rate at all times at once, so looking every few seconds does not make a sound revision look broken.
pub(super) fn first_shown(conditions: &[Condition], observed: &Observed) -> Option<String> {
    conditions.iter().find_map(|condition| {
        let at = |end: Option<End>| condition.evaluate(&Behaviour { observed, end });
        let shown = [End::Low, End::High].iter().all(|end| at(Some(*end)).holds == Some(true));
        shown.then(|| at(None).explain())
    })
}

/// An end of the interval of an error rate.
#[derive(Clone, Copy)]
enum End {
    Low,
    High,
}

/// The observed behaviour of a revision as facts for conditions; `champion` is the one that had the traffic before. With an
/// `end` the error rate is at that end of its interval.
struct Behaviour<'a> {
    observed: &'a Observed,
    end: Option<End>,
}

/// The confidence of the interval.
const CONFIDENCE: f64 = 0.95;

fn error_rate(observed: &Observed, end: Option<End>) -> Option<f64> {
    let Some(end) = end else { return observed.error_rate() };
    let seen = Proportion { successes: observed.errors, trials: observed.requests };
    let interval = rate_interval(seen, CONFIDENCE)?;
    Some(match end {
        End::Low => interval.low,
        End::High => interval.high,
    })
}

impl Facts for Behaviour<'_> {
    fn value(&self, subject: Subject, metric: &str) -> Option<Measured> {
        let observed = match subject {
            Subject::Current => self.observed,
            Subject::Champion => self.observed.before.as_deref()?,
            Subject::Reference | Subject::Baseline | Subject::Estimated => return None,
        };
        let value = match metric {
            "error_rate" => error_rate(observed, self.end),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollout::condition;

    fn seen(requests: u64, errors: u64) -> Observed {
        Observed { requests, errors, ..Observed::default() }
    }

    #[test]
    fn a_look_on_the_way_believes_only_what_is_shown() {
        let shown = |text: &str, observed: &Observed| first_shown(&[condition(text).unwrap()], observed);
        let limit = "error_rate > 1%";
        assert_eq!(shown(limit, &seen(50, 1)), None);
        assert_eq!(shown(limit, &seen(0, 0)), None);
        assert_eq!(shown(limit, &seen(2, 2)).unwrap(), "error_rate > 1% (error_rate 1.000)");
        assert!(shown(limit, &seen(1000, 40)).is_some());
        // What has no interval is taken as it is.
        let slow = Observed { latency_p99_ms: Some(80.0), ..seen(10, 0) };
        assert!(shown("latency_p99_ms > 50", &slow).is_some());
        assert!(shown("latency_p99_ms > 50 and error_rate > 1%", &slow).is_none());
    }

    #[test]
    fn the_last_look_takes_values_as_they_are() {
        let conditions = [condition("error_rate > 1%").unwrap()];
        assert!(first(&conditions, &seen(50, 1), true).is_some());
    }
}
