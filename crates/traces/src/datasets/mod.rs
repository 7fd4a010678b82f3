//! Evaluation datasets: examples of what goes in, with what should come out, to judge programs by.

mod records;
mod search;

use std::collections::BTreeMap;

use flyball_core::{Digest, Edit, Error, ErrorCode, Permit, Read, Result, Timestamp};
use flyball_governance::audit;
use flyball_store::{OnConflict, Param, Row, Tx, params};
use flyball_tracking::{experiments, rules};
use serde_json::{Map, Value, json};

pub use records::{Record, delete as delete_records, page as records_page, upsert as upsert_records};
pub use search::{DatasetSearch, search};

/// The tag that says who did it.
const USER: &str = "mlflow.user";
/// Most experiments or tags that one request names.
const NAMED: usize = 1_000;
/// Most characters of a tag's value.
const TAG_CHARACTERS: usize = 5_000;

/// A dataset without its records.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// Its id: `d-` and 32 hexadecimal digits.
    pub id: String,
    /// Its name; several may have the same.
    pub name: String,
    /// Changes with every change of the records.
    pub digest: String,
    /// The types of fields that were seen: `inputs`, `outputs`, `expectations`, `version`; once there were records.
    pub schema: Option<Value>,
    /// How many records it has.
    pub records: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Who made it, if that was said.
    pub created_by: Option<String>,
    /// Who last changed it, if that was said.
    pub updated_by: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// Makes a dataset.
///
/// # Errors
/// `InvalidInput` for a bad name, tag or experiment id.
pub fn create(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    name: &str,
    tags: &Map<String, Value>,
    experiments: &[String],
    now: Timestamp,
) -> Result<Dataset> {
    rules::check_length("dataset name", name, 500)?;
    if name.trim().is_empty() || name.contains('\0') {
        return Err(Error::invalid("Dataset name cannot be empty"));
    }
    let tags = texts(tags)?;
    let experiments = numbers(experiments)?;
    let count = tx.query_one("SELECT COUNT(*) AS n FROM evaluation_datasets", &[])?;
    let count: u64 = count.map_or(Ok(0), |row| row.get("n"))?;
    let id = hex_id("d-", &[name.as_bytes(), &now.0.to_le_bytes(), &count.to_le_bytes()]);
    let user = tags.get(USER).cloned();
    tx.execute(
        "INSERT INTO evaluation_datasets (id, workspace, name, digest, records, created_at, updated_at, created_by, \
         updated_by) VALUES ($1, $2, $3, $4, 0, $5, $5, $6, $6)",
        &params![id.as_str(), permit.workspace(), name, digest(name, now, 0), now, user],
    )?;
    put_tags(tx, &id, &tags)?;
    put_experiments(tx, &id, &experiments)?;
    let event = audit::Event::done(permit, now, "evaluation_dataset.create", format!("evaluation_dataset/{id}"));
    audit::record(tx, &event.details(json!({ "name": name })))?;
    get(tx, &permit.read(), &id)
}

/// The dataset with this id.
///
/// # Errors
/// `NotFound`.
pub fn get(tx: &mut Tx<'_>, permit: &Permit<Read>, id: &str) -> Result<Dataset> {
    let sql = format!("SELECT {COLUMNS} FROM evaluation_datasets d WHERE d.workspace = $1 AND d.id = $2");
    let row = tx.query_one(&sql, &params![permit.workspace(), id])?.ok_or_else(|| missing(id))?;
    let mut dataset = from_row(&row)?;
    read_tags(tx, std::slice::from_mut(&mut dataset))?;
    Ok(dataset)
}

