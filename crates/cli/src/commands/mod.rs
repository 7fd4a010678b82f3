//! One command a module.

pub(crate) mod alerts;
pub(crate) mod apply;
pub(crate) mod audit;
pub(crate) mod completions;
pub(crate) mod connect;
pub(crate) mod data;
pub(crate) mod data_checks;
pub(crate) mod demo;
pub(crate) mod endpoints;
pub(crate) mod engines;
pub(crate) mod environments;
pub(crate) mod evaluate;
pub(crate) mod experiments;
pub(crate) mod explain;
pub(crate) mod files;
pub(crate) mod init;
pub(crate) mod labels;
pub(crate) mod list;
pub(crate) mod models;
pub(crate) mod monitors;
pub(crate) mod moving;
pub(crate) mod predict;
pub(crate) mod project;
pub(crate) mod remedies;
pub(crate) mod replay;
pub(crate) mod runs;
pub(crate) mod sample_size;
pub(crate) mod schema;
pub(crate) mod secrets;
pub(crate) mod serve;
pub(crate) mod simulate;
pub(crate) mod status;
pub(crate) mod why;

use flyball_core::Result;
use serde_json::Value;

use crate::output::print_json;
use crate::wire::Places;

/// What every command gets.
pub(crate) struct Context {
    /// Where state is kept.
    pub(crate) places: Places,
    /// Whether to print JSON.
    pub(crate) json: bool,
}

impl Context {
    /// Prints an answer for programs, or a line for people.
    pub(crate) fn tell(&self, answer: &Value, line: &str) -> Result<()> {
        if self.json {
            return print_json(answer);
        }
        println!("{line}");
        Ok(())
    }
}
