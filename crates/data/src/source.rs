//! Sources: files of a project, named by a relative path or a pattern, read into one table.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use flyball_core::table::{MISSING_INT, TextBuilder};
use flyball_core::{ArtifactPath, Column, Digest, Error, ErrorCode, Kind, Result, Table, limits};
use serde::{Deserialize, Serialize};

use crate::formats::{self, BrokenRow};
use crate::nearest;

/// A file of a source: where a dataset version came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// The path below the project's root.
    pub path: ArtifactPath,
    /// Its size in bytes.
    pub bytes: u64,
    /// The digest of its content.
    pub digest: Digest,
}

/// A broken row and its file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    /// The file.
    pub path: ArtifactPath,
    /// The row.
    #[serde(flatten)]
    pub row: BrokenRow,
}

/// A source whose files are in memory, not parsed yet.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The files with their content, in order of their paths.
    pub files: Vec<(SourceFile, Bytes)>,
}

/// The files that `source` names below `root`, in order of their paths: one path, or a pattern with `*`, `?`, `**` or
/// `[…]`. A file outside the root, also by way of a symbolic link, is refused (`Forbidden`); no file at all is `NotFound`.
pub fn resolve(root: &Path, source: &str) -> Result<Vec<ArtifactPath>> {
    let source: ArtifactPath = source.parse()?;
    let root = canonical_root(root)?;
    let is_pattern = source.as_str().contains(['*', '?', '[']);
    let found = if is_pattern { matches(&root, &source)? } else { vec![root.join(source.as_str())] };
    let mut paths = BTreeSet::new();
    for path in found.iter().filter(|path| path.is_file()) {
        inside(&root, path)?;
        paths.insert(relative(&root, path)?);
    }
    if paths.is_empty() {
        return Err(missing(&root, &source));
    }
    Ok(paths.into_iter().collect())
}

/// Reads one text file of the project, such as a SQL file.
///
/// # Errors
/// `NotFound` for a file that is not there, `LimitExceeded` for one of more than `most` bytes, `InvalidData` for one
/// that is not UTF-8.
pub fn read_text(root: &Path, path: &ArtifactPath, most: usize) -> Result<String> {
    let found = resolve(root, path.as_str())?;
    let Some(file) = found.first() else { return Err(Error::not_found("file", path)) };
    let failed =
        |error: std::io::Error| Error::new(ErrorCode::InvalidData, format!("cannot read {path} as text")).cause(error);
    let full = canonical_root(root)?.join(file.as_str());
    if std::fs::metadata(&full).map_err(failed)?.len() > most as u64 {
        return Err(Error::new(ErrorCode::LimitExceeded, format!("{path} is larger than {most} bytes")));
    }
    std::fs::read_to_string(&full).map_err(failed)
}

/// Reads the files that `source` names into memory. All of them together may hold at most
/// `limits::SOURCE_FILE_BYTES`.
pub fn load(root: &Path, source: &str) -> Result<Loaded> {
    let paths = resolve(root, source)?;
    let root = canonical_root(root)?;
    let mut left = limits::SOURCE_FILE_BYTES;
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        let full = inside(&root, &root.join(path.as_str()))?;
        let size = fs::metadata(&full).map_err(|error| unreadable(&path, error))?.len();
        left = left.checked_sub(size).ok_or_else(|| {
            Error::new(
                ErrorCode::LimitExceeded,
                format!("'{source}' holds more than the limit of {} bytes", limits::SOURCE_FILE_BYTES),
            )
            .hint("split the source, or keep it as Parquet")
        })?;
        let bytes = Bytes::from(fs::read(&full).map_err(|error| unreadable(&path, error))?);
        let digest = Digest::of(&bytes);
        files.push((SourceFile { path, bytes: bytes.len() as u64, digest }, bytes));
    }
    Ok(Loaded { files })
}

impl Loaded {
    /// The table of all files, one below the other, and the rows that could not be read. Every file must have the same
    /// columns; whole numbers in one and fractions in another make `Float`, and a column without any value fits all.
    pub fn parse(self) -> Result<(Table, Vec<Quarantined>)> {
        let mut whole: Option<(ArtifactPath, Table)> = None;
        let mut broken = Vec::new();
        for (file, bytes) in self.files {
            let extension = file.path.extension().unwrap_or_default();
            let parsed = formats::read(&extension, bytes).map_err(|error| error.context(&file.path))?;
            broken.extend(parsed.broken.into_iter().map(|row| Quarantined { path: file.path.clone(), row }));
            whole = Some(match whole {
                None => (file.path, parsed.table),
                Some((first, table)) => {
                    let table = append(table, &first, parsed.table, &file.path)?;
                    (first, table)
                }
            });
        }
        Ok((whole.map(|(_, table)| table).unwrap_or_default(), broken))
    }
}

fn canonical_root(root: &Path) -> Result<PathBuf> {
    root.canonicalize()
        .map_err(|error| Error::new(ErrorCode::NotFound, "the project folder cannot be opened").cause(error))
}

