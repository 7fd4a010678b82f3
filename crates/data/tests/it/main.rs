//! The data stage from outside: formats, sources, checks and dataset versions.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod checks;
mod columns;
mod comparing;
mod profiles;
mod rules;
mod sources;
mod versions;

use std::path::Path;

use flyball_core::{Column, Table, TextColumn};

/// Writes a file below `root`, with its folders.
fn write(root: &Path, path: &str, content: impl AsRef<[u8]>) {
    let full = root.join(path);
    std::fs::create_dir_all(full.parent().unwrap()).unwrap();
    std::fs::write(full, content).unwrap();
}

fn texts(values: &[Option<&str>]) -> Column {
    Column::Text(TextColumn::from_texts(values.iter().copied()))
}

fn table(columns: Vec<(&str, Column)>) -> Table {
    Table::new(columns.into_iter().map(|(name, column)| (name.to_owned(), column)).collect()).unwrap()
}
