//! Traffic replay, a dress rehearsal: what an endpoint was asked and answered is asked of a candidate, and the
//! answers are compared, row by row, by group, and with what really happened.

mod compared;

use std::sync::Arc;

use flyball_core::model::{Loaded, Model};
use flyball_core::{
    Column, Duration, Edit, Error, ErrorCode, FeatureKind, Format, Name, Permit, Read, Result, Table, Task, TextColumn,
    Timestamp,
};
use flyball_evaluation::Evaluated;
use flyball_evaluation::comparison::{ModelComparison, compare};
use flyball_evaluation::evaluations::{self, Kind, NewEvaluation};
use flyball_evaluation::measure::CONFIDENCE;
use flyball_jobs::enqueue;
use flyball_registry::versions;
use flyball_serving::model::TruthValue;
use flyball_serving::{LiveEndpoint, record_columns as records, truth};
use flyball_stats::multiplicity::holm;
use serde::{Deserialize, Serialize};

use crate::evaluate::{Aside, VersionOf, job, model_of};
use crate::platform::Platform;
pub use compared::{Attribution, Differences, ReplayGroup, Share, WorstRow};

/// How far a replay goes back when nothing is said.
const SPAN: Duration = Duration::days(7);
/// Rows that are replayed when nothing is said.
pub const ROWS: usize = 10_000;
/// Rows that are replayed at most: they are compared in memory.
pub const MOST_ROWS: usize = 100_000;
/// Rows that both models explain; explanations take long.
const EXPLAINED: usize = 200;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayAsked {
    /// The endpoint whose traffic is replayed.
    pub endpoint: Name,
    /// The version that answers it again.
    pub candidate: VersionOf,
    /// The form to load it in; the fastest that works when absent.
    pub format: Option<Format>,
    /// From which event time on; seven days before `to` when absent.
    pub from: Option<Timestamp>,
    /// Up to which event time, which is not included; now when absent.
    pub to: Option<Timestamp>,
    /// How many predictions at most, the newest; [`ROWS`] when absent.
    pub limit: Option<usize>,
    /// The features whose groups are compared.
    pub by: Vec<String>,
}

/// What a replay found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplayReport {
    /// Whether the candidate answered every row, and nothing is proven worse than what was served.
    pub passed: bool,
    /// Why it did not pass.
    pub reasons: Vec<String>,
    /// The event times that were replayed, from and to.
    pub period: (Timestamp, Timestamp),
    /// Predictions that were replayed.
    pub rows: usize,
    /// Recorded predictions that had failed, and are not compared.
    pub had_failed: usize,
    /// Rows without an answer of the candidate.
    pub unanswered: usize,
    /// Features of the candidate that the records do not hold; they were asked as missing.
    pub missing_features: Vec<String>,
    /// What the candidate does.
    pub task: Task,
    /// Decisions that turn: another class, or a number that moved by a tenth of their deviation.
    pub flips: Share,
    /// How the scores differ, candidate less recorded.
    pub differences: Option<Differences>,
    /// The rows that differ most.
    pub worst: Vec<WorstRow>,
    /// By group of the named features.
    pub groups: Vec<ReplayGroup>,
    /// Rows whose truth is known.
    pub labelled: usize,
    /// Each metric beside what was served, where truths are known; not for more than two classes.
    pub against_truth: Option<ModelComparison>,
    /// Milliseconds per row in a batch: what serves now, and the candidate; `None` where one cannot be measured here.
    pub latency_ms: (Option<f64>, Option<f64>),
    /// How much each feature moves the answers, of what serves now and of the candidate.
    pub attribution: Vec<Attribution>,
}

/// Notes what is asked for and enqueues the work; answers the id of the evaluation.
///
/// # Errors
/// `NotFound` for an endpoint or version that is not there; `InvalidInput` for too many rows or an empty period.
pub fn ask(platform: &Platform, permit: &Permit<Edit>, asked: ReplayAsked) -> Result<String> {
    platform.serving.endpoint(asked.endpoint.as_str())?;
    let now = platform.clock.now();
    let (from, to) = period(&asked, now);
    if from >= to {
        return Err(Error::invalid(format!("the period from {from} to {to} is empty")));
    }
    if asked.limit.is_some_and(|limit| limit == 0 || limit > MOST_ROWS) {
        return Err(Error::invalid(format!("a replay has 1 to {MOST_ROWS} rows")));
    }
    let asked = ReplayAsked { from: Some(from), to: Some(to), ..asked };
    let permit = permit.clone();
    platform.db.write(move |tx| {
        let candidate = &asked.candidate;
        versions::get(tx, &permit.read(), candidate.model.as_str(), candidate.version)?;
        let new = NewEvaluation {
            kind: Kind::Replay,
            model: candidate.model.as_str(),
            version: candidate.version,
            subject: asked.endpoint.as_str(),
            request: serde_json::to_value(&asked).map_err(Error::internal)?,
        };
        let id = evaluations::open(tx, &permit, &new, now)?;
        enqueue(tx, &job(&id, now), now)?;
        Ok(id)
    })
}

