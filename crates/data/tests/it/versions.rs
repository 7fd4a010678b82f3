//! Dataset versions, on both databases, with an engine that knows one query.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use flyball_core::{Column, Edit, Error, ErrorCode, Name, Permit, Result, Table, Timestamp, VirtualClock};
use flyball_data::{Check, Datasets, Origin, QueryEngine, Rule};
use flyball_governance::{audit, identity};
use flyball_store::{Blobs, Db};
use flyball_testkit::on_both;
use tempfile::TempDir;

use super::write;

/// Answers `SELECT * FROM a, b, …` with the rows of the first table, and counts how often it ran.
#[derive(Default)]
struct FirstTable {
    runs: AtomicUsize,
}

impl QueryEngine for FirstTable {
    fn sql(&self, _: &str, tables: &[(String, Arc<Table>)]) -> Result<Table> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        tables.first().map(|(_, table)| Table::clone(table)).ok_or_else(|| Error::invalid("no table"))
    }

    fn referenced_tables(&self, sql: &str) -> Result<Vec<String>> {
        let (_, tables) = sql.split_once("FROM ").ok_or_else(|| Error::invalid("not a query"))?;
        Ok(tables.split(", ").map(str::to_owned).collect())
    }
}

struct Setup {
    folder: TempDir,
    db: Db,
    clock: Arc<VirtualClock>,
    engine: Arc<FirstTable>,
    datasets: Datasets,
    permit: Permit<Edit>,
}

impl Setup {
    fn new(db: &Db) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(VirtualClock::at(Timestamp(1000)));
        let engine = Arc::new(FirstTable::default());
        let blobs = Blobs::open(folder.path().join("blobs").to_str().unwrap()).unwrap();
        let root = folder.path().join("project");
        std::fs::create_dir(&root).unwrap();
        let datasets = Datasets::new(db.clone(), blobs, clock.clone(), engine.clone(), root);
        let permit = identity::local_user().unwrap().edit();
        Self { folder, db: db.clone(), clock, engine, datasets, permit }
    }

    fn file(&self, path: &str, content: &str) {
        write(&self.folder.path().join("project"), path, content);
    }

    fn ingest(&self, name: &str, source: &str) -> flyball_data::DatasetVersion {
        self.datasets.ingest(&self.permit, &self.name(name), source).unwrap()
    }

    fn name(&self, name: &str) -> Name {
        name.parse().unwrap()
    }

    fn actions(&self) -> Vec<String> {
        let mut actions: Vec<String> = self
            .db
            .read(|tx| audit::newest(tx, None, 100))
            .unwrap()
            .into_iter()
            .map(|recorded| format!("{} {}", recorded.event.action, recorded.event.resource))
            .collect();
        actions.reverse();
        actions
    }
}

#[test]
fn a_new_version_appears_only_when_the_rows_change() {
    on_both(|db| {
        let setup = Setup::new(db);
        setup.file("a.csv", "x,y\n1,a\n2,b\n");
        let first = setup.ingest("numbers", "a.csv");
        assert_eq!((first.version, first.rows, first.label().as_str()), (1, 2, "numbers@1"));
        assert_eq!(setup.ingest("numbers", "a.csv"), first);
        // Other bytes, the same rows.
        setup.file("a.csv", "x,y\r\n1,a\r\n2,\"b\"\r\n");
        assert_eq!(setup.ingest("numbers", "a.csv"), first);
        setup.file("a.csv", "x,y\n1,a\n2,c\n");
        let second = setup.ingest("numbers", "a.csv");
        setup.file("a.csv", "x,y\n1,a\n2,b\n");
        let third = setup.ingest("numbers", "a.csv");
        assert_eq!((second.version, third.version), (2, 3));
        assert_eq!(third.content, first.content);
        assert_ne!(third.id, first.id);
        let read = setup.permit.read();
        assert_eq!(setup.datasets.versions(&read, &first.dataset).unwrap(), [third.clone(), second, first]);
        assert_eq!(setup.datasets.list(&read).unwrap(), [third]);
        let actions = [
            "dataset.ingest dataset/numbers/1",
            "dataset.ingest dataset/numbers/2",
            "dataset.ingest dataset/numbers/3",
        ];
        assert_eq!(setup.actions(), actions);
    });
}

