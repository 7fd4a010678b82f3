//! Stores of the stock MLflow move in and out: its server, its database, a folder between two of ours, and back to it.

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::product::{Project, root};

fn python() -> PathBuf {
    std::env::var_os("FLYBALL_PYTHON").map(PathBuf::from).unwrap_or_else(|| panic!("run `cargo xtask test`"))
}

/// The stock server with a database and a folder of its own; gone when dropped.
struct Stock {
    child: Child,
    folder: TempDir,
    address: String,
}

impl Stock {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let place = folder.path().display();
        let child = Command::new(python())
            .args(["-m", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1"])
            .args(["--port", &port.to_string()])
            .arg("--backend-store-uri")
            .arg(format!("sqlite:///{place}/mlflow.db"))
            .arg("--artifacts-destination")
            .arg(format!("{place}/artifacts"))
            .env("MLFLOW_DISABLE_TELEMETRY", "true")
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.path().join("server.log")).unwrap())
            // Its workers are children of its own, and end with their group.
            .process_group(0)
            .spawn()
            .unwrap();
        let stock = Self { child, folder, address: format!("http://127.0.0.1:{port}") };
        for _ in 0..900 {
            if ureq::get(format!("{}/health", stock.address)).call().is_ok() {
                return stock;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        let log = std::fs::read_to_string(stock.folder.path().join("server.log")).unwrap_or_default();
        panic!("the stock server did not start: {log}");
    }

    fn database(&self) -> String {
        format!("sqlite:{}", self.folder.path().join("mlflow.db").display())
    }

    fn artifacts(&self) -> String {
        self.folder.path().join("artifacts").display().to_string()
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}/api/2.0/mlflow/{path}", self.address);
        ureq::post(url).send_json(body).unwrap().body_mut().read_json().unwrap()
    }

    fn get(&self, path: &str) -> Value {
        let url = format!("{}/api/2.0/mlflow/{path}", self.address);
        ureq::get(url).call().unwrap().body_mut().read_json().unwrap()
    }
}

impl Drop for Stock {
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        drop(Command::new("kill").args(["-KILL", "--", &group]).status());
        drop(self.child.wait());
    }
}

/// Fills a store through the stock client; answers what it says of it.
fn fill(address: &str, folder: &Path) -> Value {
    let output = Command::new(python())
        .arg(root().join("dev/python/mlflow_sample.py"))
        .arg(address)
        .env("MLFLOW_DISABLE_TELEMETRY", "true")
        .current_dir(folder)
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}\n{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(printed.lines().last().unwrap()).unwrap()
}

/// Runs a move and answers its report, which must be complete.
fn moved(project: &Project, words: &[&str]) -> Value {
    let ended = project.run(&[words, &["--json"]].concat());
    let report = report(&ended.stdout);
    assert_eq!(ended.code, Some(0), "{words:?}: {report:#}\n{}", ended.stderr);
    report
}

fn report(stdout: &str) -> Value {
    let last: Value = serde_json::from_str(stdout.lines().last().unwrap_or("null")).unwrap();
    last["report"].clone()
}

/// How many of each kind are there.
fn counts(report: &Value) -> BTreeMap<String, u64> {
    let compared = report["compared"].as_object().unwrap();
    compared.iter().map(|(kind, both)| (kind.clone(), both["here"]["count"].as_u64().unwrap())).collect()
}

