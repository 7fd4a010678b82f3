//! `flyball schema`: the JSON Schema of the loop file.

use flyball_core::Result;

use crate::output::print_json;

/// Prints the schema.
pub(crate) fn run() -> Result<()> {
    print_json(&flyball_loops::file::schema())
}
