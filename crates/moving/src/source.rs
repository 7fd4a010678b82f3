//! Where things come from, and where they go.

use std::io::Read;

use flyball_core::Result;
use serde::{Deserialize, Serialize};

use crate::record::{Experiment, LoggedModel, ModelVersion, Point, RegisteredModel, Run};
use crate::tally::{Kind, Totals};

/// Whether a sink wants what hangs on a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Everything that hangs on it.
    Whole,
    /// Nothing: it is there already, or it cannot come in.
    Nothing,
}

/// Something that was not carried over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// What kind of thing.
    pub kind: Kind,
    /// Which one.
    pub id: String,
    /// Why.
    pub reason: String,
}

/// Reads a whole tracking store, one record after another, with flat memory.
pub trait Source {
    /// Where it is, without passwords: the same text for the same store.
    fn origin(&self) -> String;

    /// Pushes everything into the sink, in this order: each experiment, with its runs and then its logged models, each
    /// of these with its files; then each registered model with its versions. The points of a metric come by time and step.
    ///
    /// # Errors
    /// What the sink returns; `Unavailable` when the store does not answer. What concerns one thing only is told to
    /// [`Sink::left_out`] instead.
    fn read(&mut self, sink: &mut dyn Sink) -> Result<()>;

    /// What the way of reading cannot see, whether it is there or not.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }

    /// How much there is of each kind in these experiments, counted by the store itself; `None` when it cannot count.
    ///
    /// # Errors
    /// `Unavailable` when the store does not answer.
    fn totals(&mut self, experiments: &[String]) -> Result<Option<Totals>> {
        let _uncounted = experiments;
        Ok(None)
    }
}

/// Takes what a source reads.
pub trait Sink {
    /// An experiment; what follows until the next one is in it.
    fn experiment(&mut self, experiment: Experiment) -> Result<Wish>;
    /// A run; what follows until [`Sink::end`] hangs on it.
    fn run(&mut self, run: Run) -> Result<Wish>;
    /// Points of a metric of the run.
    fn points(&mut self, key: &str, points: &[Point]) -> Result<()>;
    /// A logged model; what follows until [`Sink::end`] hangs on it.
    fn logged_model(&mut self, model: LoggedModel) -> Result<Wish>;
    /// A file of the run or logged model, under its path below the artifact root.
    fn file(&mut self, path: &str, bytes: &mut dyn Read) -> Result<()>;
    /// A part of the run or logged model stays behind for a reason that concerns many and is told once.
    fn incomplete(&mut self);
    /// The end of the run or logged model.
    fn end(&mut self) -> Result<()>;
    /// A registered model; what follows until the next one are its versions.
    fn registered_model(&mut self, model: RegisteredModel) -> Result<Wish>;
    /// A version of the registered model.
    fn model_version(&mut self, version: ModelVersion) -> Result<()>;
    /// Something that the source could not read. Within a run or logged model it is a part of that one.
    fn left_out(&mut self, left_out: LeftOut);
}
