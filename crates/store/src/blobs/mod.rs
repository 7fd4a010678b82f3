//! Bytes under their digest: written once, never changed, checked whenever they are read. They live in a folder or in an
//! S3 bucket. Nothing here knows who refers to a blob: one that nobody refers to any more stays until it is deleted.

pub mod bucket;
mod failure;
mod reader;
mod staging;
mod writer;

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use flyball_core::{Digest, Error, Result};
use futures::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt};
use tokio::runtime::{Builder, Runtime};

use failure::{from_io, from_store};
pub use reader::BlobReader;
use staging::{Staged, Staging};
pub use writer::BlobWriter;

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
    place: Place,
    staging: Staging,
    runtime: Option<Runtime>,
}

/// Where blobs live.
enum Place {
    /// In files below this folder.
    Folder(PathBuf),
    /// In objects of a bucket.
    Bucket,
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
                    .hint("give a folder, a file:// URL or an s3:// URL"));
            }
            None => url_or_dir,
        };
        let root = std::path::absolute(dir).map_err(from_io)?;
        std::fs::create_dir_all(root.join(PREFIX)).map_err(from_io)?;
        let store = Box::new(LocalFileSystem::new_with_prefix(&root).map_err(from_store)?);
        let staging = root.join(STAGING);
        Self::assemble(store, Place::Folder(root), staging)
    }

    /// Opens the store in `s3://BUCKET/PREFIX`, or as [`Blobs::open`] does. What is written to a bucket waits in files of
    /// the folder `spool` until its digest is known. `settings` are variables of the environment, of which the standard
    /// `AWS_…` ones are heeded.
    ///
    /// # Errors
    /// `InvalidInput` for a URL or settings that cannot be used, `Unavailable` when the bucket or a folder cannot be reached.
    pub fn connect(
        url_or_dir: &str,
        spool: &Path,
        settings: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self> {
        if !url_or_dir.starts_with("s3://") {
            return Self::open(url_or_dir);
        }
        let store = Box::new(bucket::connect(url_or_dir, settings)?);
        let blobs = Self::assemble(store, Place::Bucket, spool.to_path_buf())?;
        // A wrong name or key shows at the start, not at the first upload. No blob has this prefix.
        let probe = ObjectPath::from(format!("{PREFIX}/probe"));
        let answer = blobs.block_on(async { blobs.shared.store.list(Some(&probe)).next().await.transpose() })?;
        answer.map_err(|error| from_store(error).hint(bucket::SETTINGS))?;
        Ok(blobs)
    }

    fn assemble(store: Box<dyn ObjectStore>, place: Place, staging: PathBuf) -> Result<Self> {
        let staging = Staging::open(staging).map_err(from_io)?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("blobs")
            .enable_all()
            .build()
            .map_err(Error::internal)?;
        Ok(Self { shared: Arc::new(Shared { store, place, staging, runtime: Some(runtime) }) })
    }

    /// Keeps `bytes` and returns their digest, when they are on disk. Bytes that are there already cost no write.
    ///
    /// # Errors
    /// `StorageFull` when the disk is full, `Unavailable` when it fails; nothing half-written is ever visible.
    pub fn put(&self, bytes: &[u8]) -> Result<Digest> {
        let digest = Digest::of(bytes);
        if self.holds(&digest, bytes)? {
            return Ok(digest);
        }
        let mut staged = self.shared.staging.create().map_err(from_io)?;
        staged.file.write_all(bytes).map_err(from_io)?;
        self.keep(staged, bytes.len() as u64, &digest)?;
        Ok(digest)
    }

    /// A writer for bytes that come one after another.
    ///
    /// # Errors
    /// `StorageFull` when the disk is full, `Unavailable` when it fails.
    pub fn writer(&self) -> Result<BlobWriter> {
        BlobWriter::start(self.clone())
    }

    /// The bytes under a digest.
    ///
    /// # Errors
    /// `NotFound` when there is no such blob; `Unavailable` naming the blob when its bytes are not what was written.
    pub fn get(&self, digest: &Digest) -> Result<Bytes> {
        let mut reader = self.reader(digest, None)?;
        let first = reader.next().transpose()?.unwrap_or_default();
        if reader.remaining() == 0 {
            return Ok(first);
        }
        let mut bytes = BytesMut::with_capacity(usize::try_from(reader.size()).map_err(Error::internal)?);
        bytes.extend_from_slice(&first);
        reader.try_for_each(|chunk| chunk.map(|chunk| bytes.extend_from_slice(&chunk)))?;
        Ok(bytes.freeze())
    }

    /// The bytes under a digest, or a range of them, one chunk after another.
    ///
    /// # Errors
    /// `NotFound` when there is no such blob, `InvalidInput` for a range that it does not have, `Unavailable` when the
    /// store does not answer.
    pub fn reader(&self, digest: &Digest, range: Option<Range<u64>>) -> Result<BlobReader> {
        BlobReader::open(self.clone(), digest, range)
    }

    /// Whether there is a blob under this digest.
    ///
    /// # Errors
    /// `Unavailable` when the store does not answer.
    pub fn contains(&self, digest: &Digest) -> Result<bool> {
        Ok(self.size_of(digest)?.is_some())
    }

    /// Removes a blob; one that is not there is no error.
    ///
    /// # Errors
    /// `Unavailable` when the store does not answer.
    pub fn delete(&self, digest: &Digest) -> Result<()> {
        match self.block_on(self.shared.store.delete(&object_path(digest)))? {
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

    fn size_of(&self, digest: &Digest) -> Result<Option<u64>> {
        match self.block_on(self.shared.store.head(&object_path(digest)))? {
            Ok(object) => Ok(Some(object.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(other) => Err(from_store(other)),
        }
    }

    /// Whether exactly these bytes are there. In a folder they are compared, so that a repeated put is the repair of a
    /// damaged blob; a bucket checks what it keeps by itself.
    fn holds(&self, digest: &Digest, bytes: &[u8]) -> Result<bool> {
        let size = bytes.len() as u64;
        let Place::Folder(root) = &self.shared.place else {
            return Ok(self.size_of(digest)? == Some(size));
        };
        let file = root.join(relative(digest));
        let there = file.metadata().is_ok_and(|there| there.len() == size)
            && std::fs::read(&file).is_ok_and(|there| there == bytes);
        if there {
            // Whoever wrote it may not have come this far yet.
            sync_folder(file.parent().unwrap_or(root)).map_err(from_io)?;
        }
        Ok(there)
    }

    /// Makes a staged file the blob of its digest.
    fn keep(&self, mut staged: Staged, size: u64, digest: &Digest) -> Result<()> {
        match &self.shared.place {
            Place::Folder(root) => move_durably(staged, &root.join(relative(digest))).map_err(from_io),
            Place::Bucket if self.size_of(digest)? == Some(size) => Ok(()),
            Place::Bucket => {
                let path = object_path(digest);
                self.block_on(bucket::upload(self.shared.store.as_ref(), &path, &mut staged.file, size))?
            }
        }
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

fn object_path(digest: &Digest) -> ObjectPath {
    ObjectPath::from(relative(digest))
}

fn from_path(path: &str) -> Option<Digest> {
    path.strip_prefix(PREFIX)?.replace('/', "").parse().ok()
}

/// Flush, then rename, then flush the folder: after a power cut there is either the whole file or none.
fn move_durably(staged: Staged, target: &Path) -> std::io::Result<()> {
    let folder = target.parent().ok_or(ErrorKind::InvalidFilename)?;
    if !folder.exists() {
        std::fs::create_dir_all(folder)?;
        sync_folder(folder.parent().ok_or(ErrorKind::InvalidFilename)?)?;
    }
    staged.file.sync_all()?;
    staged.move_to(target)?;
    sync_folder(folder)
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> std::io::Result<()> {
    Ok(())
}
