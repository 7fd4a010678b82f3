//! Evaluation datasets and scorers.

use flyball_core::{ErrorCode, Timestamp};
use flyball_store::Db;
use flyball_testkit::on_both;
use flyball_traces::datasets::{self, Dataset, DatasetSearch};
use flyball_traces::scorers;
use serde_json::{Value, json};

use crate::fixture::{NOW, permit, prepare, write};

fn create(db: &Db, name: &str, tags: &Value, at: i64) -> Dataset {
    let (name, tags) = (name.to_owned(), tags.as_object().unwrap().clone());
    let make = move |tx: &mut flyball_store::Tx<'_>, permit: &flyball_core::Permit<flyball_core::Edit>| {
        datasets::create(tx, permit, &name, &tags, &["1".to_owned()], Timestamp(at))
    };
    write(db, make).unwrap()
}

fn upsert(db: &Db, id: &str, records: Value) -> flyball_core::Result<(u64, u64)> {
    let id = id.to_owned();
    write(db, move |tx, permit| datasets::upsert_records(tx, permit, &id, records.as_array().unwrap(), NOW))
}

fn get(db: &Db, id: &str) -> flyball_core::Result<Dataset> {
    let id = id.to_owned();
    db.read(move |tx| datasets::get(tx, &permit().read(), &id))
}

#[test]
fn records_with_the_same_inputs_are_one() {
    on_both(|db| {
        prepare(db);
        let made = create(db, "d", &json!({"mlflow.user": "me", "n": 5, "none": null}), 1);
        assert!(made.id.starts_with("d-") && made.id.len() == 34 && made.digest.len() == 8, "{made:?}");
        assert_eq!((made.created_by.as_deref(), made.tags["n"].as_str(), made.tags.len()), (Some("me"), "5", 2));
        let first = json!([
            {"inputs": {"a": 1, "b": {"y": 1, "x": 2}}, "outputs": "o", "expectations": {"e": 1}, "tags": {"t": "1"}},
            {"inputs": {"a": 2}, "source": {"source_type": "trace", "source_data": {"trace_id": "tr-1"}}},
        ]);
        assert_eq!(upsert(db, &made.id, first).unwrap(), (2, 0));
        let second = json!([
            {"inputs": {"b": {"x": 2, "y": 1}, "a": 1}, "outputs": null, "expectations": {"f": 2}, "tags": {"mlflow.user": "you"}},
            {"inputs": {"a": 3}},
        ]);
        assert_eq!(upsert(db, &made.id, second).unwrap(), (1, 1));
        let now = get(db, &made.id).unwrap();
        assert_eq!((now.records, now.updated_by.as_deref(), now.digest != made.digest), (3, Some("you"), true));
        assert_eq!(now.schema.unwrap()["inputs"], json!({"a": "integer", "b": "object"}));
        let id = made.id.clone();
        let page = move |most: usize, token: Option<String>| {
            let id = id.clone();
            db.read(move |tx| datasets::records_page(tx, &permit().read(), &id, most, token.as_deref())).unwrap()
        };
        let (start, token) = page(2, None);
        let (rest, end) = page(2, token);
        assert_eq!((start.len(), rest.len(), end), (2, 1, None));
        let known = &start[0].content;
        assert_eq!((&known["expectations"], &known["outputs"]), (&json!({"e": 1, "f": 2}), &Value::Null));
        assert_eq!(
            (&start[1].content["source"]["source_type"], &start[1].content["outputs"]),
            (&json!("TRACE"), &json!({}))
        );
        let (id, gone) = (made.id.clone(), vec![start[0].id.clone(), "dr-none".to_owned()]);
        assert_eq!(write(db, move |tx, permit| datasets::delete_records(tx, permit, &id, &gone, NOW)).unwrap(), 1);
        assert_eq!(get(db, &made.id).unwrap().records, 2);
    });
}

#[test]
fn records_that_are_none_change_nothing() {
    on_both(|db| {
        prepare(db);
        let made = create(db, "d", &json!({}), 1);
        let source = json!({"source_type": "ELSEWHERE"});
        for bad in [
            json!([5]),
            json!([{"inputs": 5}]),
            json!([{"inputs": {}}, {"inputs": {"a": 1}, "tags": []}]),
            json!([{"inputs": {}, "source": source}]),
            json!([{"inputs": {"a": "x".repeat(2_000_000)}}]),
        ] {
            assert!(upsert(db, &made.id, bad).is_err());
        }
        assert_eq!(get(db, &made.id).unwrap(), made);
        assert_eq!(upsert(db, "d-none", json!([])).unwrap_err().code(), ErrorCode::NotFound);
        for token in ["x", "MQ==", "eDp5"] {
            let id = made.id.clone();
            let page = db.read(move |tx| datasets::records_page(tx, &permit().read(), &id, 5, Some(token)));
            assert_eq!(page.unwrap_err().code(), ErrorCode::InvalidInput, "{token}");
        }
    });
}

