//! Bringing a store into Flyball.
//!
//! One row per thing in the table `imports` says what has come in, written in the same transaction as the thing: so a call
//! that was cut off at any point is gone on with by the next one, and nothing comes in twice.

mod arrive;
mod journal;
mod names;
mod own;
mod queue;
mod registry;
mod verify;

use std::sync::Arc;

use flyball_core::{Clock, Edit, Permit, Result};
use flyball_store::{Blobs, Db};

use crate::source::{LeftOut, Source};
use crate::tally::Totals;

pub use arrive::Importer;
pub use verify::{Compared, Report};

/// What the caller wants of an import.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Only the experiments of these names; all when there is none, and then the registry too.
    pub experiments: Vec<String>,
    /// What is added to a name that is taken; without it a thing of a taken name is left out.
    pub rename_suffix: Option<String>,
}

/// Where an import goes.
#[derive(Clone)]
pub struct Home {
    /// The database.
    pub db: Db,
    /// The store of files.
    pub blobs: Blobs,
    /// Tells the time of audit events.
    pub clock: Arc<dyn Clock>,
    /// The permit of whoever imports.
    pub permit: Permit<Edit>,
}

/// Hears how far an import is.
pub trait Progress {
    /// So much of each kind has come in during this call.
    fn moved(&mut self, done: &Totals);
    /// Something was left out.
    fn left_out(&mut self, left_out: &LeftOut);
    /// What has come in is being compared with what was read: so many of so many things.
    fn verified(&mut self, things: u64, of: u64);
}

/// Brings everything of a source in that is not in yet, and then compares what came in, in all calls, with what was read.
///
/// # Errors
/// What concerns the whole import, such as a store that does not answer; what concerns one thing is in the report.
pub fn import(home: &Home, source: &mut dyn Source, options: &Options, progress: &mut dyn Progress) -> Result<Report> {
    let mut importer = Importer::new(home.clone(), source.origin(), options.clone(), progress);
    source.read(&mut importer)?;
    let arrived = importer.finish()?;
    verify::run(home, source, arrived, progress)
}

/// What one call of an import did.
pub(crate) struct Arrived {
    pub(crate) moved: Totals,
    pub(crate) left_out: Vec<LeftOut>,
    pub(crate) notes: Vec<String>,
    /// The numbers that the carried experiments have at the source.
    pub(crate) experiments: Vec<String>,
    /// How much of each kind is in of these experiments, from this call or an earlier one.
    pub(crate) seen: Totals,
}
