//! Serving through its public surface, on both databases where the database matters.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be set up must fail with the reason")]

mod durable;
mod fixture;
mod hot_path;
mod models;
mod records;
mod truths;
