//! Putting files of a version into a folder.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use flyball_core::{Error, ErrorCode, Result};
use rayon::prelude::*;
use rustix::fs::{
    AtFlags, CWD, Mode, OFlags, Timespec, Timestamps, linkat, mkdirat, openat, renameat, symlinkat, unlinkat,
};
use rustix::io::Errno;

use crate::entry::{Entry, Kind};
use crate::failure::{damaged, io};
use crate::index::Tracked;
use crate::intake::LARGE;
use crate::pack::{Chunks, Wanted, key};
use crate::path::FilePath;
use crate::scan::{Stamp, stamp_of};
use crate::store::Store;

/// The folder of whole files that links lead to.
pub(crate) const FILES: &str = "files/";
/// Files are written in stretches of so many: each stretch has its own way through the folders.
const STRETCH: usize = 512;
/// Files that links lead to have this time, so that one that somebody wrote to is told from them: 2000-01-01.
const LINKED_SECONDS: i64 = 946_684_800;

/// How files come into the folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Links {
    /// Each file is written.
    #[default]
    Copy,
    /// Files share their blocks with one that is kept beside the store, where the file system can do that; otherwise they are
    /// hard links to it, which may not be written to; otherwise copies.
    Link,
}

/// Puts files of a version into a folder.
pub(crate) struct Placer<'s> {
    store: &'s Store,
    folder: &'s OwnedFd,
    /// Where whole files are kept, if files are linked.
    kept: Option<&'s Path>,
    count: AtomicU64,
    /// Whether the file system may know how files share blocks.
    clones: AtomicBool,
}

impl<'s> Placer<'s> {
    pub(crate) fn new(store: &'s Store, folder: &'s OwnedFd, kept: Option<&'s Path>) -> Self {
        Self { store, folder, kept, count: AtomicU64::new(0), clones: AtomicBool::new(true) }
    }

