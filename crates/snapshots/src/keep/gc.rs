//! Garbage collection: mark what references and indexes name, sweep the rest.

use std::collections::HashSet;

use flyball_core::{Digest, Duration, Result};
use serde::Serialize;

use crate::pack::{INDEX, PACK, PACKS, PackIndex, id_of, key};
use crate::project::Project;
use crate::storage::Listed;
use crate::store::{COMMITS, MANIFESTS, Store};
use crate::transfer::{Walk, copy};

/// Packs smaller than this are put together once there are so many of them.
const SMALL_BYTES: u64 = 4 * 1024 * 1024;
const SMALL_PACKS: usize = 16;

/// What was removed, or would be.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Collected {
    /// Where.
    pub store: String,
    /// Whether nothing was removed: it was only asked what would be.
    pub dry_run: bool,
    /// How many commits.
    pub commits: u64,
    /// How many manifests.
    pub manifests: u64,
    /// How many chunks.
    pub chunks: u64,
    /// How many packs.
    pub packs: u64,
    /// How many packs were packed anew, because little of them was needed or they were small.
    pub repacked: u64,
    /// How many bytes became free.
    pub bytes: u64,
    /// How many bytes are needed.
    pub bytes_kept: u64,
}

impl Project {
    /// Removes what no branch, tag or index names from the project's store, unless it is younger than `grace`.
    ///
    /// # Errors
    /// `InvalidData` when something that is named is missing or damaged: nothing is removed then.
    pub fn collect(&self, grace: Duration, dry_run: bool) -> Result<Collected> {
        let _lock = self.lock()?;
        let mut roots = Vec::new();
        let mut staged = HashSet::new();
        let datasets = self.read()?.datasets;
        let mut lists = HashSet::new();
        for (name, dataset) in &datasets {
            // A project that was just cloned names versions that have not come yet.
            roots.extend(dataset.commit.filter(|id| self.store.has_commit(id).unwrap_or(false)));
            for file in self.index(name)?.files {
                if file.entry.lists.is_empty() {
                    staged.insert(file.entry.digest);
                }
                lists.extend(file.entry.lists);
            }
        }
        let there = self.store.chunks()?;
        lists.retain(|list| there.has(list));
        staged.extend(Walk::new(&self.store).pieces(&lists)?);
        staged.extend(lists);
        self.sweep(&self.store, roots, staged, grace, dry_run)
    }

    /// Does the same at the remote, where only branches and tags count.
    ///
    /// # Errors
    /// `InvalidData` when something that is named is missing or damaged: nothing is removed then. `Unavailable` when the
    /// remote does not answer.
    pub fn collect_remote(&self, remote: Option<&str>, grace: Duration, dry_run: bool) -> Result<Collected> {
        let _lock = self.lock()?;
        let remote = self.remote(remote)?;
        self.sweep(&remote, Vec::new(), HashSet::new(), grace, dry_run)
    }

    fn sweep(
        &self,
        store: &Store,
        mut roots: Vec<Digest>,
        mut chunks: HashSet<Digest>,
        grace: Duration,
        dry_run: bool,
    ) -> Result<Collected> {
        roots.extend(store.references("")?.into_iter().map(|(_, id)| id));
        let (mut commits, mut manifests) = (HashSet::new(), HashSet::new());
        let mut walk = Walk::new(store);
        while let Some(id) = roots.pop() {
            if commits.insert(id) {
                let commit = store.commit(&id)?;
                roots.extend(&commit.parents);
                if manifests.insert(commit.manifest) {
                    walk.add(&store.manifest(&commit.manifest)?);
                }
            }
        }
        chunks.extend(walk.all()?);
        let mut sweep =
            Sweep { store, oldest: self.clock.now().0.saturating_sub(grace.0), found: Collected::default() };
        sweep.found = Collected { store: store.storage().name().to_owned(), dry_run, ..Collected::default() };
        sweep.found.commits = sweep.objects(COMMITS, &commits)?;
        sweep.found.manifests = sweep.objects(MANIFESTS, &manifests)?;
        sweep.packs(&chunks)?;
        store.written();
        Ok(sweep.found)
    }
}

