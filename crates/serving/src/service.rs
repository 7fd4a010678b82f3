//! The service: the routing table in memory, rebuilt from the database whenever that changed.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use flyball_core::model::{Engine, Interface};
use flyball_core::{Clock, Digest, Error, Result, Timestamp};
use flyball_store::{Blobs, Db, Tx};

use crate::batcher::Batcher;
use crate::contract::Contract;
use crate::counters::{Counters, CountersSnapshot};
use crate::flush::Flush;
use crate::live::{LiveEndpoint, LiveRevision, Runtime, Shared};
use crate::model::{
    Answer, Answers, Endpoint, EndpointState, Revision, RowRequest, Share, TableRequest, unknown_endpoint,
};
use crate::prediction_id::{PredictionIds, endpoint_mark};
use crate::settings::Settings;
use crate::shadow::{self, Agreement, Comparisons, Shadows};
use crate::shelf::{Held, MemoryUse, Shelf, Slot};
use crate::split::Split;
use crate::{segment, store};

/// Serves all endpoints of this process.
pub struct Serving {
    pub(crate) db: Db,
    pub(crate) blobs: Blobs,
    shared: Arc<Shared>,
    table: ArcSwap<RoutingTable>,
    refreshing: Mutex<()>,
}

#[derive(Default)]
struct RoutingTable {
    endpoints: HashMap<String, Arc<LiveEndpoint>>,
    /// The number of the changes that it is made from.
    epoch: i64,
    /// Whether everything could be loaded.
    whole: bool,
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
    /// Where it stands.
    pub environment: String,
    /// What it is told.
    pub settings: Settings,
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
    /// The part of all requests whose copy it gets.
    pub mirror_per_mille: u16,
    /// Whether its model is in memory.
    pub loaded: bool,
    /// What it has done since the process started or it joined the split.
    pub counters: CountersSnapshot,
    /// How it agreed in the shadow since the process started or it joined the split.
    pub shadow: Agreement,
}

impl Serving {
    /// A service that serves nothing until [`Serving::refresh`].
    pub fn new(db: Db, blobs: Blobs, clock: Arc<dyn Clock>, engines: Vec<Arc<dyn Engine>>, ids: PredictionIds) -> Self {
        Self {
            db,
            blobs: blobs.clone(),
            shared: Arc::new(Shared {
                clock: Arc::clone(&clock),
                ids,
                shelf: Shelf::new(blobs, engines, clock),
                shadows: Shadows::default(),
            }),
            table: ArcSwap::default(),
            refreshing: Mutex::new(()),
        }
    }

    /// Keeps models within so many bytes of memory; the least recently used make room.
    pub fn set_memory_budget(&self, bytes: u64) {
        self.shared.shelf.set_budget(bytes);
    }

    /// What models take of the memory.
    pub fn memory(&self) -> MemoryUse {
        self.shared.shelf.memory()
    }

    /// Rebuilds the routing table from the database, if that changed, and swaps it in at once. Requests under way finish
    /// as they began. An endpoint whose models cannot be loaded says so in its state; the others are not concerned.
    ///
    /// # Errors
    /// When the database cannot be read; then everything serves on as before.
    pub fn refresh(&self) -> Result<()> {
        // Nothing is protected but the order: the refresh that read last must also swap last.
        let _one_at_a_time = self.refreshing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.table.load_full();
        let known = before.whole.then_some(before.epoch);
        let Some((epoch, plans)) = self.db.read(|tx| plans(tx, known))? else { return Ok(()) };
        // A model that several endpoints use is pinned when one of them says so.
        let pinning = plans.iter().filter(|plan| plan.endpoint.settings.pinned);
        let pinned: HashSet<Digest> =
            pinning.flat_map(|plan| plan.shares.iter().map(|(one, _)| one.artifact)).collect();
        let mut table = RoutingTable { endpoints: HashMap::with_capacity(plans.len()), epoch, whole: true };
        for plan in plans {
            let name = plan.endpoint.name.to_string();
            let endpoint = self.load_endpoint(plan, before.endpoints.get(&name), &pinned);
            table.whole &= matches!(endpoint.state, EndpointState::Empty | EndpointState::Ready);
            table.endpoints.insert(name, Arc::new(endpoint));
        }
        self.table.store(Arc::new(table));
        Ok(())
    }

