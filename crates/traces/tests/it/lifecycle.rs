//! Traces described, tagged, linked, deleted.

use std::collections::BTreeMap;

use flyball_core::{Duration, ErrorCode, Timestamp};
use flyball_store::params;
use flyball_testkit::on_both;
use flyball_traces::service::{self, Selection};
use flyball_traces::{TraceInfo, TraceState, read};

use crate::fixture::{NOW, info, ingest, permit, prepare, span, text, tokens, trace, trace_id, with, write};

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn description(trace: u8) -> TraceInfo {
    TraceInfo {
        id: trace_id(trace),
        experiment_id: 1,
        started_at: Timestamp(1000),
        duration: Some(Duration(5)),
        state: TraceState::Ok,
        request_preview: Some("in".to_owned()),
        metadata: labels(&[("mlflow.trace.sizeStats", r#"{"num_spans": 2}"#), ("own", "1")]),
        tags: labels(&[("mlflow.traceName", "n")]),
        ..TraceInfo::default()
    }
}

fn describe(db: &flyball_store::Db, info: TraceInfo) -> flyball_core::Result<TraceInfo> {
    write(db, move |tx, permit| service::describe(tx, permit, info.clone(), NOW))
}

#[test]
fn description_and_spans_come_in_either_order_and_the_description_wins() {
    on_both(|db| {
        prepare(db);
        let spans = || {
            let root = with(span(1, 1, 0, 900, 2000), "mlflow.spanInputs", text("other"));
            vec![with(root, "mlflow.spanOutputs", text("out")), span(1, 2, 1, 900, 1000)]
        };
        let check = |made: &TraceInfo| {
            assert_eq!(
                (made.started_at, made.duration, made.state),
                (Timestamp(1000), Some(Duration(5)), TraceState::Ok)
            );
            assert_eq!(made.metadata["mlflow.trace.infoFinalized"], "true");
            assert_eq!((made.metadata["own"].as_str(), made.tags["mlflow.traceName"].as_str()), ("1", "n"));
            assert_eq!(made.request_preview.as_deref(), Some("in"));
        };
        // The description first.
        check(&describe(db, description(1)).unwrap());
        assert_eq!(trace(db, &trace_id(1), false).unwrap_err().code(), ErrorCode::NotFound, "no spans came in yet");
        let mut spans_now = spans();
        ingest(db, "1", spans_now.split_off(1)).unwrap();
        assert_eq!(trace(db, &trace_id(1), false).unwrap(), None, "one of two spans is missing");
        assert_eq!(trace(db, &trace_id(1), true).unwrap().unwrap().spans.len(), 1);
        ingest(db, "1", spans_now).unwrap();
        let whole = trace(db, &trace_id(1), false).unwrap().unwrap();
        check(&whole.info);
        assert_eq!((whole.spans.len(), whole.info.response_preview.as_deref()), (2, Some("\"out\"")));
        // The spans first.
        write(db, |tx, permit| service::delete(tx, permit, "1", &Selection::Ids(vec![trace_id(1)]), NOW)).unwrap();
        ingest(db, "2", spans()).unwrap();
        check(&describe(db, description(1)).unwrap());
        let whole = trace(db, &trace_id(1), false).unwrap().unwrap();
        assert_eq!((whole.spans.len(), whole.info.experiment_id), (2, 1));
        assert!(whole.info.tags["mlflow.artifactLocation"].starts_with("mlflow-artifacts:/1/"));
    });
}

#[test]
fn usage_of_a_description_is_final_and_missing_usage_is_filled() {
    on_both(|db| {
        prepare(db);
        let usage = r#"{"input_tokens": 9, "output_tokens": 9, "total_tokens": 18}"#;
        let mut given = description(1);
        given.metadata.insert("mlflow.trace.tokenUsage".to_owned(), usage.to_owned());
        describe(db, given).unwrap();
        describe(db, description(2)).unwrap();
        for number in [1, 2] {
            ingest(db, "1", vec![with(span(number, 1, 0, 1, 2), "mlflow.chat.tokenUsage", tokens(1, 1))]).unwrap();
        }
        assert_eq!(info(db, &trace_id(1)).unwrap().metadata["mlflow.trace.tokenUsage"], usage);
        let filled = r#"{"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}"#;
        assert_eq!(info(db, &trace_id(2)).unwrap().metadata["mlflow.trace.tokenUsage"], filled);
    });
}

#[test]
fn descriptions_that_make_no_sense_are_refused() {
    on_both(|db| {
        prepare(db);
        for id in ["", "..", "a/b", "a b", "é", &"x".repeat(251)] {
            let bad = TraceInfo { id: id.to_owned(), ..description(1) };
            assert_eq!(describe(db, bad).unwrap_err().code(), ErrorCode::InvalidInput, "{id}");
        }
        for (experiment_id, code) in [(9, ErrorCode::NotFound), (3, ErrorCode::Conflict)] {
            let bad = TraceInfo { experiment_id, ..description(1) };
            assert_eq!(describe(db, bad).unwrap_err().code(), code);
        }
    });
}

#[test]
fn tags_are_set_and_deleted_except_the_servers_own() {
    on_both(|db| {
        prepare(db);
        describe(db, description(1)).unwrap();
        let set = |key: &'static str| write(db, move |tx, permit| service::set_tag(tx, permit, &trace_id(1), key, "v"));
        let delete =
            |key: &'static str| write(db, move |tx, permit| service::delete_tag(tx, permit, &trace_id(1), key));
        set("a").unwrap();
        set("a").unwrap();
        assert_eq!(info(db, &trace_id(1)).unwrap().tags["a"], "v");
        delete("a").unwrap();
        assert!(delete("a").unwrap_err().message().starts_with("No trace tag with key"));
        assert_eq!(delete("a\0").unwrap_err().code(), ErrorCode::NotFound);
        for bad in ["mlflow.trace.spansLocation", "mlflow.trace.archiveLocation", "a//b", ""] {
            assert_eq!(set(bad).unwrap_err().code(), ErrorCode::InvalidInput, "{bad}");
        }
        let lost = write(db, |tx, permit| service::set_tag(tx, permit, "tr-none", "a", "v"));
        assert_eq!(lost.unwrap_err().code(), ErrorCode::NotFound);
    });
}

#[test]
fn deletion_takes_the_oldest_or_the_named_and_leaves_a_record() {
    on_both(|db| {
        prepare(db);
        for (number, start) in [(1, 10), (2, 20), (3, 30), (4, 40)] {
            ingest(db, "1", vec![span(number, 1, 0, start, start + 1)]).unwrap();
        }
        ingest(db, "2", vec![span(5, 1, 0, 1, 2)]).unwrap();
        let delete = |selection: Selection| {
            write(db, move |tx, permit| service::delete(tx, permit, "1", &selection, NOW)).unwrap()
        };
        assert_eq!(delete(Selection::Until(Timestamp(30), Some(1))), 1);
        assert_eq!(info(db, &trace_id(1)).unwrap_err().code(), ErrorCode::NotFound);
        assert_eq!(delete(Selection::Ids(vec![trace_id(2), trace_id(5), trace_id(9)])), 1);
        assert_eq!(delete(Selection::Until(Timestamp(39), None)), 1);
        assert_eq!(delete(Selection::Until(Timestamp(39), None)), 0);
        let rest = [trace_id(5), trace_id(4), trace_id(1)];
        let left = db.read(move |tx| read::infos(tx, &permit().read(), &rest, None)).unwrap();
        assert_eq!(left.iter().map(|info| info.id.clone()).collect::<Vec<_>>(), [trace_id(5), trace_id(4)]);
        let rows = write(db, |tx, _| {
            let count = |tx: &mut flyball_store::Tx<'_>, table: &str| {
                Ok(tx.query(&format!("SELECT 1 AS x FROM {table}"), &params![])?.len())
            };
            Ok([count(tx, "trace_chunks")?, count(tx, "trace_spans")?, count(tx, "audit_events")?])
        });
        assert_eq!(rows.unwrap(), [2, 2, 3]);
    });
}

#[test]
fn several_traces_are_read_at_once_the_complete_ones_in_order() {
    on_both(|db| {
        prepare(db);
        ingest(db, "1", vec![span(1, 1, 0, 1, 2)]).unwrap();
        ingest(db, "2", vec![span(2, 1, 0, 1, 2)]).unwrap();
        describe(db, description(3)).unwrap();
        let ids = [trace_id(3), trace_id(2), trace_id(9), trace_id(1), trace_id(2)];
        let ask = move |tx: &mut flyball_store::Tx<'_>| {
            let permit = permit().read();
            let all = read::traces(tx, &permit, &ids, None)?;
            let some = read::traces(tx, &permit, &ids, Some(&["1".to_owned()]))?;
            Ok([all, some].map(|list| list.into_iter().map(|trace| trace.info.id).collect::<Vec<_>>()))
        };
        assert_eq!(db.read(ask).unwrap(), [vec![trace_id(2), trace_id(1)], vec![trace_id(1)]]);
    });
}

#[test]
fn links_are_made_once() {
    on_both(|db| {
        prepare(db);
        ingest(db, "1", vec![span(1, 1, 0, 1, 2)]).unwrap();
        let count = || write(db, |tx, _| Ok(tx.query("SELECT target FROM trace_links", &params![])?.len())).unwrap();
        for _ in 0..2 {
            let ids = vec![trace_id(1), "tr-none".to_owned()];
            write(db, move |tx, permit| service::link_to_run(tx, permit, &ids, "r1")).unwrap();
            let prompts = [("p".to_owned(), 2)];
            write(db, move |tx, permit| service::link_prompts(tx, permit, &trace_id(1), &prompts)).unwrap();
        }
        assert_eq!(count(), 2);
        let many = vec![trace_id(1); 101];
        let error = write(db, move |tx, permit| service::link_to_run(tx, permit, &many, "r1")).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidInput);
        let lost = write(db, |tx, permit| service::link_to_run(tx, permit, &[], "none")).unwrap_err();
        assert_eq!(lost.code(), ErrorCode::NotFound);
    });
}
