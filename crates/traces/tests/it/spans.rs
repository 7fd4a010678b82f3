//! Traces made and extended by their spans.

use flyball_core::{Duration, ErrorCode, Timestamp};
use flyball_store::params;
use flyball_testkit::on_both;
use flyball_traces::TraceState;
use flyball_traces::otlp::messages::Any;

use crate::fixture::{info, ingest, ingest_from, pair, prepare, span, text, tokens, trace, trace_id, with, write};

#[test]
fn the_first_spans_make_the_trace_and_the_root_decides_it() {
    on_both(|db| {
        prepare(db);
        ingest(db, "1", vec![span(7, 2, 1, 110, 120)]).unwrap();
        let early = info(db, &trace_id(7)).unwrap();
        assert_eq!((early.state, early.experiment_id, early.started_at), (TraceState::InProgress, 1, Timestamp(110)));
        assert_eq!(early.duration, Some(Duration(10)));
        assert_eq!(early.tags["mlflow.trace.spansLocation"], "TRACKING_STORE");
        assert_eq!(
            early.tags["mlflow.artifactLocation"],
            format!("mlflow-artifacts:/1/traces/{}/artifacts", trace_id(7))
        );

        let mut root = span(7, 1, 0, 100, 150);
        root.status.as_mut().unwrap().code = 2;
        root = with(root, "mlflow.spanInputs", text("{\"q\": 1}"));
        root = with(root, "mlflow.spanOutputs", Any::Int(42));
        root = with(root, "session.id", text("s1"));
        root = with(root, "user.id", text("u1"));
        root = with(root, "mlflow.traceTag.color", text("blue"));
        root = with(root, "mlflow.traceTag.bad//key", text("x"));
        let resource =
            [pair("service.name", text("shop")), pair("telemetry.sdk.name", text("x")), pair("mlflow.x", text("x"))];
        ingest_from(db, "1", Some("r1"), &resource, vec![root]).unwrap();
        let done = info(db, &trace_id(7)).unwrap();
        assert_eq!(
            (done.state, done.started_at, done.duration),
            (TraceState::Error, Timestamp(100), Some(Duration(50)))
        );
        assert_eq!(done.request_preview.as_deref(), Some("{\"q\": 1}"));
        assert_eq!(done.response_preview.as_deref(), Some("42"));
        assert_eq!(
            (done.metadata["mlflow.trace.session"].as_str(), done.metadata["mlflow.trace.user"].as_str()),
            ("s1", "u1")
        );
        let keys: Vec<&str> = done.tags.keys().map(String::as_str).collect();
        assert_eq!(keys, ["color", "mlflow.artifactLocation", "mlflow.trace.spansLocation", "service.name"]);
        let linked = write(db, |tx, _| tx.query("SELECT target FROM trace_links", &params![])).unwrap();
        assert_eq!(linked[0].get::<String>("target").unwrap(), "r1");
    });
}

#[test]
fn spans_sent_again_replace_what_was_there() {
    on_both(|db| {
        prepare(db);
        let mut begun = span(1, 1, 0, 100, 0);
        begun.name = "begun".to_owned();
        ingest(db, "1", vec![begun, span(1, 2, 1, 105, 110)]).unwrap();
        ingest(db, "1", vec![span(1, 3, 1, 101, 103), span(1, 1, 0, 100, 130)]).unwrap();
        let trace = trace(db, &trace_id(1), false).unwrap().unwrap();
        let names: Vec<&str> = trace.spans.iter().map(|span| span.message().name.as_str()).collect();
        assert_eq!(names, ["span-1", "span-3", "span-2"], "roots first, then by start");
        assert_eq!(trace.info.duration, Some(Duration(30)));
        let facts = write(db, |tx, _| tx.query("SELECT name FROM trace_spans ORDER BY span_id", &params![])).unwrap();
        assert_eq!(facts.len(), 3);
        assert_eq!(facts[0].get::<String>("name").unwrap(), "span-1");
    });
}

#[test]
fn usage_is_summed_over_the_tree_in_whatever_pieces_it_comes() {
    on_both(|db| {
        prepare(db);
        let leaf = |id, parent| with(span(2, id, parent, 10, 20), "mlflow.chat.tokenUsage", tokens(1, 2));
        ingest(db, "1", vec![leaf(3, 2), leaf(4, 2), leaf(5, 1)]).unwrap();
        let sum = |expected: &str| {
            assert_eq!(info(db, &trace_id(2)).unwrap().metadata["mlflow.trace.tokenUsage"], expected);
        };
        sum(r#"{"input_tokens": 3, "output_tokens": 6, "total_tokens": 9}"#);
        // The parent of two of them has their sum already.
        let parent = with(span(2, 2, 1, 10, 20), "mlflow.chat.tokenUsage", tokens(2, 4));
        ingest(db, "1", vec![parent.clone(), span(2, 1, 0, 10, 20)]).unwrap();
        sum(r#"{"input_tokens": 3, "output_tokens": 6, "total_tokens": 9}"#);
        ingest(db, "1", vec![parent]).unwrap();
        sum(r#"{"input_tokens": 3, "output_tokens": 6, "total_tokens": 9}"#);
    });
}

#[test]
fn a_batch_is_kept_whole_or_not_at_all() {
    on_both(|db| {
        prepare(db);
        for (experiment, code) in
            [("9", ErrorCode::NotFound), ("3", ErrorCode::Conflict), ("x", ErrorCode::InvalidInput)]
        {
            assert_eq!(ingest(db, experiment, vec![span(1, 1, 0, 1, 2)]).unwrap_err().code(), code, "{experiment}");
        }
        let mut bad = span(2, 2, 0, 1, 2);
        bad.span_id = vec![];
        assert_eq!(ingest(db, "1", vec![span(2, 1, 0, 1, 2), bad]).unwrap_err().code(), ErrorCode::InvalidData);
        for trace in [1, 2] {
            assert_eq!(info(db, &trace_id(trace)).unwrap_err().code(), ErrorCode::NotFound);
        }
        ingest(db, "1", vec![span(1, 1, 0, 1, 2)]).unwrap();
        ingest(db, "9", vec![span(1, 2, 1, 1, 2)]).expect("the experiment only matters for new traces");
    });
}

#[test]
fn what_databases_refuse_is_replaced() {
    on_both(|db| {
        prepare(db);
        let mut odd = with(span(1, 1, 0, 1, 2), "mlflow.spanInputs", text("a\0b"));
        odd.name = "n\0n".to_owned();
        ingest(db, "1", vec![with(odd, "user.id", text("u\0"))]).unwrap();
        let trace = trace(db, &trace_id(1), false).unwrap().unwrap();
        assert_eq!(trace.info.metadata["mlflow.trace.user"], "u\u{fffd}");
        assert_eq!(trace.spans[0].message().name, "n\0n", "spans are kept as they came");
    });
}
