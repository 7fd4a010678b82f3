//! Reading traces.

use flyball_core::{Error, ErrorCode, Permit, Read, Result, limits};
use flyball_store::Tx;
use serde_json::Value;

use crate::model::{Trace, TraceInfo, names};
use crate::store::{self, Row, assessments, labels, spans};

/// What is known of a trace.
///
/// # Errors
/// `NotFound`.
pub fn info(tx: &mut Tx<'_>, permit: &Permit<Read>, id: &str) -> Result<TraceInfo> {
    let row = store::find(tx, permit, id)?.ok_or_else(|| missing(id))?;
    infos_of(tx, vec![row])?.pop().ok_or_else(|| missing(id))
}

/// What is known of traces, in the order of the list, each once; those that are not there are left out, and with
/// `experiments` those of others.
///
/// # Errors
/// `InvalidInput` for too many ids or a bad experiment id.
pub fn infos(
    tx: &mut Tx<'_>,
    permit: &Permit<Read>,
    ids: &[String],
    experiments: Option<&[String]>,
) -> Result<Vec<TraceInfo>> {
    let rows = rows(tx, permit, ids, experiments)?;
    infos_of(tx, rows)
}

/// A trace with its spans, when all of them have come in or when `partial` will do; `None` while some are on their way.
///
/// # Errors
/// `NotFound` without the trace, or when its spans were never sent here.
pub fn trace(tx: &mut Tx<'_>, permit: &Permit<Read>, id: &str, partial: bool) -> Result<Option<Trace>> {
    let row = store::find(tx, permit, id)?.ok_or_else(|| missing(id))?;
    let (no, chunks) = (row.no, row.chunks);
    let info = infos_of(tx, vec![row])?.pop().ok_or_else(|| missing(id))?;
    if chunks == 0 {
        let message = "Trace data not stored in tracking store";
        return Err(Error::new(ErrorCode::NotFound, message).hint("its client keeps the spans as an artifact"));
    }
    let spans = spans::read(tx, no)?;
    Ok((partial || spans.len() >= expected(&info)).then_some(Trace { info, spans }))
}

/// Complete traces with their spans, in the order of the list; others are left out.
///
/// # Errors
/// `InvalidInput` for too many ids or a bad experiment id, `LimitExceeded` when they hold too much together.
pub fn traces(
    tx: &mut Tx<'_>,
    permit: &Permit<Read>,
    ids: &[String],
    experiments: Option<&[String]>,
) -> Result<Vec<Trace>> {
    let rows = rows(tx, permit, ids, experiments)?;
    let bytes = rows.iter().fold(0_i64, |sum, row| sum.saturating_add(row.span_bytes));
    if bytes > limits::TRACE_ANSWER_BYTES as i64 {
        let message = format!("these traces hold more than {} bytes together", limits::TRACE_ANSWER_BYTES);
        return Err(Error::new(ErrorCode::LimitExceeded, message).hint("ask for fewer traces at once"));
    }
    let numbers: Vec<i64> = rows.iter().map(|row| row.no).collect();
    let mut traces = Vec::with_capacity(rows.len());
    for (info, no) in infos_of(tx, rows)?.into_iter().zip(numbers) {
        let spans = spans::read(tx, no)?;
        if !spans.is_empty() && spans.len() >= expected(&info) {
            traces.push(Trace { info, spans });
        }
    }
    Ok(traces)
}

fn rows(tx: &mut Tx<'_>, permit: &Permit<Read>, ids: &[String], experiments: Option<&[String]>) -> Result<Vec<Row>> {
    if ids.len() > limits::TRACE_IDS {
        let message = format!("at most {} trace IDs can be asked for at once", limits::TRACE_IDS);
        return Err(Error::invalid(message).hint("ask in several requests"));
    }
    let experiments: Option<Vec<i64>> =
        experiments.map(|ids| ids.iter().map(|id| crate::experiments::id_of(id)).collect()).transpose()?;
    let mut rows = store::find_many(tx, permit, ids)?;
    if let Some(experiments) = experiments {
        rows.retain(|row| experiments.contains(&row.experiment_id));
    }
    Ok(rows)
}

/// Adds tags, metadata and assessments to rows.
pub(crate) fn infos_of(tx: &mut Tx<'_>, rows: Vec<Row>) -> Result<Vec<TraceInfo>> {
    let numbers: Vec<i64> = rows.iter().map(|row| row.no).collect();
    let mut tags = labels::read(tx, labels::TAGS, &numbers)?;
    let mut metadata = labels::read(tx, labels::METADATA, &numbers)?;
    let mut assessments = assessments::read(tx, &numbers)?;
    let info = |row: Row| TraceInfo {
        id: row.id,
        experiment_id: row.experiment_id,
        started_at: row.started_at,
        duration: row.duration,
        state: row.state,
        client_request_id: row.client_request_id,
        request_preview: row.request_preview,
        response_preview: row.response_preview,
        metadata: metadata.remove(&row.no).unwrap_or_default(),
        tags: tags.remove(&row.no).unwrap_or_default(),
        assessments: assessments.remove(&row.no).unwrap_or_default(),
    };
    Ok(rows.into_iter().map(info).collect())
}

/// How many spans the client says that it made.
fn expected(info: &TraceInfo) -> usize {
    let stats = info.metadata.get(names::SIZE_STATS).and_then(|text| serde_json::from_str::<Value>(text).ok());
    stats.and_then(|stats| stats["num_spans"].as_u64()).and_then(|count| usize::try_from(count).ok()).unwrap_or(0)
}

pub(crate) fn missing(id: &str) -> Error {
    let shown: String = id.chars().take(100).collect();
    Error::new(ErrorCode::NotFound, format!("Trace with ID '{}' not found.", shown.escape_debug()))
}