    /// Loads models that have traffic and are not in memory yet, as long as there is room: a worker process or a network
    /// takes its time, which the first request should not wait for.
    pub fn warm(&self) {
        for endpoint in self.live() {
            for live in endpoint.revisions.iter().filter(|live| live.per_mille + live.mirror_per_mille > 0) {
                if !live.slot.is_loaded() && self.shared.shelf.has_room(live.revision.memory) {
                    // Why it cannot be loaded is told to those who ask it.
                    if let Err(error) = live.model(&self.shared) {
                        tracing::debug!(?error, revision = %live.revision.id, "a model is not ready yet");
                    }
                }
            }
        }
        self.shared.shelf.make_room(None);
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

    /// What a revision has done since this process started or it joined the split; `None` when it takes no part.
    pub fn counters(&self, endpoint: &str, revision: &str) -> Option<CountersSnapshot> {
        let endpoint = self.table.load().endpoints.get(endpoint).map(Arc::clone)?;
        let live = endpoint.revisions.iter().find(|live| *live.revision.id == *revision)?;
        Some(live.counters.snapshot())
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

    /// Writes what was counted of revisions in the shadow.
    ///
    /// # Errors
    /// Those of the database; then it stays in memory.
    pub fn flush_comparisons(&self) -> Result<()> {
        let mut counted: Vec<(Arc<str>, Arc<str>, Agreement)> = Vec::new();
        let mut from: Vec<Arc<Comparisons>> = Vec::new();
        for endpoint in self.live() {
            for live in &endpoint.revisions {
                let taken = live.comparisons.take();
                if !taken.is_empty() {
                    let revision = &live.revision;
                    counted.push((Arc::clone(&revision.endpoint), Arc::clone(&revision.id), taken));
                    from.push(Arc::clone(&live.comparisons));
                }
            }
        }
        if counted.is_empty() {
            return Ok(());
        }
        let (rows, at) = (counted.clone(), self.shared.clock.now());
        let written = self.db.write(move |tx| shadow::record(tx, &rows, at));
        if written.is_err() {
            from.iter().zip(&counted).for_each(|(comparisons, (_, _, taken))| comparisons.put_back(taken));
        }
        written
    }

    /// Deletes the records of endpoints that keep them for so many days only.
    ///
    /// # Errors
    /// Those of the database and of the store.
    pub fn expire(&self) -> Result<usize> {
        let mut expired = 0;
        for endpoint in self.live() {
            let Some(days) = endpoint.endpoint.settings.capture.retention_days else { continue };
            let before = self.shared.clock.now() - flyball_core::Duration::days(i64::from(days));
            let name = endpoint.endpoint.name.to_string();
            let digests = self.db.write(move |tx| segment::expire(tx, &name, before))?;
            expired += digests.len();
            digests.iter().try_for_each(|digest| self.blobs.delete(digest))?;
        }
        Ok(expired)
    }

    /// The model of a revision, also of one that serves no longer.
    ///
    /// # Errors
    /// What the engines say.
    pub fn model(&self, revision: &Revision) -> Result<Held> {
        self.load(revision.artifact)
    }

    /// The model that an artifact is, loaded now if it is not in memory.
    ///
    /// # Errors
    /// What the engines say.
    pub fn load(&self, artifact: Digest) -> Result<Held> {
        self.shared.shelf.hold(artifact)
    }

    fn load_endpoint(&self, plan: Plan, before: Option<&Arc<LiveEndpoint>>, pinned: &HashSet<Digest>) -> LiveEndpoint {
        let runtime = before.map_or_else(
            || Arc::new(Runtime { sequence: AtomicU64::new(plan.next_sequence), ..Runtime::default() }),
            |before| Arc::clone(&before.runtime),
        );
        let mut loaded = Loading::default();
        for (revision, share) in &plan.shares {
            let slot = self.shared.shelf.slot(revision.artifact);
            slot.pin(pinned.contains(&revision.artifact));
            if let Err(error) = self.load_revision(slot, revision, share, before, &mut loaded) {
                tracing::error!(endpoint = %plan.endpoint.name, revision = %revision.id, ?error, "a model cannot be loaded");
                loaded.orphaned += share.per_mille;
                loaded.failure.get_or_insert_with(|| format!("version {}: {error}", revision.version));
            }
        }
        loaded.finish(plan.endpoint, runtime, Arc::clone(&self.shared), before)
    }

    fn load_revision(
        &self,
        slot: Arc<Slot>,
        revision: &Revision,
        share: &Share,
        before: Option<&Arc<LiveEndpoint>>,
        loaded: &mut Loading,
    ) -> Result<()> {
        let shelf = &self.shared.shelf;
        let interface = match &revision.interface {
            // What takes long to load is loaded when it is asked, or by `warm`; so is what there is no room for.
            Some(interface @ Interface::Tensors(_)) => interface.clone(),
            Some(interface) if !slot.is_loaded() && !shelf.has_room(revision.memory) => interface.clone(),
            _ => shelf.get(&slot)?.interface(),
        };
        match &mut loaded.contract {
            Some(contract) => contract.join(&interface)?,
            None => loaded.contract = Some(Contract::of(&interface)),
        }
        let known = before.iter().flat_map(|live| &live.revisions).find(|live| live.revision.id == revision.id);
        loaded.parts.push(Part {
            revision: Arc::new(revision.clone()),
            share: share.clone(),
            interface,
            slot,
            counters: known.map_or_else(Arc::default, |live| Arc::clone(&live.counters)),
            comparisons: known.map_or_else(Arc::default, |live| Arc::clone(&live.comparisons)),
        });
        Ok(())
    }
}

/// A revision, not yet part of a split.
struct Part {
    revision: Arc<Revision>,
    share: Share,
    interface: Interface,
    slot: Arc<Slot>,
    counters: Arc<Counters>,
    comparisons: Arc<Comparisons>,
}

/// What could be loaded of an endpoint.
#[derive(Default)]
struct Loading {
    contract: Option<Contract>,
    parts: Vec<Part>,
    /// The share of the revisions that could not be loaded.
    orphaned: u16,
    failure: Option<String>,
}

impl Loading {
    fn finish(
        self,
        endpoint: Endpoint,
        runtime: Arc<Runtime>,
        shared: Arc<Shared>,
        before: Option<&Arc<LiveEndpoint>>,
    ) -> LiveEndpoint {
        let mut failure = self.failure;
        let plain = self.contract.unwrap_or_default();
        let contract = plain.clone().with(&endpoint.settings).unwrap_or_else(|error| {
            // Settings that fit no more, because other versions serve now, must not stop the endpoint.
            failure.get_or_insert_with(|| format!("settings: {error}"));
            plain
        });
        // The same contract stays the same object, so that records go on into the same buffer.
        let contract = match before.filter(|before| *before.contract == contract) {
            Some(before) => Arc::clone(&before.contract),
            None => Arc::new(contract),
        };
        let state = match (failure, self.parts.is_empty()) {
            (Some(why), true) => EndpointState::Failed(why),
            (Some(why), false) => EndpointState::Degraded(why),
            (None, true) => EndpointState::Empty,
            (None, false) => EndpointState::Ready,
        };
        let orphaned = self.orphaned;
        let live = |(position, part): (usize, Part)| {
            let Part { revision, share, interface, slot, counters, comparisons } = part;
            let positions = contract.positions(&interface);
            let per_mille = if position == 0 { share.per_mille + orphaned } else { share.per_mille };
            let (mirror_per_mille, batcher) = (share.mirror_per_mille, Batcher::default());
            Arc::new(LiveRevision {
                revision,
                per_mille,
                mirror_per_mille,
                interface,
                slot,
                positions,
                counters,
                comparisons,
                batcher,
            })
        };
        let revisions: Vec<_> = self.parts.into_iter().enumerate().map(live).collect();
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
            mirror_per_mille: live.mirror_per_mille,
            loaded: live.slot.is_loaded(),
            counters: live.counters.snapshot(),
            shadow: live.comparisons.all(),
        };
        EndpointSnapshot {
            name: self.endpoint.name.to_string(),
            environment: self.endpoint.environment.clone(),
            settings: self.endpoint.settings.clone(),
            state: self.state_now(),
            refused: self.runtime.refused.load(Ordering::Relaxed),
            waiting: self.runtime.capture.waiting(),
            dropped: self.runtime.capture.dropped(),
            revisions: self.revisions.iter().map(revision).collect(),
        }
    }
}

/// What the database says, with the number of its changes; `None` when that is `known`.
fn plans(tx: &mut Tx<'_>, known: Option<i64>) -> Result<Option<(i64, Vec<Plan>)>> {
    let epoch = store::epoch(tx)?;
    if known == Some(epoch) {
        return Ok(None);
    }
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
    Ok(Some((epoch, plans)))
}
