//! Every page in three states, and the rules that hold for all of them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

mod files;
mod pages;
#[path = "../../examples/preview/sample.rs"]
mod sample;
