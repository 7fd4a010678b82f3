//! What differs between two versions, or between a version and what lies in the folder.

use std::collections::{HashMap, HashSet};

use flyball_core::{Digest, Name, Result};
use rayon::prelude::*;
use serde::Serialize;

use crate::entry::Entry;
use crate::manifest::{Block, Manifest};
use crate::path::{FilePath, Selection};
use crate::project::Project;
use crate::scan::scan;
use crate::store::Store;
use crate::work::look;

/// What happened to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It has other content, or became another kind of file.
    Modified,
    /// The same content has another path.
    Renamed,
}

/// A file that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileChange {
    /// Its path; the new one if it was renamed.
    pub path: FilePath,
    /// What happened to it.
    pub kind: ChangeKind,
    /// The path before, if it was renamed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<FilePath>,
    /// Its size before, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_before: Option<u64>,
    /// Its size after, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_after: Option<u64>,
}

/// What differs, in the order of the paths.
#[derive(Clone, Debug, Serialize)]
pub struct Diff {
    /// The dataset.
    pub dataset: Name,
    /// The version before.
    pub before: Option<Digest>,
    /// The version after; none for what lies in the folder.
    pub after: Option<Digest>,
    /// The files.
    pub changes: Vec<FileChange>,
}

impl Diff {
    /// How many files a change happened to, and by how many bytes they grew or shrank together.
    pub fn total(&self, kind: ChangeKind) -> (u64, i128) {
        let of_kind = self.changes.iter().filter(|change| change.kind == kind);
        of_kind.fold((0, 0), |(files, bytes), change| {
            let size = |size: Option<u64>| i128::from(size.unwrap_or(0));
            (files + 1, bytes + size(change.size_after) - size(change.size_before))
        })
    }
}

impl Store {
    /// The files of the blocks that only one of two versions has: what both have is the same.
    pub(crate) fn differing(&self, before: &Manifest, after: &Manifest) -> Result<(Vec<Entry>, Vec<Entry>)> {
        let ids = |manifest: &Manifest| manifest.blocks.iter().map(|block| block.id).collect::<HashSet<_>>();
        let (old, new) = (ids(before), ids(after));
        let load = |blocks: &[Block], other: &HashSet<Digest>| {
            let own: Vec<&Block> = blocks.iter().filter(|block| !other.contains(&block.id)).collect();
            let entries = own.par_iter().map(|block| self.block(block)).collect::<Result<Vec<_>>>()?;
            Ok::<Vec<Entry>, flyball_core::Error>(entries.into_iter().flatten().collect())
        };
        Ok((load(&before.blocks, &new)?, load(&after.blocks, &old)?))
    }
}

/// What differs between two lists of files, both in the order of their paths. A file that is gone and one that is new with the
/// same content are one that was renamed.
pub(crate) fn changes(before: &[Entry], after: &[Entry]) -> Vec<FileChange> {
    let (mut gone, mut fresh, mut found) = (Vec::new(), Vec::new(), Vec::new());
    let (mut old, mut new) = (before.iter().peekable(), after.iter().peekable());
    loop {
        let order = match (old.peek(), new.peek()) {
            (Some(old), Some(new)) => old.path.cmp(&new.path),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (None, None) => break,
        };
        match (old.next_if(|_| order.is_le()), new.next_if(|_| order.is_ge())) {
            (Some(old), Some(new)) if !old.is_same(new) => found.push(FileChange {
                path: new.path.clone(),
                kind: ChangeKind::Modified,
                from: None,
                size_before: Some(old.size),
                size_after: Some(new.size),
            }),
            (Some(old), None) => gone.push(old),
            (None, Some(new)) => fresh.push(new),
            _ => {}
        }
    }
    let mut by_content: HashMap<(Digest, u64), Vec<&Entry>> = HashMap::new();
    // The first of several comes first.
    gone.iter().rev().filter(|entry| entry.size > 0).for_each(|entry| {
        by_content.entry((entry.digest, entry.size)).or_default().push(entry);
    });
    let mut renamed = HashSet::new();
    for new in fresh {
        let old = by_content.get_mut(&(new.digest, new.size)).and_then(Vec::pop);
        renamed.extend(old.map(|old| &old.path));
        found.push(FileChange {
            path: new.path.clone(),
            kind: if old.is_some() { ChangeKind::Renamed } else { ChangeKind::Added },
            from: old.map(|old| old.path.clone()),
            size_before: old.map(|old| old.size),
            size_after: Some(new.size),
        });
    }
    found.extend(gone.into_iter().filter(|old| !renamed.contains(&old.path)).map(|old| FileChange {
        path: old.path.clone(),
        kind: ChangeKind::Removed,
        from: None,
        size_before: Some(old.size),
        size_after: None,
    }));
    found.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    found
}

impl Project {
    /// What differs between two versions of a dataset: from the one in the folder if no first is named, to what lies in the
    /// folder if no second is named.
    ///
    /// # Errors
    /// `NotFound` for an unknown version, `InvalidData` when something is missing or damaged.
    pub fn diff(&self, name: &Name, before: Option<&str>, after: Option<&str>, selection: &Selection) -> Result<Diff> {
        self.store.written();
        let dataset = self.dataset(name)?;
        let before = match before {
            Some(word) => Some(self.version(name, &dataset, word)?),
            None => dataset.commit,
        };
        let after = after.map(|word| self.version(name, &dataset, word)).transpose()?;
        let manifest = |id: Option<Digest>| match id {
            Some(id) => self.store.manifest(&self.store.commit(&id)?.manifest),
            None => Ok(Manifest::default()),
        };
        let (mut old, mut new) = match after {
            Some(_) => self.store.differing(&manifest(before)?, &manifest(after)?)?,
            None => {
                let tree = self.tree(&dataset)?;
                let looked = look(&tree, self.index(name)?.beside(scan(&tree)?), self.clock.as_ref(), true)?;
                let present = looked.into_iter().filter_map(|looked| looked.now);
                (self.store.entries(&manifest(before)?, selection)?, present.collect())
            }
        };
        old.retain(|entry| selection.holds(&entry.path));
        new.retain(|entry| selection.holds(&entry.path));
        Ok(Diff { dataset: name.clone(), before, after, changes: changes(&old, &new) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Kind;

    fn entry(path: &str, content: &str) -> Entry {
        let (path, digest) = (FilePath::new(path.as_bytes()).unwrap(), Digest::of(content.as_bytes()));
        Entry { path, kind: Kind::File, size: content.len() as u64, digest, lists: Box::default() }
    }

    #[test]
    fn files_are_new_gone_changed_or_renamed() {
        let before = [entry("a", "1"), entry("b", "22"), entry("c", "333"), entry("d", ""), entry("e", "333")];
        let after = [entry("b", "2x"), entry("e", "333"), entry("f", "333"), entry("g", ""), entry("h", "333")];
        let found = changes(&before, &after);
        let said: Vec<String> = found
            .iter()
            .map(|change| {
                let from = change.from.as_ref().map(|from| format!(" from {from}")).unwrap_or_default();
                format!("{:?} {}{from}", change.kind, change.path)
            })
            .collect();
        assert_eq!(
            said,
            ["Removed a", "Modified b", "Removed d", "Renamed f from c", "Added g", "Added h"],
            "a file is renamed once, and empty files are not alike"
        );
    }
}
