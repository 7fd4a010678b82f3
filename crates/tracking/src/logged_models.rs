//! Logged models: what a run made, with its own parameters, tags and metrics.

use std::collections::HashMap;

use flyball_core::{Edit, Error, ErrorCode, Permit, Read, Result, Timestamp, limits};
use flyball_governance::{Event, audit};
use flyball_store::{OnConflict, Param, Row, Tx, params};
use serde_json::{Value, json};

use crate::model::{Lifecycle, Pair, Point};
use crate::{experiments, rules, runs, sql};

/// The tag that lists the registered versions of a logged model, as JSON.
const VERSIONS: &str = "mlflow.modelVersions";

/// How a logged model stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelStatus {
    /// Nobody said.
    Unspecified,
    /// Its files are being written.
    Pending,
    /// It can be used.
    Ready,
    /// Its files could not be written.
    UploadFailed,
}

impl ModelStatus {
    /// All of them, in the order of their numbers, from 0. Searches compare with the number.
    pub const ALL: [ModelStatus; 4] = [Self::Unspecified, Self::Pending, Self::Ready, Self::UploadFailed];

    /// The word for it in the tracking API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "LOGGED_MODEL_STATUS_UNSPECIFIED",
            Self::Pending => "LOGGED_MODEL_PENDING",
            Self::Ready => "LOGGED_MODEL_READY",
            Self::UploadFailed => "LOGGED_MODEL_UPLOAD_FAILED",
        }
    }

    /// The status of this number in the tracking API; one that is not known was not said.
    pub fn of(number: i64) -> Self {
        Self::ALL.into_iter().find(|status| *status as i64 == number).unwrap_or(Self::Unspecified)
    }
}

/// What a client says of a model that it is about to log.
#[derive(Clone, Debug, Default)]
pub struct NewLoggedModel {
    /// The id.
    pub id: String,
    /// The experiment.
    pub experiment_id: i64,
    /// The name; made up when there is none.
    pub name: Option<String>,
    /// What kind of model it is, as the client says; may be empty.
    pub model_type: String,
    /// The run that makes it; may be empty.
    pub source_run_id: String,
    /// Its parameters, each key once.
    pub params: Vec<Pair>,
    /// Its tags; of a repeated key the last is in force.
    pub tags: Vec<Pair>,
}

/// A point of a metric of a logged model.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelMetric {
    /// The metric.
    pub key: String,
    /// The point.
    pub point: Point,
    /// The name of the dataset that it was measured on; may be empty.
    pub dataset_name: String,
    /// The digest of that dataset; may be empty.
    pub dataset_digest: String,
}

/// A logged model as stored.
#[derive(Clone, Debug)]
pub struct LoggedModel {
    /// The id.
    pub id: String,
    /// The experiment.
    pub experiment_id: i64,
    /// The name.
    pub name: String,
    /// What kind of model it is; may be empty.
    pub model_type: String,
    /// The run that made it; may be empty.
    pub source_run_id: String,
    /// How it stands.
    pub status: ModelStatus,
    /// Why, if something is to be said.
    pub status_message: Option<String>,
    /// Whether it is in use.
    pub lifecycle: Lifecycle,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it, not its tags, parameters or metrics, last changed.
    pub updated_at: Timestamp,
    /// Where its files are.
    pub artifact_uri: String,
    /// The parameters, by key.
    pub params: Vec<Pair>,
    /// The tags, by key.
    pub tags: Vec<Pair>,
    /// All points of its metrics with the run that logged each, by key, time, step.
    pub metrics: Vec<(ModelMetric, String)>,
}

/// Makes a logged model; its files are pending.
///
/// # Errors
/// `NotFound` for no experiment, `Conflict` for a deleted one, `InvalidInput` for a bad name, key or repeated parameter.
pub fn create(tx: &mut Tx<'_>, permit: &Permit<Edit>, new: &NewLoggedModel, now: Timestamp) -> Result<LoggedModel> {
    let name = name_of(new)?;
    let experiment = experiments::active(tx, permit, new.experiment_id)?;
    let uri = format!("{}/models/{}/artifacts", experiment.artifact_location, new.id);
    tx.execute(
        "INSERT INTO logged_models (id, workspace, experiment_id, name, model_type, source_run_id, status, lifecycle, \
         created_at, updated_at, artifact_uri) VALUES ($1, $2, $3, $4, $5, $6, $7, 'active', $8, $8, $9)",
        &params![
            new.id.as_str(),
            permit.workspace(),
            new.experiment_id,
            name.as_str(),
            new.model_type.as_str(),
            new.source_run_id.as_str(),
            ModelStatus::Pending as i64,
            now,
            uri
        ],
    )?;
    put_params(tx, &new.id, &new.params)?;
    put_tags(tx, &new.id, &new.tags)?;
    let event = Event::done(permit, now, "logged_model.create", format!("logged_model/{}", new.id))
        .details(json!({ "name": name, "experiment": experiment.name }));
    audit::record(tx, &event)?;
    get(tx, permit, &new.id, false)
}

