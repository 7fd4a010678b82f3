//! Stage 1 of the lifecycle: sources become immutable dataset versions with a profile, checks and lineage.
//!
//! `source` and `formats` turn files into tables, `query` is the door to an SQL engine, `profile` and `check` measure a
//! table, and `service` keeps dataset versions. In memory data is a [`flyball_core::Table`]; at rest it is Parquet.

mod cache;
pub mod check;
pub mod columnar;
pub mod compare;
mod failing;
pub mod foresee;
pub mod formats;
mod inspect;
mod measure;
pub mod model;
pub mod nearest;
pub mod profile;
pub mod query;
pub mod scan;
pub mod sensitive;
pub mod service;
pub mod source;
mod store;
pub mod suggest;
pub mod window;

pub use check::{Check, CheckOutcome, Literal, Rule, Severity};
pub use model::{ColumnSchema, DatasetVersion, Lineage, Origin, ValidationReport};
pub use profile::TableProfile;
pub use query::QueryEngine;
pub use service::Datasets;
