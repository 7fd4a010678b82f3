//! The way back: which action a condition may set off, within which limits, and the record of what was done or held.

pub mod model;
pub mod pause;
pub mod quarantine;
pub mod record;
pub mod rules;
pub mod store;

pub use model::{Action, Limits, Risk};
pub use pause::Pause;
pub use record::{Help, PastAction, State};
