//! A project in a folder of its own.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flyball_core::rng::Rng;
use flyball_core::{Digest, Name, Result, SystemClock};
use flyball_snapshots::{Checkout, Committed, Message, Project, Selection, Status};
use tempfile::TempDir;

/// A project.
pub(crate) struct World {
    folder: TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A project with a dataset `images` of these files, committed.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let world = Self::new();
        files.iter().for_each(|(path, content)| world.write(&format!("images/{path}"), content));
        world.open().add(Some("images"), None).unwrap();
        world.commit("the first");
        world
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.path().join(path)
    }

    pub(crate) fn open(&self) -> Project {
        self.open_with(Vec::new())
    }

    pub(crate) fn open_with(&self, settings: Vec<(String, String)>) -> Project {
        Project::open(self.path(), &self.at(".flyball"), Arc::new(SystemClock::default()), settings).unwrap()
    }

    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Adds everything and commits it.
    pub(crate) fn commit(&self, message: &str) -> Committed {
        let project = self.open();
        project.add(Some("images"), None).unwrap();
        project.commit(&images(), &said(message)).unwrap()
    }

    pub(crate) fn status(&self) -> Status {
        self.open().status(&images()).unwrap()
    }

    /// What was not added yet, as `State path`.
    pub(crate) fn changed(&self) -> Vec<String> {
        self.status().changed.iter().map(|change| format!("{:?} {}", change.state, change.path)).collect()
    }

    pub(crate) fn checkout(&self, version: &str) -> Result<flyball_snapshots::CheckedOut> {
        self.open().checkout(&images(), &Checkout { version: Some(version.to_owned()), ..Checkout::default() })
    }

    /// The files of a folder with the digests of what they hold; where links lead.
    pub(crate) fn tree(&self, folder: &str) -> BTreeMap<Vec<u8>, Digest> {
        let mut found = BTreeMap::new();
        let root = self.at(folder);
        let mut waiting = vec![root.clone()];
        while let Some(folder) = waiting.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(&root).unwrap().as_os_str().as_bytes().to_vec();
                if path.is_symlink() {
                    found.insert(name, Digest::of(fs::read_link(&path).unwrap().as_os_str().as_bytes()));
                } else if path.is_dir() {
                    waiting.push(path);
                } else {
                    found.insert(name, Digest::of(&fs::read(&path).unwrap()));
                }
            }
        }
        found
    }

    /// The objects of the store, or of a remote.
    pub(crate) fn objects(&self, store: &str) -> Vec<PathBuf> {
        let root = self.at(store);
        let mut found: Vec<PathBuf> = ["packs", "manifests", "commits", "refs"]
            .iter()
            .flat_map(|folder| files_below(&root.join(folder)))
            .collect();
        found.sort();
        found
    }

    /// How many bytes the packs of the store take.
    pub(crate) fn packed(&self) -> u64 {
        files_below(&self.at(".flyball/snapshots/packs")).iter().map(|path| path.metadata().unwrap().len()).sum()
    }
}

/// The store of a project, from its folder.
pub(crate) const STORE: &str = ".flyball/snapshots";

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

pub(crate) fn images() -> Name {
    "images".parse().unwrap()
}

pub(crate) fn said(text: &str) -> Message {
    Message { text: text.to_owned(), author: "ada".to_owned() }
}

pub(crate) fn only(pattern: &str) -> Selection {
    Selection::new(&[pattern.to_owned()]).unwrap()
}

/// Bytes that nothing makes smaller.
pub(crate) fn noise(bytes: usize, seed: u64) -> Vec<u8> {
    let mut rng = Rng::seeded(seed);
    (0..bytes.div_ceil(8)).flat_map(|_| rng.next_u64().to_le_bytes()).take(bytes).collect()
}
