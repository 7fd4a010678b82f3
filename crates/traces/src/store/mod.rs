//! The SQL of traces. Each function works inside the caller's transaction.

pub(crate) mod assessments;
pub(crate) mod labels;
pub(crate) mod spans;

use flyball_core::{Duration, Permit, Read, Result, Timestamp};
use flyball_store::{OnConflict, Param, Tx, params};

use crate::model::TraceState;

/// Kinds of links.
pub(crate) const RUN: &str = "run";
pub(crate) const PROMPT: &str = "prompt";

/// Most values of one `IN` list: statements stay short enough to be kept prepared.
const LIST: usize = 500;

/// A trace's own row.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) no: i64,
    pub(crate) id: String,
    pub(crate) experiment_id: i64,
    pub(crate) started_at: Timestamp,
    pub(crate) duration: Option<Duration>,
    pub(crate) state: TraceState,
    pub(crate) client_request_id: Option<String>,
    pub(crate) request_preview: Option<String>,
    pub(crate) response_preview: Option<String>,
    pub(crate) chunks: i64,
    pub(crate) span_bytes: i64,
}

impl Row {
    /// A row with nothing but an id.
    pub(crate) fn new(id: &str) -> Self {
        Self {
            no: 0,
            id: id.to_owned(),
            experiment_id: 0,
            started_at: Timestamp(0),
            duration: None,
            state: TraceState::Unspecified,
            client_request_id: None,
            request_preview: None,
            response_preview: None,
            chunks: 0,
            span_bytes: 0,
        }
    }

    pub(crate) fn read(row: &flyball_store::Row) -> Result<Self> {
        Ok(Self {
            no: row.get("no")?,
            id: row.get("id")?,
            experiment_id: row.get("experiment_id")?,
            started_at: row.get("started_at")?,
            duration: row.get::<Option<i64>>("duration")?.map(Duration),
            state: TraceState::named(&row.get::<String>("state")?),
            client_request_id: row.get("client_request_id")?,
            request_preview: row.get("request_preview")?,
            response_preview: row.get("response_preview")?,
            chunks: row.get("chunks")?,
            span_bytes: row.get("span_bytes")?,
        })
    }

    fn values(&self) -> [Param; 9] {
        params![
            self.experiment_id,
            self.started_at,
            self.duration.map(|duration| duration.0),
            self.state.as_str(),
            self.client_request_id.clone(),
            self.request_preview.clone(),
            self.response_preview.clone(),
            self.chunks,
            self.span_bytes,
        ]
    }
}

pub(crate) const COLUMNS: &str = "t.no, t.id, t.experiment_id, t.started_at, t.duration, t.state, t.client_request_id, \
     t.request_preview, t.response_preview, t.chunks, t.span_bytes";

/// The row of a trace.
pub(crate) fn find(tx: &mut Tx<'_>, permit: &Permit<Read>, id: &str) -> Result<Option<Row>> {
    let sql = format!("SELECT {COLUMNS} FROM traces t WHERE t.workspace = $1 AND t.id = $2");
    tx.query_one(&sql, &params![permit.workspace(), id])?.as_ref().map(Row::read).transpose()
}

/// The rows of traces that are there, in the order of their ids in the list, each once.
pub(crate) fn find_many(tx: &mut Tx<'_>, permit: &Permit<Read>, ids: &[String]) -> Result<Vec<Row>> {
    let mut found = std::collections::HashMap::new();
    for some in ids.chunks(LIST) {
        let list = list(2, some.len());
        let sql = format!("SELECT {COLUMNS} FROM traces t WHERE t.workspace = $1 AND t.id IN ({list})");
        let mut values = params![permit.workspace()].to_vec();
        values.extend(some.iter().map(Param::from));
        for row in tx.query(&sql, &values)? {
            let row = Row::read(&row)?;
            found.insert(row.id.clone(), row);
        }
    }
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

/// Inserts a row and returns its number.
pub(crate) fn insert(tx: &mut Tx<'_>, permit: &Permit<Read>, row: &Row) -> Result<i64> {
    let mut values = params![permit.workspace(), row.id.as_str()].to_vec();
    values.extend(row.values());
    tx.execute(
        "INSERT INTO traces (workspace, id, experiment_id, started_at, duration, state, client_request_id, \
         request_preview, response_preview, chunks, span_bytes) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        &values,
    )?;
    let made = find(tx, permit, &row.id)?;
    made.map(|row| row.no).ok_or_else(|| flyball_core::Error::internal("an inserted trace is not there"))
}

/// Writes all of a row that can change.
pub(crate) fn update(tx: &mut Tx<'_>, row: &Row) -> Result<()> {
    let mut values = params![row.no].to_vec();
    values.extend(row.values());
    tx.execute(
        "UPDATE traces SET experiment_id = $2, started_at = $3, duration = $4, state = $5, client_request_id = $6, \
         request_preview = $7, response_preview = $8, chunks = $9, span_bytes = $10 WHERE no = $1",
        &values,
    )?;
    Ok(())
}

/// Links traces to a run or prompt version; links that are there stay.
pub(crate) fn link(tx: &mut Tx<'_>, traces: &[i64], kind: &str, target: &str) -> Result<()> {
    let rows: Vec<Vec<Param>> = traces.iter().map(|no| params![*no, kind, target].to_vec()).collect();
    tx.insert_rows("trace_links", &["trace_no", "kind", "target"], &rows, OnConflict::Ignore)?;
    Ok(())
}

/// Deletes traces with all that belongs to them.
pub(crate) fn delete(tx: &mut Tx<'_>, traces: &[i64]) -> Result<()> {
    for some in traces.chunks(LIST) {
        let values: Vec<Param> = some.iter().map(|no| Param::from(*no)).collect();
        let list = list(1, some.len());
        for table in ["trace_tags", "trace_metadata", "trace_chunks", "trace_spans", "trace_links", "assessments"] {
            tx.execute(&format!("DELETE FROM {table} WHERE trace_no IN ({list})"), &values)?;
        }
        tx.execute(&format!("DELETE FROM traces WHERE no IN ({list})"), &values)?;
    }
    Ok(())
}

/// `$first, …` for `count` parameters.
pub(crate) fn list(first: usize, count: usize) -> String {
    (first..first + count).map(|parameter| format!("${parameter}")).collect::<Vec<_>>().join(", ")
}
