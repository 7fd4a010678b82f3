//! What a run used and made: datasets and logged models.

use flyball_core::{Edit, Error, Permit, Result, limits};
use flyball_store::{Tx, params};

use crate::model::{DatasetInput, LoggedDataset, ModelUse, Pair};
use crate::rules::check_length;
use crate::runs::{self, Place};
use crate::sql;

/// The tag that says what a dataset was used for.
pub const CONTEXT: &str = "mlflow.data.context";

/// Checks a dataset and the tags of its use.
///
/// # Errors
/// `InvalidInput` for the first text that is missing or too long.
pub fn check(input: &DatasetInput) -> Result<()> {
    let dataset = &input.dataset;
    let (name, digest, source) = limits::LOGGED_DATASET_CHARS;
    let (schema, profile) = limits::LOGGED_DATASET_TEXT_CHARS;
    check_length("dataset name", &dataset.name, name)?;
    check_length("dataset digest", &dataset.digest, digest)?;
    check_length("dataset source", &dataset.source, source)?;
    check_length("dataset schema", dataset.schema.as_deref().unwrap_or_default(), schema)?;
    check_length("dataset profile", dataset.profile.as_deref().unwrap_or_default(), profile)?;
    for tag in &input.tags {
        check_length("input tag key", &tag.key, limits::INPUT_TAG_CHARS.0)?;
        check_length("input tag value", &tag.value, limits::INPUT_TAG_CHARS.1)?;
    }
    Ok(())
}

/// Notes what a run used. A dataset is known by experiment, name and digest; the first description of it, and the first
/// tags of its use in a run, stay.
///
/// # Errors
/// `NotFound` for no run, `Conflict` for a deleted one.
pub fn log(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    run_id: &str,
    datasets: &[DatasetInput],
    models: &[ModelUse],
) -> Result<()> {
    let place = runs::active_place(tx, permit, run_id)?;
    put(tx, place, datasets, models, &[])
}

/// Notes what a run used and made.
pub(crate) fn put(
    tx: &mut Tx<'_>,
    place: Place,
    datasets: &[DatasetInput],
    models: &[ModelUse],
    outputs: &[ModelUse],
) -> Result<()> {
    for input in datasets {
        let no = dataset_no(tx, place, &input.dataset)?;
        let context = input.tags.iter().find(|tag| tag.key == CONTEXT).map(|tag| tag.value.clone());
        let tags = serde_json::to_string(&input.tags).map_err(Error::internal)?;
        tx.execute(
            "INSERT INTO run_datasets (run_no, dataset_no, context, tags) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            &params![place.no, no, context, tags],
        )?;
    }
    put_models(tx, place, "input", models)?;
    put_models(tx, place, "output", outputs)
}

/// Notes which models a run made.
///
/// # Errors
/// `NotFound` for no run, `Conflict` for a deleted one.
pub fn log_outputs(tx: &mut Tx<'_>, permit: &Permit<Edit>, run_id: &str, models: &[ModelUse]) -> Result<()> {
    let place = runs::active_place(tx, permit, run_id)?;
    put_models(tx, place, "output", models)
}

fn put_models(tx: &mut Tx<'_>, place: Place, direction: &str, models: &[ModelUse]) -> Result<()> {
    for model in models {
        tx.execute(
            "INSERT INTO run_models (run_no, direction, model_id, step) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (run_no, direction, model_id) DO UPDATE SET step = excluded.step",
            &params![place.no, direction, model.model_id.as_str(), model.step],
        )?;
    }
    Ok(())
}

fn dataset_no(tx: &mut Tx<'_>, place: Place, dataset: &LoggedDataset) -> Result<i64> {
    let identity = params![place.experiment_id, dataset.name.as_str(), dataset.digest.as_str()];
    let known = tx.query_one(
        "SELECT no FROM logged_datasets WHERE experiment_id = $1 AND name = $2 AND digest = $3",
        &identity,
    )?;
    if let Some(row) = known {
        return row.get("no");
    }
    let mut values = identity.to_vec();
    values.extend(params![
        dataset.source_type.as_str(),
        dataset.source.as_str(),
        dataset.schema.clone(),
        dataset.profile.clone()
    ]);
    let row = tx.query_one(
        "INSERT INTO logged_datasets (experiment_id, name, digest, source_type, source, schema, profile) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING no",
        &values,
    )?;
    row.ok_or_else(|| Error::internal("an insert gave no row"))?.get("no")
}

/// The datasets of these runs, each with the number of its run.
pub(crate) fn datasets_of(tx: &mut Tx<'_>, runs: &[i64]) -> Result<Vec<(i64, DatasetInput)>> {
    let (among, list) = sql::among(tx.kind(), "u.run_no", 1, runs);
    let sql = format!(
        "SELECT u.run_no, u.tags, d.name, d.digest, d.source_type, d.source, d.schema, d.profile \
         FROM run_datasets u JOIN logged_datasets d ON d.no = u.dataset_no WHERE {among} \
         ORDER BY u.run_no, u.dataset_no"
    );
    let rows = tx.query(&sql, &[list])?;
    rows.iter()
        .map(|row| {
            let dataset = LoggedDataset {
                name: row.get("name")?,
                digest: row.get("digest")?,
                source_type: row.get("source_type")?,
                source: row.get("source")?,
                schema: row.get("schema")?,
                profile: row.get("profile")?,
            };
            let tags: Vec<Pair> = serde_json::from_str(&row.get::<String>("tags")?).map_err(Error::internal)?;
            Ok((row.get("run_no")?, DatasetInput { dataset, tags }))
        })
        .collect()
}

/// The models that these runs made, each with the number of its run.
pub(crate) fn outputs_of(tx: &mut Tx<'_>, runs: &[i64]) -> Result<Vec<(i64, ModelUse)>> {
    let (among, list) = sql::among(tx.kind(), "run_no", 1, runs);
    let sql = format!(
        "SELECT run_no, model_id, step FROM run_models WHERE direction = 'output' AND {among} \
         ORDER BY run_no, step, model_id"
    );
    let rows = tx.query(&sql, &[list])?;
    rows.iter()
        .map(|row| Ok((row.get("run_no")?, ModelUse { model_id: row.get("model_id")?, step: row.get("step")? })))
        .collect()
}

/// The models that one run took in or made.
pub(crate) fn models_of(tx: &mut Tx<'_>, run_no: i64, direction: &str) -> Result<Vec<ModelUse>> {
    let rows = tx.query(
        "SELECT model_id, step FROM run_models WHERE run_no = $1 AND direction = $2 ORDER BY step, model_id",
        &params![run_no, direction],
    )?;
    rows.iter().map(|row| Ok(ModelUse { model_id: row.get("model_id")?, step: row.get("step")? })).collect()
}
