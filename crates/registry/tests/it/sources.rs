use flyball_core::{ErrorCode, Result};
use flyball_registry::{ModelVersion, NewModelVersion, aliases, artifact_uri, versions};
use flyball_store::{Db, params};
use flyball_testkit::on_both;

use crate::fixture::{NOW, code, edit, logged_model, look, model, pairs, prompt, run, version};

/// Registers a version of `m`; ids of `-` are not sent at all.
fn create(db: &Db, source: &str, run_id: &str, model_id: &str) -> Result<ModelVersion> {
    let sent = |id: &str| (id != "-").then(|| id.to_owned());
    let new = NewModelVersion {
        model: "m".into(),
        source: source.into(),
        run_id: sent(run_id),
        model_id: sent(model_id),
        ..NewModelVersion::default()
    };
    edit(db, move |tx, permit| versions::create(tx, permit, &new, NOW))
}

fn refused(db: &Db, source: &str, run_id: &str, model_id: &str, fragment: &str) {
    let error = create(db, source, run_id, model_id).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidInput, "{source}: {error:?}");
    assert!(error.message().contains(fragment), "{source}: {error}");
}

const NOT_ITS: &str = "request parameter must identify the resource";

#[test]
fn files_of_a_run_need_the_run() {
    on_both(|db| {
        model(db, "m", &[]);
        run(db, "r1");
        run(db, "r2");
        for source in ["runs:/r1/model", "runs:/r1", "mlflow-artifacts:/1/r1/artifacts/model"] {
            assert_eq!(create(db, source, "r1", "-").unwrap().run_id, "r1");
            for other in ["r2", "", "-"] {
                refused(db, source, other, "-", NOT_ITS);
            }
        }
        for source in [
            "runs:/r1/../r2/model",
            "mlflow-artifacts:/1/r1/artifacts/%2e%2e/x",
            "mlflow-artifacts:/1/r1/artifacts/..%252fx",
        ] {
            refused(db, source, "r1", "-", "without relative path references");
        }
        refused(db, "mlflow-artifacts:/1/r1/artifacts2", "r1", "-", NOT_ITS);
        refused(db, "mlflow-artifacts:/2/r2/artifacts/model", "r1", "-", NOT_ITS);
        refused(db, "mlflow-artifacts:/2/r2/artifacts/model", "nobody", "-", NOT_ITS);
    });
}

#[test]
fn files_of_a_logged_model_need_the_model() {
    on_both(|db| {
        model(db, "m", &[]);
        run(db, "r1");
        logged_model(db, "m-1");
        logged_model(db, "m-2");
        let made = create(db, "models:/m-1", "-", "m-1").unwrap();
        assert_eq!(
            (made.run_id.as_str(), made.model_id.as_deref()),
            ("r1", Some("m-1")),
            "the run is that of the model"
        );
        let place = look(db, |tx, permit| versions::download_uri(tx, permit, "m", 1)).unwrap();
        assert_eq!(place, "mlflow-artifacts:/1/models/m-1/artifacts");
        create(db, "mlflow-artifacts:/1/models/m-1/artifacts", "", "m-1").unwrap();
        assert_eq!(create(db, "s3://b/x", "r9", "m-1").unwrap().run_id, "r9");
        for (source, id) in [("models:/m-1", "-"), ("models:/m-1", "m-2"), ("runs:/r1/model", "m-1")] {
            refused(db, source, "r1", id, NOT_ITS);
        }
        refused(db, "mlflow-artifacts:/1/models/m-2/artifacts", "-", "m-1", NOT_ITS);
        refused(db, "models:/m-1", "-", "m-9", NOT_ITS);
        for missing in ["models:/m-9", "s3://b/x"] {
            assert_eq!(code(create(db, missing, "-", "m-9")), ErrorCode::NotFound, "{missing}");
        }
        let tag = look(db, |tx, _| {
            let sql = "SELECT value FROM logged_model_tags WHERE model_id = $1 AND key = 'mlflow.modelVersions'";
            tx.query_one(sql, &params!["m-1"])?.unwrap().get::<serde_json::Value>("value")
        });
        let expected = serde_json::json!([1, 2, 3].map(|n| serde_json::json!({ "name": "m", "version": n })));
        assert_eq!(tag.unwrap(), expected, "the model says what it became");
    });
}

