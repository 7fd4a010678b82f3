//! What an operator sees of serving: metrics, slow requests, costs and spans.

use std::collections::{HashMap, HashSet};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use flyball_core::SystemClock;
use flyball_egress::{Egress, Reach};
use flyball_server::{Access, Observe, SpanSettings, Spans};
use flyball_traces::otlp::messages::{Any, Span};
use flyball_traces::otlp::{Format, read};
use futures::future::join_all;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::fixture::{TestServer, request};

fn body(distance: f64) -> String {
    let inputs = json!([
        { "name": "distance", "shape": [1], "datatype": "FP64", "data": [distance] },
        { "name": "origin", "shape": [1], "datatype": "BYTES", "data": ["EWR"] },
    ]);
    json!({ "inputs": inputs }).to_string()
}

/// A sample of the Prometheus text format.
pub(crate) struct Sample {
    pub(crate) name: String,
    labels: Vec<(String, String)>,
    pub(crate) value: f64,
}

impl Sample {
    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// Reads the text as strictly as a scraper could: each family described once and in one place, its samples of its type,
/// no sample twice, labels well-formed, counters named as such, histograms cumulative and whole.
pub(crate) fn parse(text: &str) -> Vec<Sample> {
    assert!(text.ends_with('\n'));
    let (mut types, mut samples) = (HashMap::new(), Vec::<Sample>::new());
    let (mut family, mut seen) = (String::new(), HashSet::new());
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(!types.contains_key(name) && !help.is_empty(), "{line}");
            family = name.to_owned();
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!(name, family, "TYPE follows HELP");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            types.insert(name.to_owned(), kind.to_owned());
        } else {
            let sample = sample(line);
            let own = if types[&family] == "histogram" {
                ["_bucket", "_sum", "_count"].iter().any(|end| sample.name == format!("{family}{end}"))
            } else {
                sample.name == family
            };
            assert!(own, "{line} stands under {family}");
            assert!(seen.insert(line.rsplit_once(' ').unwrap().0.to_owned()), "twice: {line}");
            samples.push(sample);
        }
    }
    for name in types.iter().filter(|(_, kind)| *kind == "histogram").map(|(name, _)| name) {
        whole_histograms(name, &samples);
    }
    samples
}

fn sample(line: &str) -> Sample {
    let is_name = |name: &str| {
        !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let end = line.find(['{', ' ']).unwrap();
    let (name, mut rest) = line.split_at(end);
    assert!(is_name(name), "{line}");
    let mut labels: Vec<(String, String)> = Vec::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (label, after) = rest.split_once("=\"").unwrap();
            assert!(is_name(label) && labels.iter().all(|(own, _)| own != label), "{line}");
            let mut value = String::new();
            let mut chars = after.char_indices();
            let end = loop {
                match chars.next().unwrap() {
                    (at, '"') => break at,
                    (_, '\\') => value.push(match chars.next().unwrap().1 {
                        'n' => '\n',
                        other => {
                            assert!(['\\', '"'].contains(&other), "{line}");
                            other
                        }
                    }),
                    (_, other) => value.push(other),
                }
            };
            labels.push((label.to_owned(), value));
            rest = &after[end + 1..];
            match rest.strip_prefix(',') {
                Some(more) => rest = more,
                None => break,
            }
        }
        rest = rest.strip_prefix('}').unwrap();
    }
    let value = rest.strip_prefix(' ').unwrap();
    let value = if value == "+Inf" { f64::INFINITY } else { value.parse().unwrap() };
    Sample { name: name.to_owned(), labels, value }
}

