//! The SQL of endpoints, revisions and traffic. Changes are made inside the caller's transaction, each with its audit
//! event; repeating one that is in force already changes nothing and records nothing.

use flyball_core::model::Interface;
use flyball_core::{Digest, Edit, Error, ErrorCode, Name, Permit, Result, Timestamp, id};
use flyball_governance::{Event, audit};
use flyball_store::{OnConflict, Row, Tx, params};
use serde_json::json;

use crate::model::{Endpoint, Revision, Share};
use crate::settings::Settings;
use crate::split;

const ENDPOINT_COLUMNS: &str = "name, workspace, loop_name, environment, settings, created_at";
const REVISION_COLUMNS: &str = "id, endpoint, model, version, artifact, loop_name, interface, memory, created_at";
/// Where an endpoint stands that nobody placed.
pub const PRODUCTION: &str = "production";

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
    /// What its model takes and gives, where that is known already.
    pub interface: Option<Interface>,
    /// What its model keeps in memory, in bytes; 0 where that is not known.
    pub memory: u64,
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
    changed(tx)?;
    audit::record(tx, &Event::done(permit, at, "endpoint.create", format!("endpoint/{name}")))?;
    let (environment, settings) = (PRODUCTION.to_owned(), Settings::default());
    Ok(Endpoint { name: name.clone(), workspace, loop_name, environment, settings, created_at: at })
}

/// Gives an endpoint other settings.
///
/// # Errors
/// `InvalidInput` that names the setting; `NotFound` when the permit's workspace has no such endpoint.
pub fn set_settings(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    endpoint: &Name,
    settings: &Settings,
    at: Timestamp,
) -> Result<()> {
    settings.check()?;
    let before = owned_endpoint(tx, permit, endpoint.as_str())?.settings;
    if before == *settings {
        return Ok(());
    }
    let text = serde_json::to_string(settings).map_err(Error::internal)?;
    tx.execute("UPDATE endpoints SET settings = $1 WHERE name = $2", &params![text, endpoint])?;
    changed(tx)?;
    let event = Event::done(permit, at, "endpoint.settings", format!("endpoint/{endpoint}"));
    audit::record(tx, &event.details(json!({ "before": before, "after": settings })))
}

/// Says where an endpoint stands.
///
/// # Errors
/// `NotFound` when the permit's workspace has no such endpoint.
pub fn set_environment(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    endpoint: &Name,
    environment: &Name,
    at: Timestamp,
) -> Result<()> {
    let before = owned_endpoint(tx, permit, endpoint.as_str())?.environment;
    if before == environment.as_str() {
        return Ok(());
    }
    tx.execute("UPDATE endpoints SET environment = $1 WHERE name = $2", &params![environment, endpoint])?;
    changed(tx)?;
    let event = Event::done(permit, at, "endpoint.environment", format!("endpoint/{endpoint}"));
    audit::record(tx, &event.details(json!({ "before": before, "after": environment })))
}

/// The number that grows with every change of endpoints, revisions and traffic.
pub(crate) fn epoch(tx: &mut Tx<'_>) -> Result<i64> {
    let row = tx.query_one("SELECT epoch FROM serving_epoch WHERE id = 1", &[])?;
    row.ok_or_else(|| Error::internal("the epoch of serving is gone"))?.get("epoch")
}

fn changed(tx: &mut Tx<'_>) -> Result<()> {
    tx.execute("UPDATE serving_epoch SET epoch = epoch + 1 WHERE id = 1", &[]).map(drop)
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
    let interface = new.interface.as_ref().map(serde_json::to_string).transpose().map_err(Error::internal)?;
    let memory = i64::try_from(new.memory).unwrap_or(i64::MAX);
    tx.execute(
        "INSERT INTO revisions (id, endpoint, model, version, artifact, loop_name, interface, memory, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &params![id.as_str(), endpoint, model, new.version, new.artifact, loop_name, interface, memory, at],
    )?;
    changed(tx)?;
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
        interface: new.interface.clone(),
        memory: new.memory,
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
        let (per_mille, mirror) = (u32::from(share.per_mille), u32::from(share.mirror_per_mille));
        params![endpoint, position, &*share.revision_id, per_mille, mirror].to_vec()
    };
    let rows: Vec<_> = shares.iter().enumerate().map(row).collect();
    let columns = ["endpoint", "position", "revision_id", "per_mille", "mirror_per_mille"];
    tx.insert_rows("traffic", &columns, &rows, OnConflict::Fail)?;
    changed(tx)?;
    let event = Event::done(permit, at, "endpoint.traffic", format!("endpoint/{endpoint}"));
    audit::record(tx, &event.details(json!({ "before": before, "after": shares })))
}

/// All endpoints, by name.
pub fn endpoints(tx: &mut Tx<'_>) -> Result<Vec<Endpoint>> {
    let rows = tx.query(&format!("SELECT {ENDPOINT_COLUMNS} FROM endpoints ORDER BY name"), &[])?;
    rows.iter().map(endpoint_from).collect()
}

/// How an endpoint's traffic is split, in order.
pub fn traffic(tx: &mut Tx<'_>, endpoint: &str) -> Result<Vec<Share>> {
    let rows = tx.query(
        "SELECT revision_id, per_mille, mirror_per_mille FROM traffic WHERE endpoint = $1 ORDER BY position",
        &params![endpoint],
    )?;
    let share = |row: &Row| {
        let part = |name| u16::try_from(row.get::<i64>(name)?).map_err(Error::internal);
        let (per_mille, mirror_per_mille) = (part("per_mille")?, part("mirror_per_mille")?);
        Ok(Share { revision_id: row.get::<String>("revision_id")?.into(), per_mille, mirror_per_mille })
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
///
/// # Errors
/// `NotFound`.
pub fn owned_endpoint<L>(tx: &mut Tx<'_>, permit: &Permit<L>, name: &str) -> Result<Endpoint> {
    find_endpoint(tx, name)?
        .filter(|endpoint| endpoint.workspace == permit.workspace().as_str())
        .ok_or_else(|| Error::not_found("endpoint", name))
}

fn find_endpoint(tx: &mut Tx<'_>, name: &str) -> Result<Option<Endpoint>> {
    let row = tx.query_one(&format!("SELECT {ENDPOINT_COLUMNS} FROM endpoints WHERE name = $1"), &params![name])?;
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
        environment: row.get("environment")?,
        settings: serde_json::from_str(&row.get::<String>("settings")?).map_err(Error::internal)?,
        created_at: row.get("created_at")?,
    })
}

fn revision_from(row: &Row) -> Result<Revision> {
    let interface: Option<String> = row.get("interface")?;
    Ok(Revision {
        id: row.get::<String>("id")?.into(),
        endpoint: row.get::<String>("endpoint")?.into(),
        model: row.get::<String>("model")?.into(),
        version: row.get("version")?,
        artifact: row.get("artifact")?,
        loop_name: row.get("loop_name")?,
        interface: interface.map(|text| serde_json::from_str(&text)).transpose().map_err(Error::internal)?,
        memory: u64::try_from(row.get::<i64>("memory")?).unwrap_or(0),
        created_at: row.get("created_at")?,
    })
}
