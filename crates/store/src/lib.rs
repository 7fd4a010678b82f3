//! Where state lives: metadata in SQLite or PostgreSQL behind one synchronous API, blobs by content address, and the
//! lock of the data folder.
//!
//! Everything here blocks; call it from blocking threads, never from inside an async task.

pub mod blobs;
pub mod db;
pub mod lock;
pub mod migrations;

pub use blobs::{BlobReader, BlobWriter, Blobs, bucket};
pub use db::{Cell, Cells, DatabaseKind, DatabaseUrl, Db, ForeignDb, FromCell, FromColumn, OnConflict, Param, Row, Tx};
pub use lock::DataDirLock;
