//! What the disk or the bucket says, as our errors.

use std::io::ErrorKind;

use flyball_core::{Digest, Error, ErrorCode};

pub(super) fn from_io(error: std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            Error::new(ErrorCode::StorageFull, "the disk of the blob store is full; nothing was changed")
                .hint("free some space and try again")
        }
        _ => unavailable(),
    }
    .cause(error)
}

pub(super) fn from_store(error: object_store::Error) -> Error {
    unavailable().cause(error)
}

fn unavailable() -> Error {
    Error::new(ErrorCode::Unavailable, "the blob store does not answer as it should")
        .hint("try again; the log has the cause")
}

pub(super) fn damaged(digest: &Digest) -> Error {
    Error::new(ErrorCode::Unavailable, format!("the blob {digest} is damaged"))
        .hint("restore it from a backup, or write it again from its source")
}
