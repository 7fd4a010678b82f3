//! The registry on both databases.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod aliases;
mod fixture;
mod migration;
mod models;
mod packages;
mod search;
mod sources;
mod tags;
mod versions;
mod webhooks;
