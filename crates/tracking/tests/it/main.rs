//! Tracking on both databases.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod artifacts;
mod experiments;
mod fixture;
mod inputs;
mod lineage;
mod logged_models;
mod metrics;
mod runs;
mod search;
