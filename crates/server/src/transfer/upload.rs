//! A request body into the blob store. While one batch is hashed and written on a blocking thread, the next comes in;
//! no thread waits for the client.

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use flyball_core::{Digest, Error, ErrorCode, Result};
use flyball_store::{BlobWriter, Blobs};
use futures::StreamExt;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::progress::Progress;

/// How many bytes are written at once: the way to another thread and back is paid once for them.
const BATCH_BYTES: usize = 1024 * 1024;
/// Most pieces of a batch, so that a client which sends single bytes does not make us keep a list of them.
const BATCH_PIECES: usize = 1024;

/// A body that came in whole and is not kept yet.
pub(crate) struct Received {
    blobs: Blobs,
    writer: Option<BlobWriter>,
    last: Vec<Bytes>,
}

impl Received {
    /// Keeps the body as a blob. Blocks.
    pub(crate) fn keep(self) -> Result<(Digest, u64)> {
        write(self.blobs, self.writer, self.last)?.finish()
    }

    /// Whether nothing came.
    pub(crate) fn is_empty(&self) -> bool {
        self.writer.is_none() && self.last.is_empty()
    }
}

/// Takes in a body of at most `most` bytes. When it breaks off, or the caller goes away, nothing of it stays.
///
/// # Errors
/// `LimitExceeded` for a larger body, `InvalidInput` when it breaks off, what the blob store says.
pub(crate) async fn receive(blobs: Blobs, body: Body, most: u64, progress: &Progress) -> Result<Received> {
    let too_large = || {
        let message = format!("the file is too large; at most {most} bytes are taken");
        Error::new(ErrorCode::LimitExceeded, message).hint("split it")
    };
    if body.size_hint().lower() > most {
        return Err(too_large());
    }
    let (mut batch, mut batched, mut total) = (Vec::new(), 0, 0_u64);
    let mut writing: Option<JoinHandle<Result<BlobWriter>>> = None;
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|error| Error::invalid("the body of the request broke off").cause(error))?;
        progress.mark();
        if piece.is_empty() {
            continue;
        }
        total += piece.len() as u64;
        if total > most {
            return Err(too_large());
        }
        batched += piece.len();
        batch.push(piece);
        if batched >= BATCH_BYTES || batch.len() >= BATCH_PIECES {
            let writer = written(writing.take()).await?;
            let (blobs, full) = (blobs.clone(), std::mem::take(&mut batch));
            writing = Some(spawn_blocking(move || write(blobs, writer, full)));
            batched = 0;
        }
    }
    Ok(Received { blobs, writer: written(writing).await?, last: batch })
}

async fn written(writing: Option<JoinHandle<Result<BlobWriter>>>) -> Result<Option<BlobWriter>> {
    match writing {
        Some(writing) => writing.await.map_err(Error::internal)?.map(Some),
        None => Ok(None),
    }
}

fn write(blobs: Blobs, writer: Option<BlobWriter>, batch: Vec<Bytes>) -> Result<BlobWriter> {
    let mut writer = writer.map_or_else(|| blobs.writer(), Ok)?;
    batch.iter().try_for_each(|piece| writer.write(piece))?;
    Ok(writer)
}