fn whole_histograms(name: &str, samples: &[Sample]) {
    let counts = samples.iter().filter(|sample| sample.name == format!("{name}_count"));
    for count in counts {
        let same = |sample: &&Sample| count.labels.iter().all(|(own, value)| sample.label(own) == Some(value.as_str()));
        let buckets: Vec<_> = samples.iter().filter(|one| one.name == format!("{name}_bucket")).filter(same).collect();
        let bound = |sample: &Sample| match sample.label("le").unwrap() {
            "+Inf" => f64::INFINITY,
            number => number.parse().unwrap(),
        };
        assert!(buckets.is_sorted_by(|a, b| bound(a) < bound(b) && a.value <= b.value), "{name}");
        let last = buckets.last().unwrap();
        assert_eq!((last.label("le"), last.value), (Some("+Inf"), count.value));
        assert_eq!(samples.iter().filter(|one| one.name == format!("{name}_sum")).filter(same).count(), 1);
    }
}

#[test]
fn metrics_are_well_formed_and_whole() {
    let server = TestServer::watched(Access::local(), Observe { cpu_hour_cost: 3600.0, ..Observe::default() });
    for distance in [100.0, 200.0, 666.0] {
        server.post("/v2/models/delays/infer", body(distance));
    }
    server.post("/v2/models/delays/infer", "{");
    server.post("/api/v1/endpoints/delays/predict", r#"{"rows":[{"distance":1,"origin":"EWR"},{"distance":2}]}"#);
    let samples = parse(&server.get("/metrics").text);
    let delays = |name: &str| {
        let mut own = samples.iter().filter(|one| one.name == name && one.label("endpoint") == Some("delays"));
        let found = own.next().unwrap_or_else(|| panic!("{name} is missing"));
        assert!(own.next().is_none());
        found
    };
    for (name, wanted) in [
        ("ml_prediction_requests_total", 4.0),
        ("ml_predictions_total", 5.0),
        ("ml_prediction_errors_total", 1.0),
        ("ml_prediction_timeouts_total", 0.0),
        ("flyball_requests_refused_total", 1.0),
        ("flyball_capture_waiting", 5.0),
        ("flyball_queue_waiting", 0.0),
        ("flyball_queue_wait_seconds_count", 1.0),
        ("flyball_traffic_ratio", 1.0),
        ("flyball_shadow_compared_total", 0.0),
        ("flyball_shadow_dropped_total", 0.0),
    ] {
        assert_eq!(delays(name).value, wanted, "{name}");
    }
    let labels: Vec<&str> = delays("ml_predictions_total").labels.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(labels, ["endpoint", "model", "version", "revision", "environment"]);
    let busy = delays("ml_prediction_busy_seconds_total").value;
    assert!(busy > 0.0);
    assert!(
        (delays("flyball_endpoint_cost_total").value - busy).abs() < 1e-12,
        "an hour costs as many as it has seconds"
    );
    let single = |name: &str| samples.iter().find(|one| one.name == name).unwrap().value;
    // Three revisions of two artifacts, one of which both endpoints could share.
    assert_eq!((single("flyball_models_loaded"), single("flyball_model_memory_bytes")), (2.0, 2000.0));
    assert_eq!((single("flyball_model_loads_total"), single("flyball_model_evictions_total")), (2.0, 0.0));
    assert_eq!(single("flyball_model_memory_budget_bytes"), f64::INFINITY);
}

#[test]
fn a_price_gives_the_cost_of_predictions_and_none_shows_nothing() {
    for (price, shown) in [(0.0, false), (7.5, true)] {
        let server = TestServer::watched(Access::local(), Observe { cpu_hour_cost: price, ..Observe::default() });
        server.post("/v2/models/delays/infer", body(100.0));
        let endpoints = server.get("/api/v1/endpoints").json();
        let of = |name: &str| endpoints.as_array().unwrap().iter().find(|one| one["name"] == name).unwrap().clone();
        assert_eq!(of("delays")["revisions"][0]["cost_per_1000"].as_f64().is_some_and(|cost| cost > 0.0), shown);
        assert!(of("flights")["revisions"][0]["cost_per_1000"].is_null(), "nothing was predicted there");
        assert_eq!(server.get("/metrics").text.contains("flyball_endpoint_cost_total"), shown);
    }
}

#[test]
fn the_slowest_requests_are_told_with_who_answered_and_how_it_ended() {
    let server = TestServer::new();
    for distance in (0..30).map(f64::from).chain([777.0, 666.0]) {
        server.post("/v2/models/delays/infer", body(distance));
    }
    server.post("/api/v1/endpoints/delays/predict", r#"{"rows":[{"distance":777,"origin":"EWR"},{"distance":2}]}"#);
    let slow = server.get("/api/v1/endpoints/delays/slow").json();
    let slow = slow.as_array().unwrap();
    assert_eq!(slow.len(), 20);
    let millis = |one: &Value| one["duration_ms"].as_f64().unwrap();
    assert!(slow.is_sorted_by(|a, b| millis(a) >= millis(b)));
    assert!(millis(&slow[1]) >= 300.0 && millis(&slow[2]) < 300.0);
    let turn = slow[..2].iter().find(|one| one["rows"] == 2).unwrap();
    assert!(turn["waited_ms"].is_number());
    let here = slow[..2].iter().find(|one| one["rows"] == 1).unwrap();
    assert_eq!((&here["waited_ms"], &here["outcome"], &here["version"]), (&Value::Null, &json!("ok"), &json!(1)));
    let id = here["prediction_id"].as_str().unwrap();
    server.app.platform.serving.flush_and_commit().unwrap();
    assert!(server.app.platform.serving.find_record(id).is_ok());
    assert!(slow.iter().any(|one| one["outcome"] == "internal"), "a panic takes its time: {slow:?}");
    assert_eq!(server.get("/api/v1/endpoints/none/slow").status, StatusCode::NOT_FOUND);
}

#[test]
fn who_waits_in_vain_and_who_is_turned_away_is_counted() {
    let server = TestServer::new();
    let settings = json!({ "max_concurrency": 1, "max_queue_size": 1, "timeout_ms": 50 });
    let mut put = request(Method::PUT, "/api/v1/endpoints/delays/settings", settings.to_string());
    put.headers_mut().insert("content-type", "application/json".parse().unwrap());
    assert_eq!(server.send(put).status, StatusCode::OK);
    let ask = || {
        let body = r#"{"rows":[{"distance":777,"origin":"EWR"}]}"#;
        server.router.clone().oneshot(request(Method::POST, "/api/v1/endpoints/delays/predict", body.to_owned()))
    };
    let answers = server.runtime.block_on(join_all([ask(), ask(), ask()]));
    let mut statuses: Vec<u16> = answers.into_iter().map(|answer| answer.unwrap().status().as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 429, 504]);
    let samples = parse(&server.get("/metrics").text);
    let count = |name: &str| samples.iter().find(|one| one.name == name).unwrap().value;
    assert_eq!((count("flyball_queue_turned_away_total"), count("flyball_queue_timeouts_total")), (1.0, 1.0));
    assert_eq!((count("flyball_queue_turns"), count("flyball_queue_waiting")), (1.0, 0.0));
    let slow = server.get("/api/v1/endpoints/delays/slow").json();
    let late = slow.as_array().unwrap().iter().find(|one| one["outcome"] == "deadline_exceeded").unwrap();
    assert!(late["waited_ms"].as_f64().unwrap() >= 50.0 && late["revision"].is_null(), "{late}");
}

/// A receiver of spans that gives each request's head and body, and answers with `status`.
fn receiver(status: &'static str) -> (String, Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, received) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut bytes = Vec::new();
            let (head, length) = loop {
                let mut buffer = [0; 4096];
                let count = stream.read(&mut buffer).unwrap();
                bytes.extend_from_slice(&buffer[..count]);
                if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                    let head = String::from_utf8(bytes.drain(..end + 4).collect()).unwrap().to_lowercase();
                    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                    break (head.clone(), length.parse::<usize>().unwrap());
                }
            };
            let mut rest = vec![0; length - bytes.len()];
            stream.read_exact(&mut rest).unwrap();
            bytes.extend(rest);
            stream
                .write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").as_bytes())
                .unwrap();
            if sender.send((head, bytes)).is_err() {
                return;
            }
        }
    });
    (address, received)
}

