use flyball_core::{Digest, ErrorCode, Signature, Task};
use flyball_registry::{CHAMPION, NewPackage, Package, artifact_uri, models, packages, versions};
use flyball_testkit::on_both;
use serde_json::json;

use crate::fixture::{LATER, NOW, code, edit, look, run, told, version};

fn package(run_id: &str) -> NewPackage {
    let signature = Signature { task: Task::Regression, features: Vec::new(), classes: Vec::new() };
    let (artifact, reference) = (Digest::of(b"graph"), Digest::of(b"sample"));
    let package = Package { artifact, signature, reference, evaluation: json!({ "metrics": {} }) };
    NewPackage { model: "flights".into(), run_id: run_id.into(), output: "model", package }
}

#[test]
fn a_training_registers_a_version_that_both_worlds_see() {
    on_both(|db| {
        run(db, "r1");
        let register = |new: NewPackage| edit(db, move |tx, permit| packages::register(tx, permit, &new, NOW)).unwrap();
        assert_eq!(register(package("r1")), 1);
        assert_eq!(register(package("r1")), 1, "a run makes one version of a model");
        assert_eq!(register(package("r2")), 2);
        assert_eq!(register(NewPackage { model: "flights.fallback".into(), output: "fallback", ..package("r1") }), 1);
        let packaged = look(db, |tx, permit| packages::get(tx, permit, "flights", 1)).unwrap();
        assert_eq!((packaged.artifact, packaged.run_id.as_str()), (Digest::of(b"graph"), "r1"));
        let seen = look(db, |tx, permit| versions::get(tx, permit, "flights", 1)).unwrap();
        assert_eq!((seen.source.as_str(), seen.run_id.as_str()), ("runs:/r1/model", "r1"));
        let place = look(db, |tx, permit| artifact_uri(tx, permit, "flights", 1)).unwrap();
        assert_eq!(place, "mlflow-artifacts:/1/r1/artifacts/model");
        let lost = look(db, |tx, permit| artifact_uri(tx, permit, "flights", 2));
        assert_eq!(code(lost), ErrorCode::NotFound, "its run is nowhere");
        let newest = look(db, |tx, permit| packages::list(tx, permit, "flights", 9)).unwrap();
        assert_eq!(newest.iter().map(|v| v.version).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(told(db)[0], ("model.create".into(), "model/flights".into()));
    });
}

#[test]
fn an_alias_counts_for_loops_only_where_there_is_a_package() {
    on_both(|db| {
        edit(db, |tx, permit| packages::register(tx, permit, &package("r1"), NOW)).unwrap();
        version(db, "flights", &[]);
        let set = |number: i64| {
            edit(db, move |tx, permit| packages::set_alias(tx, permit, "flights", CHAMPION, number, "why", LATER))
        };
        let champion = || look(db, |tx, permit| packages::by_alias(tx, permit, "flights", CHAMPION)).unwrap();
        assert!(champion().is_none());
        set(1).unwrap();
        let found = champion().unwrap();
        assert_eq!((found.version, found.aliases), (1, vec![CHAMPION.to_owned()]));
        set(2).unwrap();
        assert_eq!(champion().unwrap().version, 1, "only a version with a package gets it");
        assert!(look(db, |tx, permit| packages::find(tx, permit, "flights", 2)).unwrap().is_none());
        assert_eq!(code(look(db, |tx, permit| packages::get(tx, permit, "flights", 2))), ErrorCode::NotFound);
    });
}

#[test]
fn loops_go_on_when_somebody_deletes_what_they_registered() {
    on_both(|db| {
        edit(db, |tx, permit| packages::register(tx, permit, &package("r1"), NOW)).unwrap();
        edit(db, |tx, permit| packages::set_alias(tx, permit, "flights", CHAMPION, 1, "why", NOW)).unwrap();
        edit(db, |tx, permit| versions::delete(tx, permit, "flights", 1, LATER)).unwrap();
        edit(db, |tx, permit| packages::set_alias(tx, permit, "flights", CHAMPION, 1, "why", LATER)).unwrap();
        assert!(look(db, |tx, permit| packages::by_alias(tx, permit, "flights", CHAMPION)).unwrap().is_none());
        edit(db, |tx, permit| models::delete(tx, permit, "flights", LATER)).unwrap();
        edit(db, |tx, permit| packages::remove_alias(tx, permit, "flights", CHAMPION, "why", LATER)).unwrap();
        let again = edit(db, |tx, permit| packages::register(tx, permit, &package("r1"), LATER)).unwrap();
        assert_eq!(again, 1);
    });
}
