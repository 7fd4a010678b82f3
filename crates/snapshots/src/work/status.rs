//! What changed since the last commit.

use flyball_core::{Digest, Name, Result};
use serde::Serialize;

use super::look::{Looked, look};
use crate::diff::changes;
use crate::index::{Index, Tracked};
use crate::manifest::Manifest;
use crate::path::FilePath;
use crate::project::Project;
use crate::refs::branch_key;
use crate::scan::{Stamp, scan};

/// What happened to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is new.
    New,
    /// It has other content.
    Modified,
    /// It is gone.
    Deleted,
}

/// A file that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Its path.
    pub path: FilePath,
    /// What happened to it.
    pub state: State,
    /// Its size now, in bytes.
    pub size: u64,
}

/// How a dataset stands.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// The dataset.
    pub dataset: Name,
    /// Its folder or file.
    pub path: String,
    /// The branch in the folder.
    pub branch: Option<String>,
    /// The version in the folder.
    pub commit: Option<Digest>,
    /// Whether the version lies in the folder; it does not in a project that was just cloned.
    pub checked_out: bool,
    /// How many files there are.
    pub files: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// What the next commit changes.
    pub added: Vec<Change>,
    /// What was not added yet.
    pub changed: Vec<Change>,
}

impl Status {
    /// Whether the folder holds the version and nothing else.
    pub fn is_clean(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.checked_out
    }
}

impl Project {
    /// How a dataset stands. Files whose stamps are as they were are not read.
    ///
    /// # Errors
    /// `NotFound` when there is no such dataset, `InvalidData` when something is missing or damaged.
    pub fn status(&self, name: &Name) -> Result<Status> {
        // Where another process is at work, nothing is remembered of what is read here.
        let lock = self.try_lock()?;
        let dataset = self.dataset(name)?;
        let tree = self.tree(&dataset)?;
        let index = self.index(name)?;
        let manifest = index.manifest;
        let head = dataset.commit.map(|id| self.store.commit(&id)).transpose();
        let has_version = match (&dataset.commit, &dataset.branch) {
            (None, Some(branch)) => self.store.reference(&branch_key(name, branch))?.is_some(),
            (commit, _) => commit.is_some(),
        };
        let checked_out = !has_version || !index.files.is_empty() || manifest.is_some();
        let mut status = Status {
            dataset: name.clone(),
            path: dataset.path,
            branch: dataset.branch,
            commit: dataset.commit,
            checked_out,
            files: 0,
            bytes: 0,
            added: Vec::new(),
            changed: Vec::new(),
        };
        if checked_out {
            let head = head?.map(|commit| commit.manifest);
            if head != manifest {
                let before = match head {
                    Some(head) => self.store.manifest(&head)?,
                    None => Manifest::default(),
                };
                let before = self.store.entries(&before, &Default::default())?;
                let after: Vec<_> = index.files.iter().map(|file| file.entry.clone()).collect();
                status.added = changes(&before, &after).into_iter().flat_map(staged).collect();
            }
        }
        let found = scan(&tree)?;
        let looked = look(&tree, index.beside(found), self.clock.as_ref(), false)?;
        let mut refreshed = false;
        for looked in &looked {
            status.files += u64::from(looked.now.is_some());
            status.bytes += looked.now.as_ref().map_or(0, |now| now.size);
            refreshed |= is_refreshed(looked);
            let path = looked.now.as_ref().or(looked.known.as_ref().map(|known| &known.entry)).map(|entry| &entry.path);
            if let Some(path) = path.filter(|_| looked.changed) {
                let state = match (&looked.known, &looked.now) {
                    (None, _) => State::New,
                    (Some(_), Some(_)) => State::Modified,
                    (Some(_), None) => State::Deleted,
                };
                let size = looked.now.as_ref().map_or(0, |now| now.size);
                status.changed.push(Change { path: path.clone(), state, size });
            }
        }
        if refreshed && lock.is_some() {
            self.write_index(name, &Index { manifest, files: looked.into_iter().filter_map(refresh).collect() })?;
        }
        Ok(status)
    }
}

/// Whether a file was read and found to be as it was: its new stamp tells that from now on.
fn is_refreshed(looked: &Looked) -> bool {
    !looked.changed
        && looked.now.is_some()
        && looked.stamp != Stamp::NONE
        && looked.known.as_ref().is_some_and(|known| known.stamp != looked.stamp)
}

fn refresh(looked: Looked) -> Option<Tracked> {
    let is_refreshed = is_refreshed(&looked);
    let known = looked.known?;
    Some(if is_refreshed { Tracked { stamp: looked.stamp, ..known } } else { known })
}

fn staged(change: crate::diff::FileChange) -> Vec<Change> {
    use crate::diff::ChangeKind;
    let size = change.size_after.unwrap_or(0);
    let one = |path, state| Change { path, state, size };
    match change.kind {
        ChangeKind::Added => vec![one(change.path, State::New)],
        ChangeKind::Removed => vec![one(change.path, State::Deleted)],
        ChangeKind::Modified => vec![one(change.path, State::Modified)],
        ChangeKind::Renamed => {
            let gone = change.from.map(|from| Change { path: from, state: State::Deleted, size: 0 });
            gone.into_iter().chain([one(change.path, State::New)]).collect()
        }
    }
}
