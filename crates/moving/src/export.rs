//! Carrying a store out of Flyball.

mod calls;
mod compare;
mod registry;
mod target;

use std::collections::BTreeMap;

use flyball_core::Result;
use serde::Serialize;

use crate::import::Compared;
use crate::server::Server;
use crate::source::{LeftOut, Source};
use crate::tally::{Kind, Totals};

/// Hears how far an export is.
pub trait Progress {
    /// So much of each kind is there by now.
    fn moved(&mut self, done: &Totals);
    /// Something was left out.
    fn left_out(&mut self, left_out: &LeftOut);
}

/// What an export did, and whether what is there is what was read.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Where it came from.
    pub origin: String,
    /// Where it went.
    pub target: String,
    /// What was read, and what was read back from the target.
    pub compared: BTreeMap<Kind, Compared>,
    /// What is there but not as it was read.
    pub differences: Vec<LeftOut>,
    /// What was not carried, with the reasons.
    pub left_out: Vec<LeftOut>,
    /// What else is to be known.
    pub notes: Vec<String>,
}

impl Report {
    /// Whether the target differs from what was read.
    pub fn differs(&self) -> bool {
        !self.differences.is_empty() || self.compared.values().any(|compared| compared.read != compared.here)
    }

    /// Whether everything was carried and is there as it was read.
    pub fn is_complete(&self) -> bool {
        self.left_out.is_empty() && !self.differs()
    }
}

/// Carries all of a source to a tracking server, reads it back from there, and compares. The server gives runs and logged
/// models its own ids, and registered things its own times; tags keep the former ids.
///
/// # Errors
/// `Unavailable` when either side does not answer; what concerns one thing is in the report.
pub fn to_server(source: &mut dyn Source, server: Server, progress: &mut dyn Progress) -> Result<Report> {
    let origin = source.origin();
    let address = server.origin();
    let mut target = target::Target::new(server.clone(), origin.clone(), progress);
    source.read(&mut target)?;
    let (written, left_out) = target.finish()?;
    let here = compare::read_back(server, &origin)?.tally();
    let compared = written
        .tally()
        .into_iter()
        .map(|(kind, read)| (kind, Compared { read, here: here.get(&kind).cloned().unwrap_or_default() }))
        .collect();
    let mut notes = vec![
        "runs and logged models have new ids there; the tags flyball.export.run_id and flyball.export.model_id keep the \
         former ones"
            .to_owned(),
        "times of creation of experiments, models and versions are those of the move".to_owned(),
    ];
    notes.extend(source.notes());
    Ok(Report { origin, target: address, compared, differences: Vec::new(), left_out, notes })
}
