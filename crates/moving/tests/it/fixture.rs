//! An MLflow database with something of everything, in either engine, and a Flyball to import it into.

use std::path::Path;
use std::sync::Arc;

use flyball_core::{Edit, Permit, SystemClock, Timestamp};
use flyball_governance::identity;
use flyball_moving::database::Database;
use flyball_moving::import::{self, Home, Options, Progress, Report};
use flyball_moving::tally::Totals;
use flyball_moving::{LeftOut, Source};
use flyball_store::{Blobs, DatabaseUrl};
use flyball_testkit::TestDb;
use flyball_tracking::experiments;
use tempfile::TempDir;

/// The tables of MLflow 3.17 that are read, as far as they are read.
const TABLES: &str = "
CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, name VARCHAR(256) NOT NULL, artifact_location VARCHAR(256),
    lifecycle_stage VARCHAR(32), creation_time BIGINT, last_update_time BIGINT, workspace VARCHAR(63) NOT NULL);
CREATE TABLE experiment_tags (key VARCHAR(250), value TEXT, experiment_id INTEGER);
CREATE TABLE runs (run_uuid VARCHAR(32) PRIMARY KEY, name VARCHAR(250), user_id VARCHAR(256), status VARCHAR(9),
    start_time BIGINT, end_time BIGINT, lifecycle_stage VARCHAR(20), artifact_uri VARCHAR(200), experiment_id INTEGER);
CREATE TABLE params (key VARCHAR(250), value VARCHAR(8000), run_uuid VARCHAR(32));
CREATE TABLE tags (key VARCHAR(250), value VARCHAR(8000), run_uuid VARCHAR(32));
CREATE TABLE metrics (key VARCHAR(250), value FLOAT, timestamp BIGINT, run_uuid VARCHAR(32), step BIGINT, is_nan BOOLEAN);
CREATE TABLE datasets (dataset_uuid VARCHAR(36), experiment_id INTEGER, name VARCHAR(500), digest VARCHAR(36),
    dataset_source_type VARCHAR(36), dataset_source TEXT, dataset_schema TEXT, dataset_profile TEXT);
CREATE TABLE inputs (input_uuid VARCHAR(36), source_type VARCHAR(36), source_id VARCHAR(36), destination_type VARCHAR(36),
    destination_id VARCHAR(36), step BIGINT);
CREATE TABLE input_tags (input_uuid VARCHAR(36), name VARCHAR(255), value VARCHAR(500));
CREATE TABLE logged_models (model_id VARCHAR(36), experiment_id INTEGER, name VARCHAR(500),
    artifact_location VARCHAR(1000), creation_timestamp_ms BIGINT, last_updated_timestamp_ms BIGINT, status INTEGER,
    lifecycle_stage VARCHAR(32), model_type VARCHAR(500), source_run_id VARCHAR(32), status_message VARCHAR(1000));
CREATE TABLE logged_model_params (model_id VARCHAR(36), param_key VARCHAR(255), param_value TEXT);
CREATE TABLE logged_model_tags (model_id VARCHAR(36), tag_key VARCHAR(255), tag_value TEXT);
CREATE TABLE logged_model_metrics (model_id VARCHAR(36), metric_name VARCHAR(500), metric_timestamp_ms BIGINT,
    metric_step BIGINT, metric_value FLOAT, run_id VARCHAR(32), dataset_name VARCHAR(500), dataset_digest VARCHAR(36));
CREATE TABLE registered_models (name VARCHAR(256), creation_time BIGINT, last_updated_time BIGINT,
    description VARCHAR(5000), workspace VARCHAR(63));
CREATE TABLE registered_model_tags (key VARCHAR(250), value VARCHAR(5000), name VARCHAR(256), workspace VARCHAR(63));
CREATE TABLE registered_model_aliases (alias VARCHAR(256), version INTEGER, name VARCHAR(256), workspace VARCHAR(63));
CREATE TABLE model_versions (name VARCHAR(256), version INTEGER, creation_time BIGINT, last_updated_time BIGINT,
    description VARCHAR(5000), user_id VARCHAR(256), current_stage VARCHAR(20), source VARCHAR(500), run_id VARCHAR(32),
    status VARCHAR(20), status_message VARCHAR(500), run_link VARCHAR(500), storage_location VARCHAR(500),
    workspace VARCHAR(63));
