//! Carrying a store out of Flyball.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::import::Compared;
use crate::source::LeftOut;
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
