//! The models and the rows that everybody is asked.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::Programs;
use super::measure::Target;
use crate::bench::load::Connection;
use crate::run::{self, root};

/// How far a probability may be from that of the library: graphs reckon in single precision.
const NEAR: f64 = 1e-3;

/// A classifier, and rows with what is right for them.
pub(super) struct Model {
    pub(super) name: &'static str,
    rows: Vec<Value>,
    probabilities: Vec<f64>,
}

/// Both classifiers.
pub(super) struct Models {
    pub(super) sklearn: Model,
    pub(super) xgboost: Model,
    /// Where they are saved in the forms that the peers load.
    pub(super) folder: PathBuf,
}

/// How a row is written.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// The Open Inference Protocol.
    Tensor,
    /// MLflow's scoring protocol.
    Inputs,
    /// A parameter of a BentoML service.
    Rows,
}

impl Models {
    /// Fits them, registers them at a running Flyball, and saves them for the peers; see dev/bench/serving/models.py.
    pub(super) fn make(programs: &Programs, address: &str, folder: &Path) -> Result<Self> {
        let folder = folder.join("models");
        std::fs::create_dir_all(&folder)?;
        let mut make = Command::new(&programs.python);
        make.arg(root().join("dev/bench/serving/models.py")).arg(format!("http://{address}")).arg(&folder);
        make.env("MLFLOW_DISABLE_TELEMETRY", "true").stdout(std::process::Stdio::null());
        run::run(&mut make)?;
        let text = std::fs::read_to_string(folder.join("rows.json"))?;
        let all: Value = serde_json::from_str(&text)?;
        let read = |name: &'static str| -> Result<Model> {
            let rows = all[name]["rows"].as_array().context("no rows")?.clone();
            let probabilities = serde_json::from_value(all[name]["probabilities"].clone())?;
            Ok(Model { name, rows, probabilities })
        };
        Ok(Self { sklearn: read("sklearn")?, xgboost: read("xgboost")?, folder })
    }

    pub(super) fn both(&self) -> impl Iterator<Item = &Model> {
        [&self.sklearn, &self.xgboost].into_iter()
    }
}

impl Model {
    /// A body for each row.
    pub(super) fn bodies(&self, form: Form) -> Vec<String> {
        let body = |row: &Value| match form {
            Form::Tensor => {
                let columns = row.as_array().map_or(0, Vec::len);
                json!({ "inputs": [{ "name": "X", "shape": [1, columns], "datatype": "FP32", "data": row }] })
            }
            Form::Inputs => json!({ "inputs": [row] }),
            Form::Rows => json!({ "rows": [row] }),
        };
        self.rows.iter().map(|row| body(row).to_string()).collect()
    }

    /// Asks each row once: what is not answered right is not worth measuring.
    pub(super) fn check(&self, target: &Target) -> Result<()> {
        let mut connection = Connection::open(&target.address)?;
        for (body, probability) in target.bodies.iter().zip(&self.probabilities) {
            let answer = serde_json::from_slice(connection.call("POST", &target.path, body)?)?;
            let said = said(&answer);
            let is_right = match said.as_slice() {
                [] => false,
                [label] => *label == f64::from(u8::from(*probability > 0.5)),
                [.., last] => (last - probability).abs() < NEAR,
            };
            if !is_right {
                bail!("{answer} is no answer for a row of {} with the probability {probability}", self.name);
            }
        }
        Ok(())
    }
}

/// The numbers of an answer: the label alone, or what ends with the probability of the second class.
fn said(answer: &Value) -> Vec<f64> {
    let numbers = |values: &Value| -> Vec<f64> {
        let flat = values.as_array().into_iter().flatten();
        flat.filter_map(|value| value.as_f64().or_else(|| value.as_str()?.parse().ok())).collect()
    };
    if let Some(outputs) = answer["outputs"].as_array() {
        return outputs.iter().flat_map(|output| numbers(&output["data"])).collect();
    }
    if answer["predictions"].is_array() {
        return numbers(&answer["predictions"]);
    }
    numbers(&answer[0])
}