struct Sweep<'s> {
    store: &'s Store,
    /// What was written later stays.
    oldest: i64,
    found: Collected,
}

impl Sweep<'_> {
    fn is_old(&self, listed: &Listed) -> bool {
        listed.modified.0 <= self.oldest
    }

    fn delete(&mut self, key: &str, bytes: u64) -> Result<()> {
        self.found.bytes += bytes;
        if self.found.dry_run { Ok(()) } else { self.store.storage().delete(key) }
    }

    fn objects(&mut self, folder: &str, needed: &HashSet<Digest>) -> Result<u64> {
        let mut count = 0;
        for (id, listed) in self.store.listed(folder)? {
            if !needed.contains(&id) && self.is_old(&listed) {
                self.delete(&key(folder, &id, ""), listed.size)?;
                count += 1;
            }
        }
        Ok(count)
    }

    fn packs(&mut self, needed: &HashSet<Digest>) -> Result<()> {
        let packs = PackIndex::all(self.store.storage())?;
        let known: HashSet<Digest> = packs.iter().map(|(pack, ..)| *pack).collect();
        let (mut again, mut small) = (Vec::new(), Vec::new());
        for (pack, listed, index) in packs {
            let index = index?;
            let is_needed = |record: &&crate::pack::Record| needed.contains(&record.id);
            let live: u64 = index.records.iter().filter(is_needed).map(|record| u64::from(record.stored)).sum();
            let size: u64 = index.records.iter().map(|record| u64::from(record.stored)).sum();
            let dead = index.records.iter().filter(|record| !needed.contains(&record.id)).count() as u64;
            self.found.bytes_kept += live;
            if !self.is_old(&listed) {
                continue;
            }
            if dead == index.records.len() as u64 {
                self.found.chunks += dead;
                self.remove_pack(&pack, &index)?;
            } else if live < size - live {
                self.found.chunks += dead;
                again.push((pack, index));
            } else if index.pack_size() < SMALL_BYTES {
                small.push((pack, index));
            }
        }
        if small.len() >= SMALL_PACKS {
            again.extend(small);
        }
        self.repack(again, needed)?;
        // A pack without an index is one that was broken off.
        for listed in self.store.storage().list(PACKS)? {
            let broken_off = id_of(PACKS, &listed.key, PACK).is_some_and(|pack| !known.contains(&pack));
            if broken_off && self.is_old(&listed) && !self.is_indexed(&listed.key)? {
                self.delete(&listed.key, listed.size)?;
            }
        }
        Ok(())
    }

    fn is_indexed(&self, pack: &str) -> Result<bool> {
        let index = pack.replace(PACK, INDEX);
        Ok(self.store.storage().get(&index)?.is_some())
    }

    /// Packs what is needed of these packs anew. A new pack that is one of the old ones, as when nothing could be put together,
    /// stays.
    fn repack(&mut self, packs: Vec<(Digest, PackIndex)>, needed: &HashSet<Digest>) -> Result<()> {
        let ids = packs.iter().flat_map(|(_, index)| index.records.iter().map(|record| record.id));
        let live: HashSet<Digest> = ids.filter(|id| needed.contains(id)).collect();
        if packs.is_empty() {
            return Ok(());
        }
        let mut written = Vec::new();
        if !self.found.dry_run {
            let moved = copy(self.store, self.store, live)?;
            self.found.bytes = self.found.bytes.saturating_sub(moved.bytes);
            written = moved.packs;
        }
        for (pack, index) in packs.iter().filter(|(pack, _)| !written.contains(pack)) {
            self.found.repacked += 1;
            self.remove_pack(pack, index)?;
        }
        Ok(())
    }

    /// The index goes first: a pack without one is not there.
    fn remove_pack(&mut self, pack: &Digest, index: &PackIndex) -> Result<()> {
        self.found.packs += 1;
        self.delete(&key(PACKS, pack, INDEX), 40 * index.records.len() as u64)?;
        self.delete(&key(PACKS, pack, PACK), index.pack_size())
    }
}
