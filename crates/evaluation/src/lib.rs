//! Evaluations of models on data, by slice and with intervals, and the gates that judge them.

pub mod answers;
pub mod comparison;
pub mod curves;
pub mod evaluate;
pub mod evaluations;
pub mod expression;
pub mod fairness;
pub mod gate;
pub mod grouping;
pub mod measure;
mod naive;
pub mod ranking;
pub mod sample_size;
pub mod slicing;
pub mod store;
pub mod suite;
pub mod weak;

pub use answers::Subject as Evaluated;
pub use evaluate::{Evaluation, Slice};
pub use gate::{GateOutcome, GateReport};
