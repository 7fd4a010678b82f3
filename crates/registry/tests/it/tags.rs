use flyball_core::ErrorCode;
use flyball_registry::{models, tags, versions};
use flyball_testkit::on_both;

use crate::fixture::{NOW, code, edit, look, model, pairs, version};

#[test]
fn tags_of_a_model_are_set_replaced_and_deleted() {
    on_both(|db| {
        model(db, "m", &[("a", "1")]);
        for (key, value) in [("a", "2"), ("b", "")] {
            edit(db, move |tx, permit| tags::set_on_model(tx, permit, "m", key, value, NOW)).unwrap();
        }
        let now = || look(db, |tx, permit| models::get(tx, permit, "m")).unwrap().tags;
        assert_eq!(now(), pairs(&[("a", "2"), ("b", "")]));
        for _ in 0..2 {
            edit(db, |tx, permit| tags::delete_on_model(tx, permit, "m", "a", NOW)).unwrap();
        }
        assert_eq!(now(), pairs(&[("b", "")]));
        let elsewhere = edit(db, |tx, permit| tags::set_on_model(tx, permit, "x", "a", "1", NOW));
        assert_eq!(code(elsewhere), ErrorCode::NotFound);
        let bad = edit(db, |tx, permit| tags::set_on_model(tx, permit, "m", "../a", "1", NOW));
        assert_eq!(code(bad), ErrorCode::InvalidInput);
    });
}

#[test]
fn tags_of_a_version_are_set_replaced_and_deleted() {
    on_both(|db| {
        model(db, "m", &[]);
        version(db, "m", &[("a", "1")]);
        version(db, "m", &[("a", "other")]);
        edit(db, |tx, permit| tags::set_on_version(tx, permit, "m", 1, ("a", "2"), NOW)).unwrap();
        let of = |number: i64| look(db, |tx, permit| versions::get(tx, permit, "m", number)).unwrap().tags;
        assert_eq!((of(1), of(2)), (pairs(&[("a", "2")]), pairs(&[("a", "other")])));
        for _ in 0..2 {
            edit(db, |tx, permit| tags::delete_on_version(tx, permit, "m", 1, "a", NOW)).unwrap();
        }
        assert_eq!((of(1), of(2)), (pairs(&[]), pairs(&[("a", "other")])));
        let elsewhere = edit(db, |tx, permit| tags::delete_on_version(tx, permit, "m", 3, "a", NOW));
        assert_eq!(code(elsewhere), ErrorCode::NotFound);
    });
}
