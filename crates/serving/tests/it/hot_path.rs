//! Routing, contracts, counters and swaps under load.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use flyball_core::{Column, ErrorCode, Kind, Table, Value, limits};
use flyball_serving::{RowRequest, Serving, TableRequest};
use flyball_testkit::TestDb;

use crate::fixture::Fixture;

fn ask(
    serving: &Serving,
    endpoint: &str,
    key: &str,
    values: &[Value],
) -> flyball_core::Result<flyball_serving::Answer> {
    serving.infer_row(endpoint, RowRequest { key: Some(key), values, ..RowRequest::default() })
}

#[test]
fn traffic_follows_the_split_and_keys_stay() {
    let db = TestDb::sqlite();
    let fixture = Fixture::new(&db);
    fixture.deploy("flights", &[("toy 1 0 x", 900), ("toy 2 0 x", 100)]);
    let values = [Value::Int(0)];
    let route = |key: usize| ask(&fixture.serving, "flights", &key.to_string(), &values).unwrap().revision.version;
    let mut counts = BTreeMap::new();
    for key in 0..100_000 {
        *counts.entry(route(key)).or_insert(0) += 1;
    }
    assert!((89_000..91_000).contains(&counts[&1]), "{counts:?}");
    let canary: Vec<usize> = (0..2_000).filter(|&key| route(key) == 2).collect();
    fixture.deploy("flights", &[("toy 1 0 x", 500), ("toy 2 0 x", 500)]);
    assert!(canary.iter().all(|&key| route(key) == 2));
}

#[test]
fn a_swap_under_eight_threads_loses_nothing() {
    let db = TestDb::sqlite();
    let fixture = Fixture::new(&db);
    fixture.deploy("flights", &[("toy 1 0 x", 1000)]);
    let (threads, requests) = (8, 1_000);
    let running = AtomicUsize::new(threads);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (fixture, running) = (&fixture, &running);
            scope.spawn(move || {
                for count in 0..requests {
                    let key = format!("{thread}-{count}");
                    let answer = ask(&fixture.serving, "flights", &key, &[Value::Int(10)]).unwrap();
                    assert_eq!(answer.scores, [10.0 + answer.revision.version as f64]);
                    std::thread::yield_now();
                }
                running.fetch_sub(1, Ordering::Relaxed);
            });
        }
        for turn in [true, false].into_iter().cycle() {
            let toys: &[(&str, u16)] =
                if turn { &[("toy 1 0 x", 500), ("toy 2 0 x", 500)] } else { &[("toy 1 0 x", 1000)] };
            fixture.deploy("flights", toys);
            fixture.serving.flush_and_commit().unwrap();
            if running.load(Ordering::Relaxed) == 0 {
                break;
            }
        }
    });
    fixture.serving.flush_and_commit().unwrap();
    let snapshot = &fixture.serving.snapshot()[0];
    let all =
        fixture.serving.records("flights", flyball_core::Timestamp(0), flyball_core::Timestamp(i64::MAX)).unwrap();
    assert_eq!((all.rows(), snapshot.dropped), (threads * requests, 0));
    let mut numbers = match all.column("sequence").unwrap() {
        Column::Int(numbers) => numbers.clone(),
        other => panic!("{other:?}"),
    };
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), all.rows(), "no record is written twice");
}

#[test]
fn hostile_rows_are_refused_by_name_and_never_reach_the_model() {
    let db = TestDb::sqlite();
    let fixture = Fixture::new(&db);
    fixture.deploy("flights", &[("toy 1 2 x text", 1000)]);
    for (values, wanted) in [
        (vec![Value::Int(1)], "the column 'text' is missing"),
        (vec![Value::Text("1".into()), Value::Missing], "the column 'x' is text, the model takes a number"),
        (vec![Value::Missing; 5], "5 values"),
    ] {
        let error = ask(&fixture.serving, "flights", "k", &values).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidInput);
        assert!(error.message().contains(wanted), "{error}");
    }
    let column = |rows: usize| Column::Float(vec![1.0; rows]);
    let table = |columns: Vec<(&str, Column)>| {
        Table::new(columns.into_iter().map(|(name, column)| (name.to_owned(), column)).collect()).unwrap()
    };
    let missing = Column::from_values(Kind::Text, &[Value::Missing]).unwrap();
    let keys = ["a".to_owned(), "b".to_owned()];
    let infer = |rows: &Table, keys: Option<&[String]>| {
        fixture.serving.infer("flights", TableRequest { rows, keys, times: None, version: None })
    };
    let code = |rows: &Table, keys: Option<&[String]>| infer(rows, keys).unwrap_err().code();
    assert_eq!(code(&table(vec![]), None), ErrorCode::InvalidInput);
    assert_eq!(code(&table(vec![("x", column(1))]), None), ErrorCode::InvalidInput);
    assert_eq!(code(&table(vec![("x", column(1)), ("text", column(1))]), None), ErrorCode::InvalidInput);
    assert_eq!(code(&table(vec![("x", column(1)), ("text", missing.clone())]), Some(&keys)), ErrorCode::InvalidInput);
    assert_eq!(code(&table(vec![("x", column(limits::INFER_ROWS + 1))]), None), ErrorCode::LimitExceeded);
    assert!(infer(&table(vec![("x", column(1)), ("text", missing)]), None).is_ok());
    let snapshot = &fixture.serving.snapshot()[0];
    assert_eq!((snapshot.refused, snapshot.revisions[0].counters.requests), (8, 1));
    let unknown = ask(&fixture.serving, "flihgts", "k", &[]).unwrap_err();
    assert_eq!((unknown.code(), unknown.next_step()), (ErrorCode::NotFound, Some("did you mean flights?")));
}

