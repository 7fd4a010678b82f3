//! Spans of inference requests, as OpenTelemetry has them. A request only leaves its span in a queue; one thread sends
//! them away, and what it has no time for is dropped and counted.

mod exporter;
mod traceparent;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, Method};
use flyball_core::rng::Rng;
use flyball_core::{Clock, Error, ErrorCode, Result, Timestamp};
use flyball_egress::Egress;
use flyball_serving::{LiveEndpoint, Note, answering};
use flyball_traces::otlp::messages::{Any, AnyValue, KeyValue, Span, Status};

use self::exporter::{Counts, Exporter, Queued};

/// How many spans may wait to be sent.
const WAITING: usize = 2048;
/// What a server does, in the numbers of the protocol.
const KIND_SERVER: i32 = 2;
const STATUS_ERROR: i32 = 2;
/// The step of the generator: each request takes one number of each of three streams.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// Where spans go, and which.
#[derive(Clone, Debug)]
pub struct SpanSettings {
    endpoint: String,
    headers: Vec<(String, String)>,
    service: String,
    ratio: f64,
}

impl SpanSettings {
    /// Spans go to `endpoint`, the base URL of a receiver of OTLP over HTTP. `headers` are sent along, as
    /// `name=value,name=value` with percent-encoded values; `ratio` is the part of the requests without a parent that is
    /// recorded, from 0 to 1.
    ///
    /// # Errors
    /// `InvalidInput` that says what is wrong with the headers or the ratio.
    pub fn new(endpoint: &str, headers: &str, service: &str, ratio: f64) -> Result<Self> {
        if !(0.0..=1.0).contains(&ratio) {
            return Err(Error::invalid(format!("the ratio of sampled requests is {ratio}"))
                .hint("OTEL_TRACES_SAMPLER_ARG is a number from 0 to 1"));
        }
        let pairs = headers.split(',').map(str::trim).filter(|pair| !pair.is_empty());
        let headers = pairs.map(header).collect::<Result<_>>()?;
        Ok(Self { endpoint: endpoint.to_owned(), headers, service: service.to_owned(), ratio })
    }
}

fn header(pair: &str) -> Result<(String, String)> {
    // The value may be a secret, so that it is not shown.
    let wrong =
        || Error::invalid("a header for the receiver of spans is malformed").hint("write name=value,name=value");
    let (name, value) = pair.split_once('=').ok_or_else(wrong)?;
    let (name, value) = (name.trim(), decoded(value.trim()).ok_or_else(wrong)?);
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(token) || value.chars().any(char::is_control) {
        return Err(wrong());
    }
    Ok((name.to_owned(), value))
}

/// A text without its percent-encoding.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut digit = || char::from(rest.next()?).to_digit(16);
        bytes.push(if byte == b'%' { u8::try_from(digit()? << 4 | digit()?).ok()? } else { byte });
    }
    String::from_utf8(bytes).ok()
}

/// Makes spans and hands them to the thread that sends them.
pub struct Spans {
    queue: SyncSender<Queued>,
    counts: Arc<Counts>,
    ratio: f64,
    seeds: [u64; 3],
    requests: AtomicU64,
}

/// What became of spans since the process started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanFigures {
    /// Spans that the receiver took.
    pub exported: u64,
    /// Spans that were dropped: too many waited, or the receiver did not take them.
    pub dropped: u64,
}

/// The span of a request that is under way.
pub(crate) struct OpenSpan {
    trace_id: [u8; 16],
    span_id: u64,
    parent: Option<[u8; 8]>,
    started: Timestamp,
    started_nanos: u64,
    method: Method,
    path: String,
    told: Mutex<Told>,
}

/// What is known of a request once an endpoint has it.
#[derive(Default)]
struct Told {
    endpoint: Option<String>,
    note: Note,
    waited: Option<u64>,
    failure: Option<ErrorCode>,
}

tokio::task_local! {
    /// The span of the request that this task answers.
    static OPEN: Arc<OpenSpan>;
}

/// The span of the request that is answered, if it has one.
pub(crate) fn current() -> Option<Arc<OpenSpan>> {
    OPEN.try_with(Arc::clone).ok()
}

