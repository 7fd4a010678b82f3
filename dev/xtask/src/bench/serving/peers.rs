//! The servers of models that are in use, each as its users start it.

use std::ffi::OsString;
use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::figures::Figure;
use super::measure::{self, Target};
use super::models::{Form, Model, Models};
use super::{Sizes, venv};
use crate::bench::load::Connection;
use crate::bench::process::Server;
use crate::bench::{scratch, text};
use crate::run::root;

/// How long a peer may take to be ready: they import for long, and longer on a busy machine.
const STARTING: Duration = Duration::from_secs(180);

/// A server beside which Flyball is measured.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Peer {
    Mlserver,
    Mlflow,
    Bentoml,
    /// An application written by hand around ONNX Runtime, under plain uvicorn.
    Fastapi,
    /// The same with uvicorn's faster loop and parser.
    FastapiUvloop,
}

impl Peer {
    pub(super) const ALL: [Self; 5] = [Self::Mlserver, Self::Mlflow, Self::Bentoml, Self::Fastapi, Self::FastapiUvloop];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Mlserver => "mlserver",
            Self::Mlflow => "mlflow",
            Self::Bentoml => "bentoml",
            Self::Fastapi => "fastapi",
            Self::FastapiUvloop => "fastapi-uvloop",
        }
    }

    pub(super) fn named(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|peer| peer.name() == name).with_context(|| format!("no peer {name}"))
    }

    /// The environment that it runs in.
    pub(super) fn environment(self) -> &'static str {
        if self == Self::FastapiUvloop { Self::Fastapi.name() } else { self.name() }
    }

    /// So many times less CPU than this peer is the goal.
    pub(super) fn times(self) -> f64 {
        match self {
            Self::Mlserver | Self::Mlflow | Self::Bentoml => 60.0,
            Self::Fastapi | Self::FastapiUvloop => 10.0,
        }
    }

    /// Where readiness is asked, where rows are, and how they are written.
    fn protocol(self) -> (&'static str, &'static str, Form) {
        match self {
            Self::Mlserver => ("/v2/models/model/ready", "/v2/models/model/infer", Form::Tensor),
            Self::Mlflow => ("/ping", "/invocations", Form::Inputs),
            Self::Bentoml => ("/readyz", "/predict", Form::Rows),
            Self::Fastapi | Self::FastapiUvloop => ("/v2/health/ready", "/v2/models/model/infer", Form::Tensor),
        }
    }

    /// The command that serves a model on a port.
    fn command(self, python: &Path, model: &Model, models: &Models, folder: &Path, port: u16) -> Result<Command> {
        let bin = python.parent().context("a Python without a folder")?;
        let port = port.to_string();
        let scripts = root().join("dev/bench/serving");
        let is_trees = model.name == models.xgboost.name;
        let native = models.folder.join(if is_trees { "xgboost.json" } else { "sklearn.joblib" });
        let mut command = match self {
            Self::Mlserver => {
                let kind = if is_trees { "mlserver_xgboost.XGBoostModel" } else { "mlserver_sklearn.SKLearnModel" };
                configure(folder, &port, kind, &native)?;
                let mut command = Command::new(bin.join("mlserver"));
                command.arg("start").arg(folder);
                command
            }
            Self::Mlflow => {
                let mut command = Command::new(bin.join("mlflow"));
                command.args(["models", "serve", "--env-manager", "local", "--host", "127.0.0.1", "--port", &port]);
                command.arg("--model-uri").arg(models.folder.join(format!("{}.mlflow", model.name)));
                command.env("MLFLOW_DISABLE_TELEMETRY", "true").env("UVICORN_ACCESS_LOG", "false");
                command
            }
            Self::Bentoml => {
                let mut command = Command::new(bin.join("bentoml"));
                command.args(["serve", "bentoml_service:Classifier", "--host", "127.0.0.1", "--port", &port]);
                command.env("MODEL", native).env("BENTOML_HOME", folder).env("BENTOML_DO_NOT_TRACK", "true");
                command.env("BENTOML_CONFIG_OPTIONS", "api_server.logging.access.enabled=false");
                command
            }
            Self::Fastapi | Self::FastapiUvloop => {
                let mut command = Command::new(python);
                command.args(["-m", "uvicorn", "fastapi_app:app", "--host", "127.0.0.1", "--port", &port]);
                command.arg("--no-access-log");
                let [event_loop, parser] =
                    if self == Self::Fastapi { ["asyncio", "h11"] } else { ["uvloop", "httptools"] };
                command.args(["--loop", event_loop, "--http", parser]);
                command.env("MODEL", models.folder.join(format!("{}.onnx", model.name)));
                command
            }
        };
        // One row is too little to share: threads that wait for each other would only cost, and so much that no figure of
        // such a server would be worth a comparison.
        command.env("OMP_NUM_THREADS", "1").env("PYTHONDONTWRITEBYTECODE", "1").env("PATH", path_with(bin)?);
        command.current_dir(scripts);
        Ok(command)
    }
}

/// The files that MLServer starts from.
fn configure(folder: &Path, port: &str, kind: &str, model: &Path) -> Result<()> {
    let settings = json!({
        "host": "127.0.0.1", "http_port": port.parse::<u16>()?, "grpc_port": free_port()?, "metrics_port": free_port()?,
        "debug": false,
    });
    let model = json!({ "name": "model", "implementation": kind, "parameters": { "uri": text(model) } });
    std::fs::write(folder.join("settings.json"), settings.to_string())?;
    std::fs::create_dir(folder.join("model"))?;
    std::fs::write(folder.join("model/model-settings.json"), model.to_string())?;
    Ok(())
}

/// A port that nobody listens on.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The search path with an environment's programs first.
pub(super) fn path_with(bin: &Path) -> Result<OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    Ok(std::env::join_paths(std::iter::once(bin.to_owned()).chain(std::env::split_paths(&path)))?)
}

/// Starts a peer with a model, measures it, and stops it.
pub(super) fn measure(peer: Peer, model: &Model, models: &Models, sizes: &Sizes) -> Result<Vec<Figure>> {
    let folder = scratch("peer")?;
    let log = folder.path().join("log");
    let measured = || -> Result<Vec<Figure>> {
        let (ready, path, form) = peer.protocol();
        let port = free_port()?;
        let mut command = peer.command(&venv::python(peer.environment())?, model, models, folder.path(), port)?;
        let output = File::create(&log)?;
        let mut server = Server::spawn(command.stdout(output.try_clone()?).stderr(output))?;
        let target = Target { address: format!("127.0.0.1:{port}"), path: path.to_owned(), bodies: model.bodies(form) };
        wait(&mut server, &target.address, ready)?;
        model.check(&target)?;
        measure::server(peer.name(), &server, &target, model.name, sizes)
    };
    measured().inspect_err(|_| eprintln!("{} logged:\n{}", peer.name(), end_of(&log)))
}

fn wait(server: &mut Server, address: &str, ready: &str) -> Result<()> {
    let asked = Instant::now();
    let is_ready = || Connection::open(address).is_ok_and(|mut connection| connection.call("GET", ready, "").is_ok());
    while !is_ready() {
        if let Some(status) = server.child.try_wait()? {
            bail!("it ended with {status} instead of becoming ready");
        }
        if asked.elapsed() > STARTING {
            bail!("it is not ready after {} s", STARTING.as_secs());
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}

fn end_of(log: &Path) -> String {
    let log = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}
