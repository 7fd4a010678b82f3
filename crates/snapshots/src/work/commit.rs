//! Committing: what was added becomes a version.

use flyball_core::{Digest, Error, ErrorCode, Name, Result};
use serde::Serialize;

use crate::commit::{Commit, Stats};
use crate::diff::{ChangeKind, changes};
use crate::entry::Entry;
use crate::manifest::Manifest;
use crate::project::{Dataset, Project};
use crate::refs::branch_key;

/// Why a version is made, and by whom.
#[derive(Clone, Debug)]
pub struct Message {
    /// Why.
    pub text: String,
    /// By whom.
    pub author: String,
}

/// A version that was made, or that was there already.
#[derive(Clone, Debug, Serialize)]
pub struct Committed {
    /// The dataset.
    pub dataset: Name,
    /// The branch.
    pub branch: String,
    /// The commit.
    pub commit: Digest,
    /// Whether nothing was to be committed: `commit` is the version before.
    pub unchanged: bool,
    /// What the version has, and what it changed.
    pub stats: Stats,
}

impl Project {
    /// Makes what was added to a dataset its next version on the branch that lies in the folder.
    ///
    /// # Errors
    /// `Conflict` when no branch is checked out, or somebody else moved it, `NotFound` when nothing was added ever; nothing is
    /// visible of a commit that failed.
    pub fn commit(&self, name: &Name, message: &Message) -> Result<Committed> {
        let _lock = self.lock()?;
        let dataset = self.dataset(name)?;
        let Some(branch) = dataset.branch.clone() else {
            let hint = format!("make a branch of it: flyball data branch {name} NEW; flyball data checkout {name} NEW");
            return Err(
                Error::new(ErrorCode::Conflict, "no branch is checked out, so a commit would be lost").hint(hint)
            );
        };
        let mut index = self.index(name)?;
        let head = dataset.commit.map(|id| self.store.commit(&id).map(|commit| (id, commit))).transpose()?;
        let unchanged = |id: Digest, commit: &Commit| Committed {
            dataset: name.clone(),
            branch: branch.clone(),
            commit: id,
            unchanged: true,
            stats: commit.stats,
        };
        if let Some((id, commit)) = head.as_ref().filter(|(_, commit)| index.manifest == Some(commit.manifest)) {
            return Ok(unchanged(*id, commit));
        }
        if head.is_none() && index.files.is_empty() {
            return Err(Error::new(ErrorCode::NotFound, format!("nothing of '{name}' was added"))
                .hint(format!("flyball data add {name} takes in what its folder holds")));
        }
        let entries: Vec<Entry> = index.files.iter().map(|file| file.entry.clone()).collect();
        let chunks = self.store.chunks()?;
        let mut writer = self.store.writer();
        let manifest = Manifest::write(&entries, &mut writer, |id| chunks.has(id))?;
        drop(entries);
        writer.finish()?;
        self.store.written();
        let before = match &head {
            Some((_, commit)) => self.store.manifest(&commit.manifest)?,
            None => Manifest::default(),
        };
        let stats = self.stats(&before, &manifest)?;
        let manifest = self.store.put_manifest(&manifest)?;
        index.manifest = Some(manifest);
        if let Some((id, commit)) = head.as_ref().filter(|(_, commit)| commit.manifest == manifest) {
            self.write_index(name, &index)?;
            return Ok(unchanged(*id, commit));
        }
        let commit = Commit {
            dataset: name.to_string(),
            path: dataset.path.clone(),
            file: dataset.file,
            parents: head.iter().map(|(id, _)| *id).collect(),
            message: message.text.clone(),
            author: message.author.clone(),
            time: self.clock.now(),
            manifest,
            stats,
        };
        let id = self.put_next(name, &branch, &commit)?;
        self.update_dataset(name, Dataset { commit: Some(id), ..dataset })?;
        self.write_index(name, &index)?;
        Ok(Committed { dataset: name.clone(), branch, commit: id, unchanged: false, stats })
    }

    /// Keeps a commit and moves the branch to it: the last thing that is written. A commit of the same files that a process made
    /// which ended before it could say so is taken for this one.
    pub(crate) fn put_next(&self, name: &Name, branch: &str, commit: &Commit) -> Result<Digest> {
        let key = branch_key(name, branch);
        let (there, parent) = (self.store.reference(&key)?, commit.parents.first().copied());
        if there != parent
            && let Some(there) = there
        {
            let other = self.store.commit(&there)?;
            if other.parents.first().copied() == parent && other.manifest == commit.manifest {
                return Ok(there);
            }
            return Err(Error::new(ErrorCode::Conflict, format!("the branch '{branch}' of '{name}' has moved on"))
                .hint(format!("flyball data checkout {name} {branch} brings what is new into the folder")));
        }
        let id = self.store.put_commit(commit)?;
        self.store.move_reference(&key, there.as_ref(), &id)?;
        Ok(id)
    }

    /// What a version has, and what it changed.
    pub(crate) fn stats(&self, before: &Manifest, after: &Manifest) -> Result<Stats> {
        let mut stats = Stats { files: after.files, bytes: after.bytes, ..Stats::default() };
        let (before, after) = self.store.differing(before, after)?;
        for change in changes(&before, &after) {
            match change.kind {
                ChangeKind::Added => stats.added += 1,
                ChangeKind::Removed => stats.removed += 1,
                ChangeKind::Modified => stats.modified += 1,
                ChangeKind::Renamed => {
                    stats.added += 1;
                    stats.removed += 1;
                }
            }
        }
        Ok(stats)
    }
}
