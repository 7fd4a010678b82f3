//! Runs: made, read, changed, put into the bin and taken out of it.

use std::collections::{BTreeSet, HashMap};

use flyball_core::{Edit, Error, ErrorCode, Permit, Read, Result, Timestamp, limits};
use flyball_governance::{Event, audit};
use flyball_store::{Param, Row, Tx, params};
use serde_json::json;

use crate::model::{Lifecycle, Metric, NewRun, Pair, Point, Run, RunInputs, RunStatus};
use crate::rules::{self, RUN_NAME};
use crate::{experiments, inputs, lineage, sql};

/// The place of a run in the database: what writes need to know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The run's number.
    pub no: i64,
    /// Its experiment.
    pub experiment_id: i64,
    /// Whether it is in use.
    pub lifecycle: Lifecycle,
}

/// What a change of a run may say.
#[derive(Clone, Debug, Default)]
pub struct Update {
    /// How it stands now.
    pub status: Option<RunStatus>,
    /// When it ended; `Some(None)` for one that goes on again.
    pub ended_at: Option<Option<Timestamp>>,
    /// Its new name; an empty one is ignored.
    pub name: Option<String>,
}

/// Makes a run. It is running, and its name is also its tag `mlflow.runName`.
///
/// # Errors
/// `NotFound` for no experiment, `Conflict` for a deleted one, `InvalidInput` for a bad tag, or when name and tag differ.
pub fn create(tx: &mut Tx<'_>, permit: &Permit<Edit>, new: &NewRun, now: Timestamp) -> Result<Run> {
    let experiment = experiments::active(tx, permit, new.experiment_id)?;
    // Tags that come with a new run may have any key: clients have always been let.
    new.tags.iter().try_for_each(|tag| rules::check_length("tag name", &tag.key, limits::KEY_CHARS))?;
    let name = name_of(new)?;
    let uri = format!("{}/{}/artifacts", experiment.artifact_location, new.id);
    let row = tx.query_one(
        "INSERT INTO runs (id, workspace, experiment_id, name, user_id, status, lifecycle, started_at, artifact_uri) \
         VALUES ($1, $2, $3, $4, $5, 'RUNNING', 'active', $6, $7) RETURNING no",
        &params![
            new.id.as_str(),
            permit.workspace(),
            new.experiment_id,
            name.as_str(),
            new.user_id.as_str(),
            new.started_at,
            uri
        ],
    )?;
    let no = row.ok_or_else(|| Error::internal("an insert gave no row"))?.get("no")?;
    let place = Place { no, experiment_id: new.experiment_id, lifecycle: Lifecycle::Active };
    put_tags(tx, place, &new.tags)?;
    put_tags(tx, place, &[Pair::new(RUN_NAME, name)])?;
    let event = Event::done(permit, now, "run.create", format!("run/{}", new.id))
        .details(json!({ "experiment": experiment.name }));
    audit::record(tx, &event)?;
    get(tx, permit, &new.id)
}

fn name_of(new: &NewRun) -> Result<String> {
    let tagged = new.tags.iter().rev().find(|tag| tag.key == RUN_NAME).map(|tag| tag.value.as_str());
    let given = new.name.as_deref().filter(|name| !name.is_empty());
    match (given, tagged) {
        (Some(given), Some(tagged)) if given != tagged => Err(Error::invalid(format!(
            "Both 'run_name' argument and '{RUN_NAME}' tag are specified, but with different values: {} and {}",
            rules::shown(given),
            rules::shown(tagged)
        ))
        .hint("give one of them")),
        (Some(name), _) | (None, Some(name)) => Ok(name.to_owned()),
        (None, None) => Ok(rules::made_up_name(&new.id)),
    }
}