#[test]
fn failing_models_are_counted_and_do_not_end_the_process() {
    let db = TestDb::sqlite();
    let fixture = Fixture::new(&db);
    fixture.deploy("flights", &[("toy 1 0 x", 1000)]);
    for bad in [13, 14, 15] {
        assert!(ask(&fixture.serving, "flights", "k", &[Value::Int(bad)]).is_err());
    }
    ask(&fixture.serving, "flights", "k", &[Value::Int(1)]).unwrap();
    let counters = &fixture.serving.snapshot()[0].revisions[0].counters;
    assert_eq!((counters.requests, counters.errors, counters.rows), (4, 3, 4));
    assert!((counters.error_rate() - 0.75).abs() < 1e-12);
    assert_eq!(counters.latency.count(), 4);
    let flush = fixture.serving.flush(None).unwrap();
    assert_eq!((flush.segments()[0].rows, flush.segments()[0].errors), (4, 3));
}

#[test]
fn rows_of_one_request_follow_their_keys_or_stay_together() {
    let db = TestDb::sqlite();
    let fixture = Fixture::new(&db);
    fixture.deploy("flights", &[("toy 1 3 x", 500), ("toy 2 3 x", 500)]);
    let rows = Table::new(vec![("x".into(), Column::Int((0..100).map(|x| x * 100).collect()))]).unwrap();
    let keys: Vec<String> = (0..100).map(|key| format!("key-{key}")).collect();
    let request = TableRequest { rows: &rows, keys: Some(&keys), times: None, version: None };
    let answers = fixture.serving.infer("flights", request).unwrap();
    assert_eq!(answers.revisions.len(), 2);
    for (row, key) in keys.iter().enumerate() {
        let revision = &answers.revisions[answers.answered_by[row] as usize];
        let alone = ask(&fixture.serving, "flights", key, &[Value::Int(row as i64 * 100)]).unwrap();
        assert_eq!((&alone.revision, alone.scores.as_slice()), (revision, &answers.scores[row * 3..row * 3 + 3]));
    }
    let together = fixture.serving.infer("flights", TableRequest { keys: None, ..request }).unwrap();
    assert_eq!(together.revisions.len(), 1);
    let asked = fixture.serving.infer("flights", TableRequest { version: Some(2), ..request }).unwrap();
    assert_eq!(asked.revisions[0].version, 2);
    let error = fixture.serving.infer("flights", TableRequest { version: Some(7), ..request }).unwrap_err();
    assert_eq!(error.next_step(), Some("these versions serve now: 1, 2"));
}

#[test]
fn revisions_with_other_columns_share_an_endpoint() {
    let db = TestDb::sqlite();
    let fixture = Fixture::new(&db);
    fixture.deploy("flights", &[("toy 1 0 x y", 500), ("toy 2 0 z x", 500)]);
    let contract = fixture.serving.endpoint("flights").unwrap().contract.clone();
    let names: Vec<_> = contract.signature.features.iter().map(|feature| feature.name.as_str()).collect();
    assert_eq!((names.as_slice(), contract.uniform), (["x", "y", "z"].as_slice(), false));
    for key in 0..50 {
        let answer =
            ask(&fixture.serving, "flights", &key.to_string(), &[10.into_value(), 20.into_value(), 30.into_value()]);
        let answer = answer.unwrap();
        let wanted = if answer.revision.version == 1 { 11.0 } else { 32.0 };
        assert_eq!(answer.scores, [wanted]);
    }
    // Only the revision that needs a column asks for it.
    let rows = Table::new(vec![("x".into(), Column::Int(vec![1])), ("y".into(), Column::Int(vec![1]))]).unwrap();
    let infer = |version| {
        fixture.serving.infer("flights", TableRequest { rows: &rows, keys: None, times: None, version: Some(version) })
    };
    assert!(infer(1).is_ok());
    assert!(infer(2).unwrap_err().message().contains("'z' is missing"));
}

trait IntoValue {
    fn into_value(self) -> Value;
}

impl IntoValue for i64 {
    fn into_value(self) -> Value {
        Value::Int(self)
    }
}
