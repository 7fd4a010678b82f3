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

/// The response with the file, or with the part that the request's headers ask for; always as an attachment, so that no
/// browser runs it as a page of ours.
///
/// # Errors
/// What the blob store says before the first byte is sent. Later the connection is cut, so that a damaged file never
/// looks complete.
pub(crate) async fn send(blobs: Blobs, request: &HeaderMap, file: &Download) -> Result<Response> {
    let tag = format!("\"{}\"", file.digest);
    let mut response = Response::new(Body::empty());
    set(&mut response, header::ETAG, &tag)?;
    set(&mut response, header::ACCEPT_RANGES, "bytes")?;
    if range::names(request, header::IF_NONE_MATCH, &tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    let part = match range::wanted(request, &tag, file.size) {
        Wanted::Whole => None,
        Wanted::Part(part) => Some(part),
        Wanted::Beyond => {
            *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            set(&mut response, header::CONTENT_RANGE, &format!("bytes */{}", file.size))?;
            response.extensions_mut().insert(AsWritten);
            return Ok(response);
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

    let (digest, size) = (file.digest, file.size);
    // The first chunk comes with the opening: most files are no longer, and a damaged one still gets a proper answer.
    let opening = move || {
        let mut reader = blobs.reader(&digest, part).map_err(|error| match error.code() {
            ErrorCode::NotFound | ErrorCode::InvalidInput => Error::internal(error),
            _ => error,
        })?;
        if reader.size() != size {
            return Err(Error::internal(format!("the blob {digest} has {} bytes instead of {size}", reader.size())));
        }
        let first = reader.next().transpose()?.unwrap_or_default();
        Ok((reader, first))
    };
    let (reader, first) = blocking(opening).await?;
    *response.body_mut() = match reader.remaining() {
        0 => Body::from(first),
        _ => Body::from_stream(stream::once(async { Ok(first) }).chain(rest(reader))),
    };
    Ok(response)
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
