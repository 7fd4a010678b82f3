use flyball_core::ErrorCode;
use flyball_moving::database::{Database, address};
use flyball_moving::import::Options;
use flyball_moving::tally::Kind;
use flyball_registry::{Stage, aliases, import as registry, models, versions};
use flyball_store::DatabaseUrl;
use flyball_testkit::on_both;
use flyball_tracking::artifacts::TreePath;
use flyball_tracking::{
    Lifecycle, ModelStatus, NewExperiment, RunStatus, artifacts, experiments, history, logged_models, runs,
};

use crate::fixture::{Stock, editor, home, import};

#[test]
fn everything_of_a_database_comes_in_as_it_was_there() {
    on_both(|db| {
        let (stock, folder) = (Stock::like(db), tempfile::tempdir().unwrap());
        let home = home(db, folder.path());
        let report = import(&home, &mut stock.source(), &Options::default());
        assert!(report.is_complete(), "{report:#?}");
        let counts: Vec<(Kind, u64)> = report.moved.iter().map(|(kind, count)| (*kind, *count)).collect();
        assert_eq!(
            counts,
            [
                (Kind::Experiments, 3),
                (Kind::Runs, 4),
                (Kind::Params, 3),
                (Kind::MetricPoints, 6),
                (Kind::Tags, 4),
                (Kind::Inputs, 4),
                (Kind::LoggedModels, 1),
                (Kind::RegisteredModels, 2),
                (Kind::ModelVersions, 3),
                (Kind::Artifacts, 4)
            ]
        );
        let permit = editor().read();
        db.read(|tx| {
            let experiment = experiments::get(tx, &permit, 7)?;
            assert_eq!(
                (experiment.name.as_str(), experiment.created_at.0, experiment.updated_at.0),
                ("flights", 10, 20)
            );
            assert_eq!(experiment.artifact_location, "mlflow-artifacts:/7");
            assert!(experiment.tags.iter().any(|tag| tag.value == "/srv/mlruns/7"), "{:?}", experiment.tags);
            assert_eq!(experiments::get(tx, &permit, 9)?.lifecycle, Lifecycle::Deleted);
            assert_eq!(experiments::get(tx, &permit, 0)?.created_at.0, 5, "an untouched default becomes theirs");

            let run = runs::get(tx, &permit, "a1")?;
            assert_eq!((run.name.as_str(), run.status, run.user_id.as_str()), ("parent", RunStatus::Finished, "ann"));
            assert_eq!((run.started_at.0, run.ended_at.map(|at| at.0)), (100, Some(200)));
            assert_eq!(run.artifact_uri, "mlflow-artifacts:/7/a1/artifacts");
            assert_eq!(run.inputs.datasets[0].dataset.profile.as_deref(), Some("{\"rows\":3}"));
            assert_eq!((run.inputs.outputs[0].model_id.as_str(), run.inputs.outputs[0].step), ("m-1", 4));
            assert_eq!(run.metric("loss"), Some(0.25), "the latest is the one of the greatest step");
            let loss = history::of(tx, &permit, "a1", "loss")?;
            assert_eq!(loss.len(), 4);
            assert_eq!(loss.iter().filter(|point| point.value.is_nan()).count(), 2);
            assert_eq!(runs::get(tx, &permit, "a3")?.lifecycle, Lifecycle::Deleted);
            assert_eq!(runs::get(tx, &permit, "a2")?.inputs.models[0].model_id, "m-1");

            let model = logged_models::get(tx, &permit, "m-1", true)?;
            assert_eq!((model.metrics.len(), model.status, model.created_at.0), (2, ModelStatus::Ready, 150));

            assert_eq!(aliases::get(tx, &permit, "late", "champion")?.version, 2);
            assert_eq!(registry::last_version(tx, &permit, "late")?, 3, "the number of a deleted version stays given");
            let first = versions::get(tx, &permit, "late", 1)?;
            assert_eq!(
                (first.stage, first.source.as_str()),
                (Stage::Archived, "mlflow-artifacts:/7/a1/artifacts/model")
            );
            assert_eq!(versions::get(tx, &permit, "late", 2)?.model_id.as_deref(), Some("m-1"));
            let location = versions::download_uri(tx, &permit, "late", 2)?;
            assert_eq!(location, "mlflow-artifacts:/7/models/m-1/artifacts");
            assert_eq!(models::get(tx, &permit, "greet")?.tags.len(), 1);

            let path: TreePath = "7/a1/artifacts/notes.txt".parse()?;
            let file = artifacts::file(tx, &permit, &path)?;
            assert_eq!(&home.blobs.get(&file.digest)?[..], "é".as_bytes());
            Ok(())
        })
        .unwrap();
    });
}

#[test]
fn a_second_call_brings_in_only_what_is_new() {
    on_both(|db| {
        let (stock, folder) = (Stock::like(db), tempfile::tempdir().unwrap());
        let home = home(db, folder.path());
        import(&home, &mut stock.source(), &Options::default());
        stock.run(
            "INSERT INTO runs VALUES ('b1', 'new', '', 'FINISHED', 900, 901, 'active', 'x/7/b1/artifacts', 7); \
             INSERT INTO params VALUES ('p', '1', 'b1');",
        );
        let report = import(&home, &mut stock.source(), &Options::default());
        assert!(report.is_complete(), "{report:#?}");
        assert_eq!((report.moved[&Kind::Runs], report.moved[&Kind::Params]), (1, 1));
        assert_eq!(report.moved.get(&Kind::ModelVersions), None);
        assert_eq!(report.compared[&Kind::Runs].here.count, 5);
    });
}

