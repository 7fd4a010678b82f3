//! The use cases: bring data in, derive data from data, check it, and find all of it again.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use flyball_core::{Clock, Digest, Edit, Error, ErrorCode, Name, Permit, Read, Result, Table, id, limits};
use flyball_governance::audit;
use flyball_store::{Blobs, Db, Tx};

use crate::cache::Cache;
use crate::check::{self, Check};
use crate::formats::parquet;
use crate::model::{ColumnSchema, DatasetVersion, Lineage, Origin, ValidationReport};
use crate::nearest;
use crate::profile::{self, TableProfile};
use crate::query::QueryEngine;
use crate::scan::{ParquetRows, Rows};
use crate::source::{self, Quarantined, SourceFile};
use crate::{failing, store};

/// The datasets of a server.
pub struct Datasets {
    db: Db,
    blobs: Blobs,
    clock: Arc<dyn Clock>,
    query: Arc<dyn QueryEngine>,
    project_root: PathBuf,
    cache: Cache,
}

/// A version that is worked out and not written yet.
struct Draft {
    dataset: Name,
    recipe: Digest,
    origin: Origin,
    table: Arc<Table>,
    quarantine: Vec<Quarantined>,
}

impl Datasets {
    /// Datasets kept in `db` and `blobs`; sources are read below `project_root`.
    pub fn new(
        db: Db,
        blobs: Blobs,
        clock: Arc<dyn Clock>,
        query: Arc<dyn QueryEngine>,
        project_root: PathBuf,
    ) -> Self {
        Self { db, blobs, clock, query, project_root, cache: Cache::default() }
    }

