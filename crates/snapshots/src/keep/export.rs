//! Exporting: a version as a folder or an archive that every other tool reads.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};

use flyball_core::{Digest, Error, ErrorCode, Name, Result};
use serde::Serialize;

use crate::entry::{Entry, Kind};
use crate::failure::io;
use crate::intake::LARGE;
use crate::path::Selection;
use crate::project::Project;
use crate::scan::open_folder;
use crate::store::Store;
use crate::work::Placer;

/// How many chunks wait to be archived.
const WAITING: usize = 8;

/// What was exported.
#[derive(Clone, Debug, Serialize)]
pub struct Exported {
    /// The dataset.
    pub dataset: Name,
    /// The version.
    pub commit: Digest,
    /// Where it went.
    pub to: PathBuf,
    /// How many files.
    pub files: u64,
    /// How many bytes they have.
    pub bytes: u64,
}

impl Project {
    /// Writes files of a version (the one in the folder if none is named) into a new or empty folder, or into a new archive if
    /// `to` ends with `.tar`.
    ///
    /// # Errors
    /// `AlreadyExists` when something is there, `NotFound` for an unknown version, `InvalidData` when something is missing or
    /// damaged.
    pub fn export(&self, name: &Name, version: Option<&str>, selection: &Selection, to: &Path) -> Result<Exported> {
        self.store.written();
        let dataset = self.dataset(name)?;
        let commit = self.version(name, &dataset, version.unwrap_or("HEAD"))?;
        let made = self.store.commit(&commit)?;
        let entries = self.store.entries(&self.store.manifest(&made.manifest)?, selection)?;
        let place = self.folder.join(to);
        let is_archive = place.extension().is_some_and(|end| end == "tar");
        let is_taken = match is_archive {
            true => place.exists(),
            false => place.is_file() || std::fs::read_dir(&place).is_ok_and(|mut there| there.next().is_some()),
        };
        if is_taken {
            return Err(Error::new(ErrorCode::AlreadyExists, format!("{} is there already", to.display()))
                .hint("name a new folder or archive"));
        }
        if is_archive {
            archive(&self.store, &entries, &place, u64::try_from(made.time.0 / 1000).unwrap_or(0))?;
        } else {
            std::fs::create_dir_all(&place).map_err(|error| io("make", to.display(), error))?;
            let folder = open_folder(&place)?.ok_or_else(|| Error::internal("the folder is gone"))?;
            Placer::new(&self.store, &folder, None).place(&entries)?;
        }
        let bytes = entries.iter().map(|entry| entry.size).sum();
        Ok(Exported { dataset: name.clone(), commit, to: place, files: entries.len() as u64, bytes })
    }
}

fn archive(store: &Store, entries: &[Entry], to: &Path, time: u64) -> Result<()> {
    let failed = |error: std::io::Error| io("write", to.display(), error);
    let mut partial = to.as_os_str().to_owned();
    partial.push(".part");
    let partial = PathBuf::from(partial);
    let written = File::create(&partial).map_err(failed).and_then(|file| {
        let mut archive = tar::Builder::new(BufWriter::new(file));
        entries.iter().try_for_each(|entry| append(store, &mut archive, entry, time))?;
        let file = archive.into_inner().and_then(|file| file.into_inner().map_err(Into::into)).map_err(failed)?;
        file.sync_all().and_then(|()| std::fs::rename(&partial, to)).map_err(failed)
    });
    if written.is_err() {
        // What is left of it has a name that says so.
        drop(std::fs::remove_file(&partial));
    }
    written
}

fn append<W: Write>(store: &Store, archive: &mut tar::Builder<W>, entry: &Entry, time: u64) -> Result<()> {
    let failed = |error: std::io::Error| io("archive", &entry.path, error);
    let mut header = tar::Header::new_gnu();
    header.set_mtime(time);
    header.set_mode(if entry.kind == Kind::Executable { 0o755 } else { 0o644 });
    if entry.kind == Kind::Link {
        let mut target = Vec::new();
        store.read(entry, |bytes| {
            target.extend_from_slice(bytes);
            Ok(())
        })?;
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        return archive.append_link(&mut header, entry.path.as_path(), OsStr::from_bytes(&target)).map_err(failed);
    }
    header.set_size(entry.size);
    if entry.size < LARGE {
        let mut content = Vec::new();
        store.read(entry, |bytes| {
            content.extend_from_slice(bytes);
            Ok(())
        })?;
        return archive.append_data(&mut header, entry.path.as_path(), content.as_slice()).map_err(failed);
    }
    // The archive takes what it reads, the store hands on what it has: a thread between turns one into the other.
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(WAITING);
        let reading = scope.spawn(move || {
            store.read(entry, |bytes| {
                let gone = |_| Error::new(ErrorCode::Unavailable, "the archive cannot be written");
                sender.send(bytes.to_vec()).map_err(gone)
            })
        });
        let appended =
            archive.append_data(&mut header, entry.path.as_path(), Pieces { receiver, piece: Vec::new(), at: 0 });
        match reading.join() {
            Ok(Err(error)) if appended.is_ok() => Err(error),
            Ok(read) => appended.map_err(failed).and(read),
            Err(_) => Err(Error::internal("reading a version panicked")),
        }
    })
}

/// What a thread hands on, as something that can be read.
struct Pieces {
    receiver: Receiver<Vec<u8>>,
    piece: Vec<u8>,
    at: usize,
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.piece.len() {
            match self.receiver.recv() {
                Ok(piece) => (self.piece, self.at) = (piece, 0),
                Err(_) => return Ok(0),
            }
        }
        let rest = &self.piece[self.at..];
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        Ok(count)
    }
}
