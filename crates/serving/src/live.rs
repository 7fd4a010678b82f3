//! An endpoint as it serves now: loaded models, the split, and the path of a request. Immutable; a refresh makes new
//! ones, and a request under way finishes on the one that it began with.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flyball_core::model::{Interface, Loaded, Model};
use flyball_core::{Clock, Error, ErrorCode, Result, Timestamp, Value};

use crate::batcher::Batcher;
use crate::capture::{Capture, InferenceRecord, RowValues};
use crate::context;
use crate::contract::Contract;
use crate::counters::{Counters, CountersSnapshot};
use crate::model::{Answer, Endpoint, EndpointState, Revision, RowRequest};
use crate::prediction_id::{PredictionIds, Subject};
use crate::settings::CONCURRENCY;
use crate::shadow::{Asked, Comparisons, Shadows};
use crate::shelf::{Shelf, Slot};
use crate::slow::{Slow, SlowRequest};
use crate::split::{self, Split};

/// What all endpoints share.
pub(crate) struct Shared {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: PredictionIds,
    pub(crate) shelf: Shelf,
    pub(crate) shadows: Shadows,
}

/// What an endpoint keeps over refreshes.
#[derive(Default)]
pub(crate) struct Runtime {
    pub(crate) sequence: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) capture: Capture,
    pub(crate) slow: Slow,
}

