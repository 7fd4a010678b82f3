//! Suites of checks that a model and its data go through before they are trusted: data integrity, training against test
//! rows, performance, robustness, stability, speed.
//!
//! A suite is data: which groups run, with which limits. Each check gives one [`CheckOutcome`] with its evidence. The
//! list of checks and their usual limits is [`CATALOG`]; it follows the defaults that Deepchecks made customary, and
//! where a quantity is uncertain the limit must be missed beyond chance before a check fails.

mod answers;
mod association;
mod bench;
mod catalog;
mod domain;
mod drift;
mod expectations;
mod integrity;
mod leaks;
mod performance;
mod perturb;
mod relations;
mod robustness;
mod segments;
mod speed;
mod stability;
mod texts;
mod train_test;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use flyball_core::model::Model;
use flyball_core::{Clock, Result, Table};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use answers::quality_of;
pub use catalog::{CATALOG, Check, Limit, Severity, of_group};
pub use expectations::{Change, Expectation, Expected};

use bench::Bench;

/// Rows that are judged at most unless a suite says otherwise: a share is then known to better than half a percent, and
/// the hundreds of passes that the robustness of a model needs stay within seconds.
pub const ROWS: usize = 20_000;
/// How long a suite takes at most unless it says otherwise, in seconds; checks that are left then are not applicable.
pub const SECONDS: u64 = 300;
/// How often a model is learned again for its stability unless a suite says otherwise.
pub const SEEDS: usize = 3;
/// The most trainings that a suite may ask for.
pub const MOST_SEEDS: usize = 20;

/// What a group of checks is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Whether the rows are what they seem.
    Integrity,
    /// Whether training and test rows are alike, and apart.
    TrainTest,
    /// Whether the answers are good, everywhere.
    Performance,
    /// Whether small or hostile changes of the rows break the answers.
    Robustness,
    /// Whether the same rows and the same data give the same again.
    Stability,
    /// Whether it is fast and small enough.
    Speed,
}

impl Group {
    /// All of them, in the order in which they run.
    pub const ALL: [Group; 6] =
        [Group::Integrity, Group::TrainTest, Group::Performance, Group::Robustness, Group::Stability, Group::Speed];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Group::Integrity => "integrity",
            Group::TrainTest => "train_test",
            Group::Performance => "performance",
            Group::Robustness => "robustness",
            Group::Stability => "stability",
            Group::Speed => "speed",
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// As it should be.
    Passed,
    /// Somebody should look; nothing is refused.
    Warned,
    /// The suite has failed.
    Failed,
    /// There was nothing to judge, and the explanation says what was missing.
    NotApplicable,
}

/// The outcome of one check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckOutcome {
    /// The check, as in [`CATALOG`].
    pub name: String,
    /// Its group.
    pub group: Group,
    /// How it came out.
    pub status: Status,
    /// What was measured; `None` where nothing could be.
    pub value: Option<f64>,
    /// The 95 % interval of the value, where chance has a part in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<(f64, f64)>,
    /// The limit that it was held to.
    pub threshold: Option<f64>,
    /// What was found, and what to do about it when it is not as it should be.
    pub explanation: String,
    /// The numbers behind it.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub evidence: Value,
}

/// What a suite found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SuiteReport {
    /// Whether no check has failed.
    pub passed: bool,
    /// How many rows were there.
    pub rows: usize,
    /// How many of them were judged, drawn by the suite's seed when they were too many.
    pub judged_rows: usize,
    /// Every check of the groups that were asked for, in the order of the catalogue.
    pub checks: Vec<CheckOutcome>,
}

impl SuiteReport {
    /// How many checks came out so.
    pub fn count(&self, status: Status) -> usize {
        self.checks.iter().filter(|check| check.status == status).count()
    }
}

/// How a group is held.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GroupOptions {
    /// Limits by check that differ from the usual ones.
    pub limits: BTreeMap<String, f64>,
    /// Checks that are left out.
    pub skip: Vec<String>,
    /// Checks whose failure only warns.
    pub warn: Vec<String>,
    /// Checks whose failure fails the suite although it would only warn.
    pub error: Vec<String>,
}

/// What is checked, and how strictly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Suite {
    /// The groups that run.
    pub groups: BTreeMap<Group, GroupOptions>,
    /// What the user knows about how answers move with the rows.
    pub expectations: Vec<Expectation>,
    /// How often a model is learned again for its stability.
    pub seeds: usize,
    /// Rows that are judged at most.
    pub rows: usize,
    /// How long it takes at most, in seconds.
    pub seconds: u64,
    /// The seed of every random choice.
    pub seed: u64,
}

impl Default for Suite {
    /// Every group with the usual limits.
    fn default() -> Self {
        let groups = Group::ALL.into_iter().map(|group| (group, GroupOptions::default())).collect();
        Self { groups, ..Self::empty() }
    }
}

impl Suite {
    /// A suite without a group.
    pub fn empty() -> Self {
        let (seeds, rows, seconds) = (SEEDS, ROWS, SECONDS);
        Self { groups: BTreeMap::new(), expectations: Vec::new(), seeds, rows, seconds, seed: 0 }
    }

    /// The checks that it runs.
    pub fn checks(&self) -> impl Iterator<Item = &'static Check> {
        CATALOG.iter().filter(|check| {
            self.groups.get(&check.group).is_some_and(|options| !options.skip.iter().any(|name| name == check.name))
        })
    }
}

/// A model learned anew: the seed goes in.
pub type Retrain<'a> = dyn Fn(u64) -> Result<Arc<dyn Model>> + 'a;

/// What a suite judges. Only the rows must be there; what else is missing makes the checks that need it not applicable.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    /// Tells how long things take.
    pub clock: &'a dyn Clock,
    /// The rows that are judged.
    pub rows: &'a Table,
    /// The rows that the model was learned from.
    pub train: Option<&'a Table>,
    /// The column to predict.
    pub label: Option<&'a str>,
    /// The column that names each row.
    pub key: Option<&'a str>,
    /// The column with the event time.
    pub time: Option<&'a str>,
    /// The model.
    pub model: Option<&'a dyn Model>,
    /// A simple or earlier model that it should beat.
    pub baseline: Option<&'a dyn Model>,
    /// Learns the model again.
    pub retrain: Option<&'a Retrain<'a>>,
    /// The metric on watched rows by iteration of the training, and whether more is better.
    pub curve: Option<(&'a [f64], bool)>,
    /// What its files take, in bytes.
    pub artifact_bytes: Option<u64>,
}

impl<'a> Case<'a> {
    /// Rows alone.
    pub fn of_rows(clock: &'a dyn Clock, rows: &'a Table) -> Self {
        Self {
            clock,
            rows,
            train: None,
            label: None,
            key: None,
            time: None,
            model: None,
            baseline: None,
            retrain: None,
            curve: None,
            artifact_bytes: None,
        }
    }
}

/// Runs a suite.
///
/// # Errors
/// `InvalidData` when a column that the case names, or a feature of the model, is not in the rows; what the model fails
/// with on the rows as they are; faults of the machine.
pub fn run(suite: &Suite, case: &Case<'_>) -> Result<SuiteReport> {
    let bench = Bench::new(suite, case)?;
    let checks = suite.checks().map(|check| bench.judge(check)).collect::<Result<Vec<_>>>()?;
    Ok(SuiteReport {
        passed: checks.iter().all(|check| check.status != Status::Failed),
        rows: case.rows.rows(),
        judged_rows: bench.rows.rows(),
        checks,
    })
}
