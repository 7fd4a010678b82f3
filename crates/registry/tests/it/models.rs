use flyball_core::ErrorCode;
use flyball_registry::{NewModel, aliases, models, tags, versions};
use flyball_testkit::on_both;

use crate::fixture::{LATER, NOW, code, edit, look, model, pairs, prompt, told, version};

#[test]
fn a_model_is_found_as_it_was_made() {
    on_both(|db| {
        let new = NewModel {
            name: "a model".into(),
            description: Some("for tests".into()),
            tags: pairs(&[("b", "1"), ("a", "2"), ("b", "3")]),
        };
        let made = edit(db, move |tx, permit| models::create(tx, permit, &new, NOW)).unwrap();
        assert_eq!(look(db, |tx, permit| models::get(tx, permit, "a model")).unwrap(), made);
        assert_eq!((made.description.as_deref(), made.created_at, made.updated_at), (Some("for tests"), NOW, NOW));
        assert_eq!(made.tags, pairs(&[("a", "2"), ("b", "3")]));
        assert!(made.aliases.is_empty() && made.latest_versions.is_empty());
        let missing = look(db, |tx, permit| models::get(tx, permit, "A model")).unwrap_err();
        assert_eq!(missing.code(), ErrorCode::NotFound);
        assert!(missing.message().contains("Registered Model with name=A model not found"));
    });
}

#[test]
fn a_name_is_taken_once_by_a_model_or_a_prompt() {
    on_both(|db| {
        model(db, "m", &[]);
        prompt(db, "p");
        let create = |name: &str, tags: &[(&str, &str)]| {
            let new = NewModel { name: name.into(), tags: pairs(tags), ..NewModel::default() };
            edit(db, move |tx, permit| models::create(tx, permit, &new, NOW)).unwrap_err()
        };
        let is_prompt = [("mlflow.prompt.is_prompt", "true")];
        for (name, tags, fragment) in [
            ("m", &[][..], "Registered Model (name=m) already exists"),
            ("p", &is_prompt, "Prompt (name=p) already exists"),
            ("m", &is_prompt, "already taken by a registered model"),
            ("p", &[], "already taken by a prompt"),
        ] {
            let error = create(name, tags);
            assert_eq!(error.code(), ErrorCode::AlreadyExists);
            assert!(error.message().contains(fragment), "{error}");
        }
    });
}

#[test]
fn a_new_name_takes_versions_tags_and_aliases_along() {
    on_both(|db| {
        model(db, "old", &[("k", "v")]);
        model(db, "other", &[]);
        version(db, "old", &[("t", "1")]);
        edit(db, |tx, permit| aliases::set(tx, permit, "old", "best", 1, None, NOW)).unwrap();
        let rename = |from: &'static str, to: &'static str| {
            edit(db, move |tx, permit| models::rename(tx, permit, from, to, LATER))
        };
        let renamed = rename("old", "new").unwrap();
        assert_eq!((renamed.tags, renamed.aliases), (pairs(&[("k", "v")]), vec![("best".to_owned(), 1)]));
        let found = look(db, |tx, permit| versions::get(tx, permit, "new", 1)).unwrap();
        assert_eq!((found.tags, found.aliases, found.updated_at), (pairs(&[("t", "1")]), vec!["best".into()], LATER));
        assert_eq!(code(look(db, |tx, permit| versions::get(tx, permit, "old", 1))), ErrorCode::NotFound);
        assert_eq!(code(rename("new", "other")), ErrorCode::AlreadyExists);
        assert_eq!(code(rename("old", "x")), ErrorCode::NotFound);
        assert_eq!(code(rename("new", "a/b")), ErrorCode::InvalidName);
        assert!(rename("new", "new").is_ok());
    });
}