/// Whether requests to this path ask a model.
pub(crate) fn is_inference(path: &str) -> bool {
    (path.ends_with("/infer") && path.starts_with("/v2/models/"))
        || (path.ends_with("/predict") && path.starts_with("/api/v1/endpoints/"))
        || (path.ends_with("/invocations") && path.starts_with("/endpoints/"))
        || path == "/inference.GRPCInferenceService/ModelInfer"
}

impl Spans {
    /// Starts the thread that sends spans. `entropy` is from the operating system.
    ///
    /// # Errors
    /// `InvalidInput` when nothing can be sent to the endpoint, `Internal` when the machine gives no thread.
    pub fn start(settings: SpanSettings, egress: Egress, clock: Arc<dyn Clock>, entropy: [u8; 32]) -> Result<Self> {
        let (ratio, counts) = (settings.ratio, Arc::<Counts>::default());
        let exporter = Exporter::new(settings, egress, clock, Arc::clone(&counts))?;
        let (queue, spans) = sync_channel(WAITING);
        let thread = std::thread::Builder::new().name("spans".to_owned());
        thread.spawn(move || exporter.run(&spans)).map_err(Error::internal)?;
        let mut seeds = [0; 3];
        for (seed, bytes) in seeds.iter_mut().zip(entropy.chunks_exact(8)) {
            *seed = bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        }
        Ok(Self { queue, counts, ratio, seeds, requests: AtomicU64::new(0) })
    }

    /// What became of spans.
    pub fn figures(&self) -> SpanFigures {
        SpanFigures {
            exported: self.counts.exported.load(Ordering::Relaxed),
            dropped: self.counts.dropped.load(Ordering::Relaxed),
        }
    }

    /// Waits until all spans are sent that are in the queue now, but no longer than `within`.
    pub fn flush(&self, within: Duration) {
        let (sender, sent) = sync_channel(1);
        // With a full queue there is nobody who sends; a stop does not wait for that.
        if self.queue.try_send(Queued::Flush(sender)).is_ok() {
            let _in_time = sent.recv_timeout(within);
        }
    }

    /// Opens the span of a request, if it asks a model and is to be recorded: as its parent is, else by chance.
    pub(crate) fn open(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
        clock: &dyn Clock,
    ) -> Option<Arc<OpenSpan>> {
        if !is_inference(path) {
            return None;
        }
        let count = self.requests.fetch_add(1, Ordering::Relaxed);
        let random = |stream: usize| Rng::seeded(self.seeds[stream].wrapping_add(count.wrapping_mul(STEP)));
        let parent = traceparent::read(headers);
        let sampled = match parent {
            Some(parent) => parent.sampled,
            // By the low half of the trace's id, as other samplers do, so that they come to the same decision.
            None => random(1).unit() < self.ratio,
        };
        if !sampled {
            return None;
        }
        let trace_id = parent.map_or_else(
            || (u128::from(random(0).next_u64()) << 64 | u128::from(random(1).next_u64())).to_be_bytes(),
            |parent| parent.trace_id,
        );
        Some(Arc::new(OpenSpan {
            trace_id,
            span_id: random(2).next_u64().max(1),
            parent: parent.map(|parent| parent.span_id),
            started: clock.now(),
            started_nanos: clock.monotonic_nanos(),
            method: method.clone(),
            path: path.chars().take(200).collect(),
            told: Mutex::default(),
        }))
    }