    /// The folder that sources are read below.
    pub fn project_root(&self) -> &std::path::Path {
        &self.project_root
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// The rows of a version: from memory where they are, and else piece by piece.
    pub fn rows(&self, permit: &Permit<Read>, version: &DatasetVersion) -> Result<Box<dyn Rows>> {
        let version = self.get(permit, &version.id)?;
        Ok(match self.cache.get(&version.content) {
            Some(table) => Box::new(table),
            None => Box::new(ParquetRows::of_bytes(self.blobs.get(&version.content)?)?),
        })
    }

    pub(crate) fn query(&self) -> &dyn QueryEngine {
        self.query.as_ref()
    }

    /// Reads the files that `source` names (see [`source::resolve`]) as a new version of the dataset. When neither the
    /// files nor their content differ from the latest version, that one is returned and nothing is written. Rows that
    /// cannot be read are kept apart (see [`Datasets::quarantine`]).
    pub fn ingest(&self, permit: &Permit<Edit>, dataset: &Name, source: &str) -> Result<DatasetVersion> {
        let loaded = source::load(&self.project_root, source)?;
        let files: Vec<SourceFile> = loaded.files.iter().map(|(file, _)| file.clone()).collect();
        let recipe = recipe_of_files(&files);
        if let Some(latest) = self.latest_of(permit.workspace(), dataset)?.filter(|latest| latest.recipe == recipe) {
            return Ok(latest);
        }
        let (table, quarantine) = loaded.parse()?;
        let origin = Origin::Files { source: source.to_owned(), files };
        self.keep(permit, Draft { dataset: dataset.clone(), recipe, origin, table: Arc::new(table), quarantine })
    }

    /// Runs a query over `inputs`, each called by the name of its dataset, as a new version of the dataset. Inputs that
    /// the query does not name are left out of the lineage. When the latest version was made by the same query from the
    /// same inputs it is returned and nothing is run. Without `ORDER BY` the rows keep the order in which the engine
    /// gives them, which is the same each time.
    pub fn derive(
        &self,
        permit: &Permit<Edit>,
        dataset: &Name,
        sql: &str,
        inputs: &[DatasetVersion],
    ) -> Result<DatasetVersion> {
        let inputs = self.inputs_in_use(sql, inputs)?;
        let recipe = recipe_of_query(sql, &inputs);
        if let Some(latest) = self.latest_of(permit.workspace(), dataset)?.filter(|latest| latest.recipe == recipe) {
            return Ok(latest);
        }
        let read = permit.read();
        let tables: Vec<(String, Arc<Table>)> = inputs
            .iter()
            .map(|input| Ok((input.dataset.to_string(), self.table(&read, &input.id)?)))
            .collect::<Result<_>>()?;
        let table = self.query.sql(sql, &tables).map_err(|error| error.context(format_args!("dataset '{dataset}'")))?;
        let origin = Origin::Query {
            sql: sql.to_owned(),
            sql_digest: Digest::of(sql.as_bytes()),
            inputs: inputs.iter().map(|input| input.id.clone()).collect(),
        };
        let table = Arc::new(table);
        self.keep(permit, Draft { dataset: dataset.clone(), recipe, origin, table, quarantine: Vec::new() })
    }

    /// The rows of a version.
    pub fn table(&self, permit: &Permit<Read>, version_id: &str) -> Result<Arc<Table>> {
        let version = self.get(permit, version_id)?;
        if let Some(table) = self.cache.get(&version.content) {
            return Ok(table);
        }
        let table = Arc::new(parquet::read(self.blobs.get(&version.content)?)?);
        self.cache.put(version.content, &table);
        Ok(table)
    }

    /// The profile of a version, as measured when the version was made.
    pub fn profile(&self, permit: &Permit<Read>, version_id: &str) -> Result<TableProfile> {
        self.db.read(|tx| store::profile(tx, permit.workspace(), version_id))
    }

    /// The rows of the source that could not be read.
    pub fn quarantine(&self, permit: &Permit<Read>, version_id: &str) -> Result<Vec<Quarantined>> {
        match self.get(permit, version_id)?.quarantine {
            None => Ok(Vec::new()),
            Some(digest) => serde_json::from_slice(&self.blobs.get(&digest)?).map_err(Error::internal),
        }
    }

    /// Runs checks against a version and keeps the report, with the first failing rows. Failed checks are no error of
    /// this call: the report says so.
    pub fn validate(&self, permit: &Permit<Edit>, version_id: &str, checks: &[Check]) -> Result<ValidationReport> {
        let read = permit.read();
        let version = self.get(&read, version_id)?;
        let rows = self.rows(&read, &version)?;
        let outcomes = self.outcomes(&read, &version, rows.as_ref(), checks)?;
        let failing_rows = match failing::rows_of(rows.as_ref(), &outcomes)? {
            Some(rows) => Some(self.blobs.put(&parquet::write(&rows)?)?),
            None => None,
        };
        let at = self.clock.now();
        let found = serde_json::to_vec(&outcomes).map_err(Error::internal)?;
        let report = ValidationReport {
            id: id::derived("val", &[version_id.as_bytes(), &found]),
            version_id: version_id.to_owned(),
            at,
            actor: permit.actor().to_owned(),
            passed: check::passed(&outcomes),
            outcomes,
            failing_rows,
        };
        let failed: Vec<&str> =
            report.outcomes.iter().filter(|outcome| !outcome.passed).map(|outcome| outcome.text.as_str()).collect();
        let event = audit::Event::done(permit, at, "dataset.validate", resource(&version))
            .details(serde_json::json!({ "report": report.id, "passed": report.passed, "failed": failed }));
        let (workspace, kept) = (permit.workspace().clone(), report.clone());
        self.db.write(move |tx| {
            if store::insert_report(tx, &workspace, &kept)? {
                audit::record(tx, &event)?;
            }
            Ok(())
        })?;
        Ok(report)
    }

    /// The newest reports of a version, newest first.
    pub fn reports(&self, permit: &Permit<Read>, version_id: &str) -> Result<Vec<ValidationReport>> {
        self.db.read(|tx| store::reports(tx, permit.workspace(), version_id, limits::PAGE_ROWS))
    }

    /// The failing rows that a report kept, with their position (`flyball_row`) and check (`flyball_check`); none when
    /// no row failed.
    pub fn failing_rows(&self, permit: &Permit<Read>, report_id: &str) -> Result<Table> {
        let report = self.db.read(|tx| store::get_report(tx, permit.workspace(), report_id))?;
        match report.failing_rows {
            None => Ok(Table::default()),
            Some(digest) => parquet::read(self.blobs.get(&digest)?),
        }
    }

    /// The latest version of every dataset, by name.
    pub fn list(&self, permit: &Permit<Read>) -> Result<Vec<DatasetVersion>> {
        self.db.read(|tx| store::newest_of_each(tx, permit.workspace(), limits::PAGE_ROWS))
    }

    /// The newest versions of a dataset, newest first.
    pub fn versions(&self, permit: &Permit<Read>, dataset: &Name) -> Result<Vec<DatasetVersion>> {
        self.db.read(|tx| store::versions(tx, permit.workspace(), dataset, limits::PAGE_ROWS))
    }

    /// A version by its id.
    pub fn get(&self, permit: &Permit<Read>, version_id: &str) -> Result<DatasetVersion> {
        self.db.read(|tx| store::get(tx, permit.workspace(), version_id))
    }

    /// The latest version of a dataset, when it has one.
    pub fn latest(&self, permit: &Permit<Read>, dataset: &Name) -> Result<Option<DatasetVersion>> {
        self.latest_of(permit.workspace(), dataset)
    }

    /// What a version was made from and what was made from it, over all steps (at most `limits::PAGE_ROWS` versions).
    pub fn lineage(&self, permit: &Permit<Read>, version_id: &str) -> Result<Lineage> {
        self.db.read(|tx| lineage(tx, permit.workspace(), version_id))
    }

    /// Keeps what a model or annotators said of a version as a new version of `dataset`; the same said again is the latest
    /// version.
    pub fn keep_made(
        &self,
        permit: &Permit<Edit>,
        dataset: &Name,
        table: Table,
        origin: Origin,
    ) -> Result<DatasetVersion> {
        let recipe = Digest::of(&serde_json::to_vec(&origin).map_err(Error::internal)?);
        self.keep(
            permit,
            Draft { dataset: dataset.clone(), recipe, origin, table: Arc::new(table), quarantine: Vec::new() },
        )
    }

    fn latest_of(&self, workspace: &Name, dataset: &Name) -> Result<Option<DatasetVersion>> {
        self.db.read(|tx| store::latest(tx, workspace, dataset))
    }

    /// The inputs that the query names, by name; a table that is no input is an error.
    pub(crate) fn inputs_in_use(&self, sql: &str, inputs: &[DatasetVersion]) -> Result<Vec<DatasetVersion>> {
        let mut by_name = BTreeMap::new();
        for input in inputs {
            if by_name.insert(input.dataset.as_str(), input).is_some() {
                return Err(Error::invalid(format!("two versions of '{}' are inputs of one query", input.dataset)));
            }
        }
        let mut used = Vec::new();
        for table in self.query.referenced_tables(sql)? {
            let Some(input) = by_name.get(table.as_str()) else {
                return Err(Error::new(ErrorCode::SqlError, format!("there is no dataset '{table}'"))
                    .hint(nearest::hint(&table, by_name.keys().copied(), "datasets")));
            };
            used.push(DatasetVersion::clone(input));
        }
        used.sort_by(|a, b| a.dataset.cmp(&b.dataset));
        Ok(used)
    }

    /// Writes a version and its audit event, unless it says the same as the latest.
    fn keep(&self, permit: &Permit<Edit>, draft: Draft) -> Result<DatasetVersion> {
        if draft.table.names().is_empty() {
            return Err(Error::new(ErrorCode::InvalidData, format!("dataset '{}' has no columns", draft.dataset)));
        }
        let content = self.blobs.put(&parquet::write(&draft.table)?)?;
        let quarantine = match draft.quarantine.as_slice() {
            [] => None,
            rows => Some(self.blobs.put(&serde_json::to_vec(rows).map_err(Error::internal)?)?),
        };
        let profile = profile::profile(&draft.table);
        self.cache.put(content, &draft.table);
        let version = DatasetVersion {
            id: String::new(),
            dataset: draft.dataset,
            version: 0,
            content,
            recipe: draft.recipe,
            rows: draft.table.rows(),
            columns: ColumnSchema::of(&draft.table),
            origin: draft.origin,
            broken_rows: draft.quarantine.len(),
            quarantine,
            created_at: self.clock.now(),
            created_by: permit.actor().to_owned(),
        };
        let permit = permit.clone();
        self.db.write(move |tx| write_version(tx, &permit, version, &profile))
    }
}

impl std::fmt::Debug for Datasets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Datasets").field("project_root", &self.project_root).finish_non_exhaustive()
    }
}

