//! What the program prints.

use flyball_core::{Error, Result};
use serde::Serialize;

/// Prints a value as JSON.
pub(crate) fn print_json(value: &impl Serialize) -> Result<()> {
    println!("{}", serde_json::to_string_pretty(value).map_err(Error::internal)?);
    Ok(())
}

/// Prints an error with its next step; for programs as JSON. Both go to standard error.
pub(crate) fn print_error(error: &Error, json: bool) {
    if json {
        let value = serde_json::json!({
            "error": { "code": error.code().as_str(), "message": error.message(), "hint": error.next_step() }
        });
        eprintln!("{value}");
        return;
    }
    eprintln!("error: {error} [{}]", error.code());
    if let Some(hint) = error.next_step() {
        eprintln!("  next: {hint}");
    }
    if let Some(cause) = error.cause_text() {
        tracing::debug!(cause, "the cause of the error");
    }
}
