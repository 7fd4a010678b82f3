//! Traces on both databases.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must fail with the reason")]

mod assessments;
mod datasets;
mod fixture;
mod hostile;
mod lifecycle;
mod search;
mod spans;
