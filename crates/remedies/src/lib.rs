//! The way back: which action a condition may set off, within which limits, and the record of what was done or held.

pub mod model;
pub mod rules;
pub mod store;

pub use model::{Action, Limits, PastAction};
