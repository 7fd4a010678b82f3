//! What tests share: a fresh database of either engine, and an S3 server.

#![expect(clippy::panic, clippy::expect_used, reason = "a test that cannot be set up must fail with the reason")]

mod database;
mod postgres_server;
mod s3_server;

pub use database::{TestDb, on_both};
pub use s3_server::S3Server;
