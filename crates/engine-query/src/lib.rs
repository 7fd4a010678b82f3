//! DataFusion behind the data stage's [`QueryEngine`](flyball_data::QueryEngine): SQL over tables in memory.
//!
//! A query sees the tables that it is given and nothing else: no files, no catalogue, no settings, no clock and no
//! random numbers. It runs in one partition, so that rows come in the same order and sums round in the same way each
//! time; a dataset version made from the same inputs then has the same content.

mod engine;
mod failure;
mod session;

pub use engine::DataFusionEngine;