    /// Puts these files, in the order of their paths; a file in their way is replaced.
    pub(crate) fn place(&self, entries: &[Entry]) -> Result<Vec<Tracked>> {
        let chunks = self.store.chunks()?;
        let placed = entries.par_chunks(STRETCH).map(|stretch| self.place_stretch(&chunks, stretch));
        Ok(placed.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    fn place_stretch(&self, chunks: &Chunks, entries: &[Entry]) -> Result<Vec<Tracked>> {
        let mut way = Way { root: self.folder, path: Vec::new(), folder: None };
        let mut placed = Vec::with_capacity(entries.len());
        let mut rest = entries;
        while let [first, ..] = rest {
            let is_plain = |entry: &Entry| entry.lists.is_empty() && entry.size > 0 && self.kept.is_none();
            if !is_plain(first) {
                placed.push(self.place_one(&mut way, first)?);
                rest = &rest[1..];
                continue;
            }
            // What stands together in a pack is read at once.
            let mut run = Wanted { chunks: Vec::new() };
            for entry in rest.iter().take_while(|entry| is_plain(entry)) {
                let place = chunks.find(&entry.digest).map_err(|error| error.context(&entry.path))?;
                if !run.is_followed_by(&place) {
                    break;
                }
                run.chunks.push((entry.digest, place));
            }
            let (now, after) = rest.split_at(run.chunks.len());
            rest = after;
            let mut entries = now.iter();
            chunks.read_run(self.store.storage(), &run, |_, _, content| {
                let entry = entries.next().ok_or_else(|| damaged("a manifest"))?;
                placed.push(self.write(&mut way, entry, content)?);
                Ok(())
            })?;
        }
        Ok(placed)
    }

    fn write(&self, way: &mut Way<'_>, entry: &Entry, content: &[u8]) -> Result<Tracked> {
        if content.len() as u64 != entry.size {
            return Err(damaged(&entry.path));
        }
        let folder = way.to(&entry.path)?;
        let name = entry.path.parts().1;
        let failed = |error: Errno| cannot(&entry.path, error);
        if entry.kind == Kind::Link {
            return match symlinkat(content, folder, name) {
                Err(Errno::EXIST) => {
                    let fresh = self.fresh();
                    symlinkat(content, folder, fresh.as_bytes()).map_err(failed)?;
                    renameat(folder, fresh.as_bytes(), folder, name).map_err(failed)?;
                    stamped(folder, entry)
                }
                made => made.map_err(failed).and_then(|()| stamped(folder, entry)),
            };
        }
        match self.create(folder, name, entry) {
            Ok(mut file) => {
                file.write_all(content).map_err(|error| io("write", &entry.path, error))?;
                tracked(&file, entry)
            }
            Err(Errno::EXIST) => {
                let fresh = self.fresh();
                let mut file = self.create(folder, fresh.as_bytes(), entry).map_err(failed)?;
                let written = file.write_all(content).map_err(|error| io("write", &entry.path, error));
                self.put_in_place(folder, &fresh, entry, written)?;
                tracked(&file, entry)
            }
            Err(error) => Err(failed(error)),
        }
    }

    fn create(&self, folder: &OwnedFd, name: &[u8], entry: &Entry) -> rustix::io::Result<File> {
        let mode = if entry.kind == Kind::Executable { 0o777 } else { 0o666 };
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        openat(folder, name, flags, Mode::from_raw_mode(mode)).map(File::from)
    }

    /// A name beside the file, for as long as it is being written.
    fn fresh(&self) -> String {
        format!(".flyball-{}-{}", std::process::id(), self.count.fetch_add(1, Ordering::Relaxed))
    }

    fn put_in_place(&self, folder: &OwnedFd, fresh: &str, entry: &Entry, written: Result<()>) -> Result<()> {
        let name = entry.path.parts().1;
        let moved = written.and_then(|()| {
            renameat(folder, fresh.as_bytes(), folder, name).map_err(|error| cannot(&entry.path, error))
        });
        if moved.is_err() {
            // It may never have come into being.
            unlinkat(folder, fresh.as_bytes(), AtFlags::empty()).ok();
        }
        moved
    }

    /// A large, empty or linked file.
    fn place_one(&self, way: &mut Way<'_>, entry: &Entry) -> Result<Tracked> {
        if entry.size < LARGE && (self.kept.is_none() || !entry.kind.is_file()) {
            let mut content = Vec::new();
            self.store.read(entry, |bytes| {
                content.extend_from_slice(bytes);
                Ok(())
            })?;
            return self.write(way, entry, &content);
        }
        let folder = way.to(&entry.path)?;
        match self.kept {
            Some(kept) => self.link(kept, folder, entry)?,
            None => self.write_beside(folder, entry, |file| {
                let mut write = |bytes: &[u8]| file.write_all(bytes).map_err(|error| io("write", &entry.path, error));
                self.store.read(entry, &mut write)
            })?,
        }
        stamped(folder, entry)
    }

    /// Writes a file beside its place, and moves it there once it is whole.
    fn write_beside(&self, folder: &OwnedFd, entry: &Entry, write: impl FnOnce(&mut File) -> Result<()>) -> Result<()> {
        let fresh = self.fresh();
        let file = self.create(folder, fresh.as_bytes(), entry).map_err(|error| cannot(&entry.path, error));
        self.put_in_place(folder, &fresh, entry, file.and_then(|mut file| write(&mut file)))
    }

    /// Makes a file that shares the content of the one that is kept: its blocks, the file itself, or a copy.
    fn link(&self, kept: &Path, folder: &OwnedFd, entry: &Entry) -> Result<()> {
        let kept = self.keep(kept, entry)?;
        if self.clones.load(Ordering::Relaxed) {
            let source = File::open(&kept).map_err(|error| io("read", kept.display(), error))?;
            let clone = |file: &mut File| {
                rustix::fs::ioctl_ficlone(&*file, &source).map_err(|error| cannot(&entry.path, error))
            };
            if self.write_beside(folder, entry, clone).is_ok() {
                return Ok(());
            }
            // The file system cannot do it, so it need not be asked again.
            self.clones.store(false, Ordering::Relaxed);
        }
        let link = |name: &[u8]| linkat(CWD, &kept, folder, name, AtFlags::empty());
        match link(entry.path.parts().1) {
            Ok(()) => Ok(()),
            Err(Errno::EXIST) => {
                let fresh = self.fresh();
                let linked = link(fresh.as_bytes()).map_err(|error| cannot(&entry.path, error));
                self.put_in_place(folder, &fresh, entry, linked)?;
                // Of two names of one file none goes away when one is moved to the other.
                unlinkat(folder, fresh.as_bytes(), AtFlags::empty()).ok();
                Ok(())
            }
            Err(_) => self.write_beside(folder, entry, |file| {
                let copied = File::open(&kept).and_then(|mut source| std::io::copy(&mut source, file));
                copied.map(drop).map_err(|error| io("write", &entry.path, error))
            }),
        }
    }

    /// The file that is kept for links, made or, where somebody wrote to it, made anew.
    fn keep(&self, kept: &Path, entry: &Entry) -> Result<PathBuf> {
        let mode = if entry.kind == Kind::Executable { 0o555 } else { 0o444 };
        let path = kept.join(key(FILES, &entry.digest, if mode == 0o555 { "x" } else { "" }));
        let failed = |error: std::io::Error| io("write", path.display(), error);
        // What is written to in place has another time than this one.
        let [a, b, c, ..] = *entry.digest.bytes();
        let nanos = i64::from(u32::from_le_bytes([a, b, c, 0]));
        let is_sound = rustix::fs::stat(&path).is_ok_and(|stat| {
            Stamp::of(&stat).is_some_and(|(_, stamp)| {
                stamp.size == entry.size && stamp.modified == LINKED_SECONDS * 1_000_000_000 + nanos
            })
        });
        if is_sound {
            return Ok(path);
        }
        // Written where it will be: moving files between folders is one at a time for the whole file system.
        let fresh = path.with_extension(self.fresh());
        let mut file = match File::create_new(&fresh) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| File::create_new(&fresh))
            }
            created => created,
        }
        .map_err(failed)?;
        let time = Timespec { tv_sec: LINKED_SECONDS, tv_nsec: nanos as _ };
        let times = Timestamps { last_access: time, last_modification: time };
        let written = self
            .store
            .read(entry, |bytes| file.write_all(bytes).map_err(failed))
            .and_then(|()| {
                rustix::fs::fchmod(&file, Mode::from_raw_mode(mode)).map_err(|error| failed(error.into()))?;
                rustix::fs::futimens(&file, &times).map_err(|error| failed(error.into()))
            })
            .and_then(|()| std::fs::rename(&fresh, &path).map_err(failed));
        if written.is_err() {
            std::fs::remove_file(&fresh).ok();
        }
        written.map(|()| path)
    }
}

