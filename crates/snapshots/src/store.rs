//! A store of versions: commits, manifests and packs by their digests, and the references that name commits.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use flyball_core::{Digest, Error, ErrorCode, Result};
use rayon::prelude::*;

use crate::codec::Reader;
use crate::commit::Commit;
use crate::entry::{self, Chunk, Entry};
use crate::failure::{damaged, missing};
use crate::manifest::{Block, Manifest};
use crate::pack::{Chunks, PackWriter, id_of, key};
use crate::path::Selection;
use crate::storage::{Listed, Storage};

/// The folder of commits.
pub(crate) const COMMITS: &str = "commits/";
/// The folder of manifests.
pub(crate) const MANIFESTS: &str = "manifests/";
/// The folder of references.
pub(crate) const REFS: &str = "refs/";

/// A store, in a folder of the project or at a remote.
#[derive(Clone)]
pub struct Store {
    storage: Arc<dyn Storage>,
    /// Where indexes of packs of a remote are kept.
    cache: Option<PathBuf>,
    chunks: Arc<Mutex<Option<Arc<Chunks>>>>,
}

impl Store {
    /// The store in this storage; what is read again and again of a remote is kept in the folder `cache`.
    pub fn new(storage: Arc<dyn Storage>, cache: Option<PathBuf>) -> Self {
        Self { storage, cache, chunks: Arc::default() }
    }

    /// The same store, of which everything is read anew.
    pub(crate) fn without_cache(self) -> Self {
        Self { cache: None, chunks: Arc::default(), ..self }
    }

    /// The same store with these chunks and no others.
    pub(crate) fn with_chunks(&self, chunks: Chunks) -> Self {
        Self { chunks: Arc::new(Mutex::new(Some(Arc::new(chunks)))), ..self.clone() }
    }

    /// Where it is kept.
    pub fn storage(&self) -> &dyn Storage {
        self.storage.as_ref()
    }

    /// A commit.
    ///
    /// # Errors
    /// `InvalidData` when it is missing or damaged, `Unavailable` when the store does not answer.
    pub fn commit(&self, id: &Digest) -> Result<Commit> {
        let bytes = self.storage.get(&key(COMMITS, id, ""))?.ok_or_else(|| missing("commit", id))?;
        Commit::decode(id, &bytes)
    }

    /// Whether a commit is there.
    pub(crate) fn has_commit(&self, id: &Digest) -> Result<bool> {
        Ok(self.storage.get(&key(COMMITS, id, ""))?.is_some())
    }

    pub(crate) fn put_commit(&self, commit: &Commit) -> Result<Digest> {
        let bytes = commit.encode()?;
        let id = Digest::of(&bytes);
        self.storage.put(&key(COMMITS, &id, ""), &bytes)?;
        Ok(id)
    }

    /// The manifest of this digest.
    ///
    /// # Errors
    /// `InvalidData` when it is missing or damaged, `Unavailable` when the store does not answer.
    pub fn manifest(&self, id: &Digest) -> Result<Manifest> {
        let bytes = self.storage.get(&key(MANIFESTS, id, ""))?.ok_or_else(|| missing("manifest", id))?;
        Manifest::decode(id, &bytes)
    }

    pub(crate) fn put_manifest(&self, manifest: &Manifest) -> Result<Digest> {
        let bytes = manifest.encode();
        let id = Digest::of(&bytes);
        self.storage.put(&key(MANIFESTS, &id, ""), &bytes)?;
        Ok(id)
    }

    /// The ids of all objects of a folder, with what was listed of them.
    pub(crate) fn listed(&self, folder: &str) -> Result<Vec<(Digest, Listed)>> {
        let listed = self.storage.list(folder)?;
        Ok(listed.into_iter().filter_map(|listed| Some((id_of(folder, &listed.key, "")?, listed))).collect())
    }

    /// Where its chunks are.
    pub(crate) fn chunks(&self) -> Result<Arc<Chunks>> {
        let mut chunks = self.chunks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(chunks) = &*chunks {
            return Ok(chunks.clone());
        }
        if let Some(cache) = &self.cache {
            std::fs::create_dir_all(cache).map_err(|error| crate::failure::io("use", cache.display(), error))?;
        }
        let loaded = Arc::new(Chunks::load(self.storage.as_ref(), self.cache.as_deref())?);
        Ok(chunks.insert(loaded).clone())
    }

