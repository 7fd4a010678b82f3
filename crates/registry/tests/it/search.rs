use flyball_core::{ErrorCode, Timestamp};
use flyball_registry::search::{self, Search};
use flyball_registry::{NewModelVersion, models, versions};
use flyball_store::Db;
use flyball_testkit::on_both;

use crate::fixture::{code, edit, look, model, pairs, prompt, version};

fn asking(filter: &str, order_by: &[&str]) -> Search {
    let order_by = order_by.iter().map(|step| (*step).to_owned()).collect();
    Search { filter: filter.into(), max_results: 100, order_by, page_token: None }
}

fn found_models(db: &Db, filter: &str, order_by: &[&str]) -> Vec<String> {
    let (found, token) = look(db, |tx, permit| search::models(tx, permit, &asking(filter, order_by))).unwrap();
    assert_eq!(token, None);
    found.into_iter().map(|model| model.name).collect()
}

fn found_versions(db: &Db, filter: &str, order_by: &[&str]) -> Vec<String> {
    let (found, token) = look(db, |tx, permit| search::versions(tx, permit, &asking(filter, order_by))).unwrap();
    assert_eq!(token, None);
    found.into_iter().map(|version| format!("{}{}", version.model, version.version)).collect()
}

#[test]
fn models_are_found_by_name_and_tags() {
    on_both(|db| {
        let long = "x".repeat(300);
        model(db, "CR-1", &[("stage", "a"), ("a b.c", "_")]);
        model(db, "cr-2", &[("stage", "b"), ("long", &long)]);
        model(db, "dr-3", &[("other", "a")]);
        for (filter, wanted) in [
            ("", &["CR-1", "cr-2", "dr-3"][..]),
            ("name = 'cr-2'", &["cr-2"]),
            ("attribute.name != 'cr-2'", &["CR-1", "dr-3"]),
            ("name LIKE 'c%'", &["cr-2"]),
            ("name ILIKE 'c%'", &["CR-1", "cr-2"]),
            ("name IN ('dr-3', 'CR-1', 'none')", &["CR-1", "dr-3"]),
            ("name NOT IN ('dr-3')", &["CR-1", "cr-2"]),
            ("tags.stage = 'a'", &["CR-1"]),
            ("tag.stage != 'a'", &["cr-2"]),
            ("tags.stage LIKE '%'", &["CR-1", "cr-2"]),
            ("tags.stage = 'a' AND tags.stage = 'b'", &[]),
            ("tags.stage != 'a' and tags.long LIKE 'x%' AND name ILIKE 'CR%'", &["cr-2"]),
            ("tags.`a b.c` = '_'", &["CR-1"]),
            ("tags.missing != 'a'", &[]),
        ] {
            assert_eq!(found_models(db, filter, &[]), wanted, "{filter}");
        }
        assert_eq!(found_models(db, &format!("tags.long = '{long}'"), &[]), ["cr-2"]);
        assert!(found_models(db, &format!("tags.long = '{long}y'"), &[]).is_empty());
        for bad in [
            "stage = 'a'",
            "name = 'a' OR name = 'b'",
            "name > 'a'",
            "tags.a IN ('b')",
            "foo.x = 'a'",
            "name = a",
            "(name = 'a')",
        ] {
            let error = look(db, |tx, permit| search::models(tx, permit, &asking(bad, &[])));
            assert_eq!(code(error), ErrorCode::InvalidInput, "{bad}");
        }
    });
}

#[test]
fn models_come_in_the_order_that_is_asked_for() {
    on_both(|db| {
        for name in ["b", "a", "c"] {
            model(db, name, &[]);
        }
        let touch = |name: &'static str, at: i64| {
            edit(db, move |tx, permit| models::describe(tx, permit, name, None, Timestamp(at))).unwrap();
        };
        touch("a", 5);
        touch("c", 5);
        assert_eq!(found_models(db, "", &["name DESC"]), ["c", "b", "a"]);
        assert_eq!(found_models(db, "", &["timestamp"]), ["a", "c", "b"]);
        assert_eq!(found_models(db, "", &["last_updated_timestamp DESC"]), ["b", "a", "c"]);
        assert_eq!(found_models(db, "", &["last_updated_timestamp ASC", "name DESC"]), ["c", "a", "b"]);
        for bad in [&["creation_timestamp"][..], &["name; --"], &["timestamp", "last_updated_timestamp"], &["name DSC"]]
        {
            let error = look(db, |tx, permit| search::models(tx, permit, &asking("", bad)));
            assert_eq!(code(error), ErrorCode::InvalidInput, "{bad:?}");
        }
    });
}

