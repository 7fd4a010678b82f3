//! Versions to and from a remote: what is there already is not sent again, and a branch moves last.

use std::collections::HashSet;

use flyball_core::{Digest, Error, ErrorCode, Name, Result};
use rayon::prelude::*;
use serde::Serialize;

use crate::entry::decode_list;
use crate::manifest::{Block, Manifest};
use crate::project::{Dataset, MAIN, Project};
use crate::refs::{branch_key, is_before, origin_key, tag_key};
use crate::store::Store;

/// Chunks are moved in parts of so many bytes, side by side; what was moved of a part that is broken off is moved again.
const PART_BYTES: u64 = 96 * 1024 * 1024;

/// What was moved.
#[derive(Clone, Debug, Serialize)]
pub struct Transferred {
    /// The dataset.
    pub dataset: Name,
    /// The branch.
    pub branch: String,
    /// Where the branch is now.
    pub commit: Digest,
    /// Where it went to or came from.
    pub remote: String,
    /// How many commits were moved; none if everything was there.
    pub commits: u64,
    /// How many chunks were moved.
    pub chunks: u64,
    /// How many bytes of chunks were moved.
    pub bytes: u64,
    /// The tags that were moved.
    pub tags: Vec<String>,
}

/// What a copy moved.
#[derive(Clone, Debug, Default)]
pub(crate) struct Copied {
    pub(crate) chunks: u64,
    pub(crate) bytes: u64,
    /// The packs that were written.
    pub(crate) packs: Vec<Digest>,
}

/// Copies chunks into packs of another store, in the order in which they stand, each checked on its way.
pub(crate) fn copy(from: &Store, to: &Store, ids: impl IntoIterator<Item = Digest>) -> Result<Copied> {
    let source = from.chunks()?;
    let ids = source.in_order(ids)?;
    if ids.is_empty() {
        return Ok(Copied::default());
    }
    let mut parts: Vec<(u64, Vec<_>)> = Vec::new();
    let mut copied = Copied { chunks: ids.len() as u64, ..Copied::default() };
    for run in source.runs(ids)? {
        let bytes = run.stored();
        copied.bytes += bytes;
        match parts.last_mut() {
            Some((size, runs)) if *size + bytes <= PART_BYTES => {
                *size += bytes;
                runs.push(run);
            }
            _ => parts.push((bytes, vec![run])),
        }
    }
    let written = parts.into_par_iter().map(|(_, runs)| {
        let mut writer = to.writer();
        for run in &runs {
            source.read_run(from.storage(), run, |record, stored, _| writer.add(&[*record], stored))?;
        }
        writer.finish().map(|(packs, _)| packs)
    });
    copied.packs = written.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
    to.written();
    Ok(copied)
}

/// What versions need: the blocks of their manifests, the lists of their large files, and chunks.
pub(crate) struct Walk<'s> {
    store: &'s Store,
    blocks: Vec<Block>,
    seen: HashSet<Digest>,
}

impl<'s> Walk<'s> {
    pub(crate) fn new(store: &'s Store) -> Self {
        Self { store, blocks: Vec::new(), seen: HashSet::new() }
    }

    /// Adds the blocks of a version that no version before had.
    pub(crate) fn add(&mut self, manifest: &Manifest) {
        let fresh: Vec<Block> = manifest.blocks.iter().filter(|block| self.seen.insert(block.id)).cloned().collect();
        self.blocks.extend(fresh);
    }

    /// The blocks.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = Digest> + '_ {
        self.blocks.iter().map(|block| block.id)
    }

    /// The lists of large files, and the chunks of small ones. The blocks must be in the store.
    pub(crate) fn lists_and_small(&self) -> Result<(HashSet<Digest>, HashSet<Digest>)> {
        let (mut lists, mut small) = (HashSet::new(), HashSet::new());
        for block in &self.blocks {
            for entry in self.store.block(block)? {
                if entry.lists.is_empty() && entry.size > 0 {
                    small.insert(entry.digest);
                }
                lists.extend(entry.lists);
            }
        }
        Ok((lists, small))
    }

    /// The chunks of large files. The lists must be in the store.
    pub(crate) fn pieces(&self, lists: &HashSet<Digest>) -> Result<HashSet<Digest>> {
        let chunks = self.store.chunks()?;
        let mut pieces = HashSet::new();
        for list in lists {
            let list = decode_list(&chunks.read(self.store.storage(), list)?)?;
            pieces.extend(list.into_iter().map(|chunk| chunk.id));
        }
        Ok(pieces)
    }

    /// Every chunk.
    pub(crate) fn all(&self) -> Result<HashSet<Digest>> {
        let (lists, mut all) = self.lists_and_small()?;
        all.extend(self.pieces(&lists)?);
        all.extend(lists);
        all.extend(self.blocks());
        Ok(all)
    }
}

