use flyball_core::ErrorCode;
use flyball_testkit::on_both;
use flyball_tracking::{Lifecycle, NewExperiment, Pair, experiments};

use crate::fixture::{NOW, code, edit, editor, experiment, pairs, reader, run, stored};

#[test]
fn numbers_count_up_from_the_default_experiment() {
    on_both(|db| {
        for _ in 0..2 {
            edit(db, |tx, permit| experiments::ensure_default(tx, permit, NOW)).unwrap();
        }
        assert_eq!((experiment(db, "a"), experiment(db, "b")), (1, 2));
        let found = db.read(|tx| experiments::load(tx, &reader(), &[2, 0, 9, 1])).unwrap();
        let told: Vec<_> =
            found.iter().map(|one| (one.id, one.name.as_str(), one.artifact_location.as_str())).collect();
        assert_eq!(
            told,
            [(2, "b", "mlflow-artifacts:/2"), (0, "Default", "mlflow-artifacts:/0"), (1, "a", "mlflow-artifacts:/1")]
        );
    });
}

#[test]
fn a_name_is_taken_also_by_a_deleted_experiment() {
    on_both(|db| {
        let id = experiment(db, "x");
        edit(db, move |tx, permit| experiments::delete(tx, permit, id, NOW)).unwrap();
        let again = NewExperiment { name: "x".into(), ..NewExperiment::default() };
        assert_eq!(
            code(edit(db, move |tx, permit| experiments::create(tx, permit, &again, NOW))),
            ErrorCode::AlreadyExists
        );
        let other = experiment(db, "y");
        assert_eq!(
            code(edit(db, move |tx, permit| experiments::rename(tx, permit, other, "x", NOW))),
            ErrorCode::AlreadyExists
        );
        assert_eq!(
            code(edit(db, move |tx, permit| experiments::rename(tx, permit, id, "z", NOW))),
            ErrorCode::Conflict
        );
    });
}

#[test]
fn deleting_and_restoring_take_the_runs_along() {
    on_both(|db| {
        let id = experiment(db, "x");
        run(db, id, "r1");
        edit(db, move |tx, permit| experiments::delete(tx, permit, id, NOW)).unwrap();
        assert_eq!(stored(db, "r1").lifecycle, Lifecycle::Deleted);
        assert_eq!(code(edit(db, move |tx, permit| experiments::delete(tx, permit, id, NOW))), ErrorCode::NotFound);
        let tag = Pair::new("a", "b");
        assert_eq!(code(edit(db, move |tx, permit| experiments::set_tag(tx, permit, id, &tag))), ErrorCode::Conflict);
        edit(db, move |tx, permit| experiments::restore(tx, permit, id, NOW)).unwrap();
        assert_eq!(stored(db, "r1").lifecycle, Lifecycle::Active);
        assert_eq!(code(edit(db, move |tx, permit| experiments::restore(tx, permit, id, NOW))), ErrorCode::NotFound);
    });
}

#[test]
fn tags_are_replaced_and_removed() {
    on_both(|db| {
        let new =
            NewExperiment { name: "x".into(), tags: pairs(&[("b", "1"), ("a", ""), ("b", "2")]), ..Default::default() };
        let id = edit(db, move |tx, permit| experiments::create(tx, permit, &new, NOW)).unwrap();
        let tags = || db.read(|tx| experiments::get(tx, &editor(), id)).unwrap().tags;
        assert_eq!(tags(), pairs(&[("a", ""), ("b", "2")]));
        edit(db, move |tx, permit| experiments::delete_tag(tx, permit, id, "a")).unwrap();
        assert_eq!(code(edit(db, move |tx, permit| experiments::delete_tag(tx, permit, id, "a"))), ErrorCode::NotFound);
        assert_eq!(tags(), pairs(&[("b", "2")]));
    });
}

#[test]
fn a_client_cannot_name_a_place_outside_of_the_store() {
    on_both(|db| {
        for location in [
            "/etc",
            "file:///etc",
            "s3://bucket/x",
            "http:///#/../../etc/",
            "mlflow-artifacts://host/x",
            "mlflow-artifacts:/../x",
            "mlflow-artifacts:/a/..%2f..",
            "mlflow-artifacts:/",
            "runs:/x",
            "a%3f/../../..",
            "x;/../",
        ] {
            let new =
                NewExperiment { name: "x".into(), artifact_location: Some(location.into()), ..Default::default() };
            let outcome = edit(db, move |tx, permit| experiments::create(tx, permit, &new, NOW));
            assert_eq!(code(outcome), ErrorCode::InvalidInput, "{location}");
        }
        let own = NewExperiment {
            name: "x".into(),
            artifact_location: Some("mlflow-artifacts:/team/x".into()),
            ..Default::default()
        };
        let id = edit(db, move |tx, permit| experiments::create(tx, permit, &own, NOW)).unwrap();
        assert_eq!(run(db, id, "r1").artifact_uri, "mlflow-artifacts:/team/x/r1/artifacts");
    });
}
