//! Spans come in. What can be done without the database (translating, summing up, packing) is done before its turn.

pub(crate) mod conventions;
mod preview;
mod summary;
pub(crate) mod usage;

use std::collections::BTreeMap;

use flyball_core::{Duration, Edit, Error, ErrorCode, Permit, Result, limits};
use flyball_store::Tx;

use crate::experiments;
use crate::model::{TraceState, names};
use crate::otlp::ExportRequest;
use crate::store::{self, Row, labels, spans};
use summary::Summary;

/// Spans ready to be stored, by trace.
#[derive(Debug)]
pub struct Batch {
    traces: Vec<Summary>,
}

impl Batch {
    /// Makes a request for export ready.
    ///
    /// # Errors
    /// `InvalidData` when a span has no valid ids; nothing of the request is kept then.
    pub fn prepare(request: ExportRequest) -> Result<Self> {
        let mut traces: BTreeMap<String, summary::Gathered> = BTreeMap::new();
        for received in request.resource_spans {
            let resource = received.resource.unwrap_or_default().attributes;
            for message in received.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                let mut span = crate::Span::receive(message)?;
                conventions::adopt(&mut span);
                traces.entry(span.trace_id()).or_default().add(span, &resource);
            }
        }
        let traces = traces.into_iter().map(|(id, gathered)| gathered.summary(id)).collect::<Result<_>>()?;
        Ok(Self { traces })
    }

    /// Whether there are no spans in it.
    pub fn is_empty(&self) -> bool {
        self.traces.is_empty()
    }
}

/// Stores spans. Traces that are not known yet are made in `experiment`; known ones are extended. A span that was sent
/// before is replaced. With a run, the traces whose root is in the batch are linked to it (when it exists).
///
/// # Errors
/// `InvalidInput` or `NotFound` for the experiment, when a trace has to be made; `LimitExceeded` when a trace gets too large.
pub fn ingest(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    experiment: &str,
    run_id: Option<&str>,
    batch: &Batch,
) -> Result<()> {
    let mut home = None;
    let mut finished = Vec::new();
    for summary in &batch.traces {
        let row = store::find(tx, &permit.read(), &summary.id)?;
        let no = match row {
            Some(row) => extend(tx, &row, summary)?,
            None => {
                let home = match &home {
                    Some(home) => home,
                    None => home.insert(experiments::home(tx, &permit.read(), experiments::id_of(experiment)?)?),
                };
                create(tx, permit, home, summary)?
            }
        };
        if summary.root_state.is_some() {
            finished.push(no);
        }
    }
    match run_id {
        Some(run_id) if experiments::run_exists(tx, &permit.read(), run_id)? => {
            store::link(tx, &finished, store::RUN, run_id)
        }
        _ => Ok(()),
    }
}

fn create(tx: &mut Tx<'_>, permit: &Permit<Edit>, home: &experiments::Home, summary: &Summary) -> Result<i64> {
    let duration = summary.ended_at.map(|end| end - summary.started_at);
    let row = Row {
        experiment_id: home.id,
        started_at: summary.started_at,
        duration,
        state: summary.root_state.unwrap_or(TraceState::InProgress),
        request_preview: summary.request_preview.clone(),
        response_preview: summary.response_preview.clone(),
        chunks: 1,
        span_bytes: summary.bytes,
        ..Row::new(&summary.id)
    };
    let no = store::insert(tx, &permit.read(), &row)?;
    let metadata = [
        (names::SESSION, summary.session.clone()),
        (names::USER, summary.user.clone()),
        (names::TOKENS, usage::tokens(&summary.tokens).map(|sum| crate::json_text::of(&sum))),
        (names::COST, usage::cost(&summary.costs).map(|sum| crate::json_text::of(&sum))),
    ];
    let metadata = metadata.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
    labels::merge(tx, labels::METADATA, no, &metadata)?;
    let location = home.trace_location(&summary.id);
    add_spans(tx, no, 0, summary, Some(location))?;
    Ok(no)
}

fn extend(tx: &mut Tx<'_>, row: &Row, summary: &Summary) -> Result<i64> {
    let total = row.span_bytes.saturating_add(summary.bytes);
    if total > limits::TRACE_STORED_BYTES as i64 {
        let message = format!("trace '{}' would hold more than {} bytes", row.id, limits::TRACE_STORED_BYTES);
        return Err(Error::new(ErrorCode::LimitExceeded, message).hint("start a new trace for each request"));
    }
    let known = labels::read(tx, labels::METADATA, &[row.no])?.remove(&row.no).unwrap_or_default();
    let finalized = known.contains_key(names::FINALIZED);
    let mut new = Row { chunks: row.chunks + 1, span_bytes: total, ..row.clone() };
    if !finalized {
        new.started_at = row.started_at.min(summary.started_at);
        let end = row.duration.map(|duration| row.started_at + duration).max(summary.ended_at);
        new.duration = end.map(|end| end - new.started_at).map(|duration| duration.max(Duration::ZERO));
    }
    if let Some(state) = summary.root_state.filter(|_| row.state.is_open()) {
        new.state = state;
    }
    new.request_preview = row.request_preview.clone().or_else(|| summary.request_preview.clone());
    new.response_preview = row.response_preview.clone().or_else(|| summary.response_preview.clone());
    store::update(tx, &new)?;
    let mut metadata = BTreeMap::new();
    for (key, value) in [(names::SESSION, &summary.session), (names::USER, &summary.user)] {
        if let Some(value) = value.as_ref().filter(|_| !known.contains_key(key)) {
            metadata.insert(key.to_owned(), value.clone());
        }
    }
    let open = |key| !(finalized && known.contains_key(key));
    let tokens = open(names::TOKENS) && summary.tokens.iter().any(|node| node.used.is_some());
    let cost = open(names::COST) && summary.costs.iter().any(|node| node.used.is_some());
    add_spans(tx, row.no, row.chunks, summary, None)?;
    if tokens || cost {
        // Parents and children may come apart, so the sums are taken over the whole tree as it stands now.
        let all = spans::read(tx, row.no)?;
        let sums = [
            (names::TOKENS, tokens, conventions::TOKENS, usage::tokens as fn(&[usage::Node]) -> _),
            (names::COST, cost, conventions::COST, usage::cost),
        ];
        for (key, _, attribute, sum) in sums.into_iter().filter(|(_, wanted, ..)| *wanted) {
            let nodes: Vec<_> = all.iter().map(|span| usage::Node::of(span, attribute)).collect();
            if let Some(total) = sum(&nodes) {
                metadata.insert(key.to_owned(), crate::json_text::of(&total));
            }
        }
    }
    labels::merge(tx, labels::METADATA, row.no, &metadata)?;
    Ok(row.no)
}

/// The packed spans, what searches ask of them, and the tags that they bring.
fn add_spans(tx: &mut Tx<'_>, no: i64, chunk: i64, summary: &Summary, location: Option<String>) -> Result<()> {
    spans::add(tx, no, chunk, &summary.packed, &summary.facts)?;
    let mut tags = summary.tags.clone();
    tags.extend(location.map(|location| (names::ARTIFACT_LOCATION.to_owned(), location)));
    tags.insert(names::SPANS_LOCATION.to_owned(), names::IN_STORE.to_owned());
    labels::merge(tx, labels::TAGS, no, &tags)
}
