//! Evaluations of models on data, by slice and with intervals, and the gates that judge them.

pub mod comparison;
pub mod evaluate;
pub mod evaluations;
pub mod expression;
pub mod fairness;
pub mod gate;
pub mod grouping;
pub mod measure;
pub mod store;
pub mod suite;

pub use evaluate::{Evaluation, Slice, Subject as Evaluated};
pub use gate::{GateOutcome, GateReport};
