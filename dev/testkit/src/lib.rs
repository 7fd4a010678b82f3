//! What tests share: a fresh database of either engine, an S3 server, and a receiver of webhooks.

#![expect(clippy::panic, clippy::expect_used, reason = "a test that cannot be set up must fail with the reason")]

mod database;
mod postgres_server;
mod receiver;
mod s3_server;

pub use database::{TestDb, on_both};
pub use receiver::{Received, Receiver};
pub use s3_server::S3Server;
