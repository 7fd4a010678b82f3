//! Models that only Python can run, in worker processes.
//!
//! A model in MLflow's folder form may be anything that `mlflow.pyfunc` loads, so it is code: this process never unpickles
//! it. Its files are checked and laid out in a cache, an environment is made with the packages that it names, and a
//! process that has no network, no secrets and only a folder of its own to write to loads it and answers one request at
//! a time.
//!
//! What a model fails with comes back as `InvalidInput` when the input does not fit its signature, as `InvalidData` with
//! the name and text of its exception when it failed with the input (asking again would not help), as `LimitExceeded`
//! when the memory was not enough, as `Unavailable` when its process died, and as `DeadlineExceeded` when the time was
//! not enough.

mod command;
mod environment;
mod folder;
mod isolation;
mod log;
mod memory;
mod pool;
mod process;
mod requirements;
mod settings;
mod wire;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Once, OnceLock};

use flyball_core::model::{Engine, Loaded};
use flyball_core::package::{Format, Package};
use flyball_core::{Error, ErrorCode, Result, SystemClock};

use crate::environment::{Builder, Interpreter};
use crate::isolation::Isolation;
use crate::pool::PythonModel;
use crate::process::Plan;
pub use crate::settings::PythonSettings;

/// Loads models in MLflow's folder form, each in processes of its own.
#[derive(Debug)]
pub struct PythonEngine {
    settings: PythonSettings,
    isolation: OnceLock<Isolation>,
    swept: Once,
}

impl PythonEngine {
    /// An engine; nothing is started before a model is loaded.
    pub fn new(settings: PythonSettings) -> Self {
        Self { settings, isolation: OnceLock::new(), swept: Once::new() }
    }

    /// The interpreter of the environment with the packages of a `requirements.txt`, for a version of Python such as
    /// `3.11`. It is built when it is not there yet.
    ///
    /// # Errors
    /// `UnsupportedModel` that names the line which is not a package, or says why the environment cannot be built.
    pub fn environment(&self, requirements: &str, python: Option<&str>) -> Result<PathBuf> {
        environment::prepare(&requirements::read(requirements)?, python, &self.settings)
    }

    fn interpreter(&self, folder: &Path) -> Result<PathBuf> {
        if let Some(python) = &self.settings.python {
            return Ok(python.clone());
        }
        let lacks = |what: &str| {
            Error::new(ErrorCode::UnsupportedModel, format!("requirements.txt of the model {what}"))
                .hint("log the model again with MLflow, which writes what it needs")
        };
        let text = folder::text(folder, "requirements.txt").ok_or_else(|| lacks("is missing"))?;
        let lines = requirements::read(&text)?;
        if !["mlflow", "mlflow-skinny"].iter().any(|name| requirements::has(&lines, name)) {
            return Err(lacks("lacks mlflow"));
        }
        let wanted = folder::text(folder, "python_env.yaml").and_then(|text| environment::wanted_version(&text));
        environment::prepare(&lines, wanted.as_deref(), &self.settings)
    }

    fn isolation(&self, python: &Path) -> Result<Isolation> {
        // Who may read this folder may read the models in it.
        let models = self.settings.cache.join("models");
        std::fs::create_dir_all(&models).map_err(|error| folder::written(error, &models))?;
        Ok(self.isolation.get_or_init(|| Isolation::probe(python, &models, &self.settings)).clone())
    }
}

impl Engine for PythonEngine {
    fn name(&self) -> &'static str {
        "python"
    }

    fn reads(&self, format: Format) -> bool {
        format == Format::Pyfunc
    }

    fn state(&self) -> Result<String> {
        let told = match &self.settings.python {
            Some(python) => Interpreter::ask(python, &self.settings).map(|python| (python, "used as it is")),
            None => match Builder::find(None, &self.settings)? {
                Builder::Venv(python) => Some((python, "environments by venv and pip")),
                Builder::Uv(_) => Interpreter::find(None, &self.settings).map(|python| (python, "environments by uv")),
            },
        };
        let Some((python, builder)) = told else {
            if let Some(python) = &self.settings.python {
                let message = format!("'{}' is not a Python 3", python.display());
                return Err(Error::new(ErrorCode::UnsupportedModel, message).hint("set the path of an interpreter"));
            }
            return Ok("environments by uv, which brings Python along".to_owned());
        };
        let isolation = self.isolation(&python.path)?;
        Ok(format!("python {} ({}), {builder}, {isolation}", python.version, python.path.display()))
    }

    fn load(&self, package: &Package<'_>) -> Result<Loaded> {
        let folder = folder::place(&self.settings.cache, package)?;
        let folder = std::fs::canonicalize(&folder).map_err(|error| folder::written(error, &folder))?;
        let python = self.interpreter(&folder)?;
        let clock = SystemClock::default();
        self.swept.call_once(|| folder::sweep(&self.settings.cache, &clock));
        let plan = Plan {
            isolation: self.isolation(&python)?,
            python,
            folder,
            settings: self.settings.clone(),
            clock: Arc::new(clock),
        };
        let model = PythonModel::start(plan)?;
        let (python, mlflow) = model.versions();
        tracing::info!(model = %package.digest.short(), python, mlflow, "a Python model is loaded");
        Ok(Loaded::Tensors(Arc::new(model)))
    }
}
