//! Objects in a folder.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use flyball_core::{Clock, Result, SystemClock, Timestamp};

use super::{Listed, Staged, Storage};
use crate::failure::{io, missing_object};

/// The folder of files that are being written.
const STAGING: &str = "staging";
/// Held while an object is compared and replaced.
const LOCK: &str = "swap.lock";
/// How long a file that is being written may stay untouched before it counts as left behind: no writer pauses for a day.
const ABANDONED_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// Objects as files of a folder.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    name: String,
    count: AtomicU64,
}

impl Folder {
    /// The objects in a folder, which is made when it is missing and freed of what crashed processes left.
    ///
    /// # Errors
    /// `Forbidden`, `StorageFull` or `Unavailable` when it cannot be written.
    pub fn open(root: &Path) -> Result<Self> {
        let staging = root.join(STAGING);
        fs::create_dir_all(&staging).map_err(|error| io("use the folder", root.display(), error))?;
        let name = root.display().to_string();
        remove_abandoned(&staging).map_err(|error| io("use the folder", &name, error))?;
        Ok(Self { root: root.to_owned(), name, count: AtomicU64::new(0) })
    }

    fn place(&self, key: &str) -> PathBuf {
        self.root.join(key)
    }

    fn make_parent(&self, place: &Path) -> std::io::Result<()> {
        match place.parent() {
            Some(parent) if !parent.exists() => {
                fs::create_dir_all(parent)?;
                // The new folder itself has to survive a power cut, too.
                parent.parent().map_or(Ok(()), |above| File::open(above)?.sync_all())
            }
            _ => Ok(()),
        }
    }

    fn move_in(&self, staged: Staged, key: &str) -> std::io::Result<()> {
        let place = self.place(key);
        self.make_parent(&place)?;
        staged.move_to(&place)?;
        place.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
    }
}

impl Storage for Folder {
    fn name(&self) -> &str {
        &self.name
    }

    fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        match fs::read(self.place(key)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(io("read", key, error)),
        }
    }

    fn get_range(&self, key: &str, range: Range<u64>) -> Result<Vec<u8>> {
        let failed = |error: std::io::Error| match error.kind() {
            ErrorKind::NotFound => missing_object(key),
            _ => io("read", key, error),
        };
        let file = File::open(self.place(key)).map_err(failed)?;
        let mut bytes = vec![0; usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(0)];
        let mut read = 0;
        while read < bytes.len() {
            match file.read_at(&mut bytes[read..], range.start + read as u64).map_err(failed)? {
                0 => break,
                more => read += more,
            }
        }
        bytes.truncate(read);
        Ok(bytes)
    }

    fn put(&self, key: &str, bytes: &[u8]) -> Result<()> {
        let mut staged = self.stage()?;
        staged.file.write_all(bytes).map_err(|error| io("write", key, error))?;
        self.keep(staged, key)
    }

    fn stage(&self) -> Result<Staged> {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let path = self.root.join(STAGING).join(format!("{}-{self:p}-{count}", std::process::id()));
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&path);
        Ok(Staged::new(file.map_err(|error| io("write", path.display(), error))?, path))
    }

    fn keep(&self, staged: Staged, key: &str) -> Result<()> {
        self.move_in(staged, key).map_err(|error| io("write", key, error))
    }

    fn list(&self, folder: &str) -> Result<Vec<Listed>> {
        let mut listed = Vec::new();
        collect(&self.root, folder.trim_end_matches('/'), &mut listed).map_err(|error| io("list", folder, error))?;
        listed.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Ok(listed)
    }

    fn delete(&self, key: &str) -> Result<()> {
        match fs::remove_file(self.place(key)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(io("remove", key, error)),
            _ => Ok(()),
        }
    }

    fn swap(&self, key: &str, expected: Option<&[u8]>, new: &[u8]) -> Result<bool> {
        let lock = self.place(LOCK);
        let lock = File::options().write(true).create(true).truncate(false).open(lock);
        let lock = lock.map_err(|error| io("lock", &self.name, error))?;
        lock.lock().map_err(|error| io("lock", &self.name, error))?;
        if self.get(key)?.as_deref() != expected {
            return Ok(false);
        }
        self.put(key, new)?;
        Ok(true)
    }
}

/// All files below a folder. One that goes away meanwhile is left out.
fn collect(root: &Path, folder: &str, listed: &mut Vec<Listed>) -> std::io::Result<()> {
    let entries = match fs::read_dir(root.join(folder)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let key = format!("{folder}/{name}");
        match entry.metadata() {
            Ok(data) if data.is_dir() => collect(root, &key, listed)?,
            Ok(data) if data.is_file() => {
                listed.push(Listed { key, size: data.len(), modified: modified(&data) });
            }
            _ => {}
        }
    }
    Ok(())
}

fn modified(data: &fs::Metadata) -> Timestamp {
    let since = data.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    Timestamp(since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX)))
}

fn remove_abandoned(folder: &Path) -> std::io::Result<()> {
    // The file system stamps files with the machine's time, whatever clock the rest of the process follows.
    let now = SystemClock::default().now().0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let age = fs::symlink_metadata(&path).map(|data| now.saturating_sub(modified(&data).0));
        if age.is_ok_and(|age| age > ABANDONED_MILLIS) {
            // Another process may remove it at the same moment.
            drop(fs::remove_file(&path));
        }
    }
    Ok(())
}
