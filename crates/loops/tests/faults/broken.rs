//! Models that break on demand: the real ones of the engine, with a fault before them.

use std::sync::{Arc, Mutex};

use flyball_core::model::{Attributions, Engine, ExplainRequest, Loaded, Model};
use flyball_core::{
    Clock, Digest, Duration, Error, Format, Package, Predictions, Result, Signature, Table, Value, VirtualClock,
};
use flyball_engine_tabular::TabularEngine;

/// What can be wrong with a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    /// Every answer takes so long.
    Slow(Duration),
    /// Requests fail.
    Failing,
    /// It answers the opposite.
    Inverted,
}

/// Which artifacts are broken, and how; changed while they serve.
#[derive(Default)]
pub(crate) struct Faults(Mutex<Vec<(Digest, Fault)>>);

impl Faults {
    pub(crate) fn set(&self, artifact: Digest, fault: Option<Fault>) {
        let mut faults = self.0.lock().unwrap();
        faults.retain(|(broken, _)| *broken != artifact);
        faults.extend(fault.map(|fault| (artifact, fault)));
    }

    fn of(&self, artifact: Digest) -> Option<Fault> {
        self.0.lock().unwrap().iter().find(|(broken, _)| *broken == artifact).map(|(_, fault)| *fault)
    }
}

pub(crate) struct BreakableEngine {
    pub(crate) faults: Arc<Faults>,
    pub(crate) clock: Arc<VirtualClock>,
}

impl Engine for BreakableEngine {
    fn name(&self) -> &'static str {
        TabularEngine.name()
    }

    fn reads(&self, format: Format) -> bool {
        TabularEngine.reads(format)
    }

    fn state(&self) -> Result<String> {
        TabularEngine.state()
    }

    fn load(&self, package: &Package<'_>) -> Result<Loaded> {
        let artifact = Digest::of(&package.main()?);
        Ok(match TabularEngine.load(package)? {
            Loaded::Rows(model) => {
                let (faults, clock) = (Arc::clone(&self.faults), Arc::clone(&self.clock));
                Loaded::Rows(Arc::new(Breakable { model, artifact, faults, clock }))
            }
            other => other,
        })
    }
}

struct Breakable {
    model: Arc<dyn Model>,
    artifact: Digest,
    faults: Arc<Faults>,
    clock: Arc<VirtualClock>,
}

impl Model for Breakable {
    fn signature(&self) -> &Signature {
        self.model.signature()
    }

    fn predict(&self, rows: &Table) -> Result<Predictions> {
        self.model.predict(rows)
    }

    fn predict_row(&self, row: &[Value], scores: &mut Vec<f64>) -> Result<()> {
        match self.faults.of(self.artifact) {
            Some(Fault::Failing) => return Err(Error::internal("the model is broken")),
            Some(Fault::Slow(by)) => self.clock.advance_to(self.clock.now() + by),
            Some(Fault::Inverted) => {
                self.model.predict_row(row, scores)?;
                scores.reverse();
                return Ok(());
            }
            None => {}
        }
        self.model.predict_row(row, scores)
    }

    fn explain(&self, rows: &Table, request: &ExplainRequest<'_>) -> Result<Option<Attributions>> {
        self.model.explain(rows, request)
    }

    fn memory_bytes(&self) -> u64 {
        self.model.memory_bytes()
    }
}
