//! Reading an exported folder.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use flyball_core::{Digest, Error, ErrorCode, Result};
use flyball_store::{BlobReader, Blobs};

use super::{FORMAT, Line, MANIFEST, Manifest, RECORDS, VERSION};
use crate::source::{LeftOut, Sink, Source, Wish};
use crate::tally::Kind;

/// Longest line: a run with the largest datasets has some dozens of MB.
const LINE_BYTES: u64 = 256 * 1024 * 1024;

/// What the sink wants of the experiment or registered model, and of the run or logged model, that is being read.
struct Wishes {
    within: Wish,
    item: Wish,
}

/// An exported folder as a source.
pub struct Folder {
    path: PathBuf,
    records: PathBuf,
    blobs: Blobs,
}

impl Folder {
    /// Opens the folder of an export that came to its end.
    ///
    /// # Errors
    /// `NotFound` when it is no such folder, `InvalidData` when its form is not known.
    pub fn open(path: &Path) -> Result<Self> {
        let missing = |error: std::io::Error| {
            Error::new(ErrorCode::NotFound, format!("{} is not the folder of a finished export", path.display()))
                .hint("an export that was cut off is finished by the same command")
                .cause(error)
        };
        let path = path.canonicalize().map_err(missing)?;
        let text = std::fs::read_to_string(path.join(MANIFEST)).map_err(missing)?;
        let manifest: Option<Manifest> = serde_json::from_str(&text).ok();
        if !manifest.is_some_and(|manifest| manifest.format == FORMAT && manifest.version == VERSION) {
            return Err(Error::new(ErrorCode::InvalidData, "the manifest of the folder has an unknown form")
                .hint("export it again with this version of Flyball"));
        }
        Self::of(&path, RECORDS)
    }

    pub(super) fn of(path: &Path, records: &str) -> Result<Self> {
        let blobs = Blobs::open(&path.to_string_lossy())?;
        Ok(Self { path: path.to_owned(), records: path.join(records), blobs })
    }

    /// Hands out the records one after another, each with the place in the file where it ends.
    pub(super) fn lines(&self, mut each: impl FnMut(Line, u64) -> Result<()>) -> Result<()> {
        let failed = |error: std::io::Error| {
            Error::new(ErrorCode::Unavailable, format!("{} cannot be read", self.records.display())).cause(error)
        };
        let mut reader = BufReader::new(File::open(&self.records).map_err(failed)?);
        let (mut line, mut at) = (Vec::new(), 0);
        loop {
            line.clear();
            let read = reader.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line).map_err(failed)?;
            if read == 0 {
                return Ok(());
            }
            at += read as u64;
            let record = serde_json::from_slice(&line).ok().filter(|_| line.ends_with(b"\n"));
            let record = record.ok_or_else(|| {
                Error::new(ErrorCode::InvalidData, format!("the record that ends at byte {at} cannot be understood"))
            })?;
            each(record, at)?;
        }
    }

    fn push(&self, sink: &mut dyn Sink, line: Line, wishes: &mut Wishes) -> Result<()> {
        match line {
            Line::Experiment(experiment) => wishes.within = sink.experiment(experiment)?,
            Line::RegisteredModel(model) => wishes.within = sink.registered_model(model)?,
            _ if wishes.within == Wish::Nothing => {}
            Line::Run(run) => wishes.item = sink.run(*run)?,
            Line::LoggedModel(model) => wishes.item = sink.logged_model(*model)?,
            Line::ModelVersion(version) => sink.model_version(*version)?,
            _ if wishes.item == Wish::Nothing => {}
            Line::Points { key, points } => sink.points(&key, &points)?,
            Line::File { path, digest, .. } => self.push_file(sink, &path, &digest)?,
            Line::End {} => sink.end()?,
        }
        Ok(())
    }

    fn push_file(&self, sink: &mut dyn Sink, path: &str, digest: &Digest) -> Result<()> {
        match self.blobs.reader(digest, None) {
            Ok(reader) => sink.file(path, &mut Pieces { reader, piece: Bytes::new() }),
            Err(error) => {
                let reason = error.message().to_owned();
                sink.left_out(LeftOut { kind: Kind::Artifacts, id: path.to_owned(), reason });
                Ok(())
            }
        }
    }
}

impl Source for Folder {
    fn origin(&self) -> String {
        format!("folder:{}", self.path.display())
    }

    fn read(&mut self, sink: &mut dyn Sink) -> Result<()> {
        let mut wishes = Wishes { within: Wish::Nothing, item: Wish::Nothing };
        self.lines(|line, _| self.push(sink, line, &mut wishes))
    }
}

/// A blob as bytes that are read.
struct Pieces {
    reader: BlobReader,
    piece: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.piece.is_empty() {
            match self.reader.next() {
                None => return Ok(0),
                Some(piece) => self.piece = piece.map_err(std::io::Error::other)?,
            }
        }
        let count = self.piece.len().min(into.len());
        into[..count].copy_from_slice(&self.piece.split_to(count));
        Ok(count)
    }
}
