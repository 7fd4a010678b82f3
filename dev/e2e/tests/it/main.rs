//! The shipped binary from outside: run as users run it, each test in a folder of its own.
//!
//! `cargo xtask test` builds the binary and names it in `FLYBALL_BIN`.

#![expect(clippy::disallowed_methods, reason = "these tests start the product, stop it and take its time")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod bad_input;
mod data;
mod disk;
mod docs;
mod loop_file;
mod mlflow;
mod models;
mod moving;
mod pages;
mod product;
mod project;
mod readme_commands;
mod rollouts;
mod serving;
mod serving_load;
mod serving_models;
mod serving_switches;
mod simulation;
