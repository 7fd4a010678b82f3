//! Experiments and runs: what was tried, with which parameters and data, and what came of it.
//!
//! A run's metrics are kept twice: the latest value of each beside the run, indexed for searches, and the history in packed
//! chunks that only a reader of that history touches.

pub mod artifacts;
pub mod batch;
pub mod experiments;
pub mod history;
pub mod import;
pub mod inputs;
pub mod lineage;
pub mod logged_models;
pub mod metrics;
pub mod model;
mod points;
pub mod rules;
pub mod runs;
pub mod search;
mod sql;

pub use logged_models::{LoggedModel, ModelMetric, ModelStatus, NewLoggedModel};
pub use model::{
    DatasetInput, DatasetSummary, Experiment, Lifecycle, LoggedDataset, Metric, ModelUse, NewExperiment, NewRun, Pair,
    Point, Run, RunInputs, RunStatus, View,
};
