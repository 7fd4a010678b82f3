//! Adding: what the folder holds goes into the store, to be committed.

use std::path::Path;

use flyball_core::{Error, ErrorCode, Name, Result};
use serde::Serialize;

use crate::index::{Index, Tracked};
use crate::intake::Intake;
use crate::project::{Dataset, Project};
use crate::scan::{open_folder, scan};

/// What was added.
#[derive(Clone, Debug, Serialize)]
pub struct Added {
    /// The dataset.
    pub dataset: Name,
    /// Its folder or file.
    pub path: String,
    /// How many files are new.
    pub added: u64,
    /// How many files have other content.
    pub modified: u64,
    /// How many files are gone.
    pub removed: u64,
    /// How many files there are.
    pub files: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// How many bytes were read: those of files that may have changed.
    pub bytes_read: u64,
    /// How many bytes the store grew by.
    pub bytes_stored: u64,
}

impl Project {
    /// Takes what a dataset holds now into the store. A folder or file that is no dataset becomes one, called `name` or as the
    /// folder is; `word` may be the name of a dataset, too, and may be missing where there is only one.
    ///
    /// # Errors
    /// `NotFound`, `InvalidData` naming a socket, pipe or device, `Conflict` naming a file that changes while it is read,
    /// `StorageFull`; nothing is added then.
    pub fn add(&self, word: Option<&str>, name: Option<Name>) -> Result<Added> {
        let _lock = self.lock()?;
        let (name, dataset) = match self.find(word) {
            Ok(known) if name.is_none() || name.as_ref() == Some(&known) => {
                let dataset = self.dataset(&known)?;
                (known, dataset)
            }
            Err(error) if word.is_none() => return Err(error),
            _ => self.enter(Path::new(word.unwrap_or_default()), name)?,
        };
        self.take(&name, dataset)
    }

    fn take(&self, name: &Name, dataset: Dataset) -> Result<Added> {
        let tree = self.tree(&dataset)?;
        let gone = || {
            Error::new(ErrorCode::NotFound, format!("the folder {} of '{name}' is not there", dataset.path))
                .hint(format!("flyball data checkout {name} brings it back"))
        };
        let folder = open_folder(&tree.folder)?.ok_or_else(gone)?;
        let Index { manifest, files } = self.index(name)?;
        let known = Index { manifest: None, files };
        let pairs = known.beside(scan(&tree)?);
        let changed = pairs.iter().filter(|pair| !pair.is_unchanged());
        let changed: Vec<_> = changed.filter_map(|pair| pair.found.clone()).collect();
        let mut added = Added {
            dataset: name.clone(),
            path: dataset.path.clone(),
            added: 0,
            modified: 0,
            removed: 0,
            files: 0,
            bytes: 0,
            bytes_read: 0,
            bytes_stored: 0,
        };
        let mut fresh = Vec::new();
        let has_changed = pairs.iter().any(|pair| !pair.is_unchanged());
        if !changed.is_empty() {
            let chunks = self.store.chunks()?;
            let taken = Intake::new(&folder, &chunks, self.store.writer(), self.clock.as_ref()).take(changed)?;
            self.store.written();
            (added.bytes_read, added.bytes_stored, fresh) = (taken.read, taken.written, taken.files);
        }
        let mut fresh = fresh.into_iter().peekable();
        let mut files: Vec<Tracked> = Vec::with_capacity(pairs.len());
        for pair in pairs {
            if pair.is_unchanged() {
                files.extend(pair.known);
                continue;
            }
            let path = pair.found.map(|found| found.path);
            let new = fresh.next_if(|new| Some(&new.entry.path) == path.as_ref());
            match (&pair.known, &new) {
                (None, Some(_)) => added.added += 1,
                (Some(known), Some(new)) if !known.entry.is_same(&new.entry) => added.modified += 1,
                (Some(_), None) => added.removed += 1,
                _ => {}
            }
            files.extend(new);
        }
        added.files = files.len() as u64;
        added.bytes = files.iter().map(|file| file.entry.size).sum();
        if has_changed {
            let is_same = added.added + added.modified + added.removed == 0;
            let index = Index { manifest: manifest.filter(|_| is_same), files };
            self.write_index(name, &index)?;
        }
        self.update_dataset(name, dataset)?;
        Ok(added)
    }
}