/// Numbers the version after the latest one and writes it; returns the latest when it says the same.
fn write_version(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    mut version: DatasetVersion,
    profile: &TableProfile,
) -> Result<DatasetVersion> {
    let workspace = permit.workspace();
    let latest = store::latest(tx, workspace, &version.dataset)?;
    if let Some(latest) = &latest {
        let same_rows = latest.content == version.content && latest.quarantine == version.quarantine;
        let from_files = matches!((&latest.origin, &version.origin), (Origin::Files { .. }, Origin::Files { .. }));
        if latest.recipe == version.recipe || (same_rows && from_files) {
            return Ok(latest.clone());
        }
    }
    version.version = latest.map_or(1, |latest| latest.version + 1);
    version.id = id::derived(
        "data",
        &[
            workspace.as_str().as_bytes(),
            version.dataset.as_str().as_bytes(),
            &version.version.to_le_bytes(),
            version.content.bytes(),
            version.recipe.bytes(),
        ],
    );
    store::insert_version(tx, workspace, &version, profile, version.origin.inputs())?;
    let action = match version.origin {
        Origin::Files { .. } => "dataset.ingest",
        Origin::Query { .. } => "dataset.derive",
        Origin::Predictions { .. } => "dataset.predict",
        Origin::Labels { .. } => "dataset.label",
    };
    let event = audit::Event::done(permit, version.created_at, action, resource(&version)).details(serde_json::json!({
        "id": version.id,
        "content": version.content,
        "rows": version.rows,
        "broken_rows": version.broken_rows,
    }));
    audit::record(tx, &event)?;
    Ok(version)
}

