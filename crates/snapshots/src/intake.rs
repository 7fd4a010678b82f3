//! Taking files in: they are read once, cut, hashed, and what is new of them goes into packs.

use std::fs::File;
use std::os::fd::OwnedFd;

use flyball_core::{Clock, Digest, Error, ErrorCode, Result};
use rayon::prelude::*;
use rustix::fs::{Mode, OFlags, openat, readlinkat};
use rustix::io::Errno;

use crate::chunker;
use crate::entry::{Chunk, Entry, Kind, encode_list};
use crate::failure::io;
use crate::index::Tracked;
use crate::manifest::write_chunk;
use crate::pack::{Chunks, PackWriter, Record, Squeezer};
use crate::scan::{Found, Stamp, stamp_of};

/// From this size on a file is cut into chunks; smaller ones are one chunk.
pub(crate) const LARGE: u64 = 1024 * 1024;
/// Small files are read in batches of so many bytes or files.
const BATCH_BYTES: u64 = 1024 * 1024;
const BATCH_FILES: usize = 512;
/// How many batches are prepared while those before are written; this bounds the memory.
const BATCHES_AT_ONCE: usize = 4;
/// How much of a large file is in memory at once.
const SEGMENT_BYTES: usize = 4 * 1024 * 1024;
/// A list of chunks ends at a chunk whose id says so, one in so many on average, and has at most four times as many.
const LIST_CHUNKS: usize = 1024;
/// How often a file that changes while it is read is read again.
const TRIES: usize = 3;

/// Takes files in.
pub(crate) struct Intake<'s> {
    folder: &'s OwnedFd,
    known: &'s Chunks,
    writer: PackWriter<'s>,
    clock: &'s dyn Clock,
}

/// What was taken in.
#[derive(Default)]
pub(crate) struct Taken {
    /// The files, in the order in which they were given; those that vanished meanwhile are left out.
    pub(crate) files: Vec<Tracked>,
    /// How many bytes were read.
    pub(crate) read: u64,
    /// How many bytes of packs were written.
    pub(crate) written: u64,
}

/// A batch of small files that was read.
#[derive(Default)]
struct Prepared {
    files: Vec<Tracked>,
    records: Vec<Record>,
    bytes: Vec<u8>,
    read: u64,
}

impl<'s> Intake<'s> {
    /// Takes in files below this folder. Chunks that are `known` are not written again.
    pub(crate) fn new(folder: &'s OwnedFd, known: &'s Chunks, writer: PackWriter<'s>, clock: &'s dyn Clock) -> Self {
        Self { folder, known, writer, clock }
    }

    /// Takes in all of these files, given in the order of their paths.
    ///
    /// # Errors
    /// `Conflict` naming a file that changes whenever it is read, `StorageFull`, or what reading says.
    pub(crate) fn take(mut self, found: Vec<Found>) -> Result<Taken> {
        let mut taken = Taken::default();
        let mut waiting: Option<Vec<Prepared>> = None;
        let mut rest = found.as_slice();
        while !rest.is_empty() {
            if rest[0].kind.is_file() && rest[0].stamp.size >= LARGE {
                self.write(&mut taken, waiting.take())?;
                if let Some(file) = self.take_large(&rest[0], &mut taken)? {
                    taken.files.push(file);
                }
                rest = &rest[1..];
                continue;
            }
            let batches: Vec<&[Found]> = std::iter::from_fn(|| next_batch(&mut rest)).take(BATCHES_AT_ONCE).collect();
            let (folder, known, clock) = (self.folder, self.known, self.clock);
            let before = waiting.take();
            let (written, prepared) = rayon::join(
                || self.write(&mut taken, before),
                || batches.par_iter().map(|batch| prepare(folder, known, clock, batch)).collect::<Result<Vec<_>>>(),
            );
            written?;
            waiting = Some(prepared?);
        }
        self.write(&mut taken, waiting)?;
        let (_, bytes) = self.writer.finish()?;
        taken.written = bytes;
        Ok(taken)
    }

    fn write(&mut self, taken: &mut Taken, prepared: Option<Vec<Prepared>>) -> Result<()> {
        for batch in prepared.into_iter().flatten() {
            self.writer.add(&batch.records, &batch.bytes)?;
            taken.files.extend(batch.files);
            taken.read += batch.read;
        }
        Ok(())
    }

    fn take_large(&mut self, found: &Found, taken: &mut Taken) -> Result<Option<Tracked>> {
        for _ in 0..TRIES {
            let looked_at = now_nanos(self.clock);
            let Some(mut file) = open(self.folder, found)? else { return Ok(None) };
            let Some((kind, before)) = stamp_of(&file, &found.path)? else { continue };
            let (digest, lists, size) = self.cut(&mut file, found)?;
            taken.read += size;
            if stamp_of(&file, &found.path)? == Some((kind, before)) && size == before.size {
                let entry = Entry { path: found.path.clone(), kind, size, digest, lists };
                let stamp = if before.rests(looked_at) { before } else { Stamp::NONE };
                return Ok(Some(Tracked { entry, stamp }));
            }
        }
        Err(unsteady(found))
    }