#[test]
fn a_server_its_database_and_a_folder_come_in_alike() {
    let stock = Stock::start();
    let sample = fill(&stock.address, stock.folder.path());
    let (from_server, from_database, from_folder) = (Project::new(), Project::new(), Project::new());

    let through_server = moved(&from_server, &["import", "mlflow", "--from", &stock.address]);
    let database = ["import", "mlflow", "--from", &stock.database(), "--from-artifacts", &stock.artifacts()];
    let through_database = cut_off_and_gone_on_with(&from_database, &database);
    let counted = counts(&through_server);
    assert_eq!((counted["experiments"], counted["runs"], counted["model_versions"]), (4, 5, 5));
    assert!(counted["metric_points"] > 12_000 && counted["artifacts"] > 5, "{counted:?}");
    for (kind, both) in through_server["compared"].as_object().unwrap() {
        if kind != "registered_models" {
            assert_eq!(&through_database["compared"][kind], both, "{kind}");
        }
    }

    let server = from_server.serve();
    let parent = sample["parent"].as_str().unwrap();
    let run = server.get_json(&format!("/api/2.0/mlflow/runs/get?run_id={parent}"));
    let metrics = run["run"]["data"]["metrics"].as_array().unwrap().clone();
    let loss = metrics.iter().find(|metric| metric["key"] == "loss").unwrap();
    assert_eq!((loss["value"].as_f64(), loss["step"].as_i64()), (Some(0.5), Some(1)));
    let champion = server.get_json("/api/2.0/mlflow/registered-models/alias?name=late&alias=champion");
    assert_eq!(champion["model_version"]["version"], "3");

    // With its server running, and then without one.
    let exported = from_server.path().join("exported");
    let words = ["export", "mlflow", "--to", exported.to_str().unwrap()];
    moved(&from_server, &words);
    assert_eq!(server.terminate(), Some(0));
    let back = moved(&from_folder, &["import", "mlflow", "--from", exported.to_str().unwrap()]);
    assert_eq!(counts(&back), counted);
    let again = from_folder.path().join("again");
    moved(&from_folder, &["export", "mlflow", "--to", again.to_str().unwrap()]);
    let manifest = |path: &Path| -> Value {
        serde_json::from_str(&std::fs::read_to_string(path.join("manifest.json")).unwrap()).unwrap()
    };
    assert_eq!(manifest(&exported)["tally"], manifest(&again)["tally"]);
}

/// Kills the command at several moments, then runs it to its end.
fn cut_off_and_gone_on_with(project: &Project, words: &[&str]) -> Value {
    for milliseconds in [50, 120, 200, 300, 450, 700] {
        let mut child = project.command(words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(milliseconds));
        // One that was faster has ended already.
        drop(child.kill());
        drop(child.wait());
    }
    moved(project, words);
    let nothing_new = moved(project, words);
    assert_eq!(nothing_new["moved"], json!({}));
    nothing_new
}

#[test]
fn what_the_client_logged_goes_to_a_stock_server() {
    let (project, folder) = (Project::new(), tempfile::tempdir().unwrap());
    let server = project.serve();
    let sample = fill(&server.address, folder.path());
    let stock = Stock::start();
    let words = ["export", "mlflow", "--to", &stock.address];
    let report = moved(&project, &words);
    let again = moved(&project, &words);
    assert_eq!(counts(&report), counts(&again), "a second call adds nothing");

    let experiment = stock.get("experiments/get-by-name?experiment_name=flights");
    let filter = format!("tags.`flyball.export.run_id` = '{}'", sample["parent"].as_str().unwrap());
    let body = json!({ "experiment_ids": [experiment["experiment"]["experiment_id"]], "filter": filter });
    let runs = stock.post("runs/search", &body);
    let run = &runs["runs"][0];
    assert_eq!((&run["info"]["run_name"], &run["info"]["status"]), (&json!("parent"), &json!("FINISHED")));
    let gone = stock.get("experiments/get-by-name?experiment_name=gone");
    assert_eq!(gone["experiment"]["lifecycle_stage"], "deleted");
    let champion = stock.get("registered-models/alias?name=late&alias=champion");
    assert_eq!(
        (&champion["model_version"]["version"], &champion["model_version"]["description"]),
        (&json!("3"), &json!("the good one"))
    );
    let staged = stock.get("model-versions/get?name=late&version=4");
    assert_eq!(staged["model_version"]["current_stage"], "Staging");
}

#[test]
fn what_cannot_be_moved_is_refused_with_the_next_step() {
    let project = Project::new();
    let refused = |words: &[&str]| {
        let error = project.refused(words);
        assert!(error["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{words:?}: {error}");
        error["code"].as_str().unwrap().to_owned()
    };
    assert_eq!(refused(&["import", "mlflow", "--from", "sqlite:missing.db"]), "not_found");
    assert_eq!(refused(&["import", "mlflow", "--from", "mysql://db/x"]), "invalid_input");
    assert_eq!(refused(&["import", "mlflow", "--from", "nowhere"]), "not_found");
    assert_eq!(refused(&["import", "mlflow", "--from", "http://127.0.0.1:1"]), "unavailable");
    project.write("full/letter.txt", "dear");
    assert_eq!(refused(&["export", "mlflow", "--to", "full"]), "conflict");
}