/// The commits from here backwards that the other store does not have, parents first.
fn missing_commits(from: &Store, to: &Store, tip: Digest) -> Result<Vec<Digest>> {
    let (mut missing, mut seen, mut waiting) = (Vec::new(), HashSet::new(), vec![tip]);
    while let Some(id) = waiting.pop() {
        if seen.insert(id) && !to.has_commit(&id)? {
            waiting.extend(from.commit(&id)?.parents);
            missing.push(id);
        }
    }
    missing.reverse();
    Ok(missing)
}

/// Moves commits with all that they need. A commit comes when everything it needs is there, and after its parents.
fn send(from: &Store, to: &Store, commits: &[Digest]) -> Result<Copied> {
    let commits = commits.iter().map(|id| from.commit(id)).collect::<Result<Vec<_>>>()?;
    let manifests = commits.iter().map(|commit| from.manifest(&commit.manifest)).collect::<Result<Vec<_>>>()?;
    let mut walk = Walk::new(from);
    manifests.iter().for_each(|manifest| walk.add(manifest));
    let there = to.chunks()?;
    let missing: Vec<Digest> = walk.all()?.into_iter().filter(|id| !there.has(id)).collect();
    let copied = copy(from, to, missing)?;
    for (commit, manifest) in commits.iter().zip(&manifests) {
        to.put_manifest(manifest)?;
        to.put_commit(commit)?;
    }
    Ok(copied)
}

impl Project {
    /// Sends a branch (the one in the folder if none is named) with its versions to the remote, and the tags of these versions.
    /// A branch at the remote that has moved on is left as it is.
    ///
    /// # Errors
    /// `Conflict` when the remote has versions that this project does not have, `NotFound` when there is nothing to send,
    /// `Unavailable` when the remote does not answer.
    pub fn push(&self, name: &Name, remote: Option<&str>, branch: Option<&str>) -> Result<Transferred> {
        let _lock = self.lock()?;
        let dataset = self.dataset(name)?;
        let branch = branch_of(&dataset, branch)?;
        let nothing = || {
            Error::new(ErrorCode::NotFound, format!("the branch '{branch}' of '{name}' has no version yet"))
                .hint(format!("flyball data commit {name} -m MESSAGE makes one"))
        };
        let head = self.store.reference(&branch_key(name, &branch))?.ok_or_else(nothing)?;
        let remote = self.remote(remote)?;
        let key = branch_key(name, &branch);
        let there = remote.reference(&key)?;
        let mut done = self.transferred(name, &branch, head, &remote);
        if there != Some(head) {
            let is_ours =
                |there: &Digest| Ok::<_, Error>(self.store.has_commit(there)? && is_before(&self.store, there, &head)?);
            if !there.as_ref().map_or(Ok(true), is_ours)? {
                let message = format!("'{branch}' at {} has versions that are not here", remote.storage().name());
                return Err(Error::new(ErrorCode::Conflict, message).hint(format!(
                    "flyball data fetch {name} brings them as origin/{branch}; or push to another --branch"
                )));
            }
            let commits = missing_commits(&self.store, &remote, head)?;
            let copied = send(&self.store, &remote, &commits)?;
            (done.commits, done.chunks, done.bytes) = (commits.len() as u64, copied.chunks, copied.bytes);
            remote.move_reference(&key, there.as_ref(), &head)?;
        }
        for tag in self.tags(name)? {
            let key = tag_key(name, &tag.name);
            if remote.reference(&key)?.is_none() && is_before(&self.store, &tag.commit, &head)? {
                remote.move_reference(&key, None, &tag.commit)?;
                done.tags.push(tag.name);
            }
        }
        self.note_origin(name, &branch, head)?;
        Ok(done)
    }

    /// Brings a branch (the one in the folder if none is named) with its versions from the remote, as `origin/BRANCH`, and its
    /// tags. Neither the branch here nor the folder change. A dataset that the project does not know becomes one, without
    /// files in its folder.
    ///
    /// # Errors
    /// `NotFound` when the remote does not have it, `InvalidData` when what comes is not what was sent, `Unavailable` when the
    /// remote does not answer.
    pub fn fetch(&self, name: &Name, remote: Option<&str>, branch: Option<&str>) -> Result<Transferred> {
        let _lock = self.lock()?;
        self.fetch_locked(name, remote, branch)
    }