/// Where the run of this id is.
///
/// # Errors
/// `NotFound` when there is none.
pub fn place<L>(tx: &mut Tx<'_>, permit: &Permit<L>, id: &str) -> Result<Place> {
    let row = tx.query_one(
        "SELECT no, experiment_id, lifecycle FROM runs WHERE id = $1 AND workspace = $2",
        &params![id, permit.workspace()],
    )?;
    let row = row.ok_or_else(|| no_such_run(id))?;
    let lifecycle = Lifecycle::of(&row.get::<String>("lifecycle")?);
    Ok(Place { no: row.get("no")?, experiment_id: row.get("experiment_id")?, lifecycle })
}

pub(crate) fn no_such_run(id: &str) -> Error {
    Error::new(ErrorCode::NotFound, format!("Run with id={} not found", rules::shown(id)))
}

/// Where the run of this id is; it must be in use.
///
/// # Errors
/// `NotFound` when there is none, `Conflict` when it is deleted.
pub fn active_place(tx: &mut Tx<'_>, permit: &Permit<Edit>, id: &str) -> Result<Place> {
    in_use(place(tx, permit, id)?, id)
}

pub(crate) fn in_use(place: Place, id: &str) -> Result<Place> {
    if place.lifecycle == Lifecycle::Active {
        return Ok(place);
    }
    let message = format!("The run {} must be in the 'active' state; it is deleted", rules::shown(id));
    Err(Error::new(ErrorCode::Conflict, message).hint("restore the run"))
}

/// Where the runs of these ids are; those that are not there are left out.
pub(crate) fn places(tx: &mut Tx<'_>, permit: &Permit<Edit>, ids: &BTreeSet<&str>) -> Result<HashMap<String, Place>> {
    let ids: Vec<Param> = ids.iter().map(|id| Param::from(*id)).collect();
    let mut places = HashMap::with_capacity(ids.len());
    for part in ids.chunks(sql::LIST) {
        let mut params = params![permit.workspace()].to_vec();
        let list = sql::list(2, part, &mut params);
        let text = format!("SELECT id, no, experiment_id, lifecycle FROM runs WHERE workspace = $1 AND id IN ({list})");
        tx.for_each(&text, &params, |row| {
            let place = Place { no: row.get(1)?, experiment_id: row.get(2)?, lifecycle: Lifecycle::of(row.get(3)?) };
            places.insert(row.get(0)?, place);
            Ok(())
        })?;
    }
    Ok(places)
}

/// The run of this id with everything, deleted or not.
///
/// # Errors
/// `NotFound` when there is none.
pub fn get<L>(tx: &mut Tx<'_>, permit: &Permit<L>, id: &str) -> Result<Run> {
    let place = place(tx, permit, id)?;
    let mut run = load_any(tx, permit, &[place.no])?.pop().ok_or_else(|| no_such_run(id))?;
    run.inputs.models = inputs::models_of(tx, place.no, "input")?;
    run.lineage = lineage::get(tx, id)?;
    Ok(run)
}

/// The runs of these numbers, in this order, with everything but the models they took in and their lineage.
pub fn load(tx: &mut Tx<'_>, permit: &Permit<Read>, numbers: &[i64]) -> Result<Vec<Run>> {
    load_any(tx, permit, numbers)
}

/// The newest runs in use, of one experiment or of all.
pub fn newest(tx: &mut Tx<'_>, permit: &Permit<Read>, experiment: Option<&str>, limit: usize) -> Result<Vec<Run>> {
    let (filter, mut params) = match experiment {
        None => ("workspace = $1", params![permit.workspace()].to_vec()),
        Some(name) => match experiments::find(tx, permit, name)? {
            None => return Ok(Vec::new()),
            Some(found) => ("workspace = $1 AND experiment_id = $3", params![permit.workspace(), found.id].to_vec()),
        },
    };
    params.insert(1, Param::from(limit));
    let sql = format!(
        "SELECT no, id FROM runs WHERE {filter} AND lifecycle = 'active' ORDER BY started_at DESC, id LIMIT $2"
    );
    let rows = tx.query(&sql, &params)?;
    let numbers = rows.iter().map(|row| row.get("no")).collect::<Result<Vec<i64>>>()?;
    load_with_lineage(tx, permit, &numbers)
}