CREATE TABLE model_version_tags (key VARCHAR(250), value TEXT, name VARCHAR(256), version INTEGER, workspace VARCHAR(63));
CREATE TABLE trace_info (request_id VARCHAR(50));
";

/// Three experiments (one deleted), nested, deleted and running runs, NaN and ties in histories, a dataset, a logged model,
/// a registry with a gap in its numbers.
const ROWS: &str = "
INSERT INTO experiments VALUES (0, 'Default', 'mlflow-artifacts:/0', 'active', 5, 6, 'default');
INSERT INTO experiments VALUES (7, 'flights', '/srv/mlruns/7', 'active', 10, 20, 'default');
INSERT INTO experiments VALUES (9, 'gone', 'mlflow-artifacts:/9', 'deleted', 11, 21, 'default');
INSERT INTO experiment_tags VALUES ('mlflow.note.content', 'what is late', 7);
INSERT INTO runs VALUES ('a1', 'parent', 'ann', 'FINISHED', 100, 200, 'active', '/srv/mlruns/7/a1/artifacts', 7);
INSERT INTO runs VALUES ('a2', 'child', 'ann', 'RUNNING', 110, NULL, 'active', '/srv/mlruns/7/a2/artifacts', 7);
INSERT INTO runs VALUES ('a3', 'binned', '', 'KILLED', 120, 130, 'deleted', 'mlflow-artifacts:/0/a3/artifacts', 0);
INSERT INTO runs VALUES ('a4', 'old', NULL, 'FAILED', 1, 2, 'deleted', 'mlflow-artifacts:/9/a4/artifacts', 9);
INSERT INTO params VALUES ('depth', '3', 'a1'), ('empty', '', 'a1'), ('naïve key', 'é', 'a2');
INSERT INTO tags VALUES ('mlflow.runName', 'parent', 'a1'), ('mlflow.runName', 'child', 'a2'),
    ('mlflow.parentRunId', 'a1', 'a2'), ('mlflow.runName', 'binned', 'a3');
INSERT INTO metrics VALUES ('loss', 0.5, 1000, 'a1', 0, FALSE), ('loss', 0, 1000, 'a1', 0, TRUE),
    ('loss', 0.25, 2000, 'a1', 1, FALSE), ('loss', 0, 3000, 'a1', -2, TRUE), ('auc', 1.7976931348623157e308, 1, 'a1', 0, FALSE),
    ('auc', 0.75, 5, 'a3', 0, FALSE);
INSERT INTO datasets VALUES ('d1', 7, 'train', 'abc', 'local', '{}', NULL, '{\"rows\":3}');
INSERT INTO inputs VALUES ('i1', 'DATASET', 'd1', 'RUN', 'a1', 0), ('i2', 'DATASET', 'd1', 'RUN', 'a2', 0),
    ('i3', 'RUN_OUTPUT', 'a1', 'MODEL_OUTPUT', 'm-1', 4), ('i4', 'RUN_INPUT', 'a2', 'MODEL_INPUT', 'm-1', 0);
INSERT INTO input_tags VALUES ('i1', 'mlflow.data.context', 'training');
INSERT INTO logged_models VALUES ('m-1', 7, 'model', '/srv/mlruns/7/models/m-1/artifacts', 150, 160, 2, 'active', 'sklearn',
    'a1', NULL);
INSERT INTO logged_model_params VALUES ('m-1', 'depth', '3');
INSERT INTO logged_model_tags VALUES ('m-1', 'kind', 'tree');
INSERT INTO logged_model_metrics VALUES ('m-1', 'loss', 2000, 1, 0.25, 'a1', 'train', 'abc'),
    ('m-1', 'loss', 2000, 1, 0.25, 'a1', NULL, NULL);
