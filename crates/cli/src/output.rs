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

/// Rows with columns padded to the widest cell; columns of numbers stand to the right, the others to the left. The first
/// row holds the titles.
pub(crate) fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    // Dates begin with a digit too, and numbers may have a sign or an exponent.
    let signed = |cell: &str| cell.split(' ').next().is_some_and(|first| first.parse::<f64>().is_ok());
    let unsigned = |cell: &str| cell.starts_with(|c: char| c.is_ascii_digit()) && !cell.contains('-');
    let is_number = |cell: &String| cell == "–" || signed(cell.trim_start_matches("< ")) || unsigned(cell);
    let right: Vec<bool> =
        (0..columns).map(|column| rows.iter().skip(1).filter_map(|row| row.get(column)).all(is_number)).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let pad = widths[column] - cell.chars().count();
            if column > 0 {
                line.push_str("  ");
            }
            let (before, after) = if right[column] { (pad, 0) } else { (0, pad) };
            line.push_str(&" ".repeat(before));
            line.push_str(cell);
            line.push_str(&" ".repeat(after));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
