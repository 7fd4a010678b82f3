//! The SQL of endpoints, revisions and traffic. Changes are made inside the caller's transaction, each with its audit
//! event; repeating one that is in force already changes nothing and records nothing.

use flyball_core::{Digest, Edit, Error, ErrorCode, Name, Permit, Result, Timestamp, id};
use flyball_governance::{Event, audit};
use flyball_store::{OnConflict, Row, Tx, params};
use serde_json::json;

use crate::model::{Endpoint, Revision, Share};
use crate::split;

const REVISION_COLUMNS: &str = "id, endpoint, model, version, artifact, loop_name, created_at";

/// Which model version shall serve, as what.
#[derive(Clone, Debug)]
pub struct NewRevision<'a> {
    /// The endpoint.
    pub endpoint: &'a Name,
    /// The registered model.
    pub model: &'a Name,
    /// Its version.
    pub version: i64,
    /// The content address of the model file.
    pub artifact: Digest,
    /// The loop that makes it.
    pub loop_name: Option<&'a Name>,
}

/// Makes an endpoint, or finds the one that there is.
///
/// # Errors
/// `Conflict` when another workspace or loop owns the name.
pub fn create_endpoint(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    name: &Name,
    loop_name: Option<&Name>,
    at: Timestamp,
) -> Result<Endpoint> {
    let workspace = permit.workspace().to_string();
    let loop_name = loop_name.map(Name::to_string);
    if let Some(existing) = find_endpoint(tx, name.as_str())? {
        if existing.workspace == workspace && existing.loop_name == loop_name {
            return Ok(existing);
        }
        return Err(Error::new(ErrorCode::Conflict, format!("the endpoint name '{name}' is taken"))
            .hint("choose another name for the endpoint"));
    }
    tx.execute(
        "INSERT INTO endpoints (name, workspace, loop_name, created_at) VALUES ($1, $2, $3, $4)",
        &params![name, workspace.as_str(), loop_name.as_deref(), at],
    )?;
    audit::record(tx, &Event::done(permit, at, "endpoint.create", format!("endpoint/{name}")))?;
    Ok(Endpoint { name: name.clone(), workspace, loop_name, created_at: at })
}

/// Makes a revision, or finds the one that there is.
///
/// # Errors
/// `NotFound` when the permit's workspace has no such endpoint.
pub fn create_revision(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    new: &NewRevision<'_>,
    at: Timestamp,
) -> Result<Revision> {
    let (endpoint, model) = (new.endpoint.as_str(), new.model.as_str());
    owned_endpoint(tx, permit, endpoint)?;
    let parts = [endpoint.as_bytes(), model.as_bytes(), &new.version.to_le_bytes(), new.artifact.bytes().as_slice()];
    let id = id::derived("rev", &parts);
    if let Some(existing) = find_revision(tx, &id)? {
        return Ok(existing);
    }
    let loop_name = new.loop_name.map(Name::as_str);
    tx.execute(
        "INSERT INTO revisions (id, endpoint, model, version, artifact, loop_name, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &params![id.as_str(), endpoint, model, new.version, new.artifact, loop_name, at],
    )?;
    let details = json!({ "model": model, "version": new.version, "artifact": new.artifact });
    let event = Event::done(permit, at, "revision.create", format!("endpoint/{endpoint}/revision/{id}"));
    audit::record(tx, &event.details(details))?;
    Ok(Revision {
        id: id.into(),
        endpoint: endpoint.into(),
        model: model.into(),
        version: new.version,
        artifact: new.artifact,
        loop_name: loop_name.map(str::to_owned),
        created_at: at,
    })
}

