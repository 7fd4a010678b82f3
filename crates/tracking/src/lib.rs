//! Experiments and runs: what was tried, with which parameters and data, and what came of it.

pub mod model;
pub mod store;

pub use model::{NewRun, Run, RunStatus};
