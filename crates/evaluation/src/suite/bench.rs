//! What the checks work with: the drawn rows and the answers to them, and how a finding becomes an outcome.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use flyball_core::model::{Model, Predictions};
use flyball_core::rng::Rng;
use flyball_core::{Error, ErrorCode, FeatureKind, Result, Table};
use flyball_stats::interval::{Interval, wilson};
use serde_json::Value;

use super::answers::Answers;
use super::catalog::{Check, Limit, Severity};
use super::{Case, CheckOutcome, MOST_SEEDS, Status, Suite};
use crate::measure::CONFIDENCE;

/// What a check has found, before it is held to its limit.
pub(super) struct Finding {
    /// What was measured; `None` when there was nothing to judge.
    pub(super) value: Option<f64>,
    pub(super) interval: Option<Interval>,
    /// What was found, in words.
    pub(super) text: String,
    pub(super) evidence: Value,
}

impl Finding {
    pub(super) fn of(value: f64, text: impl Into<String>) -> Self {
        Self { value: Some(value), interval: None, text: text.into(), evidence: Value::Null }
    }

    /// There is nothing to judge, because something is missing.
    pub(super) fn missing(text: impl Into<String>) -> Self {
        Self { value: None, interval: None, text: text.into(), evidence: Value::Null }
    }

    /// A share of `trials` with its Wilson interval.
    pub(super) fn share(successes: usize, trials: usize, text: impl Into<String>) -> Self {
        if trials == 0 {
            return Self::missing("there are no rows");
        }
        let interval = wilson(successes as f64, trials as f64, CONFIDENCE);
        Self { interval, ..Self::of(successes as f64 / trials as f64, text) }
    }

    pub(super) fn within(self, interval: Option<Interval>) -> Self {
        Self { interval, ..self }
    }

    pub(super) fn because(self, evidence: Value) -> Self {
        Self { evidence, ..self }
    }
}

/// The rows and answers that all checks share.
pub(super) struct Bench<'a> {
    pub(super) case: &'a Case<'a>,
    pub(super) suite: &'a Suite,
    /// The judged rows.
    pub(super) rows: Cow<'a, Table>,
    /// The rows learned from, drawn as well.
    pub(super) train: Option<Cow<'a, Table>>,
    /// The columns that a model learns from: the model's own, or all but label, key and time.
    pub(super) features: Vec<String>,
    /// The answers to the judged rows.
    pub(super) answers: Option<Answers>,
    /// The answers to the rows learned from.
    pub(super) train_answers: Option<Answers>,
    relearned: OnceCell<Vec<Arc<dyn Model>>>,
    deadline: u64,
}

impl<'a> Bench<'a> {
    pub(super) fn new(suite: &'a Suite, case: &'a Case<'a>) -> Result<Self> {
        for column in [case.label, case.key, case.time].into_iter().flatten() {
            case.rows.column(column)?;
        }
        let mut rng = Rng::seeded(suite.seed);
        let rows = drawn(case.rows, suite.rows, &mut rng);
        let train = case.train.filter(|train| train.rows() > 0).map(|train| drawn(train, suite.rows, &mut rng));
        let aside = [case.label, case.key, case.time];
        let features = match case.model {
            Some(model) => model.signature().features.iter().map(|feature| feature.name.clone()).collect(),
            None => rows.names().iter().filter(|name| !aside.contains(&Some(name.as_str()))).cloned().collect(),
        };
        let nanos = suite.seconds.saturating_mul(1_000_000_000);
        let deadline = case.clock.monotonic_nanos().saturating_add(nanos);
        let mut bench = Self {
            case,
            suite,
            rows,
            train,
            features,
            answers: None,
            train_answers: None,
            relearned: OnceCell::new(),
            deadline,
        };
        if let Some(model) = case.model.filter(|_| bench.rows.rows() > 0) {
            bench.answers = Some(bench.answers_of(model, &bench.rows)?);
            let full = |train: &&Cow<'_, Table>| bench.features.iter().all(|name| train.position(name).is_some());
            if let Some(train) = bench.train.as_ref().filter(full) {
                bench.train_answers = Some(bench.answers_of(model, train)?);
            }
        }
        Ok(bench)
    }

    /// The answers of a model beside the labels, where there are any.
    pub(super) fn answers_of(&self, model: &dyn Model, rows: &Table) -> Result<Answers> {
        let label = self.case.label.and_then(|label| rows.position(label)).map(|position| rows.at(position));
        Ok(Answers::new(model.signature(), ask(model, rows)?, label))
    }

    /// The model learned again with other seeds, once for all checks; none where no trainer is known.
    pub(super) fn relearned(&self) -> Result<&[Arc<dyn Model>]> {
        if let (None, Some(retrain)) = (self.relearned.get(), self.case.retrain) {
            let mut models = Vec::new();
            for place in 0..self.suite.seeds.min(MOST_SEEDS) as u64 {
                if !self.has_time() {
                    break;
                }
                models.push(retrain(self.suite.seed.wrapping_add(1 + place))?);
            }
            return Ok(self.relearned.get_or_init(|| models));
        }
        Ok(self.relearned.get().map(Vec::as_slice).unwrap_or_default())
    }

