//! DVC repositories: what `.dvc` files name becomes datasets, taken from DVC's cache and checked by its MD5 digests.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use flyball_core::{Digest, Error, ErrorCode, Name, Result};
use md5::{Digest as _, Md5};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::pointer::{Output, caches, outputs};
use crate::commit::Commit;
use crate::entry::Entry;
use crate::failure::io;
use crate::intake::Intake;
use crate::manifest::Manifest;
use crate::path::FilePath;
use crate::project::{Dataset, MAIN, Project};
use crate::scan::{Found, open_folder, stamp_of};
use crate::work::Message;

/// A dataset that came from DVC.
#[derive(Clone, Debug, Serialize)]
pub struct Imported {
    /// The dataset.
    pub dataset: Name,
    /// Its folder or file.
    pub path: String,
    /// The version that was made of it.
    pub commit: Digest,
    /// Whether that version was there already.
    pub unchanged: bool,
    /// How many files it has.
    pub files: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// How many bytes the store grew by.
    pub bytes_stored: u64,
}

/// A line of a `.dir` object.
#[derive(Deserialize)]
struct Listed {
    md5: String,
    relpath: String,
}

impl Project {
    /// Makes datasets of what the `.dvc` files of a repository name (only those of these names, if any are given), from its
    /// cache or remotes that are folders. Every file is checked by its MD5 digest. What is in the folders of the project stays
    /// as it is.
    ///
    /// # Errors
    /// `NotFound` when there is no `.dvc` file, or DVC's cache lacks a file; `InvalidData` naming a file whose content is not
    /// that of its digest. Datasets before the one that failed stay imported.
    pub fn import_dvc(&self, repository: &Path, only: &[Name], author: &str) -> Result<Vec<Imported>> {
        let _lock = self.lock()?;
        let repository = std::path::absolute(self.folder.join(repository))
            .map_err(|error| io("read", repository.display(), error))?;
        let mut pointers = Vec::new();
        find(&repository, &mut pointers)?;
        let caches = caches(&repository);
        let mut imported = Vec::new();
        for pointer in &pointers {
            for output in outputs(pointer)? {
                let (name, dataset) = self.place(&repository, pointer, &output)?;
                if only.is_empty() || only.contains(&name) {
                    let shown = pointer.strip_prefix(&repository).unwrap_or(pointer).display();
                    let message = Message { text: format!("import of {shown}"), author: author.to_owned() };
                    let one = self.import(&name, dataset, &output, &caches, &message);
                    imported.push(one.map_err(|error| error.context(shown))?);
                }
            }
        }
        if imported.is_empty() {
            let message = format!("there is no .dvc file to import in {}", repository.display());
            return Err(Error::new(ErrorCode::NotFound, message).hint("name the folder of a DVC repository"));
        }
        Ok(imported)
    }

    /// What an output is here: its path from the folder of the repository, called as its last part is.
    fn place(&self, repository: &Path, pointer: &Path, output: &Output) -> Result<(Name, Dataset)> {
        let mut whole = PathBuf::new();
        for part in pointer.parent().unwrap_or(repository).join(&output.path).components() {
            match part {
                std::path::Component::ParentDir => drop(whole.pop()),
                std::path::Component::CurDir => {}
                part => whole.push(part),
            }
        }
        let base = if whole.starts_with(&self.folder) { &self.folder } else { repository };
        let path = whole.strip_prefix(base).ok().and_then(Path::to_str).filter(|path| !path.is_empty());
        let path = path.ok_or_else(|| {
            Error::new(ErrorCode::InvalidData, format!("{} is not in the repository", output.path))
                .hint("DVC keeps it elsewhere; add that folder with flyball data add")
        })?;
        let last = path.rsplit('/').next().unwrap_or(path);
        let fitting = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' };
        let name: Name = last.chars().map(fitting).collect::<String>().trim_matches(['.', '-', '_']).parse()?;
        let file = !output.md5.ends_with(".dir");
        Ok((name, Dataset { path: path.to_owned(), file, branch: Some(MAIN.to_owned()), commit: None }))
    }