#[test]
fn a_version_keeps_its_rows_files_and_broken_rows() {
    on_both(|db| {
        let setup = Setup::new(db);
        setup.file("d/a.csv", "x\n1\n2,3\n");
        setup.file("d/b.csv", "x\n4\n");
        let version = setup.ingest("numbers", "d/*.csv");
        let read = setup.permit.read();
        assert_eq!(setup.datasets.table(&read, &version.id).unwrap().column("x").unwrap(), &Column::Int(vec![1, 4]));
        let Origin::Files { files, .. } = &version.origin else { panic!("{version:?}") };
        assert_eq!(files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), ["d/a.csv", "d/b.csv"]);
        let broken = setup.datasets.quarantine(&read, &version.id).unwrap();
        assert_eq!((broken.len(), broken[0].row.line, broken[0].path.as_str()), (1, 3, "d/a.csv"));
        assert_eq!(setup.datasets.get(&read, &version.id).unwrap(), version);
        assert_eq!(setup.datasets.profile(&read, &version.id).unwrap().columns[0].distinct, 2);
        // A second service has no table in memory and reads the blob.
        let blobs = Blobs::open(setup.folder.path().join("blobs").to_str().unwrap()).unwrap();
        let other =
            Datasets::new(Db::clone(db), blobs, setup.clock.clone(), setup.engine.clone(), setup.folder.path().into());
        assert_eq!(other.table(&read, &version.id).unwrap(), setup.datasets.table(&read, &version.id).unwrap());
    });
}

#[test]
fn derived_versions_follow_their_inputs() {
    on_both(|db| {
        let setup = Setup::new(db);
        setup.file("a.csv", "x\n1\n");
        setup.file("b.csv", "y\n1\n");
        setup.file("c.csv", "z\n1\n");
        let inputs = [setup.ingest("a", "a.csv"), setup.ingest("b", "b.csv"), setup.ingest("c", "c.csv")];
        let name = setup.name("joined");
        let derive = |sql, inputs: &[_]| setup.datasets.derive(&setup.permit, &name, sql, inputs);
        let first = derive("SELECT * FROM a, b", &inputs).unwrap();
        assert_eq!(derive("SELECT * FROM a, b", &inputs).unwrap(), first);
        assert_eq!(setup.engine.runs.load(Ordering::SeqCst), 1);
        // An input that the query does not read changes nothing.
        setup.file("c.csv", "z\n2\n");
        let other_c = [inputs[0].clone(), inputs[1].clone(), setup.ingest("c", "c.csv")];
        assert_eq!(derive("SELECT * FROM a, b", &other_c).unwrap(), first);
        setup.file("b.csv", "y\n2\n");
        let other_b = [inputs[0].clone(), setup.ingest("b", "b.csv")];
        let second = derive("SELECT * FROM a, b", &other_b).unwrap();
        assert_eq!((second.version, second.content), (2, first.content));
        let error = derive("SELECT * FROM a, bb", &inputs).unwrap_err();
        assert_eq!((error.code(), error.next_step().unwrap()), (ErrorCode::SqlError, "did you mean b?"));

        let read = setup.permit.read();
        let lineage = setup.datasets.lineage(&read, &second.id).unwrap();
        let labels: Vec<String> = lineage.versions.iter().map(flyball_data::DatasetVersion::label).collect();
        assert_eq!(labels[0], "joined@2");
        assert!(labels.contains(&"a@1".into()) && labels.contains(&"b@2".into()) && labels.len() == 3, "{labels:?}");
        assert!(lineage.edges.contains(&(inputs[0].id.clone(), second.id.clone())));
        let downstream = setup.datasets.lineage(&read, &inputs[0].id).unwrap();
        assert_eq!(downstream.versions.len(), 3, "a and both versions made from it");
    });
}

