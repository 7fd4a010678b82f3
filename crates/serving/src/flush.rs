//! From records in memory to segments. The segment rows are committed by the caller together with its own state; if that
//! fails the records go back into memory.

use std::cmp::Ordering;
use std::sync::Arc;

use flyball_core::{Result, Timestamp};
use flyball_store::{Blobs, Tx};

use crate::capture::Chunk;
use crate::concat::concat;
use crate::live::{LiveEndpoint, Runtime};
use crate::record_columns as columns;
use crate::segment::{self, Segment};

/// Records whose blobs are written and whose segment rows are not yet. Dropped without `committed`, it puts the records
/// back.
#[must_use = "dropping it puts the records back into memory"]
pub struct Flush {
    segments: Vec<Segment>,
    taken: Vec<Taken>,
}

struct Taken {
    endpoint: Arc<LiveEndpoint>,
    chunk: Chunk,
}

impl Flush {
    /// The new segments.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Notes the segments in a transaction. Call `committed` when that transaction is.
    pub fn record(&self, tx: &mut Tx<'_>) -> Result<()> {
        segment::record_segments(tx, &self.segments)
    }

    /// Lets go of the records: they are durable.
    pub fn committed(mut self) {
        for taken in self.taken.drain(..) {
            taken.runtime().capture.forget(taken.chunk.table.rows());
        }
    }

    /// Takes the records of these endpoints with an event time before `upto` (all when `None`) and writes their blobs.
    pub(crate) fn new(
        blobs: &Blobs,
        endpoints: impl Iterator<Item = Arc<LiveEndpoint>>,
        upto: Option<Timestamp>,
    ) -> Result<Flush> {
        let mut flush = Flush { segments: Vec::new(), taken: Vec::new() };
        for endpoint in endpoints {
            for chunk in merge(endpoint.runtime.capture.take()?)? {
                let (due, later) = divide(chunk, upto)?;
                if let Some(later) = later {
                    endpoint.runtime.capture.put_back(later);
                }
                flush.taken.extend(due.map(|chunk| Taken { endpoint: Arc::clone(&endpoint), chunk }));
            }
        }
        for taken in &flush.taken {
            flush.segments.push(segment::write(blobs, taken.endpoint.endpoint.name.as_str(), &taken.chunk.table)?);
        }
        Ok(flush)
    }
}

impl Taken {
    fn runtime(&self) -> &Runtime {
        &self.endpoint.runtime
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        for Taken { endpoint, chunk } in self.taken.drain(..) {
            endpoint.runtime.capture.put_back(chunk);
        }
    }
}

/// One chunk per contract, rows in the order of their numbers.
fn merge(mut chunks: Vec<Chunk>) -> Result<Vec<Chunk>> {
    let mut merged = Vec::new();
    while let Some(first) = chunks.pop() {
        let (same, others): (Vec<_>, Vec<_>) = chunks.into_iter().partition(|chunk| chunk.contract == first.contract);
        chunks = others;
        let contract = Arc::clone(&first.contract);
        let tables: Vec<_> = same.into_iter().chain([first]).map(|chunk| chunk.table).collect();
        let table = concat(&tables)?;
        let sequences = segment::integers(&table, columns::SEQUENCE)?;
        let mut order: Vec<usize> = (0..table.rows()).collect();
        order.sort_unstable_by_key(|&row| sequences[row]);
        merged.push(Chunk { contract, table: table.take(&order) });
    }
    merged.sort_by_key(first_sequence);
    Ok(merged)
}

fn first_sequence(chunk: &Chunk) -> Option<i64> {
    segment::integers(&chunk.table, columns::SEQUENCE).ok()?.first().copied()
}

/// The rows before `upto` and the others.
fn divide(chunk: Chunk, upto: Option<Timestamp>) -> Result<(Option<Chunk>, Option<Chunk>)> {
    let times = segment::integers(&chunk.table, columns::AT)?;
    let (due, later): (Vec<usize>, Vec<usize>) =
        (0..chunk.table.rows()).partition(|&row| upto.is_none_or(|upto| times[row].cmp(&upto.0) == Ordering::Less));
    let part = |rows: &[usize]| {
        let table = (!rows.is_empty()).then(|| chunk.table.take(rows));
        table.map(|table| Chunk { contract: Arc::clone(&chunk.contract), table })
    };
    Ok(if later.is_empty() { (Some(chunk), None) } else { (part(&due), part(&later)) })
}
