//! The suite of durable work, on both databases.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod helpers;
mod queue;
mod runner;
mod schedules;
