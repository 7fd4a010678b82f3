//! One command a module.

pub(crate) mod apply;
pub(crate) mod audit;
pub(crate) mod completions;
pub(crate) mod connect;
pub(crate) mod demo;
pub(crate) mod endpoints;
pub(crate) mod engines;
pub(crate) mod environments;
pub(crate) mod evaluate;
pub(crate) mod experiments;
pub(crate) mod explain;
pub(crate) mod files;
pub(crate) mod init;
pub(crate) mod list;
pub(crate) mod models;
pub(crate) mod monitors;
pub(crate) mod moving;
pub(crate) mod predict;
pub(crate) mod project;
pub(crate) mod remedies;
pub(crate) mod replay;
pub(crate) mod runs;
pub(crate) mod schema;
pub(crate) mod serve;
pub(crate) mod simulate;
pub(crate) mod status;
pub(crate) mod why;

use crate::wire::Places;

/// What every command gets.
pub(crate) struct Context {
    /// Where state is kept.
    pub(crate) places: Places,
    /// Whether to print JSON.
    pub(crate) json: bool,
}
