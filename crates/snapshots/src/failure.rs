//! What disks, buckets and damaged objects say, as our errors.

use std::fmt::Display;
use std::io::ErrorKind;

use flyball_core::{Digest, Error, ErrorCode};

/// An error of the file system about something that has a name.
pub(crate) fn io(what: &str, name: impl Display, error: std::io::Error) -> Error {
    let full = || {
        Error::new(ErrorCode::StorageFull, format!("the disk is full: cannot {what} {name}"))
            .hint("free some space and try again; no version was changed")
    };
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => full(),
        ErrorKind::NotFound => Error::new(ErrorCode::NotFound, format!("cannot {what} {name}: it is not there")),
        ErrorKind::PermissionDenied => Error::new(ErrorCode::Forbidden, format!("cannot {what} {name}: not permitted"))
            .hint("check who owns it and who may read and write it"),
        _ => Error::new(ErrorCode::Unavailable, format!("cannot {what} {name}: {error}")),
    }
    .cause(error)
}

/// An object that is not what was written.
pub(crate) fn damaged(what: impl Display) -> Error {
    Error::new(ErrorCode::InvalidData, format!("{what} is damaged"))
        .hint("flyball data verify tells which files of which versions need it; fetch from a remote or add them again")
}

/// Something that other objects refer to is not there.
pub(crate) fn missing(what: &str, id: &Digest) -> Error {
    Error::new(ErrorCode::InvalidData, format!("the {what} {} is missing from the store", id.short()))
        .hint("fetch it from a remote; flyball data verify tells what else is missing")
}

/// An object that was listed or referred to is gone.
pub(crate) fn missing_object(key: &str) -> Error {
    Error::new(ErrorCode::InvalidData, format!("the object {key} is missing from the store"))
        .hint("fetch it from a remote; flyball data verify tells what else is missing")
}