/// Deletes a dataset with its records; one that is not there is fine.
///
/// # Errors
/// Only those of the database.
pub fn delete(tx: &mut Tx<'_>, permit: &Permit<Edit>, id: &str, now: Timestamp) -> Result<()> {
    let sql = "DELETE FROM evaluation_datasets WHERE workspace = $1 AND id = $2";
    if tx.execute(sql, &params![permit.workspace(), id])? == 0 {
        return Ok(());
    }
    for table in ["evaluation_dataset_tags", "evaluation_dataset_experiments", "evaluation_records"] {
        tx.execute(&format!("DELETE FROM {table} WHERE dataset_id = $1"), &params![id])?;
    }
    let event = audit::Event::done(permit, now, "evaluation_dataset.delete", format!("evaluation_dataset/{id}"));
    audit::record(tx, &event)
}

/// Sets tags; values that are null change nothing.
///
/// # Errors
/// `NotFound` without the dataset, `InvalidInput` for a bad tag.
pub fn set_tags(tx: &mut Tx<'_>, permit: &Permit<Edit>, id: &str, tags: &Map<String, Value>) -> Result<()> {
    get(tx, &permit.read(), id)?;
    put_tags(tx, id, &texts(tags)?)
}

/// Deletes a tag; one that is not there is fine, as is a dataset that is not there.
///
/// # Errors
/// Only those of the database.
pub fn delete_tag(tx: &mut Tx<'_>, permit: &Permit<Edit>, id: &str, key: &str) -> Result<()> {
    let sql = "DELETE FROM evaluation_dataset_tags WHERE key = $3 AND dataset_id IN \
               (SELECT id FROM evaluation_datasets WHERE workspace = $1 AND id = $2)";
    tx.execute(sql, &params![permit.workspace(), id, key])?;
    Ok(())
}

/// The experiments that a dataset belongs to; none when it is not there.
///
/// # Errors
/// Only those of the database.
pub fn experiments_of(tx: &mut Tx<'_>, permit: &Permit<Read>, id: &str) -> Result<Vec<i64>> {
    let sql = "SELECT e.experiment_id AS id FROM evaluation_dataset_experiments e \
               JOIN evaluation_datasets d ON d.id = e.dataset_id \
               WHERE d.workspace = $1 AND d.id = $2 ORDER BY e.experiment_id";
    tx.query(sql, &params![permit.workspace(), id])?.iter().map(|row| row.get("id")).collect()
}

/// Adds a dataset to experiments; those that it belongs to stay.
///
/// # Errors
/// `NotFound` without the dataset or one of the experiments.
pub fn add_to(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    id: &str,
    experiments: &[String],
    now: Timestamp,
) -> Result<Dataset> {
    get(tx, &permit.read(), id)?;
    let numbers = numbers(experiments)?;
    for number in &numbers {
        experiments::get(tx, permit, *number)?;
    }
    put_experiments(tx, id, &numbers)?;
    touch(tx, id, now)?;
    get(tx, &permit.read(), id)
}

/// Takes a dataset out of experiments; those that it does not belong to are passed over.
///
/// # Errors
/// `NotFound` without the dataset, `InvalidInput` for a bad experiment id.
pub fn remove_from(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    id: &str,
    experiments: &[String],
    now: Timestamp,
) -> Result<Dataset> {
    get(tx, &permit.read(), id)?;
    let mut removed = 0;
    for number in numbers(experiments)? {
        let sql = "DELETE FROM evaluation_dataset_experiments WHERE dataset_id = $1 AND experiment_id = $2";
        removed += tx.execute(sql, &params![id, number])?;
    }
    if removed > 0 {
        touch(tx, id, now)?;
    }
    get(tx, &permit.read(), id)
}

const COLUMNS: &str =
    "d.id, d.name, d.digest, d.schema, d.records, d.created_at, d.updated_at, d.created_by, d.updated_by";

fn from_row(row: &Row) -> Result<Dataset> {
    Ok(Dataset {
        id: row.get("id")?,
        name: row.get("name")?,
        digest: row.get("digest")?,
        schema: row.get("schema")?,
        records: row.get("records")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
        created_by: row.get("created_by")?,
        updated_by: row.get("updated_by")?,
        tags: BTreeMap::new(),
    })
}

