//! Artifacts of a server, which hands them out wherever it keeps them.

use flyball_core::Result;

use super::api::{encoded, query};
use super::read::{list, text};
use super::{Server, one};
use crate::source::Sink;
use crate::tally::Kind;

/// Deepest nesting that is followed, in case a server lists a folder in itself.
const DEPTH: usize = 64;

/// What files belong to.
#[derive(Clone, Copy)]
pub(crate) enum Owner<'a> {
    /// A run.
    Run(&'a str),
    /// A logged model.
    LoggedModel(&'a str),
}

impl Owner<'_> {
    fn id(&self) -> &str {
        let (Owner::Run(id) | Owner::LoggedModel(id)) = self;
        id
    }

    /// The listing of a folder, or of the root without one.
    fn listing(&self, folder: Option<&str>) -> String {
        match self {
            Owner::Run(id) => {
                let pairs: Vec<_> =
                    [("run_id", *id)].into_iter().chain(folder.map(|folder| ("path", folder))).collect();
                query("/api/2.0/mlflow/artifacts/list", &pairs)
            }
            Owner::LoggedModel(id) => {
                let pairs: Vec<_> = folder.map(|folder| ("artifact_directory_path", folder)).into_iter().collect();
                query(&format!("/api/2.0/mlflow/logged-models/{}/artifacts/directories", encoded(id)), &pairs)
            }
        }
    }

    fn file(&self, path: &str) -> String {
        match self {
            Owner::Run(id) => query("/get-artifact", &[("run_id", id), ("path", path)]),
            Owner::LoggedModel(id) => query(
                &format!("/ajax-api/2.0/mlflow/logged-models/{}/artifacts/files", encoded(id)),
                &[("artifact_file_path", path)],
            ),
        }
    }
}

impl Server {
    /// Pushes all files of a run or logged model.
    pub(crate) fn read_files(&self, sink: &mut dyn Sink, owner: Owner<'_>) -> Result<()> {
        let mut folders = vec![(None, 0)];
        while let Some((folder, depth)) = folders.pop() {
            let id = format!("{}/{}", owner.id(), folder.as_deref().unwrap_or_default());
            let listing = self.api.get(&owner.listing(folder.as_deref()));
            let Some(answer) = one(listing, sink, Kind::Artifacts, &id)? else { continue };
            for entry in list(&answer, "files") {
                let path = text(entry, "path");
                match entry["is_dir"].as_bool() {
                    Some(true) if depth < DEPTH => folders.push((Some(path), depth + 1)),
                    _ => self.read_file(sink, owner, &path)?,
                }
            }
        }
        Ok(())
    }

    fn read_file(&self, sink: &mut dyn Sink, owner: Owner<'_>, path: &str) -> Result<()> {
        let id = format!("{}/{path}", owner.id());
        match one(self.api.bytes(&owner.file(path)), sink, Kind::Artifacts, &id)? {
            Some(mut bytes) => sink.file(path, &mut bytes),
            None => Ok(()),
        }
    }
}
