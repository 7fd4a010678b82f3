//! Models that the stock client logged, and a server that may run all of them.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::product::{Ended, Project, Server, python, root};

/// Longer than anything that is waited for takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Looks again and again until something is there.
pub(crate) fn soon<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    while since.elapsed() < PATIENCE {
        if let Some(found) = look() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{what}: not within {PATIENCE:?}");
}

/// A server that runs models in Python as they are, and finds ONNX Runtime beside that Python.
pub(crate) fn serve(project: &Project, options: &[&str]) -> Server {
    let (python, cache) = (python(), project.path().join("cache"));
    let own = ["--model-python", python.to_str().unwrap(), "--cache-dir", cache.to_str().unwrap()];
    project.serve_with(&[&own, options].concat())
}

/// What was logged.
pub(crate) struct Logged {
    /// As JSON, for scripts.
    pub(crate) text: String,
    all: Vec<Value>,
}

impl Logged {
    /// Logs models by dev/conformance/oip/log_models.py; each is registered under its name.
    pub(crate) fn at(server: &Server, names: &[&str]) -> Self {
        let mut command = Command::new(python());
        command.arg(root().join("dev/conformance/oip/log_models.py")).arg(&server.address).args(names);
        let ended = Ended::of(command.env("MLFLOW_DISABLE_TELEMETRY", "true"));
        assert_eq!(ended.code, Some(0), "{}\n{}", ended.stdout, ended.stderr);
        let text = ended.stdout.lines().last().unwrap().to_owned();
        Self { all: serde_json::from_str(&text).unwrap(), text }
    }

    /// The versions, as model and number.
    pub(crate) fn versions(&self) -> impl Iterator<Item = (&str, i64)> {
        self.all.iter().map(|one| (one["model"].as_str().unwrap(), one["version"].as_i64().unwrap()))
    }

    /// A version with its inputs and outputs.
    pub(crate) fn of(&self, model: &str, version: i64) -> &Value {
        let own = |one: &&Value| one["model"] == model && one["version"] == version;
        self.all.iter().find(own).unwrap_or_else(|| panic!("{model}/{version} was not logged"))
    }

    /// The inputs of a version as objects.
    pub(crate) fn rows(&self, model: &str, version: i64) -> Vec<Value> {
        let inputs = self.of(model, version)["inputs"].as_array().unwrap();
        let count = inputs[0]["data"].as_array().unwrap().len();
        let cell = |input: &Value, row: usize| (input["name"].as_str().unwrap().to_owned(), input["data"][row].clone());
        (0..count).map(|row| inputs.iter().map(|input| cell(input, row)).collect()).collect()
    }

    /// The numbers of an output of a version.
    pub(crate) fn numbers(&self, model: &str, version: i64, output: &str) -> Vec<f64> {
        let outputs = self.of(model, version)["outputs"].as_array().unwrap();
        let own = outputs.iter().find(|one| one["name"] == output).unwrap();
        serde_json::from_value(own["data"].clone()).unwrap()
    }
}

/// Status and answer for one row.
pub(crate) fn predict(server: &Server, endpoint: &str, row: &Value) -> (u16, Value) {
    server.post(&format!("/api/v1/endpoints/{endpoint}/predict"), &json!({ "rows": [row] }))
}

/// A row that the versions of `booster` take.
pub(crate) fn booster_row() -> Value {
    json!({ "a": 0.5, "b": -1.0, "c": 0.25, "d": 2.0 })
}

/// What an endpoint says of itself.
pub(crate) fn shown(server: &Server, endpoint: &str) -> Value {
    server.get_json(&format!("/api/v1/endpoints/{endpoint}"))
}

/// Versions and their shares.
pub(crate) fn shares(server: &Server, endpoint: &str) -> Vec<(i64, f64)> {
    let shown = shown(server, endpoint);
    let revisions = shown["endpoint"]["revisions"].as_array().unwrap();
    revisions.iter().map(|one| (one["revision"]["version"].as_i64().unwrap(), one["share"].as_f64().unwrap())).collect()
}

/// Waits until the traffic is split so: what a rollout changes is taken up within a second.
pub(crate) fn shares_are(server: &Server, endpoint: &str, wanted: &[(i64, f64)]) {
    soon(&format!("the shares at {endpoint} are {wanted:?}"), || (shares(server, endpoint) == wanted).then_some(()));
}

/// Waits until the newest rollout of an endpoint is in this state.
pub(crate) fn rollout_is(server: &Server, endpoint: &str, state: &str) -> Value {
    let mut last = Value::Null;
    let wanted = || {
        last = shown(server, endpoint)["rollouts"][0].clone();
        (last["state"] == state).then(|| last.clone())
    };
    soon(&format!("the rollout at {endpoint} is {state}"), wanted)
}

/// The newest decision of a rollout, in words.
pub(crate) fn last_decision(rollout: &Value) -> String {
    rollout["decisions"].as_array().unwrap().last().unwrap()["text"].as_str().unwrap().to_owned()
}
