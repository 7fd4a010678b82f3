//! Sends spans away in batches, on a thread of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::Duration;

use flyball_core::{Clock, Error, ErrorCode, Result};
use flyball_egress::Egress;
use flyball_traces::otlp::messages::{ExportRequest, KeyValue, Resource, ResourceSpans, ScopeSpans, Span};
use prost::Message;

use super::{SpanSettings, text};

/// Most spans of one export.
const BATCH: usize = 512;
/// How long a span waits for others.
const DELAY: Duration = Duration::from_secs(1);
const PROTOBUF: &str = "application/x-protobuf";

/// What goes through the queue.
pub(super) enum Queued {
    Span(Box<Span>),
    /// Whoever waits for what is in the queue to be sent.
    Flush(SyncSender<()>),
}

/// What became of spans.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) exported: AtomicU64,
    /// Those that the queue had no place for, and those that the receiver did not take.
    pub(super) dropped: AtomicU64,
}

pub(super) struct Exporter {
    url: String,
    headers: Vec<(String, String)>,
    resource: Resource,
    egress: Egress,
    clock: Arc<dyn Clock>,
    counts: Arc<Counts>,
}

impl Exporter {
    pub(super) fn new(
        settings: SpanSettings,
        egress: Egress,
        clock: Arc<dyn Clock>,
        counts: Arc<Counts>,
    ) -> Result<Self> {
        let url = format!("{}/v1/traces", settings.endpoint.trim_end_matches('/'));
        egress.vet(&url).map_err(|error| error.context("the address for spans"))?;
        let attributes: Vec<KeyValue> =
            vec![text("service.name", &settings.service), text("service.version", env!("CARGO_PKG_VERSION"))];
        Ok(Self { url, headers: settings.headers, resource: Resource { attributes }, egress, clock, counts })
    }

    /// Sends until the queue is given up, and then what is left in it.
    pub(super) fn run(&self, queue: &Receiver<Queued>) {
        let mut failing = false;
        while let Ok(first) = queue.recv() {
            let (batch, waiting) = self.gather(first, queue);
            let count = batch.len() as u64;
            if count > 0 {
                match self.send(batch) {
                    Ok(()) => {
                        self.counts.exported.fetch_add(count, Ordering::Relaxed);
                        failing = false;
                    }
                    Err(error) => {
                        self.counts.dropped.fetch_add(count, Ordering::Relaxed);
                        // Once, not for each batch of an hour in which nobody listens.
                        if !failing {
                            tracing::warn!(error = format!("{error:?}"), "spans cannot be exported; they are dropped");
                        }
                        failing = true;
                    }
                }
            }
            for waiting in waiting {
                let _gave_up_waiting = waiting.try_send(());
            }
        }
    }

    /// As many spans as come in time, and those who wait for them to be sent.
    fn gather(&self, first: Queued, queue: &Receiver<Queued>) -> (Vec<Span>, Vec<SyncSender<()>>) {
        let (mut batch, mut waiting) = (Vec::new(), Vec::new());
        let end = self.clock.monotonic_nanos().saturating_add(DELAY.as_nanos() as u64);
        let mut next = Some(first);
        while let Some(queued) = next.take() {
            match queued {
                Queued::Span(span) => batch.push(*span),
                Queued::Flush(who) => waiting.push(who),
            }
            let left = Duration::from_nanos(end.saturating_sub(self.clock.monotonic_nanos()));
            if batch.len() >= BATCH || !waiting.is_empty() || left.is_zero() {
                break;
            }
            next = queue.recv_timeout(left).ok();
        }
        (batch, waiting)
    }

    fn send(&self, spans: Vec<Span>) -> Result<()> {
        let request = ExportRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(self.resource.clone()),
                scope_spans: vec![ScopeSpans { spans }],
            }],
        };
        let headers: Vec<(&str, &str)> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = self.egress.post(&self.url, PROTOBUF, &headers, &request.encode_to_vec())?;
        if (200..300).contains(&answer.status) {
            return Ok(());
        }
        let said: String = answer.body.chars().take(200).collect();
        Err(Error::new(ErrorCode::Unavailable, format!("the receiver answers with {}: {said}", answer.status)))
    }
}
