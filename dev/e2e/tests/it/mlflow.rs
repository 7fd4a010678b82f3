//! What MLflow users have: the answers of MLflow's own server, as recorded, and the workflows of its stock client; on
//! both databases. The suites are programs in `dev/conformance`; `cargo xtask conformance` asks MLflow's server anew.

use std::process::Command;

use flyball_store::DatabaseUrl;
use flyball_testkit::TestDb;

use crate::product::{Ended, binary, root};

/// Runs a suite of `dev/conformance` with the shipped binary; its report is the message of a failure.
fn passes(suite: &str, arguments: &[&str]) {
    let python = std::env::var_os("FLYBALL_PYTHON")
        .unwrap_or_else(|| panic!("run `cargo xtask test`, or set FLYBALL_PYTHON to a Python with MLflow"));
    let mut command = Command::new(python);
    command.arg(root().join("dev/conformance").join(suite)).arg("--binary").arg(binary()).args(arguments);
    let ended = Ended::of(&mut command);
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.stdout, ended.stderr);
}

/// The URL of a fresh database on PostgreSQL.
fn postgres_url(database: &TestDb) -> String {
    match database.url() {
        DatabaseUrl::Postgres(url) => url.clone(),
        DatabaseUrl::Sqlite(path) => panic!("{} is not on PostgreSQL", path.display()),
    }
}

/// The answers of MLflow's server that the repository keeps.
fn recorded() -> String {
    root().join("dev/conformance/mlflow/recorded").display().to_string()
}

#[test]
fn answers_are_those_of_mlflow_on_sqlite() {
    passes("mlflow", &["--against", &recorded()]);
}

#[test]
fn answers_are_those_of_mlflow_on_postgres() {
    let database = TestDb::postgres();
    passes("mlflow", &["--against", &recorded(), "--subject-database", &postgres_url(&database)]);
}

#[test]
fn workflows_of_the_stock_client_pass_on_sqlite() {
    passes("workflows", &[]);
}

#[test]
fn workflows_of_the_stock_client_pass_on_postgres() {
    let database = TestDb::postgres();
    passes("workflows", &["--database", &postgres_url(&database)]);
}

#[test]
fn the_page_of_differences_is_current() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.md");
    passes("mlflow", &["--page", &page.display().to_string()]);
    let committed = std::fs::read_to_string(root().join("docs/reference/mlflow-differences.md")).unwrap();
    assert_eq!(committed, std::fs::read_to_string(page).unwrap(), "run the suite with --page to write it anew");
}