    /// Cuts, hashes and writes a whole file.
    fn cut(&mut self, file: &mut File, found: &Found) -> Result<(Digest, Box<[Digest]>, u64)> {
        let mut whole = blake3::Hasher::new();
        let mut squeezer = Squeezer::new()?;
        let mut buffer = Vec::with_capacity(SEGMENT_BYTES);
        let (mut chunks, mut size) = (Vec::new(), 0);
        loop {
            let begin = buffer.len();
            let ended = fill(file, &mut buffer, found)?;
            let fresh = &buffer[begin..];
            size += fresh.len() as u64;
            let lengths = chunker::lengths(&buffer, ended);
            let (_, ids) = rayon::join(|| whole.update(fresh), || digests(&buffer, &lengths));
            let mut at = 0;
            for (id, length) in ids.into_iter().zip(lengths) {
                let chunk = &buffer[at..at + length];
                at += length;
                chunks.push(Chunk { id, length: u32::try_from(length).map_err(Error::internal)? });
                if !self.known.has(&id) && !self.writer.has(&id) {
                    let squeezed = squeezer.squeeze(found.path.bytes(), chunk);
                    let stored = squeezed.unwrap_or(chunk);
                    let stored_length = u32::try_from(stored.len()).map_err(Error::internal)?;
                    let compressed = squeezed.is_some();
                    let record = Record { id, stored: stored_length, length: length as u32, compressed };
                    self.writer.add(&[record], stored)?;
                }
            }
            if ended {
                break;
            }
            buffer.drain(..at);
        }
        let lists = self.write_lists(&chunks, &mut squeezer)?;
        Ok((Digest::from(whole.finalize()), lists, size))
    }

    /// Writes the lists of the chunks of a file. Where a list ends depends on the chunks, so that a change is a new list and
    /// leaves the others as they are.
    fn write_lists(&mut self, chunks: &[Chunk], squeezer: &mut Squeezer) -> Result<Box<[Digest]>> {
        let ends = |chunk: &Chunk| {
            let [a, b, ..] = *chunk.id.bytes();
            usize::from(u16::from_le_bytes([a, b])).is_multiple_of(LIST_CHUNKS)
        };
        let (mut lists, mut begin) = (Vec::new(), 0);
        for (at, chunk) in chunks.iter().enumerate() {
            let length = at + 1 - begin;
            if !(ends(chunk) || length == 4 * LIST_CHUNKS || at + 1 == chunks.len()) {
                continue;
            }
            let bytes = encode_list(&chunks[begin..=at]);
            let id = Digest::of(&bytes);
            if !self.known.has(&id) {
                write_chunk(&mut self.writer, squeezer, &id, &bytes)?;
            }
            lists.push(id);
            begin = at + 1;
        }
        Ok(lists.into())
    }
}

/// The next files that are read together.
fn next_batch<'f>(rest: &mut &'f [Found]) -> Option<&'f [Found]> {
    let (mut bytes, mut count) = (0, 0);
    for found in rest.iter().take(BATCH_FILES) {
        if found.kind.is_file() && found.stamp.size >= LARGE || (count > 0 && bytes + found.stamp.size > BATCH_BYTES) {
            break;
        }
        bytes += found.stamp.size;
        count += 1;
    }
    let (batch, after) = rest.split_at(count);
    *rest = after;
    (count > 0).then_some(batch)
}

/// Reads a batch of small files.
fn prepare(folder: &OwnedFd, known: &Chunks, clock: &dyn Clock, batch: &[Found]) -> Result<Prepared> {
    let looked_at = now_nanos(clock);
    let mut squeezer = Squeezer::new()?;
    let mut prepared = Prepared { files: Vec::with_capacity(batch.len()), ..Prepared::default() };
    let bytes: u64 = batch.iter().map(|found| found.stamp.size).sum();
    prepared.bytes.reserve(usize::try_from(bytes).map_err(Error::internal)?);
    for found in batch {
        let begin = prepared.bytes.len();
        let Some((kind, stamp)) = read_small(folder, found, &mut prepared.bytes)? else { continue };
        let content = &prepared.bytes[begin..];
        let digest = Digest::of(content);
        prepared.read += content.len() as u64;
        let length = u32::try_from(content.len()).map_err(Error::internal)?;
        let size = u64::from(length);
        if size == 0 || known.has(&digest) {
            prepared.bytes.truncate(begin);
        } else {
            let mut record = Record { id: digest, stored: length, length, compressed: false };
            if let Some(squeezed) = squeezer.squeeze(found.path.bytes(), content) {
                record = Record { stored: squeezed.len() as u32, compressed: true, ..record };
                prepared.bytes.truncate(begin);
                prepared.bytes.extend_from_slice(squeezed);
            }
            prepared.records.push(record);
        }
        let entry = Entry { path: found.path.clone(), kind, size, digest, lists: Box::default() };
        let stamp = if stamp.rests(looked_at) { stamp } else { Stamp::NONE };
        prepared.files.push(Tracked { entry, stamp });
    }
    Ok(prepared)
}

