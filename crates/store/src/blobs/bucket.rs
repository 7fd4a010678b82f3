//! S3 buckets: how they are reached, and how large objects get there.

use std::fs::File;
use std::io::{Read, Seek};
use std::time::Duration;

use bytes::Bytes;
use flyball_core::{Error, Result};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path as ObjectPath;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt, RetryConfig};

use super::failure::{from_io, from_store};

/// The size of a part of a large upload; larger only where the blob would have more parts than S3 takes.
pub const PART_BYTES: u64 = 8 * 1024 * 1024;
/// Most parts of one upload: S3's limit.
const PARTS: u64 = 10_000;
/// How many parts are on their way at once; with [`PART_BYTES`] this bounds the memory of an upload.
const PARTS_AT_ONCE: usize = 4;
/// How long a request is tried again before it counts as failed: callers wait for it.
const PATIENCE: Duration = Duration::from_secs(20);

/// The bucket and prefix of an `s3://bucket/prefix` URL, with the settings of the standard `AWS_…` variables.
///
/// # Errors
/// `InvalidInput` for a URL or settings that cannot be used.
pub fn connect(url: &str, settings: impl IntoIterator<Item = (String, String)>) -> Result<PrefixStore<AmazonS3>> {
    let unusable = || Error::invalid("the URL of the bucket cannot be understood").hint("write s3://BUCKET/PREFIX");
    let (bucket, prefix) =
        url.strip_prefix("s3://").map(|rest| rest.split_once('/').unwrap_or((rest, ""))).ok_or_else(unusable)?;
    if bucket.is_empty() || bucket.contains(['?', '#', '@', ':']) || prefix.contains(['?', '#']) {
        return Err(unusable());
    }
    let prefix = ObjectPath::parse(prefix).map_err(|error| unusable().cause(error))?;
    let mut builder = AmazonS3Builder::new();
    for (name, value) in settings.into_iter().filter(|(name, _)| name.starts_with("AWS_")) {
        // Variables that are meant for other programs are not ours to refuse.
        if let Ok(key) = name.to_ascii_lowercase().parse() {
            builder = builder.with_config(key, value);
        }
    }
    let retry = RetryConfig { retry_timeout: PATIENCE, ..RetryConfig::default() };
    let store = builder
        .with_bucket_name(bucket)
        .with_retry(retry)
        .build()
        .map_err(|error| Error::invalid("the bucket cannot be used as it is set up").hint(SETTINGS).cause(error))?;
    Ok(PrefixStore::new(store, prefix))
}

/// What to look at when a bucket does not answer.
pub const SETTINGS: &str = "check the bucket and AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and, for a \
                                   server of your own, AWS_ENDPOINT_URL and AWS_ALLOW_HTTP";

/// Uploads a file from its beginning, in parts when it is large. The object appears as a whole or not at all.
///
/// # Errors
/// `Unavailable` when the file cannot be read or the bucket does not answer, `StorageFull` as for any file.
pub async fn upload(store: &dyn ObjectStore, path: &ObjectPath, file: &mut File, size: u64) -> Result<()> {
    file.rewind().map_err(from_io)?;
    if size <= PART_BYTES {
        let bytes = read_part(file, size)?;
        return store.put(path, bytes.into()).await.map(drop).map_err(from_store);
    }
    let part = PART_BYTES.max(size.div_ceil(PARTS));
    let mut upload = store.put_multipart(path).await.map_err(from_store)?;
    let sent = stream::iter((0..size).step_by(usize::try_from(part).map_err(Error::internal)?))
        .map(|start| read_part(file, part.min(size - start)).map(|bytes| upload.put_part(bytes.into())))
        .map_ok(|sending| async { sending.await.map_err(from_store) })
        .try_buffer_unordered(PARTS_AT_ONCE)
        .try_collect::<Vec<()>>()
        .await;
    let outcome = match sent {
        Ok(_) => upload.complete().await.map(drop).map_err(from_store),
        Err(error) => Err(error),
    };
    if outcome.is_err() {
        // Parts that stay cost space until the bucket's own rule for unfinished uploads removes them.
        drop(upload.abort().await);
    }
    outcome
}

fn read_part(file: &mut File, size: u64) -> Result<Bytes> {
    let mut bytes = Vec::with_capacity(usize::try_from(size).map_err(Error::internal)?);
    file.take(size).read_to_end(&mut bytes).map_err(from_io)?;
    Ok(bytes.into())
}
