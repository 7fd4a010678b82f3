//! Versions of registered models.

use flyball_core::{Edit, Error, ErrorCode, Permit, Read, Result, Timestamp};
use flyball_governance::{Event, audit};
use flyball_store::{OnConflict, Param, Tx, params};
use flyball_tracking::{Pair, logged_models};
use serde_json::json;

use crate::model::{ModelVersion, NewModelVersion};
use crate::rules::{self, Source, Stage};
use crate::sources::Origin;
use crate::webhooks::events;
use crate::{lineage, models, rows, sources};

/// What the status of a version is from its first moment.
const READY: &str = "READY";

/// Registers a version that a client describes.
///
/// # Errors
/// `NotFound` when the model or what the source names is not there, `InvalidInput` when the source breaks a rule.
pub fn create(tx: &mut Tx<'_>, permit: &Permit<Edit>, new: &NewModelVersion, now: Timestamp) -> Result<ModelVersion> {
    rules::model_name("name", &new.model)?;
    let prompt = rules::is_prompt(&new.tags);
    let origin = sources::origin(tx, permit, new)?;
    let details =
        Details { run_link: &new.run_link, description: new.description.as_deref(), user_id: None, tags: &new.tags };
    let version = insert(tx, permit, &new.model, &origin, &details, now)?;
    // A copy names the logged model of its origin, which may be deleted by now.
    if let Some(model_id) = origin.model_id.as_ref().filter(|_| !prompt)
        && lineage::logged_model(tx, permit, model_id)?.is_some()
    {
        logged_models::record_registration(tx, permit, model_id, &new.model, version.version)?;
    }
    events::version_created(tx, permit, &version, prompt, now)?;
    Ok(version)
}

/// What a new version has beside its origin.
pub(crate) struct Details<'a> {
    pub(crate) run_link: &'a str,
    pub(crate) description: Option<&'a str>,
    pub(crate) user_id: Option<&'a str>,
    pub(crate) tags: &'a [Pair],
}

/// Adds a version under the next number.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    model: &str,
    origin: &Origin,
    details: &Details<'_>,
    now: Timestamp,
) -> Result<ModelVersion> {
    let tags = rules::tags(details.tags)?;
    let model_no = models::number(tx, permit, model)?;
    let row = tx.query_one(
        "UPDATE registered_models SET last_version = last_version + 1, updated_at = $1 WHERE no = $2 \
         RETURNING last_version",
        &params![now, model_no],
    )?;
    let version: i64 = row.map_or(Ok(1), |row| row.get("last_version"))?;
    let row = tx.query_one(
        "INSERT INTO model_versions (workspace, model_no, version, created_at, updated_at, stage, status, user_id, \
         description, source, location, run_id, run_link, model_id) \
         VALUES ($1, $2, $3, $4, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING no",
        &params![
            permit.workspace(),
            model_no,
            version,
            now,
            Stage::None.as_str(),
            READY,
            details.user_id,
            details.description,
            &origin.source,
            &origin.location,
            &origin.run_id,
            details.run_link,
            origin.model_id.as_ref()
        ],
    )?;
    let no: i64 = row.map_or(Ok(0), |row| row.get("no"))?;
    let values: Vec<Vec<Param>> = tags.into_iter().map(|(key, value)| params![no, key, value].to_vec()).collect();
    tx.insert_rows("model_version_tags", &["version_no", "key", "value"], &values, OnConflict::Fail)?;
    let event = Event::done(permit, now, "model.register", format!("model/{model}/{version}"))
        .details(json!({ "run": origin.run_id, "source": origin.source }));
    audit::record(tx, &event)?;
    get(tx, &permit.read(), model, version)
}

/// A version of a model.
///
/// # Errors
/// `NotFound` when there is none.
pub fn get(tx: &mut Tx<'_>, permit: &Permit<Read>, model: &str, version: i64) -> Result<ModelVersion> {
    rules::model_name("name", model)?;
    rows::version(tx, permit, model, version)?.ok_or_else(|| missing(model, version))
}

/// The newest versions of all models, the prompts left out.
///
/// # Errors
/// Those of the database.
pub fn newest(tx: &mut Tx<'_>, permit: &Permit<Read>, limit: usize) -> Result<Vec<ModelVersion>> {
    let sql = format!(
        "SELECT {} FROM model_versions v JOIN registered_models m ON m.no = v.model_no WHERE v.workspace = $1 \
         AND NOT EXISTS (SELECT 1 FROM registered_model_tags t WHERE t.model_no = m.no AND t.key = $2 \
         AND lower(t.value) = 'true') \
         ORDER BY v.created_at DESC, m.name, v.version DESC LIMIT $3",
        rows::VERSION
    );
    found(tx, &sql, &params![permit.workspace(), rules::PROMPT_TAG, limit])
}

/// The versions that a run made, by model and number.
///
/// # Errors
/// Those of the database.
pub fn of_run(tx: &mut Tx<'_>, permit: &Permit<Read>, run_id: &str) -> Result<Vec<ModelVersion>> {
    let sql = format!(
        "SELECT {} FROM model_versions v JOIN registered_models m ON m.no = v.model_no \
         WHERE v.workspace = $1 AND v.run_id = $2 ORDER BY m.name, v.version",
        rows::VERSION
    );
    found(tx, &sql, &params![permit.workspace(), run_id])
}

