//! The whole router in process.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be set up must fail with the reason")]

mod alerting;
mod artifacts;
mod cards;
mod evaluations;
mod explain;
mod fixture;
mod guard;
mod inference;
mod labelling;
mod logged_models;
mod observed;
mod pages;
mod policies;
mod registry;
mod remedies;
mod serving;
mod traces;
mod tracking;