/// Adds their tags to datasets.
fn read_tags(tx: &mut Tx<'_>, datasets: &mut [Dataset]) -> Result<()> {
    for some in datasets.chunks_mut(500) {
        let ids: Vec<Param> = some.iter().map(|dataset| Param::from(&dataset.id)).collect();
        let list = crate::store::list(1, ids.len());
        let sql = format!("SELECT dataset_id, key, value FROM evaluation_dataset_tags WHERE dataset_id IN ({list})");
        let mut tags: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for row in tx.query(&sql, &ids)? {
            tags.entry(row.get("dataset_id")?).or_default().insert(row.get("key")?, row.get("value")?);
        }
        for dataset in some {
            dataset.tags = tags.remove(&dataset.id).unwrap_or_default();
        }
    }
    Ok(())
}

fn put_tags(tx: &mut Tx<'_>, id: &str, tags: &BTreeMap<String, String>) -> Result<()> {
    tags.iter().try_for_each(|(key, value)| {
        tx.execute(
            "INSERT INTO evaluation_dataset_tags (dataset_id, key, value) VALUES ($1, $2, $3) \
             ON CONFLICT (dataset_id, key) DO UPDATE SET value = excluded.value",
            &params![id, key, value],
        )
        .map(|_| ())
    })
}

fn put_experiments(tx: &mut Tx<'_>, id: &str, experiments: &[i64]) -> Result<()> {
    let rows: Vec<Vec<Param>> = experiments.iter().map(|number| params![id, *number].to_vec()).collect();
    let columns = ["dataset_id", "experiment_id"];
    tx.insert_rows("evaluation_dataset_experiments", &columns, &rows, OnConflict::Ignore)?;
    Ok(())
}

fn touch(tx: &mut Tx<'_>, id: &str, now: Timestamp) -> Result<()> {
    tx.execute("UPDATE evaluation_datasets SET updated_at = $2 WHERE id = $1", &params![id, now])?;
    Ok(())
}

/// Tags as texts; what is no text is written as JSON, what is null is left out.
fn texts(tags: &Map<String, Value>) -> Result<BTreeMap<String, String>> {
    if tags.len() > NAMED {
        return Err(Error::invalid(format!("a dataset may have at most {NAMED} tags")));
    }
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => crate::json_text::of(other),
    };
    let given = tags.iter().filter(|(_, value)| !value.is_null());
    given
        .map(|(key, value)| {
            rules::check_key("tag", key)?;
            Ok((key.clone(), rules::cut(&text(value), TAG_CHARACTERS).replace('\0', "\u{fffd}")))
        })
        .collect()
}

fn numbers(experiments: &[String]) -> Result<Vec<i64>> {
    if experiments.len() > NAMED {
        return Err(Error::invalid(format!("at most {NAMED} experiments can be named at once")));
    }
    experiments.iter().map(|id| crate::experiments::id_of(id)).collect()
}

/// Eight hexadecimal digits that differ with name, moment and number of records.
fn digest(name: &str, now: Timestamp, records: u64) -> String {
    hex_id("", &[name.as_bytes(), &now.0.to_le_bytes(), &records.to_le_bytes()])[..8].to_owned()
}

/// An id of 32 hexadecimal digits that follows from `parts`.
pub(crate) fn hex_id(prefix: &str, parts: &[&[u8]]) -> String {
    let digest = Digest::of_parts(parts.iter().copied());
    digest.bytes()[..16].iter().fold(prefix.to_owned(), |id, byte| id + &format!("{byte:02x}"))
}

fn missing(id: &str) -> Error {
    let shown: String = id.chars().take(100).collect();
    let message = format!("Evaluation dataset with id '{}' not found", shown.escape_debug());
    Error::new(ErrorCode::NotFound, message)
}
