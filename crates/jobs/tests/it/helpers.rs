//! What the tests of jobs share.

use std::sync::{Arc, Mutex};

use flyball_core::{Duration, Result, Timestamp, VirtualClock};
use flyball_jobs::{Claimed, Handler, Jobs, NewJob, Outcome};
use flyball_store::{Db, params};
use serde_json::json;

pub(crate) const START: Timestamp = Timestamp(1_362_096_000_000); // 2013-03-01
pub(crate) const LEASE: Duration = Duration::seconds(30);

/// The jobs of `db` on a clock that stands at the start.
pub(crate) fn jobs_of(db: &Db) -> (Jobs, Arc<VirtualClock>) {
    let clock = Arc::new(VirtualClock::at(START));
    (Jobs::new(db.clone(), clock.clone()), clock)
}

pub(crate) fn job(key: &str) -> NewJob {
    NewJob::new("train", key, "flights", json!({"key": key}), START)
}

/// A table that effects write to.
pub(crate) fn create_effects(db: &Db) {
    db.write(|tx| tx.execute("CREATE TABLE effects (seq BIGINT PRIMARY KEY, key TEXT NOT NULL)", &[])).unwrap();
}

/// The keys of the effects, in their order.
pub(crate) fn effects(db: &Db) -> Vec<String> {
    let rows = db.read(|tx| tx.query("SELECT key FROM effects ORDER BY seq", &[])).unwrap();
    rows.iter().map(|row| row.get("key").unwrap()).collect()
}

/// An outcome that leaves its key in the table of effects.
pub(crate) fn effect(key: &str) -> Outcome {
    let key = key.to_owned();
    let effects = move |tx: &mut flyball_store::Tx<'_>| {
        let sql = "INSERT INTO effects (seq, key) SELECT COUNT(*), $1 FROM effects";
        tx.execute(sql, &params![key]).map(drop)
    };
    Outcome::new(effects, json!({"done": true}))
}

type Body = dyn Fn(&Claimed) -> Result<Outcome> + Send + Sync;

/// A handler of "train" that remembers what it ran.
pub(crate) struct Recorder {
    pub(crate) ran: Mutex<Vec<String>>,
    body: Box<Body>,
}

impl Recorder {
    pub(crate) fn new(body: impl Fn(&Claimed) -> Result<Outcome> + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { ran: Mutex::default(), body: Box::new(body) })
    }

    pub(crate) fn ran(&self) -> Vec<String> {
        self.ran.lock().unwrap().clone()
    }
}

impl Handler for Recorder {
    fn kinds(&self) -> &[&'static str] {
        &["train"]
    }

    fn run(&self, job: &Claimed) -> Result<Outcome> {
        self.ran.lock().unwrap().push(job.job.key.clone());
        (self.body)(job)
    }
}
