//! What is wrong with a loop file, shown as a compiler would.

use std::fmt;

use flyball_core::{Error, ErrorCode};

/// Most problems that are reported at once: past it the reader corrects the first ones anyway.
const PROBLEMS_SHOWN: usize = 20;
/// How much of a long source line is shown, in characters.
const LINE_SHOWN: usize = 160;

/// A place in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The line, from 1.
    pub(super) line: usize,
    /// The column in characters, from 1.
    pub(super) column: usize,
    /// How many characters are meant.
    pub(super) width: usize,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// How many characters from there on are meant.
    pub width: usize,
    /// The keys that lead there, as in `data.departures.label_delay`; empty for the whole file.
    pub path: String,
    /// What was found and what was expected.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Problem {
    pub(super) fn new(place: Place, path: &str, message: impl Into<String>) -> Self {
        let Place { line, column, width } = place;
        Self { line, column, width, path: path.to_owned(), message: message.into(), hint: None }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Everything that is wrong with a loop file. Its `Display` shows each problem with its source line and a caret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoopFileError {
    /// The problems in the order of their places; at least one.
    pub problems: Vec<Problem>,
    rendering: String,
}

impl LoopFileError {
    pub(super) fn new(file: &str, text: &str, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| (problem.line, problem.column));
        let lines: Vec<&str> = text.lines().collect();
        let mut parts: Vec<String> =
            problems.iter().take(PROBLEMS_SHOWN).map(|problem| render(file, &lines, problem)).collect();
        if let Some(more) = problems.len().checked_sub(PROBLEMS_SHOWN).filter(|more| *more > 0) {
            parts.push(format!("and {more} more"));
        }
        Self { problems, rendering: parts.join("\n\n") }
    }
}

/// The place, the message, the source line and a caret under what is meant, with the hint beside it.
fn render(file: &str, lines: &[&str], problem: &Problem) -> String {
    let Problem { line, column, width, path, message, hint } = problem;
    let at = if path.is_empty() { String::new() } else { format!("{path}: ") };
    let mut shown = format!("{file}:{line}:{column}: {at}{message}");
    // A line that is too long is shown from just before the place.
    let skipped = if *column > LINE_SHOWN { column - 21 } else { 0 };
    let source: String = lines
        .get(line - 1)
        .unwrap_or(&"")
        .chars()
        .skip(skipped)
        .take(LINE_SHOWN)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let number = line.to_string();
    let margin = " ".repeat(number.len());
    let before = " ".repeat(column - 1 - skipped);
    let room = source.chars().count().saturating_sub(column - 1 - skipped).max(1);
    let carets = "^".repeat((*width).clamp(1, room));
    shown.push_str(&format!("\n{margin} |\n{number} | {source}\n{margin} | {before}{carets}"));
    if let Some(hint) = hint {
        shown.push_str(&format!(" {hint}"));
    }
    shown
}

impl fmt::Display for LoopFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rendering)
    }
}

impl std::error::Error for LoopFileError {}

impl From<LoopFileError> for Error {
    fn from(error: LoopFileError) -> Self {
        Error::new(ErrorCode::InvalidLoopFile, error.rendering)
            .hint("correct the marked places and run the command again")
    }
}
