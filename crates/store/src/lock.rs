//! The lock of the data folder: one process at a time uses it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use flyball_core::{Error, ErrorCode, Result};
use serde_json::Value;

const LOCK_FILE: &str = "flyball.lock";
const INFO_FILE: &str = "flyball.lock.json";
/// How often a lock that only lookers hold is tried again: each holds it for a few instructions.
const TRIES: usize = 10_000;

/// Held while this process uses the data folder; released when dropped, and by the operating system when the process
/// ends in any way.
#[derive(Debug)]
pub struct DataDirLock {
    _file: File,
    dir: PathBuf,
}

impl DataDirLock {
    /// Takes the lock of `dir` and leaves `info` beside it for others to read (`pid` and `address` are shown to whoever
    /// comes second).
    ///
    /// # Errors
    /// `Locked` when it is held, also within this process; `Unavailable` when the folder cannot be written.
    pub fn acquire(dir: &Path, info: &Value) -> Result<Self> {
        std::fs::create_dir_all(dir).map_err(unusable)?;
        let file = open(dir).map_err(unusable)?;
        for _ in 0..TRIES {
            match file.try_lock() {
                Ok(()) => {
                    let lock = Self { _file: file, dir: dir.to_owned() };
                    lock.set_info(info)?;
                    return Ok(lock);
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(unusable(error)),
            }
            // A shared lock can be had beside those who only look (`read_info`), but not beside a holder.
            match file.try_lock_shared() {
                Ok(()) => file.unlock().map_err(unusable)?,
                Err(TryLockError::WouldBlock) => break,
                Err(TryLockError::Error(error)) => return Err(unusable(error)),
            }
            std::thread::yield_now();
        }
        Err(held(read_file(dir).as_ref()))
    }

    /// Replaces what others can read, for example once the address is known.
    ///
    /// # Errors
    /// `Unavailable` when the file cannot be written.
    pub fn set_info(&self, info: &Value) -> Result<()> {
        let fresh = self.dir.join(format!("{INFO_FILE}.new"));
        let write = || {
            File::create(&fresh)?.write_all(info.to_string().as_bytes())?;
            std::fs::rename(&fresh, self.dir.join(INFO_FILE))
        };
        write().map_err(unusable)
    }

    /// What the holder of the lock left, or `None` when nobody holds it.
    pub fn read_info(dir: &Path) -> Option<Value> {
        let file = File::open(dir.join(LOCK_FILE)).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => read_file(dir),
            _ => None,
        }
    }
}

fn open(dir: &Path) -> std::io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).open(dir.join(LOCK_FILE))
}

fn read_file(dir: &Path) -> Option<Value> {
    serde_json::from_slice(&std::fs::read(dir.join(INFO_FILE)).ok()?).ok()
}

fn unusable(error: std::io::Error) -> Error {
    Error::new(ErrorCode::Unavailable, "the data folder cannot be used")
        .hint("check that the folder exists and that this user may write to it")
        .cause(error)
}

fn held(info: Option<&Value>) -> Error {
    let field = |name: &str| info.and_then(|info| info.get(name)).filter(|value| !value.is_null());
    let mut message = "the data folder is in use by another Flyball".to_owned();
    if let Some(pid) = field("pid") {
        message.push_str(&format!(", process {pid}"));
    }
    if let Some(address) = field("address").and_then(Value::as_str) {
        message.push_str(&format!(", at {address}"));
    }
    Error::new(ErrorCode::Locked, message).hint("use that one, stop it first, or choose another folder with --data-dir")
}
