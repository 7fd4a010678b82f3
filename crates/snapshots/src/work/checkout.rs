//! Checking out: a version comes into the folder.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use flyball_core::{Digest, Error, ErrorCode, Name, Result};
use rustix::fs::{Mode, OFlags, openat};
use serde::Serialize;

use super::look::{Looked, look};
use super::place::{Links, Placer, remove};
use crate::diff::changes;
use crate::entry::Entry;
use crate::failure::io;
use crate::index::{Index, Tracked, replace_file};
use crate::intake::{LARGE, now_nanos};
use crate::path::{FilePath, Selection};
use crate::project::{Dataset, MAIN, Project};
use crate::refs::{branch_key, origin_key};
use crate::scan::{Stamp, open_folder, remove_partial, scan};

/// How many files in the way an error names.
const NAMED: usize = 5;

/// What is to be checked out, and how.
#[derive(Debug, Default)]
pub struct Checkout {
    /// The version; the one that the project names if there is none.
    pub version: Option<String>,
    /// Which files.
    pub selection: Selection,
    /// Whether local changes are written over.
    pub force: bool,
    /// How files come into the folder.
    pub links: Links,
}

/// What came of a checkout.
#[derive(Clone, Debug, Serialize)]
pub struct CheckedOut {
    /// The dataset.
    pub dataset: Name,
    /// Its folder or file.
    pub path: String,
    /// The branch in the folder.
    pub branch: Option<String>,
    /// The version in the folder.
    pub commit: Digest,
    /// How many files were written.
    pub written: u64,
    /// How many files were removed.
    pub removed: u64,
    /// How many files were there already.
    pub kept: u64,
    /// How many files have local changes, which the version leaves as they are.
    pub changed: u64,
}

/// A path with local changes, what was added of it, and what is wanted there.
type InTheWay = (FilePath, Option<Tracked>, Option<Entry>);

/// What has to be done.
#[derive(Default)]
struct Plan {
    write: Vec<Entry>,
    remove: Vec<FilePath>,
    /// What stays, and what belongs to the version but is not wanted in the folder.
    stay: Vec<Tracked>,
    kept: u64,
    in_the_way: Vec<InTheWay>,
}

impl Project {
    /// Brings a version, or some of its files, into the folder of its dataset. With a selection, files of another version come
    /// beside those of the version in the folder, to be committed; where nothing lies in the folder yet, only these come.
    ///
    /// # Errors
    /// `Conflict` naming files with local changes, unless it is forced: nothing was changed then. `NotFound` for an unknown
    /// version, `InvalidData` when something is missing or damaged.
    pub fn checkout(&self, name: &Name, wanted: &Checkout) -> Result<CheckedOut> {
        let _lock = self.lock()?;
        self.checkout_locked(name, wanted)
    }

    pub(crate) fn checkout_locked(&self, name: &Name, wanted: &Checkout) -> Result<CheckedOut> {
        let dataset = self.dataset(name)?;
        let (id, branch) = self.target(name, &dataset, wanted.version.as_deref())?;
        let index = self.index(name)?;
        let is_empty = index.files.is_empty();
        // Some files of a version beside others: the version in the folder stays what it was.
        let beside = !wanted.selection.is_all() && !is_empty;
        let commit = self.store.commit(&id)?;
        let entries = self.store.entries(&self.store.manifest(&commit.manifest)?, &Selection::default())?;
        let staged = self.staged(&dataset, &index, wanted.force)?;
        let tree = self.tree(&dataset)?;
        std::fs::create_dir_all(&tree.folder).map_err(|error| io("make", tree.folder.display(), error))?;
        let folder = open_folder(&tree.folder)?.ok_or_else(|| Error::internal("the folder is gone"))?;
        let before = index.manifest;
        let looked = look(&tree, index.beside(scan(&tree)?), self.clock.as_ref(), !wanted.force)?;
        let mut plan = plan(looked, entries, wanted, beside, &staged);
        let changed = self.keep_changes(&mut plan, &dataset, &id)?;
        if self.begun(name).exists() {
            remove_partial(&tree.folder).map_err(|error| io("clear", tree.folder.display(), error))?;
            self.take_torn(&mut plan, &folder)?;
        }
        if !plan.in_the_way.is_empty() {
            return Err(in_the_way(&plan.in_the_way));
        }
        replace_file(&self.begun(name), b"")?;
        remove(&folder, plan.remove.iter())?;
        let kept = (wanted.links == Links::Link).then_some(self.state.as_path());
        let placed = Placer::new(&self.store, &folder, kept).place(&plan.write)?;
        let (written, removed) = (placed.len() as u64, plan.remove.len() as u64);
        let mut files = plan.stay;
        let now = now_nanos(self.clock.as_ref());
        // What was written in this tick of the clock could still be changed without a new stamp.
        files.extend(placed.into_iter().map(|file| match file.stamp.rests(now) {
            true => file,
            false => Tracked { stamp: Stamp::NONE, ..file },
        }));
        files.sort_unstable_by(|a, b| a.entry.path.cmp(&b.entry.path));
        let manifest = match beside {
            true => before.filter(|_| written + removed == 0),
            false => Some(commit.manifest).filter(|_| changed == 0),
        };
        self.write_index(name, &Index { manifest, files })?;
        std::fs::remove_file(self.begun(name)).map_err(|error| io("finish the checkout of", name, error))?;
        let (id, branch) = match (beside, dataset.commit) {
            (true, Some(head)) => (head, dataset.branch.clone()),
            _ => (id, branch),
        };
        let path = dataset.path.clone();
        self.update_dataset(name, Dataset { branch: branch.clone(), commit: Some(id), ..dataset })?;
        Ok(CheckedOut { dataset: name.clone(), path, branch, commit: id, written, removed, kept: plan.kept, changed })
    }

