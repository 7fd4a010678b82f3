//! Where objects are kept: a folder or a bucket. Objects appear whole or not at all, and survive a power cut once they are
//! there.

mod bucket;
mod folder;

use std::fmt::Debug;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flyball_core::{Error, Result, Timestamp};

use crate::failure;
pub use bucket::Bucket;
pub use folder::Folder;

/// An object that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub key: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was written.
    pub modified: Timestamp,
}

/// A place of objects by name. Names are made by this crate alone: they hold lower-case hexadecimal digits, names of datasets
/// and branches, and `/`.
pub trait Storage: Send + Sync + Debug {
    /// How people call this place.
    fn name(&self) -> &str;

    /// A whole object; none if it is not there.
    ///
    /// # Errors
    /// `Unavailable` when the place does not answer.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>>;

    /// A part of an object, shorter where the object ends earlier.
    ///
    /// # Errors
    /// `InvalidData` when it is not there, `Unavailable` when the place does not answer.
    fn get_range(&self, key: &str, range: Range<u64>) -> Result<Vec<u8>>;

    /// Keeps a small object.
    ///
    /// # Errors
    /// `StorageFull` or `Unavailable`; nothing is visible then.
    fn put(&self, key: &str, bytes: &[u8]) -> Result<()>;

    /// A file to write a large object to.
    ///
    /// # Errors
    /// `StorageFull` or `Unavailable`.
    fn stage(&self) -> Result<Staged>;

    /// Makes a staged file the object of this name.
    ///
    /// # Errors
    /// `StorageFull` or `Unavailable`; nothing is visible then.
    fn keep(&self, staged: Staged, key: &str) -> Result<()>;

    /// All objects whose names begin with this folder, which ends with `/`, ordered by name.
    ///
    /// # Errors
    /// `Unavailable` when the place does not answer.
    fn list(&self, folder: &str) -> Result<Vec<Listed>>;

    /// Removes an object; one that is not there is no error.
    ///
    /// # Errors
    /// `Unavailable` when the place does not answer.
    fn delete(&self, key: &str) -> Result<()>;

    /// Writes a small object if it still is what it is expected to be (none: not there), all at once. Tells whether it did.
    ///
    /// # Errors
    /// `Unavailable` when the place does not answer.
    fn swap(&self, key: &str, expected: Option<&[u8]>, new: &[u8]) -> Result<bool>;
}

/// A file that is being written; it goes away unless it becomes an object.
#[derive(Debug)]
pub struct Staged {
    /// The file, open for reading and writing.
    pub file: File,
    path: Option<PathBuf>,
}

impl Staged {
    /// A file at this place, which is removed when the value is dropped.
    pub fn new(file: File, path: PathBuf) -> Self {
        Self { file, path: Some(path) }
    }

    /// Moves the file to its place, once it is on disk; the folder must exist.
    fn move_to(mut self, target: &Path) -> std::io::Result<()> {
        self.file.sync_all()?;
        if let Some(path) = &self.path {
            std::fs::rename(path, target)?;
            self.path = None;
        }
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // What stays is only wasted space, until it counts as abandoned.
            drop(std::fs::remove_file(path));
        }
    }
}

/// The storage that a remote's address names: a folder as a path or `file://…`, or `s3://BUCKET/PREFIX`. What goes to a bucket
/// waits in files of `spool`. `settings` are variables of the environment, of which the standard `AWS_…` ones are heeded.
///
/// # Errors
/// `InvalidInput` for an address that cannot be used, `Unavailable` when it does not answer.
pub fn open(
    address: &str,
    spool: &Path,
    settings: impl IntoIterator<Item = (String, String)>,
) -> Result<Arc<dyn Storage>> {
    if address.starts_with("s3://") {
        return Ok(Arc::new(Bucket::connect(address, spool, settings)?));
    }
    let folder = match address.split_once("://") {
        Some(("file", path)) => path,
        Some((scheme, _)) => {
            return Err(Error::invalid(format!("data cannot be kept at '{scheme}://'"))
                .hint("give a folder, a file:// URL or an s3://BUCKET/PREFIX URL"));
        }
        None => address,
    };
    let folder = std::path::absolute(folder).map_err(|error| failure::io("use", folder, error))?;
    Ok(Arc::new(Folder::open(&folder)?))
}
