//! What an error of an engine means to the caller. The SQL text and the engine's words go to the log only.

use flyball_core::{Error, ErrorCode};
use postgres::error::SqlState;
use rusqlite::ffi::ErrorCode as Sqlite;

/// The part of an SQLSTATE that names its class.
const CONSTRAINT_CLASS: &str = "23";
const CONNECTION_CLASS: &str = "08";
const RESOURCES_CLASS: &str = "53";
const OPERATOR_CLASS: &str = "57";
const SYSTEM_CLASS: &str = "58";
const TURN_LOST_CLASS: &str = "40";

pub(super) fn conflict() -> Error {
    Error::new(ErrorCode::Conflict, "it exists already, or what it refers to does not exist")
}

pub(super) fn storage_full() -> Error {
    Error::new(ErrorCode::StorageFull, "the disk of the database is full; nothing was changed")
        .hint("free some space and try again")
}

pub(super) fn unavailable() -> Error {
    Error::new(ErrorCode::Unavailable, "the database does not answer as it should")
        .hint("try again; the log has the cause")
}

pub(super) fn from_sqlite(error: rusqlite::Error) -> Error {
    let meaning = match error.sqlite_error_code() {
        Some(Sqlite::ConstraintViolation) => conflict(),
        Some(Sqlite::DiskFull) => storage_full(),
        Some(
            Sqlite::SystemIoFailure
            | Sqlite::CannotOpen
            | Sqlite::DatabaseBusy
            | Sqlite::DatabaseLocked
            | Sqlite::DatabaseCorrupt
            | Sqlite::NotADatabase
            | Sqlite::ReadOnly
            | Sqlite::PermissionDenied,
        ) => unavailable(),
        _ => return Error::internal(error),
    };
    meaning.cause(error)
}

/// Whether the connection is gone: closed, cut, or ended by the server.
pub(super) fn is_loss(error: &postgres::Error) -> bool {
    match error.code() {
        Some(state) => [
            SqlState::ADMIN_SHUTDOWN,
            SqlState::CRASH_SHUTDOWN,
            SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
            SqlState::IDLE_SESSION_TIMEOUT,
        ]
        .contains(state),
        // Without an SQLSTATE it is either the connection or a value that we cannot convert.
        None => error.is_closed() || std::error::Error::source(error).is_some_and(|s| s.is::<std::io::Error>()),
    }
}

pub(super) fn from_postgres(error: postgres::Error) -> Error {
    let Some(state) = error.code() else {
        return if is_loss(&error) { unavailable().cause(error) } else { Error::internal(error) };
    };
    if *state == SqlState::INVALID_REGULAR_EXPRESSION {
        return Error::invalid("the database does not understand the regular expression").cause(error);
    }
    let meaning = match state.code().get(..2).unwrap_or_default() {
        CONSTRAINT_CLASS => conflict(),
        _ if *state == SqlState::DISK_FULL => storage_full(),
        CONNECTION_CLASS | RESOURCES_CLASS | OPERATOR_CLASS | SYSTEM_CLASS | TURN_LOST_CLASS => unavailable(),
        _ => return Error::internal(error),
    };
    meaning.cause(error)
}
