//! Where the chunks of a store are, and reading them.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::path::Path;

use flyball_core::{Digest, Error, Result};
use rayon::prelude::*;
use zstd::bulk::Decompressor;

use super::{CHUNK_BYTES, INDEX, PACK, PACKS, PackIndex, Record, id_of, key};
use crate::failure::{damaged, io, missing, missing_object};
use crate::storage::{Listed, Storage};

/// How many bytes are read at once at most: large enough that a request is cheap, small enough that memory stays flat.
const READ_BYTES: u64 = 2 * 1024 * 1024;

/// Digests are spread already.
#[derive(Default)]
pub(crate) struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(Ok(first)) = bytes.get(..8).map(<[u8; 8]>::try_from) {
            self.0 ^= u64::from_le_bytes(first);
        }
    }
}

/// Where a chunk stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Location {
    pack: u32,
    stored: u32,
    /// Packs are far smaller than 4 GiB.
    at: u32,
    length: u32,
}

impl Location {
    fn record(&self, id: &Digest) -> Record {
        Record { id: *id, stored: self.stored, length: self.length, compressed: self.stored < self.length }
    }
}

/// The chunks of a store.
#[derive(Default)]
pub(crate) struct Chunks {
    packs: Vec<Digest>,
    places: HashMap<Digest, Location, BuildHasherDefault<FirstBytes>>,
}

impl Chunks {
    /// Reads the indexes of all packs. Those of a remote are kept in the folder `cache`: they never change.
    pub(crate) fn load(storage: &dyn Storage, cache: Option<&Path>) -> Result<Self> {
        let listed = storage.list(PACKS)?;
        let packs: Vec<Digest> = listed.iter().filter_map(|listed| id_of(PACKS, &listed.key, INDEX)).collect();
        let indexes = packs.par_iter().map(|pack| read_index(storage, cache, pack)).collect::<Result<Vec<_>>>()?;
        Self::of(packs.into_iter().zip(&indexes))
    }

    /// The chunks of these packs.
    pub(crate) fn of<'i>(packs: impl Iterator<Item = (Digest, &'i PackIndex)> + Clone) -> Result<Self> {
        let mut chunks = Self::default();
        chunks.places.reserve(packs.clone().map(|(_, index)| index.records.len()).sum());
        packs.into_iter().try_for_each(|(pack, index)| chunks.add(pack, index))?;
        Ok(chunks)
    }

    fn add(&mut self, pack: Digest, index: &PackIndex) -> Result<()> {
        let number = u32::try_from(self.packs.len()).map_err(|_| damaged("the list of packs"))?;
        for (at, record) in index.placed() {
            let at = u32::try_from(at).map_err(|_| damaged(format_args!("the pack {}", pack.short())))?;
            let place = Location { pack: number, stored: record.stored, at, length: record.length };
            self.places.insert(record.id, place);
        }
        self.packs.push(pack);
        Ok(())
    }

    pub(crate) fn has(&self, id: &Digest) -> bool {
        self.places.contains_key(id)
    }

    pub(crate) fn find(&self, id: &Digest) -> Result<Location> {
        self.places.get(id).copied().ok_or_else(|| missing("chunk", id))
    }

    /// One chunk.
    pub(crate) fn read(&self, storage: &dyn Storage, id: &Digest) -> Result<Vec<u8>> {
        let place = self.find(id)?;
        let wanted = Wanted { chunks: vec![(*id, place)] };
        let mut chunk = Vec::new();
        self.read_run(storage, &wanted, |_, _, bytes| {
            chunk = bytes.to_vec();
            Ok(())
        })?;
        Ok(chunk)
    }

    /// Reads chunks that stand one behind the other, and hands each of them on, checked: how it is stored, what is stored, and
    /// what it is.
    pub(crate) fn read_run(
        &self,
        storage: &dyn Storage,
        run: &Wanted,
        mut take: impl FnMut(&Record, &[u8], &[u8]) -> Result<()>,
    ) -> Result<()> {
        let Some((_, first)) = run.chunks.first() else { return Ok(()) };
        let pack = self.packs.get(first.pack as usize).ok_or_else(|| damaged("the list of packs"))?;
        let begin = u64::from(first.at);
        let bytes = storage.get_range(&key(PACKS, pack, PACK), begin..begin + run.stored())?;
        let mut unpacker = Unpacker::default();
        let mut at = 0;
        for (id, place) in &run.chunks {
            let stored = bytes.get(at..at + place.stored as usize);
            let stored = stored.ok_or_else(|| damaged(format_args!("the pack {}", pack.short())))?;
            at += stored.len();
            let record = place.record(id);
            take(&record, stored, unpacker.unpack(id, stored, place.length)?)?;
        }
        Ok(())
    }

    /// These chunks in the order in which they stand.
    pub(crate) fn in_order(&self, ids: impl IntoIterator<Item = Digest>) -> Result<Vec<Digest>> {
        let places = ids.into_iter().map(|id| self.find(&id).map(|place| (place.pack, place.at, id)));
        let mut places = places.collect::<Result<Vec<_>>>()?;
        places.sort_unstable();
        places.dedup();
        Ok(places.into_iter().map(|(_, _, id)| id).collect())
    }

    /// Chunks in this order, as runs that are read at once.
    pub(crate) fn runs(&self, ids: impl IntoIterator<Item = Digest>) -> Result<Vec<Wanted>> {
        let mut runs: Vec<Wanted> = Vec::new();
        for id in ids {
            let place = self.find(&id)?;
            match runs.last_mut() {
                Some(run) if run.is_followed_by(&place) => run.chunks.push((id, place)),
                _ => runs.push(Wanted { chunks: vec![(id, place)] }),
            }
        }
        Ok(runs)
    }
}