    fn import(
        &self,
        name: &Name,
        dataset: Dataset,
        output: &Output,
        caches: &[PathBuf],
        message: &Message,
    ) -> Result<Imported> {
        let known = self.read()?.datasets.remove(name);
        let dataset = match known {
            Some(known) if known.path == dataset.path => known,
            _ => {
                self.check_new(name, &dataset)?;
                dataset
            }
        };
        let listed = list(output, caches)?;
        let (contents, bytes_stored) = self.take_objects(&listed, output, caches)?;
        let mut entries = Vec::with_capacity(listed.len());
        for (path, md5) in listed {
            let known = contents.get(&md5).ok_or_else(|| missing(&md5))?;
            entries.push(Entry { path, kind: crate::entry::Kind::File, ..known.clone() });
        }
        let chunks = self.store.chunks()?;
        let mut writer = self.store.writer();
        let manifest = Manifest::write(&entries, &mut writer, |id| chunks.has(id))?;
        writer.finish()?;
        self.store.written();
        let head = dataset.commit.map(|id| self.store.commit(&id).map(|commit| (id, commit))).transpose()?;
        let before = match &head {
            Some((_, commit)) => self.store.manifest(&commit.manifest)?,
            None => Manifest::default(),
        };
        let stats = self.stats(&before, &manifest)?;
        let (files, bytes) = (manifest.files, manifest.bytes);
        let manifest = self.store.put_manifest(&manifest)?;
        let same = head.as_ref().filter(|(_, commit)| commit.manifest == manifest).map(|(id, _)| *id);
        let commit = match same {
            Some(id) => id,
            None => {
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
                self.put_next(name, dataset.branch.as_deref().unwrap_or(MAIN), &commit)?
            }
        };
        let path = dataset.path.clone();
        self.update_dataset(name, Dataset { commit: Some(commit), ..dataset })?;
        Ok(Imported { dataset: name.clone(), path, commit, unchanged: same.is_some(), files, bytes, bytes_stored })
    }

    /// Takes the objects of these digests into the store; what each digest stands for there.
    fn take_objects(
        &self,
        listed: &BTreeMap<FilePath, String>,
        output: &Output,
        caches: &[PathBuf],
    ) -> Result<(HashMap<String, Entry>, u64)> {
        let mut by_cache: BTreeMap<&PathBuf, Vec<Found>> = BTreeMap::new();
        let mut paths: HashMap<(&PathBuf, FilePath), &String> = HashMap::new();
        let mut digests: Vec<&String> = listed.values().collect();
        digests.sort_unstable();
        digests.dedup();
        for md5 in digests {
            let (cache, place) = locate(md5, caches).ok_or_else(|| missing(md5))?;
            let file = File::open(cache.join(place.as_path())).map_err(|error| io("read", &place, error))?;
            let (kind, stamp) = stamp_of(&file, &place)?.ok_or_else(|| missing(md5))?;
            by_cache.entry(cache).or_default().push(Found { path: place.clone(), kind, stamp });
            paths.insert((cache, place), md5);
        }
        let (mut contents, mut stored) = (HashMap::new(), 0);
        for (cache, mut found) in by_cache {
            found.par_iter().try_for_each(|found| {
                let md5 = paths.get(&(cache, found.path.clone())).map_or("", |md5| md5.as_str());
                check(&cache.join(found.path.as_path()), md5, output.is_old)
            })?;
            found.sort_unstable_by(|a, b| a.path.cmp(&b.path));
            let folder = open_folder(cache)?.ok_or_else(|| missing("of the cache"))?;
            let chunks = self.store.chunks()?;
            let taken = Intake::new(&folder, &chunks, self.store.writer(), self.clock.as_ref()).take(found)?;
            self.store.written();
            stored += taken.written;
            for file in taken.files {
                if let Some(md5) = paths.get(&(cache, file.entry.path.clone())) {
                    contents.insert((*md5).clone(), file.entry);
                }
            }
        }
        Ok((contents, stored))
    }
}

