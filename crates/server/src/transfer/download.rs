//! A blob as a response: whole or a range of it, checked while it goes out.

use std::io;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use flyball_core::{Digest, Error, ErrorCode, Result};
use flyball_store::{BlobReader, Blobs};
use futures::{Stream, StreamExt, stream};
use tokio::task::{JoinHandle, spawn_blocking};

use super::range::{self, Wanted};
use super::{disposition, media_type};
use crate::blocking;
use crate::guard::AsWritten;

/// A file to send.
pub(crate) struct Download {
    /// Its name, without folders.
    pub(crate) name: String,
    /// The blob with its bytes.
    pub(crate) digest: Digest,
    /// Its size in bytes.
    pub(crate) size: u64,
}

/// The response with the file that `find` finds, or with the part that the request's headers ask for; always as an
/// attachment, so that no browser runs it as a page of ours.
///
/// # Errors
/// What `find` or the blob store says before the first byte is sent. Later the connection is cut, so that a damaged file
/// never looks complete.
pub(crate) async fn send(
    blobs: Blobs,
    request: HeaderMap,
    find: impl FnOnce() -> Result<Download> + Send + 'static,
) -> Result<Response> {
    let (mut response, content) = blocking(move || open(&blobs, &request, &find()?)).await?;
    if let Some((first, reader)) = content {
        *response.body_mut() = match reader.remaining() {
            0 => Body::from(first),
            _ => Body::from_stream(stream::once(async { Ok(first) }).chain(rest(reader))),
        };
    }
    Ok(response)
}

/// The head of the response, and the content with its first chunk when it has one: most files are no longer, and a
/// damaged one still gets a proper answer.
fn open(blobs: &Blobs, request: &HeaderMap, file: &Download) -> Result<(Response, Option<(Bytes, BlobReader)>)> {
    let tag = format!("\"{}\"", file.digest);
    let mut response = Response::new(Body::empty());
    set(&mut response, header::ETAG, &tag)?;
    set(&mut response, header::ACCEPT_RANGES, "bytes")?;
    if range::names(request, header::IF_NONE_MATCH, &tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok((response, None));
    }
    let part = match range::wanted(request, &tag, file.size) {
        Wanted::Whole => None,
        Wanted::Part(part) => Some(part),
        Wanted::Beyond => {
            *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            set(&mut response, header::CONTENT_RANGE, &format!("bytes */{}", file.size))?;
            response.extensions_mut().insert(AsWritten);
            return Ok((response, None));
        }
    };
    if let Some(part) = &part {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let shown = format!("bytes {}-{}/{}", part.start, part.end.saturating_sub(1), file.size);
        set(&mut response, header::CONTENT_RANGE, &shown)?;
    }
    let length = part.as_ref().map_or(file.size, |part| part.end - part.start);
    set(&mut response, header::CONTENT_LENGTH, &length.to_string())?;
    set(&mut response, header::CONTENT_TYPE, media_type::of(&file.name))?;
    set(&mut response, header::CONTENT_DISPOSITION, &disposition::attachment(&file.name))?;
    let mut reader = blobs.reader(&file.digest, part).map_err(|error| match error.code() {
        // The tree names a blob, so its absence is our defect.
        ErrorCode::NotFound | ErrorCode::InvalidInput => Error::internal(error),
        _ => error,
    })?;
    if reader.size() != file.size {
        let message = format!("the blob {} has {} bytes instead of {}", file.digest, reader.size(), file.size);
        return Err(Error::internal(message));
    }
    let first = reader.next().transpose()?.unwrap_or_default();
    Ok((response, Some((first, reader))))
}

fn set(response: &mut Response, name: header::HeaderName, value: &str) -> Result<()> {
    response.headers_mut().insert(name, HeaderValue::from_str(value).map_err(Error::internal)?);
    Ok(())
}

/// A reader and what it gave.
type Step = (BlobReader, Option<Result<Bytes>>);

/// The chunks of a reader, each read on a blocking thread while the one before it is sent.
fn rest(reader: BlobReader) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let read = |mut reader: BlobReader| -> JoinHandle<Step> {
        spawn_blocking(move || {
            let chunk = reader.next();
            (reader, chunk)
        })
    };
    stream::unfold(Some(read(reader)), move |reading| async move {
        match reading?.await {
            Ok((reader, Some(Ok(chunk)))) => Some((Ok(chunk), Some(read(reader)))),
            Ok((_, Some(Err(error)))) => {
                tracing::error!(?error, "a download was cut off");
                Some((Err(io::Error::other("the blob cannot be read")), None))
            }
            Ok((_, None)) => None,
            Err(failure) => Some((Err(io::Error::other(failure)), None)),
        }
    })
}
