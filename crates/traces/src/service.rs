//! Use cases of traces: describing, tagging, linking, deleting.

use std::collections::BTreeMap;

use flyball_core::{Duration, Edit, Error, Permit, Result, Timestamp};
use flyball_governance::audit;
use flyball_store::{Tx, params};
use flyball_tracking::runs;
use serde_json::json;

use crate::assessments;
use crate::experiments;
use crate::ingest::usage;
use crate::json_text;
use crate::labels as rules;
use crate::model::{TraceInfo, TraceState, names};
use crate::read;
use crate::store::{self, Row, labels};

/// Most traces that one request links.
const LINKS: usize = 100;
/// Most labels of a trace that one request sets.
const LABELS: usize = 1_000;
/// Most characters of a trace's id.
const ID_CHARACTERS: usize = 250;

/// Describes a trace, which may be unknown or known from its spans. The description wins over what spans said: it sets
/// experiment, times and state; previews that it has; tags, metadata and assessments are merged.
///
/// # Errors
/// `InvalidInput` for its id, experiment or content; `NotFound` without the experiment.
pub fn describe(tx: &mut Tx<'_>, permit: &Permit<Edit>, info: TraceInfo, now: Timestamp) -> Result<TraceInfo> {
    put(tx, permit, info, true, now)
}

/// Begins a trace that is ended later, as older clients do.
///
/// # Errors
/// As [`describe`].
pub fn begin(tx: &mut Tx<'_>, permit: &Permit<Edit>, info: TraceInfo, now: Timestamp) -> Result<TraceInfo> {
    put(tx, permit, TraceInfo { state: TraceState::InProgress, duration: None, ..info }, false, now)
}

/// Ends a trace that was begun: sets its state and duration, merges metadata and tags.
///
/// # Errors
/// `NotFound` without the trace; `InvalidInput` for its times or content.
pub fn end(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    id: &str,
    ended_at: Timestamp,
    state: TraceState,
    metadata: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
) -> Result<TraceInfo> {
    let row = store::find(tx, &permit.read(), id)?.ok_or_else(|| read::missing(id))?;
    let new = Row { duration: Some(ended_at - row.started_at), state, ..row };
    check_times(new.started_at, new.duration)?;
    store::update(tx, &new)?;
    labels::merge(tx, labels::TAGS, new.no, &kept(tags)?)?;
    labels::merge(tx, labels::METADATA, new.no, &read_usage(kept(metadata)?))?;
    read::info(tx, &permit.read(), id)
}

fn put(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    mut info: TraceInfo,
    is_final: bool,
    now: Timestamp,
) -> Result<TraceInfo> {
    check_id(&info.id)?;
    check_times(info.started_at, info.duration)?;
    if info.assessments.len() > LABELS {
        return Err(Error::invalid(format!("a trace may have at most {LABELS} assessments")));
    }
    let home = experiments::home(tx, &permit.read(), info.experiment_id)?;
    let known = store::find(tx, &permit.read(), &info.id)?;
    let mut row = known.clone().unwrap_or_else(|| Row::new(&info.id));
    row.experiment_id = home.id;
    row.started_at = info.started_at;
    row.duration = info.duration;
    row.state = info.state;
    row.client_request_id = info.client_request_id.as_deref().map(rules::valid_value);
    let preview = |text: Option<String>, old: Option<String>| text.map(|text| rules::valid_value(&text)).or(old);
    row.request_preview = preview(info.request_preview.take(), row.request_preview);
    row.response_preview = preview(info.response_preview.take(), row.response_preview);
    let no = match &known {
        Some(_) => store::update(tx, &row).map(|()| row.no)?,
        None => store::insert(tx, &permit.read(), &row)?,
    };
    let mut tags = kept(info.tags)?;
    tags.insert(names::ARTIFACT_LOCATION.to_owned(), home.trace_location(&info.id));
    labels::merge(tx, labels::TAGS, no, &tags)?;
    let mut metadata = read_usage(kept(info.metadata)?);
    if is_final {
        metadata.insert(names::FINALIZED.to_owned(), "true".to_owned());
    }
    labels::merge(tx, labels::METADATA, no, &metadata)?;
    for (count, mut assessment) in info.assessments.into_iter().enumerate() {
        assessments::complete(&mut assessment, &info.id, count, now)?;
        store::assessments::write(tx, no, &assessment)?;
    }
    read::info(tx, &permit.read(), &info.id)
}

/// Labels as they are kept: keys and values cut.
fn kept(labels: BTreeMap<String, String>) -> Result<BTreeMap<String, String>> {
    if labels.len() > LABELS {
        return Err(Error::invalid(format!("a trace may have at most {LABELS} tags and {LABELS} metadata entries")));
    }
    Ok(labels.iter().map(|(key, value)| (rules::cut_key(key), rules::valid_value(value))).collect())
}

/// Token counts and costs reduced to what they may hold.
fn read_usage(mut metadata: BTreeMap<String, String>) -> BTreeMap<String, String> {
    for (key, read) in [(names::TOKENS, usage::given_tokens as fn(&str) -> _), (names::COST, usage::given_cost)] {
        if let Some(text) = metadata.remove(key) {
            metadata.extend(read(&text).map(|used| (key.to_owned(), json_text::of(&used))));
        }
    }
    metadata
}

