//! The search language: filters, orders and pages, and the searches that tracking itself offers.
//!
//! A text is read by [`parse`] and [`parse_order`] against the [`Grammar`] of what is searched. Other contexts compile
//! the [`Condition`]s to their own SQL with the help of [`Sql`].

mod experiments;
pub mod grammar;
mod models;
mod parse;
mod runs;
mod scan;
mod source;
mod sql;
mod steps;
mod token;

pub use experiments::{ExperimentSearch, experiments};
pub use grammar::{Comparator, Grammar};
pub use models::{ModelOrder, ModelSearch, OnDataset, logged_models};
pub use parse::{Condition, Order, Value, parse, parse_order};
pub use runs::{RunSearch, runs};
pub use sql::{ColumnType, Sql};
pub use token::{offset_of, page_token};
