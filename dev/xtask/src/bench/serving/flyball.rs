//! A running Flyball with everything on, and its endpoints.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::Programs;
use super::measure::Target;
use super::models::{Form, Model};
use crate::bench::process::Server;

/// The server on a folder of its own.
pub(super) struct Flyball {
    pub(super) server: Server,
    pub(super) address: String,
    binary: PathBuf,
    project: PathBuf,
}

impl Flyball {
    /// Fetches the engine that networks need, as far as the product can, and starts the server.
    pub(super) fn start(programs: &Programs, folder: &Path) -> Result<Self> {
        let project = folder.join("flyball");
        std::fs::create_dir_all(&project)?;
        let mut install = command(&programs.flyball, &project);
        let installed = install.args(["engines", "install", "onnxruntime"]).output()?;
        if !installed.status.success() {
            eprintln!("  flyball engines install onnxruntime: {}", refusal(&installed));
        }
        let mut serve = command(&programs.flyball, &project);
        // Models that are Python run in the environment that they were made in.
        let bin = programs.python.parent().context("a Python without a folder")?;
        serve.args(["serve", "--port", "0"]).env("PATH", super::peers::path_with(bin)?);
        serve.stdout(Stdio::piped()).stderr(File::create(project.join("log"))?);
        let mut server = Server::spawn(&mut serve)?;
        let mut line = String::new();
        BufReader::new(server.child.stdout.take().context("no output")?).read_line(&mut line)?;
        let Some((_, address)) = line.trim().rsplit_once("http://") else {
            bail!("Flyball did not start:\n{}", std::fs::read_to_string(project.join("log"))?);
        };
        Ok(Self { server, address: address.to_owned(), binary: programs.flyball.clone(), project })
    }

    /// Deploys a registered version; what the product says when it refuses.
    pub(super) fn deploy(&self, endpoint: &str, version: &str) -> Result<Result<(), String>> {
        let ended =
            command(&self.binary, &self.project).args(["--json", "endpoints", "deploy", endpoint, version]).output()?;
        Ok(if ended.status.success() { Ok(()) } else { Err(refusal(&ended)) })
    }

    /// The rows of a model, for an endpoint.
    pub(super) fn target(&self, endpoint: &str, model: &Model) -> Target {
        Target { address: self.address.clone(), path: path(endpoint), bodies: model.bodies(Form::Tensor) }
    }
}

/// Where an endpoint is asked.
pub(super) fn path(endpoint: &str) -> String {
    format!("/v2/models/{endpoint}/infer")
}

fn command(binary: &Path, project: &Path) -> Command {
    let mut command = Command::new(binary);
    command.arg("--project").arg(project);
    command
}

/// What a command that failed says.
fn refusal(ended: &Output) -> String {
    let said = String::from_utf8_lossy(&ended.stderr);
    let said = said.trim();
    let structured = said.lines().find_map(|line| serde_json::from_str::<Value>(line).ok());
    let part = |name: &str| structured.as_ref().and_then(|value| value["error"][name].as_str());
    match (part("message"), part("hint")) {
        (Some(message), Some(hint)) => format!("{message} ({hint})"),
        (Some(message), None) => message.to_owned(),
        _ => said.lines().next().unwrap_or("refused without a word").to_owned(),
    }
}
