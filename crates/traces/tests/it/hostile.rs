//! Bytes that mean harm.

use flyball_core::ErrorCode;
use flyball_core::rng::Rng;
use flyball_traces::ingest::Batch;
use flyball_traces::otlp::messages::{Any, ArrayValue, Event, ResourceSpans, ScopeSpans};
use flyball_traces::otlp::{self, Encoding, ExportRequest, Format};
use prost::Message;

use crate::fixture::{pair, span, text, tokens, with};

fn request() -> ExportRequest {
    let mut span =
        with(span(1, 1, 2, 10, 20), "mlflow.spanInputs", text("{\"messages\": [{\"role\": 1, \"content\": []}]}"));
    span = with(with(span, "mlflow.chat.tokenUsage", tokens(1, 2)), "list", Any::List(ArrayValue::default()));
    span.events =
        vec![Event { time_unix_nano: 1, name: "e".to_owned(), attributes: vec![pair("a", Any::Double(1.5))] }];
    let scope = ScopeSpans { spans: vec![span.clone(), span] };
    ExportRequest { resource_spans: vec![ResourceSpans { resource: None, scope_spans: vec![scope] }] }
}

/// Reads and prepares; what is refused must be refused as the caller's fault.
fn swallow(bytes: &[u8], format: Format) -> bool {
    let outcome = otlp::read(bytes, format).and_then(Batch::prepare);
    match &outcome {
        Ok(_) => true,
        Err(error) => {
            let blamed = [ErrorCode::InvalidInput, ErrorCode::InvalidData, ErrorCode::LimitExceeded];
            assert!(blamed.contains(&error.code()), "{error:?}");
            false
        }
    }
}

fn mutate(bytes: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=rng.below(4) {
        let place = rng.below(bytes.len());
        match rng.below(4) {
            0 => bytes[place] = rng.next_u64() as u8,
            1 => bytes.truncate(place + 1),
            2 => bytes.insert(place, rng.next_u64() as u8),
            _ => bytes[place] ^= 1 << rng.below(8),
        }
    }
    bytes
}

#[test]
fn mutated_protobuf_and_json_never_break_the_reader() {
    let protobuf = request().encode_to_vec();
    let json = br#"{"resourceSpans": [{"resource": {"attributes": [{"key": "a", "value": {"stringValue": "x"}}]},
        "scopeSpans": [{"spans": [{"traceId": "0102", "spanId": "03", "name": "n", "startTimeUnixNano": "5", "status": {"code": 2},
        "attributes": [{"key": "gen_ai.usage.input_tokens", "value": {"intValue": "7"}}, {"key": "k", "value": {"kvlistValue":
        {"values": [{"key": "x", "value": {"doubleValue": 1e400}}]}}}]}]}]}]}"#;
    let json = String::from_utf8_lossy(json).replace("1e400", "1.5");
    assert!(swallow(&protobuf, Format::Protobuf) && swallow(json.as_bytes(), Format::Json));
    let mut rng = Rng::seeded(7);
    let (mut good, mut bad) = (0, 0);
    for _ in 0..20_000 {
        for (bytes, format) in [(protobuf.as_slice(), Format::Protobuf), (json.as_bytes(), Format::Json)] {
            if swallow(&mutate(bytes, &mut rng), format) { good += 1 } else { bad += 1 }
        }
    }
    assert!(good > 1000 && bad > 1000, "the mutations are worth something: {good} read, {bad} refused");
}

#[test]
fn deep_nesting_is_refused_or_read_but_never_overflows() {
    let mut json = r#"{"stringValue":"x"}"#.to_owned();
    let mut value = Any::Int(1);
    for _ in 0..300 {
        json = format!(r#"{{"arrayValue":{{"values":[{json}]}}}}"#);
        value = Any::List(ArrayValue { values: vec![flyball_traces::otlp::messages::AnyValue { value: Some(value) }] });
    }
    let json = format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"attributes":[{{"key":"a","value":{json}}}]}}]}}]}}]}}"#
    );
    assert!(!swallow(json.as_bytes(), Format::Json));
    let mut deep = request();
    deep.resource_spans[0].scope_spans[0].spans[0].attributes.push(pair("deep", value));
    assert!(!swallow(&deep.encode_to_vec(), Format::Protobuf));
    // Text that is JSON is read too, so its depth counts as well.
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let mut written = request();
    written.resource_spans[0].scope_spans[0].spans[0].attributes.push(pair("written", text(&nested)));
    assert!(swallow(&written.encode_to_vec(), Format::Protobuf));
}

#[test]
fn a_span_that_is_its_own_ancestor_is_summed_up_and_stored() {
    let mut own = with(span(1, 1, 1, 0, 0), "mlflow.chat.tokenUsage", tokens(1, 1));
    own.start_time_unix_nano = u64::MAX;
    own.end_time_unix_nano = u64::MAX;
    let scope = ScopeSpans { spans: vec![own, span(1, 2, 3, 0, 0), span(1, 3, 2, 0, 0)] };
    let request = ExportRequest { resource_spans: vec![ResourceSpans { resource: None, scope_spans: vec![scope] }] };
    assert!(!Batch::prepare(request).unwrap().is_empty());
}

#[test]
fn broken_compression_is_the_callers_fault() {
    let mut rng = Rng::seeded(3);
    for _ in 0..2_000 {
        let bytes: Vec<u8> = (0..rng.below(64)).map(|_| rng.next_u64() as u8).collect();
        for encoding in [Encoding::Gzip, Encoding::Deflate] {
            if let Err(error) = otlp::unpack(&bytes, encoding) {
                assert!([ErrorCode::InvalidInput, ErrorCode::LimitExceeded].contains(&error.code()), "{error:?}");
            }
        }
    }
}
