//! Writing packs.

use std::collections::HashSet;
use std::io::Write;

use flyball_core::{Digest, Result};

use super::{INDEX, MAGIC, PACK, PACK_BYTES, PACKS, PackIndex, Record, key};
use crate::failure::io;
use crate::storage::{Staged, Storage};

/// Writes chunks into packs, one after another. A pack is visible once its index is, and is complete then; dropped without
/// [`PackWriter::finish`], the pack that was begun never was.
pub(crate) struct PackWriter<'s> {
    storage: &'s dyn Storage,
    open: Option<Open>,
    written: HashSet<Digest>,
    packs: Vec<Digest>,
    bytes: u64,
}

struct Open {
    staged: Staged,
    index: PackIndex,
    length: u64,
}

impl<'s> PackWriter<'s> {
    pub(crate) fn new(storage: &'s dyn Storage) -> Self {
        Self { storage, open: None, written: HashSet::new(), packs: Vec::new(), bytes: 0 }
    }

    /// Adds chunks whose stored bytes stand one behind the other in `bytes`; those that this writer wrote already are left out.
    pub(crate) fn add(&mut self, records: &[Record], bytes: &[u8]) -> Result<()> {
        let (mut begin, mut at) = (0, 0);
        for record in records {
            let end = at + record.stored as usize;
            if self.written.insert(record.id) {
                self.open()?.index.records.push(*record);
            } else {
                self.write(&bytes[begin..at])?;
                begin = end;
            }
            at = end;
        }
        self.write(&bytes[begin..at])?;
        if self.open.as_ref().is_some_and(|open| open.length >= PACK_BYTES) { self.close() } else { Ok(()) }
    }

    /// Whether this writer wrote the chunk.
    pub(crate) fn has(&self, id: &Digest) -> bool {
        self.written.contains(id)
    }

    fn open(&mut self) -> Result<&mut Open> {
        let open = match self.open.take() {
            Some(open) => open,
            None => {
                let mut staged = self.storage.stage()?;
                staged.file.write_all(MAGIC).map_err(|error| io("write to", self.storage.name(), error))?;
                Open { staged, index: PackIndex::default(), length: MAGIC.len() as u64 }
            }
        };
        Ok(self.open.insert(open))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let name = self.storage.name();
        let open = self.open()?;
        open.staged.file.write_all(bytes).map_err(|error| io("write to", name, error))?;
        open.length += bytes.len() as u64;
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        let Some(open) = self.open.take() else { return Ok(()) };
        let index = open.index.encode();
        let pack = Digest::of(&index);
        self.storage.keep(open.staged, &key(PACKS, &pack, PACK))?;
        self.storage.put(&key(PACKS, &pack, INDEX), &index)?;
        self.packs.push(pack);
        self.bytes += open.length;
        Ok(())
    }

    /// Closes the last pack. Returns the packs that were written and how many bytes they take.
    pub(crate) fn finish(mut self) -> Result<(Vec<Digest>, u64)> {
        self.close()?;
        Ok((std::mem::take(&mut self.packs), self.bytes))
    }
}