    fn fetch_locked(&self, name: &Name, remote: Option<&str>, branch: Option<&str>) -> Result<Transferred> {
        let known = self.read()?.datasets.remove(name);
        let branch = match &known {
            Some(dataset) => branch_of(dataset, branch)?,
            None => branch.unwrap_or(MAIN).to_owned(),
        };
        let remote = self.remote(remote)?;
        let unknown = || {
            Error::not_found("dataset", format_args!("{name} with a branch {branch} at {}", remote.storage().name()))
                .hint("look at its name and at the address of the remote; somebody has to push it first")
        };
        let head = remote.reference(&branch_key(name, &branch))?.ok_or_else(unknown)?;
        let mut done = self.transferred(name, &branch, head, &remote);
        let commits = missing_commits(&remote, &self.store, head)?;
        if !commits.is_empty() {
            let copied = send(&remote, &self.store, &commits)?;
            (done.commits, done.chunks, done.bytes) = (commits.len() as u64, copied.chunks, copied.bytes);
        }
        let prefix = tag_key(name, "");
        for (key, id) in remote.references(&prefix)? {
            if self.store.reference(&key)?.is_none() && self.store.has_commit(&id)? {
                self.store.move_reference(&key, None, &id)?;
                done.tags.extend(key.strip_prefix(&prefix).map(str::to_owned));
            }
        }
        if known.is_none() {
            let commit = self.store.commit(&head)?;
            let dataset = Dataset { path: commit.path, file: commit.file, branch: Some(branch.clone()), commit: None };
            self.check_new(name, &dataset)?;
            self.update_dataset(name, dataset)?;
        }
        self.note_origin(name, &branch, head)?;
        Ok(done)
    }

    /// Brings a branch from the remote, and moves the branch here to it. If it is the one in the folder, its files follow with
    /// [`Project::checkout`].
    ///
    /// # Errors
    /// Those of [`Project::fetch`]; `Conflict` when both sides have versions that the other one does not have.
    pub fn pull(&self, name: &Name, remote: Option<&str>, branch: Option<&str>) -> Result<Transferred> {
        let _lock = self.lock()?;
        let mut done = self.fetch_locked(name, remote, branch)?;
        let key = branch_key(name, &done.branch);
        let here = self.store.reference(&key)?;
        if here == Some(done.commit) {
            return Ok(done);
        }
        let is_older = |here: &Digest| is_before(&self.store, here, &done.commit);
        if here.as_ref().map_or(Ok(true), is_older)? {
            self.store.move_reference(&key, here.as_ref(), &done.commit)?;
            return Ok(done);
        }
        if let Some(here) = here.filter(|here| is_before(&self.store, &done.commit, here).unwrap_or(false)) {
            done.commit = here;
            return Ok(done);
        }
        let message =
            format!("'{0}' and 'origin/{0}' of '{name}' each have versions that the other does not have", done.branch);
        Err(Error::new(ErrorCode::Conflict, message).hint(format!(
            "flyball data diff {name} {0}..origin/{0} shows them; check out origin/{0}, make a branch of it, and add your files",
            done.branch
        )))
    }

    fn note_origin(&self, name: &Name, branch: &str, head: Digest) -> Result<()> {
        let key = origin_key(name, branch);
        match self.store.reference(&key)? {
            Some(known) if known == head => Ok(()),
            known => self.store.move_reference(&key, known.as_ref(), &head),
        }
    }

    fn transferred(&self, name: &Name, branch: &str, commit: Digest, remote: &Store) -> Transferred {
        Transferred {
            dataset: name.clone(),
            branch: branch.to_owned(),
            commit,
            remote: remote.storage().name().to_owned(),
            commits: 0,
            chunks: 0,
            bytes: 0,
            tags: Vec::new(),
        }
    }
}

fn branch_of(dataset: &Dataset, branch: Option<&str>) -> Result<String> {
    let branch = branch.or(dataset.branch.as_deref());
    let branch = branch.ok_or_else(|| Error::invalid("no branch is checked out").hint("name one with --branch"))?;
    crate::refs::check_name(branch)?;
    Ok(branch.to_owned())
}
