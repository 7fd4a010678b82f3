//! The service: the routing table in memory, rebuilt from the database whenever that changed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use flyball_core::model::{Engine, Model, load};
use flyball_core::{Clock, Error, Result, Timestamp};
use flyball_store::{Blobs, Db, Tx};

use crate::contract::Contract;
use crate::counters::{Counters, CountersSnapshot};
use crate::flush::Flush;
use crate::live::{LiveEndpoint, LiveRevision, Runtime, Shared};
use crate::model::{
    Answer, Answers, Endpoint, EndpointState, Revision, RowRequest, Share, TableRequest, unknown_endpoint,
};
use crate::prediction_id::{PredictionIds, endpoint_mark};
use crate::split::Split;
use crate::{segment, store};

/// Serves all endpoints of this process.
pub struct Serving {
    pub(crate) db: Db,
    pub(crate) blobs: Blobs,
    engines: Vec<Arc<dyn Engine>>,
    shared: Arc<Shared>,
    table: ArcSwap<RoutingTable>,
    refreshing: Mutex<()>,
}

#[derive(Default)]
struct RoutingTable {
    endpoints: HashMap<String, Arc<LiveEndpoint>>,
}

/// What the database says about an endpoint.
struct Plan {
    endpoint: Endpoint,
    shares: Vec<(Revision, Share)>,
    next_sequence: u64,
}

/// An endpoint's counters at one moment.
#[derive(Clone, Debug)]
pub struct EndpointSnapshot {
    /// The endpoint.
    pub name: String,
    /// Whether it answers.
    pub state: EndpointState,
    /// Requests refused before they reached a model, since the process started.
    pub refused: u64,
    /// Records that wait to be written.
    pub waiting: usize,
    /// Records dropped because too many waited, since the process started.
    pub dropped: u64,
    /// The revisions that take part in the split, in its order.
    pub revisions: Vec<RevisionSnapshot>,
}

/// A revision's counters at one moment.
#[derive(Clone, Debug)]
pub struct RevisionSnapshot {
    /// Which one.
    pub revision: Arc<Revision>,
    /// Its share of the traffic.
    pub per_mille: u16,
    /// What it has done since the process started or it joined the split.
    pub counters: CountersSnapshot,
}

impl Serving {
    /// A service that serves nothing until [`Serving::refresh`].
    pub fn new(db: Db, blobs: Blobs, clock: Arc<dyn Clock>, engines: Vec<Arc<dyn Engine>>, ids: PredictionIds) -> Self {
        Self {
            db,
            blobs,
            engines,
            shared: Arc::new(Shared { clock, ids }),
            table: ArcSwap::default(),
            refreshing: Mutex::new(()),
        }
    }

    /// Rebuilds the routing table from the database and swaps it in at once. Requests under way finish as they began.
    /// An endpoint whose models cannot be loaded says so in its state; the others are not concerned.
    ///
    /// # Errors
    /// When the database cannot be read; then everything serves on as before.
    pub fn refresh(&self) -> Result<()> {
        // Nothing is protected but the order: the refresh that read last must also swap last.
        let _one_at_a_time = self.refreshing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.table.load_full();
        let plans = self.db.read(plans)?;
        let endpoints = plans.into_iter().map(|plan| {
            let earlier = before.endpoints.get(plan.endpoint.name.as_str());
            (plan.endpoint.name.to_string(), Arc::new(self.load_endpoint(plan, earlier)))
        });
        self.table.store(Arc::new(RoutingTable { endpoints: endpoints.collect() }));
        Ok(())
    }

    /// An endpoint as it serves now.
    ///
    /// # Errors
    /// `NotFound` that names endpoints like it.
    pub fn endpoint(&self, name: &str) -> Result<Arc<LiveEndpoint>> {
        let table = self.table.load();
        table.endpoints.get(name).map(Arc::clone).ok_or_else(|| {
            let mut known: Vec<&str> = table.endpoints.keys().map(String::as_str).collect();
            known.sort_unstable();
            unknown_endpoint(name, &known)
        })
    }

    /// All endpoints as they serve now, by name.
    pub fn live(&self) -> Vec<Arc<LiveEndpoint>> {
        let mut all: Vec<_> = self.table.load().endpoints.values().map(Arc::clone).collect();
        all.sort_by(|a, b| a.endpoint.name.cmp(&b.endpoint.name));
        all
    }

    /// Answers one row; see [`LiveEndpoint::infer_row`].
    pub fn infer_row(&self, endpoint: &str, request: RowRequest<'_>) -> Result<Answer> {
        self.endpoint(endpoint)?.infer_row(request)
    }

    /// Answers some rows; see [`LiveEndpoint::infer`].
    pub fn infer(&self, endpoint: &str, request: TableRequest<'_>) -> Result<Answers> {
        self.endpoint(endpoint)?.infer(request)
    }

    /// The counters of all endpoints, by name.
    pub fn snapshot(&self) -> Vec<EndpointSnapshot> {
        self.live().iter().map(|live| live.snapshot()).collect()
    }

    /// Takes records with an event time before `upto` (all when `None`) out of memory and writes their blobs. The caller
    /// records the segments in a transaction of its own and then says `committed`.
    pub fn flush(&self, upto: Option<Timestamp>) -> Result<Flush> {
        Flush::new(&self.blobs, self.live().into_iter(), upto)
    }

    /// Writes all waiting records and answers how many.
    pub fn flush_and_commit(&self) -> Result<usize> {
        let flush = self.flush(None)?;
        let segments = flush.segments().to_vec();
        let rows = segments.iter().map(|segment| segment.rows).sum();
        if rows > 0 {
            self.db.write(move |tx| segment::record_segments(tx, &segments))?;
        }
        flush.committed();
        Ok(rows)
    }

