//! Experiments.

use flyball_core::{Edit, Error, ErrorCode, Permit, Read, Result, Timestamp, limits};
use flyball_governance::{Event, audit};
use flyball_store::{Param, Row, Tx, params};
use serde_json::json;

use crate::model::{DatasetSummary, Experiment, Lifecycle, NewExperiment, Pair};
use crate::rules;
use crate::sql;

/// The experiment that is there from the start.
pub const DEFAULT: &str = "Default";
/// How locations that Flyball serves begin.
const OWN_SCHEME: &str = "mlflow-artifacts:/";

/// Makes the default experiment, with the number 0, when there is none.
pub fn ensure_default(tx: &mut Tx<'_>, permit: &Permit<Edit>, now: Timestamp) -> Result<()> {
    tx.execute(
        "INSERT INTO experiments (id, workspace, name, artifact_location, lifecycle, created_at, updated_at) \
         VALUES (0, $1, $2, 'mlflow-artifacts:/0', 'active', $3, $3) ON CONFLICT DO NOTHING",
        &params![permit.workspace(), DEFAULT, now],
    )?;
    Ok(())
}

/// Makes an experiment and returns its number.
///
/// # Errors
/// `AlreadyExists` for a name that is taken, also by a deleted experiment; `InvalidInput` for a bad name, tag or location.
pub fn create(tx: &mut Tx<'_>, permit: &Permit<Edit>, new: &NewExperiment, now: Timestamp) -> Result<i64> {
    rules::check_experiment_name(&new.name)?;
    new.tags.iter().try_for_each(rules::check_experiment_tag)?;
    if let Some(location) = &new.artifact_location {
        check_location(location)?;
    }
    if let Some(there) = find(tx, permit, &new.name)? {
        let bin = if there.lifecycle == Lifecycle::Deleted { " in the deleted state" } else { "" };
        return Err(Error::new(
            ErrorCode::AlreadyExists,
            format!("Experiment(name={}) already exists{bin}", rules::shown(&new.name)),
        )
        .hint("choose another name, or restore the deleted one"));
    }
    let row = tx.query_one("SELECT COALESCE(MAX(id), 0) + 1 AS next FROM experiments", &[])?;
    let id = row.map_or(Ok(1), |row| row.get::<i64>("next"))?;
    let location = new.artifact_location.clone().unwrap_or_else(|| format!("{OWN_SCHEME}{id}"));
    tx.execute(
        "INSERT INTO experiments (id, workspace, name, artifact_location, lifecycle, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, 'active', $5, $5)",
        &params![id, permit.workspace(), new.name.as_str(), location, now],
    )?;
    for tag in &new.tags {
        put_tag(tx, id, tag)?;
    }
    let event =
        Event::done(permit, now, "experiment.create", format!("experiment/{id}")).details(json!({ "name": new.name }));
    audit::record(tx, &event)?;
    Ok(id)
}

/// The number of the experiment of this name, which is made when there is none.
pub fn named(tx: &mut Tx<'_>, permit: &Permit<Edit>, name: &str, now: Timestamp) -> Result<i64> {
    match find(tx, &permit.read(), name)? {
        Some(there) => Ok(there.id),
        None => create(tx, permit, &NewExperiment { name: name.to_owned(), ..NewExperiment::default() }, now),
    }
}

/// Flyball keeps artifacts itself: a location may only choose another folder of its own store.
fn check_location(location: &str) -> Result<()> {
    rules::check_length("artifact_location", location, limits::ARTIFACT_LOCATION_CHARS)?;
    let path = location.strip_prefix(OWN_SCHEME).filter(|path| !path.starts_with('/'));
    if path.is_some_and(|path| path.parse::<flyball_core::ArtifactPath>().is_ok()) {
        return Ok(());
    }
    Err(Error::invalid(format!("the artifact_location {} is not one of this server's", rules::shown(location)))
        .hint("leave it out: the server keeps artifacts in its own store; or give mlflow-artifacts:/FOLDER"))
}

const COLUMNS: &str = "id, name, artifact_location, lifecycle, created_at, updated_at";

/// The experiment of this number, deleted or not.
///
/// # Errors
/// `NotFound` when there is none.
pub fn get<L>(tx: &mut Tx<'_>, permit: &Permit<L>, id: i64) -> Result<Experiment> {
    let sql = format!("SELECT {COLUMNS} FROM experiments WHERE id = $1 AND workspace = $2");
    match tx.query_one(&sql, &params![id, permit.workspace()])? {
        Some(row) => with_tags(tx, from_row(&row)?),
        None => Err(Error::new(ErrorCode::NotFound, format!("No Experiment with id={id} exists"))),
    }
}

