//! Files that are being written. One becomes a blob or goes away; what a crashed process left goes away later.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use flyball_core::{Clock, SystemClock};

/// How long a file may stay untouched before it counts as left behind: no upload pauses for a day.
const ABANDONED_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// The folder of files that are being written.
pub(super) struct Staging {
    folder: PathBuf,
    count: AtomicU64,
}

impl Staging {
    /// The folder, made when it is missing and freed of what crashed processes left.
    pub(super) fn open(folder: PathBuf) -> std::io::Result<Self> {
        std::fs::create_dir_all(&folder)?;
        remove_abandoned(&folder)?;
        Ok(Self { folder, count: AtomicU64::new(0) })
    }

    /// A new file, under a name that no other writer of any process uses at the same time.
    pub(super) fn create(&self) -> std::io::Result<Staged> {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.join(format!("{}-{self:p}-{count}", std::process::id()));
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&path)?;
        Ok(Staged { file, path: Some(path) })
    }
}

/// A file that is being written; removed when dropped, unless it was moved to its place.
pub(super) struct Staged {
    pub(super) file: File,
    path: Option<PathBuf>,
}

impl Staged {
    /// Moves the file to its place.
    pub(super) fn move_to(mut self, target: &Path) -> std::io::Result<()> {
        if let Some(path) = &self.path {
            std::fs::rename(path, target)?;
            self.path = None;
        }
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // A file that stays is only wasted space, until it counts as abandoned.
            drop(std::fs::remove_file(path));
        }
    }
}

fn remove_abandoned(folder: &Path) -> std::io::Result<()> {
    // The file system stamps files with the machine's time, whatever clock the rest of the process follows.
    let now = SystemClock::default().now().0;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let touched = std::fs::symlink_metadata(&path).and_then(|file| file.modified());
        let age = touched
            .ok()
            .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
            .map(|since| now.saturating_sub(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)));
        if age.is_some_and(|age| age > ABANDONED_MILLIS) {
            // Another process may remove it at the same moment.
            drop(std::fs::remove_file(&path));
        }
    }
    Ok(())
}
