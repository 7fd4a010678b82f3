//! Models in memory: tensors in and out, the shadow, and what makes room for whom.

use flyball_core::{Clock, Duration, ErrorCode, Table, Timestamp, Value};
use flyball_serving::settings::{Capture, ColumnRule, Settings};
use flyball_serving::store::{set_settings, set_traffic};
use flyball_serving::{RowRequest, Share, TensorRequest, record_columns as columns, shadow};

use flyball_testkit::TestDb;

use crate::fixture::{Fixture, fractions, name, permit};

fn fixture() -> (TestDb, Fixture) {
    let db = TestDb::sqlite();
    let fixture = Fixture::new(&db);
    (db, fixture)
}

fn pass(fixture: &Fixture, time: Duration) {
    fixture.clock.advance_to(fixture.clock.now() + time);
}

fn records(fixture: &Fixture, endpoint: &str) -> Table {
    fixture.serving.records(endpoint, Timestamp(i64::MIN), Timestamp(i64::MAX)).unwrap()
}

fn ask(fixture: &Fixture, endpoint: &str, value: f64) -> flyball_core::Result<f64> {
    let inputs = [fractions("x", &[value])];
    let request = TensorRequest { inputs: &inputs, wanted: None, keys: None, at: None, version: None };
    let answer = fixture.serving.endpoint(endpoint)?.infer_tensors(request)?;
    Ok(answer.outputs[0].number(0))
}

fn configure(fixture: &Fixture, endpoint: &str, settings: Settings) {
    let (endpoint, now) = (name(endpoint), fixture.clock.now());
    fixture.db.write(move |tx| set_settings(tx, &permit(), &endpoint, &settings, now)).unwrap();
    fixture.serving.refresh().unwrap();
}

#[test]
fn tensors_are_checked_answered_and_recorded() {
    let (_db, fixture) = fixture();
    fixture.deploy("double", &[("doubler 2", 1000)]);
    assert_eq!(ask(&fixture, "double", 4.0).unwrap(), 8.0);
    assert_eq!(ask(&fixture, "double", 13.0).unwrap_err().message(), "thirteen");
    let inputs = [fractions("z", &[1.0])];
    let request = TensorRequest { inputs: &inputs, wanted: None, keys: None, at: None, version: None };
    let refused = fixture.serving.endpoint("double").unwrap().infer_tensors(request).unwrap_err();
    assert!(refused.message().contains("'x' is missing"), "{refused}");
    let rows =
        fixture.serving.infer_row("double", RowRequest { values: &[Value::Float(1.0)], ..RowRequest::default() });
    assert_eq!(rows.unwrap_err().code(), ErrorCode::InvalidInput);
    let keys = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
    let inputs = [fractions("x", &[1.0, 2.0, 3.0])];
    let request = TensorRequest { inputs: &inputs, wanted: None, keys: Some(&keys), at: None, version: None };
    let answer = fixture.serving.endpoint("double").unwrap().infer_tensors(request).unwrap();
    assert_eq!(answer.prediction_ids.len(), 3);
    fixture.serving.flush_and_commit().unwrap();
    let kept = records(&fixture, "double");
    assert_eq!(kept.rows(), 5);
    assert_eq!(kept.column("x").unwrap().value(4), Value::Float(3.0));
    assert_eq!(kept.column(columns::SCORE).unwrap().value(4), Value::Float(6.0));
    assert_eq!(kept.column(columns::ANSWER).unwrap().value(4).text().as_deref(), Some("6"));
    assert_eq!(kept.column(columns::KEY).unwrap().value(3).text().as_deref(), Some("b"));
    let failed = kept.column(columns::ERROR).unwrap();
    assert_eq!(failed.value(1).text().as_deref(), Some("thirteen"));
    let found = fixture.serving.find_record(&answer.prediction_ids[2]).unwrap();
    assert_eq!((found.answer.as_deref(), found.features.len()), (Some("6"), 1));
}

