//! The loop file from outside: what it accepts, and how it says what is wrong.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests fail by panicking")]

mod bad_files;
mod expressions;
mod good_files;
mod schema;
