//! Bytes under their digest: written once, never changed, checked whenever they are read.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use flyball_core::{Digest, Error, ErrorCode, Result};
use futures::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt};
use tokio::runtime::{Builder, Runtime};

/// The folder of all blobs, below the root.
const PREFIX: &str = "blobs";
/// The folder of blobs that are being written.
const STAGING: &str = "staging";

/// A store of blobs; cheap to clone.
#[derive(Clone)]
pub struct Blobs {
    shared: Arc<Shared>,
}

struct Shared {
    store: Box<dyn ObjectStore>,
    root: PathBuf,
    staged: AtomicU64,
    runtime: Option<Runtime>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        // The plain drop of a runtime panics when it happens inside another one, as at the end of a server.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Blobs {
    /// Opens the store in a folder, given as a path or `file://` URL; the folder is created when it is missing.
    ///
    /// # Errors
    /// `InvalidInput` for another kind of URL, `Unavailable` when the folder cannot be written.
    pub fn open(url_or_dir: &str) -> Result<Self> {
        let dir = match url_or_dir.split_once("://") {
            Some(("file", path)) => path,
            Some((scheme, _)) => {
                return Err(Error::invalid(format!("blobs cannot be kept in '{scheme}://'"))
                    .hint("give a folder or a file:// URL"));
            }
            None => url_or_dir,
        };
        let root = std::path::absolute(dir).map_err(from_io)?;
        std::fs::create_dir_all(root.join(PREFIX)).map_err(from_io)?;
        std::fs::create_dir_all(root.join(STAGING)).map_err(from_io)?;
        let store = Box::new(LocalFileSystem::new_with_prefix(&root).map_err(from_store)?);
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("blobs")
            .enable_all()
            .build()
            .map_err(Error::internal)?;
        Ok(Self { shared: Arc::new(Shared { store, root, staged: AtomicU64::new(0), runtime: Some(runtime) }) })
    }

    /// Keeps `bytes` and returns their digest, when they are on disk. Bytes that are there already cost no write.
    ///
    /// # Errors
    /// `StorageFull` when the disk is full, `Unavailable` when it fails; nothing half-written is ever visible.
    pub fn put(&self, bytes: &[u8]) -> Result<Digest> {
        let digest = Digest::of(bytes);
        let target = self.shared.root.join(relative(&digest));
        // The local store of `object_store` does not flush to disk, so writing files is done here.
        write_durably(&self.staging_file(&digest), &target, bytes).map_err(from_io)?;
        Ok(digest)
    }

    /// The bytes under a digest.
    ///
    /// # Errors
    /// `NotFound` when there is no such blob; `Unavailable` naming the blob when its bytes are not what was written.
    pub fn get(&self, digest: &Digest) -> Result<Bytes> {
        let path = ObjectPath::from(relative(digest));
        let read = async { self.shared.store.get(&path).await?.bytes().await };
        let bytes = self.block_on(read)?.map_err(|error| match error {
            object_store::Error::NotFound { .. } => Error::not_found("blob", digest),
            other => from_store(other),
        })?;
        if Digest::of(&bytes) != *digest {
            return Err(Error::new(ErrorCode::Unavailable, format!("the blob {digest} is damaged"))
                .hint("restore it from a backup, or write it again from its source"));
        }
        Ok(bytes)
    }

    /// Whether there is a blob under this digest.
    ///
    /// # Errors
    /// `Unavailable` when the store does not answer.
    pub fn contains(&self, digest: &Digest) -> Result<bool> {
        let path = ObjectPath::from(relative(digest));
        match self.block_on(self.shared.store.head(&path))? {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(other) => Err(from_store(other)),
        }
    }

    /// Removes a blob; one that is not there is no error.
    ///
    /// # Errors
    /// `Unavailable` when the store does not answer.
    pub fn delete(&self, digest: &Digest) -> Result<()> {
        let path = ObjectPath::from(relative(digest));
        match self.block_on(self.shared.store.delete(&path))? {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(other) => Err(from_store(other)),
        }
    }

    /// All blobs with their sizes in bytes, in the order of their digests: what a garbage collector compares with what
    /// is still referred to.
    ///
    /// # Errors
    /// `Unavailable` when the store does not answer.
    pub fn list(&self) -> Result<Vec<(Digest, u64)>> {
        let listing = self.shared.store.list(Some(&ObjectPath::from(PREFIX)));
        let objects = self.block_on(listing.try_collect::<Vec<_>>())?.map_err(from_store)?;
        let mut blobs: Vec<_> =
            objects.iter().filter_map(|object| Some((from_path(object.location.as_ref())?, object.size))).collect();
        blobs.sort_unstable();
        Ok(blobs)
    }

    /// A name that no other writer of any process uses at the same time.
    fn staging_file(&self, digest: &Digest) -> PathBuf {
        let count = self.shared.staged.fetch_add(1, Ordering::Relaxed);
        let identity = format!("{}-{}-{:p}-{count}", digest.short(), std::process::id(), Arc::as_ptr(&self.shared));
        self.shared.root.join(STAGING).join(identity)
    }

    fn block_on<F: Future>(&self, future: F) -> Result<F::Output> {
        let runtime = self.shared.runtime.as_ref();
        runtime.map(|runtime| runtime.block_on(future)).ok_or_else(|| Error::internal("the blob store is closing"))
    }
}

impl std::fmt::Debug for Blobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Blobs").finish_non_exhaustive()
    }
}

/// `blobs/ab/cdef…`: 256 folders keep each one small.
fn relative(digest: &Digest) -> String {
    let text = digest.to_string();
    let (folder, file) = text.split_at(2);
    format!("{PREFIX}/{folder}/{file}")
}

fn from_path(path: &str) -> Option<Digest> {
    path.strip_prefix(PREFIX)?.replace('/', "").parse().ok()
}

/// Flush, then rename, then flush the folder: after a power cut there is either the whole file or none.
fn write_durably(staging: &Path, target: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = target.parent().ok_or(ErrorKind::InvalidFilename)?;
    // Comparing the bytes, not only the size, makes a repeated put the repair of a damaged blob.
    let there = target.metadata().is_ok_and(|there| there.len() == bytes.len() as u64)
        && std::fs::read(target).is_ok_and(|there| there == bytes);
    if !there {
        if !folder.exists() {
            std::fs::create_dir_all(folder)?;
            sync_folder(folder.parent().ok_or(ErrorKind::InvalidFilename)?)?;
        }
        let written = write_and_flush(staging, bytes).and_then(|()| std::fs::rename(staging, target));
        if let Err(error) = written {
            // The error that matters is the first; a file left in staging is only wasted space.
            drop(std::fs::remove_file(staging));
            return Err(error);
        }
    }
    // Also for a file that was there: whoever wrote it may not have come this far yet.
    sync_folder(folder)
}

fn write_and_flush(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> std::io::Result<()> {
    Ok(())
}

fn from_io(error: std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            Error::new(ErrorCode::StorageFull, "the disk of the blob store is full; nothing was changed")
                .hint("free some space and try again")
        }
        _ => unavailable(),
    }
    .cause(error)
}

fn from_store(error: object_store::Error) -> Error {
    unavailable().cause(error)
}

fn unavailable() -> Error {
    Error::new(ErrorCode::Unavailable, "the blob store does not answer as it should")
        .hint("try again; the log has the cause")
}