/// Adds the content of a small file or link to `out`; none if it vanished.
pub(crate) fn read_small(folder: &OwnedFd, found: &Found, out: &mut Vec<u8>) -> Result<Option<(Kind, Stamp)>> {
    let begin = out.len();
    if found.kind == Kind::Link {
        return match readlinkat(folder, found.path.as_path(), Vec::new()) {
            Ok(target) => {
                out.extend_from_slice(target.as_bytes());
                Ok(Some((Kind::Link, found.stamp)))
            }
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(Errno::INVAL) => Err(unsteady(found)),
            Err(error) => Err(io("read the link", &found.path, error.into())),
        };
    }
    for _ in 0..TRIES {
        out.truncate(begin);
        let Some(file) = open(folder, found)? else { return Ok(None) };
        // A file that rested between the look at the folder and the last byte is one state; that needs no look before.
        let size = read_whole(&file, found, out)?;
        let Some((kind, after)) = stamp_of(&file, &found.path)? else { continue };
        if size == after.size && after == found.stamp {
            return Ok(Some((kind, after)));
        }
        out.truncate(begin);
        if after.size >= LARGE {
            continue;
        }
        let size = read_again(&file, found, out)?;
        if size == after.size && stamp_of(&file, &found.path)? == Some((kind, after)) {
            return Ok(Some((kind, after)));
        }
    }
    Err(unsteady(found))
}

/// Reads a file that had this size when it was found, and no further than a small file goes.
fn read_whole(file: &File, found: &Found, out: &mut Vec<u8>) -> Result<u64> {
    let wanted = usize::try_from(found.stamp.size).map_err(Error::internal)?;
    let begin = out.len();
    out.resize(begin + wanted, 0);
    let mut read = 0;
    while read < wanted {
        let got = rustix::io::read(file, &mut out[begin + read..]);
        match got.map_err(|error| io("read", &found.path, error.into()))? {
            0 => break,
            more => read += more,
        }
    }
    out.truncate(begin + read);
    Ok(read as u64)
}

fn read_again(mut file: &File, found: &Found, out: &mut Vec<u8>) -> Result<u64> {
    use std::io::{Read, Seek};
    let failed = |error| io("read", &found.path, error);
    file.rewind().map_err(failed)?;
    let read = file.take(LARGE).read_to_end(out).map_err(failed)?;
    Ok(read as u64)
}

/// Opens a file that was found, which never waits for anybody; none if it vanished.
pub(crate) fn open(folder: &OwnedFd, found: &Found) -> Result<Option<File>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    match openat(folder, found.path.as_path(), flags, Mode::empty()) {
        Ok(file) => Ok(Some(File::from(file))),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(Errno::LOOP) => Err(unsteady(found)),
        Err(error) => Err(io("read", &found.path, error.into())),
    }
}

/// Reads on until the buffer is full. Tells whether the file ended.
fn fill(file: &mut File, buffer: &mut Vec<u8>, found: &Found) -> Result<bool> {
    let mut at = buffer.len();
    buffer.resize(SEGMENT_BYTES, 0);
    while at < SEGMENT_BYTES {
        let read = rustix::io::read(&*file, &mut buffer[at..]);
        match read.map_err(|error| io("read", &found.path, error.into()))? {
            0 => break,
            more => at += more,
        }
    }
    buffer.truncate(at);
    Ok(at < SEGMENT_BYTES)
}

fn digests(bytes: &[u8], lengths: &[usize]) -> Vec<Digest> {
    let mut at = 0;
    let chunks: Vec<&[u8]> = lengths
        .iter()
        .map(|length| {
            let chunk = &bytes[at..at + length];
            at += length;
            chunk
        })
        .collect();
    chunks.par_iter().map(|chunk| Digest::of(chunk)).collect()
}

pub(crate) fn now_nanos(clock: &dyn Clock) -> i64 {
    clock.now().0.saturating_mul(1_000_000)
}

fn unsteady(found: &Found) -> Error {
    Error::new(ErrorCode::Conflict, format!("{} changes while it is read", found.path))
        .hint("add it again once nobody writes to it")
}
