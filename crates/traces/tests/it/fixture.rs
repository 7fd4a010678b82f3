//! A database with two experiments, and spans to put into it.

use flyball_core::{Edit, Permit, Result, Timestamp};
use flyball_store::{Db, Tx, params};
use flyball_traces::ingest::{self, Batch};
use flyball_traces::otlp::ExportRequest;
use flyball_traces::otlp::messages::{
    Any, AnyValue, KeyValue, KeyValueList, Resource, ResourceSpans, ScopeSpans, Span, Status,
};
use flyball_traces::{Trace, TraceInfo, read};

pub(crate) const NOW: Timestamp = Timestamp(1_700_000_000_000);

pub(crate) fn permit() -> Permit<Edit> {
    flyball_governance::identity::local_user().unwrap().edit()
}

/// Experiments 1 (active), 2 (active) and 3 (deleted), and run `r1`.
pub(crate) fn prepare(db: &Db) {
    write(db, |tx, permit| {
        for (id, lifecycle) in [(1, "active"), (2, "active"), (3, "deleted")] {
            tx.execute(
                "INSERT INTO experiments (id, workspace, name, artifact_location, lifecycle, created_at, updated_at) \
                 VALUES ($1, $2, $3, $4, $5, 0, 0)",
                &params![id, permit.workspace(), format!("e{id}"), format!("mlflow-artifacts:/{id}"), lifecycle],
            )?;
        }
        tx.execute(
            "INSERT INTO runs (id, workspace, experiment_id, name, user_id, status, lifecycle, started_at, artifact_uri) \
             VALUES ('r1', $1, 1, 'n', '', 'RUNNING', 'active', 0, '')",
            &params![permit.workspace()],
        )
    })
    .unwrap();
}

pub(crate) fn write<T: Send + 'static>(
    db: &Db,
    work: impl Fn(&mut Tx<'_>, &Permit<Edit>) -> Result<T> + Send + 'static,
) -> Result<T> {
    db.write(move |tx| work(tx, &permit()))
}

pub(crate) fn ingest(db: &Db, experiment: &'static str, spans: Vec<Span>) -> Result<()> {
    ingest_from(db, experiment, None, &[], spans)
}

pub(crate) fn ingest_from(
    db: &Db,
    experiment: &'static str,
    run: Option<&'static str>,
    resource: &[KeyValue],
    spans: Vec<Span>,
) -> Result<()> {
    let resource = Some(Resource { attributes: resource.to_vec() });
    let scope_spans = vec![ScopeSpans { spans }];
    let batch = Batch::prepare(ExportRequest { resource_spans: vec![ResourceSpans { resource, scope_spans }] })?;
    write(db, move |tx, permit| ingest::ingest(tx, permit, experiment, run, &batch))
}

pub(crate) fn info(db: &Db, id: &str) -> Result<TraceInfo> {
    let id = id.to_owned();
    db.read(move |tx| read::info(tx, &permit().read(), &id))
}

pub(crate) fn trace(db: &Db, id: &str, partial: bool) -> Result<Option<Trace>> {
    let id = id.to_owned();
    db.read(move |tx| read::trace(tx, &permit().read(), &id, partial))
}

/// The id of the trace that [`span`] makes with this number.
pub(crate) fn trace_id(trace: u8) -> String {
    format!("tr-{}{trace:02x}", "0".repeat(30))
}

/// A span of trace `trace`: with id `id`, below `parent` (0: a root), from `start` to `end` in milliseconds.
pub(crate) fn span(trace: u8, id: u8, parent: u8, start: u64, end: u64) -> Span {
    Span {
        trace_id: [vec![0; 15], vec![trace]].concat(),
        span_id: [vec![0; 7], vec![id]].concat(),
        parent_span_id: if parent == 0 { vec![] } else { [vec![0; 7], vec![parent]].concat() },
        name: format!("span-{id}"),
        start_time_unix_nano: start * 1_000_000,
        end_time_unix_nano: end * 1_000_000,
        status: Some(Status { message: String::new(), code: 1 }),
        ..Span::default()
    }
}

pub(crate) fn with(mut span: Span, key: &str, value: Any) -> Span {
    span.attributes.push(pair(key, value));
    span
}

pub(crate) fn pair(key: &str, value: Any) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }) }
}

pub(crate) fn text(text: &str) -> Any {
    Any::Text(text.to_owned())
}

/// Token counts as the stock client writes them.
pub(crate) fn tokens(input: i64, output: i64) -> Any {
    let counts = [("input_tokens", input), ("output_tokens", output), ("total_tokens", input + output)];
    Any::Map(KeyValueList { values: counts.into_iter().map(|(key, count)| pair(key, Any::Int(count))).collect() })
}
