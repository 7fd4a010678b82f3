use flyball_core::ErrorCode;
use flyball_registry::{NewModelVersion, Stage, aliases, models, versions};
use flyball_testkit::on_both;

use crate::fixture::{LATER, NOW, code, edit, look, model, pairs, prompt, run, told, version};

#[test]
fn versions_count_up_and_a_number_is_never_given_twice() {
    on_both(|db| {
        model(db, "m", &[]);
        let first = version(db, "m", &[("k", "v")]);
        assert_eq!((first.version, first.stage, first.status.as_str()), (1, Stage::None, "READY"));
        assert_eq!(first.tags, pairs(&[("k", "v")]));
        assert_eq!(look(db, |tx, permit| versions::get(tx, permit, "m", 1)).unwrap(), first);
        assert_eq!(version(db, "m", &[]).version, 2);
        for number in [2, 1] {
            edit(db, move |tx, permit| versions::delete(tx, permit, "m", number, LATER)).unwrap();
        }
        assert_eq!(version(db, "m", &[]).version, 3);
        let again = edit(db, |tx, permit| versions::delete(tx, permit, "m", 1, LATER));
        assert_eq!(code(again), ErrorCode::NotFound);
        assert_eq!(
            told(db).into_iter().map(|(action, _)| action).collect::<Vec<_>>(),
            [
                "model.create",
                "model.register",
                "model.register",
                "model.delete_version",
                "model.delete_version",
                "model.register"
            ]
        );
    });
}

#[test]
fn a_version_needs_its_model() {
    on_both(|db| {
        let new = NewModelVersion { model: "m".into(), source: "s3://b/x".into(), ..NewModelVersion::default() };
        let error = edit(db, move |tx, permit| versions::create(tx, permit, &new, NOW)).unwrap_err();
        assert_eq!(error.code(), ErrorCode::NotFound);
        let error = look(db, |tx, permit| versions::get(tx, permit, "m", 7)).unwrap_err();
        assert!(error.message().contains("Model Version (name=m, version=7) not found"), "{error}");
    });
}

#[test]
fn a_deleted_version_takes_its_aliases_and_tags_away() {
    on_both(|db| {
        model(db, "m", &[]);
        version(db, "m", &[("k", "v")]);
        version(db, "m", &[]);
        for (alias, number) in [("a", 1), ("b", 1), ("c", 2)] {
            edit(db, move |tx, permit| aliases::set(tx, permit, "m", alias, number, None, NOW)).unwrap();
        }
        edit(db, |tx, permit| versions::delete(tx, permit, "m", 1, LATER)).unwrap();
        let left = look(db, |tx, permit| models::get(tx, permit, "m")).unwrap();
        assert_eq!(left.aliases, [("c".to_owned(), 2)]);
        assert_eq!(left.latest_versions.iter().map(|v| v.version).collect::<Vec<_>>(), [2]);
    });
}

#[test]
fn entering_an_active_stage_can_archive_those_that_are_there() {
    on_both(|db| {
        model(db, "m", &[]);
        (0..3).for_each(|_| drop(version(db, "m", &[])));
        let move_to = |number: i64, stage: &'static str, archive: bool| {
            edit(db, move |tx, permit| versions::transition(tx, permit, "m", number, stage, archive, LATER))
        };
        move_to(1, "Production", false).unwrap();
        move_to(2, "PRODUCTION", false).unwrap();
        let third = move_to(3, "production", true).unwrap();
        assert_eq!((third.stage, third.updated_at), (Stage::Production, LATER));
        for number in [1, 2] {
            let found = look(db, |tx, permit| versions::get(tx, permit, "m", number)).unwrap();
            assert_eq!(found.stage, Stage::Archived);
        }
        assert_eq!(code(move_to(1, "None", true)), ErrorCode::InvalidInput);
        assert_eq!(code(move_to(1, "foo", false)), ErrorCode::InvalidInput);
        assert_eq!(code(move_to(9, "Staging", true)), ErrorCode::NotFound);
        assert_eq!(look(db, |tx, permit| versions::get(tx, permit, "m", 3)).unwrap().stage, Stage::Production);
    });
}

#[test]
fn a_description_changes_the_version_and_not_the_model() {
    on_both(|db| {
        model(db, "m", &[]);
        version(db, "m", &[]);
        let described = edit(db, |tx, permit| versions::describe(tx, permit, "m", 1, Some("x"), LATER)).unwrap();
        assert_eq!((described.description.as_deref(), described.updated_at), (Some("x"), LATER));
        let bare = edit(db, |tx, permit| versions::describe(tx, permit, "m", 1, None, LATER)).unwrap();
        assert_eq!(bare.description, None);
        assert_eq!(look(db, |tx, permit| models::get(tx, permit, "m")).unwrap().updated_at, NOW);
    });
}

#[test]
fn lists_show_what_is_no_prompt_and_what_a_run_made() {
    on_both(|db| {
        run(db, "r1");
        model(db, "a", &[]);
        prompt(db, "p");
        for (run_id, at) in [("r1", NOW), ("", LATER)] {
            let new = NewModelVersion {
                model: "a".into(),
                source: "s3://b/x".into(),
                run_id: Some(run_id.into()),
                ..NewModelVersion::default()
            };
            edit(db, move |tx, permit| versions::create(tx, permit, &new, at)).unwrap();
        }
        let newest = look(db, |tx, permit| versions::newest(tx, permit, 10)).unwrap();
        let names: Vec<_> = newest.iter().map(|v| (v.model.as_str(), v.version)).collect();
        assert_eq!(names, [("a", 2), ("a", 1)]);
        let of_run = look(db, |tx, permit| versions::of_run(tx, permit, "r1")).unwrap();
        assert_eq!(of_run.iter().map(|v| v.version).collect::<Vec<_>>(), [1]);
    });
}
