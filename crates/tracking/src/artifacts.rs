//! The tree of artifacts: which blob is under which path. There are no folders as such; a folder is there as long as
//! something is in it. Removing a path leaves its blob, which others may name, to the collector of blobs.

mod path;
pub mod root;

use std::fmt::Write;

use flyball_core::{Digest, Edit, Error, ErrorCode, Permit, Read, Result, Timestamp};
use flyball_governance::{Event, audit};
use flyball_store::{Param, Row, Tx, params};
use serde_json::json;

pub use path::TreePath;

/// How many rows a listing asks for at once. A folder costs a question of its own, whatever is in it.
const ROWS_AT_ONCE: usize = 256;

/// A file in the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Where it is.
    pub path: TreePath,
    /// The blob with its bytes.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// What a folder holds: a file or a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The last segment of its path.
    pub name: String,
    /// The size in bytes of a file; none for a folder.
    pub size: Option<u64>,
}

impl Entry {
    /// Whether it is a folder.
    pub fn is_dir(&self) -> bool {
        self.size.is_none()
    }
}

/// Puts a blob under a path, in place of what was there.
///
/// # Errors
/// `Conflict` when the path is a folder, or lies below a file.
pub fn put(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    path: &TreePath,
    digest: &Digest,
    size: u64,
    now: Timestamp,
) -> Result<()> {
    if is_folder(tx, &permit.read(), path)? {
        return Err(Error::new(ErrorCode::Conflict, format!("'{path}' is a directory, so it cannot be a file"))
            .hint("choose another name, or delete the directory first"));
    }
    if let Some(file) = file_above(tx, permit, path)? {
        return Err(Error::new(ErrorCode::Conflict, format!("'{file}' is a file, so nothing can be below it"))
            .hint("choose another name, or delete the file first"));
    }
    tx.execute(
        "INSERT INTO artifacts (workspace, path, digest, size, written_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (workspace, path) DO UPDATE SET digest = excluded.digest, size = excluded.size, \
         written_at = excluded.written_at",
        &params![permit.workspace(), path.as_str(), digest, size, now],
    )?;
    Ok(())
}

/// The file under a path, if there is one.
///
/// # Errors
/// `Unavailable` when the database does not answer.
pub fn get(tx: &mut Tx<'_>, permit: &Permit<Read>, path: &TreePath) -> Result<Option<Artifact>> {
    let row = tx.query_one(
        "SELECT digest, size FROM artifacts WHERE workspace = $1 AND path = $2",
        &params![permit.workspace(), path.as_str()],
    )?;
    row.map(|row| Ok(Artifact { path: path.clone(), digest: row.get("digest")?, size: row.get("size")? })).transpose()
}

/// The file under a path.
///
/// # Errors
/// `NotFound` when nothing is there, `InvalidInput` when it is a folder.
pub fn file(tx: &mut Tx<'_>, permit: &Permit<Read>, path: &TreePath) -> Result<Artifact> {
    if let Some(artifact) = get(tx, permit, path)? {
        return Ok(artifact);
    }
    if is_folder(tx, permit, path)? {
        return Err(Error::invalid(format!("'{path}' is a directory, not a file")).hint("list it instead"));
    }
    Err(Error::not_found("artifact", path))
}

/// All files below a folder, at any depth, by path.
///
/// # Errors
/// `Unavailable` when the database does not answer.
pub fn below(tx: &mut Tx<'_>, permit: &Permit<Read>, folder: &TreePath) -> Result<Vec<Artifact>> {
    let (start, end) = range_below(folder);
    let rows = tx.query(
        "SELECT path, digest, size FROM artifacts WHERE workspace = $1 AND path >= $2 AND path < $3 ORDER BY path",
        &params![permit.workspace(), start, end],
    )?;
    rows.iter().map(file_of).collect()
}

/// The files of these names below a folder, at any depth, by path, at most so many.
///
/// # Errors
/// `Unavailable` when the database does not answer.
pub fn named(
    tx: &mut Tx<'_>,
    permit: &Permit<Read>,
    folder: &TreePath,
    names: &[&str],
    most: usize,
) -> Result<Vec<Artifact>> {
    let (start, end) = range_below(folder);
    let mut values = params![permit.workspace(), start, end, most].to_vec();
    let mut tests = Vec::new();
    for name in names {
        let suffix = format!("/{name}");
        tests.push(format!("substr(path, length(path) - {}) = ${}", suffix.chars().count() - 1, values.len() + 1));
        values.push(suffix.into());
    }
    let sql = format!(
        "SELECT path, digest, size FROM artifacts WHERE workspace = $1 AND path >= $2 AND path < $3 AND ({}) \
         ORDER BY path LIMIT $4",
        tests.join(" OR ")
    );
    tx.query(&sql, &values)?.iter().map(file_of).collect()
}