fn name_of(new: &NewLoggedModel) -> Result<String> {
    let Some(name) = new.name.as_deref().filter(|name| !name.is_empty()) else {
        return Ok(rules::made_up_name(&new.id));
    };
    rules::check_length("model name", name, limits::EXPERIMENT_NAME_CHARS)?;
    if name.contains(['/', ':', '.', '%', '"', '\'']) {
        return Err(Error::invalid(format!("Invalid model name ({}) provided", rules::shown(name)))
            .hint("leave out slashes, colons, periods, percent signs and quotes"));
    }
    Ok(name.to_owned())
}

const COLUMNS: &str = "id, experiment_id, name, model_type, source_run_id, status, status_message, lifecycle, \
     created_at, updated_at, artifact_uri";

/// The logged model of this id; a deleted one only when it is wanted.
///
/// # Errors
/// `NotFound` when there is none.
pub fn get<L>(tx: &mut Tx<'_>, permit: &Permit<L>, id: &str, deleted_too: bool) -> Result<LoggedModel> {
    let found = load_any(tx, permit, std::slice::from_ref(&id.to_owned()))?.pop();
    found.filter(|model| deleted_too || model.lifecycle == Lifecycle::Active).ok_or_else(|| no_such_model(id))
}

fn no_such_model(id: &str) -> Error {
    Error::new(ErrorCode::NotFound, format!("Logged model with ID {} not found", rules::shown(id)))
}

/// The logged models of these ids, in this order, deleted or not.
pub fn load(tx: &mut Tx<'_>, permit: &Permit<Read>, ids: &[String]) -> Result<Vec<LoggedModel>> {
    load_any(tx, permit, ids)
}

fn load_any<L>(tx: &mut Tx<'_>, permit: &Permit<L>, ids: &[String]) -> Result<Vec<LoggedModel>> {
    let mut all = Vec::with_capacity(ids.len());
    for part in ids.chunks(sql::LIST) {
        let values: Vec<Param> = part.iter().map(Param::from).collect();
        let mut params = params![permit.workspace()].to_vec();
        let list = sql::list(2, &values, &mut params);
        let text = format!("SELECT {COLUMNS} FROM logged_models WHERE workspace = $1 AND id IN ({list})");
        let mut found = HashMap::with_capacity(part.len());
        for row in tx.query(&text, &params)? {
            found.insert(row.get::<String>("id")?, from_row(&row)?);
        }
        fill(tx, &values, &mut found)?;
        all.extend(part.iter().filter_map(|id| found.remove(id)));
    }
    Ok(all)
}

/// Parameters, tags and metrics of all these models, with one statement each.
fn fill(tx: &mut Tx<'_>, ids: &[Param], models: &mut HashMap<String, LoggedModel>) -> Result<()> {
    let mut params = Vec::new();
    let list = sql::list(1, ids, &mut params);
    let ask = |columns: &str, table: &str, by: &str| {
        format!("SELECT model_id, {columns} FROM {table} WHERE model_id IN ({list}) ORDER BY model_id, {by}")
    };
    for row in tx.query(&ask("key, value", "logged_model_params", "key"), &params)? {
        if let Some(model) = models.get_mut(&row.get::<String>("model_id")?) {
            model.params.push(runs::pair(&row)?);
        }
    }
    for row in tx.query(&ask("key, value", "logged_model_tags", "key"), &params)? {
        if let Some(model) = models.get_mut(&row.get::<String>("model_id")?) {
            model.tags.push(runs::pair(&row)?);
        }
    }
    let columns = "key, value, is_nan, timestamp, step, run_id, dataset_name, dataset_digest";
    for row in tx.query(&ask(columns, "logged_model_metrics", "key, timestamp, step, run_id, value"), &params)? {
        if let Some(model) = models.get_mut(&row.get::<String>("model_id")?) {
            let metric = ModelMetric {
                key: row.get("key")?,
                point: runs::latest_point(&row)?,
                dataset_name: row.get("dataset_name")?,
                dataset_digest: row.get("dataset_digest")?,
            };
            model.metrics.push((metric, row.get("run_id")?));
        }
    }
    Ok(())
}

