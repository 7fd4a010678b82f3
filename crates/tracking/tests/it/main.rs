//! Tracking on both databases.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod artifacts;
mod experiments;
mod fixture;
mod inputs;
mod lineage;
mod metrics;
mod runs;
#[expect(clippy::disallowed_methods, reason = "these tests make their own permits")]
mod search;