fn watched(endpoint: &str, ratio: f64) -> TestServer {
    let settings = SpanSettings::new(endpoint, "x-mlflow-experiment-id=1,authorization=Basic%20abc", "shop", ratio);
    let clock = Arc::new(SystemClock::default());
    let spans = Spans::start(settings.unwrap(), Egress::new(Reach::Anywhere), clock, [3; 32]).unwrap();
    TestServer::watched(Access::local(), Observe { spans: Some(spans), ..Observe::default() })
}

fn ask(server: &TestServer, path: &str, parent: Option<&str>, body: String) -> StatusCode {
    let mut asked = request(Method::POST, path, body);
    if let Some(parent) = parent {
        asked.headers_mut().insert("traceparent", parent.parse().unwrap());
    }
    server.send(asked).status
}

fn value<'a>(span: &'a Span, name: &str) -> Option<&'a Any> {
    let attribute = span.attributes.iter().find(|attribute| attribute.key == name)?;
    attribute.value.as_ref()?.value.as_ref()
}

#[test]
fn spans_tell_who_answered_and_what_came_of_it() {
    let (address, received) = receiver("200 OK");
    let server = watched(&format!("{address}/"), 0.0);
    let recorded = |id: u8| format!("00-{:032x}-00000000000000aa-01", 0x0102_0300 + u128::from(id));
    let infer = "/v2/models/delays/infer";
    assert_eq!(ask(&server, infer, Some(&recorded(1)), body(100.0)), StatusCode::OK);
    let rows = r#"{"rows":[{"distance":1,"origin":"EWR"},{"distance":2}]}"#.to_owned();
    assert_eq!(ask(&server, "/api/v1/endpoints/delays/predict", Some(&recorded(2)), rows), StatusCode::OK);
    assert_eq!(ask(&server, infer, Some(&recorded(3)), body(666.0)), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(ask(&server, infer, Some(&recorded(4)), "{".to_owned()), StatusCode::BAD_REQUEST);
    assert_eq!(ask(&server, "/v2/models/none/infer", Some(&recorded(5)), body(1.0)), StatusCode::NOT_FOUND);
    let mut grpc = request(Method::POST, "/inference.GRPCInferenceService/ModelInfer", "\0\0\0\0\0".to_owned());
    grpc.headers_mut().insert("content-type", "application/grpc".parse().unwrap());
    grpc.headers_mut().insert("traceparent", recorded(6).parse().unwrap());
    assert_eq!(server.send(grpc).status, StatusCode::OK);
    // Neither sampled by the caller, nor by chance at a ratio of zero, nor a request to a model.
    ask(&server, infer, Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"), body(1.0));
    ask(&server, infer, None, body(1.0));
    server.get("/metrics");
    let spans = server.app.observe.spans.as_ref().unwrap();
    spans.flush(Duration::from_secs(10));
    let (head, bytes) = received.recv_timeout(Duration::from_secs(10)).unwrap();
    assert!(head.starts_with("post /v1/traces http/1.1\r\n"), "{head}");
    assert!(head.contains("content-type: application/x-protobuf\r\n") && head.contains("authorization: basic abc\r\n"));
    let request = read(&bytes, Format::Protobuf).unwrap();
    let resource = request.resource_spans[0].resource.as_ref().unwrap();
    assert_eq!(resource.attributes[0].key, "service.name");
    assert_eq!(resource.attributes[0].value.as_ref().unwrap().value, Some(Any::Text("shop".to_owned())));
    let sent = &request.resource_spans[0].scope_spans[0].spans;
    assert_eq!(sent.len(), 6);
    let text = |text: &str| Any::Text(text.to_owned());
    let (row, table, broken) = (&sent[0], &sent[1], &sent[2]);
    assert_eq!(
        (row.name.as_str(), row.kind, row.parent_span_id.as_slice()),
        ("infer delays", 2, &[0, 0, 0, 0, 0, 0, 0, 0xaa][..])
    );
    assert_eq!(row.trace_id[12..], [1, 2, 3, 1]);
    assert!(row.end_time_unix_nano > row.start_time_unix_nano && row.status.is_none());
    assert_eq!(value(row, "flyball.endpoint"), Some(&text("delays")));
    assert_eq!(value(row, "flyball.model.version"), Some(&Any::Int(1)));
    assert_eq!(value(row, "flyball.rows"), Some(&Any::Int(1)));
    assert_eq!(value(row, "http.response.status_code"), Some(&Any::Int(200)));
    assert!(matches!(value(row, "flyball.prediction_id"), Some(Any::Text(id)) if id.starts_with("prd_")));
    assert_eq!(value(row, "flyball.queue_ms"), None);
    assert_eq!(value(table, "flyball.rows"), Some(&Any::Int(2)));
    assert!(matches!(value(table, "flyball.queue_ms"), Some(Any::Double(_))));
    assert_eq!(value(broken, "error.type"), Some(&text("internal")));
    assert_eq!(broken.status.as_ref().map(|status| status.code), Some(2));
    assert_eq!(value(&sent[3], "http.response.status_code"), Some(&Any::Int(400)));
    assert_eq!((sent[3].name.as_str(), sent[3].status.is_none()), ("infer delays", true));
    assert_eq!((sent[4].name.as_str(), value(&sent[4], "flyball.endpoint")), ("infer", None));
    assert_eq!(value(&sent[5], "rpc.grpc.status_code"), Some(&text("5")));
    let ids: HashSet<&[u8]> = sent.iter().map(|span| span.span_id.as_slice()).collect();
    assert_eq!(ids.len(), 6);
    assert!(server.get("/metrics").text.contains("\nflyball_spans_exported_total 6\n"));
    taken_in(&server, bytes);
}

/// The server's own receiver of spans takes what the server sends.
fn taken_in(server: &TestServer, bytes: Vec<u8>) {
    let mut named =
        request(Method::POST, "/api/2.0/mlflow/experiments/create", json!({ "name": "serving" }).to_string());
    named.headers_mut().insert("content-type", "application/json".parse().unwrap());
    assert_eq!(server.send(named).json()["experiment_id"], "1");
    let export = Request::builder().method(Method::POST).uri("/v1/traces").header("host", "localhost:5050");
    let export = export.header("x-mlflow-experiment-id", "1").header("content-type", "application/x-protobuf");
    let answer = server.send(export.body(Body::from(bytes)).unwrap());
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let trace = "/api/3.0/mlflow/traces/get?allow_partial=true&trace_id=tr-00000000000000000000000001020301";
    assert_eq!(server.get(trace).json()["trace"]["spans"][0]["name"], "infer delays");
}

#[test]
fn a_ratio_picks_some_and_what_cannot_be_sent_is_counted() {
    let (address, received) = receiver("503 Service Unavailable");
    let server = watched(&address, 0.5);
    for _ in 0..200 {
        assert_eq!(ask(&server, "/v2/models/delays/infer", None, body(1.0)), StatusCode::OK);
    }
    let spans = server.app.observe.spans.as_ref().unwrap();
    spans.flush(Duration::from_secs(10));
    let (_, bytes) = received.recv_timeout(Duration::from_secs(10)).unwrap();
    let sent = read(&bytes, Format::Protobuf).unwrap().spans() as u64;
    let figures = spans.figures();
    assert!(figures.exported == 0 && (50..150).contains(&figures.dropped), "{figures:?}");
    assert!(sent <= figures.dropped);
    let samples = parse(&server.get("/metrics").text);
    let dropped = samples.iter().find(|one| one.name == "flyball_spans_dropped_total").unwrap();
    assert_eq!(dropped.value, figures.dropped as f64);
}

#[test]
fn a_receiver_that_is_none_is_refused_at_the_start() {
    for endpoint in ["", "localhost:4318", "ftp://localhost", "http://user:secret@localhost"] {
        let settings = SpanSettings::new(endpoint, "", "shop", 1.0).unwrap();
        let clock = Arc::new(SystemClock::default());
        assert!(Spans::start(settings, Egress::new(Reach::Anywhere), clock, [3; 32]).is_err(), "{endpoint}");
    }
}
