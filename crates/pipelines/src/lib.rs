//! Steps: what is done to data and models, and the only place that runs a user's command.
//!
//! Invariant: a user's command runs in a child process of its own, from an argument list, with an environment made of a
//! short allow-list; never in this process and never through a shell.

pub mod command;
pub mod leak;
pub mod split;

pub use split::{SplitPlan, TrainingSet};
