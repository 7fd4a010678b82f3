//! The suite of tracking, on both databases.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod artifacts;
