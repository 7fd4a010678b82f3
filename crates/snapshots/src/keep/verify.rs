//! Verifying: everything is read and hashed again, and what is damaged is told by the files and versions that need it.

use std::collections::{BTreeMap, HashMap, HashSet};

use flyball_core::{Digest, Result};
use rayon::prelude::*;
use serde::Serialize;

use crate::entry::Entry;
use crate::manifest::{Block, Manifest};
use crate::pack::{Chunks, HEAD_BYTES, PACK, PACKS, PackIndex, Unpacker, check_magic, key};
use crate::project::Project;
use crate::store::{COMMITS, MANIFESTS, Store};

/// How many bytes of a pack are read at once.
const READ_BYTES: u64 = 2 * 1024 * 1024;

/// What was checked, and what is wrong.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Verified {
    /// Where.
    pub store: String,
    /// How many commits were checked.
    pub commits: u64,
    /// How many packs were read.
    pub packs: u64,
    /// How many chunks were hashed.
    pub chunks: u64,
    /// How many bytes were read.
    pub bytes: u64,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// What is missing or damaged.
    pub what: String,
    /// The file that cannot be had; all files of the version if it is none.
    pub file: Option<String>,
    /// The newest version in which it is, as DATASET@COMMIT; none if no version needs it.
    pub version: Option<String>,
}

/// What is known of a store after its packs were read.
#[derive(Default)]
struct Known {
    sound: HashSet<Digest>,
    bad: HashMap<Digest, String>,
}

impl Project {
    /// Reads and hashes everything in the project's store.
    ///
    /// # Errors
    /// `Unavailable` when the store does not answer. What is damaged is no error but a problem.
    pub fn verify(&self) -> Result<Verified> {
        let _lock = self.lock()?;
        let mut verified = verify(&self.store)?;
        for name in self.names()? {
            if let Err(error) = self.index(&name) {
                verified.problems.push(Problem { what: error.to_string(), file: None, version: None });
            }
        }
        Ok(verified)
    }

    /// Reads and hashes everything at the remote.
    ///
    /// # Errors
    /// `Unavailable` when the remote does not answer.
    pub fn verify_remote(&self, remote: Option<&str>) -> Result<Verified> {
        let _lock = self.lock()?;
        // What is read must be what the remote has, not what was kept of it here.
        let remote = self.remote(remote)?.without_cache();
        verify(&remote)
    }
}

fn verify(store: &Store) -> Result<Verified> {
    let mut verified = Verified { store: store.storage().name().to_owned(), ..Verified::default() };
    let packs = PackIndex::all(store.storage())?;
    verified.packs = packs.len() as u64;
    let checked: Vec<(Known, u64, Vec<String>)> = packs
        .par_iter()
        .map(|(pack, _, index)| match index {
            Ok(index) => check_pack(store, pack, index),
            Err(error) => Ok((Known::default(), 0, vec![error.to_string()])),
        })
        .collect::<Result<_>>()?;
    let mut known = Known::default();
    for (found, bytes, problems) in checked {
        known.sound.extend(found.sound);
        known.bad.extend(found.bad);
        verified.bytes += bytes;
        let lone = |what| Problem { what, file: None, version: None };
        verified.problems.extend(problems.into_iter().map(lone));
    }
    // A chunk of which there is another, sound copy is not lost; that it is damaged is told all the same.
    verified.chunks = (known.sound.len() + known.bad.len()) as u64;
    let store =
        &store.with_chunks(Chunks::of(packs.iter().filter_map(|(id, _, index)| Some((*id, index.as_ref().ok()?))))?);
    let mut walk =
        Versions { store, known: &known, seen: HashMap::new(), blamed: HashSet::new(), problems: Vec::new() };
    for (name, head) in references(store, &mut verified.problems)? {
        walk.version(&name, head)?;
    }
    let blamed = walk.blamed;
    verified.problems.extend(walk.problems);
    for (id, what) in &known.bad {
        if !blamed.contains(id) {
            verified.problems.push(Problem { what: what.clone(), file: None, version: None });
        }
    }
    for (id, _) in store.listed(COMMITS)? {
        verified.commits += 1;
        if let Err(error) = store.commit(&id) {
            verified.problems.push(Problem { what: error.to_string(), file: None, version: None });
        }
    }
    for (id, _) in store.listed(MANIFESTS)? {
        if let Err(error) = store.manifest(&id) {
            verified.problems.push(Problem { what: error.to_string(), file: None, version: None });
        }
    }
    verified.problems.sort_unstable();
    verified.problems.dedup();
    Ok(verified)
}

/// The references that can be read; the others are problems.
fn references(store: &Store, problems: &mut Vec<Problem>) -> Result<BTreeMap<String, Digest>> {
    let mut found = BTreeMap::new();
    for listed in store.storage().list(crate::store::REFS)? {
        let name = listed.key.trim_start_matches(crate::store::REFS);
        match store.reference(name) {
            Ok(Some(id)) => drop(found.insert(name.to_owned(), id)),
            Ok(None) => {}
            Err(error) => problems.push(Problem { what: error.to_string(), file: None, version: None }),
        }
    }
    Ok(found)
}