    /// The version that is meant, and the branch if it is one.
    fn target(&self, name: &Name, dataset: &Dataset, word: Option<&str>) -> Result<(Digest, Option<String>)> {
        let Some(word) = word else {
            if let Some(id) = dataset.commit {
                return Ok((id, dataset.branch.clone()));
            }
            return self.target(name, dataset, Some(dataset.branch.as_deref().unwrap_or(MAIN)));
        };
        if crate::refs::check_name(word).is_ok() {
            if let Some(id) = self.store.reference(&branch_key(name, word))? {
                return Ok((id, Some(word.to_owned())));
            }
            if let Some(id) = self.store.reference(&origin_key(name, word))? {
                self.store.move_reference(&branch_key(name, word), None, &id)?;
                return Ok((id, Some(word.to_owned())));
            }
        }
        Ok((self.version(name, dataset, word)?, None))
    }

    /// What is there while files of a dataset are written.
    fn begun(&self, name: &Name) -> PathBuf {
        self.state.join("checkout").join(name.as_str())
    }

    /// Writes anew what a checkout that was killed wrote in part: small files that end early and nobody knows.
    fn take_torn(&self, plan: &mut Plan, folder: &OwnedFd) -> Result<()> {
        let mut left = Vec::new();
        for (path, known, entry) in plan.in_the_way.drain(..) {
            let torn = match &entry {
                Some(entry) if entry.size < LARGE && entry.kind.is_file() => self.is_torn(folder, entry)?,
                _ => false,
            };
            match entry.filter(|_| torn) {
                Some(entry) => plan.write.push(entry),
                None => left.push((path, known, None)),
            }
        }
        plan.in_the_way = left;
        plan.write.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok(())
    }

    fn is_torn(&self, folder: &OwnedFd, entry: &Entry) -> Result<bool> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let Ok(file) = openat(folder, entry.path.as_path(), flags, Mode::empty()) else { return Ok(false) };
        let (mut here, mut whole) = (Vec::new(), Vec::new());
        let read = File::from(file).take(LARGE).read_to_end(&mut here);
        read.map_err(|error| io("read", &entry.path, error))?;
        self.store.read(entry, |bytes| {
            whole.extend_from_slice(bytes);
            Ok(())
        })?;
        Ok(here.len() < whole.len() && whole.starts_with(&here))
    }

    /// Lets local changes stay where the version has what the one in the folder had: nothing would be written there. Returns
    /// how many there are.
    fn keep_changes(&self, plan: &mut Plan, dataset: &Dataset, target: &Digest) -> Result<u64> {
        let Some(head) = dataset.commit.filter(|_| !plan.in_the_way.is_empty()) else { return Ok(0) };
        let manifest = |id: &Digest| self.store.manifest(&self.store.commit(id)?.manifest);
        let (before, after) = self.store.differing(&manifest(&head)?, &manifest(target)?)?;
        let moved: HashSet<FilePath> = changes(&before, &after)
            .into_iter()
            .flat_map(|change| change.from.into_iter().chain([change.path]))
            .collect();
        let stays = |(path, known, _): &mut InTheWay| known.is_some() && !moved.contains(path);
        let kept: Vec<_> = plan.in_the_way.extract_if(.., stays).filter_map(|(_, known, _)| known).collect();
        let count = kept.len() as u64;
        plan.stay.extend(kept);
        Ok(count)
    }

    /// The paths of what was added and not committed, which a checkout would lose.
    fn staged(&self, dataset: &Dataset, index: &Index, force: bool) -> Result<HashSet<FilePath>> {
        let head = dataset.commit.map(|id| self.store.commit(&id)).transpose()?.map(|commit| commit.manifest);
        if force || index.files.is_empty() || head == index.manifest {
            return Ok(HashSet::new());
        }
        let before = match head {
            Some(head) => self.store.entries(&self.store.manifest(&head)?, &Selection::default())?,
            None => Vec::new(),
        };
        let after: Vec<Entry> = index.files.iter().map(|file| file.entry.clone()).collect();
        Ok(changes(&before, &after)
            .into_iter()
            .flat_map(|change| change.from.into_iter().chain([change.path]))
            .collect())
    }
}

