//! An endpoint as it serves now: loaded models, the split, and the path of a request. Immutable; a refresh makes new
//! ones, and a request under way finishes on the one that it began with.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flyball_core::model::Model;
use flyball_core::{Clock, Error, Result, Timestamp, Value};

use crate::capture::{Capture, InferenceRecord, RowValues};
use crate::contract::Contract;
use crate::counters::Counters;
use crate::model::{Answer, Endpoint, EndpointState, Revision, RowRequest};
use crate::prediction_id::{PredictionIds, Subject};
use crate::split::{self, Split};

/// What all endpoints share.
pub(crate) struct Shared {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: PredictionIds,
}

/// What an endpoint keeps over refreshes.
#[derive(Default)]
pub(crate) struct Runtime {
    pub(crate) sequence: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) capture: Capture,
}

/// A loaded revision.
pub struct LiveRevision {
    /// Which one.
    pub revision: Arc<Revision>,
    /// Its share of the traffic, per mille.
    pub per_mille: u16,
    /// The model.
    pub model: Arc<dyn Model>,
    /// For each of its features the position in the contract; `None` when it is the same list.
    pub(crate) positions: Option<Vec<usize>>,
    pub(crate) counters: Arc<Counters>,
}

/// An endpoint as it serves now.
pub struct LiveEndpoint {
    /// Which one.
    pub endpoint: Endpoint,
    /// Whether it answers.
    pub state: EndpointState,
    /// What it takes and gives.
    pub contract: Arc<Contract>,
    /// Who answers, in the order of the split.
    pub revisions: Vec<Arc<LiveRevision>>,
    pub(crate) split: Split,
    pub(crate) mark: u32,
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) shared: Arc<Shared>,
}

/// What identifies one row of a request.
pub(crate) struct Identity {
    pub(crate) prediction_id: String,
    pub(crate) sequence: u64,
    pub(crate) at: Timestamp,
}

impl LiveEndpoint {
    /// Answers one row.
    ///
    /// # Errors
    /// `InvalidInput` when the row breaks the contract, `NotFound` for a version that does not serve, `Unavailable` when
    /// nothing serves, and what the model fails with.
    pub fn infer_row(&self, request: RowRequest<'_>) -> Result<Answer> {
        self.ready()?;
        self.contract.check_row(request.values).inspect_err(|_| self.refuse())?;
        let identity = self.identify(request.key, request.at);
        let live = self.route(request.version, request.key.unwrap_or(&identity.prediction_id))?;
        let started = self.shared.clock.monotonic_nanos();
        let outcome = live.answer_row(request.values);
        let nanos = self.shared.clock.monotonic_nanos().saturating_sub(started);
        live.counters.count(1, nanos, outcome.is_err());
        self.runtime.capture.push(
            &self.contract,
            &InferenceRecord {
                prediction_id: &identity.prediction_id,
                sequence: identity.sequence,
                at: identity.at,
                key: request.key,
                revision: &live.revision.id,
                values: RowValues::Slice(request.values),
                outcome: outcome.as_ref().map(Vec::as_slice).map_err(Error::message),
            },
        );
        Ok(Answer { prediction_id: identity.prediction_id, revision: Arc::clone(&live.revision), scores: outcome? })
    }

    /// Whether it answers.
    ///
    /// # Errors
    /// `Unavailable` when nothing serves, with the reason.
    pub fn ready(&self) -> Result<()> {
        let unavailable = |message: String| Err(Error::new(flyball_core::ErrorCode::Unavailable, message));
        match &self.state {
            EndpointState::Ready | EndpointState::Degraded(_) => Ok(()),
            EndpointState::Empty => unavailable(format!("the endpoint '{}' has no traffic yet", self.endpoint.name)),
            EndpointState::Failed(why) => {
                unavailable(format!("the endpoint '{}' could not be loaded: {why}", self.endpoint.name))
            }
        }
    }

    /// The revision that answers: the asked version, or the owner of the place of `key`.
    pub(crate) fn route(&self, version: Option<i64>, key: &str) -> Result<&Arc<LiveRevision>> {
        let Some(version) = version else {
            let place = split::place(self.endpoint.name.as_str(), key);
            let target = self.split.target(place).and_then(|target| self.revisions.get(target));
            return target.ok_or_else(|| Error::internal("the split names a revision that is not loaded"));
        };
        self.version(version)
    }

    /// The loaded revision of a model version.
    ///
    /// # Errors
    /// `NotFound` that lists the versions that serve.
    pub fn version(&self, version: i64) -> Result<&Arc<LiveRevision>> {
        self.revisions.iter().find(|live| live.revision.version == version).ok_or_else(|| {
            let serving: Vec<_> = self.revisions.iter().map(|live| live.revision.version.to_string()).collect();
            Error::not_found("version", version)
                .context(format_args!("endpoint '{}'", self.endpoint.name))
                .hint(format!("these versions serve now: {}", serving.join(", ")))
        })
    }

    /// Counts a request that was refused before it reached a model, here or by a protocol in front.
    pub fn refuse(&self) {
        self.runtime.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn identify(&self, key: Option<&str>, at: Option<Timestamp>) -> Identity {
        let now = self.shared.clock.now();
        let at = at.unwrap_or(now);
        let sequence = self.runtime.sequence.fetch_add(1, Ordering::Relaxed);
        let endpoint = self.endpoint.name.as_str();
        let subject = Subject { endpoint, endpoint_mark: self.mark, key, at, now, sequence };
        Identity { prediction_id: self.shared.ids.make(&subject), sequence, at }
    }
}

impl LiveRevision {
    fn answer_row(&self, values: &[Value]) -> Result<Vec<f64>> {
        let width = self.model.signature().width();
        let mut scores = Vec::with_capacity(width);
        guard(|| match &self.positions {
            None => self.model.predict_row(values, &mut scores),
            Some(positions) => {
                let own: Vec<Value> = positions.iter().map(|&position| values[position].clone()).collect();
                self.model.predict_row(&own, &mut scores)
            }
        })?;
        check_scores(&scores, width)?;
        Ok(scores)
    }
}

/// Runs a model. One that panics has failed; it must count as an error and not end the request's thread.
pub(crate) fn guard<T>(run: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err(Error::internal("the model panicked")))
}

pub(crate) fn check_scores(scores: &[f64], wanted: usize) -> Result<()> {
    if scores.len() == wanted && scores.iter().all(|score| score.is_finite()) {
        return Ok(());
    }
    Err(Error::internal(format!("the model answered with {} numbers of {wanted}, or one is not finite", scores.len())))
}
