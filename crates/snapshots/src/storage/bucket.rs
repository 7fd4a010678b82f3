//! Objects in an S3 bucket.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use flyball_core::{Error, ErrorCode, Result, Timestamp};
use flyball_store::bucket;
use futures::TryStreamExt;
use object_store::aws::AmazonS3;
use object_store::path::Path as ObjectPath;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, UpdateVersion};
use tokio::runtime::{Builder, Runtime};

use super::{Listed, Staged, Storage};
use crate::failure::{io, missing_object};

/// Objects of a bucket below a prefix.
pub struct Bucket {
    store: PrefixStore<AmazonS3>,
    name: String,
    spool: PathBuf,
    count: AtomicU64,
    runtime: Option<Runtime>,
}

impl Bucket {
    /// The objects at `s3://BUCKET/PREFIX`. What is written waits in files of the folder `spool`.
    ///
    /// # Errors
    /// `InvalidInput` for an address or settings that cannot be used, `Unavailable` when a folder cannot be written.
    pub fn connect(address: &str, spool: &Path, settings: impl IntoIterator<Item = (String, String)>) -> Result<Self> {
        let store = bucket::connect(address, settings)?;
        std::fs::create_dir_all(spool).map_err(|error| io("use the folder", spool.display(), error))?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("bucket")
            .enable_all()
            .build()
            .map_err(Error::internal)?;
        let (name, spool) = (address.to_owned(), spool.to_owned());
        Ok(Self { store, name, spool, count: AtomicU64::new(0), runtime: Some(runtime) })
    }

    fn wait<F: Future>(&self, future: F) -> Result<F::Output> {
        let runtime = self.runtime.as_ref();
        runtime.map(|runtime| runtime.block_on(future)).ok_or_else(|| Error::internal("the bucket is closing"))
    }

    fn unavailable(&self, error: object_store::Error) -> Error {
        let message = format!("{} does not answer as it should", self.name);
        Error::new(ErrorCode::Unavailable, message).hint(bucket::SETTINGS).cause(error)
    }
}

impl std::fmt::Debug for Bucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bucket").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        // The plain drop of a runtime panics when it happens inside another one.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Storage for Bucket {
    fn name(&self) -> &str {
        &self.name
    }

    fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let path = ObjectPath::from(key);
        let got = self.wait(async { self.store.get(&path).await?.bytes().await })?;
        match got {
            Ok(bytes) => Ok(Some(bytes.into())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.unavailable(error)),
        }
    }

    fn get_range(&self, key: &str, range: Range<u64>) -> Result<Vec<u8>> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        match self.wait(self.store.get_range(&ObjectPath::from(key), range))? {
            Ok(bytes) => Ok(bytes.into()),
            Err(object_store::Error::NotFound { .. }) => Err(missing_object(key)),
            Err(error) => Err(self.unavailable(error)),
        }
    }

    fn put(&self, key: &str, bytes: &[u8]) -> Result<()> {
        let put = self.wait(self.store.put(&ObjectPath::from(key), bytes.to_vec().into()))?;
        put.map(drop).map_err(|error| self.unavailable(error))
    }

    fn stage(&self) -> Result<Staged> {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let path = self.spool.join(format!("{}-{self:p}-{count}", std::process::id()));
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&path);
        Ok(Staged::new(file.map_err(|error| io("write", path.display(), error))?, path))
    }

    fn keep(&self, mut staged: Staged, key: &str) -> Result<()> {
        let size = staged.file.metadata().map_err(|error| io("read", key, error))?.len();
        self.wait(bucket::upload(&self.store, &ObjectPath::from(key), &mut staged.file, size))?
    }

    fn list(&self, folder: &str) -> Result<Vec<Listed>> {
        let prefix = ObjectPath::from(folder);
        let objects = self.wait(self.store.list(Some(&prefix)).try_collect::<Vec<_>>())?;
        let objects = objects.map_err(|error| self.unavailable(error))?;
        let listed = |object: object_store::ObjectMeta| Listed {
            key: object.location.to_string(),
            size: object.size,
            modified: Timestamp(object.last_modified.timestamp_millis()),
        };
        let mut listed: Vec<Listed> = objects.into_iter().map(listed).collect();
        listed.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Ok(listed)
    }

    fn delete(&self, key: &str) -> Result<()> {
        match self.wait(self.store.delete(&ObjectPath::from(key)))? {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.unavailable(error)),
        }
    }

    fn swap(&self, key: &str, expected: Option<&[u8]>, new: &[u8]) -> Result<bool> {
        let path = ObjectPath::from(key);
        let swapped = self.wait(async {
            let mode = match self.store.get(&path).await {
                Ok(found) => {
                    let version =
                        UpdateVersion { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
                    if expected != Some(found.bytes().await?.as_ref()) {
                        return Ok(false);
                    }
                    PutMode::Update(version)
                }
                Err(object_store::Error::NotFound { .. }) if expected.is_none() => PutMode::Create,
                Err(object_store::Error::NotFound { .. }) => return Ok(false),
                Err(error) => return Err(error),
            };
            match self.store.put_opts(&path, new.to_vec().into(), mode.into()).await {
                Ok(_) => Ok(true),
                Err(
                    object_store::Error::Precondition { .. }
                    | object_store::Error::AlreadyExists { .. }
                    | object_store::Error::NotFound { .. },
                ) => Ok(false),
                Err(error) => Err(error),
            }
        })?;
        swapped.map_err(|error| self.unavailable(error))
    }
}
