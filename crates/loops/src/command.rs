//! Training by a command of the user's.
//!
//! The command finds its rows as Parquet and leaves one ONNX graph: `FLYBALL_TRAIN` and `FLYBALL_HOLDOUT` name the
//! files, `FLYBALL_OUTPUT` the folder for `model.onnx`; `FLYBALL_LABEL`, `FLYBALL_FEATURES` (JSON), `FLYBALL_PARAMETERS`
//! (JSON, the loop file's `with`) and `FLYBALL_SEED` say what to do, `FLYBALL_WEIGHT` and `FLYBALL_GROUP` name the
//! columns with these roles where the dataset has them; `MLFLOW_TRACKING_URI` is the server's address.

use std::path::Path;
use std::time::Duration;

use flyball_core::model::{self, Trained};
use flyball_core::{Error, ErrorCode, Result, Table};
use flyball_pipelines::command;

use crate::declared::Declared;
use crate::platform::Platform;
use crate::train::parquet_of;

/// How long a training command may take.
const TIMEOUT: Duration = Duration::from_secs(6 * 3600);

/// Runs the command and takes up its model.
pub(crate) fn train(
    platform: &Platform,
    declared: &Declared,
    line: &str,
    rows: &Table,
    holdout: &Table,
    features: &[String],
) -> Result<Trained> {
    let dataset = declared.file.training_dataset()?;
    let folder = tempfile::tempdir().map_err(unavailable)?;
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("train.parquet"), parquet_of(rows)?).map_err(unavailable)?;
    std::fs::write(path("holdout.parquet"), parquet_of(holdout)?).map_err(unavailable)?;
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let json = |value: Result<String, serde_json::Error>| value.map_err(Error::internal);
    let mut variables = vec![
        ("FLYBALL_TRAIN", text(&path("train.parquet"))),
        ("FLYBALL_HOLDOUT", text(&path("holdout.parquet"))),
        ("FLYBALL_OUTPUT", text(folder.path())),
        ("FLYBALL_LABEL", dataset.label()?.to_owned()),
        ("FLYBALL_FEATURES", json(serde_json::to_string(features))?),
        ("FLYBALL_PARAMETERS", json(serde_json::to_string(&declared.file.train.with))?),
        ("FLYBALL_SEED", declared.file.seed.to_string()),
    ];
    for (variable, column) in [("FLYBALL_WEIGHT", &dataset.weight), ("FLYBALL_GROUP", &dataset.group)] {
        variables.extend(column.clone().map(|column| (variable, column)));
    }
    if let Some(address) = &platform.address {
        variables.push(("MLFLOW_TRACKING_URI", address.clone()));
        variables.push(("MLFLOW_EXPERIMENT_NAME", declared.name.to_string()));
    }
    let printed = command::run(line, &platform.project_root, &variables, TIMEOUT)?;
    let artifact = std::fs::read(path("model.onnx")).map_err(|error| {
        Error::new(ErrorCode::CommandFailed, format!("'{line}' ended well but left no model.onnx: {error}\n{printed}"))
            .hint("write the model to $FLYBALL_OUTPUT/model.onnx")
    })?;
    let signature = model::load_graph(&platform.engines, &artifact)?.signature().clone();
    Ok(Trained {
        artifact,
        signature,
        parameters: declared.file.train.with.clone(),
        curve: None,
        importance: Vec::new(),
    })
}

fn unavailable(error: std::io::Error) -> Error {
    let code = match error.kind() {
        std::io::ErrorKind::StorageFull => ErrorCode::StorageFull,
        _ => ErrorCode::Unavailable,
    };
    Error::new(code, "cannot write the training files").cause(error)
}