/// Refuses times whose sum a database could not hold; ten thousand years are enough.
fn check_times(started_at: Timestamp, duration: Option<Duration>) -> Result<()> {
    let most = Duration::days(3_652_500).0.unsigned_abs();
    if started_at.0.unsigned_abs() > most || duration.is_some_and(|duration| duration.0.unsigned_abs() > most) {
        return Err(Error::invalid("the time or duration of a trace is out of range"));
    }
    Ok(())
}

/// Sets a tag.
///
/// # Errors
/// `NotFound` without the trace, `InvalidInput` for a bad key or a tag that only the server sets.
pub fn set_tag(tx: &mut Tx<'_>, permit: &Permit<Edit>, id: &str, key: &str, value: &str) -> Result<()> {
    rules::check_free(key, false)?;
    let (key, value) = rules::valid_tag(key, value)?;
    let row = store::find(tx, &permit.read(), id)?.ok_or_else(|| read::missing(id))?;
    labels::merge(tx, labels::TAGS, row.no, &BTreeMap::from([(key, value)]))
}

/// Deletes a tag.
///
/// # Errors
/// `NotFound` without the trace or the tag, `InvalidInput` for a tag that only the server sets.
pub fn delete_tag(tx: &mut Tx<'_>, permit: &Permit<Edit>, id: &str, key: &str) -> Result<()> {
    rules::check_free(key, true)?;
    let row = store::find(tx, &permit.read(), id)?.ok_or_else(|| read::missing(id))?;
    if !key.contains('\0') && labels::remove_tag(tx, row.no, key)? {
        return Ok(());
    }
    let message = format!("No trace tag with key '{}' for trace with ID '{id}'", key.escape_debug());
    Err(Error::new(flyball_core::ErrorCode::NotFound, message))
}

/// Links traces to a run; unknown traces and links that are there are passed over.
///
/// # Errors
/// `NotFound` without the run, `InvalidInput` for too many traces.
pub fn link_to_run(tx: &mut Tx<'_>, permit: &Permit<Edit>, ids: &[String], run_id: &str) -> Result<()> {
    if ids.len() > LINKS {
        return Err(Error::invalid(format!(
            "Cannot link more than {LINKS} traces to a run in a single request. Provided {} traces.",
            ids.len()
        )));
    }
    runs::place(tx, permit, run_id)?;
    let traces: Vec<i64> = store::find_many(tx, &permit.read(), ids)?.iter().map(|row| row.no).collect();
    store::link(tx, &traces, store::RUN, run_id)
}

/// Links a trace to versions of prompts, given by name and version.
///
/// # Errors
/// `NotFound` without the trace, `InvalidInput` for too many versions.
pub fn link_prompts(tx: &mut Tx<'_>, permit: &Permit<Edit>, id: &str, prompts: &[(String, i64)]) -> Result<()> {
    if prompts.len() > LINKS {
        return Err(Error::invalid(format!("Cannot link more than {LINKS} prompts to a trace in a single request.")));
    }
    let row = store::find(tx, &permit.read(), id)?.ok_or_else(|| read::missing(id))?;
    prompts.iter().try_for_each(|(name, version)| {
        store::link(tx, &[row.no], store::PROMPT, &format!("{}/{version}", rules::cut_key(name)))
    })
}

/// Which traces are deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Those of these ids.
    Ids(Vec<String>),
    /// Those that started at this moment or before, the oldest first, at most so many.
    Until(Timestamp, Option<i64>),
}

/// Deletes traces of an experiment and says how many.
///
/// # Errors
/// `InvalidInput` for a bad experiment id or too many ids.
pub fn delete(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    experiment: &str,
    selection: &Selection,
    now: Timestamp,
) -> Result<u64> {
    let experiment = experiments::id_of(experiment)?;
    let numbers: Vec<i64> = match selection {
        Selection::Ids(ids) => {
            let rows = store::find_many(tx, &permit.read(), ids)?;
            rows.iter().filter(|row| row.experiment_id == experiment).map(|row| row.no).collect()
        }
        Selection::Until(until, most) => {
            let sql = "SELECT no FROM traces WHERE workspace = $1 AND experiment_id = $2 AND started_at <= $3 \
                       ORDER BY started_at, id LIMIT $4";
            let values = params![permit.workspace(), experiment, *until, most.unwrap_or(i64::MAX)];
            tx.query(sql, &values)?.iter().map(|row| row.get("no")).collect::<Result<_>>()?
        }
    };
    if numbers.is_empty() {
        return Ok(0);
    }
    store::delete(tx, &numbers)?;
    let event = audit::Event::done(permit, now, "trace.delete", format!("experiment/{experiment}"));
    audit::record(tx, &event.details(json!({ "traces": numbers.len() })))?;
    Ok(numbers.len() as u64)
}

fn check_id(id: &str) -> Result<()> {
    let good = |c: char| c.is_ascii_alphanumeric() || "_-.:".contains(c);
    if id.is_empty() || id.len() > ID_CHARACTERS || !id.chars().all(good) || id.chars().all(|c| c == '.') {
        let shown: String = id.chars().take(100).collect();
        return Err(Error::invalid(format!(
            "Invalid value \"{}\" for parameter 'trace_id' supplied",
            shown.escape_debug()
        ))
        .hint("an id holds letters, digits, '-', '_', '.' and ':'"));
    }
    Ok(())
}
