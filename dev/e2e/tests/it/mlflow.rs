//! What MLflow users have: the answers of MLflow's own server, as recorded, and the workflows of its stock client; on
//! both databases. The suites are programs in `dev/conformance`; `cargo xtask conformance` asks MLflow's server anew.

use std::process::Command;

use flyball_store::DatabaseUrl;
use flyball_testkit::TestDb;
use serde_json::{Value, json};

use crate::data::{Machines, machine};
use crate::product::{Ended, Server, binary, python, root};

/// Runs a suite of `dev/conformance` with the shipped binary; its report is the message of a failure.
fn passes(suite: &str, arguments: &[&str]) {
    let mut command = Command::new(python());
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
fn the_stock_client_loads_what_a_loop_trained() {
    let project = Machines::CALM.project();
    project.done(&["apply"]);
    let server = project.serve();
    let (status, served) = server.post("/v2/models/machines/infer", &machine("m1", 28.0));
    assert_eq!(status, 200, "{served}");
    let row = json!([{ "heat": 28, "load": 50.0, "site": "west" }, { "heat": null, "load": 1.5, "site": null }]);
    for version in ["models:/machines@champion", "models:/machines/1"] {
        let mut command = Command::new(python());
        command.arg(root().join("dev/python/load_version.py")).args([&server.address, version, &row.to_string()]);
        let ended = Ended::of(&mut command);
        assert_eq!(ended.code, Some(0), "{}\n{}", ended.stdout, ended.stderr);
        let rows: Value = serde_json::from_str(ended.stdout.lines().last().unwrap()).unwrap();
        let answers = served["outputs"].as_array().unwrap();
        assert_eq!(rows[0]["prediction"], answers[0]["data"][0], "{rows} {served}");
        let (own, theirs) = (answers[1]["data"][1].as_f64().unwrap(), rows[0]["probability_true"].as_f64().unwrap());
        assert!((own - theirs).abs() < 1e-6, "{rows} {served}");
        assert!(rows[1]["probability_true"].is_number(), "{rows}");
    }
    let files = project.done(&["runs", "files", "list", run_of(&server).as_str(), "model"]);
    assert!(files.contains("MLmodel") && files.contains("model.onnx"), "{files}");
}

/// The run that trained the first version.
fn run_of(server: &Server) -> String {
    let version = server.get_json("/api/v1/models/machines/versions/1");
    version["version"]["run_id"].as_str().unwrap().to_owned()
}

#[test]
fn the_page_of_differences_is_current() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.md");
    passes("mlflow", &["--page", &page.display().to_string()]);
    let committed = std::fs::read_to_string(root().join("docs/reference/mlflow-differences.md")).unwrap();
    assert_eq!(committed, std::fs::read_to_string(page).unwrap(), "run the suite with --page to write it anew");
}
