//! The files of a tree, and how lists of them are written.

use flyball_core::Digest;
use flyball_core::Result;
use serde::Serialize;

use crate::codec::{Reader, put_number};
use crate::failure::damaged;
use crate::path::FilePath;

/// What a path stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A file.
    File,
    /// A file that may be run.
    Executable,
    /// A symbolic link; its content is where it leads.
    Link,
}

impl Kind {
    /// Whether it is a file of either kind.
    pub(crate) fn is_file(self) -> bool {
        self != Kind::Link
    }
}

/// A file of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it lies in the tree.
    pub path: FilePath,
    /// What it is.
    pub kind: Kind,
    /// Its size in bytes.
    pub size: u64,
    /// The BLAKE3 digest of its content, and the id of its only chunk unless it has lists.
    pub digest: Digest,
    /// The ids of the lists of its chunks; none for a file that is one chunk.
    pub lists: Box<[Digest]>,
}

impl Entry {
    /// Whether another one has the same content and is the same kind of thing.
    pub fn is_same(&self, other: &Entry) -> bool {
        self.digest == other.digest && self.kind == other.kind
    }
}

/// The rows of a block by column: like stands beside like, so that it packs well.
pub(crate) fn encode<'e>(entries: impl ExactSizeIterator<Item = &'e Entry> + Clone) -> Vec<u8> {
    let mut out = Vec::with_capacity(entries.len() * 64);
    put_number(&mut out, entries.len() as u64);
    let mut previous: &[u8] = &[];
    for entry in entries.clone() {
        let path = entry.path.bytes();
        let shared = path.iter().zip(previous).take_while(|(a, b)| a == b).count();
        put_number(&mut out, shared as u64);
        put_number(&mut out, (path.len() - shared) as u64);
        out.extend_from_slice(&path[shared..]);
        previous = path;
    }
    out.extend(entries.clone().map(|entry| match entry.kind {
        Kind::File => 0,
        Kind::Executable => 1,
        Kind::Link => 2,
    }));
    entries.clone().for_each(|entry| put_number(&mut out, entry.size));
    entries.clone().for_each(|entry| put_number(&mut out, entry.lists.len() as u64));
    for entry in entries {
        out.extend_from_slice(entry.digest.bytes());
        entry.lists.iter().for_each(|list| out.extend_from_slice(list.bytes()));
    }
    out
}

/// Reads what [`encode`] wrote. Paths come back in order, each once, and lead nowhere else.
pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Vec<Entry>> {
    let bad = || damaged("a list of files");
    let count = reader.count()?;
    let mut paths: Vec<FilePath> = Vec::with_capacity(count);
    let mut path = Vec::new();
    for _ in 0..count {
        let (shared, own) = (reader.count_up_to(path.len())?, reader.count()?);
        path.truncate(shared);
        path.extend_from_slice(reader.bytes(own)?);
        let next = FilePath::new(&path).map_err(|_| bad())?;
        if paths.last().is_some_and(|last| *last >= next || next.is_below(last.bytes())) {
            return Err(bad());
        }
        paths.push(next);
    }
    let kinds = reader.bytes(count)?;
    let sizes = (0..count).map(|_| reader.number()).collect::<Result<Vec<_>>>()?;
    let lists = (0..count).map(|_| reader.count()).collect::<Result<Vec<_>>>()?;
    let mut entries = Vec::with_capacity(count);
    for (((path, kind), size), lists) in paths.into_iter().zip(kinds).zip(sizes).zip(lists) {
        let kind = match kind {
            0 => Kind::File,
            1 => Kind::Executable,
            2 => Kind::Link,
            _ => return Err(bad()),
        };
        let digest = reader.digest()?;
        let lists = (0..lists).map(|_| reader.digest()).collect::<Result<_>>()?;
        entries.push(Entry { path, kind, size, digest, lists });
    }
    Ok(entries)
}

/// A piece of a large file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// The BLAKE3 digest of its bytes.
    pub id: Digest,
    /// How many bytes it has.
    pub length: u32,
}

/// The chunks of a stretch of a large file, one after another.
pub(crate) fn encode_list(chunks: &[Chunk]) -> Vec<u8> {
    let mut out = Vec::with_capacity(chunks.len() * 36);
    put_number(&mut out, chunks.len() as u64);
    chunks.iter().for_each(|chunk| put_number(&mut out, u64::from(chunk.length)));
    chunks.iter().for_each(|chunk| out.extend_from_slice(chunk.id.bytes()));
    out
}

/// Reads what [`encode_list`] wrote.
pub(crate) fn decode_list(bytes: &[u8]) -> Result<Vec<Chunk>> {
    let mut reader = Reader::new(bytes, "a list of chunks");
    let count = reader.count()?;
    let lengths = (0..count).map(|_| reader.number()).collect::<Result<Vec<_>>>()?;
    let mut chunks = Vec::with_capacity(count);
    for length in lengths {
        let length = u32::try_from(length).map_err(|_| damaged("a list of chunks"))?;
        chunks.push(Chunk { id: reader.digest()?, length });
    }
    reader.end()?;
    Ok(chunks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, size: u64, lists: usize) -> Entry {
        let lists = (0..lists).map(|n| Digest::of(&n.to_le_bytes())).collect();
        Entry { path: FilePath::new(path.as_bytes()).unwrap(), kind: Kind::File, size, digest: Digest::of(b"x"), lists }
    }

    #[test]
    fn entries_come_back_and_nothing_else_is_taken_for_them() {
        let entries = vec![entry("a/b", 1, 0), entry("a/bc", 1 << 40, 3), entry("ä", 0, 0)];
        let bytes = encode(entries.iter());
        let read = |bytes: &[u8]| {
            let mut reader = Reader::new(bytes, "a block");
            decode(&mut reader).and_then(|entries| reader.end().map(|()| entries))
        };
        assert_eq!(read(&bytes).unwrap(), entries);
        for length in 0..bytes.len() {
            assert!(read(&bytes[..length]).is_err());
        }
        for wrong in [vec![entry("b", 1, 0), entry("a", 1, 0)], vec![entry("a", 1, 0), entry("a/b", 1, 0)]] {
            assert!(read(&encode(wrong.iter())).is_err(), "in order, and a file is no folder");
        }
    }

    #[test]
    fn lists_of_chunks_come_back() {
        let chunks: Vec<Chunk> = (0..3u32).map(|n| Chunk { id: Digest::of(&[n as u8]), length: n * 1000 }).collect();
        let bytes = encode_list(&chunks);
        assert_eq!(decode_list(&bytes).unwrap(), chunks);
        assert!(decode_list(&bytes[1..]).is_err());
    }
}