/// A revision that takes part in an endpoint's traffic. Its model is in memory, or comes there when it is asked.
pub struct LiveRevision {
    /// Which one.
    pub revision: Arc<Revision>,
    /// Its share of the traffic, per mille.
    pub per_mille: u16,
    /// The part of all requests whose copy it gets, per mille.
    pub mirror_per_mille: u16,
    /// What its model takes and gives.
    pub interface: Interface,
    pub(crate) slot: Arc<Slot>,
    /// For each of its features the position in the contract; `None` when it is the same list.
    pub(crate) positions: Option<Vec<usize>>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) comparisons: Arc<Comparisons>,
    pub(crate) batcher: Batcher,
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
        if self.contract.tensors.is_some() {
            self.refuse();
            return Err(takes_tensors());
        }
        let values = self.contract.check_row(request.values).inspect_err(|_| self.refuse())?;
        let identity = self.identify(request.key, request.at);
        let live = self.route(request.version, request.key.unwrap_or(&identity.prediction_id))?;
        // A model that cannot be loaded has failed the request as well: a rollout must see it.
        let model = live.rows(&self.shared);
        let started = self.shared.clock.monotonic_nanos();
        let outcome = model.and_then(|model| live.answer_row(&*model, &values));
        self.observe(live, &identity, 1, started, outcome.as_ref().err());
        self.runtime.capture.push(
            &self.contract,
            &InferenceRecord {
                prediction_id: &identity.prediction_id,
                sequence: identity.sequence,
                at: identity.at,
                key: request.key,
                revision: &live.revision.id,
                values: RowValues::Slice(&values),
                outcome: outcome.as_ref().map(Vec::as_slice).map_err(Error::message),
                answer: None,
            },
        );
        if let Ok(scores) = &outcome {
            self.mirror(live, identity.sequence, || Asked::Row { values: values.to_vec(), scores: scores.clone() });
        }
        Ok(Answer { prediction_id: identity.prediction_id, revision: Arc::clone(&live.revision), scores: outcome? })
    }

    /// Counts what a model did for a request, and keeps it when it is one of the slowest.
    pub(crate) fn observe(
        &self,
        live: &LiveRevision,
        identity: &Identity,
        rows: usize,
        started: u64,
        failure: Option<&Error>,
    ) {
        let ended = self.shared.clock.monotonic_nanos();
        let (nanos, rows, failure) = (ended.saturating_sub(started), rows as u64, failure.map(Error::code));
        live.counters.count(rows, nanos, failure);
        let waited_nanos = context::tell(rows, &live.revision, &identity.prediction_id);
        self.runtime.slow.offer(nanos.saturating_add(waited_nanos.unwrap_or(0)), ended, || SlowRequest {
            at: self.shared.clock.now(),
            nanos,
            waited_nanos,
            rows,
            revision: Some(Arc::clone(&live.revision)),
            prediction_id: Some(identity.prediction_id.clone()),
            failure,
        });
    }

    /// Counts a request that waited `nanos` for its turn and did not get it in time.
    pub fn waited_in_vain(&self, nanos: u64) {
        self.refuse();
        self.runtime.slow.offer(nanos, self.shared.clock.monotonic_nanos(), || SlowRequest {
            at: self.shared.clock.now(),
            nanos: 0,
            waited_nanos: Some(nanos),
            rows: 0,
            revision: None,
            prediction_id: None,
            failure: Some(ErrorCode::DeadlineExceeded),
        });
    }

    /// The slowest requests of the last hour, give or take ten minutes, slowest first.
    pub fn slowest(&self) -> Vec<SlowRequest> {
        self.runtime.slow.slowest(self.shared.clock.monotonic_nanos())
    }

    /// Whether it answers.
    ///
    /// # Errors
    /// `Unavailable` when nothing serves, with the reason.
    pub fn ready(&self) -> Result<()> {
        self.answers(&self.state)
    }

    /// As [`LiveEndpoint::ready`], with what is known of models that are loaded when they are asked.
    ///
    /// # Errors
    /// `Unavailable` when nothing serves, with the reason.
    pub fn ready_now(&self) -> Result<()> {
        self.answers(&self.state_now())
    }

    fn answers(&self, state: &EndpointState) -> Result<()> {
        let unavailable = |message: String| Err(Error::new(ErrorCode::Unavailable, message));
        match state {
            EndpointState::Ready | EndpointState::Degraded(_) => Ok(()),
            EndpointState::Empty => unavailable(format!("the endpoint '{}' has no traffic yet", self.endpoint.name)),
            EndpointState::Failed(why) => {
                unavailable(format!("the endpoint '{}' could not be loaded: {why}", self.endpoint.name))
            }
        }
    }

    /// Whether it answers, with what is known of models that are loaded when they are asked.
    pub fn state_now(&self) -> EndpointState {
        if self.state != EndpointState::Ready {
            return self.state.clone();
        }
        let serving = || self.revisions.iter().filter(|live| live.per_mille > 0);
        let failure = |live: &Arc<LiveRevision>| {
            live.slot.failure().map(|why| format!("version {}: {why}", live.revision.version))
        };
        match serving().find_map(failure) {
            None => EndpointState::Ready,
            Some(why) if serving().all(|live| live.slot.failure().is_some()) => EndpointState::Failed(why),
            Some(why) => EndpointState::Degraded(why),
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

    /// Whether a request for a few rows is answered in microseconds now: the models are in memory, and run here.
    pub fn is_prompt(&self) -> bool {
        let prompt = |live: &Arc<LiveRevision>| matches!(live.interface, Interface::Rows(_)) && live.slot.is_loaded();
        let settings = &self.endpoint.settings;
        let turns = settings.max_concurrency.is_some() || settings.features_sql.is_some();
        self.contract.tensors.is_none() && !turns && self.revisions.iter().all(prompt)
    }

    /// How many requests may be at its models at the same time: what its settings say, else what the models can.
    pub fn parallel(&self) -> usize {
        let settings = &self.endpoint.settings;
        let model = |live: &Arc<LiveRevision>| match live.slot.peek().as_deref() {
            Some(Loaded::Tensors(model)) => model.parallel(),
            // Those that are not in memory yet are taken for models of features.
            _ => CONCURRENCY,
        };
        let own = || self.revisions.iter().map(model).max().unwrap_or(CONCURRENCY);
        let at_once = settings.max_concurrency.unwrap_or_else(own);
        // The requests of a batch wait together for one answer.
        at_once * settings.dynamic_batching.map_or(1, |batching| batching.max_batch_size)
    }

    /// Gives copies of a request to the revisions that are asked in the shadow.
    pub(crate) fn mirror(&self, answered_by: &Arc<LiveRevision>, sequence: u64, asked: impl Fn() -> Asked) {
        for live in self.revisions.iter().filter(|live| live.mirror_per_mille > 0) {
            if !Arc::ptr_eq(live, answered_by) && split::sampled(sequence, live.mirror_per_mille) {
                self.shared.shadows.ask(&self.shared, live, asked());
            }
        }
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
    /// What it has done since the process started or it joined the split.
    pub fn counters(&self) -> CountersSnapshot {
        self.counters.snapshot()
    }

    /// Its model, loaded now if it is not in memory.
    pub(crate) fn model(&self, shared: &Shared) -> Result<Arc<Loaded>> {
        shared.shelf.get(&self.slot).map_err(|error| error.context(format_args!("version {}", self.revision.version)))
    }

    /// Its model of rows.
    pub(crate) fn rows(&self, shared: &Shared) -> Result<Arc<dyn Model>> {
        match &*self.model(shared)? {
            Loaded::Rows(model) => Ok(Arc::clone(model)),
            Loaded::Tensors(_) => Err(takes_tensors()),
        }
    }

    pub(crate) fn answer_row(&self, model: &dyn Model, values: &[Value]) -> Result<Vec<f64>> {
        let width = model.signature().width();
        let mut scores = Vec::with_capacity(width);
        guard(|| match &self.positions {
            None => model.predict_row(values, &mut scores),
            Some(positions) => {
                let own: Vec<Value> = positions.iter().map(|&position| values[position].clone()).collect();
                model.predict_row(&own, &mut scores)
            }
        })?;
        check_scores(&scores, width)?;
        Ok(scores)
    }
}

pub(crate) fn takes_tensors() -> Error {
    Error::invalid("the model takes tensors, not rows").hint("GET /v2/models/NAME says which ones")
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
