//! Versions of files, end to end: each test in a project of its own.

#![expect(clippy::disallowed_methods, reason = "these tests start processes and end them")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod bad_input;
mod branches;
mod damage;
mod dvc;
mod faults;
mod keeping;
mod large;
mod remotes;
mod versions;
mod world;
