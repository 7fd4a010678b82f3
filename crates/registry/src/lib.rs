//! Registered models: immutable versions with their lineage, and the aliases that point at them.

pub mod model;
pub mod store;

pub use model::{CHALLENGER, CHAMPION, ModelVersion, NewVersion};
