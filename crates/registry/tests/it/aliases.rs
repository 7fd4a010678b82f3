use flyball_core::ErrorCode;
use flyball_registry::{aliases, models};
use flyball_testkit::on_both;

use crate::fixture::{LATER, NOW, code, edit, look, model, version};

#[test]
fn an_alias_points_at_one_version_and_moves() {
    on_both(|db| {
        model(db, "m", &[]);
        (0..2).for_each(|_| drop(version(db, "m", &[])));
        let set = |alias: &'static str, number: i64| {
            edit(db, move |tx, permit| aliases::set(tx, permit, "m", alias, number, None, NOW))
        };
        set("best", 1).unwrap();
        set("best", 2).unwrap();
        set("also", 2).unwrap();
        let found = look(db, |tx, permit| aliases::get(tx, permit, "m", "best")).unwrap();
        assert_eq!((found.version, found.aliases), (2, vec!["also".to_owned(), "best".to_owned()]));
        assert_eq!(code(set("best", 9)), ErrorCode::NotFound);
        for reserved in ["latest", "Latest", "v1", "a b", ""] {
            assert!(set(reserved, 1).is_err(), "{reserved:?}");
        }
    });
}

#[test]
fn latest_is_the_highest_number() {
    on_both(|db| {
        model(db, "m", &[]);
        let latest = || look(db, |tx, permit| aliases::get(tx, permit, "m", "LATEST"));
        let none = latest().unwrap_err();
        assert_eq!(none.code(), ErrorCode::NotFound);
        assert!(none.message().contains("Latest version not found for model m"), "{none}");
        (0..2).for_each(|_| drop(version(db, "m", &[])));
        assert_eq!(latest().unwrap().version, 2);
    });
}

#[test]
fn a_missing_alias_is_a_mistake_and_deleting_it_is_none() {
    on_both(|db| {
        model(db, "m", &[]);
        let missing = look(db, |tx, permit| aliases::get(tx, permit, "m", "x")).unwrap_err();
        assert_eq!(missing.code(), ErrorCode::InvalidInput);
        assert!(missing.message().contains("Registered model alias x not found"), "{missing}");
        edit(db, |tx, permit| aliases::remove(tx, permit, "m", "x", None, LATER)).unwrap();
        let of_nothing = edit(db, |tx, permit| aliases::remove(tx, permit, "none", "x", None, LATER));
        assert_eq!(code(of_nothing), ErrorCode::NotFound);
        version(db, "m", &[]);
        edit(db, |tx, permit| aliases::set(tx, permit, "m", "x", 1, None, NOW)).unwrap();
        edit(db, |tx, permit| aliases::remove(tx, permit, "m", "x", None, LATER)).unwrap();
        assert!(look(db, |tx, permit| models::get(tx, permit, "m")).unwrap().aliases.is_empty());
    });
}
