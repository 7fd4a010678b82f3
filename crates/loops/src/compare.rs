//! Versions that share the traffic of an endpoint, compared by what they answered and what really happened: the judgement
//! of an A/B test. People look at it as often as they like while it runs, so every interval and p-value is valid at any time.

use std::collections::HashMap;
use std::sync::Arc;

use flyball_core::{Permit, Read, Result, Table, Timestamp};
use flyball_serving::model::TruthValue;
use flyball_serving::{LiveEndpoint, Revision, record_columns as columns, truth};
use flyball_stats::compare::{Difference, Moments, Proportion};
use flyball_stats::sequential::{BoundedMean, bounded_difference, mean_difference, rate_difference};
use serde::Serialize;

use crate::platform::Platform;

/// The confidence of the intervals, and one minus the level of significance.
const CONFIDENCE: f64 = 0.95;
/// How many keys are looked up at once.
const KEYS: usize = 10_000;

/// How the versions of an endpoint compare over a span of time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The versions, the one with the largest share first; the others are compared with it.
    pub versions: Vec<Compared>,
}

/// What a version did, and how it differs from the first.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Compared {
    /// The revision.
    pub revision: String,
    /// The registered model.
    pub model: String,
    /// Its version.
    pub version: i64,
    /// Predictions made.
    pub predictions: u64,
    /// Those that failed.
    pub errors: u64,
    /// The mean of the headline score.
    pub mean_score: Option<f64>,
    /// Predictions whose truth is known.
    pub labelled: u64,
    /// The share of right classes among those, for classifiers.
    pub accuracy: Option<f64>,
    /// The mean absolute error among those, for regressions.
    pub mean_absolute_error: Option<f64>,
    /// How it differs from the first version: absent for that one, and what cannot be tested.
    pub differences: Vec<Tested>,
}

/// A difference from the first version.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tested {
    /// What is compared.
    pub metric: &'static str,
    /// This version minus the first.
    pub difference: f64,
    /// The interval that holds the true difference at all times at once with 95 %.
    pub interval: (f64, f64),
    /// The two-sided p-value of no difference, valid whenever one looks.
    pub p_value: f64,
    /// Whether the difference is significant at 5 %, corrected for how many are tested (Bonferroni).
    pub significant: bool,
}

/// Sums over the records of a revision.
#[derive(Default)]
struct Sums {
    predictions: u64,
    errors: u64,
    scores: Moments,
    /// The same, for probabilities.
    probabilities: BoundedMean,
    right: Proportion,
    misses: Moments,
}

/// Compares the versions that share the traffic now, by what was recorded in `from..to`.
///
/// # Errors
/// `NotFound` when there is no such endpoint; those of the database and the store.
pub fn compare(
    platform: &Platform,
    _permit: &Permit<Read>,
    endpoint: &str,
    from: Timestamp,
    to: Timestamp,
) -> Result<Comparison> {
    let live = platform.serving.endpoint(endpoint)?;
    let records = platform.serving.records(endpoint, from, to)?;
    let mut sums: HashMap<String, Sums> = HashMap::new();
    if records.rows() > 0 {
        add(platform, &live, &records, &mut sums)?;
    }
    let mut order: Vec<_> = live.revisions.iter().collect();
    order.sort_by_key(|live| std::cmp::Reverse(live.per_mille));
    let revisions: Vec<Arc<Revision>> = order.into_iter().map(|live| Arc::clone(&live.revision)).collect();
    let probabilities = !live.contract.signature.classes.is_empty();
    let tests = 3 * revisions.len().saturating_sub(1).max(1);
    let none = Sums::default();
    let first = revisions.first().and_then(|first| sums.get(&*first.id)).unwrap_or(&none);
    let told = revisions.iter().enumerate().map(|(place, revision)| {
        let own = sums.get(&*revision.id).unwrap_or(&none);
        let mut compared = described(revision, own);
        if place > 0 {
            compared.differences = tested(first, own, tests, probabilities);
        }
        compared
    });
    Ok(Comparison { versions: told.collect() })
}

