//! The datasets of a project: which folder each one is, and which version of it lies there.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use flyball_core::{Clock, Digest, Error, ErrorCode, Name, Result};
use serde::{Deserialize, Serialize};

use crate::failure::{damaged, io};
use crate::index::{Index, replace_file};
use crate::path::FilePath;
use crate::scan::Tree;
use crate::storage::{self, Folder, Storage};
use crate::store::Store;

/// The file that names the datasets of a project; it belongs into Git, beside the code that reads them.
pub const FILE: &str = "flyball.data.json";
/// The branch of a new dataset.
pub const MAIN: &str = "main";
/// The name of the remote.
pub const ORIGIN: &str = "origin";

/// The datasets of a project, and the store of their versions in its data folder.
#[derive(Debug)]
pub struct Project {
    pub(crate) folder: PathBuf,
    pub(crate) state: PathBuf,
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    settings: Vec<(String, String)>,
}

/// What [`FILE`] holds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Datasets {
    /// Where versions are pushed to and fetched from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) remote: Option<String>,
    pub(crate) datasets: BTreeMap<Name, Dataset>,
}

/// A dataset of a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// Its folder or file, from the folder of the project.
    pub path: String,
    /// Whether it is one file.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub file: bool,
    /// The branch on which the next commit comes; none when a version was checked out by its id or a tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The version that lies in the folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Digest>,
}

/// Held while something of a project's store is changed.
pub(crate) struct Lock {
    _file: File,
}