/// The runs of these numbers, in this order, with everything but the models they took in.
pub fn load_with_lineage(tx: &mut Tx<'_>, permit: &Permit<Read>, numbers: &[i64]) -> Result<Vec<Run>> {
    let mut runs = load_any(tx, permit, numbers)?;
    let mut known = lineage::of_many(tx, numbers)?;
    for run in &mut runs {
        run.lineage = known.remove(&run.id);
    }
    Ok(runs)
}

const COLUMNS: &str = "r.no, r.id, r.experiment_id, e.name AS experiment, r.name, r.user_id, r.status, r.lifecycle, \
     r.started_at, r.ended_at, r.artifact_uri";

fn load_any<L>(tx: &mut Tx<'_>, permit: &Permit<L>, numbers: &[i64]) -> Result<Vec<Run>> {
    let mut all = Vec::with_capacity(numbers.len());
    for part in numbers.chunks(sql::LIST) {
        let (among, list) = sql::among(tx.kind(), "r.no", 2, part);
        let rows = tx.query(
            &format!(
                "SELECT {COLUMNS} FROM runs r JOIN experiments e ON e.id = r.experiment_id \
                 WHERE r.workspace = $1 AND {among}"
            ),
            &params![permit.workspace(), list],
        )?;
        let mut found = HashMap::with_capacity(rows.len());
        for row in &rows {
            found.insert(row.get::<i64>("no")?, from_row(row)?);
        }
        fill(tx, part, &mut found)?;
        all.extend(part.iter().filter_map(|no| found.remove(no)));
    }
    Ok(all)
}

/// Metrics, parameters, tags, datasets and made models of all these runs, with one statement each.
fn fill(tx: &mut Tx<'_>, numbers: &[i64], runs: &mut HashMap<i64, Run>) -> Result<()> {
    let (among, list) = sql::among(tx.kind(), "run_no", 1, numbers);
    let params = [list];
    let ask = |columns: &str, table: &str| {
        format!("SELECT run_no, key, {columns} FROM {table} WHERE {among} ORDER BY run_no, key")
    };
    tx.for_each(&ask("value, is_nan, timestamp, step", "latest_metrics"), &params, |row| {
        if let Some(run) = runs.get_mut(&row.get(0)?) {
            let value = if row.get(3)? { f64::NAN } else { row.get(2)? };
            let point = Point { value, timestamp: row.get(4)?, step: row.get(5)? };
            run.metrics.push(Metric { key: row.get(1)?, point });
        }
        Ok(())
    })?;
    tx.for_each(&ask("value", "run_params"), &params, |row| {
        if let Some(run) = runs.get_mut(&row.get(0)?) {
            run.params.push(Pair { key: row.get(1)?, value: row.get(2)? });
        }
        Ok(())
    })?;
    tx.for_each(&ask("value", "run_tags"), &params, |row| {
        if let Some(run) = runs.get_mut(&row.get(0)?) {
            run.tags.push(Pair { key: row.get(1)?, value: row.get(2)? });
        }
        Ok(())
    })?;
    for (no, input) in inputs::datasets_of(tx, numbers)? {
        if let Some(run) = runs.get_mut(&no) {
            run.inputs.datasets.push(input);
        }
    }
    for (no, made) in inputs::outputs_of(tx, numbers)? {
        if let Some(run) = runs.get_mut(&no) {
            run.inputs.outputs.push(made);
        }
    }
    Ok(())
}

pub(crate) fn latest_point(row: &Row) -> Result<Point> {
    let value = if row.get::<bool>("is_nan")? { f64::NAN } else { row.get("value")? };
    Ok(Point { value, timestamp: row.get("timestamp")?, step: row.get("step")? })
}

