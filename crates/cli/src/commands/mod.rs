//! One command a module.

pub mod completions;
pub mod init;
pub mod project;
pub mod schema;
pub mod simulate;

use crate::wire::Places;

/// What every command gets.
pub struct Context {
    /// Where state is kept.
    pub places: Places,
    /// Whether to print JSON.
    pub json: bool,
}
