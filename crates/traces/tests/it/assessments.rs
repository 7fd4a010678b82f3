//! Judgements of traces.

use flyball_core::{ErrorCode, Timestamp};
use flyball_store::Db;
use flyball_testkit::on_both;
use flyball_traces::assessments::{self, Assessment, Changes, Judgement, SourceType};
use serde_json::{Value, json};

use crate::fixture::{NOW, info, ingest, permit, prepare, span, trace_id, write};

fn assessment(judgement: Judgement) -> Assessment {
    Assessment {
        id: String::new(),
        name: "ok".to_owned(),
        judgement,
        source_type: SourceType::Human,
        source_id: "me".to_owned(),
        span_id: None,
        rationale: Some("why".to_owned()),
        metadata: [("a".to_owned(), "1".to_owned())].into(),
        overrides: None,
        valid: false,
        created_at: Timestamp(5),
        updated_at: Timestamp(0),
    }
}

fn feedback(value: Value) -> Assessment {
    assessment(Judgement::Feedback { value, error: None })
}

fn create(db: &Db, new: Assessment) -> flyball_core::Result<Assessment> {
    write(db, move |tx, permit| assessments::create(tx, permit, &trace_id(1), new.clone(), NOW))
}

fn update(db: &Db, id: &str, changes: Changes) -> flyball_core::Result<Assessment> {
    let id = id.to_owned();
    write(db, move |tx, permit| assessments::update(tx, permit, &trace_id(1), &id, changes.clone(), NOW))
}

#[test]
fn assessments_come_back_as_they_were_given() {
    on_both(|db| {
        prepare(db);
        ingest(db, "1", vec![span(1, 1, 0, 1, 2)]).unwrap();
        let given = [
            feedback(json!({"a": [1, 2.5, null, "é"]})),
            assessment(Judgement::Feedback { value: Value::Null, error: Some(json!({"error_code": "X"})) }),
            assessment(Judgement::Expectation(json!("plain"))),
            assessment(Judgement::Issue("slow".to_owned())),
        ];
        let made: Vec<Assessment> = given.iter().map(|new| create(db, new.clone()).unwrap()).collect();
        for (given, made) in given.iter().zip(&made) {
            assert_eq!((&made.judgement, made.valid), (&given.judgement, true));
            assert!(made.id.starts_with("a-") && made.id.len() == 34, "{}", made.id);
            assert_eq!((made.created_at, made.updated_at), (Timestamp(5), NOW));
            let id = made.id.clone();
            let read = db.read(move |tx| assessments::get(tx, &permit().read(), &trace_id(1), &id)).unwrap();
            assert_eq!(&read, made);
        }
        assert_eq!(info(db, &trace_id(1)).unwrap().assessments.len(), 4);
    });
}

#[test]
fn an_override_holds_until_it_is_deleted() {
    on_both(|db| {
        prepare(db);
        ingest(db, "1", vec![span(1, 1, 0, 1, 2)]).unwrap();
        let first = create(db, feedback(json!(true))).unwrap();
        let second = create(db, Assessment { overrides: Some(first.id.clone()), ..feedback(json!(false)) }).unwrap();
        let valid = || info(db, &trace_id(1)).unwrap().assessments.iter().find(|a| a.id == first.id).unwrap().valid;
        assert!(!valid());
        for _ in 0..2 {
            let id = second.id.clone();
            write(db, move |tx, permit| assessments::delete(tx, permit, &trace_id(1), &id)).unwrap();
        }
        assert!(valid());
        let lost = create(db, Assessment { overrides: Some("a-none".to_owned()), ..feedback(json!(1)) }).unwrap_err();
        assert_eq!(lost.code(), ErrorCode::NotFound);
        assert_eq!(create(db, feedback(json!(1))).unwrap().name, "ok", "a failed one leaves nothing behind");
    });
}

#[test]
fn changes_touch_what_they_name_and_never_the_kind() {
    on_both(|db| {
        prepare(db);
        ingest(db, "1", vec![span(1, 1, 0, 1, 2)]).unwrap();
        let made = create(db, feedback(json!(1))).unwrap();
        let metadata = [("b".to_owned(), "2".to_owned())].into();
        let changed = update(db, &made.id, Changes { metadata, ..Changes::default() }).unwrap();
        assert_eq!(
            (changed.metadata.len(), &changed.judgement, changed.rationale.as_deref()),
            (2, &made.judgement, Some("why"))
        );
        let judgement = Some(Judgement::Feedback { value: json!("better"), error: None });
        let changes = Changes {
            name: Some("new".to_owned()),
            judgement: judgement.clone(),
            rationale: Some("r".to_owned()),
            ..Changes::default()
        };
        let changed = update(db, &made.id, changes).unwrap();
        assert_eq!(
            (changed.name.as_str(), Some(changed.judgement), changed.rationale.as_deref()),
            ("new", judgement, Some("r"))
        );
        assert_eq!((changed.created_at, changed.updated_at), (made.created_at, NOW));
        let other = Changes { judgement: Some(Judgement::Expectation(json!(1))), ..Changes::default() };
        assert!(update(db, &made.id, other).unwrap_err().message().starts_with("Cannot update expectation value"));
        assert_eq!(update(db, "a-none", Changes::default()).unwrap_err().code(), ErrorCode::NotFound);
    });
}

#[test]
fn oversized_assessments_are_refused() {
    on_both(|db| {
        prepare(db);
        ingest(db, "1", vec![span(1, 1, 0, 1, 2)]).unwrap();
        let large = "x".repeat(300_000);
        for bad in [
            feedback(json!(large)),
            Assessment { rationale: Some(large.clone()), ..feedback(json!(1)) },
            Assessment { name: "n".repeat(251), ..feedback(json!(1)) },
        ] {
            assert_eq!(create(db, bad).unwrap_err().code(), ErrorCode::InvalidInput);
        }
        let nul = Assessment { rationale: Some("a\0b".to_owned()), ..feedback(json!("a\0b")) };
        assert_eq!(create(db, nul).unwrap().rationale.as_deref(), Some("a\u{fffd}b"));
    });
}
