//! File formats: bytes become a table and the rows that could not be read.

pub mod arrow;
pub mod csv;
pub mod jsonl;
pub mod parquet;
mod values;

use bytes::Bytes;
use flyball_core::{Error, ErrorCode, Result, Table, limits};
use serde::{Deserialize, Serialize};

/// Most characters of a broken row that are kept.
const SHOWN_CHARS: usize = 200;

/// A row that could not be read; it is kept apart, and the rest of the file is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokenRow {
    /// The line on which the row begins, from 1.
    pub line: u64,
    /// Why it could not be read.
    pub reason: String,
    /// The row as it stands in the file, shortened.
    pub text: String,
}

/// What was read from one file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parsed {
    /// The good rows.
    pub table: Table,
    /// The broken rows, in order of their lines.
    pub broken: Vec<BrokenRow>,
}

/// Reads a file of the format that its extension names (`csv`, `tsv`, `jsonl`, `ndjson`, `parquet`).
pub fn read(extension: &str, bytes: Bytes) -> Result<Parsed> {
    match extension {
        "csv" => csv::read(&bytes, b','),
        "tsv" => csv::read(&bytes, b'\t'),
        "jsonl" | "ndjson" => jsonl::read(&bytes),
        "parquet" => Ok(Parsed { table: parquet::read(bytes)?, broken: Vec::new() }),
        other => Err(Error::new(ErrorCode::InvalidData, format!("'.{other}' is not a format that can be read"))
            .hint("use .csv, .tsv, .jsonl, .ndjson or .parquet")),
    }
}

/// Collects broken rows up to the limit.
#[derive(Debug, Default)]
struct Quarantine {
    rows: Vec<BrokenRow>,
}

impl Quarantine {
    /// Keeps a row apart. Past the limit the file is refused: it is probably not what its name says.
    fn push(&mut self, line: u64, reason: impl Into<String>, text: &[u8]) -> Result<()> {
        let reason = reason.into();
        if self.rows.len() >= limits::BROKEN_ROWS {
            return Err(Error::new(
                ErrorCode::InvalidData,
                format!("more than {} rows are broken; line {line}: {reason}", limits::BROKEN_ROWS),
            )
            .hint("check that the file has the format that its extension names"));
        }
        let prefix = &text[..text.len().min(SHOWN_CHARS * 4)];
        let text = String::from_utf8_lossy(prefix).trim_end().chars().take(SHOWN_CHARS).collect();
        self.rows.push(BrokenRow { line, reason, text });
        Ok(())
    }
}