fn matches(root: &Path, source: &ArtifactPath) -> Result<Vec<PathBuf>> {
    let pattern = format!("{}/{source}", glob::Pattern::escape(&root.to_string_lossy()));
    let options = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::default() };
    let paths = glob::glob_with(&pattern, options).map_err(|error| {
        Error::invalid(format!("'{source}' is not a pattern: {}", error.msg)).hint("write it as data/*.csv")
    })?;
    paths
        .map(|path| path.map_err(|error| Error::new(ErrorCode::Unavailable, "a folder cannot be read").cause(error)))
        .collect()
}

/// The real place of a file, when it lies below the root.
fn inside(root: &Path, path: &Path) -> Result<PathBuf> {
    let shown = relative(root, path)?;
    let real = path.canonicalize().map_err(|error| unreadable(&shown, error))?;
    if real.starts_with(root) {
        Ok(real)
    } else {
        Err(Error::new(ErrorCode::Forbidden, format!("'{shown}' leads out of the project folder"))
            .hint("copy the file into the project folder"))
    }
}

fn relative(root: &Path, path: &Path) -> Result<ArtifactPath> {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().parse()
}

fn unreadable(path: &ArtifactPath, error: std::io::Error) -> Error {
    Error::new(ErrorCode::Unavailable, format!("'{path}' cannot be read")).cause(error)
}

/// The error for a source without files, with the names in its folder that look like it.
fn missing(root: &Path, source: &ArtifactPath) -> Error {
    let error = Error::not_found("file", source);
    let (folder, name) = source.as_str().rsplit_once('/').unwrap_or(("", source.as_str()));
    let Ok(entries) = fs::read_dir(root.join(folder)) else {
        return match folder {
            "" => error,
            _ => error.hint(format!("there is no folder '{folder}' in the project folder")),
        };
    };
    let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let names: BTreeSet<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let near = nearest::nearest(name, names.iter().map(String::as_str));
    if near.is_empty() {
        return error.hint("the path is relative to the project folder, which holds the loop file");
    }
    let near: Vec<String> = near.iter().map(|name| format!("{prefix}{name}")).collect();
    error.hint(format!("did you mean {}?", near.join(" or ")))
}

fn append(top: Table, first: &ArtifactPath, bottom: Table, path: &ArtifactPath) -> Result<Table> {
    let differs = |what: String| {
        Err(Error::new(ErrorCode::InvalidData, format!("{path}: {what}, unlike in {first}"))
            .hint("all files of a source must have the same columns"))
    };
    if let Some(extra) = bottom.names().iter().find(|name| top.position(name).is_none()) {
        return differs(format!("there is a column '{extra}'"));
    }
    let mut columns = Vec::with_capacity(top.names().len());
    for (name, upper) in top.columns() {
        let Some(position) = bottom.position(name) else {
            return differs(format!("the column '{name}' is missing"));
        };
        let lower = bottom.at(position);
        match stack(upper, lower) {
            Some(column) => columns.push((name.to_owned(), column)),
            None => {
                let (above, below) = (upper.kind().as_str(), lower.kind().as_str());
                return differs(format!("the column '{name}' has the type {below} and not {above}"));
            }
        }
    }
    Table::new(columns)
}

fn stack(top: &Column, bottom: &Column) -> Option<Column> {
    let joined = |a: &[i64], b: &[i64]| [a, b].concat();
    Some(match (top, bottom) {
        (Column::Int(a), Column::Int(b)) => Column::Int(joined(a, b)),
        (Column::Time(a), Column::Time(b)) => Column::Time(joined(a, b)),
        (Column::Bool(a), Column::Bool(b)) => Column::Bool([a.as_slice(), b].concat()),
        (Column::Text(_), Column::Text(_)) => {
            let mut builder = TextBuilder::default();
            for column in [top, bottom] {
                if let Column::Text(text) = column {
                    (0..text.codes.len()).for_each(|row| builder.push(text.get(row).map(AsRef::as_ref)));
                }
            }
            Column::Text(builder.finish())
        }
        (Column::Float(_) | Column::Int(_), Column::Float(_) | Column::Int(_)) => {
            Column::Float([top.numbers(), bottom.numbers()].concat())
        }
        (a, b) if all_missing(a) => stack(&empty(b.kind(), a.len()), b)?,
        (a, b) if all_missing(b) => stack(a, &empty(a.kind(), b.len()))?,
        _ => return None,
    })
}

fn all_missing(column: &Column) -> bool {
    (0..column.len()).all(|row| column.is_missing(row))
}

/// A column of `rows` missing values.
fn empty(kind: Kind, rows: usize) -> Column {
    match kind {
        Kind::Float => Column::Float(vec![f64::NAN; rows]),
        Kind::Int => Column::Int(vec![MISSING_INT; rows]),
        Kind::Time => Column::Time(vec![MISSING_INT; rows]),
        Kind::Bool => Column::Bool(vec![flyball_core::table::MISSING_BOOL; rows]),
        Kind::Text => {
            let mut builder = TextBuilder::default();
            (0..rows).for_each(|_| builder.push(None));
            Column::Text(builder.finish())
        }
    }
}