fn resource(version: &DatasetVersion) -> String {
    format!("dataset/{}/{}", version.dataset, version.version)
}

pub(crate) fn recipe_of_files(files: &[SourceFile]) -> Digest {
    let mut parts: Vec<&[u8]> = vec![b"files"];
    for file in files {
        parts.extend([file.path.as_str().as_bytes(), file.digest.bytes()]);
    }
    Digest::of_parts(parts)
}

pub(crate) fn recipe_of_query(sql: &str, inputs: &[DatasetVersion]) -> Digest {
    let mut parts: Vec<&[u8]> = vec![b"query", sql.as_bytes()];
    for input in inputs {
        parts.extend([input.dataset.as_str().as_bytes(), input.id.as_bytes()]);
    }
    Digest::of_parts(parts)
}

fn lineage(tx: &mut Tx<'_>, workspace: &Name, start: &str) -> Result<Lineage> {
    let mut found = Lineage::default();
    let mut seen = HashSet::from([start.to_owned()]);
    // Upstream and downstream are walked apart: the siblings of an input are not relatives.
    let mut queue = VecDeque::from([(start.to_owned(), true, true)]);
    while let Some((id, up, down)) = queue.pop_front() {
        if found.versions.len() >= limits::PAGE_ROWS {
            break;
        }
        found.versions.push(store::get(tx, workspace, &id)?);
        let (inputs, outputs) = store::neighbours(tx, &id)?;
        if up {
            found.edges.extend(inputs.iter().map(|input| (input.clone(), id.clone())));
            let new = inputs.into_iter().filter(|input| seen.insert(input.clone()));
            queue.extend(new.map(|input| (input, true, false)));
        }
        if down {
            found.edges.extend(outputs.iter().map(|output| (id.clone(), output.clone())));
            let new = outputs.into_iter().filter(|output| seen.insert(output.clone()));
            queue.extend(new.map(|output| (output, false, true)));
        }
    }
    Ok(found)
}
