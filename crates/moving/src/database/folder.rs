//! The folder in which an MLflow server keeps artifacts. Nothing outside of it is ever read, whatever the database says.

use std::fs::File;
use std::path::{Path, PathBuf};

use flyball_core::{Error, ErrorCode, Result};

use crate::source::{LeftOut, Sink};
use crate::tally::Kind;

/// Deepest nesting of folders that is followed: deeper ones cannot be named here.
const DEPTH: usize = 64;

#[derive(Clone, Debug)]
pub(super) struct ArtifactFolder {
    root: PathBuf,
}

impl ArtifactFolder {
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let missing = |error| {
            Error::new(ErrorCode::NotFound, format!("there is no folder {}", folder.display()))
                .hint("name the folder of --artifacts-destination, or of mlruns, with --artifacts")
                .cause(error)
        };
        let root = folder.canonicalize().map_err(missing)?;
        std::fs::read_dir(&root).map_err(missing)?;
        Ok(Self { root })
    }

    /// Whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        std::fs::read_dir(&self.root).is_ok_and(|mut entries| entries.next().is_none())
    }

    /// Pushes the files below an artifact URI.
    pub(super) fn read(&self, sink: &mut dyn Sink, uri: &str) -> Result<()> {
        let Some(folder) = self.locate(uri) else { return Ok(()) };
        self.walk(sink, &folder, "", 0)
    }

    /// The folder that a URI names: below the root as the server resolves it, or where its last parts are below the
    /// root, for stores that name a place of their own.
    pub(super) fn locate(&self, uri: &str) -> Option<PathBuf> {
        let path = match uri.split_once(':') {
            Some((_, rest)) if !uri.starts_with('/') => rest,
            _ => uri,
        };
        let path = match path.strip_prefix("//") {
            Some(rest) => rest.split_once('/').map_or("", |(_, path)| path),
            None => path,
        };
        let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
        if parts.contains(&"..") {
            return None;
        }
        let tail = |count: usize| parts.get(parts.len().checked_sub(count)?..).map(|parts| parts.join("/"));
        let whole = parts.join("/");
        let wanted = [Some(PathBuf::from(format!("/{whole}"))), Some(self.root.join(&whole))]
            .into_iter()
            .chain([4, 3].map(|count| tail(count).map(|path| self.root.join(path))));
        wanted.flatten().filter_map(|path| path.canonicalize().ok()).find(|path| self.is_inside(path) && path.is_dir())
    }

    fn is_inside(&self, path: &Path) -> bool {
        path.starts_with(&self.root) && path != self.root
    }

    fn walk(&self, sink: &mut dyn Sink, folder: &Path, below: &str, depth: usize) -> Result<()> {
        let mut entries = match std::fs::read_dir(folder).and_then(Iterator::collect::<std::io::Result<Vec<_>>>) {
            Ok(entries) if depth < DEPTH => entries,
            Ok(_) => {
                tell(sink, folder, "it is nested too deeply");
                return Ok(());
            }
            Err(error) => {
                tell(sink, folder, &error.to_string());
                return Ok(());
            }
        };
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
                tell(sink, &path, "its name is not UTF-8");
                continue;
            };
            let name = if below.is_empty() { name } else { format!("{below}/{name}") };
            match path.canonicalize() {
                Ok(real) if !self.is_inside(&real) => tell(sink, &path, "it is a link out of the folder of artifacts"),
                Ok(real) if real.is_dir() => self.walk(sink, &path, &name, depth + 1)?,
                Ok(real) if real.is_file() => match File::open(&real) {
                    Ok(mut file) => sink.file(&name, &mut file)?,
                    Err(error) => tell(sink, &path, &error.to_string()),
                },
                Ok(_) => tell(sink, &path, "it is neither a file nor a folder"),
                Err(error) => tell(sink, &path, &error.to_string()),
            }
        }
        Ok(())
    }
}

fn tell(sink: &mut dyn Sink, path: &Path, reason: &str) {
    let id = path.display().to_string();
    sink.left_out(LeftOut { kind: Kind::Artifacts, id, reason: reason.to_owned() });
}