#[test]
fn a_copy_is_the_same_files_of_the_same_run() {
    on_both(|db| {
        for name in ["m", "from"] {
            model(db, name, &[]);
        }
        run(db, "r1");
        let new = NewModelVersion {
            model: "from".into(),
            source: "runs:/r1/model".into(),
            run_id: Some("r1".into()),
            ..NewModelVersion::default()
        };
        edit(db, move |tx, permit| versions::create(tx, permit, &new, NOW)).unwrap();
        edit(db, |tx, permit| aliases::set(tx, permit, "from", "best", 1, None, NOW)).unwrap();
        edit(db, |tx, permit| versions::transition(tx, permit, "from", 1, "Staging", false, NOW)).unwrap();
        for source in ["models:/from/1", "models:/from@best", "models:/from/latest", "models:/from/staging"] {
            let copy = create(db, source, "-", "-").unwrap();
            assert_eq!((copy.source.as_str(), copy.run_id.as_str()), ("models:/from/1", "r1"), "{source}");
            let place = look(db, |tx, permit| versions::download_uri(tx, permit, "m", copy.version)).unwrap();
            assert_eq!(place, "runs:/r1/model");
            let place = look(db, |tx, permit| artifact_uri(tx, permit, "m", copy.version)).unwrap();
            assert_eq!(place, "mlflow-artifacts:/1/r1/artifacts/model");
        }
        let of_copy = create(db, "models:/m/1", "r1", "-").unwrap();
        assert_eq!(of_copy.source, "models:/m/1");
        let place = look(db, |tx, permit| versions::download_uri(tx, permit, "m", of_copy.version)).unwrap();
        assert_eq!(place, "runs:/r1/model", "the files of a copy are those of the original");
        refused(db, "models:/from/1", "r2", "-", "must match the referenced model version");
        refused(db, "models:/from/1", "-", "m-1", "must match the referenced model version");
        refused(db, "models:/from@none", "-", "-", "alias none not found");
        refused(db, "models:/from/Production", "-", "-", "No versions");
        refused(db, "models:/from/a/b", "-", "-", NOT_ITS);
        for missing in ["models:/from/9", "models:/none/1"] {
            assert_eq!(code(create(db, missing, "-", "-")), ErrorCode::NotFound, "{missing}");
        }
        prompt(db, "p");
        refused(db, "models:/p/1", "-", "-", "Prompt versions cannot be used");
    });
}

#[test]
fn no_source_names_a_place_of_the_server_or_a_host() {
    on_both(|db| {
        model(db, "m", &[]);
        run(db, "r1");
        for local in
            ["/etc/passwd", "etc", "file:///etc/", "FILE:/etc", "a%3f/../../..", ";/../", "./model", "../x", "#"]
        {
            refused(db, local, "r1", "-", "To use a local path as a model version source");
            refused(db, local, "-", "-", "To use a local path as a model version source");
        }
        for host in [
            "http:///#/../../etc/",
            "https://example.com/x",
            "mlflow-artifacts://h/..%2f..",
            "mlflow-artifacts://h/1/r1/artifacts",
            "hdfs://h/x",
            "ftp://h/x",
        ] {
            refused(db, host, "r1", "-", "cannot use the '");
        }
        for climbing in ["dbfs:/x/a%3f/../..", "s3://b/a/%2e%2e/c", "s3://b/%252e%252e/c", "gs://b/a%00", "s3://b"] {
            refused(db, climbing, "r1", "-", "without relative path references");
        }
        for far in ["s3://bucket/x", "gs://b/a/b", "dbfs:/x/y", "wasbs://c@a.blob.core.windows.net/x"] {
            assert_eq!(create(db, far, "-", "-").unwrap().source, far);
        }
    });
}

#[test]
fn another_workspace_is_as_if_it_were_not_there() {
    on_both(|db| {
        model(db, "m", &[]);
        model(db, "theirs", &[]);
        version(db, "theirs", &[]);
        run(db, "r1");
        logged_model(db, "m-1");
        for table in ["runs", "logged_models", "registered_models", "model_versions"] {
            let own = if table == "registered_models" { "name <> 'm'" } else { "1 = 1" };
            let sql = format!("UPDATE {table} SET workspace = 'other' WHERE {own}");
            edit(db, move |tx, _| tx.execute(&sql, &[])).unwrap();
        }
        refused(db, "mlflow-artifacts:/1/r1/artifacts/model", "r1", "-", NOT_ITS);
        refused(db, "mlflow-artifacts:/1/nobody/artifacts", "nobody", "-", NOT_ITS);
        assert_eq!(code(create(db, "models:/m-1", "-", "m-1")), ErrorCode::NotFound);
        assert_eq!(code(create(db, "models:/theirs/1", "-", "-")), ErrorCode::NotFound);
        // The text is accepted, but nobody gets to the files by it.
        create(db, "runs:/r1/model", "r1", "-").unwrap();
        assert_eq!(code(look(db, |tx, permit| artifact_uri(tx, permit, "m", 1))), ErrorCode::NotFound);
    });
}

#[test]
fn a_prompt_has_no_files() {
    on_both(|db| {
        assert_eq!(prompt(db, "p").source, "dummy-source");
        let new = NewModelVersion {
            model: "p".into(),
            source: "s3://b/x".into(),
            tags: pairs(&[("mlflow.prompt.is_prompt", "true")]),
            ..NewModelVersion::default()
        };
        let error = edit(db, move |tx, permit| versions::create(tx, permit, &new, NOW)).unwrap_err();
        assert!(error.message().contains("Invalid prompt source"), "{error}");
    });
}
