//! The SQL of dataset versions and validation reports.

use flyball_core::{Digest, Error, Name, Result};
use flyball_store::{OnConflict, Param, Row, Tx, params};

use crate::model::{DatasetVersion, ValidationReport};
use crate::profile::TableProfile;

const VERSION_COLUMNS: &str = "id, dataset, version, content, recipe, row_count, columns_json, origin, broken_rows, \
     quarantine, created_at, created_by";

pub(crate) fn insert_version(
    tx: &mut Tx<'_>,
    workspace: &Name,
    version: &DatasetVersion,
    profile: &TableProfile,
    inputs: &[String],
) -> Result<()> {
    tx.execute(
        "INSERT INTO dataset_versions (id, workspace, dataset, version, content, recipe, row_count, columns_json, \
         origin, broken_rows, quarantine, profile, created_at, created_by) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        &params![
            &version.id,
            workspace,
            &version.dataset,
            version.version,
            version.content,
            version.recipe,
            version.rows,
            json(&version.columns)?,
            json(&version.origin)?,
            version.broken_rows,
            version.quarantine,
            json(profile)?,
            version.created_at,
            &version.created_by
        ],
    )?;
    let rows: Vec<Vec<Param>> = inputs.iter().map(|input| params![&version.id, input].to_vec()).collect();
    tx.insert_rows("dataset_inputs", &["output_id", "input_id"], &rows, OnConflict::Ignore)?;
    Ok(())
}

/// The newest version of a dataset.
pub(crate) fn latest(tx: &mut Tx<'_>, workspace: &Name, dataset: &Name) -> Result<Option<DatasetVersion>> {
    let sql = format!(
        "SELECT {VERSION_COLUMNS} FROM dataset_versions WHERE workspace = $1 AND dataset = $2 \
         ORDER BY version DESC LIMIT 1"
    );
    tx.query_one(&sql, &params![workspace, dataset])?.as_ref().map(version).transpose()
}

pub(crate) fn get(tx: &mut Tx<'_>, workspace: &Name, id: &str) -> Result<DatasetVersion> {
    let sql = format!("SELECT {VERSION_COLUMNS} FROM dataset_versions WHERE workspace = $1 AND id = $2");
    let row = tx.query_one(&sql, &params![workspace, id])?;
    row.as_ref().map(version).transpose()?.ok_or_else(|| Error::not_found("dataset version", id))
}

/// The newest version of every dataset, by name.
pub(crate) fn newest_of_each(tx: &mut Tx<'_>, workspace: &Name, limit: usize) -> Result<Vec<DatasetVersion>> {
    let sql = format!(
        "SELECT {VERSION_COLUMNS} FROM dataset_versions AS v WHERE workspace = $1 AND version = \
         (SELECT MAX(version) FROM dataset_versions AS w WHERE w.workspace = v.workspace AND w.dataset = v.dataset) \
         ORDER BY dataset LIMIT $2"
    );
    tx.query(&sql, &params![workspace, limit])?.iter().map(version).collect()
}

/// The versions of a dataset, newest first.
pub(crate) fn versions(tx: &mut Tx<'_>, workspace: &Name, dataset: &Name, limit: usize) -> Result<Vec<DatasetVersion>> {
    let sql = format!(
        "SELECT {VERSION_COLUMNS} FROM dataset_versions WHERE workspace = $1 AND dataset = $2 \
         ORDER BY version DESC LIMIT $3"
    );
    tx.query(&sql, &params![workspace, dataset, limit])?.iter().map(version).collect()
}

pub(crate) fn profile(tx: &mut Tx<'_>, workspace: &Name, id: &str) -> Result<TableProfile> {
    let sql = "SELECT profile FROM dataset_versions WHERE workspace = $1 AND id = $2";
    let row = tx.query_one(sql, &params![workspace, id])?.ok_or_else(|| Error::not_found("dataset version", id))?;
    parsed(&row, "profile")
}

/// The ids of the versions that `id` was made from, and of those made from it.
pub(crate) fn neighbours(tx: &mut Tx<'_>, id: &str) -> Result<(Vec<String>, Vec<String>)> {
    let ids = |rows: Vec<Row>| rows.iter().map(|row| row.get("id")).collect::<Result<Vec<String>>>();
    let inputs = tx.query("SELECT input_id AS id FROM dataset_inputs WHERE output_id = $1 ORDER BY 1", &params![id])?;
    let outputs =
        tx.query("SELECT output_id AS id FROM dataset_inputs WHERE input_id = $1 ORDER BY 1", &params![id])?;
    Ok((ids(inputs)?, ids(outputs)?))
}

/// Whether the report is new; one that is there already stays.
pub(crate) fn insert_report(tx: &mut Tx<'_>, workspace: &Name, report: &ValidationReport) -> Result<bool> {
    let inserted = tx.execute(
        "INSERT INTO validation_reports (id, workspace, version_id, at, actor, passed, outcomes, failing_rows) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        &params![
            &report.id,
            workspace,
            &report.version_id,
            report.at,
            &report.actor,
            report.passed,
            json(&report.outcomes)?,
            report.failing_rows
        ],
    )?;
    Ok(inserted > 0)
}

const REPORT_COLUMNS: &str = "id, version_id, at, actor, passed, outcomes, failing_rows";

/// The reports of a version, newest first.
pub(crate) fn reports(
    tx: &mut Tx<'_>,
    workspace: &Name,
    version_id: &str,
    limit: usize,
) -> Result<Vec<ValidationReport>> {
    let sql = format!(
        "SELECT {REPORT_COLUMNS} FROM validation_reports WHERE workspace = $1 AND version_id = $2 \
         ORDER BY at DESC, id LIMIT $3"
    );
    tx.query(&sql, &params![workspace, version_id, limit])?.iter().map(report).collect()
}

pub(crate) fn get_report(tx: &mut Tx<'_>, workspace: &Name, id: &str) -> Result<ValidationReport> {
    let sql = format!("SELECT {REPORT_COLUMNS} FROM validation_reports WHERE workspace = $1 AND id = $2");
    let row = tx.query_one(&sql, &params![workspace, id])?;
    row.as_ref().map(report).transpose()?.ok_or_else(|| Error::not_found("validation report", id))
}

fn version(row: &Row) -> Result<DatasetVersion> {
    Ok(DatasetVersion {
        id: row.get("id")?,
        dataset: row.get("dataset")?,
        version: row.get("version")?,
        content: row.get("content")?,
        recipe: row.get("recipe")?,
        rows: row.get("row_count")?,
        columns: parsed(row, "columns_json")?,
        origin: parsed(row, "origin")?,
        broken_rows: row.get("broken_rows")?,
        quarantine: row.get::<Option<Digest>>("quarantine")?,
        created_at: row.get("created_at")?,
        created_by: row.get("created_by")?,
    })
}

fn report(row: &Row) -> Result<ValidationReport> {
    Ok(ValidationReport {
        id: row.get("id")?,
        version_id: row.get("version_id")?,
        at: row.get("at")?,
        actor: row.get("actor")?,
        passed: row.get("passed")?,
        outcomes: parsed(row, "outcomes")?,
        failing_rows: row.get("failing_rows")?,
    })
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(Error::internal)
}

fn parsed<T: serde::de::DeserializeOwned>(row: &Row, column: &str) -> Result<T> {
    serde_json::from_str(&row.get::<String>(column)?).map_err(Error::internal)
}
