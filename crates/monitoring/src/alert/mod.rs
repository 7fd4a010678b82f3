//! Alerts: findings that someone must know of, with a course that outlives a window.
//!
//! A finding opens an alert (pending), which fires when it lasts, may be acknowledged by a person, and is resolved when
//! the finding has been gone for long enough. One fingerprint has one open alert at most.

mod findings;
pub(crate) mod model;
pub mod policy;
pub(crate) mod rules;
pub mod settings;
pub mod silence;
pub mod store;

pub use findings::{Floor, findings};
pub use model::{Alert, AlertKind, AlertState, Change, Finding, Severity};
pub use policy::{AlertPolicy, Patience};
pub use settings::AlertSettings;