/// The experiment of this name, deleted or not.
pub fn find<L>(tx: &mut Tx<'_>, permit: &Permit<L>, name: &str) -> Result<Option<Experiment>> {
    let sql = format!("SELECT {COLUMNS} FROM experiments WHERE workspace = $1 AND name = $2");
    match tx.query_one(&sql, &params![permit.workspace(), name])? {
        Some(row) => with_tags(tx, from_row(&row)?).map(Some),
        None => Ok(None),
    }
}

/// The numbers of all experiments, deleted or not: a run of theirs may be either.
pub fn numbers(tx: &mut Tx<'_>, permit: &Permit<Read>) -> Result<Vec<i64>> {
    let mut numbers = Vec::new();
    tx.for_each("SELECT id FROM experiments WHERE workspace = $1 ORDER BY id", &params![permit.workspace()], |row| {
        numbers.push(row.get(0)?);
        Ok(())
    })?;
    Ok(numbers)
}

/// The experiments of these numbers, in this order; numbers without one are left out.
pub fn load(tx: &mut Tx<'_>, permit: &Permit<Read>, ids: &[i64]) -> Result<Vec<Experiment>> {
    let mut found = Vec::with_capacity(ids.len());
    for part in ids.chunks(sql::LIST) {
        let values: Vec<Param> = part.iter().map(|id| Param::Int(*id)).collect();
        let mut params = params![permit.workspace()].to_vec();
        let list = sql::list(2, &values, &mut params);
        let rows =
            tx.query(&format!("SELECT {COLUMNS} FROM experiments WHERE workspace = $1 AND id IN ({list})"), &params)?;
        let mut some = rows.iter().map(from_row).collect::<Result<Vec<_>>>()?;
        let mut params = Vec::new();
        let list = sql::list(1, &values, &mut params);
        let tags = format!(
            "SELECT experiment_id, key, value FROM experiment_tags WHERE experiment_id IN ({list}) \
             ORDER BY experiment_id, key"
        );
        for row in tx.query(&tags, &params)? {
            let owner: i64 = row.get("experiment_id")?;
            if let Some(experiment) = some.iter_mut().find(|experiment| experiment.id == owner) {
                experiment.tags.push(Pair::new(row.get::<String>("key")?, row.get::<String>("value")?));
            }
        }
        found.append(&mut some);
    }
    let place = |id: i64| ids.iter().position(|wanted| *wanted == id);
    found.sort_by_key(|experiment| place(experiment.id));
    Ok(found)
}

/// Puts an experiment and its runs into the bin.
///
/// # Errors
/// `NotFound` when there is none in use.
pub fn delete(tx: &mut Tx<'_>, permit: &Permit<Edit>, id: i64, now: Timestamp) -> Result<()> {
    move_to(tx, permit, id, Lifecycle::Deleted, now)
}

/// Takes an experiment and all its runs out of the bin.
///
/// # Errors
/// `NotFound` when there is none in the bin.
pub fn restore(tx: &mut Tx<'_>, permit: &Permit<Edit>, id: i64, now: Timestamp) -> Result<()> {
    move_to(tx, permit, id, Lifecycle::Active, now)
}

fn move_to(tx: &mut Tx<'_>, permit: &Permit<Edit>, id: i64, to: Lifecycle, now: Timestamp) -> Result<()> {
    let experiment = get(tx, permit, id)?;
    if experiment.lifecycle == to {
        return Err(Error::new(
            ErrorCode::NotFound,
            format!("No Experiment with id={id} exists that is not {}", to.as_str()),
        ));
    }
    let changed = params![id, to.as_str(), now];
    tx.execute("UPDATE experiments SET lifecycle = $2, updated_at = $3 WHERE id = $1", &changed)?;
    tx.execute("UPDATE runs SET lifecycle = $2 WHERE experiment_id = $1", &changed[..2])?;
    let verb = if to == Lifecycle::Deleted { "experiment.delete" } else { "experiment.restore" };
    audit::record(tx, &Event::done(permit, now, verb, format!("experiment/{id}")))
}