impl Project {
    /// The datasets of the project in `folder`, whose state is kept in `data_dir`. `settings` are variables of the environment,
    /// of which the standard `AWS_…` ones are heeded where a remote is a bucket.
    ///
    /// # Errors
    /// `Forbidden`, `StorageFull` or `Unavailable` when the data folder cannot be written.
    pub fn open(
        folder: &Path,
        data_dir: &Path,
        clock: Arc<dyn Clock>,
        settings: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self> {
        let absolute = |path: &Path| std::path::absolute(path).map_err(|error| io("use", path.display(), error));
        let (folder, state) = (absolute(folder)?, absolute(data_dir)?.join("snapshots"));
        let store = Store::new(Arc::new(Folder::open(&state)?), None);
        Ok(Self { folder, state, store, clock, settings: settings.into_iter().collect() })
    }

    /// The same project with its versions in another storage.
    #[must_use]
    pub fn with_storage(self, storage: Arc<dyn Storage>) -> Self {
        Self { store: Store::new(storage, None), ..self }
    }

    /// The store of the versions.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The names of the datasets.
    ///
    /// # Errors
    /// `InvalidData` when [`FILE`] cannot be understood.
    pub fn names(&self) -> Result<Vec<Name>> {
        Ok(self.read()?.datasets.into_keys().collect())
    }

    /// A dataset.
    ///
    /// # Errors
    /// `NotFound` when there is none of this name.
    pub fn dataset(&self, name: &Name) -> Result<Dataset> {
        let mut datasets = self.read()?.datasets;
        datasets.remove(name).ok_or_else(|| {
            let known: Vec<&str> = datasets.keys().map(Name::as_str).collect();
            let hint = match known.as_slice() {
                [] => "flyball data add FOLDER makes one".to_owned(),
                known => format!("there are {}; flyball data add FOLDER makes one", known.join(", ")),
            };
            Error::not_found("dataset", name).hint(hint)
        })
    }

    /// The name that a word of the user's means: a dataset's, or that of the dataset whose folder it is; the only dataset if
    /// there is no word.
    ///
    /// # Errors
    /// `NotFound` when there is none, `InvalidInput` when there are several and none was named.
    pub fn find(&self, word: Option<&str>) -> Result<Name> {
        let datasets = self.read()?.datasets;
        let Some(word) = word else {
            let names: Vec<&Name> = datasets.keys().collect();
            return match names.as_slice() {
                [name] => Ok((*name).clone()),
                [] => Err(Error::new(ErrorCode::NotFound, "this project has no dataset yet")
                    .hint("flyball data add FOLDER makes one")),
                names => {
                    let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
                    Err(Error::invalid("the project has several datasets; which one is meant?")
                        .hint(format!("name one of {}", names.join(", "))))
                }
            };
        };
        if let Some((name, _)) = datasets.iter().find(|(name, _)| name.as_str() == word) {
            return Ok(name.clone());
        }
        if let Ok(path) = self.inside(Path::new(word))
            && let Some((name, _)) = datasets.iter().find(|(_, dataset)| dataset.path == path)
        {
            return Ok(name.clone());
        }
        match word.parse::<Name>() {
            Ok(name) => self.dataset(&name).map(|_| name),
            Err(_) => Err(Error::not_found("dataset", word).hint("flyball data add FOLDER makes one")),
        }
    }

    /// A path as it stands in [`FILE`]: from the folder of the project, where relative paths begin.
    fn inside(&self, path: &Path) -> Result<String> {
        let mut whole = PathBuf::new();
        for part in self.folder.join(path).components() {
            match part {
                Component::ParentDir => drop(whole.pop()),
                Component::CurDir => {}
                part => whole.push(part),
            }
        }
        let outside = || {
            Error::invalid(format!("{} is not in the project at {}", path.display(), self.folder.display()))
                .hint("move or link it into the folder of the project, or name another one with --project")
        };
        let path = whole.strip_prefix(&self.folder).map_err(|_| outside())?;
        let text = path.to_str().ok_or_else(|| {
            Error::invalid(format!("the folder's name {} is not text", path.display())).hint("rename the folder")
        })?;
        if text.is_empty() { Ok(".".to_owned()) } else { Ok(text.to_owned()) }
    }

    /// A folder or file as a new dataset, by default called as the folder is. It is not one yet.
    pub(crate) fn enter(&self, path: &Path, name: Option<Name>) -> Result<(Name, Dataset)> {
        let at = self.folder.join(path);
        let data = std::fs::symlink_metadata(&at).map_err(|error| io("add", path.display(), error))?;
        let data = if data.is_symlink() { std::fs::metadata(&at).unwrap_or(data) } else { data };
        if !data.is_dir() && !data.is_file() {
            let message = format!("{} is neither a folder nor a file", path.display());
            return Err(Error::new(ErrorCode::InvalidData, message).hint("add a folder or a file"));
        }
        let inside = self.inside(path)?;
        let name = match name {
            Some(name) => name,
            None => {
                let last = self.folder.join(&inside).file_name().map(|name| name.to_string_lossy().into_owned());
                last.unwrap_or_default()
                    .parse::<Name>()
                    .map_err(|error| error.hint("give it a name with --name NAME"))?
            }
        };
        let dataset = Dataset { path: inside, file: data.is_file(), branch: Some(MAIN.to_owned()), commit: None };
        self.check_new(&name, &dataset)?;
        Ok((name, dataset))
    }

    /// Whether a dataset may be made of this name at this place.
    pub(crate) fn check_new(&self, name: &Name, dataset: &Dataset) -> Result<()> {
        let datasets = self.read()?.datasets;
        if let Some(other) = datasets.get(name) {
            return Err(Error::new(ErrorCode::AlreadyExists, format!("'{name}' is the dataset at {}", other.path))
                .hint("give the new one another name with --name NAME"));
        }
        let below = |a: &Dataset, b: &Dataset| a.path == "." || Path::new(&b.path).starts_with(&a.path);
        if let Some((other, _)) = datasets.iter().find(|(_, other)| below(dataset, other) || below(other, dataset)) {
            return Err(Error::new(
                ErrorCode::AlreadyExists,
                format!("{} overlaps the dataset '{other}'", dataset.path),
            )
            .hint(format!("add the whole of that with flyball data add {other}")));
        }
        Ok(())
    }

    /// Where a dataset lies.
    pub(crate) fn tree(&self, dataset: &Dataset) -> Result<Tree> {
        let path = self.folder.join(&dataset.path);
        if !dataset.file {
            return Ok(Tree { folder: path, only: None });
        }
        let bad = || damaged(FILE);
        let name = path.file_name().ok_or_else(bad)?;
        let only = FilePath::new(name.as_bytes()).map_err(|_| bad())?;
        Ok(Tree { folder: path.parent().ok_or_else(bad)?.to_owned(), only: Some(only) })
    }

    fn index_path(&self, name: &Name) -> PathBuf {
        self.state.join("index").join(name.as_str())
    }

    pub(crate) fn index(&self, name: &Name) -> Result<Index> {
        Index::read(&self.index_path(name))
    }

    pub(crate) fn write_index(&self, name: &Name, index: &Index) -> Result<()> {
        index.write(&self.index_path(name))
    }

    /// Waits until no other process changes the store.
    pub(crate) fn lock(&self) -> Result<Lock> {
        let file = self.lock_file()?;
        file.lock().map_err(|error| io("lock", self.state.display(), error))?;
        // Another process may have written packs meanwhile.
        self.store.written();
        Ok(Lock { _file: file })
    }

    /// The lock, if nobody holds it.
    pub(crate) fn try_lock(&self) -> Result<Option<Lock>> {
        let file = self.lock_file()?;
        self.store.written();
        Ok(file.try_lock().ok().map(|()| Lock { _file: file }))
    }

    fn lock_file(&self) -> Result<File> {
        let path = self.state.join("lock");
        let file = File::options().write(true).create(true).truncate(false).open(&path);
        file.map_err(|error| io("lock", path.display(), error))
    }

    pub(crate) fn read(&self) -> Result<Datasets> {
        let path = self.folder.join(FILE);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Datasets::default()),
            Err(error) => return Err(io("read", FILE, error)),
        };
        let unusable = |why: String| {
            Error::new(ErrorCode::InvalidData, format!("{FILE} cannot be understood: {why}"))
                .hint("take it from Git again, or correct it; it names the datasets of the project")
        };
        let datasets: Datasets = serde_json::from_slice(&text).map_err(|error| unusable(error.to_string()))?;
        for dataset in datasets.datasets.values() {
            let path = Path::new(&dataset.path);
            let leads_out = |part: Component<'_>| !matches!(part, Component::Normal(_) | Component::CurDir);
            if dataset.path.is_empty() || path.components().any(leads_out) {
                return Err(unusable(format!("the path {} leads out of the project", dataset.path)));
            }
        }
        Ok(datasets)
    }

    /// Changes [`FILE`]; the lock must be held.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Datasets) -> Result<()>) -> Result<()> {
        let mut datasets = self.read()?;
        change(&mut datasets)?;
        let mut text = serde_json::to_vec_pretty(&datasets).map_err(Error::internal)?;
        text.push(b'\n');
        replace_file(&self.folder.join(FILE), &text)
    }

    /// Changes what [`FILE`] says of a dataset.
    pub(crate) fn update_dataset(&self, name: &Name, dataset: Dataset) -> Result<()> {
        if self.dataset(name).is_ok_and(|known| known == dataset) {
            return Ok(());
        }
        self.update(|datasets| {
            datasets.datasets.insert(name.clone(), dataset);
            Ok(())
        })
    }

    /// The remote at this address, or the one that the project is used to; a new address becomes that.
    pub(crate) fn remote(&self, address: Option<&str>) -> Result<Store> {
        let known = self.read()?.remote;
        let address = match (address, &known) {
            (Some(address), _) => address.to_owned(),
            (None, Some(known)) => known.clone(),
            (None, None) => {
                return Err(Error::invalid("no remote is known")
                    .hint("name one with --remote: a folder, or s3://BUCKET/PREFIX; it is remembered"));
            }
        };
        let place = match address.contains("://") {
            true => address.clone(),
            false => self.folder.join(&address).to_string_lossy().into_owned(),
        };
        let remote = storage::open(&place, &self.state.join("spool"), self.settings.iter().cloned())?;
        let cache = self.state.join("remotes").join(Digest::of(place.as_bytes()).short());
        if known.as_ref() != Some(&address) {
            self.update(|datasets| {
                datasets.remote = Some(address);
                Ok(())
            })?;
        }
        Ok(Store::new(remote, Some(cache)))
    }
}