#[test]
fn models_make_room_for_each_other_and_one_model_is_there_once() {
    let (_db, fixture) = fixture();
    for endpoint in ["one", "two", "three"] {
        fixture.deploy(endpoint, &[(&format!("doubler {}", endpoint.len()), 1000)]);
    }
    fixture.deploy("twin", &[("doubler 3", 1000)]);
    assert_eq!(fixture.serving.memory().models, 0, "tensors are loaded when they are asked");
    assert_eq!(ask(&fixture, "one", 1.0).unwrap(), 3.0);
    assert_eq!(ask(&fixture, "twin", 1.0).unwrap(), 3.0);
    assert_eq!((fixture.serving.memory().models, fixture.serving.memory().loads), (1, 1), "the same model");
    fixture.serving.set_memory_budget(8_000);
    pass(&fixture, Duration::seconds(10));
    assert_eq!(ask(&fixture, "three", 1.0).unwrap(), 5.0);
    let memory = fixture.serving.memory();
    assert_eq!((memory.models, memory.bytes, memory.evictions), (1, 5_000, 1), "{memory:?}");
    pass(&fixture, Duration::seconds(10));
    assert_eq!(ask(&fixture, "one", 2.0).unwrap(), 6.0, "it comes back");
    configure(&fixture, "one", Settings { pinned: true, ..Settings::default() });
    pass(&fixture, Duration::seconds(10));
    assert_eq!(ask(&fixture, "three", 1.0).unwrap(), 5.0);
    fixture.serving.warm();
    let loaded = |name: &str| fixture.serving.endpoint(name).unwrap().snapshot().revisions[0].loaded;
    assert!(loaded("one"), "a pinned model stays");
}

#[test]
fn the_shadow_is_compared_and_never_answers() {
    let (_db, fixture) = fixture();
    let revisions = fixture.deploy("x", &[("doubler 2", 1000), ("doubler 4", 0)]);
    let mut shares: Vec<Share> =
        vec![Share::new(revisions[0].id.clone(), 1000), Share::new(revisions[1].id.clone(), 0)];
    shares[1].mirror_per_mille = 1000;
    let now = fixture.clock.now();
    fixture.db.write(move |tx| set_traffic(tx, &permit(), &name("x"), &shares, now)).unwrap();
    fixture.serving.refresh().unwrap();
    for value in [1.0, 0.0, 5.0] {
        assert_eq!(ask(&fixture, "x", value).unwrap(), value * 2.0);
    }
    let id = revisions[1].id.clone();
    let agreement = || {
        fixture.serving.flush_comparisons().unwrap();
        fixture.db.read(|tx| shadow::agreement(tx, "x", &id, now)).unwrap()
    };
    let mut found = agreement();
    for _ in 0..500 {
        if found.compared == 3 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
        found = agreement();
    }
    assert_eq!((found.compared, found.disagreed, found.difference), (3, 2, 12.0), "{found:?}");
    fixture.serving.flush_and_commit().unwrap();
    assert_eq!(records(&fixture, "x").rows(), 3, "the shadow leaves no records");
}

#[test]
fn records_are_sampled_masked_and_forgotten_as_configured() {
    let (_db, fixture) = fixture();
    fixture.deploy("t", &[("toy 0 0 a tb", 1000)]);
    let capture = Capture { share: 1.0, mask: vec!["tb".into()], retention_days: Some(1) };
    configure(&fixture, "t", Settings { capture, ..Settings::default() });
    let values = [Value::Float(1.0), Value::Text("secret".into())];
    let send = || fixture.serving.infer_row("t", RowRequest { values: &values, ..RowRequest::default() }).unwrap();
    let answer = send();
    fixture.serving.flush_and_commit().unwrap();
    let kept = records(&fixture, "t");
    assert!(kept.position("tb").is_none() && kept.position("a").is_some());
    let found = fixture.serving.find_record(&answer.prediction_id).unwrap();
    assert_eq!(found.features.len(), 1, "what is masked is not there");
    pass(&fixture, Duration::days(3));
    assert_eq!(fixture.serving.expire().unwrap(), 1);
    assert_eq!(records(&fixture, "t").rows(), 0);
    let none = Capture { share: 0.0, ..Capture::default() };
    configure(&fixture, "t", Settings { capture: none, ..Settings::default() });
    send();
    assert_eq!(fixture.serving.flush_and_commit().unwrap(), 0);
    let tenth = Capture { share: 0.1, ..Capture::default() };
    configure(&fixture, "t", Settings { capture: tenth, ..Settings::default() });
    (0..1000).for_each(|_| drop(send()));
    let kept = fixture.serving.flush_and_commit().unwrap();
    assert!((80..=120).contains(&kept), "{kept}");
}

#[test]
fn rules_of_columns_are_enforced_on_every_path() {
    let (_db, fixture) = fixture();
    fixture.deploy("t", &[("toy 0 0 a", 1000)]);
    let rule = ColumnRule { min: Some(0.0), max: Some(10.0), ..ColumnRule::default() };
    let columns = [("a".to_owned(), rule)].into_iter().collect();
    configure(&fixture, "t", Settings { columns, ..Settings::default() });
    let send = |value: f64| {
        let values = [Value::Float(value)];
        fixture.serving.infer_row("t", RowRequest { values: &values, ..RowRequest::default() })
    };
    assert!(send(5.0).is_ok());
    assert!(send(11.0).unwrap_err().message().contains("out of range"));
}