fn described(revision: &Revision, own: &Sums) -> Compared {
    let right = own.right;
    Compared {
        revision: revision.id.to_string(),
        model: revision.model.to_string(),
        version: revision.version,
        predictions: own.predictions,
        errors: own.errors,
        mean_score: own.scores.mean(),
        labelled: right.trials + own.misses.count(),
        accuracy: (right.trials > 0).then(|| right.successes as f64 / right.trials as f64),
        mean_absolute_error: own.misses.mean(),
        differences: Vec::new(),
    }
}

/// What can be tested; scores that are probabilities have bounds, others have none.
fn tested(first: &Sums, own: &Sums, tests: usize, probabilities: bool) -> Vec<Tested> {
    let failed = |sums: &Sums| Proportion { successes: sums.errors, trials: sums.predictions };
    let told = |metric, difference: Option<Difference>| {
        difference.map(|found| Tested {
            metric,
            difference: found.value,
            interval: (found.interval.low, found.interval.high),
            p_value: found.p_value,
            significant: found.p_value < (1.0 - CONFIDENCE) / tests as f64,
        })
    };
    let scores = if probabilities {
        bounded_difference(&first.probabilities, &own.probabilities, CONFIDENCE)
    } else {
        mean_difference(&first.scores, &own.scores, CONFIDENCE)
    };
    let all = [
        told("error_rate", rate_difference(failed(first), failed(own), CONFIDENCE)),
        told("mean_score", scores),
        told("accuracy", rate_difference(first.right, own.right, CONFIDENCE)),
        told("mean_absolute_error", mean_difference(&first.misses, &own.misses, CONFIDENCE)),
    ];
    all.into_iter().flatten().collect()
}

fn add(platform: &Platform, live: &LiveEndpoint, records: &Table, sums: &mut HashMap<String, Sums>) -> Result<()> {
    let column = |name: &str| records.column(name);
    let (revisions, errors, scores) = (column(columns::REVISION)?, column(columns::ERROR)?, column(columns::SCORE)?);
    let keys = column(columns::KEY)?;
    let answers = records.position(columns::ANSWER).map(|position| records.at(position));
    let rows: Vec<usize> = (0..records.rows()).collect();
    for part in rows.chunks(KEYS) {
        let texts: Vec<Option<String>> = part.iter().map(|row| keys.value(*row).text()).collect();
        let wanted: Vec<&str> = texts.iter().flatten().map(String::as_str).collect();
        let endpoint = live.endpoint.name.as_str();
        let truths = platform.db.read(|tx| truth::truths_of(tx, endpoint, &wanted))?;
        for (&row, key) in part.iter().zip(&texts) {
            let own = sums.entry(revisions.value(row).text().unwrap_or_default()).or_default();
            own.predictions += 1;
            if !errors.is_missing(row) {
                own.errors += 1;
                continue;
            }
            let score = scores.number(row);
            if score.is_finite() {
                own.scores.add(score);
                own.probabilities.add(score);
            }
            let truth = key.as_ref().and_then(|key| truths.get(key)).map(|stored| &stored.truth.value);
            let said = || answers.and_then(|answers| answers.value(row).text());
            match truth {
                Some(TruthValue::Number(number)) if score.is_finite() => own.misses.add((score - number).abs()),
                Some(TruthValue::Class(class)) => {
                    if let Some(said) = class_of(live, records, row).or_else(said) {
                        own.right.trials += 1;
                        own.right.successes += u64::from(said == *class);
                    }
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// The most probable class of a record of a classifier.
fn class_of(live: &LiveEndpoint, records: &Table, row: usize) -> Option<String> {
    let classes = &live.contract.signature.classes;
    let number = |name: &str| records.position(name).map(|position| records.at(position).number(row));
    match classes.as_slice() {
        [] => None,
        [no, yes] => Some(if number(columns::SCORE)? >= 0.5 { yes.clone() } else { no.clone() }),
        several => {
            let scored = several.iter().filter_map(|class| Some((class, number(&columns::of_class(class))?)));
            scored.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(class, _)| class.clone())
        }
    }
}