/// Changes what is given and leaves the rest.
///
/// # Errors
/// `NotFound` when there is no such run, `Conflict` when it is deleted.
pub fn update(tx: &mut Tx<'_>, permit: &Permit<Edit>, id: &str, change: &Update) -> Result<()> {
    let place = active_place(tx, permit, id)?;
    tx.execute(
        "UPDATE runs SET status = COALESCE($2, status), ended_at = CASE WHEN $3 = 1 THEN $4 ELSE ended_at END \
         WHERE no = $1",
        &params![
            place.no,
            change.status.map(|status| status.as_str().to_owned()),
            change.ended_at.is_some(),
            change.ended_at.flatten()
        ],
    )?;
    match change.name.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => put_tags(tx, place, &[Pair::new(RUN_NAME, name)]),
        None => Ok(()),
    }
}

/// Puts a run into the bin; one that is there already stays there.
///
/// # Errors
/// `NotFound` when there is no such run.
pub fn delete(tx: &mut Tx<'_>, permit: &Permit<Edit>, id: &str, now: Timestamp) -> Result<()> {
    move_to(tx, permit, id, Lifecycle::Deleted, "run.delete", now)
}

/// Takes a run out of the bin.
///
/// # Errors
/// `NotFound` when there is no such run.
pub fn restore(tx: &mut Tx<'_>, permit: &Permit<Edit>, id: &str, now: Timestamp) -> Result<()> {
    move_to(tx, permit, id, Lifecycle::Active, "run.restore", now)
}

fn move_to(tx: &mut Tx<'_>, permit: &Permit<Edit>, id: &str, to: Lifecycle, verb: &str, now: Timestamp) -> Result<()> {
    let place = place(tx, permit, id)?;
    if place.lifecycle == to {
        return Ok(());
    }
    tx.execute("UPDATE runs SET lifecycle = $2 WHERE no = $1", &params![place.no, to.as_str()])?;
    audit::record(tx, &Event::done(permit, now, verb, format!("run/{id}")))
}

/// Removes a tag.
///
/// # Errors
/// `NotFound` for no run or no such tag, `Conflict` for a deleted run.
pub fn delete_tag(tx: &mut Tx<'_>, permit: &Permit<Edit>, id: &str, key: &str) -> Result<()> {
    let place = active_place(tx, permit, id)?;
    match tx.execute("DELETE FROM run_tags WHERE run_no = $1 AND key = $2", &params![place.no, key])? {
        0 => Err(Error::new(
            ErrorCode::NotFound,
            format!("No tag with name: {} in run with id {id}", rules::shown(key).trim_matches('\'')),
        )),
        _ => Ok(()),
    }
}

/// Sets checked tags, the last of a key in force; the name of the run follows its tag.
pub(crate) fn put_tags(tx: &mut Tx<'_>, place: Place, tags: &[Pair]) -> Result<()> {
    // A run has a name: an empty one changes nothing.
    for tag in tags.iter().filter(|tag| tag.key != RUN_NAME || !tag.value.is_empty()) {
        let value = rules::cut(&tag.value, limits::TAG_VALUE_CHARS);
        tx.execute(
            "INSERT INTO run_tags (run_no, key, experiment_id, value) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (run_no, key) DO UPDATE SET value = excluded.value",
            &params![place.no, tag.key.as_str(), place.experiment_id, value],
        )?;
        if tag.key == RUN_NAME {
            tx.execute("UPDATE runs SET name = $2 WHERE no = $1", &params![place.no, value])?;
        }
    }
    Ok(())
}

pub(crate) fn pair(row: &Row) -> Result<Pair> {
    Ok(Pair { key: row.get("key")?, value: row.get("value")? })
}

fn from_row(row: &Row) -> Result<Run> {
    Ok(Run {
        id: row.get("id")?,
        experiment_id: row.get("experiment_id")?,
        experiment: row.get("experiment")?,
        name: row.get("name")?,
        user_id: row.get("user_id")?,
        status: RunStatus::of(&row.get::<String>("status")?),
        lifecycle: Lifecycle::of(&row.get::<String>("lifecycle")?),
        started_at: row.get("started_at")?,
        ended_at: row.get("ended_at")?,
        artifact_uri: row.get("artifact_uri")?,
        params: Vec::new(),
        metrics: Vec::new(),
        tags: Vec::new(),
        inputs: RunInputs::default(),
        lineage: None,
    })
}