/// Splits an endpoint's traffic. A revision that keeps growing belongs at the end: then each key moves to it once.
///
/// # Errors
/// `InvalidInput` when the shares do not sum to 1000 ‰; `NotFound` for an endpoint or revision that is not there.
pub fn set_traffic(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    endpoint: &Name,
    shares: &[Share],
    at: Timestamp,
) -> Result<()> {
    split::check(shares)?;
    owned_endpoint(tx, permit, endpoint.as_str())?;
    for share in shares {
        let revision = find_revision(tx, &share.revision_id)?;
        if revision.is_none_or(|revision| *revision.endpoint != *endpoint.as_str()) {
            return Err(Error::not_found("revision", &share.revision_id).context(format_args!("endpoint '{endpoint}'")));
        }
    }
    let before = traffic(tx, endpoint.as_str())?;
    if before == shares {
        return Ok(());
    }
    tx.execute("DELETE FROM traffic WHERE endpoint = $1", &params![endpoint])?;
    let row = |(position, share): (usize, &Share)| {
        params![endpoint, position, &*share.revision_id, u32::from(share.per_mille)].to_vec()
    };
    let rows: Vec<_> = shares.iter().enumerate().map(row).collect();
    tx.insert_rows("traffic", &["endpoint", "position", "revision_id", "per_mille"], &rows, OnConflict::Fail)?;
    let event = Event::done(permit, at, "endpoint.traffic", format!("endpoint/{endpoint}"));
    audit::record(tx, &event.details(json!({ "before": before, "after": shares })))
}

/// All endpoints, by name.
pub fn endpoints(tx: &mut Tx<'_>) -> Result<Vec<Endpoint>> {
    let rows = tx.query("SELECT name, workspace, loop_name, created_at FROM endpoints ORDER BY name", &[])?;
    rows.iter().map(endpoint_from).collect()
}

/// How an endpoint's traffic is split, in order.
pub fn traffic(tx: &mut Tx<'_>, endpoint: &str) -> Result<Vec<Share>> {
    let rows = tx.query(
        "SELECT revision_id, per_mille FROM traffic WHERE endpoint = $1 ORDER BY position",
        &params![endpoint],
    )?;
    let share = |row: &Row| {
        let per_mille = u16::try_from(row.get::<i64>("per_mille")?).map_err(Error::internal)?;
        Ok(Share { revision_id: row.get::<String>("revision_id")?.into(), per_mille })
    };
    rows.iter().map(share).collect()
}

/// All revisions of an endpoint, newest first.
pub fn revisions(tx: &mut Tx<'_>, endpoint: &str) -> Result<Vec<Revision>> {
    let rows = tx.query(
        &format!("SELECT {REVISION_COLUMNS} FROM revisions WHERE endpoint = $1 ORDER BY created_at DESC, version DESC"),
        &params![endpoint],
    )?;
    rows.iter().map(revision_from).collect()
}

/// A revision.
///
/// # Errors
/// `NotFound`.
pub fn revision(tx: &mut Tx<'_>, id: &str) -> Result<Revision> {
    find_revision(tx, id)?.ok_or_else(|| Error::not_found("revision", id))
}

/// The endpoint, if the permit's workspace owns it.
pub(crate) fn owned_endpoint<L>(tx: &mut Tx<'_>, permit: &Permit<L>, name: &str) -> Result<Endpoint> {
    find_endpoint(tx, name)?
        .filter(|endpoint| endpoint.workspace == permit.workspace().as_str())
        .ok_or_else(|| Error::not_found("endpoint", name))
}

fn find_endpoint(tx: &mut Tx<'_>, name: &str) -> Result<Option<Endpoint>> {
    let row =
        tx.query_one("SELECT name, workspace, loop_name, created_at FROM endpoints WHERE name = $1", &params![name])?;
    row.as_ref().map(endpoint_from).transpose()
}

fn find_revision(tx: &mut Tx<'_>, id: &str) -> Result<Option<Revision>> {
    let row = tx.query_one(&format!("SELECT {REVISION_COLUMNS} FROM revisions WHERE id = $1"), &params![id])?;
    row.as_ref().map(revision_from).transpose()
}

fn endpoint_from(row: &Row) -> Result<Endpoint> {
    Ok(Endpoint {
        name: row.get("name")?,
        workspace: row.get("workspace")?,
        loop_name: row.get("loop_name")?,
        created_at: row.get("created_at")?,
    })
}

fn revision_from(row: &Row) -> Result<Revision> {
    Ok(Revision {
        id: row.get::<String>("id")?.into(),
        endpoint: row.get::<String>("endpoint")?.into(),
        model: row.get::<String>("model")?.into(),
        version: row.get("version")?,
        artifact: row.get("artifact")?,
        loop_name: row.get("loop_name")?,
        created_at: row.get("created_at")?,
    })
}
