//! One of the two products, running on one of the two databases.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::postgres::{Cluster, free_port};
use crate::bench::load::Connection;
use crate::bench::process::Server;
use crate::bench::{scratch, text};
use crate::run::{self, root};

/// Who is measured.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Product {
    Flyball,
    Mlflow,
}

/// What it keeps its data in.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Database {
    Sqlite,
    Postgres,
}

impl Database {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// The programs that take part.
pub(super) struct Programs {
    pub(super) flyball: PathBuf,
    pub(super) python: PathBuf,
}

/// A running product. Fields go in this order: the server ends before its database and its folder.
pub(super) struct Side {
    pub(super) product: Product,
    pub(super) server: Server,
    pub(super) cluster: Option<Cluster>,
    pub(super) address: String,
    /// The database as `fill.py` takes it.
    database: String,
    pub(super) folder: TempDir,
}

impl Side {
    /// Starts a product on an empty database, and waits until it answers.
    pub(super) fn start(product: Product, database: Database, programs: &Programs) -> Result<Self> {
        let folder = scratch("tracking")?;
        let cluster = if database == Database::Postgres { Some(Cluster::start()?) } else { None };
        let url = cluster.as_ref().map(|cluster| cluster.url.as_str());
        let (server, address, file) = match product {
            Product::Flyball => flyball(programs, folder.path(), url)?,
            Product::Mlflow => mlflow(programs, folder.path(), url)?,
        };
        let database = url.map_or(text(&file), str::to_owned);
        Ok(Self { product, server, cluster, address, database, folder })
    }

    /// Who and on what, for messages.
    pub(super) fn name(&self) -> String {
        let product = if self.product == Product::Flyball { "Flyball" } else { "MLflow" };
        let database = if self.cluster.is_some() { Database::Postgres } else { Database::Sqlite };
        format!("{product} on {}", database.name())
    }

    /// The end of what the server logged; Flyball logs to the terminal.
    pub(super) fn logged(&self) -> String {
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    /// Makes an experiment, and tells its number.
    pub(super) fn experiment(&self, name: &str) -> Result<String> {
        let made = self.call("experiments/create", &json!({ "name": name }))?;
        Ok(made["experiment_id"].as_str().context("no experiment_id")?.to_owned())
    }

    /// Starts a run, and tells its id and where its artifacts are.
    pub(super) fn run(&self, experiment: &str) -> Result<(String, String)> {
        let asked = json!({ "experiment_id": experiment, "start_time": 1_700_000_000_000_i64 });
        let made = self.call("runs/create", &asked)?;
        let told = |name: &str| made["run"]["info"][name].as_str().map(str::to_owned).context("a run without an id");
        Ok((told("run_id")?, told("artifact_uri")?))
    }

    /// One call outside of the measured load.
    pub(super) fn call(&self, path: &str, body: &Value) -> Result<Value> {
        let mut connection = Connection::open(&self.address)?;
        let answer = connection.call("POST", &format!("/api/2.0/mlflow/{path}"), &body.to_string())?;
        Ok(serde_json::from_slice(answer)?)
    }

    /// Fills an experiment with runs, see dev/bench/fill.py.
    pub(super) fn fill(&self, programs: &Programs, experiment: &str, runs: usize) -> Result<()> {
        fill(programs, self.product, &self.database, experiment, runs, &[])
    }

    /// The same with the server stopped meanwhile, for many runs; Flyball on SQLite only.
    pub(super) fn fill_offline(mut self, programs: &Programs, experiment: &str, runs: usize) -> Result<Self> {
        drop(self.server);
        fill(programs, self.product, &self.database, experiment, runs, &["--offline"])?;
        (self.server, self.address, _) = flyball(programs, self.folder.path(), None)?;
        Ok(self)
    }
}

fn fill(
    programs: &Programs,
    product: Product,
    database: &str,
    experiment: &str,
    runs: usize,
    flags: &[&str],
) -> Result<()> {
    let product = if product == Product::Mlflow { "mlflow" } else { "flyball" };
    let mut command = Command::new(&programs.python);
    command.arg(root().join("dev/bench/fill.py")).args([product, database, experiment, &runs.to_string()]).args(flags);
    run::run(&mut command)
}

/// The server, its address and its SQLite file.
fn flyball(programs: &Programs, folder: &Path, url: Option<&str>) -> Result<(Server, String, PathBuf)> {
    let data = folder.join("data");
    let mut arguments = vec!["--project".to_owned(), text(folder), "--data-dir".to_owned(), text(&data)];
    arguments.extend(url.into_iter().flat_map(|url| ["--database".to_owned(), url.to_owned()]));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (server, address) = Server::flyball(&programs.flyball, &arguments)?;
    Ok((server, address, data.join("flyball.db")))
}

/// The server as `mlflow server` starts it by default: four workers and its job runner.
fn mlflow(programs: &Programs, folder: &Path, url: Option<&str>) -> Result<(Server, String, PathBuf)> {
    let file = folder.join("mlflow.db");
    // The driver is named: which one is the default differs between releases of SQLAlchemy.
    let on_postgres = |url: &str| url.replacen("postgresql:", "postgresql+psycopg2:", 1);
    let store = url.map_or_else(|| format!("sqlite:///{}", text(&file)), on_postgres);
    let (port, log) = (free_port()?.to_string(), folder.join("log"));
    let output = File::create(&log)?;
    let mut command = Command::new(&programs.python);
    command.args(["-m", "mlflow", "server", "--host", "127.0.0.1", "--port", &port, "--backend-store-uri", &store]);
    // On a busy machine a worker may be late to say that it is alive; it must not be replaced in the middle of a request.
    command.args(["--uvicorn-opts", "--timeout-worker-healthcheck 120"]);
    command.arg("--artifacts-destination").arg(folder.join("artifacts")).current_dir(folder);
    // Its own telemetry needs a network, which is no part of what is compared.
    command.env("MLFLOW_DISABLE_TELEMETRY", "true").env_remove("MLFLOW_TRACKING_URI");
    let mut server = Server::spawn(command.stdout(output.try_clone()?).stderr(output))?;
    let address = format!("127.0.0.1:{port}");
    let asked = Instant::now();
    while !is_healthy(&address) {
        if server.child.try_wait()?.is_some() || asked.elapsed() > Duration::from_secs(300) {
            bail!("MLflow did not start:\n{}", std::fs::read_to_string(&log)?);
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok((server, address, file))
}

fn is_healthy(address: &str) -> bool {
    Connection::open(address).is_ok_and(|mut connection| connection.call("GET", "/health", "").is_ok())
}