#[test]
fn a_deleted_model_leaves_nothing_behind() {
    on_both(|db| {
        for name in ["m", "kept"] {
            model(db, name, &[("k", "v")]);
            version(db, name, &[("t", "1")]);
            edit(db, move |tx, permit| aliases::set(tx, permit, name, "best", 1, None, NOW)).unwrap();
        }
        edit(db, |tx, permit| models::delete(tx, permit, "m", LATER)).unwrap();
        let count = |table: &str| {
            let sql = format!("SELECT COUNT(*) AS n FROM {table}");
            look(db, |tx, _| tx.query_one(&sql, &[])?.unwrap().get::<i64>("n")).unwrap()
        };
        for table in
            ["registered_models", "model_versions", "registered_model_tags", "model_version_tags", "model_aliases"]
        {
            assert_eq!(count(table), 1, "{table}");
        }
        assert_eq!(code(edit(db, |tx, permit| models::delete(tx, permit, "m", LATER))), ErrorCode::NotFound);
        // A model of the same name is another one and begins anew.
        model(db, "m", &[]);
        assert_eq!(version(db, "m", &[]).version, 1);
        assert!(told(db).contains(&("model.delete".into(), "model/m".into())));
    });
}

#[test]
fn a_description_is_replaced_and_taken_away() {
    on_both(|db| {
        model(db, "m", &[]);
        let describe = |text: Option<&'static str>| {
            edit(db, move |tx, permit| models::describe(tx, permit, "m", text, LATER)).unwrap()
        };
        let described = describe(Some("new"));
        assert_eq!((described.description.as_deref(), described.updated_at), (Some("new"), LATER));
        assert_eq!(describe(None).description, None);
    });
}

#[test]
fn the_latest_versions_are_those_of_each_stage() {
    on_both(|db| {
        model(db, "m", &[]);
        (0..4).for_each(|_| drop(version(db, "m", &[])));
        let stage = |number: i64, stage: &'static str| {
            edit(db, move |tx, permit| versions::transition(tx, permit, "m", number, stage, false, LATER)).unwrap()
        };
        stage(1, "production");
        stage(2, "Staging");
        stage(3, "staging");
        edit(db, |tx, permit| aliases::set(tx, permit, "m", "best", 3, None, NOW)).unwrap();
        let latest = |stages: &[&str]| {
            let stages: Vec<String> = stages.iter().map(|stage| (*stage).to_owned()).collect();
            let found = look(db, |tx, permit| models::latest_versions(tx, permit, "m", &stages)).unwrap();
            found.into_iter().map(|v| (v.version, v.stage.as_str(), v.aliases.len())).collect::<Vec<_>>()
        };
        assert_eq!(latest(&[]), [(1, "Production", 0), (3, "Staging", 1), (4, "None", 0)]);
        assert_eq!(latest(&["STAGING"]), [(3, "Staging", 1)]);
        assert_eq!(latest(&["Archived"]), []);
        let unknown = look(db, |tx, permit| models::latest_versions(tx, permit, "m", &["foo".into()]));
        assert_eq!(code(unknown), ErrorCode::InvalidInput);
        let whole = look(db, |tx, permit| models::get(tx, permit, "m")).unwrap();
        assert!(whole.latest_versions.iter().all(|version| version.aliases.is_empty()), "clients expect them without");
        assert_eq!(whole.aliases, [("best".to_owned(), 3)]);
    });
}

#[test]
fn tags_and_aliases_do_not_count_as_changes_of_the_model() {
    on_both(|db| {
        model(db, "m", &[]);
        version(db, "m", &[]);
        edit(db, |tx, permit| tags::set_on_model(tx, permit, "m", "k", "v", LATER)).unwrap();
        edit(db, |tx, permit| aliases::set(tx, permit, "m", "best", 1, None, LATER)).unwrap();
        assert_eq!(look(db, |tx, permit| models::get(tx, permit, "m")).unwrap().updated_at, NOW);
        edit(db, |tx, permit| versions::delete(tx, permit, "m", 1, LATER)).unwrap();
        assert_eq!(look(db, |tx, permit| models::get(tx, permit, "m")).unwrap().updated_at, LATER);
    });
}