/// All `.dvc` files below a folder, in the order of their names.
fn find(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let failed = |error| io("list", folder.display(), error);
    let mut entries =
        std::fs::read_dir(folder).map_err(failed)?.collect::<std::io::Result<Vec<_>>>().map_err(failed)?;
    entries.sort_unstable_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let (name, path) = (entry.file_name(), entry.path());
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() && ![".git", ".dvc", ".flyball"].iter().any(|left_out| name == *left_out) {
            find(&path, found)?;
        } else if kind.is_file() && path.extension().is_some_and(|end| end == "dvc") {
            found.push(path);
        }
    }
    Ok(())
}

/// The files of an output with their digests.
fn list(output: &Output, caches: &[PathBuf]) -> Result<BTreeMap<FilePath, String>> {
    let last = output.path.rsplit('/').next().unwrap_or(&output.path);
    if !output.md5.ends_with(".dir") {
        return Ok([(FilePath::new(last.as_bytes())?, output.md5.clone())].into());
    }
    let (cache, place) = locate(&output.md5, caches).ok_or_else(|| missing(&output.md5))?;
    let text = std::fs::read(cache.join(place.as_path())).map_err(|error| io("read", &place, error))?;
    let found = hex(Md5::new().chain_update(&text));
    if Some(found.as_str()) != output.md5.strip_suffix(".dir") {
        return Err(wrong(&output.md5));
    }
    let lines: Vec<Listed> = serde_json::from_slice(&text).map_err(|error| wrong(&output.md5).cause(error))?;
    lines.into_iter().map(|line| Ok((FilePath::new(line.relpath.as_bytes())?, line.md5))).collect()
}

/// Where the object of a digest is: in the layout of DVC 3, or that before.
fn locate<'c>(md5: &str, caches: &'c [PathBuf]) -> Option<(&'c PathBuf, FilePath)> {
    let (first, rest) = md5.split_at_checked(2)?;
    let places = [format!("files/md5/{first}/{rest}"), format!("{first}/{rest}")];
    let there = |cache: &'c PathBuf| {
        let mut places = places.iter().filter_map(|place| FilePath::new(place.as_bytes()).ok());
        places.find(|place| cache.join(place.as_path()).is_file()).map(|place| (cache, place))
    };
    caches.iter().find_map(there)
}

/// Whether a file has this digest.
fn check(file: &Path, md5: &str, is_old: bool) -> Result<()> {
    let failed = |error| io("read", file.display(), error);
    let mut file = File::open(file).map_err(failed)?;
    let (mut plain, mut unix) = (Md5::new(), Md5::new());
    let mut buffer = vec![0; 256 * 1024];
    let mut held = false;
    loop {
        let read = file.read(&mut buffer).map_err(failed)?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        plain.update(bytes);
        if is_old {
            held = update_unix(&mut unix, bytes, held);
        }
    }
    if held {
        unix.update(b"\r");
    }
    if hex(plain) == md5 || (is_old && hex(unix) == md5) { Ok(()) } else { Err(wrong(md5)) }
}

/// Hashes bytes with each `\r\n` as `\n`; whether the last byte is a `\r` that waits for what follows.
fn update_unix(hasher: &mut Md5, bytes: &[u8], mut held: bool) -> bool {
    for line in bytes.split_inclusive(|byte| *byte == b'\r') {
        if held && line.first() != Some(&b'\n') {
            hasher.update(b"\r");
        }
        held = line.last() == Some(&b'\r');
        hasher.update(if held { &line[..line.len() - 1] } else { line });
    }
    held
}

fn hex(hasher: Md5) -> String {
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn missing(md5: &str) -> Error {
    Error::new(ErrorCode::NotFound, format!("DVC's cache has no object {md5}"))
        .hint("bring it there with dvc fetch, then import again")
}

fn wrong(md5: &str) -> Error {
    Error::new(
        ErrorCode::InvalidData,
        format!("the object {md5} of DVC's cache is damaged: its content has another digest"),
    )
    .hint("remove it, bring it back with dvc fetch, and import again")
}