fn from_row(row: &Row) -> Result<LoggedModel> {
    Ok(LoggedModel {
        id: row.get("id")?,
        experiment_id: row.get("experiment_id")?,
        name: row.get("name")?,
        model_type: row.get("model_type")?,
        source_run_id: row.get("source_run_id")?,
        status: ModelStatus::of(row.get("status")?),
        status_message: row.get("status_message")?,
        lifecycle: Lifecycle::of(&row.get::<String>("lifecycle")?),
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
        artifact_uri: row.get("artifact_uri")?,
        params: Vec::new(),
        tags: Vec::new(),
        metrics: Vec::new(),
    })
}

/// Says how a model stands now.
///
/// # Errors
/// `NotFound` when there is no such model; a deleted one can be changed, as its run may still be at work.
pub fn finalize(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    id: &str,
    status: ModelStatus,
    now: Timestamp,
) -> Result<LoggedModel> {
    let changed = tx.execute(
        "UPDATE logged_models SET status = $3, updated_at = $4 WHERE id = $1 AND workspace = $2",
        &params![id, permit.workspace(), status as i64, now],
    )?;
    if changed == 0 {
        return Err(no_such_model(id));
    }
    get(tx, permit, id, true)
}

/// Puts a model into the bin; one that is there already stays there.
///
/// # Errors
/// `NotFound` when there is no such model.
pub fn delete(tx: &mut Tx<'_>, permit: &Permit<Edit>, id: &str, now: Timestamp) -> Result<()> {
    check_there(tx, permit, id)?;
    let changed = tx.execute(
        "UPDATE logged_models SET lifecycle = 'deleted', updated_at = $2 WHERE id = $1 AND lifecycle = 'active'",
        &params![id, now],
    )?;
    if changed == 0 {
        return Ok(());
    }
    audit::record(tx, &Event::done(permit, now, "logged_model.delete", format!("logged_model/{id}")))
}

fn check_there(tx: &mut Tx<'_>, permit: &Permit<Edit>, id: &str) -> Result<()> {
    let found = tx
        .query_one("SELECT id FROM logged_models WHERE id = $1 AND workspace = $2", &params![id, permit.workspace()])?;
    found.map(drop).ok_or_else(|| no_such_model(id))
}

/// Sets tags, the last of a key in force.
///
/// # Errors
/// `NotFound` when there is no such model, `InvalidInput` for a key or value that is too long.
pub fn set_tags(tx: &mut Tx<'_>, permit: &Permit<Edit>, id: &str, tags: &[Pair]) -> Result<()> {
    check_there(tx, permit, id)?;
    put_tags(tx, id, tags)
}

/// Removes a tag.
///
/// # Errors
/// `NotFound` when there is no such model or tag.
pub fn delete_tag(tx: &mut Tx<'_>, permit: &Permit<Edit>, id: &str, key: &str) -> Result<()> {
    check_there(tx, permit, id)?;
    match tx.execute("DELETE FROM logged_model_tags WHERE model_id = $1 AND key = $2", &params![id, key])? {
        0 => Err(Error::new(
            ErrorCode::NotFound,
            format!("No tag with key {} found for model with ID {}", rules::shown(key), rules::shown(id)),
        )),
        _ => Ok(()),
    }
}

/// Logs parameters. The same value again changes nothing, so that a client may repeat a call that broke off.
///
/// # Errors
/// `NotFound` when there is no such model, `InvalidInput` for another value of a key, or a key or value that is too long.
pub fn log_params(tx: &mut Tx<'_>, permit: &Permit<Edit>, id: &str, params: &[Pair]) -> Result<()> {
    check_there(tx, permit, id)?;
    put_params(tx, id, params)
}

