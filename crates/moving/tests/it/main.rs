//! Moving stores in and out, on both databases.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod database;
mod fixture;
mod folder;
mod resume;