/// Reads a pack from its beginning to its end.
fn check_pack(store: &Store, pack: &Digest, index: &PackIndex) -> Result<(Known, u64, Vec<String>)> {
    let (mut known, mut problems, mut unpacker) = (Known::default(), Vec::new(), Unpacker::default());
    let name = key(PACKS, pack, PACK);
    let range = |from: u64, to: u64| match store.storage().get_range(&name, from..to) {
        Err(error) if error.code() == flyball_core::ErrorCode::InvalidData => Ok(Vec::new()),
        read => read,
    };
    if check_magic(pack, &range(0, HEAD_BYTES)?).is_err() {
        problems.push(format!("the pack {} is damaged or missing", pack.short()));
    }
    let records: Vec<_> = index.placed().collect();
    let mut rest = records.as_slice();
    while let [(begin, _), ..] = rest {
        let fits = |(at, record): &&(u64, &crate::pack::Record)| at + u64::from(record.stored) <= begin + READ_BYTES;
        let count = rest.iter().take_while(fits).count().max(1);
        let (now, after) = rest.split_at(count);
        rest = after;
        let end = now.last().map_or(*begin, |(at, record)| at + u64::from(record.stored));
        let bytes = range(*begin, end)?;
        for (at, record) in now {
            let from = usize::try_from(at - begin).unwrap_or(usize::MAX);
            let stored = bytes.get(from..).and_then(|bytes| bytes.get(..record.stored as usize));
            match stored.map(|stored| unpacker.unpack(&record.id, stored, record.length)) {
                Some(Ok(_)) => drop(known.sound.insert(record.id)),
                Some(Err(error)) => drop(known.bad.insert(record.id, error.to_string())),
                None => drop(known.bad.insert(record.id, format!("the pack {} ends early", pack.short()))),
            }
        }
    }
    Ok((known, index.pack_size(), problems))
}

/// Walks versions, and says which files cannot be had.
struct Versions<'s> {
    store: &'s Store,
    known: &'s Known,
    /// The commits and blocks that were looked at.
    seen: HashMap<Digest, ()>,
    /// The bad chunks that a version needs.
    blamed: HashSet<Digest>,
    problems: Vec<Problem>,
}

impl Versions<'_> {
    fn version(&mut self, reference: &str, head: Digest) -> Result<()> {
        let dataset = reference.split('/').next().unwrap_or(reference);
        let mut waiting = vec![head];
        while let Some(id) = waiting.pop() {
            if self.seen.insert(id, ()).is_some() {
                continue;
            }
            let version = format!("{dataset}@{}", id.short());
            let commit = match self.store.commit(&id) {
                Ok(commit) => commit,
                Err(error) => {
                    self.add(error.to_string(), None, &version);
                    continue;
                }
            };
            waiting.extend(&commit.parents);
            match self.store.manifest(&commit.manifest) {
                Ok(manifest) => self.manifest(&manifest, &version)?,
                Err(error) => self.add(error.to_string(), None, &version),
            }
        }
        Ok(())
    }

    fn add(&mut self, what: String, file: Option<String>, version: &str) {
        self.problems.push(Problem { what, file, version: Some(version.to_owned()) });
    }

    /// What is wrong with a chunk.
    fn fault(&mut self, id: &Digest) -> Option<String> {
        if self.known.sound.contains(id) {
            return None;
        }
        self.blamed.insert(*id);
        Some(self.known.bad.get(id).cloned().unwrap_or_else(|| format!("the chunk {} is missing", id.short())))
    }

    fn manifest(&mut self, manifest: &Manifest, version: &str) -> Result<()> {
        for (at, block) in manifest.blocks.iter().enumerate() {
            if self.seen.insert(block.id, ()).is_some() {
                continue;
            }
            let entries = match self.fault(&block.id) {
                None => self.store.block(block).map_err(|error| error.to_string()),
                Some(what) => Err(what),
            };
            match entries {
                Ok(entries) => self.files(&entries, version),
                Err(what) => self.add(what, Some(files_of(block, manifest.blocks.get(at + 1))), version),
            }
        }
        Ok(())
    }

    fn files(&mut self, entries: &[Entry], version: &str) {
        for entry in entries.iter().filter(|entry| entry.size > 0) {
            let needed: &[Digest] =
                if entry.lists.is_empty() { std::slice::from_ref(&entry.digest) } else { &entry.lists };
            let fault = needed.iter().find_map(|id| self.fault(id)).or_else(|| {
                if entry.lists.is_empty() {
                    return None;
                }
                match self.store.chunks_of(entry) {
                    Ok(chunks) => chunks.iter().find_map(|chunk| self.fault(&chunk.id)),
                    Err(error) => Some(error.to_string()),
                }
            });
            if let Some(what) = fault {
                self.add(what, Some(entry.path.to_string()), version);
            }
        }
    }
}

fn files_of(block: &Block, next: Option<&Block>) -> String {
    match next {
        Some(next) => format!("{} and all before {}", block.first, next.first),
        None => format!("{} and all after it", block.first),
    }
}

impl Verified {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }
}
