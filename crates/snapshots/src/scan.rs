//! What lies in a folder: names and stamps, nothing is read.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use flyball_core::{Error, ErrorCode, Result};
use rayon::prelude::*;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, Stat, openat, statat};
use rustix::io::Errno;

use crate::entry::Kind;
use crate::failure::io;
use crate::path::FilePath;

/// Folders of tools, which are no data wherever they lie.
const LEFT_OUT: [&[u8]; 3] = [b".git", b".flyball", b".dvc"];
/// How the names of files begin that are being written beside others.
pub(crate) const PARTIAL: &[u8] = b".flyball-";
/// What one call of the system lists of a folder.
const LIST_BYTES: usize = 32 * 1024;

/// What the file system tells of a file. As long as it tells the same, the content is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) size: u64,
    /// When its content was changed, in nanoseconds.
    pub(crate) modified: i64,
    /// When anything of it was changed, in nanoseconds; nobody can set this one.
    pub(crate) changed: i64,
    pub(crate) inode: u64,
}

impl Stamp {
    /// No file has it: what it belongs to is read again.
    pub(crate) const NONE: Stamp = Stamp { size: 0, modified: i64::MIN, changed: i64::MIN, inode: 0 };

    /// That of a file which belongs to the version and was not wanted in the folder.
    pub(crate) const ABSENT: Stamp = Stamp { size: 0, modified: i64::MIN, changed: 0, inode: 0 };

    /// The stamp and the kind; none for what is neither a file nor a link.
    pub(crate) fn of(stat: &Stat) -> Option<(Kind, Self)> {
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile if stat.st_mode & 0o100 != 0 => Kind::Executable,
            FileType::RegularFile => Kind::File,
            FileType::Symlink => Kind::Link,
            _ => return None,
        };
        let nanos = |seconds: i64, nanos: i64| seconds.saturating_mul(1_000_000_000).saturating_add(nanos);
        let stamp = Self {
            size: u64::try_from(stat.st_size).unwrap_or(0),
            modified: nanos(stat.st_mtime, stat.st_mtime_nsec as i64),
            changed: nanos(stat.st_ctime, stat.st_ctime_nsec as i64),
            inode: stat.st_ino,
        };
        Some((kind, stamp))
    }

    /// Whether the file rested when it was looked at: what is changed in the same tick of the clock keeps its stamp.
    pub(crate) fn rests(&self, looked_at_nanos: i64) -> bool {
        /// Longer than a tick of any file system's clock but FAT's.
        const TICK: i64 = 50_000_000;
        self.modified.max(self.changed) < looked_at_nanos.saturating_sub(TICK)
    }
}

/// A file or link that was found.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) path: FilePath,
    pub(crate) kind: Kind,
    pub(crate) stamp: Stamp,
}

/// Where a dataset lies: a folder, or one file of it.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    pub(crate) folder: std::path::PathBuf,
    /// The name of the only file, where the dataset is one file.
    pub(crate) only: Option<FilePath>,
}