/// Chunks that stand one behind the other in a pack.
pub(crate) struct Wanted {
    pub(crate) chunks: Vec<(Digest, Location)>,
}

impl Wanted {
    pub(crate) fn stored(&self) -> u64 {
        self.chunks.iter().map(|(_, place)| u64::from(place.stored)).sum()
    }

    /// Whether a chunk may join the run.
    pub(crate) fn is_followed_by(&self, next: &Location) -> bool {
        let (Some((_, first)), Some((_, last))) = (self.chunks.first(), self.chunks.last()) else { return true };
        last.pack == next.pack
            && u64::from(last.at) + u64::from(last.stored) == u64::from(next.at)
            && u64::from(next.at - first.at) + u64::from(next.stored) <= READ_BYTES
    }
}

/// Unpacks chunks, one after another.
#[derive(Default)]
pub(crate) struct Unpacker {
    decompressor: Option<Decompressor<'static>>,
    buffer: Vec<u8>,
}

impl Unpacker {
    /// The bytes of a chunk as it is stored, checked to be those of its id.
    pub(crate) fn unpack<'b>(&'b mut self, id: &Digest, stored: &'b [u8], length: u32) -> Result<&'b [u8]> {
        let bad = || damaged(format_args!("the chunk {}", id.short()));
        let length = length as usize;
        let bytes = if stored.len() < length {
            if length > CHUNK_BYTES {
                return Err(bad());
            }
            self.buffer.clear();
            self.buffer.reserve(length);
            let decompressor = match self.decompressor.take() {
                Some(decompressor) => decompressor,
                None => Decompressor::new().map_err(Error::internal)?,
            };
            let decompressor = self.decompressor.insert(decompressor);
            decompressor.decompress_to_buffer(stored, &mut self.buffer).map_err(|error| bad().cause(error))?;
            self.buffer.as_slice()
        } else {
            stored
        };
        if Digest::of(bytes) == *id { Ok(bytes) } else { Err(bad()) }
    }
}

/// The index of a pack, from the cache where it is there and sound.
pub(crate) fn read_index(storage: &dyn Storage, cache: Option<&Path>, pack: &Digest) -> Result<PackIndex> {
    let cached = cache.map(|cache| cache.join(pack.to_string()));
    if let Some(bytes) = cached.as_ref().and_then(|cached| std::fs::read(cached).ok())
        && let Ok(index) = PackIndex::decode(pack, &bytes)
    {
        return Ok(index);
    }
    let name = key(PACKS, pack, INDEX);
    let bytes = storage.get(&name)?.ok_or_else(|| missing_object(&name))?;
    let index = PackIndex::decode(pack, &bytes)?;
    if let Some(cached) = cached {
        std::fs::write(&cached, &bytes).map_err(|error| io("write", cached.display(), error))?;
    }
    Ok(index)
}

impl PackIndex {
    /// Reads the indexes of all packs of a storage, with what was listed of each pack.
    pub(crate) fn all(storage: &dyn Storage) -> Result<Vec<(Digest, Listed, Result<Self>)>> {
        let listed = storage.list(PACKS)?;
        let packs = listed.into_iter().filter_map(|listed| Some((id_of(PACKS, &listed.key, INDEX)?, listed)));
        Ok(packs.map(|(pack, listed)| (pack, listed, read_index(storage, None, &pack))).collect())
    }
}
