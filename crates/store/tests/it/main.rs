//! The suite of the store; everything about the database runs on both engines.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod blobs;
mod child;
mod crash;
mod group_commit;
mod lock;
mod s3;
mod schema;
mod streams;
mod transactions;
mod values;