fn period(asked: &ReplayAsked, now: Timestamp) -> (Timestamp, Timestamp) {
    let to = asked.to.unwrap_or(now);
    (asked.from.unwrap_or(to - SPAN), to)
}

/// The recorded rows, ready to be asked again.
struct Recorded {
    records: Table,
    features: Table,
    had_failed: usize,
}

/// Makes the report.
///
/// # Errors
/// `NotFound` without an endpoint or without records; `UnsupportedModel`; what the candidate fails with.
pub(crate) fn report(platform: &Platform, permit: &Permit<Read>, asked: &ReplayAsked) -> Result<ReplayReport> {
    let live = platform.serving.endpoint(asked.endpoint.as_str())?;
    let period = period(asked, platform.clock.now());
    let recorded = recorded(platform, &live, period, asked.limit.unwrap_or(ROWS))?;
    let aside = Aside::default();
    let (_held, candidate) = model_of(platform, permit, &asked.candidate, asked.format, &recorded.features, &aside)?;
    let (rows, missing_features) = filled(&recorded.features, candidate.as_ref())?;
    let (answers, candidate_ms) = timed(platform, candidate.as_ref(), &rows)?;
    let classes = &live.contract.signature.classes;
    if candidate.signature().task == Task::Classification
        && !classes.is_empty()
        && candidate.signature().classes != *classes
    {
        let message = format!("{} answers other classes than {}", asked.candidate.label(), asked.endpoint);
        return Err(Error::new(ErrorCode::Conflict, message).hint("replay a version that answers the same question"));
    }
    let compared = compared::Compared::of(&recorded.records, classes, candidate.signature().task, &answers)?;
    let truth = truths(platform, &asked.endpoint, &recorded.records, classes)?;
    let by: Vec<Vec<String>> = asked.by.iter().map(|column| vec![column.clone()]).collect();
    let (before, after) = (compared.before.clone(), compared.after.clone());
    let (served, asked_again) = (Evaluated::new(truth.clone(), before), Evaluated::new(truth.clone(), after));
    let narrow = candidate.signature().classes.len() <= 2 && truth.iter().any(|truth| truth.is_finite());
    let against = narrow.then(|| compare(candidate.signature().task, &served, &asked_again, &recorded.features, &by));
    let against = against.transpose()?;
    let (mut serving_ms, mut attribution) = (None, Vec::new());
    if let Some(serving) = serving(platform, &live) {
        let (own, _) = filled(&recorded.features, serving.as_ref())?;
        serving_ms = timed(platform, serving.as_ref(), &own)?.1;
        let pair = ((serving.as_ref(), &own), (candidate.as_ref(), &rows));
        attribution = compared::attribution(pair.0, pair.1, EXPLAINED)?;
    }
    let unanswered = compared.unanswered();
    let reasons = reasons(unanswered, against.as_ref());
    Ok(ReplayReport {
        passed: reasons.is_empty(),
        reasons,
        period,
        rows: recorded.records.rows(),
        had_failed: recorded.had_failed,
        unanswered,
        missing_features,
        task: candidate.signature().task,
        flips: compared.flips(),
        differences: compared.differences(),
        worst: compared.worst(&recorded.records)?,
        groups: compared.groups(&recorded.features, &asked.by)?,
        labelled: truth.iter().filter(|truth| truth.is_finite()).count(),
        against_truth: against,
        latency_ms: (serving_ms, candidate_ms),
        attribution,
    })
}

/// Why a candidate is not good enough. Metrics are many, so what counts as worse is corrected for their number (Holm).
fn reasons(unanswered: usize, against: Option<&ModelComparison>) -> Vec<String> {
    let silent = (unanswered > 0).then(|| format!("{unanswered} rows get no answer"));
    let metrics = against.map(|against| against.metrics.as_slice()).unwrap_or_default();
    let adjusted = holm(&metrics.iter().map(|metric| metric.p_value).collect::<Vec<_>>());
    let worse = metrics.iter().zip(adjusted).filter(|(metric, p)| !metric.better && *p < 1.0 - CONFIDENCE);
    silent
        .into_iter()
        .chain(worse.map(|(metric, _)| format!("{} is proven worse: {}", metric.metric, metric.sentence())))
        .collect()
}

