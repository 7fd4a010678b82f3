//! Writing a blob whose digest is known only at its end.

use std::io::Write;

use flyball_core::{Digest, Error, ErrorCode, Result, limits};

use super::Blobs;
use super::failure::from_io;
use super::staging::Staged;

/// A blob that is being written, with flat memory. Nothing is visible before [`BlobWriter::finish`]; dropped without it,
/// the blob never was.
pub struct BlobWriter {
    blobs: Blobs,
    staged: Staged,
    hasher: blake3::Hasher,
    size: u64,
}

impl BlobWriter {
    pub(super) fn start(blobs: Blobs) -> Result<Self> {
        let staged = blobs.shared.staging.create().map_err(from_io)?;
        Ok(Self { blobs, staged, hasher: blake3::Hasher::new(), size: 0 })
    }

    /// Adds bytes to the end.
    ///
    /// # Errors
    /// `StorageFull` when the disk is full, `Unavailable` when it fails, `LimitExceeded` past the largest blob.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.size = self.size.saturating_add(bytes.len() as u64);
        if self.size > limits::BLOB_BYTES {
            let message = format!("a blob can have at most {} GiB", limits::BLOB_BYTES >> 30);
            return Err(Error::new(ErrorCode::LimitExceeded, message).hint("write it in several parts"));
        }
        self.hasher.update(bytes);
        self.staged.file.write_all(bytes).map_err(from_io)
    }

    /// Keeps what was written; returns its digest and its size in bytes when it will survive a power cut.
    ///
    /// # Errors
    /// `StorageFull` or `Unavailable` when it cannot be kept; nothing is visible then.
    pub fn finish(self) -> Result<(Digest, u64)> {
        let digest = Digest::from(self.hasher.finalize());
        self.blobs.keep(self.staged, self.size, &digest)?;
        Ok((digest, self.size))
    }
}

impl std::fmt::Debug for BlobWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlobWriter").field("size", &self.size).finish_non_exhaustive()
    }
}