#[test]
fn reports_keep_the_failing_rows() {
    on_both(|db| {
        let setup = Setup::new(db);
        setup.file("a.csv", "x,y\n1,a\n1,b\n,c\n");
        let version = setup.ingest("numbers", "a.csv");
        let columns = || vec!["x".to_owned()];
        let checks =
            [Check::strict(Rule::Unique { columns: columns() }), Check::strict(Rule::NotNull { columns: columns() })];
        let report = setup.datasets.validate(&setup.permit, &version.id, &checks).unwrap();
        assert!(!report.passed);
        let read = setup.permit.read();
        let rows = setup.datasets.failing_rows(&read, &report.id).unwrap();
        assert_eq!(rows.names(), ["x", "y", "flyball_row", "flyball_check"]);
        assert_eq!(rows.column("flyball_row").unwrap(), &Column::Int(vec![0, 1, 2]));
        // The same checks at the same moment are the same report.
        assert_eq!(setup.datasets.validate(&setup.permit, &version.id, &checks).unwrap(), report);
        setup.clock.advance_to(Timestamp(2000));
        let good = setup.datasets.validate(&setup.permit, &version.id, &[]).unwrap();
        assert!(good.passed && good.failing_rows.is_none());
        assert_eq!(setup.datasets.reports(&read, &version.id).unwrap(), [good, report]);
        assert_eq!(setup.actions().iter().filter(|action| action.starts_with("dataset.validate")).count(), 2);
    });
}

#[test]
fn a_failed_ingest_leaves_nothing() {
    on_both(|db| {
        let setup = Setup::new(db);
        setup.file("a.csv", "x,x\n1,2\n");
        setup.file("b.jsonl", "\n");
        for source in ["a.csv", "b.jsonl", "none.csv"] {
            assert!(setup.datasets.ingest(&setup.permit, &setup.name("numbers"), source).is_err(), "{source}");
        }
        assert!(setup.datasets.list(&setup.permit.read()).unwrap().is_empty());
        assert!(setup.actions().is_empty());
        let error = setup.datasets.table(&setup.permit.read(), "data_unknown").unwrap_err();
        assert_eq!(error.code(), ErrorCode::NotFound);
    });
}

#[test]
#[expect(clippy::disallowed_methods, reason = "governance has one workspace so far, and the border needs two")]
fn another_workspace_sees_nothing() {
    on_both(|db| {
        let setup = Setup::new(db);
        setup.file("a.csv", "x\n1\n1\n");
        let version = setup.ingest("numbers", "a.csv");
        let checks = [Check::strict(Rule::Unique { columns: vec!["x".into()] })];
        let report = setup.datasets.validate(&setup.permit, &version.id, &checks).unwrap();
        let other: Permit<Edit> = Permit::issue(setup.name("other"), "user:mallory".into());
        let read = other.read();
        assert!(setup.datasets.list(&read).unwrap().is_empty());
        assert!(setup.datasets.latest(&read, &version.dataset).unwrap().is_none());
        assert!(setup.datasets.reports(&read, &version.id).unwrap().is_empty());
        let refusals = [
            setup.datasets.get(&read, &version.id).map(drop),
            setup.datasets.table(&read, &version.id).map(drop),
            setup.datasets.profile(&read, &version.id).map(drop),
            setup.datasets.lineage(&read, &version.id).map(drop),
            setup.datasets.failing_rows(&read, &report.id).map(drop),
            setup.datasets.validate(&other, &version.id, &checks).map(drop),
        ];
        for refusal in refusals {
            assert_eq!(refusal.unwrap_err().code(), ErrorCode::NotFound);
        }
        let theirs = setup.datasets.ingest(&other, &version.dataset, "a.csv").unwrap();
        assert_eq!((theirs.version, theirs.content), (1, version.content));
        assert_ne!(theirs.id, version.id);
    });
}
