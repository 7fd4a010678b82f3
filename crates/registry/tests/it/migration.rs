use flyball_core::Digest;
use flyball_registry::{NewPackage, Package, packages, versions};
use flyball_store::{DatabaseKind, Db, params};
use flyball_testkit::on_both;

use crate::fixture::{LATER, NOW, edit, look};

const STEP: &str = include_str!("../../../store/migrations/0007_registry.sql");

/// Puts the tables of the registry back as they were before this step of the schema, and takes the step again.
fn migrate(db: &Db, rows: &'static [(&'static str, i64, &'static str)]) {
    let (text, id, clustered) = match db.kind() {
        DatabaseKind::Sqlite => ("TEXT", "INTEGER PRIMARY KEY", " WITHOUT ROWID"),
        DatabaseKind::Postgres => ("TEXT COLLATE \"C\"", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", ""),
    };
    let step = STEP.replace("{TEXT}", text).replace("{AUTO_ID}", id).replace("{CLUSTERED}", clustered);
    edit(db, move |tx, _| {
        for table in [
            "registered_models",
            "registered_model_tags",
            "model_version_tags",
            "model_aliases",
            "model_packages",
            "model_versions",
        ] {
            tx.execute(&format!("DROP TABLE {table}"), &[])?;
        }
        tx.execute(
            "CREATE TABLE model_versions (workspace TEXT NOT NULL, model TEXT NOT NULL, version BIGINT NOT NULL, \
             created_at BIGINT NOT NULL, run_id TEXT NOT NULL, artifact TEXT NOT NULL, signature TEXT NOT NULL, \
             reference TEXT NOT NULL, evaluation TEXT NOT NULL, PRIMARY KEY (workspace, model, version))",
            &[],
        )?;
        tx.execute("CREATE UNIQUE INDEX model_versions_by_run ON model_versions (run_id)", &[])?;
        tx.execute(
            "CREATE TABLE model_aliases (workspace TEXT NOT NULL, model TEXT NOT NULL, alias TEXT NOT NULL, \
             version BIGINT NOT NULL, set_at BIGINT NOT NULL, PRIMARY KEY (workspace, model, alias))",
            &[],
        )?;
        for (model, version, run) in rows {
            let signature = r#"{"task":"regression","features":[],"classes":[]}"#;
            let (artifact, reference) = (Digest::of(b"graph"), Digest::of(b"sample"));
            tx.execute(
                "INSERT INTO model_versions VALUES ('default', $1, $2, $3, $4, $5, $6, $7, $8)",
                &params![*model, *version, NOW.0 + version, *run, artifact, signature, reference, "{\"a\":1}"],
            )?;
        }
        tx.execute("INSERT INTO model_aliases VALUES ('default', 'flights', 'champion', 2, 5)", &[])?;
        for statement in step.split(';').filter(|statement| !statement.trim().is_empty()) {
            tx.execute(statement, &[])?;
        }
        Ok(())
    })
    .unwrap();
}

#[test]
fn what_loops_registered_before_is_there_afterwards() {
    on_both(|db| {
        migrate(db, &[("flights", 1, "run_a"), ("flights", 2, "run_b"), ("flights.fallback", 1, "run_a.fallback")]);
        let champion = look(db, |tx, permit| packages::by_alias(tx, permit, "flights", "champion")).unwrap().unwrap();
        assert_eq!((champion.version, champion.run_id.as_str(), champion.created_at.0), (2, "run_b", NOW.0 + 2));
        assert_eq!((champion.artifact, champion.evaluation["a"].as_i64()), (Digest::of(b"graph"), Some(1)));
        let fallback = look(db, |tx, permit| versions::get(tx, permit, "flights.fallback", 1)).unwrap();
        assert_eq!((fallback.run_id.as_str(), fallback.source.as_str()), ("run_a", "runs:/run_a/fallback"));
        let main = look(db, |tx, permit| versions::get(tx, permit, "flights", 1)).unwrap();
        assert_eq!((main.source.as_str(), main.status.as_str()), ("runs:/run_a/model", "READY"));
        let again = |run: &str| NewPackage {
            model: "flights".into(),
            run_id: run.into(),
            output: "model",
            package: Package {
                artifact: champion.artifact,
                signature: champion.signature.clone(),
                reference: champion.reference,
                evaluation: champion.evaluation.clone(),
            },
        };
        for (run, number) in [("run_a", 1), ("run_c", 3)] {
            let new = again(run);
            let registered = edit(db, move |tx, permit| packages::register(tx, permit, &new, LATER)).unwrap();
            assert_eq!(registered, number, "{run}");
        }
    });
}

#[test]
fn nothing_becomes_nothing() {
    on_both(|db| {
        migrate(db, &[]);
        assert!(look(db, |tx, permit| versions::newest(tx, permit, 10)).unwrap().is_empty());
    });
}