fn found(tx: &mut Tx<'_>, sql: &str, values: &[Param]) -> Result<Vec<ModelVersion>> {
    let mut found = tx.query(sql, values)?.iter().map(rows::version_of).collect::<Result<Vec<_>>>()?;
    rows::attach_tags(tx, &mut found)?;
    rows::attach_aliases(tx, &mut found)?;
    Ok(found)
}

/// The number of a version as a client writes it.
///
/// # Errors
/// `InvalidInput` when it is not an integer.
pub fn number(text: &str) -> Result<i64> {
    rules::version_number(text)
}

/// Describes a version anew; without a description it has none afterwards.
///
/// # Errors
/// As [`get`].
pub fn describe(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    model: &str,
    version: i64,
    description: Option<&str>,
    now: Timestamp,
) -> Result<ModelVersion> {
    let found = bare(tx, permit, model, version)?;
    tx.execute(
        "UPDATE model_versions SET description = $1, updated_at = $2 WHERE no = $3",
        &params![description, now, found.no],
    )?;
    get(tx, &permit.read(), model, version)
}

/// Deletes a version with what hangs on it. Its number is never given again.
///
/// # Errors
/// As [`get`].
pub fn delete(tx: &mut Tx<'_>, permit: &Permit<Edit>, model: &str, version: i64, now: Timestamp) -> Result<()> {
    let found = bare(tx, permit, model, version)?;
    let model_no = models::number(tx, permit, model)?;
    tx.execute("DELETE FROM model_aliases WHERE model_no = $1 AND version = $2", &params![model_no, version])?;
    for table in ["model_version_tags", "model_packages"] {
        tx.execute(&format!("DELETE FROM {table} WHERE version_no = $1"), &params![found.no])?;
    }
    tx.execute("DELETE FROM model_versions WHERE no = $1", &params![found.no])?;
    models::touch(tx, model_no, now)?;
    audit::record(tx, &Event::done(permit, now, "model.delete_version", format!("model/{model}/{version}")))
}

/// Moves a version to a stage; on request the versions that are in it go to the archive.
///
/// # Errors
/// As [`get`]; `InvalidInput` when versions are to go to the archive from a stage that is not active.
pub fn transition(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    model: &str,
    version: i64,
    stage: &str,
    archive_existing: bool,
    now: Timestamp,
) -> Result<ModelVersion> {
    let to = Stage::named(stage)?;
    if archive_existing && !to.is_active() {
        return Err(Error::invalid(format!(
            "Model version transition cannot archive existing model versions because '{stage}' is not an Active stage. \
             Valid stages are Staging, Production"
        )));
    }
    let found = bare(tx, permit, model, version)?;
    let model_no = models::number(tx, permit, model)?;
    if archive_existing {
        tx.execute(
            "UPDATE model_versions SET stage = $1, updated_at = $2 WHERE model_no = $3 AND stage = $4 AND version <> $5",
            &params![Stage::Archived.as_str(), now, model_no, to.as_str(), version],
        )?;
    }
    tx.execute(
        "UPDATE model_versions SET stage = $1, updated_at = $2 WHERE no = $3",
        &params![to.as_str(), now, found.no],
    )?;
    models::touch(tx, model_no, now)?;
    let event = Event::done(permit, now, "model.stage", format!("model/{model}/{version}"))
        .details(json!({ "stage": to.as_str(), "archive_existing": archive_existing }));
    audit::record(tx, &event)?;
    get(tx, &permit.read(), model, version)
}

/// Where the files of a version are, as a client resolves it: the source, with other versions and logged models followed.
///
/// # Errors
/// As [`get`].
pub fn download_uri(tx: &mut Tx<'_>, permit: &Permit<Read>, model: &str, version: i64) -> Result<String> {
    let no = bare(tx, permit, model, version)?.no;
    let row = tx.query_one("SELECT location FROM model_versions WHERE no = $1", &params![no])?;
    row.ok_or_else(|| missing(model, version))?.get("location")
}

/// Where the files of a version are, with its run followed too: `mlflow-artifacts:/…` for all that this server keeps.
///
/// # Errors
/// As [`get`]; `NotFound` when its run is gone.
pub fn artifact_uri(tx: &mut Tx<'_>, permit: &Permit<Read>, model: &str, version: i64) -> Result<String> {
    let location = download_uri(tx, permit, model, version)?;
    let Ok(Source::Run(run_id)) = Source::parse(&location) else { return Ok(location) };
    let root = lineage::run_root(tx, permit, &run_id)?;
    let root = root.ok_or_else(|| Error::new(ErrorCode::NotFound, format!("Run with id={run_id} not found")))?;
    let below = location.split_once(&run_id).map_or("", |(_, below)| below.trim_matches('/'));
    Ok(if below.is_empty() { root } else { format!("{root}/{below}") })
}

/// A version without what hangs on it.
pub(crate) fn bare<L>(tx: &mut Tx<'_>, permit: &Permit<L>, model: &str, version: i64) -> Result<ModelVersion> {
    rules::model_name("name", model)?;
    rows::bare_version(tx, permit, model, version)?.ok_or_else(|| missing(model, version))
}

fn missing(model: &str, version: i64) -> Error {
    Error::new(ErrorCode::NotFound, format!("Model Version (name={model}, version={version}) not found"))
}
