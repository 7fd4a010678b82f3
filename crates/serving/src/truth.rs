//! What really happened, by key. Late and corrected values are kept beside the earlier ones; the last one holds.

use std::collections::HashMap;

use flyball_core::{Edit, Error, Permit, Result, Timestamp, limits};
use flyball_governance::{Event, audit};
use flyball_store::{OnConflict, Param, Row, Tx, params};
use serde_json::json;

use crate::model::{Truth, TruthValue};
use crate::store::owned_endpoint;

/// Keys of one lookup: a few statements per thousand truths, well below the parameter limits of both engines.
const LOOKUP_KEYS: usize = 512;
const COLUMNS: [&str; 7] = ["endpoint", "key", "revision", "number", "class", "happened_at", "arrived_at"];

/// A ground truth as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredTruth {
    /// What happened.
    pub truth: Truth,
    /// When we were told.
    pub arrived_at: Timestamp,
    /// How often this key's value was corrected before.
    pub revision: i64,
}

/// Keeps what really happened and answers how many values were new or changed; repeating a value changes nothing.
///
/// # Errors
/// `NotFound` when the permit's workspace has no such endpoint; `InvalidInput` for an empty or long key or a number that
/// is not finite.
pub fn record_truths(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    endpoint: &str,
    truths: &[Truth],
    arrived_at: Timestamp,
) -> Result<u64> {
    owned_endpoint(tx, permit, endpoint)?;
    truths.iter().try_for_each(check)?;
    let mut changed = 0;
    for part in truths.chunks(LOOKUP_KEYS) {
        let keys: Vec<&str> = part.iter().map(|truth| truth.key.as_str()).collect();
        let mut known = truths_of(tx, endpoint, &keys)?;
        let mut rows = Vec::new();
        for truth in part {
            let before = known.get(&truth.key);
            if before.is_some_and(|before| before.truth == *truth) {
                continue;
            }
            let revision = before.map_or(0, |before| before.revision + 1);
            let (number, class) = match &truth.value {
                TruthValue::Number(number) => (Some(*number), None),
                TruthValue::Class(class) => (None, Some(class.as_str())),
            };
            let key = truth.key.as_str();
            rows.push(params![endpoint, key, revision, number, class, truth.happened_at, arrived_at].to_vec());
            known.insert(truth.key.clone(), StoredTruth { truth: truth.clone(), arrived_at, revision });
        }
        changed += tx.insert_rows("ground_truths", &COLUMNS, &rows, OnConflict::Fail)?;
    }
    if changed > 0 {
        let event = Event::done(permit, arrived_at, "truth.record", format!("endpoint/{endpoint}"));
        audit::record(tx, &event.details(json!({ "received": truths.len(), "changed": changed })))?;
    }
    Ok(changed)
}

/// The values that hold now for what happened in `from..to`, by time and key.
pub fn truths(tx: &mut Tx<'_>, endpoint: &str, from: Timestamp, to: Timestamp) -> Result<Vec<StoredTruth>> {
    let rows = tx.query(
        "SELECT t.key, t.revision, t.number, t.class, t.happened_at, t.arrived_at FROM ground_truths t \
         WHERE t.endpoint = $1 AND t.happened_at >= $2 AND t.happened_at < $3 AND NOT EXISTS \
         (SELECT 1 FROM ground_truths later WHERE later.endpoint = t.endpoint AND later.key = t.key \
          AND later.revision > t.revision) ORDER BY t.happened_at, t.key",
        &params![endpoint, from, to],
    )?;
    rows.iter().map(from_row).collect()
}

/// The values that hold now for these keys.
pub fn truths_of(tx: &mut Tx<'_>, endpoint: &str, keys: &[&str]) -> Result<HashMap<String, StoredTruth>> {
    let mut found = HashMap::with_capacity(keys.len());
    for part in keys.chunks(LOOKUP_KEYS) {
        // Always the same number of parameters, so that one prepared statement serves every lookup.
        let places: Vec<String> = (2..LOOKUP_KEYS + 2).map(|place| format!("${place}")).collect();
        let sql = format!(
            "SELECT key, revision, number, class, happened_at, arrived_at FROM ground_truths \
             WHERE endpoint = $1 AND key IN ({}) ORDER BY key, revision",
            places.join(", ")
        );
        let padding = part.last().copied().unwrap_or_default();
        let mut values: Vec<Param> = params![endpoint].to_vec();
        values.extend(part.iter().copied().map(Param::from));
        values.resize(LOOKUP_KEYS + 1, Param::from(padding));
        for row in tx.query(&sql, &values)? {
            let stored = from_row(&row)?;
            found.insert(stored.truth.key.clone(), stored);
        }
    }
    Ok(found)
}

fn check(truth: &Truth) -> Result<()> {
    if truth.key.is_empty() || truth.key.len() > limits::PATH_BYTES {
        return Err(Error::invalid(format!("the key of a ground truth has 1 to {} bytes", limits::PATH_BYTES)));
    }
    match truth.value {
        TruthValue::Number(number) if !number.is_finite() => {
            Err(Error::invalid(format!("the ground truth of '{}' is not a finite number", truth.key)))
        }
        TruthValue::Number(_) | TruthValue::Class(_) => Ok(()),
    }
}

fn from_row(row: &Row) -> Result<StoredTruth> {
    let value = match row.get::<Option<String>>("class")? {
        Some(class) => TruthValue::Class(class),
        None => TruthValue::Number(row.get("number")?),
    };
    Ok(StoredTruth {
        truth: Truth { key: row.get("key")?, value, happened_at: row.get("happened_at")? },
        arrived_at: row.get("arrived_at")?,
        revision: row.get("revision")?,
    })
}
