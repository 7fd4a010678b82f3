//! What tests share: a fresh database of either engine.

#![expect(clippy::panic, clippy::expect_used, reason = "a test that cannot be set up must fail with the reason")]

mod database;
mod postgres_server;

pub use database::{TestDb, on_both};