INSERT INTO registered_models VALUES ('late', 300, 400, 'says what is late', 'default'), ('greet', 300, 400, NULL, 'default');
INSERT INTO registered_model_tags VALUES ('team', 'ops', 'late', 'default'),
    ('mlflow.prompt.is_prompt', 'true', 'greet', 'default');
INSERT INTO registered_model_aliases VALUES ('champion', 2, 'late', 'default');
INSERT INTO model_versions VALUES
    ('late', 1, 300, 310, NULL, NULL, 'Archived', '/srv/mlruns/7/a1/artifacts/model', 'a1', 'READY', NULL, NULL,
        '/srv/mlruns/7/a1/artifacts/model', 'default'),
    ('late', 2, 301, 311, 'good', 'ann', 'Production', 'models:/m-1', 'a1', 'READY', NULL, NULL,
        '/srv/mlruns/7/models/m-1/artifacts', 'default'),
    ('late', 3, 302, 312, NULL, NULL, 'Deleted_Internal', 'REDACTED', NULL, 'READY', NULL, NULL, NULL, 'default'),
    ('greet', 1, 303, 313, NULL, NULL, NULL, 'dummy-source', NULL, 'READY', NULL, NULL, 'dummy-source', 'default');
INSERT INTO model_version_tags VALUES ('checked', 'yes', 'late', 2, 'default'),
    ('mlflow.prompt.text', 'Hello {{ name }}', 'greet', 1, 'default');
";

/// An MLflow database, and the folder of its artifacts.
pub(crate) struct Stock {
    pub(crate) url: DatabaseUrl,
    pub(crate) folder: TempDir,
    /// Keeps the PostgreSQL database.
    _database: Option<TestDb>,
}

impl Stock {
    /// One in the same engine as `like`.
    pub(crate) fn like(like: &TestDb) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("7/a1/artifacts/model/MLmodel", "flavors: {}"),
            ("7/a1/artifacts/notes.txt", "é"),
            ("7/models/m-1/artifacts/MLmodel", "flavors: {}"),
            ("0/a3/artifacts/empty.bin", ""),
        ] {
            let path = folder.path().join("artifacts").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let (url, database) = match like.url() {
            DatabaseUrl::Sqlite(_) => (DatabaseUrl::Sqlite(folder.path().join("mlflow.db")), None),
            DatabaseUrl::Postgres(_) => {
                let database = TestDb::postgres();
                (database.url().clone(), Some(database))
            }
        };
        let stock = Self { url, folder, _database: database };
        if matches!(stock.url, DatabaseUrl::Postgres(_)) {
            stock.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public;");
        }
        stock.run(TABLES);
        stock.run(ROWS);
        stock
    }

    /// Runs statements in the database.
    pub(crate) fn run(&self, sql: &str) {
        match &self.url {
            DatabaseUrl::Sqlite(path) => rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap(),
            DatabaseUrl::Postgres(url) => {
                postgres::Client::connect(url, postgres::NoTls).unwrap().batch_execute(sql).unwrap();
            }
        }
    }

    pub(crate) fn artifacts(&self) -> std::path::PathBuf {
        self.folder.path().join("artifacts")
    }

    pub(crate) fn source(&self) -> Database {
        Database::open(&self.url, Some(&self.artifacts())).unwrap()
    }
}

/// A Flyball that is just set up.
pub(crate) fn home(db: &TestDb, folder: &Path) -> Home {
    let permit = editor();
    db.write(|tx| experiments::ensure_default(tx, &editor(), Timestamp(1))).unwrap();
    let blobs = Blobs::open(&folder.to_string_lossy()).unwrap();
    Home { db: (*db).clone(), blobs, clock: Arc::new(SystemClock::default()), permit }
}

pub(crate) fn editor() -> Permit<Edit> {
    identity::local_user().unwrap().edit()
}

/// Hears nothing.
pub(crate) struct Silent;

impl Progress for Silent {
    fn moved(&mut self, _: &Totals) {}
    fn left_out(&mut self, _: &LeftOut) {}
    fn verified(&mut self, _: u64, _: u64) {}
}

pub(crate) fn import(home: &Home, source: &mut dyn Source, options: &Options) -> Report {
    import::import(home, source, options, &mut Silent).unwrap()
}