#[test]
fn pages_end_where_the_results_end() {
    on_both(|db| {
        for number in 0..5 {
            model(db, &format!("m{number}"), &[("n", &number.to_string())]);
        }
        let page = |token: Option<String>, size: usize| {
            let search = Search { max_results: size, page_token: token, ..Search::default() };
            let (found, token) = look(db, |tx, permit| search::models(tx, permit, &search)).unwrap();
            (found.into_iter().map(|m| m.name).collect::<Vec<_>>(), token)
        };
        let (first, token) = page(None, 2);
        let (second, token) = page(token, 2);
        let (third, end) = page(token, 2);
        assert_eq!([first, second, third].concat(), ["m0", "m1", "m2", "m3", "m4"]);
        assert_eq!(end, None);
        assert_eq!(page(None, 5).1, None, "a full page that is the last has no next one");
        let search = Search { max_results: 2, page_token: Some("nonsense".into()), ..Search::default() };
        assert_eq!(code(look(db, |tx, permit| search::models(tx, permit, &search))), ErrorCode::InvalidInput);
    });
}

#[test]
fn versions_are_found_by_what_they_are() {
    on_both(|db| {
        for name in ["a", "b"] {
            model(db, name, &[]);
        }
        for (name, run_id, at) in [("a", "r1", 30), ("a", "r2", 10), ("b", "r1", 30), ("a", "", 20)] {
            let new = NewModelVersion {
                model: name.into(),
                source: format!("s3://bucket/{run_id}/x"),
                run_id: Some(run_id.into()),
                tags: pairs(&[("run", run_id)]),
                ..NewModelVersion::default()
            };
            edit(db, move |tx, permit| versions::create(tx, permit, &new, Timestamp(at))).unwrap();
        }
        for (filter, wanted) in [
            ("", &["a1", "b1", "a3", "a2"][..]),
            ("name = 'a'", &["a1", "a3", "a2"]),
            ("run_id = 'r1'", &["a1", "b1"]),
            ("run_id IN ('r2', 'r9')", &["a2"]),
            ("run_id != 'r1'", &["a3", "a2"]),
            ("source_path LIKE '%r1%'", &["a1", "b1"]),
            ("version_number > 1", &["a3", "a2"]),
            ("version_number <= 1 AND name != 'b'", &["a1"]),
            ("tags.run = 'r2'", &["a2"]),
            ("tags.run != 'r2'", &["a1", "b1", "a3"]),
        ] {
            assert_eq!(found_versions(db, filter, &[]), wanted, "{filter}");
        }
        assert_eq!(found_versions(db, "", &["version_number"]), ["a1", "b1", "a2", "a3"]);
        assert_eq!(found_versions(db, "", &["name DESC"]), ["b1", "a3", "a2", "a1"]);
        assert_eq!(found_versions(db, "", &["creation_timestamp ASC", "version_number ASC"]), ["a2", "a3", "a1", "b1"]);
        let (found, _) = look(db, |tx, permit| search::versions(tx, permit, &asking("name = 'b'", &[]))).unwrap();
        assert_eq!((found[0].tags.clone(), found[0].aliases.len()), (pairs(&[("run", "r1")]), 0));
        for bad in ["version_number = 1.5", "version_number = 'x'", "stage = 'None'", "source_path IN ('a')"] {
            let error = look(db, |tx, permit| search::versions(tx, permit, &asking(bad, &[])));
            assert_eq!(code(error), ErrorCode::InvalidInput, "{bad}");
        }
    });
}

#[test]
fn prompts_are_hidden_unless_they_are_asked_for() {
    on_both(|db| {
        model(db, "m", &[("mlflow.prompt.is_prompt", "false")]);
        model(db, "n", &[]);
        version(db, "n", &[]);
        prompt(db, "p");
        const TAG: &str = "tags.`mlflow.prompt.is_prompt`";
        for filter in [String::new(), format!("{TAG} = 'false'"), format!("{TAG} != 'true'")] {
            assert_eq!(found_models(db, &filter, &[]), ["m", "n"], "{filter}");
            assert_eq!(found_versions(db, &filter, &[]), ["n1"], "{filter}");
        }
        for filter in
            [format!("{TAG} = 'true'"), format!("name LIKE 'p%' AND {TAG} = 'true'"), format!("{TAG} != 'false'")]
        {
            assert_eq!(found_models(db, &filter, &[]), ["p"], "{filter}");
            assert_eq!(found_versions(db, &filter, &[]), ["p1"], "{filter}");
        }
        assert!(found_models(db, "name = 'p'", &[]).is_empty());
    });
}

#[test]
fn a_search_of_tags_walks_their_index() {
    on_both(|db| {
        if db.kind() != flyball_store::DatabaseKind::Sqlite {
            return; // PostgreSQL decides by statistics, which a small table does not have.
        }
        let plan = look(db, |tx, _| {
            tx.query(
                "EXPLAIN QUERY PLAN SELECT t.model_no FROM registered_model_tags t WHERE t.key = 'k' \
                 AND substr(t.value, 1, 200) = 'v' AND t.value = 'v'",
                &[],
            )?
            .iter()
            .map(|row| row.get::<String>("detail"))
            .collect::<flyball_core::Result<Vec<_>>>()
        })
        .unwrap();
        assert!(plan[0].contains("registered_model_tags_by_value"), "{plan:?}");
    });
}