/// The way through folders, without following a link: a folder stays open until a file of another one comes.
struct Way<'r> {
    root: &'r OwnedFd,
    path: Vec<u8>,
    folder: Option<OwnedFd>,
}

impl Way<'_> {
    fn to(&mut self, file: &FilePath) -> Result<&OwnedFd> {
        let (wanted, _) = file.parts();
        if wanted.is_empty() {
            return Ok(self.root);
        }
        if self.path != wanted || self.folder.is_none() {
            self.folder = Some(open_below(self.root, wanted, true).map_err(|error| cannot(file, error))?);
            self.path = wanted.to_vec();
        }
        Ok(self.folder.as_ref().unwrap_or(self.root))
    }
}

/// Opens a folder below another one, without following links; made where it is missing.
fn open_below(root: &OwnedFd, path: &[u8], make: bool) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut folder = root.try_clone().map_err(|_| Errno::MFILE)?;
    for name in path.split(|byte| *byte == b'/') {
        folder = match openat(&folder, name, flags, Mode::empty()) {
            Err(Errno::NOENT) if make => {
                match mkdirat(&folder, name, Mode::from_raw_mode(0o777)) {
                    // Another stretch needs the same folder.
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(error),
                }
                openat(&folder, name, flags, Mode::empty())?
            }
            opened => opened?,
        };
    }
    Ok(folder)
}

/// Removes files, given in the order of their paths, and the folders that become empty.
pub(crate) fn remove<'p>(root: &OwnedFd, paths: impl DoubleEndedIterator<Item = &'p FilePath>) -> Result<()> {
    let mut emptied: Vec<Vec<u8>> = Vec::new();
    for path in paths.rev() {
        let (above, name) = path.parts();
        let folder = match above.is_empty() {
            true => root.try_clone().map_err(Error::internal)?,
            false => match open_below(root, above, false) {
                Ok(folder) => folder,
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => continue,
                Err(error) => return Err(cannot(path, error)),
            },
        };
        match unlinkat(&folder, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(cannot(path, error)),
        }
        if !above.is_empty() && emptied.last().is_none_or(|last| last != above) {
            emptied.push(above.to_vec());
        }
    }
    for mut folder in emptied {
        loop {
            let (above, name) = match folder.iter().rposition(|byte| *byte == b'/') {
                Some(at) => (folder[..at].to_vec(), folder[at + 1..].to_vec()),
                None => (Vec::new(), folder),
            };
            let parent = if above.is_empty() { root.try_clone().ok() } else { open_below(root, &above, false).ok() };
            // A folder that holds something else stays.
            let removed = parent.is_some_and(|parent| unlinkat(&parent, &name, AtFlags::REMOVEDIR).is_ok());
            if !removed || above.is_empty() {
                break;
            }
            folder = above;
        }
    }
    Ok(())
}

fn tracked(file: &File, entry: &Entry) -> Result<Tracked> {
    let stamp = stamp_of(file, &entry.path)?.map_or(Stamp::NONE, |(_, stamp)| stamp);
    Ok(Tracked { entry: entry.clone(), stamp })
}

fn stamped(folder: &OwnedFd, entry: &Entry) -> Result<Tracked> {
    let stat = rustix::fs::statat(folder, entry.path.parts().1, AtFlags::SYMLINK_NOFOLLOW);
    let stamp = stat.ok().and_then(|stat| Stamp::of(&stat)).map_or(Stamp::NONE, |(_, stamp)| stamp);
    Ok(Tracked { entry: entry.clone(), stamp })
}

fn cannot(path: &FilePath, error: Errno) -> Error {
    match error {
        Errno::EXIST | Errno::NOTDIR | Errno::LOOP | Errno::ISDIR | Errno::NOTEMPTY => {
            Error::new(ErrorCode::Conflict, format!("something else is in the way of {path}"))
                .hint("move it away and check out again")
        }
        error => io("write", path, error.into()),
    }
}
