//! The table that says what has come in.

use flyball_core::{Error, Permit, Result};
use flyball_store::{Tx, params};

use crate::tally::Tally;

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thing {
    Experiment,
    Run,
    LoggedModel,
    RegisteredModel,
    ModelVersion,
}

impl Thing {
    pub(crate) const ALL: [Thing; 5] =
        [Thing::Experiment, Thing::LoggedModel, Thing::ModelVersion, Thing::RegisteredModel, Thing::Run];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Thing::Experiment => "experiment",
            Thing::Run => "run",
            Thing::LoggedModel => "logged_model",
            Thing::RegisteredModel => "registered_model",
            Thing::ModelVersion => "model_version",
        }
    }
}

/// What is known of a thing of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// What it is called there.
    pub(crate) source_id: String,
    /// What it is called here.
    pub(crate) target_id: String,
    /// What was read of it; none while it is still coming in.
    pub(crate) tally: Option<Tally>,
    /// Whether all of it could be read.
    pub(crate) whole: bool,
}

/// The row of a thing.
pub(crate) fn find<L>(
    tx: &mut Tx<'_>,
    permit: &Permit<L>,
    origin: &str,
    thing: Thing,
    id: &str,
) -> Result<Option<Entry>> {
    let row = tx.query_one(
        "SELECT source_id, target_id, tally, whole FROM imports WHERE workspace = $1 AND origin = $2 AND kind = $3 \
         AND source_id = $4",
        &params![permit.workspace(), origin, thing.as_str(), id],
    )?;
    row.as_ref().map(entry).transpose()
}

/// Notes a thing, in the transaction that brings it in.
pub(crate) fn note<L>(tx: &mut Tx<'_>, permit: &Permit<L>, origin: &str, thing: Thing, entry: &Entry) -> Result<()> {
    let tally = entry.tally.as_ref().map(serde_json::to_string).transpose().map_err(Error::internal)?;
    tx.execute(
        "INSERT INTO imports (workspace, origin, kind, source_id, target_id, tally, whole) VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (workspace, origin, kind, source_id) DO UPDATE SET target_id = excluded.target_id, \
         tally = excluded.tally, whole = excluded.whole",
        &params![
            permit.workspace(),
            origin,
            thing.as_str(),
            entry.source_id.as_str(),
            entry.target_id.as_str(),
            tally,
            entry.whole
        ],
    )?;
    Ok(())
}

/// The next rows behind `after`, by id, at most so many.
pub(crate) fn page<L>(
    tx: &mut Tx<'_>,
    permit: &Permit<L>,
    origin: &str,
    thing: Thing,
    after: &str,
    most: usize,
) -> Result<Vec<Entry>> {
    let rows = tx.query(
        "SELECT source_id, target_id, tally, whole FROM imports WHERE workspace = $1 AND origin = $2 AND kind = $3 \
         AND source_id > $4 ORDER BY source_id LIMIT $5",
        &params![permit.workspace(), origin, thing.as_str(), after, most],
    )?;
    rows.iter().map(entry).collect()
}

/// How many things have come in.
pub(crate) fn count<L>(tx: &mut Tx<'_>, permit: &Permit<L>, origin: &str) -> Result<u64> {
    let row = tx.query_one(
        "SELECT COUNT(*) AS n FROM imports WHERE workspace = $1 AND origin = $2",
        &params![permit.workspace(), origin],
    )?;
    row.map_or(Ok(0), |row| row.get("n"))
}

fn entry(row: &flyball_store::Row) -> Result<Entry> {
    let tally = row.get::<Option<String>>("tally")?;
    let tally = tally.map(|text| serde_json::from_str(&text)).transpose().map_err(Error::internal)?;
    Ok(Entry { source_id: row.get("source_id")?, target_id: row.get("target_id")?, tally, whole: row.get("whole")? })
}
