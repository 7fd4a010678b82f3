//! Scorers: judges of traces as clients write them down. They are kept, never run.

use flyball_core::{Edit, Error, ErrorCode, Permit, Read, Result, Timestamp};
use flyball_governance::audit;
use flyball_store::{Param, Row, Tx, params};
use serde_json::{Value, json};

use crate::datasets::hex_id;
use crate::experiments::{self, id_of};

/// Most characters of a name and bytes of a scorer.
const NAME_CHARACTERS: usize = 256;
const CONTENT_BYTES: usize = 1024 * 1024;
/// Most versions of a scorer, and most experiments that one request lists.
const VERSIONS: i64 = 1_000;
const LISTED: usize = 1_000;

/// A version of a scorer.
#[derive(Clone, Debug, PartialEq)]
pub struct Scorer {
    /// The experiment that it belongs to.
    pub experiment_id: i64,
    /// Its name.
    pub name: String,
    /// The version, from 1.
    pub version: i64,
    /// The id that all versions share.
    pub id: String,
    /// JSON as the client wrote it.
    pub content: String,
    /// When this version came in.
    pub created_at: Timestamp,
}

/// Registers a new version of a scorer.
///
/// # Errors
/// `InvalidInput` for its name or content, `NotFound` without the experiment.
pub fn register(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    experiment: &str,
    name: &str,
    content: &str,
    now: Timestamp,
) -> Result<Scorer> {
    if name.trim().is_empty() {
        return Err(Error::invalid("Scorer name cannot be empty or contain only whitespace."));
    }
    flyball_tracking::rules::check_length("scorer name", name, NAME_CHARACTERS)?;
    if content.len() > CONTENT_BYTES {
        return Err(Error::new(ErrorCode::LimitExceeded, format!("a scorer is larger than {CONTENT_BYTES} bytes")));
    }
    let read: serde_json::Map<String, Value> = serde_json::from_str(content)
        .map_err(|cause| Error::invalid("serialized_scorer must be valid JSON of an object").cause(cause))?;
    if holds_code(&read.into()) {
        return Err(Error::invalid("Custom scorer registration is not supported: it would run code on the server")
            .hint("register a judge that is described by instructions instead"));
    }
    let experiment = experiments::home(tx, &permit.read(), id_of(experiment)?)?.id;
    let known = versions_of(tx, experiment, name)?;
    let version = known.last().map_or(1, |last| last.version + 1);
    if known.len() as i64 >= VERSIONS {
        let message = format!("scorer '{}' has {VERSIONS} versions already", name.escape_debug());
        return Err(Error::new(ErrorCode::LimitExceeded, message).hint("delete some first"));
    }
    let made = || hex_id("", &[&experiment.to_le_bytes(), name.as_bytes(), &now.0.to_le_bytes()]);
    let id = known.first().map_or_else(made, |first| first.id.clone());
    let scorer = Scorer {
        experiment_id: experiment,
        name: name.to_owned(),
        version,
        id,
        content: content.to_owned(),
        created_at: now,
    };
    tx.execute(
        "INSERT INTO scorers (experiment_id, name, version, id, content, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        &params![experiment, name, version, scorer.id.as_str(), content, now],
    )?;
    let event = audit::Event::done(permit, now, "scorer.register", format!("scorer/{experiment}/{name}"));
    audit::record(tx, &event.details(json!({ "version": version })))?;
    Ok(scorer)
}

/// The latest version of each scorer of experiments, by experiment and name. Experiments that are not there or deleted
/// are passed over.
///
/// # Errors
/// `InvalidInput` for a bad experiment id or too many.
pub fn list(tx: &mut Tx<'_>, permit: &Permit<Read>, experiments: Option<&[String]>) -> Result<Vec<Scorer>> {
    let mut values = params![permit.workspace()].to_vec();
    let mut among = String::new();
    if let Some(experiments) = experiments {
        if experiments.is_empty() {
            return Ok(Vec::new());
        }
        if experiments.len() > LISTED {
            return Err(Error::invalid(format!("at most {LISTED} experiments can be named at once")));
        }
        let numbers = experiments.iter().map(|id| Ok(Param::Int(id_of(id)?))).collect::<Result<Vec<_>>>()?;
        among = format!(" AND e.id IN ({})", crate::store::list(2, numbers.len()));
        values.extend(numbers);
    }
    let sql = format!(
        "SELECT s.experiment_id, s.name, s.version, s.id, s.content, s.created_at FROM scorers s \
         JOIN experiments e ON e.id = s.experiment_id WHERE e.workspace = $1 AND e.lifecycle = 'active'{among} \
         AND s.version = (SELECT MAX(v.version) FROM scorers v WHERE v.experiment_id = s.experiment_id \
         AND v.name = s.name) ORDER BY s.experiment_id, s.name LIMIT {LISTED}"
    );
    tx.query(&sql, &values)?.iter().map(from_row).collect()
}