/// What lies there, in the order of the paths; nothing if the folder is not there.
///
/// # Errors
/// `InvalidData` naming sockets, pipes and devices: they have no content that could be kept.
pub(crate) fn scan(tree: &Tree) -> Result<Vec<Found>> {
    let Some(folder) = open_folder(&tree.folder)? else { return Ok(Vec::new()) };
    if let Some(only) = &tree.only {
        return match statat(&folder, only.as_path(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => match Stamp::of(&stat) {
                Some((kind, stamp)) => Ok(vec![Found { path: only.clone(), kind, stamp }]),
                None => Err(refused(only, &stat)),
            },
            Err(Errno::NOENT) => Ok(Vec::new()),
            Err(error) => Err(io("look at", only, error.into())),
        };
    }
    walk(&folder, &[])
}

/// Removes files that were being written when their process was killed.
pub(crate) fn remove_partial(folder: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            remove_partial(&entry.path())?;
        } else if kind.is_file() && entry.file_name().as_bytes().starts_with(PARTIAL) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Opens a folder; none if it is not there.
pub(crate) fn open_folder(folder: &Path) -> Result<Option<OwnedFd>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match rustix::fs::open(folder, flags, Mode::empty()) {
        Ok(folder) => Ok(Some(folder)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(io("open the folder", folder.display(), error.into())),
    }
}

/// A folder that waits to be walked, or what was found.
enum Item {
    Folder(Vec<u8>),
    Found(Found),
}

impl Item {
    /// Folders come where the paths of what is in them come.
    fn place(&self) -> (&[u8], &[u8]) {
        match self {
            Item::Folder(name) => (name, b"/"),
            Item::Found(found) => (found.path.parts().1, b""),
        }
    }
}

fn walk(folder: &OwnedFd, below: &[u8]) -> Result<Vec<Found>> {
    let mut items = list(folder, below)?;
    items.sort_unstable_by(|a, b| {
        let (a, b) = (a.place(), b.place());
        a.0.iter().chain(a.1).cmp(b.0.iter().chain(b.1))
    });
    if items.iter().all(|item| matches!(item, Item::Found(_))) {
        return Ok(items
            .into_iter()
            .filter_map(|item| if let Item::Found(found) = item { Some(found) } else { None })
            .collect());
    }
    let inner = |item: Item| match item {
        Item::Found(found) => Ok(vec![found]),
        Item::Folder(name) => {
            let path = [below, &name, b"/"].concat();
            FilePath::new(&path[..path.len() - 1])?;
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            match openat(folder, name.as_slice(), flags, Mode::empty()) {
                Ok(inner) => walk(&inner, &path),
                // It went away, or became something else; the next look tells.
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(Vec::new()),
                Err(error) => Err(io("open the folder", String::from_utf8_lossy(&path), error.into())),
            }
        }
    };
    let found = items.into_par_iter().map(inner).collect::<Result<Vec<_>>>()?;
    Ok(found.into_iter().flatten().collect())
}

fn list(folder: &OwnedFd, below: &[u8]) -> Result<Vec<Item>> {
    let mut buffer = Vec::with_capacity(LIST_BYTES);
    let mut listing = RawDir::new(folder.as_fd(), buffer.spare_capacity_mut());
    let mut items = Vec::new();
    while let Some(entry) = listing.next() {
        let entry = entry.map_err(|error| io("list the folder", String::from_utf8_lossy(below), error.into()))?;
        let name = entry.file_name();
        let is_left_out = LEFT_OUT.contains(&name.to_bytes()) || name.to_bytes().starts_with(PARTIAL);
        if name == c"." || name == c".." || is_left_out {
            continue;
        }
        if entry.file_type() == FileType::Directory {
            items.push(Item::Folder(name.to_bytes().to_vec()));
            continue;
        }
        let path = FilePath::below(below, name.to_bytes())?;
        let stat = match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => continue,
            Err(error) => return Err(io("look at", path, error.into())),
        };
        match Stamp::of(&stat) {
            Some((kind, stamp)) => items.push(Item::Found(Found { path, kind, stamp })),
            None if FileType::from_raw_mode(stat.st_mode) == FileType::Directory => {
                items.push(Item::Folder(name.to_bytes().to_vec()));
            }
            None => return Err(refused(&path, &stat)),
        }
    }
    Ok(items)
}

fn refused(path: &FilePath, stat: &Stat) -> Error {
    let what = match FileType::from_raw_mode(stat.st_mode) {
        FileType::Socket => "a socket",
        FileType::Fifo => "a pipe",
        FileType::BlockDevice | FileType::CharacterDevice => "a device",
        FileType::Directory => "a folder",
        _ => "no file",
    };
    Error::new(ErrorCode::InvalidData, format!("{path} is {what}, which has no content to keep"))
        .hint("move it out of the folder of the dataset")
}

/// The stamp of an open file.
pub(crate) fn stamp_of(file: &File, path: &FilePath) -> Result<Option<(Kind, Stamp)>> {
    let stat = rustix::fs::fstat(file).map_err(|error| io("look at", path, error.into()))?;
    Ok(Stamp::of(&stat))
}
