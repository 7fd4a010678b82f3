//! The database of an MLflow server, SQLite or PostgreSQL, read without the server.
//!
//! Tables and columns that a former version did not have yet are not asked for. Only the default workspace is read.

mod experiments;
mod folder;
mod histories;
mod inputs;
mod models;
mod registry;
mod runs;
mod schema;
mod totals;

use std::path::{Path, PathBuf};

use flyball_core::{Error, ErrorCode, Result};
use flyball_store::{DatabaseUrl, ForeignDb};

use self::folder::ArtifactFolder;
use self::schema::Schema;
use crate::record::Pair;
use crate::source::{LeftOut, Sink, Source, Wish};
use crate::tally::{Kind, Totals};

/// How many things are read at once.
const PAGE: usize = 200;

/// An MLflow database with the folder of its artifacts.
#[derive(Debug)]
pub struct Database {
    db: ForeignDb,
    schema: Schema,
    origin: String,
    artifacts: Option<ArtifactFolder>,
}

/// The address of an MLflow database as its own tools write it: `sqlite:///relative.db`, `sqlite:////absolute.db` and
/// `postgresql+driver://…`, beside Flyball's own `sqlite:PATH`.
///
/// # Errors
/// `InvalidInput` for another form.
pub fn address(text: &str) -> Result<DatabaseUrl> {
    if let Some(path) = text.strip_prefix("sqlite:///").filter(|path| !path.is_empty()) {
        return Ok(DatabaseUrl::Sqlite(PathBuf::from(path)));
    }
    match text.split_once("://") {
        Some((scheme, rest)) if scheme.starts_with("postgresql+") => format!("postgresql://{rest}").parse(),
        _ => text.parse(),
    }
}

impl Database {
    /// Opens the database; `artifacts` is the folder that its server keeps artifacts in.
    ///
    /// # Errors
    /// `NotFound` when the file or the folder is not there, `InvalidData` when it is no MLflow database, `Unavailable`
    /// when it cannot be reached.
    pub fn open(url: &DatabaseUrl, artifacts: Option<&Path>) -> Result<Self> {
        let mut db = ForeignDb::open(url)?;
        let schema = Schema::read(&mut db)?;
        let artifacts = artifacts.map(ArtifactFolder::open).transpose()?;
        Ok(Self { db, schema, origin: origin(url)?, artifacts })
    }

    /// The files of a run or logged model.
    fn files(&self, sink: &mut dyn Sink, uri: &str) -> Result<()> {
        match &self.artifacts {
            Some(folder) => folder.read(sink, uri),
            None => {
                sink.incomplete();
                Ok(())
            }
        }
    }

    /// Makes sure that files can be found; says so when they cannot.
    fn look_for_files(&mut self, sink: &mut dyn Sink) -> Result<()> {
        let reason = match self.artifacts.clone() {
            None => "the folder of the artifacts was not named; call again with --from-artifacts",
            Some(folder) if folder.is_empty() || self.names_any_folder_of(&folder)? => return Ok(()),
            Some(_) => "none of the folders that the database names is there; call again with another --from-artifacts",
        };
        self.artifacts = None;
        sink.left_out(LeftOut { kind: Kind::Artifacts, id: "all".to_owned(), reason: reason.to_owned() });
        Ok(())
    }
}

impl Source for Database {
    fn origin(&self) -> String {
        self.origin.clone()
    }

    fn read(&mut self, sink: &mut dyn Sink) -> Result<()> {
        self.look_for_files(sink)?;
        for experiment in self.experiments()? {
            let id = experiment.id.clone();
            if sink.experiment(experiment)? == Wish::Whole {
                self.read_runs(sink, &id)?;
                self.read_models(sink, &id)?;
            }
        }
        self.read_registry(sink)?;
        self.tell_of_the_rest(sink)
    }

    fn totals(&mut self, experiments: &[String]) -> Result<Option<Totals>> {
        self.count(experiments).map(Some)
    }
}

/// The same text for the same database, without its password.
fn origin(url: &DatabaseUrl) -> Result<String> {
    match url {
        DatabaseUrl::Sqlite(path) => {
            let path = path.canonicalize().map_err(|error| {
                Error::new(ErrorCode::Unavailable, "the database file cannot be found").cause(error)
            })?;
            Ok(format!("sqlite:{}", path.display()))
        }
        DatabaseUrl::Postgres(url) => {
            let place = url.split_once('@').map_or(url.as_str(), |(_, place)| place);
            let place = place.split('?').next().unwrap_or(place);
            Ok(format!("postgresql:{}", place.trim_start_matches("postgresql://").trim_start_matches("postgres://")))
        }
    }
}

fn pair(row: &flyball_store::Row) -> Result<Pair> {
    Ok(Pair { key: row.get("key")?, value: row.get::<Option<String>>("value")?.unwrap_or_default() })
}

/// `$first, …` for so many values.
fn places(first: usize, count: usize) -> String {
    (first..first + count).map(|place| format!("${place}")).collect::<Vec<_>>().join(", ")
}

/// The number of an experiment as the database keeps it.
fn number(id: &str) -> Result<i64> {
    id.parse().map_err(|_| Error::invalid(format!("'{id}' is not the number of an experiment")))
}