/// Compares what lies in the folder with what is wanted there.
fn plan(looked: Vec<Looked>, entries: Vec<Entry>, wanted: &Checkout, beside: bool, staged: &HashSet<FilePath>) -> Plan {
    let mut plan = Plan::default();
    let (mut looked, mut entries) = (looked.into_iter().peekable(), entries.into_iter().peekable());
    loop {
        let path = |looked: &Looked| {
            looked.known.as_ref().map(|known| &known.entry).or(looked.now.as_ref()).map(|entry| entry.path.clone())
        };
        let here = looked.peek().and_then(path);
        let order = match (&here, entries.peek()) {
            (Some(here), Some(entry)) => here.cmp(&entry.path),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (None, None) => return plan,
        };
        let here = if order.is_le() { looked.next() } else { None };
        let entry = if order.is_ge() { entries.next() } else { None };
        plan.decide(here, entry, wanted, beside, staged);
    }
}

impl Plan {
    fn decide(
        &mut self,
        here: Option<Looked>,
        entry: Option<Entry>,
        wanted: &Checkout,
        beside: bool,
        staged: &HashSet<FilePath>,
    ) {
        let path = entry.as_ref().or(here.as_ref().and_then(|here| here.now.as_ref()));
        let path = path.or(here.as_ref().and_then(|here| here.known.as_ref()).map(|known| &known.entry));
        let Some(path) = path.map(|entry| entry.path.clone()) else { return };
        let is_meant = wanted.selection.holds(&path);
        let is_local = |here: &Looked| (here.changed && here.now.is_some()) || staged.contains(&path);
        match (here, entry) {
            (Some(Looked { known, .. }), _) if beside && !is_meant => self.stay.extend(known),
            (_, Some(_)) if beside && !is_meant => {}
            (here, Some(entry)) if !is_meant => {
                // Only part of the version is wanted; what lies there already may stay.
                let is_there = here.and_then(|here| here.now).is_some_and(|now| now.is_same(&entry));
                let stamp = if is_there { Stamp::NONE } else { Stamp::ABSENT };
                self.stay.push(Tracked { entry, stamp });
            }
            (Some(here), Some(entry)) => {
                let same = here.now.as_ref().is_some_and(|now| now.is_same(&entry) && now.size == entry.size);
                // What was written over without looking is not known to be the same.
                if same && !(wanted.force && here.changed) {
                    self.kept += 1;
                    self.stay.push(Tracked { entry, stamp: here.stamp });
                } else if is_local(&here) && !wanted.force {
                    self.in_the_way.push((path, here.known, Some(entry)));
                } else {
                    self.write.push(entry);
                }
            }
            (None, Some(entry)) => self.write.push(entry),
            (Some(here), None) => match here.known {
                // What was never added is not ours to remove.
                None => {}
                Some(known) if beside => self.stay.push(known),
                Some(_) if here.now.is_none() => {}
                Some(known) if (here.changed || staged.contains(&path)) && !wanted.force => {
                    self.in_the_way.push((path, Some(known), None));
                }
                Some(_) => self.remove.push(path),
            },
            (None, None) => {}
        }
    }
}

fn in_the_way(paths: &[InTheWay]) -> Error {
    let mut named = paths.iter().take(NAMED).map(|(path, ..)| path.to_string()).collect::<Vec<_>>().join(", ");
    if paths.len() > NAMED {
        named.push_str(&format!(" and {} more", paths.len() - NAMED));
    }
    Error::new(ErrorCode::Conflict, format!("local changes would be lost: {named}"))
        .hint("add and commit them first, or lose them with --force")
}