/// The newest records of the period that were answered, with the features under their own names.
fn recorded(
    platform: &Platform,
    live: &LiveEndpoint,
    (from, to): (Timestamp, Timestamp),
    limit: usize,
) -> Result<Recorded> {
    let name = live.endpoint.name.as_str();
    let all = platform.serving.records(name, from, to)?;
    if all.rows() == 0 {
        return Err(Error::new(ErrorCode::NotFound, format!("{name} has no recorded predictions from {from} to {to}"))
            .hint("predictions are written some seconds after they are made; widen the period with --from and --to"));
    }
    let (errors, scores) = (all.column(records::ERROR)?, all.column(records::SCORE)?);
    let answered: Vec<usize> =
        (0..all.rows()).filter(|row| errors.is_missing(*row) && scores.number(*row).is_finite()).collect();
    if answered.is_empty() {
        return Err(Error::new(
            ErrorCode::NotFound,
            format!("no recorded prediction of {name} has a score to compare"),
        ));
    }
    let had_failed = all.rows() - answered.len();
    let newest = &answered[answered.len().saturating_sub(limit)..];
    let records = all.take(newest);
    let mut features = Vec::new();
    for feature in &live.contract.signature.features {
        // What the endpoint masks is not in its records.
        if let Some(position) = records.position(&records::of_feature(&feature.name)) {
            features.push((feature.name.clone(), records.at(position).clone()));
        }
    }
    Ok(Recorded { features: Table::new(features)?, records, had_failed })
}

/// The rows with every feature of the model; those that were not recorded are missing, and named.
fn filled(features: &Table, model: &dyn Model) -> Result<(Table, Vec<String>)> {
    let (mut rows, mut missing, count) = (features.clone(), Vec::new(), features.rows());
    for feature in &model.signature().features {
        if rows.position(&feature.name).is_none() {
            missing.push(feature.name.clone());
            rows.push(
                feature.name.clone(),
                match feature.kind {
                    FeatureKind::Number => Column::Float(vec![f64::NAN; count]),
                    FeatureKind::Text => Column::Text(TextColumn::from_texts((0..count).map(|_| None))),
                },
            )?;
        }
    }
    Ok((rows, missing))
}

/// The answers, and the milliseconds per row that they took where the clock moves.
fn timed(platform: &Platform, model: &dyn Model, rows: &Table) -> Result<(flyball_core::Predictions, Option<f64>)> {
    const NANOS_IN_MS: f64 = 1e6;
    let started = platform.clock.monotonic_nanos();
    let answers = model.predict(rows)?;
    let taken = platform.clock.monotonic_nanos().saturating_sub(started);
    Ok((answers, (taken > 0).then(|| taken as f64 / NANOS_IN_MS / rows.rows() as f64)))
}

/// The model of rows that has the largest share.
fn serving(platform: &Platform, live: &LiveEndpoint) -> Option<Arc<dyn Model>> {
    let largest = live.revisions.iter().max_by_key(|live| live.per_mille)?;
    match &*platform.serving.load(largest.revision.artifact).ok()? {
        Loaded::Rows(model) => Some(Arc::clone(model)),
        Loaded::Tensors(_) => None,
    }
}

/// What really happened, as the number that metrics compare with; NaN while unknown.
fn truths(platform: &Platform, endpoint: &Name, rows: &Table, classes: &[String]) -> Result<Vec<f64>> {
    let keys = rows.column(records::KEY)?;
    let texts: Vec<Option<String>> = (0..rows.rows()).map(|row| keys.value(row).text()).collect();
    let wanted: Vec<&str> = texts.iter().flatten().map(String::as_str).collect();
    let known = platform.db.read(|tx| truth::truths_of(tx, endpoint.as_str(), &wanted))?;
    let number = |value: &TruthValue| match (value, classes.last()) {
        (TruthValue::Number(number), _) => *number,
        (TruthValue::Class(class), Some(positive)) => f64::from(u8::from(class == positive)),
        (TruthValue::Class(_), None) => f64::NAN,
    };
    let of = |key: &Option<String>| known.get(key.as_ref()?).map(|stored| number(&stored.truth.value));
    Ok(texts.iter().map(|key| of(key).unwrap_or(f64::NAN)).collect())
}
