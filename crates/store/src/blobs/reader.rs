//! Reading a blob in pieces.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

use bytes::Bytes;
use flyball_core::{Digest, Error, Result};
use object_store::ObjectStoreExt;

use super::failure::{damaged, from_io, from_store};
use super::{Blobs, Place, object_path};

/// How many bytes are handed out at once: large enough that a system call is cheap, small enough to stay in the cache.
const CHUNK_BYTES: u64 = 256 * 1024;
/// How many bytes one request to a bucket asks for: its delay is paid once in sixteen chunks.
const REQUEST_BYTES: u64 = 4 * 1024 * 1024;

/// The bytes of a blob, or of a part of it, in order and with flat memory. When the whole blob is read, its digest is
/// checked before the last chunk is handed out, so that a damaged blob never arrives complete.
pub struct BlobReader {
    blobs: Blobs,
    digest: Digest,
    source: Source,
    size: u64,
    rest: Range<u64>,
    /// Of what was read so far; none when only a part is read, or nothing is left to check.
    hasher: Option<blake3::Hasher>,
}

enum Source {
    File(File),
    /// What the last request brought and was not handed out yet.
    Bucket(Bytes),
}

impl BlobReader {
    pub(super) fn open(blobs: Blobs, digest: &Digest, range: Option<Range<u64>>) -> Result<Self> {
        let missing = || Error::not_found("blob", digest);
        let (mut source, size) = match &blobs.shared.place {
            Place::Folder(root) => {
                let file = File::open(root.join(super::relative(digest))).map_err(|error| match error.kind() {
                    std::io::ErrorKind::NotFound => missing(),
                    _ => from_io(error),
                })?;
                let size = file.metadata().map_err(from_io)?.len();
                (Source::File(file), size)
            }
            Place::Bucket => {
                let head = blobs.block_on(blobs.shared.store.head(&object_path(digest)))?;
                let head = head.map_err(|error| match error {
                    object_store::Error::NotFound { .. } => missing(),
                    other => from_store(other),
                })?;
                (Source::Bucket(Bytes::new()), head.size)
            }
        };
        let rest = range.unwrap_or(0..size);
        if rest.start > rest.end || rest.end > size {
            return Err(Error::invalid(format!("bytes {rest:?} are not within the {size} bytes of the blob")));
        }
        if let (Source::File(file), true) = (&mut source, rest.start > 0) {
            file.seek(SeekFrom::Start(rest.start)).map_err(from_io)?;
        }
        let hasher = (rest == (0..size)).then(blake3::Hasher::new);
        Ok(Self { blobs, digest: *digest, source, size, rest, hasher })
    }

    /// The size of the whole blob in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// How many bytes are still to come.
    pub fn remaining(&self) -> u64 {
        self.rest.end - self.rest.start
    }

    fn step(&mut self) -> Result<Bytes> {
        let chunk = self.read_chunk()?;
        self.rest.start += chunk.len() as u64;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&chunk);
            if self.rest.is_empty() && Digest::from(hasher.finalize()) != self.digest {
                return Err(damaged(&self.digest));
            }
        }
        if self.rest.is_empty() {
            self.hasher = None;
        }
        Ok(chunk)
    }

    fn read_chunk(&mut self) -> Result<Bytes> {
        let wanted = CHUNK_BYTES.min(self.remaining());
        match &mut self.source {
            Source::File(file) => {
                let mut bytes = Vec::with_capacity(usize::try_from(wanted).map_err(Error::internal)?);
                file.take(wanted).read_to_end(&mut bytes).map_err(from_io)?;
                // The file became shorter since it was opened.
                if bytes.len() as u64 != wanted { Err(damaged(&self.digest)) } else { Ok(bytes.into()) }
            }
            Source::Bucket(buffer) => {
                if buffer.is_empty() && wanted > 0 {
                    let end = self.rest.end.min(self.rest.start + REQUEST_BYTES);
                    let path = object_path(&self.digest);
                    let request = self.blobs.shared.store.get_range(&path, self.rest.start..end);
                    *buffer = self.blobs.block_on(request)?.map_err(from_store)?;
                }
                let wanted = usize::try_from(wanted).map_err(Error::internal)?;
                if buffer.is_empty() && wanted > 0 {
                    Err(damaged(&self.digest))
                } else {
                    Ok(buffer.split_to(wanted.min(buffer.len())))
                }
            }
        }
    }
}

impl Iterator for BlobReader {
    type Item = Result<Bytes>;

    fn next(&mut self) -> Option<Result<Bytes>> {
        // An empty blob has a digest to check, too, but no chunk to hand out.
        while !self.rest.is_empty() || self.hasher.is_some() {
            let step = self.step();
            if step.is_err() {
                (self.rest, self.hasher) = (0..0, None);
            }
            if !step.as_ref().is_ok_and(Bytes::is_empty) {
                return Some(step);
            }
        }
        None
    }
}

impl std::fmt::Debug for BlobReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlobReader").field("digest", &self.digest).field("rest", &self.rest).finish_non_exhaustive()
    }
}