/// Checks that there is an active experiment with this id.
///
/// # Errors
/// `InvalidInput`, `NotFound` or `Conflict`.
pub fn check_experiment(tx: &mut Tx<'_>, permit: &Permit<Read>, experiment: &str) -> Result<()> {
    experiments::home(tx, permit, id_of(experiment)?).map(|_| ())
}

/// All versions of a scorer, oldest first.
///
/// # Errors
/// `NotFound` without the experiment or the scorer.
pub fn versions(tx: &mut Tx<'_>, permit: &Permit<Read>, experiment: &str, name: &str) -> Result<Vec<Scorer>> {
    let experiment = experiments::home(tx, permit, id_of(experiment)?)?.id;
    let found = versions_of(tx, experiment, name)?;
    if found.is_empty() { Err(missing(experiment, name, None)) } else { Ok(found) }
}

/// A version of a scorer, the latest by default.
///
/// # Errors
/// `NotFound` without the experiment, the scorer or the version.
pub fn get(
    tx: &mut Tx<'_>,
    permit: &Permit<Read>,
    experiment: &str,
    name: &str,
    version: Option<i64>,
) -> Result<Scorer> {
    let experiment = experiments::home(tx, permit, id_of(experiment)?)?.id;
    let mut found = versions_of(tx, experiment, name)?;
    let place = match version {
        Some(version) => found.iter().position(|scorer| scorer.version == version),
        None => found.len().checked_sub(1),
    };
    place.map(|place| found.swap_remove(place)).ok_or_else(|| missing(experiment, name, version))
}

/// Deletes a version of a scorer, or all of them.
///
/// # Errors
/// `NotFound` without the experiment, the scorer or the version.
pub fn delete(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    experiment: &str,
    name: &str,
    version: Option<i64>,
    now: Timestamp,
) -> Result<()> {
    let experiment = experiments::home(tx, &permit.read(), id_of(experiment)?)?.id;
    let deleted = match version {
        Some(version) => tx.execute(
            "DELETE FROM scorers WHERE experiment_id = $1 AND name = $2 AND version = $3",
            &params![experiment, name, version],
        )?,
        None => tx.execute("DELETE FROM scorers WHERE experiment_id = $1 AND name = $2", &params![experiment, name])?,
    };
    if deleted == 0 {
        return Err(missing(experiment, name, version));
    }
    let event = audit::Event::done(permit, now, "scorer.delete", format!("scorer/{experiment}/{name}"));
    audit::record(tx, &event.details(json!({ "version": version })))
}

fn versions_of(tx: &mut Tx<'_>, experiment: i64, name: &str) -> Result<Vec<Scorer>> {
    let sql = "SELECT experiment_id, name, version, id, content, created_at FROM scorers \
               WHERE experiment_id = $1 AND name = $2 ORDER BY version";
    tx.query(sql, &params![experiment, name])?.iter().map(from_row).collect()
}

fn from_row(row: &Row) -> Result<Scorer> {
    Ok(Scorer {
        experiment_id: row.get("experiment_id")?,
        name: row.get("name")?,
        version: row.get("version")?,
        id: row.get("id")?,
        content: row.get("content")?,
        created_at: row.get("created_at")?,
    })
}

/// Whether a scorer, or one inside it, is the source of a function. Clients that load it would run that source.
fn holds_code(value: &Value) -> bool {
    match value {
        Value::Object(map) => {
            map.get("call_source").is_some_and(|source| !source.is_null()) || map.values().any(holds_code)
        }
        Value::Array(list) => list.iter().any(holds_code),
        _ => false,
    }
}

fn missing(experiment: i64, name: &str, version: Option<i64>) -> Error {
    let shown: String = name.chars().take(100).collect();
    let which = version.map_or_else(String::new, |version| format!(" and version {version}"));
    let message = format!("Scorer with name '{}'{which} not found for experiment {experiment}.", shown.escape_debug());
    Error::new(ErrorCode::NotFound, message)
}
