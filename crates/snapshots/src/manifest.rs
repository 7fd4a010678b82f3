//! Manifests: the files of a version, in blocks that versions share where their files are the same.

use flyball_core::{Digest, Result};

use crate::codec::{Reader, put_number};
use crate::entry::{self, Entry};
use crate::failure::damaged;
use crate::pack::{PackWriter, Record, Squeezer};
use crate::path::FilePath;

const MAGIC: &[u8; 8] = b"FLYTREE1";
/// A block ends at a path whose hash says so, one in so many on average: where it ends depends on the paths near by only, so
/// that a change is a new block and leaves the others as they are.
const BLOCK_FILES: usize = 1024;
/// The least and the most files of a block.
const BLOCK_FILES_LEAST: usize = 128;
const BLOCK_FILES_MOST: usize = 4096;
/// The most bytes of a block, about: long paths and the lists of very large files make entries long.
const BLOCK_BYTES: usize = 256 * 1024;

/// The files of a version: what its blocks are and where they begin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// How many files there are.
    pub files: u64,
    /// How many bytes they have.
    pub bytes: u64,
    pub(crate) blocks: Vec<Block>,
}

/// A stretch of the files, in the order of their paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// The chunk that holds it.
    pub(crate) id: Digest,
    /// Its first path.
    pub(crate) first: FilePath,
}

impl Manifest {
    /// Writes the blocks of these files, which stand in the order of their paths. `has` tells which chunks are there.
    pub(crate) fn write(entries: &[Entry], writer: &mut PackWriter<'_>, has: impl Fn(&Digest) -> bool) -> Result<Self> {
        let bytes = entries.iter().map(|entry| entry.size).sum();
        let mut manifest = Self { files: entries.len() as u64, bytes, blocks: Vec::new() };
        let mut squeezer = Squeezer::new()?;
        let mut begin = 0;
        while let Some(rest) = entries.get(begin..).filter(|rest| !rest.is_empty()) {
            let block = &rest[..block_length(rest)];
            begin += block.len();
            let bytes = entry::encode(block.iter());
            let id = Digest::of(&bytes);
            manifest.blocks.push(Block { id, first: block[0].path.clone() });
            if !has(&id) {
                write_chunk(writer, &mut squeezer, &id, &bytes)?;
            }
        }
        Ok(manifest)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        put_number(&mut out, self.files);
        put_number(&mut out, self.bytes);
        put_number(&mut out, self.blocks.len() as u64);
        for block in &self.blocks {
            out.extend_from_slice(block.id.bytes());
            put_number(&mut out, block.first.bytes().len() as u64);
            out.extend_from_slice(block.first.bytes());
        }
        out
    }

    pub(crate) fn decode(id: &Digest, bytes: &[u8]) -> Result<Self> {
        let bad = || damaged(format_args!("the manifest {}", id.short()));
        if Digest::of(bytes) != *id {
            return Err(bad());
        }
        let mut reader = Reader::after(MAGIC, bytes, "a manifest")?;
        let (files, size) = (reader.number()?, reader.number()?);
        let count = reader.count()?;
        let mut blocks: Vec<Block> = Vec::with_capacity(count);
        for _ in 0..count {
            let id = reader.digest()?;
            let length = reader.count()?;
            let first = FilePath::new(reader.bytes(length)?).map_err(|_| bad())?;
            if blocks.last().is_some_and(|last| last.first >= first) {
                return Err(bad());
            }
            blocks.push(Block { id, first });
        }
        reader.end()?;
        Ok(Self { files, bytes: size, blocks })
    }
}

/// Writes a chunk of a version's own description.
pub(crate) fn write_chunk(
    writer: &mut PackWriter<'_>,
    squeezer: &mut Squeezer,
    id: &Digest,
    bytes: &[u8],
) -> Result<()> {
    let length = u32::try_from(bytes.len()).map_err(flyball_core::Error::internal)?;
    let squeezed = squeezer.squeeze(b"", bytes);
    let stored = squeezed.unwrap_or(bytes);
    let record = Record { id: *id, stored: stored.len() as u32, length, compressed: squeezed.is_some() };
    writer.add(&[record], stored)
}

/// How many of these files are the next block.
fn block_length(entries: &[Entry]) -> usize {
    let mut bytes = 0;
    for (count, entry) in entries.iter().enumerate().take(BLOCK_FILES_MOST) {
        bytes += entry.path.bytes().len() + 48 + entry.lists.len() * 32;
        // FNV-1a: where blocks end must be the same on every machine.
        let hash = entry
            .path
            .bytes()
            .iter()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
        let ends = count + 1 >= BLOCK_FILES_LEAST && (hash >> 32).is_multiple_of(BLOCK_FILES as u64);
        if ends || bytes >= BLOCK_BYTES {
            return count + 1;
        }
    }
    entries.len().min(BLOCK_FILES_MOST)
}
