//! Who may do what, and the record of who did what. Issues permits; keeps the tamper-evident audit log.
//!
//! Invariant: nobody else makes a `Permit`, and every state change and every denial is one audit event in the same
//! transaction as the change.

pub mod audit;
pub mod identity;
pub mod secrets;
pub mod vault;

pub use audit::{Event, Outcome};
pub use secrets::SecretKey;
pub use vault::Vault;
