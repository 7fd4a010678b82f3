//! Packs: many chunks in one object, with an index of 40 bytes a chunk beside it. Packs never change.

mod chunks;
mod squeeze;
mod writer;

use flyball_core::{Digest, Result};

use crate::codec::Reader;
use crate::failure::damaged;
pub(crate) use chunks::{Chunks, Unpacker, Wanted};
pub(crate) use squeeze::Squeezer;
pub(crate) use writer::PackWriter;

/// The folder of packs.
pub(crate) const PACKS: &str = "packs/";
/// The end of the name of an index. It is written after its pack: a pack without one is not there.
pub(crate) const INDEX: &str = ".idx";
/// The end of the name of a pack.
pub(crate) const PACK: &str = ".pack";
/// A pack is closed once it is so large: few objects, each of them moved in seconds.
pub(crate) const PACK_BYTES: u64 = 32 * 1024 * 1024;
/// Largest chunk, and so the most that is ever unpacked at once.
pub(crate) const CHUNK_BYTES: usize = 1024 * 1024;

const MAGIC: &[u8; 8] = b"FLYPACK1";
const INDEX_MAGIC: &[u8; 8] = b"FLYPIDX1";
/// Marks the stored length of a chunk that is kept compressed.
const COMPRESSED: u32 = 1 << 31;

/// A chunk in a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// The digest of its bytes.
    pub(crate) id: Digest,
    /// How many bytes it takes in the pack.
    pub(crate) stored: u32,
    /// How many bytes it has.
    pub(crate) length: u32,
    /// Whether it is kept compressed.
    pub(crate) compressed: bool,
}

/// The chunks of a pack, in the order in which they stand in it.
#[derive(Debug, Default)]
pub(crate) struct PackIndex {
    pub(crate) records: Vec<Record>,
}

impl PackIndex {
    /// The index as it is kept; its digest is the id of the pack, so that what it says cannot be changed.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(INDEX_MAGIC.len() + self.records.len() * 40);
        out.extend_from_slice(INDEX_MAGIC);
        for record in &self.records {
            let mark = if record.compressed { COMPRESSED } else { 0 };
            out.extend_from_slice(record.id.bytes());
            out.extend_from_slice(&(record.stored | mark).to_le_bytes());
            out.extend_from_slice(&record.length.to_le_bytes());
        }
        out
    }

    /// Reads what [`PackIndex::encode`] wrote, and checks that it is the index of this pack.
    pub(crate) fn decode(pack: &Digest, bytes: &[u8]) -> Result<Self> {
        let bad = || damaged(format_args!("the index of the pack {}", pack.short()));
        if Digest::of(bytes) != *pack {
            return Err(bad());
        }
        let mut reader = Reader::after(INDEX_MAGIC, bytes, "the index of a pack")?;
        let mut records = Vec::with_capacity(bytes.len() / 40);
        while reader.end().is_err() {
            let id = reader.digest()?;
            let stored = u32::from_le_bytes(reader.array()?);
            let length = u32::from_le_bytes(reader.array()?);
            let compressed = stored & COMPRESSED != 0;
            let stored = stored & !COMPRESSED;
            let is_sound = if compressed { stored < length } else { stored == length };
            if !is_sound || length as usize > CHUNK_BYTES {
                return Err(bad());
            }
            records.push(Record { id, stored, length, compressed });
        }
        Ok(Self { records })
    }

    /// Each chunk with the place where it begins.
    pub(crate) fn placed(&self) -> impl Iterator<Item = (u64, &Record)> {
        self.records.iter().scan(MAGIC.len() as u64, |next, record| {
            let at = *next;
            *next += u64::from(record.stored);
            Some((at, record))
        })
    }

    /// The size of the pack in bytes.
    pub(crate) fn pack_size(&self) -> u64 {
        MAGIC.len() as u64 + self.records.iter().map(|record| u64::from(record.stored)).sum::<u64>()
    }
}

/// The name of an object in a folder of the store: 256 folders keep each one small.
pub(crate) fn key(folder: &str, id: &Digest, end: &str) -> String {
    let text = id.to_string();
    let (first, rest) = text.split_at(2);
    format!("{folder}{first}/{rest}{end}")
}

/// The id that a name made by [`key`] stands for.
pub(crate) fn id_of(folder: &str, key: &str, end: &str) -> Option<Digest> {
    let middle = key.strip_prefix(folder)?.strip_suffix(end)?;
    let (first, rest) = middle.split_once('/')?;
    format!("{first}{rest}").parse().ok()
}

/// Whether a pack begins as one.
pub(crate) fn check_magic(pack: &Digest, bytes: &[u8]) -> Result<()> {
    if bytes == MAGIC { Ok(()) } else { Err(damaged(format_args!("the pack {}", pack.short()))) }
}

/// How many bytes stand before the first chunk.
pub(crate) const HEAD_BYTES: u64 = MAGIC.len() as u64;