    /// The model of a revision, also of one that serves no longer.
    pub fn model(&self, revision: &Revision) -> Result<Arc<dyn Model>> {
        let live = self.table.load().endpoints.get(&*revision.endpoint).map(Arc::clone);
        let live = live.iter().flat_map(|live| &live.revisions).find(|live| live.revision.id == revision.id);
        match live {
            Some(live) => Ok(Arc::clone(&live.model)),
            None => load(&self.engines, &self.blobs.get(&revision.artifact)?),
        }
    }

    fn load_endpoint(&self, plan: Plan, before: Option<&Arc<LiveEndpoint>>) -> LiveEndpoint {
        let runtime = before.map_or_else(
            || Arc::new(Runtime { sequence: AtomicU64::new(plan.next_sequence), ..Runtime::default() }),
            |before| Arc::clone(&before.runtime),
        );
        let mut loaded = Loaded::default();
        for (revision, share) in &plan.shares {
            if let Err(error) = self.load_revision(revision, share, before, &mut loaded) {
                tracing::error!(endpoint = %plan.endpoint.name, revision = %revision.id, ?error, "a model cannot be loaded");
                loaded.orphaned += share.per_mille;
                loaded.failure.get_or_insert_with(|| format!("version {}: {error}", revision.version));
            }
        }
        loaded.finish(plan.endpoint, runtime, Arc::clone(&self.shared), before)
    }

    fn load_revision(
        &self,
        revision: &Revision,
        share: &Share,
        before: Option<&Arc<LiveEndpoint>>,
        loaded: &mut Loaded,
    ) -> Result<()> {
        let known = before.iter().flat_map(|live| &live.revisions).find(|live| live.revision.id == revision.id);
        let (model, counters) = match known {
            Some(live) => (Arc::clone(&live.model), Arc::clone(&live.counters)),
            None => (load(&self.engines, &self.blobs.get(&revision.artifact)?)?, Arc::new(Counters::default())),
        };
        match &mut loaded.contract {
            Some(contract) => contract.join(model.signature())?,
            None => loaded.contract = Some(Contract::of(model.signature())),
        }
        let (revision, per_mille) = (Arc::new(revision.clone()), share.per_mille);
        loaded.parts.push(Part { revision, per_mille, model, counters });
        Ok(())
    }
}

/// A revision with its model, not yet part of a split.
struct Part {
    revision: Arc<Revision>,
    per_mille: u16,
    model: Arc<dyn Model>,
    counters: Arc<Counters>,
}

/// What could be loaded of an endpoint.
#[derive(Default)]
struct Loaded {
    contract: Option<Contract>,
    parts: Vec<Part>,
    /// The share of the revisions that could not be loaded.
    orphaned: u16,
    failure: Option<String>,
}

impl Loaded {
    fn finish(
        self,
        endpoint: Endpoint,
        runtime: Arc<Runtime>,
        shared: Arc<Shared>,
        before: Option<&Arc<LiveEndpoint>>,
    ) -> LiveEndpoint {
        let contract = self.contract.unwrap_or_default();
        // The same contract stays the same object, so that records go on into the same buffer.
        let contract = match before.filter(|before| *before.contract == contract) {
            Some(before) => Arc::clone(&before.contract),
            None => Arc::new(contract),
        };
        let state = match (self.failure, self.parts.is_empty()) {
            (Some(why), true) => EndpointState::Failed(why),
            (Some(why), false) => EndpointState::Degraded(why),
            (None, true) => EndpointState::Empty,
            (None, false) => EndpointState::Ready,
        };
        let orphaned = self.orphaned;
        let revisions: Vec<_> = self
            .parts
            .into_iter()
            .enumerate()
            .map(|(position, Part { revision, per_mille, model, counters })| {
                let positions = contract.positions(model.signature());
                let per_mille = if position == 0 { per_mille + orphaned } else { per_mille };
                Arc::new(LiveRevision { revision, per_mille, model, positions, counters })
            })
            .collect();
        let split = Split::new(revisions.iter().map(|live| live.per_mille).zip(0..));
        let mark = endpoint_mark(endpoint.name.as_str());
        LiveEndpoint { endpoint, state, contract, revisions, split, mark, runtime, shared }
    }
}

impl LiveEndpoint {
    /// Its counters now.
    pub fn snapshot(&self) -> EndpointSnapshot {
        let revision = |live: &Arc<LiveRevision>| RevisionSnapshot {
            revision: Arc::clone(&live.revision),
            per_mille: live.per_mille,
            counters: live.counters.snapshot(),
        };
        EndpointSnapshot {
            name: self.endpoint.name.to_string(),
            state: self.state.clone(),
            refused: self.runtime.refused.load(Ordering::Relaxed),
            waiting: self.runtime.capture.waiting(),
            dropped: self.runtime.capture.dropped(),
            revisions: self.revisions.iter().map(revision).collect(),
        }
    }
}

fn plans(tx: &mut Tx<'_>) -> Result<Vec<Plan>> {
    let mut plans = Vec::new();
    for endpoint in store::endpoints(tx)? {
        let name = endpoint.name.as_str();
        let next_sequence = segment::next_sequence(tx, name)?;
        let mut shares = Vec::new();
        for share in store::traffic(tx, name)? {
            let revision = store::revision(tx, &share.revision_id).map_err(Error::internal)?;
            shares.push((revision, share));
        }
        plans.push(Plan { endpoint, shares, next_sequence });
    }
    Ok(plans)
}