    /// Ends the span of a request with its status, and queues it.
    pub(crate) fn end(&self, open: &OpenSpan, status: u16, grpc_status: Option<&str>, clock: &dyn Clock) {
        let span = open.message(status, grpc_status, clock.monotonic_nanos());
        if self.queue.try_send(Queued::Span(Box::new(span))).is_err() {
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl OpenSpan {
    /// Does the work of the task's request under this span.
    pub(crate) async fn around<F: Future>(self: Arc<Self>, work: F) -> F::Output {
        OPEN.scope(self, work).await
    }

    /// Answers its request at an endpoint, and keeps what serving tells about it.
    pub(crate) fn watch<T>(&self, endpoint: &str, waited: Option<u64>, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let (outcome, note) = answering(waited, true, work);
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = Told {
            endpoint: Some(endpoint.to_owned()),
            note: note.unwrap_or_default(),
            waited,
            failure: outcome.as_ref().err().map(Error::code),
        };
        outcome
    }

    /// Says that its request did not come to work at an endpoint.
    pub(crate) fn turned_away(&self, endpoint: &LiveEndpoint, waited: u64, failure: ErrorCode) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.endpoint = Some(endpoint.endpoint.name.to_string());
        (told.waited, told.failure) = (Some(waited), Some(failure));
    }

    fn message(&self, status: u16, grpc_status: Option<&str>, now: u64) -> Span {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let mut attributes = vec![
            text("http.request.method", self.method.as_str()),
            text("url.path", &self.path),
            whole("http.response.status_code", status.into()),
        ];
        attributes.extend(grpc_status.map(|status| text("rpc.grpc.status_code", status)));
        attributes.extend(told.endpoint.as_ref().map(|name| text("flyball.endpoint", name)));
        if let Some(revision) = &told.note.revision {
            attributes.push(text("flyball.model", &revision.model));
            attributes.push(whole("flyball.model.version", revision.version));
            attributes.push(text("flyball.revision", &revision.id));
            attributes.push(whole("flyball.rows", i64::try_from(told.note.rows).unwrap_or(i64::MAX)));
            attributes.push(text("flyball.prediction_id", &told.note.prediction_id));
        }
        attributes.extend(told.waited.map(|nanos| named("flyball.queue_ms", Any::Double(nanos as f64 / 1e6))));
        attributes.extend(told.failure.map(|code| text("error.type", code.as_str())));
        let failed = status >= 500 || told.failure.is_some_and(|code| code.status() >= 500);
        let started = u64::try_from(self.started.0).unwrap_or(0).saturating_mul(1_000_000);
        Span {
            trace_id: self.trace_id.to_vec(),
            span_id: self.span_id.to_be_bytes().to_vec(),
            parent_span_id: self.parent.map(|id| id.to_vec()).unwrap_or_default(),
            name: told.endpoint.as_ref().map_or_else(|| "infer".to_owned(), |endpoint| format!("infer {endpoint}")),
            kind: KIND_SERVER,
            start_time_unix_nano: started,
            end_time_unix_nano: started.saturating_add(now.saturating_sub(self.started_nanos)),
            attributes,
            status: failed.then(|| Status { code: STATUS_ERROR, ..Status::default() }),
            ..Span::default()
        }
    }
}

fn named(name: &str, value: Any) -> KeyValue {
    KeyValue { key: name.to_owned(), value: Some(AnyValue { value: Some(value) }) }
}

fn text(name: &str, value: &str) -> KeyValue {
    named(name, Any::Text(value.to_owned()))
}

fn whole(name: &str, value: i64) -> KeyValue {
    named(name, Any::Int(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_the_standard_writes_them() {
        let settings =
            SpanSettings::new("http://x", "authorization=Basic%20abc=, x-tenant = a%2Cb ,", "s", 1.0).unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(settings.headers, [pair("authorization", "Basic abc="), pair("x-tenant", "a,b")]);
        for bad in ["novalue", "=x", "a b=c", "a=%0d%0ab", "a=%f", "a=%zz", "a=%ff"] {
            let error = SpanSettings::new("http://x", bad, "s", 1.0).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidInput, "{bad}");
        }
        for bad in [-0.1, 1.1, f64::NAN] {
            assert!(SpanSettings::new("http://x", "", "s", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_requests_to_models_have_spans() {
        for path in [
            "/v2/models/a/infer",
            "/v2/models/a/versions/1/infer",
            "/api/v1/endpoints/a/predict",
            "/endpoints/a/invocations",
            "/inference.GRPCInferenceService/ModelInfer",
        ] {
            assert!(is_inference(path), "{path}");
        }
        for path in ["/v2/models/a", "/metrics", "/v1/traces", "/api/v1/endpoints/a/ground-truth", "/infer"] {
            assert!(!is_inference(path), "{path}");
        }
    }
}
