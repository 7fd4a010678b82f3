//! Logging many things at once, and parameters and tags one by one. Everything is checked before anything is written.

use std::collections::{HashMap, HashSet};

use flyball_core::{Edit, Error, Permit, Result, limits};
use flyball_store::{OnConflict, Param, Tx, params};

use crate::metrics;
use crate::model::{Metric, Pair};
use crate::rules;
use crate::runs::{self, Place};

/// What is logged to a run at once.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Points of metrics.
    pub metrics: Vec<Metric>,
    /// Parameters; each key once.
    pub params: Vec<Pair>,
    /// Tags; of a repeated key the last is in force.
    pub tags: Vec<Pair>,
}

impl Batch {
    /// Checks sizes, keys and values.
    ///
    /// # Errors
    /// `InvalidInput` for the first thing that may not be.
    pub fn check(&self) -> Result<()> {
        let total = self.metrics.len() + self.params.len() + self.tags.len();
        for (what, count, most) in [
            ("metrics", self.metrics.len(), limits::BATCH_METRICS),
            ("params", self.params.len(), limits::BATCH_PARAMS),
            ("tags", self.tags.len(), limits::BATCH_PARAMS),
            ("metrics, params, and tags", total, limits::BATCH_METRICS),
        ] {
            if count > most {
                return Err(Error::invalid(format!(
                    "A batch logging request can contain at most {most} {what}. Got {count} {what}"
                ))
                .hint("split it into several batches"));
            }
        }
        let at = |list: &str, index: usize, checked: Result<()>| {
            checked.map_err(|error| error.context(format!("{list}[{index}]")))
        };
        for (index, metric) in self.metrics.iter().enumerate() {
            at("metrics", index, metrics::check(metric))?;
        }
        for (index, param) in self.params.iter().enumerate() {
            at("params", index, rules::check_key("param", &param.key))?;
        }
        for (index, tag) in self.tags.iter().enumerate() {
            at("tags", index, rules::check_key("tag", &tag.key))?;
        }
        let mut seen = HashSet::new();
        match self.params.iter().find(|param| !seen.insert(param.key.as_str())) {
            Some(twice) => Err(Error::invalid(format!(
                "Duplicate parameter keys have been submitted: {}",
                rules::shown(&twice.key)
            ))),
            None => Ok(()),
        }
    }
}

/// Logs a checked batch: all of it or nothing.
///
/// # Errors
/// `NotFound` for no run, `Conflict` for a deleted one or for a parameter that has another value.
pub fn log(tx: &mut Tx<'_>, permit: &Permit<Edit>, run_id: &str, batch: &Batch) -> Result<()> {
    let place = runs::active_place(tx, permit, run_id)?;
    put_params(tx, place, &batch.params)?;
    if !batch.metrics.is_empty() {
        metrics::append(tx, place, &batch.metrics)?;
    }
    runs::put_tags(tx, place, &batch.tags)
}

/// Logs a parameter. The same value again changes nothing.
///
/// # Errors
/// As [`log`]; `InvalidInput` for a bad key.
pub fn log_param(tx: &mut Tx<'_>, permit: &Permit<Edit>, run_id: &str, param: &Pair) -> Result<()> {
    rules::check_key("param", &param.key)?;
    let place = runs::active_place(tx, permit, run_id)?;
    put_params(tx, place, std::slice::from_ref(param))
}

/// Sets a tag.
///
/// # Errors
/// As [`log`]; `InvalidInput` for a bad key.
pub fn set_tag(tx: &mut Tx<'_>, permit: &Permit<Edit>, run_id: &str, tag: &Pair) -> Result<()> {
    rules::check_key("tag", &tag.key)?;
    let place = runs::active_place(tx, permit, run_id)?;
    runs::put_tags(tx, place, std::slice::from_ref(tag))
}

fn put_params(tx: &mut Tx<'_>, place: Place, params: &[Pair]) -> Result<()> {
    if params.is_empty() {
        return Ok(());
    }
    let known = known_params(tx, place, params)?;
    let mut fresh: Vec<Vec<Param>> = Vec::with_capacity(params.len());
    for param in params {
        let value = rules::cut(&param.value, limits::PARAM_VALUE_CHARS);
        match known.get(&param.key) {
            None => fresh.push(params![place.no, param.key.as_str(), place.experiment_id, value].to_vec()),
            Some(there) if there == value => {}
            Some(there) => {
                return Err(Error::new(
                    flyball_core::ErrorCode::Conflict,
                    format!(
                        "Changing param values is not allowed. Param with key={} was already logged with value={}, \
                         the new value is {}",
                        rules::shown(&param.key),
                        rules::shown(there),
                        rules::shown(value)
                    ),
                )
                .hint("log it to another run, for instance a nested one"));
            }
        }
    }
    tx.insert_rows("run_params", &["run_no", "key", "experiment_id", "value"], &fresh, OnConflict::Fail)?;
    Ok(())
}

fn known_params(tx: &mut Tx<'_>, place: Place, params: &[Pair]) -> Result<HashMap<String, String>> {
    let rows = match params {
        [one] => tx.query(
            "SELECT key, value FROM run_params WHERE run_no = $1 AND key = $2",
            &params![place.no, one.key.as_str()],
        )?,
        _ => tx.query("SELECT key, value FROM run_params WHERE run_no = $1", &params![place.no])?,
    };
    rows.iter().map(|row| Ok((row.get("key")?, row.get("value")?))).collect()
}