/// Gives an experiment another name.
///
/// # Errors
/// `Conflict` for a deleted one, `AlreadyExists` for a name that is taken.
pub fn rename(tx: &mut Tx<'_>, permit: &Permit<Edit>, id: i64, name: &str, now: Timestamp) -> Result<()> {
    rules::check_experiment_name(name)?;
    let experiment = get(tx, permit, id)?;
    if experiment.lifecycle != Lifecycle::Active {
        return Err(Error::new(ErrorCode::Conflict, "Cannot rename a non-active experiment").hint("restore it first"));
    }
    if find(tx, permit, name)?.is_some_and(|other| other.id != id) {
        let message = format!("Experiment(name={}) already exists", rules::shown(name));
        return Err(Error::new(ErrorCode::AlreadyExists, message));
    }
    tx.execute("UPDATE experiments SET name = $2, updated_at = $3 WHERE id = $1", &params![id, name, now])?;
    let event = Event::done(permit, now, "experiment.rename", format!("experiment/{id}"))
        .details(json!({ "from": experiment.name, "to": name }));
    audit::record(tx, &event)
}

/// Sets a tag.
///
/// # Errors
/// `NotFound` for no experiment, `Conflict` for a deleted one, `InvalidInput` for a bad key or value.
pub fn set_tag(tx: &mut Tx<'_>, permit: &Permit<Edit>, id: i64, tag: &Pair) -> Result<()> {
    rules::check_experiment_tag(tag)?;
    active(tx, permit, id)?;
    put_tag(tx, id, tag)
}

/// Removes a tag.
///
/// # Errors
/// `NotFound` for no experiment or no such tag, `Conflict` for a deleted experiment.
pub fn delete_tag(tx: &mut Tx<'_>, permit: &Permit<Edit>, id: i64, key: &str) -> Result<()> {
    active(tx, permit, id)?;
    match tx.execute("DELETE FROM experiment_tags WHERE experiment_id = $1 AND key = $2", &params![id, key])? {
        0 => Err(Error::new(
            ErrorCode::NotFound,
            format!("No tag with name: {} in the experiment with id {id}", rules::shown(key)),
        )),
        _ => Ok(()),
    }
}

/// The experiment, which must be in use.
pub(crate) fn active<L>(tx: &mut Tx<'_>, permit: &Permit<L>, id: i64) -> Result<Experiment> {
    let experiment = get(tx, permit, id)?;
    if experiment.lifecycle == Lifecycle::Active {
        return Ok(experiment);
    }
    let message = format!("The experiment {id} must be in the 'active' state; it is deleted");
    Err(Error::new(ErrorCode::Conflict, message).hint("restore the experiment"))
}

fn put_tag(tx: &mut Tx<'_>, id: i64, tag: &Pair) -> Result<()> {
    tx.execute(
        "INSERT INTO experiment_tags (experiment_id, key, value) VALUES ($1, $2, $3) \
         ON CONFLICT (experiment_id, key) DO UPDATE SET value = excluded.value",
        &params![id, tag.key.as_str(), tag.value.as_str()],
    )?;
    Ok(())
}

fn with_tags(tx: &mut Tx<'_>, mut experiment: Experiment) -> Result<Experiment> {
    let rows = tx.query(
        "SELECT key, value FROM experiment_tags WHERE experiment_id = $1 ORDER BY key",
        &params![experiment.id],
    )?;
    experiment.tags = rows.iter().map(crate::runs::pair).collect::<Result<_>>()?;
    Ok(experiment)
}

fn from_row(row: &Row) -> Result<Experiment> {
    Ok(Experiment {
        id: row.get("id")?,
        name: row.get("name")?,
        artifact_location: row.get("artifact_location")?,
        lifecycle: Lifecycle::of(&row.get::<String>("lifecycle")?),
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
        tags: Vec::new(),
    })
}

/// Which datasets the runs in use of these experiments used, and for what; at most so many.
pub fn dataset_summaries(
    tx: &mut Tx<'_>,
    permit: &Permit<Read>,
    ids: &[i64],
    most: i64,
) -> Result<Vec<DatasetSummary>> {
    let values: Vec<Param> = ids.iter().map(|id| Param::Int(*id)).collect();
    let mut params = params![permit.workspace(), most].to_vec();
    let list = sql::list(3, &values, &mut params);
    let rows = tx.query(
        &format!(
            "SELECT DISTINCT d.experiment_id, d.name, d.digest, u.context FROM logged_datasets d \
             JOIN run_datasets u ON u.dataset_no = d.no JOIN runs r ON r.no = u.run_no \
             WHERE r.workspace = $1 AND r.lifecycle = 'active' AND d.experiment_id IN ({list}) \
             ORDER BY d.experiment_id, d.name, d.digest LIMIT $2"
        ),
        &params,
    )?;
    let summary = |row: &Row| {
        Ok(DatasetSummary {
            experiment_id: row.get("experiment_id")?,
            name: row.get("name")?,
            digest: row.get("digest")?,
            context: row.get("context")?,
        })
    };
    rows.iter().map(summary).collect()
}
