//! Tests of tracking on both databases.

#![expect(clippy::disallowed_methods, reason = "tests make their own permits")]

mod search;