    /// A writer of packs. Once it is finished, [`Store::written`] must be called.
    pub(crate) fn writer(&self) -> PackWriter<'_> {
        PackWriter::new(self.storage.as_ref())
    }

    /// Forgets where chunks are: there are new packs, or may be.
    pub(crate) fn written(&self) {
        *self.chunks.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The files of a block.
    pub(crate) fn block(&self, block: &Block) -> Result<Vec<Entry>> {
        let bytes = self.chunks()?.read(self.storage.as_ref(), &block.id)?;
        let mut reader = Reader::new(&bytes, "a block of a manifest");
        let entries = entry::decode(&mut reader)?;
        reader.end()?;
        if entries.first().is_none_or(|first| first.path != block.first) {
            return Err(damaged("a manifest"));
        }
        Ok(entries)
    }

    /// The files of a version that are meant, in the order of their paths.
    ///
    /// # Errors
    /// `InvalidData` when something is missing or damaged, `Unavailable` when the store does not answer.
    pub fn entries(&self, manifest: &Manifest, selection: &Selection) -> Result<Vec<Entry>> {
        self.chunks()?;
        let blocks = manifest.blocks.par_iter().map(|block| self.block(block)).collect::<Result<Vec<_>>>()?;
        let mut entries: Vec<Entry> = Vec::with_capacity(usize::try_from(manifest.files).unwrap_or(0).min(1 << 20));
        for block in blocks {
            let in_order = entries.last().zip(block.first()).is_none_or(|(last, first)| last.path < first.path);
            if !in_order {
                return Err(damaged("a manifest"));
            }
            entries.extend(block);
        }
        if !selection.is_all() {
            entries.retain(|entry| selection.holds(&entry.path));
        }
        Ok(entries)
    }

    /// The chunks of a file in their order; none for an empty one.
    ///
    /// # Errors
    /// `InvalidData` when something is missing or damaged, `Unavailable` when the store does not answer.
    pub fn chunks_of(&self, file: &Entry) -> Result<Vec<Chunk>> {
        if file.size == 0 {
            return Ok(Vec::new());
        }
        if file.lists.is_empty() {
            let length = u32::try_from(file.size).map_err(|_| damaged(format_args!("the entry of {}", file.path)))?;
            return Ok(vec![Chunk { id: file.digest, length }]);
        }
        let chunks = self.chunks()?;
        let mut all = Vec::new();
        for list in &file.lists {
            all.extend(entry::decode_list(&chunks.read(self.storage.as_ref(), list)?)?);
        }
        if all.iter().map(|chunk| u64::from(chunk.length)).sum::<u64>() != file.size {
            return Err(damaged(format_args!("the entry of {}", file.path)));
        }
        Ok(all)
    }

    /// Reads a file piece by piece, each checked. The whole is checked, too, before the last piece is handed on.
    ///
    /// # Errors
    /// Those of [`Store::chunks_of`], and of `take`.
    pub fn read(&self, file: &Entry, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let pieces = self.chunks_of(file)?;
        let chunks = self.chunks()?;
        let (mut whole, mut size) = (blake3::Hasher::new(), 0);
        let is_large = pieces.len() > 1;
        for run in chunks.runs(pieces.iter().map(|chunk| chunk.id))? {
            chunks.read_run(self.storage.as_ref(), &run, |_, _, bytes| {
                size += bytes.len() as u64;
                if is_large {
                    whole.update(bytes);
                }
                if size == file.size && is_large && Digest::from(whole.finalize()) != file.digest {
                    return Err(damaged(&file.path));
                }
                take(bytes)
            })?;
        }
        if size == file.size { Ok(()) } else { Err(damaged(&file.path)) }
    }

    /// What a reference names; none if it is not there.
    pub(crate) fn reference(&self, name: &str) -> Result<Option<Digest>> {
        let Some(bytes) = self.storage.get(&format!("{REFS}{name}"))? else { return Ok(None) };
        let text = String::from_utf8(bytes).unwrap_or_default();
        text.trim_end().parse().map(Some).map_err(|_| damaged(format_args!("the reference {name}")))
    }

    /// All references whose names begin with this folder.
    pub(crate) fn references(&self, folder: &str) -> Result<Vec<(String, Digest)>> {
        let listed = self.storage.list(&format!("{REFS}{folder}"))?;
        let names = listed.iter().filter_map(|listed| listed.key.strip_prefix(REFS));
        names.filter_map(|name| Some(self.reference(name).transpose()?.map(|id| (name.to_owned(), id)))).collect()
    }

    /// Moves a reference, if it still names what it is expected to name.
    pub(crate) fn move_reference(&self, name: &str, from: Option<&Digest>, to: &Digest) -> Result<()> {
        let from = from.map(|id| format!("{id}\n"));
        let key = format!("{REFS}{name}");
        if self.storage.swap(&key, from.as_ref().map(String::as_bytes), format!("{to}\n").as_bytes())? {
            return Ok(());
        }
        let short = name.rsplit('/').next().unwrap_or(name);
        Err(Error::new(ErrorCode::Conflict, format!("'{short}' at {} was moved by somebody else", self.storage.name()))
            .hint("get what is new with flyball data pull, then try again"))
    }

    pub(crate) fn delete_reference(&self, name: &str) -> Result<()> {
        self.storage.delete(&format!("{REFS}{name}"))
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("storage", &self.storage).finish_non_exhaustive()
    }
}