fn put_params(tx: &mut Tx<'_>, id: &str, pairs: &[Pair]) -> Result<()> {
    let rows = tx.query("SELECT key, value FROM logged_model_params WHERE model_id = $1", &params![id])?;
    let mut there =
        rows.iter().map(|row| Ok((row.get("key")?, row.get("value")?))).collect::<Result<HashMap<String, String>>>()?;
    let mut new = Vec::new();
    for pair in pairs {
        check_pair("param", pair, limits::TAG_VALUE_CHARS)?;
        match there.get(&pair.key) {
            Some(value) if *value == pair.value => {}
            Some(_) => {
                return Err(Error::invalid(format!(
                    "Changing param values is not allowed: {} has another value already",
                    rules::shown(&pair.key)
                )));
            }
            None => {
                there.insert(pair.key.clone(), pair.value.clone());
                new.push(params![id, pair.key.as_str(), pair.value.as_str()].to_vec());
            }
        }
    }
    tx.insert_rows("logged_model_params", &["model_id", "key", "value"], &new, OnConflict::Fail)?;
    Ok(())
}

fn put_tags(tx: &mut Tx<'_>, id: &str, tags: &[Pair]) -> Result<()> {
    tags.iter().try_for_each(|tag| check_pair("tag", tag, limits::EXPERIMENT_TAG_VALUE_CHARS))?;
    for tag in tags {
        put_tag(tx, id, &tag.key, &tag.value)?;
    }
    Ok(())
}

fn put_tag(tx: &mut Tx<'_>, id: &str, key: &str, value: &str) -> Result<()> {
    tx.execute(
        "INSERT INTO logged_model_tags (model_id, key, value) VALUES ($1, $2, $3) \
         ON CONFLICT (model_id, key) DO UPDATE SET value = excluded.value",
        &params![id, key, value],
    )?;
    Ok(())
}

/// Unlike those of runs, the keys of models may hold any character.
fn check_pair(what: &str, pair: &Pair, most: usize) -> Result<()> {
    rules::check_length(&format!("{what} key"), &pair.key, limits::KEY_CHARS)?;
    rules::check_length(&format!("{what} value"), &pair.value, most)
}

/// Logs points that a run measured of a model. A point that is there already changes nothing. The caller has checked keys
/// and times.
///
/// # Errors
/// `InvalidInput` when there is no such model.
pub fn log_metrics(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    model_id: &str,
    run_id: &str,
    experiment_id: i64,
    metrics: &[ModelMetric],
) -> Result<()> {
    check_there(tx, permit, model_id).map_err(|error| match error.code() {
        ErrorCode::NotFound => Error::invalid(error.message()),
        _ => error,
    })?;
    let rows: Vec<Vec<Param>> =
        metrics.iter().map(|metric| metric_row(model_id, experiment_id, run_id, metric)).collect();
    tx.insert_rows("logged_model_metrics", &METRIC_COLUMNS, &rows, OnConflict::Ignore)?;
    Ok(())
}

pub(crate) const METRIC_COLUMNS: [&str; 10] = [
    "model_id",
    "key",
    "timestamp",
    "step",
    "run_id",
    "value",
    "is_nan",
    "experiment_id",
    "dataset_name",
    "dataset_digest",
];

/// A point as the row of [`METRIC_COLUMNS`].
pub(crate) fn metric_row(model_id: &str, experiment_id: i64, run_id: &str, metric: &ModelMetric) -> Vec<Param> {
    let ModelMetric { key, point, dataset_name, dataset_digest } = metric;
    let nan = point.value.is_nan();
    let value = if nan { 0.0 } else { rules::finite(point.value) };
    let (name, digest) = (dataset_name.as_str(), dataset_digest.as_str());
    params![model_id, key, point.timestamp, point.step, run_id, value, nan, experiment_id, name, digest].to_vec()
}

/// Notes on a model that it was registered as this version.
///
/// # Errors
/// `NotFound` when there is no such model.
pub fn record_registration(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    model_id: &str,
    name: &str,
    version: i64,
) -> Result<()> {
    check_there(tx, permit, model_id)?;
    let row = tx.query_one(
        "SELECT value FROM logged_model_tags WHERE model_id = $1 AND key = $2",
        &params![model_id, VERSIONS],
    )?;
    let text = row.map(|row| row.get::<String>("value")).transpose()?;
    // Clients may have set the tag to anything.
    let known = text.and_then(|text| serde_json::from_str::<Vec<Value>>(&text).ok());
    let mut versions = known.unwrap_or_default();
    let version = json!({ "name": name, "version": version });
    if !versions.contains(&version) {
        versions.push(version);
    }
    put_tag(tx, model_id, VERSIONS, &Value::Array(versions).to_string())
}