#[test]
fn taken_names_and_ids_are_left_out_with_the_reason() {
    on_both(|db| {
        let (stock, folder) = (Stock::like(db), tempfile::tempdir().unwrap());
        let home = home(db, folder.path());
        db.write(|tx| {
            let new = NewExperiment { name: "flights".into(), ..NewExperiment::default() };
            experiments::create(tx, &editor(), &new, flyball_core::Timestamp(1)).map(drop)
        })
        .unwrap();
        let report = import(&home, &mut stock.source(), &Options::default());
        let left: Vec<&str> = report.left_out.iter().map(|left_out| left_out.id.as_str()).collect();
        assert!(left.contains(&"flights") && !report.is_complete(), "{report:#?}");
        assert!(report.left_out[0].reason.contains("--rename-suffix"), "{report:#?}");

        let suffix = Options { rename_suffix: Some(" (old)".into()), ..Options::default() };
        let report = import(&home, &mut stock.source(), &suffix);
        assert!(report.differences.is_empty(), "{report:#?}");
        db.read(|tx| {
            let renamed = experiments::find(tx, &editor(), "flights (old)")?.unwrap();
            assert!(renamed.tags.iter().any(|tag| tag.key == "flyball.import.name" && tag.value == "flights"));
            let run = runs::get(tx, &editor(), "a1")?;
            assert_eq!(run.artifact_uri, format!("mlflow-artifacts:/{}/a1/artifacts", renamed.id));
            Ok(())
        })
        .unwrap();
    });
}

#[test]
fn chosen_experiments_come_alone() {
    on_both(|db| {
        let (stock, folder) = (Stock::like(db), tempfile::tempdir().unwrap());
        let home = home(db, folder.path());
        let options = Options { experiments: vec!["flights".into()], ..Options::default() };
        let report = import(&home, &mut stock.source(), &options);
        assert!(report.is_complete(), "{report:#?}");
        assert_eq!(report.moved[&Kind::Runs], 2);
        assert_eq!(report.moved.get(&Kind::RegisteredModels), None);
        assert!(report.notes.iter().any(|note| note.contains("registry")), "{:?}", report.notes);
    });
}

#[test]
fn traces_and_missing_folders_are_told() {
    on_both(|db| {
        let (stock, folder) = (Stock::like(db), tempfile::tempdir().unwrap());
        stock.run("INSERT INTO trace_info VALUES ('tr-1');");
        let home = home(db, folder.path());
        let report = import(&home, &mut Database::open(&stock.url, None).unwrap(), &Options::default());
        let told: Vec<Kind> = report.left_out.iter().map(|left_out| left_out.kind).collect();
        assert_eq!(told, [Kind::Artifacts, Kind::Traces]);
        assert_eq!(report.left_out[1].id, "1 traces");
    });
}

#[cfg(unix)]
#[test]
fn nothing_outside_of_the_folder_of_artifacts_is_read() {
    on_both(|db| {
        let (stock, folder) = (Stock::like(db), tempfile::tempdir().unwrap());
        let secret = stock.folder.path().join("secret");
        std::fs::create_dir(&secret).unwrap();
        std::fs::write(secret.join("key"), "x").unwrap();
        std::os::unix::fs::symlink(&secret, stock.artifacts().join("7/a1/artifacts/link")).unwrap();
        let uri = secret.display();
        stock.run(&format!("UPDATE runs SET artifact_uri = '{uri}' WHERE run_uuid = 'a2'"));
        stock.run("UPDATE runs SET artifact_uri = 'mlflow-artifacts:/0/../../secret' WHERE run_uuid = 'a3'");
        let home = home(db, folder.path());
        let report = import(&home, &mut stock.source(), &Options::default());
        assert_eq!(report.left_out.len(), 1, "{report:#?}");
        assert!(report.left_out[0].reason.contains("link out of"), "{report:#?}");
        assert_eq!(report.moved[&Kind::Artifacts], 3);
    });
}

#[test]
fn what_was_changed_here_shows_in_the_comparison() {
    on_both(|db| {
        let (stock, folder) = (Stock::like(db), tempfile::tempdir().unwrap());
        let home = home(db, folder.path());
        import(&home, &mut stock.source(), &Options::default());
        db.write(|tx| {
            let tag = flyball_tracking::Pair::new("late", "yes");
            flyball_tracking::batch::set_tag(tx, &editor(), "a1", &tag)
        })
        .unwrap();
        let report = import(&home, &mut stock.source(), &Options::default());
        assert_eq!(report.differences.len(), 1, "{report:#?}");
        assert_eq!((report.differences[0].kind, report.differences[0].id.as_str()), (Kind::Tags, "a1"));
        assert_ne!(report.compared[&Kind::Tags].read, report.compared[&Kind::Tags].here);
    });
}

#[test]
fn what_is_no_mlflow_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    let missing = Database::open(&DatabaseUrl::Sqlite(path.clone()), None).unwrap_err();
    assert_eq!(missing.code(), ErrorCode::NotFound);
    assert!(!path.exists(), "a missing file is not made");
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (a INTEGER)").unwrap();
    let other = Database::open(&DatabaseUrl::Sqlite(path), None).unwrap_err();
    assert_eq!(other.code(), ErrorCode::InvalidData);
}

#[test]
fn addresses_are_read_as_mlflow_writes_them() {
    let sqlite = |path: &str| DatabaseUrl::Sqlite(path.into());
    assert_eq!(address("sqlite:///a/b.db").unwrap(), sqlite("a/b.db"));
    assert_eq!(address("sqlite:////a/b.db").unwrap(), sqlite("/a/b.db"));
    assert_eq!(address("sqlite:b.db").unwrap(), sqlite("b.db"));
    let postgres = DatabaseUrl::Postgres("postgresql://me@db/x".into());
    assert_eq!(address("postgresql+psycopg2://me@db/x").unwrap(), postgres);
    assert!(address("mysql://db/x").is_err());
}
