//! Moving whole tracking stores: in from an MLflow server, an MLflow database or an exported folder, and out again.
//!
//! A [`Source`] reads a store and pushes records into a [`Sink`]; sinks are Flyball itself ([`import::Importer`]), a
//! folder and another server. What is carried is counted and digested by kind on both sides, and what cannot be carried
//! is listed with the reason.

pub mod database;
pub mod export;
pub mod folder;
pub mod import;
pub mod record;
pub mod server;
pub mod source;
pub mod tally;
mod weigh;

pub use source::{LeftOut, Sink, Source, Wish};
