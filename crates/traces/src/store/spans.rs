//! The SQL of spans, and how they are packed: a protobuf message of those that came together, compressed.

use std::collections::HashMap;

use flyball_core::{Error, Result, limits};
use flyball_store::{Param, Tx, params};
use prost::Message;

use crate::Span;
use crate::otlp::messages::{self, ScopeSpans};

/// zstd's default: spans shrink to a quarter at 300 MB/s.
const LEVEL: i32 = 3;
/// Most rows of one statement.
const ROWS: usize = 100;

/// What searches ask of a span.
#[derive(Clone, Debug)]
pub(crate) struct Fact {
    pub(crate) id: u64,
    pub(crate) name: String,
    /// Its type, such as `LLM` or `TOOL`.
    pub(crate) kind: String,
    pub(crate) status: &'static str,
}

/// Packs spans; also says how large they are unpacked.
pub(crate) fn pack(spans: Vec<Span>) -> Result<(Vec<u8>, i64)> {
    let message = ScopeSpans { spans: spans.into_iter().map(Span::into_message).collect() };
    let bytes = message.encode_to_vec();
    let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    Ok((zstd::bulk::compress(&bytes, LEVEL).map_err(Error::internal)?, size))
}

fn unpack(packed: &[u8]) -> Result<Vec<messages::Span>> {
    // One chunk is at most one request, which may be a little larger than it was sent after translation.
    let bytes = zstd::bulk::decompress(packed, 2 * limits::TRACE_DECOMPRESSED_BYTES).map_err(Error::internal)?;
    Ok(ScopeSpans::decode(bytes.as_slice()).map_err(Error::internal)?.spans)
}

/// Adds a chunk.
pub(crate) fn add(tx: &mut Tx<'_>, trace: i64, chunk: i64, packed: &[u8], facts: &[Fact]) -> Result<()> {
    let sql = "INSERT INTO trace_chunks (trace_no, chunk, spans) VALUES ($1, $2, $3)";
    tx.execute(sql, &params![trace, chunk, packed])?;
    for some in facts.chunks(ROWS) {
        let row = |row: usize| {
            let first = 4 * row + 2;
            format!("($1, ${first}, ${}, ${}, ${})", first + 1, first + 2, first + 3)
        };
        let rows: Vec<String> = (0..some.len()).map(row).collect();
        let sql = format!(
            "INSERT INTO trace_spans (trace_no, span_id, name, type, status) VALUES {} ON CONFLICT (trace_no, span_id) \
             DO UPDATE SET name = excluded.name, type = excluded.type, status = excluded.status",
            rows.join(", ")
        );
        let mut values = params![trace].to_vec();
        for fact in some {
            values.extend(params![fact.id, fact.name.as_str(), fact.kind.as_str(), fact.status]);
        }
        tx.execute(&sql, &values)?;
    }
    Ok(())
}

/// The spans of a trace: of those with the same id the last one; roots first, then by start.
pub(crate) fn read(tx: &mut Tx<'_>, trace: i64) -> Result<Vec<Span>> {
    let sql = "SELECT spans FROM trace_chunks WHERE trace_no = $1 ORDER BY chunk";
    let mut spans: Vec<Span> = Vec::new();
    let mut places: HashMap<u64, usize> = HashMap::new();
    for row in tx.query(sql, &[Param::from(trace)])? {
        for message in unpack(&row.get::<Vec<u8>>("spans")?)? {
            let span = Span::stored(message);
            match places.get(&span.id()) {
                Some(&place) => spans[place] = span,
                None => {
                    places.insert(span.id(), spans.len());
                    spans.push(span);
                }
            }
        }
    }
    spans.sort_by_key(|span| (span.parent().is_some(), span.message().start_time_unix_nano));
    Ok(spans)
}
