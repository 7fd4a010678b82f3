//! Capture, segments, and finding a prediction again.

use flyball_core::model::Loaded;
use flyball_core::{Clock, Duration, Error, ErrorCode, Timestamp, Value, limits};
use flyball_serving::{RowRequest, Serving};
use flyball_testkit::{TestDb, on_both};

use crate::fixture::{Fixture, START};

const ALWAYS: (Timestamp, Timestamp) = (Timestamp(i64::MIN), Timestamp(i64::MAX));

fn ask(serving: &Serving, key: &str, at: Timestamp, x: i64) -> String {
    let values = [Value::Int(x), Value::Text("EWR".into())];
    let request = RowRequest { key: Some(key), at: Some(at), values: &values, version: None };
    serving.infer_row("flights", request).unwrap().prediction_id
}

#[test]
fn records_come_back_as_they_were_asked_and_answered() {
    on_both(|db| {
        let fixture = Fixture::new(db);
        let revisions = fixture.deploy("flights", &[("toy 1 2 x tailnum", 1000)]);
        let ids: Vec<String> =
            (0..10).map(|n| ask(&fixture.serving, &format!("k{n}"), START + Duration::hours(n), n)).collect();
        assert_eq!(fixture.serving.flush_and_commit().unwrap(), 10);
        assert_eq!(fixture.serving.snapshot()[0].waiting, 0);
        let serving = fixture.restarted();
        let records = serving.records("flights", START + Duration::hours(2), START + Duration::hours(5)).unwrap();
        assert_eq!(records.rows(), 3);
        let first =
            records.select(&["prediction_id", "at", "key", "revision", "x", "tailnum", "score"]).unwrap().row(0);
        let text = |text: &str| Value::Text(text.into());
        let at = Value::Time((START + Duration::hours(2)).0);
        let wanted =
            [text(&ids[2]), at, text("k2"), text(&revisions[0].id), Value::Float(2.0), text("EWR"), Value::Float(3.0)];
        assert_eq!(first, wanted);
        ask(&serving, "later", START, 1);
        let flush = serving.flush(None).unwrap();
        assert_eq!(flush.segments()[0].first_sequence, 10, "numbers go on after a restart");
    });
}

#[test]
fn a_failed_commit_keeps_the_records() {
    on_both(|db| {
        let fixture = Fixture::new(db);
        fixture.deploy("flights", &[("toy 1 2 x tailnum", 1000)]);
        for n in 0..5 {
            ask(&fixture.serving, &format!("k{n}"), START, n);
        }
        let flush = fixture.serving.flush(None).unwrap();
        let segments = flush.segments().to_vec();
        let failed: Result<(), Error> = db.write(move |tx| {
            flyball_serving::record_segments(tx, &segments)?;
            Err(Error::new(ErrorCode::Fenced, "somebody else was faster"))
        });
        assert!(failed.is_err());
        drop(flush);
        assert_eq!(fixture.serving.records("flights", ALWAYS.0, ALWAYS.1).unwrap().rows(), 0);
        ask(&fixture.serving, "k5", START, 5);
        assert_eq!(fixture.serving.flush_and_commit().unwrap(), 6);
        assert_eq!(fixture.serving.flush_and_commit().unwrap(), 0);
        assert_eq!(fixture.serving.records("flights", ALWAYS.0, ALWAYS.1).unwrap().rows(), 6);
    });
}

#[test]
fn a_flush_up_to_a_moment_leaves_later_records() {
    let db = TestDb::sqlite();
    let fixture = Fixture::new(&db);
    fixture.deploy("flights", &[("toy 1 2 x tailnum", 1000)]);
    for n in 0..6 {
        ask(&fixture.serving, &format!("k{n}"), START + Duration::hours(n), n);
    }
    let flush = fixture.serving.flush(Some(START + Duration::hours(4))).unwrap();
    assert_eq!(flush.segments().iter().map(|segment| segment.rows).sum::<usize>(), 4);
    flush.committed();
    assert_eq!(fixture.serving.snapshot()[0].waiting, 2);
    assert_eq!(fixture.serving.flush_and_commit().unwrap(), 2);
}

#[test]
fn the_same_requests_give_the_same_ids_and_bytes() {
    let play = || {
        let db = TestDb::sqlite();
        let fixture = Fixture::new(&db);
        fixture.deploy("flights", &[("toy 1 2 x tailnum", 500), ("toy 2 2 x tailnum", 500)]);
        for n in 0..50 {
            ask(&fixture.serving, &format!("k{n}"), START + Duration::hours(n), 100 + n);
        }
        fixture.serving.flush(None).unwrap().segments().to_vec()
    };
    assert_eq!(play(), play());
}

#[test]
fn a_prediction_is_found_by_its_id_with_the_model_that_made_it() {
    let db = TestDb::sqlite();
    let fixture = Fixture::new(&db);
    fixture.deploy("flights", &[("toy 1 2 x tailnum", 1000)]);
    fixture.deploy("churn", &[("toy 7 0 x", 1000)]);
    let mut ids = Vec::new();
    for day in 0..5 {
        fixture.clock.advance_to(START + Duration::days(day));
        ids.extend((0..12).map(|n| ask(&fixture.serving, &format!("{day}-{n}"), fixture.clock.now(), n)));
        let other = RowRequest { values: &[Value::Int(1)], ..RowRequest::default() };
        fixture.serving.infer_row("churn", other).unwrap();
        fixture.serving.flush_and_commit().unwrap();
    }
    let found = fixture.serving.find_record(&ids[31]).unwrap();
    assert_eq!((found.key.as_deref(), found.at, found.score), (Some("2-7"), START + Duration::days(2), Some(8.0)));
    assert_eq!(found.features[0], ("x".to_owned(), Value::Float(7.0)));
    // The revision serves no longer; its model is still there.
    fixture.deploy("flights", &[("toy 2 2 x tailnum", 1000)]);
    assert!(matches!(*fixture.serving.load(found.revision.artifact).unwrap(), Loaded::Rows(_)));
    let waiting = ask(&fixture.serving, "new", START, 1);
    assert_eq!(fixture.serving.find_record(&waiting).unwrap_err().code(), ErrorCode::NotFound);
    assert_eq!(fixture.serving.find_record("../etc/passwd").unwrap_err().code(), ErrorCode::InvalidInput);
}

#[test]
fn past_the_limit_predictions_go_on_and_the_loss_is_counted() {
    let db = TestDb::sqlite();
    let fixture = Fixture::new(&db);
    fixture.deploy("flights", &[("toy 1 2 x tailnum", 1000)]);
    for n in 0..limits::CAPTURE_QUEUE_ROWS as i64 + 100 {
        ask(&fixture.serving, "k", START, n % 10);
    }
    let snapshot = &fixture.serving.snapshot()[0];
    assert_eq!((snapshot.waiting, snapshot.dropped), (limits::CAPTURE_QUEUE_ROWS, 100));
    assert_eq!(fixture.serving.flush_and_commit().unwrap(), limits::CAPTURE_QUEUE_ROWS);
    ask(&fixture.serving, "k", START, 1);
    assert_eq!(fixture.serving.flush_and_commit().unwrap(), 1);
}