    /// A generator of its own for each check, so that leaving one out changes nothing for the others.
    pub(super) fn rng(&self, check: &str) -> Rng {
        let salt = check.bytes().fold(0u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
        Rng::seeded(self.suite.seed ^ salt)
    }

    /// Whether there is time for more.
    pub(super) fn has_time(&self) -> bool {
        self.case.clock.monotonic_nanos() <= self.deadline
    }

    /// The features of the judged rows that are of a kind.
    pub(super) fn features_of(&self, kind: FeatureKind) -> Vec<&str> {
        let is_kind = |name: &&String| {
            let position = self.rows.position(name);
            position.is_some_and(|position| FeatureKind::from(self.rows.at(position).kind()) == kind)
        };
        self.features.iter().filter(is_kind).map(String::as_str).collect()
    }

    /// The limit of a check.
    pub(super) fn limit(&self, check: &Check) -> Option<Limit> {
        let own = self.suite.groups.get(&check.group).and_then(|options| options.limits.get(check.name));
        match (check.limit, own) {
            (Some(Limit::Most(_)), Some(own)) => Some(Limit::Most(*own)),
            (Some(Limit::Least(_)), Some(own)) => Some(Limit::Least(*own)),
            (usual, _) => usual,
        }
    }

    /// Runs a check and holds what it finds to its limit.
    pub(super) fn judge(&self, check: &'static Check) -> Result<CheckOutcome> {
        let limit = self.limit(check);
        let (finding, refused) = if self.has_time() {
            match (check.run)(self) {
                Ok(finding) => (finding, false),
                Err(error) if error.code().status() >= 500 && error.code() != ErrorCode::Internal => return Err(error),
                Err(error) => (Finding::missing(format!("the check ended with an error: {error}")), true),
            }
        } else {
            (Finding::missing(format!("the {} seconds of the suite were over", self.suite.seconds)), false)
        };
        let bad = match self.severity(check) {
            Severity::Error => Status::Failed,
            Severity::Warn => Status::Warned,
        };
        let status = match (finding.value, limit) {
            (None, _) if refused => bad,
            (None, _) => Status::NotApplicable,
            (Some(_), None) => Status::Passed,
            (Some(value), Some(limit)) => held(value, finding.interval, limit, bad),
        };
        let needs_help = matches!(status, Status::Failed | Status::Warned);
        let finite = |value: &f64| value.is_finite();
        Ok(CheckOutcome {
            name: check.name.to_owned(),
            group: check.group,
            status,
            value: finding.value.filter(finite),
            interval: finding.interval.map(|interval| (interval.low, interval.high)),
            threshold: limit.map(Limit::value),
            explanation: if needs_help { format!("{}; {}", finding.text, check.next) } else { finding.text },
            evidence: finding.evidence,
        })
    }

    fn severity(&self, check: &Check) -> Severity {
        let Some(options) = self.suite.groups.get(&check.group) else { return check.severity };
        let named = |names: &[String]| names.iter().any(|name| name == check.name);
        if named(&options.error) {
            Severity::Error
        } else if named(&options.warn) {
            Severity::Warn
        } else {
            check.severity
        }
    }
}

/// Whether a value keeps its limit. Beyond it, but not beyond chance, only warns; and an effect that cannot be told
/// from none keeps every limit that is a most. NaN keeps no limit.
fn held(value: f64, interval: Option<Interval>, limit: Limit, bad: Status) -> Status {
    let (keeps, chance, nothing) = match limit {
        Limit::Most(most) => {
            let low = interval.map_or(f64::INFINITY, |interval| interval.low);
            (value <= most, low <= most, low <= 0.0)
        }
        Limit::Least(least) => (value >= least, interval.is_some_and(|interval| interval.high >= least), false),
    };
    match (keeps || nothing, chance) {
        (true, _) => Status::Passed,
        (false, true) => Status::Warned,
        (false, false) => bad,
    }
}

/// The answers of a model; a panic of it is its error.
pub(super) fn ask(model: &dyn Model, rows: &Table) -> Result<Predictions> {
    let asked = catch_unwind(AssertUnwindSafe(|| model.predict(rows)));
    let predictions =
        asked.unwrap_or_else(|_| Err(Error::new(ErrorCode::InvalidData, "the model panicked on these rows")))?;
    if predictions.rows() != rows.rows() {
        let message = format!("the model gives {} answers to {} rows", predictions.rows(), rows.rows());
        return Err(Error::new(ErrorCode::InvalidData, message));
    }
    Ok(predictions)
}

/// At most so many rows, in their order.
fn drawn<'t>(table: &'t Table, most: usize, rng: &mut Rng) -> Cow<'t, Table> {
    if table.rows() <= most {
        return Cow::Borrowed(table);
    }
    let mut rows: Vec<usize> = (0..table.rows()).collect();
    rng.shuffle(&mut rows);
    rows.truncate(most);
    rows.sort_unstable();
    Cow::Owned(table.take(&rows))
}