#[test]
fn datasets_are_found_tagged_linked_and_deleted() {
    on_both(|db| {
        prepare(db);
        let ids: Vec<String> = [("alpha", 1), ("beta", 2), ("beta", 3)]
            .map(|(name, at)| create(db, name, &json!({"at": at}), at).id)
            .into();
        let find = |filter: &str, order: &str| {
            let search = DatasetSearch {
                experiments: vec!["1".to_owned()],
                filter: filter.to_owned(),
                order_by: Some(order.to_owned()).filter(|order| !order.is_empty()).into_iter().collect(),
                max_results: 2,
                page_token: None,
            };
            let (found, token) = db.read(move |tx| datasets::search(tx, &permit().read(), &search)).unwrap();
            let place = |found: &Dataset| ids.iter().position(|id| *id == found.id).unwrap();
            (found.iter().map(place).collect::<Vec<_>>(), token.is_some())
        };
        assert_eq!(find("", ""), (vec![2, 1], true));
        assert_eq!(find("", "created_time ASC"), (vec![0, 1], true));
        assert_eq!(find("name = 'beta' AND created_time > 2", ""), (vec![2], false));
        assert_eq!(find("tags.at = '1'", ""), (vec![0], false));
        let (mut both, more) = find("name LIKE 'be%'", "name DESC");
        both.sort_unstable();
        assert_eq!((both, more), (vec![1, 2], false), "ids break ties");
        let id = ids[0].clone();
        let experiments = write(db, move |tx, permit| {
            datasets::add_to(tx, permit, &id, &["2".to_owned(), "1".to_owned()], NOW)?;
            datasets::remove_from(tx, permit, &id, &["1".to_owned(), "9".to_owned()], NOW)?;
            datasets::set_tags(tx, permit, &id, json!({"k": true, "at": null}).as_object().unwrap())?;
            datasets::delete_tag(tx, permit, &id, "at")?;
            datasets::delete_tag(tx, permit, "d-none", "at")?;
            datasets::experiments_of(tx, &permit.read(), &id)
        });
        assert_eq!(experiments.unwrap(), [2]);
        assert_eq!(get(db, &ids[0]).unwrap().tags, [("k".to_owned(), "true".to_owned())].into());
        let id = ids[0].clone();
        let lost = write(db, move |tx, permit| datasets::add_to(tx, permit, &id, &["9".to_owned()], NOW));
        assert_eq!(lost.unwrap_err().code(), ErrorCode::NotFound);
        let id = ids[0].clone();
        for _ in 0..2 {
            let id = id.clone();
            write(db, move |tx, permit| datasets::delete(tx, permit, &id, NOW)).unwrap();
        }
        assert_eq!(get(db, &id).unwrap_err().code(), ErrorCode::NotFound);
    });
}

#[test]
fn scorers_have_versions_and_never_hold_code() {
    on_both(|db| {
        prepare(db);
        let register = |experiment: &'static str, name: &'static str, content: &'static str| {
            write(db, move |tx, permit| scorers::register(tx, permit, experiment, name, content, NOW))
        };
        let first = register("1", "judge", r#"{"instructions": "be fair"}"#).unwrap();
        let second = register("1", "judge", r#"{"instructions": "be fairer"}"#).unwrap();
        register("2", "other", "{}").unwrap();
        assert_eq!((first.version, second.version, &first.id), (1, 2, &second.id));
        for (experiment, name, content) in [
            ("1", " ", "{}"),
            ("1", "a", "{"),
            ("1", "a", "[]"),
            ("1", "a", r#"{"x": [{"call_source": "import os"}]}"#),
            ("9", "a", "{}"),
            ("3", "a", "{}"),
        ] {
            assert!(register(experiment, name, content).is_err(), "{experiment} {name} {content}");
        }
        let list = |experiments: Option<Vec<&'static str>>| {
            let experiments = experiments.map(|ids| ids.into_iter().map(str::to_owned).collect::<Vec<_>>());
            let found = db.read(move |tx| scorers::list(tx, &permit().read(), experiments.as_deref())).unwrap();
            found.into_iter().map(|scorer| (scorer.name, scorer.version)).collect::<Vec<_>>()
        };
        let (judge, other) = (("judge".to_owned(), 2), ("other".to_owned(), 1));
        assert_eq!(list(None), [judge.clone(), other]);
        assert_eq!(list(Some(vec!["1", "3"])), [judge]);
        let get = |version| db.read(move |tx| scorers::get(tx, &permit().read(), "1", "judge", version));
        assert_eq!((get(None).unwrap().version, get(Some(1)).unwrap().version), (2, 1));
        assert_eq!(get(Some(3)).unwrap_err().code(), ErrorCode::NotFound);
        let delete = |version| write(db, move |tx, permit| scorers::delete(tx, permit, "1", "judge", version, NOW));
        delete(Some(1)).unwrap();
        let versions = db.read(|tx| scorers::versions(tx, &permit().read(), "1", "judge")).unwrap();
        assert_eq!(versions.len(), 1);
        delete(None).unwrap();
        assert_eq!(delete(None).unwrap_err().code(), ErrorCode::NotFound);
    });
}