fn file_of(row: &Row) -> Result<Artifact> {
    let path: String = row.get("path")?;
    Ok(Artifact { path: path.parse()?, digest: row.get("digest")?, size: row.get("size")? })
}

/// What is directly in a folder, by name; all of the tree's root without one. Empty for what is a file or not there.
///
/// # Errors
/// `Unavailable` when the database does not answer.
pub fn list(tx: &mut Tx<'_>, permit: &Permit<Read>, folder: Option<&TreePath>) -> Result<Vec<Entry>> {
    let (start, end) = folder.map_or_else(|| (String::new(), char::MAX.to_string()), range_below);
    let (mut entries, mut from) = (Vec::new(), Some(start.clone()));
    while let Some(position) = from {
        let rows = tx.query(
            "SELECT path, size FROM artifacts WHERE workspace = $1 AND path >= $2 AND path < $3 \
             ORDER BY path LIMIT $4",
            &params![permit.workspace(), position, &end, ROWS_AT_ONCE],
        )?;
        from = None;
        for (row, count) in rows.iter().zip(1..) {
            let path: String = row.get("path")?;
            let rest = path.get(start.len()..).unwrap_or_default();
            if let Some((name, _)) = rest.split_once('/') {
                entries.push(Entry { name: name.to_owned(), size: None });
                // Past everything in this folder: '0' comes after '/'.
                from = Some(format!("{start}{name}0"));
                break;
            }
            entries.push(Entry { name: rest.to_owned(), size: Some(row.get("size")?) });
            if count == ROWS_AT_ONCE {
                // Right behind this path: no path holds a control character.
                from = Some(format!("{path}\u{1}"));
            }
        }
    }
    entries.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    Ok(entries)
}

/// Removes a file, or a folder with all that is in it; returns how many files that were.
///
/// # Errors
/// `Unavailable` when the database does not answer.
pub fn delete(tx: &mut Tx<'_>, permit: &Permit<Edit>, path: &TreePath, now: Timestamp) -> Result<u64> {
    let workspace = permit.workspace();
    let (start, end) = range_below(path);
    let file =
        tx.execute("DELETE FROM artifacts WHERE workspace = $1 AND path = $2", &params![workspace, path.as_str()])?;
    let within = tx.execute(
        "DELETE FROM artifacts WHERE workspace = $1 AND path >= $2 AND path < $3",
        &params![workspace, start, end],
    )?;
    let files = file + within;
    if files > 0 {
        let event = Event::done(permit, now, "artifact.delete", format!("artifact/{path}"));
        audit::record(tx, &event.details(json!({ "files": files })))?;
    }
    Ok(files)
}

/// Whether anything is below a path.
fn is_folder(tx: &mut Tx<'_>, permit: &Permit<Read>, path: &TreePath) -> Result<bool> {
    let (start, end) = range_below(path);
    let row = tx.query_one(
        "SELECT path FROM artifacts WHERE workspace = $1 AND path >= $2 AND path < $3 LIMIT 1",
        &params![permit.workspace(), start, end],
    )?;
    Ok(row.is_some())
}

/// A file that stands where the path needs a folder.
fn file_above(tx: &mut Tx<'_>, permit: &Permit<Edit>, path: &TreePath) -> Result<Option<String>> {
    let mut values = vec![Param::from(permit.workspace())];
    values.extend(path.ancestors().map(Param::from));
    if values.len() == 1 {
        return Ok(None);
    }
    let mut sql = "SELECT path FROM artifacts WHERE workspace = $1 AND path IN ($2".to_owned();
    for number in 3..=values.len() {
        let _infallible = write!(sql, ", ${number}");
    }
    sql.push_str(") LIMIT 1");
    tx.query_one(&sql, &values)?.map(|row| row.get("path")).transpose()
}

/// The range of the paths below this one, in the order of bytes: '0' comes after '/'.
fn range_below(path: &TreePath) -> (String, String) {
    (format!("{path}/"), format!("{path}0"))
}
