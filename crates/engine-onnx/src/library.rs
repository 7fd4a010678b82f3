//! The library of ONNX Runtime, of which a process has one.

use std::any::Any;
use std::error::Error as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use flyball_core::{Error, ErrorCode, Result};
use ort::environment::Environment;
use ort::logging::LogLevel;

use crate::places::{NEXT_STEP, Places, version_numbers};
use crate::pool::lock;

/// The library, open.
#[derive(Clone, Debug)]
pub(crate) struct Library {
    pub(crate) environment: Environment,
    path: PathBuf,
    version: String,
}

/// What came of opening a library; it cannot be closed and another one be opened.
enum Opened {
    Works(Library),
    /// It was taken into the process and does not work.
    Broken(String),
}

static OPENED: Mutex<Option<Opened>> = Mutex::new(None);

impl Library {
    /// Finds the library and opens it, if this process has not yet.
    ///
    /// # Errors
    /// `UnsupportedModel` with the next step.
    pub(crate) fn open(places: &Places) -> Result<Self> {
        let candidates = places.candidates()?;
        let nothing = "the model needs ONNX Runtime, which was not found on this machine";
        if candidates.is_empty() {
            return Err(Error::new(ErrorCode::UnsupportedModel, nothing).hint(NEXT_STEP));
        }
        let mut opened = lock(&OPENED);
        match &*opened {
            Some(Opened::Works(library)) => return Ok(library.clone()),
            Some(Opened::Broken(reason)) => return Err(broken(reason).hint("replace it and start Flyball anew")),
            None => {}
        }
        let mut refusals = Vec::new();
        for candidate in &candidates {
            match open(&candidate.path) {
                Ok(library) => {
                    *opened = Some(Opened::Works(library.clone()));
                    return Ok(library);
                }
                Err(Refusal::Unusable(reason)) if candidate.named => return Err(broken(&reason)),
                Err(Refusal::Unusable(reason)) => refusals.push(reason),
                Err(Refusal::Stuck(reason)) => {
                    let error = broken(&reason).hint("replace it and start Flyball anew");
                    *opened = Some(Opened::Broken(reason));
                    return Err(error);
                }
            }
        }
        // What the system's loader does not find is no refusal worth telling.
        refusals.retain(|reason| !reason.contains("cannot open shared object file: No such file"));
        let message = match refusals.as_slice() {
            [] => nothing.to_owned(),
            reasons => format!("no ONNX Runtime on this machine works: {}", reasons.join("; ")),
        };
        Err(Error::new(ErrorCode::UnsupportedModel, message).hint(NEXT_STEP))
    }

    /// The version and where it lies.
    pub(crate) fn describe(&self) -> String {
        format!("ONNX Runtime {} ({})", self.version, self.path.display())
    }
}

fn broken(reason: &str) -> Error {
    Error::new(ErrorCode::UnsupportedModel, format!("ONNX Runtime does not work: {reason}")).hint(NEXT_STEP)
}

enum Refusal {
    /// Another library may be tried.
    Unusable(String),
    /// This one is in the process for good.
    Stuck(String),
}

fn open(path: &Path) -> Result<Library, Refusal> {
    // The bindings panic on a library that does not keep its word.
    let loaded = catch_unwind(|| ort::init_from(path))
        .map_err(|panic| Refusal::Stuck(told(path, &*panic)))?
        .map_err(|error| Refusal::Unusable(why(&error)))?;
    let environment = catch_unwind(AssertUnwindSafe(|| {
        let environment = loaded.with_name("flyball").with_telemetry(false).with_logger(Arc::new(log)).build()?;
        environment.set_log_level(LogLevel::Warning);
        Ok::<_, ort::Error>((environment, version(path)))
    }));
    match environment {
        Ok(Ok((environment, version))) => Ok(Library { environment, path: path.to_owned(), version }),
        Ok(Err(error)) => Err(Refusal::Stuck(format!("{}: {error}", path.display()))),
        Err(panic) => Err(Refusal::Stuck(told(path, &*panic))),
    }
}

/// Why a library cannot be opened; what the system's loader says stands behind its error.
fn why(error: &ort::LoadDynamicError) -> String {
    match error {
        ort::LoadDynamicError::Dlopen { error: loader, path } => match loader.source() {
            // It begins with the path itself.
            Some(cause) => cause.to_string(),
            None => format!("{}: {loader}", path.display()),
        },
        ort::LoadDynamicError::BadVersion { version_str, path } => {
            let least = ort::MINOR_VERSION;
            format!("{} is version {version_str}, at least 1.{least} is needed", path.display())
        }
        other => other.to_string(),
    }
}

fn told(path: &Path, panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    format!("{}: {}", path.display(), text.unwrap_or("it cannot be initialised"))
}

/// The version in the name of the file, or of the branch that the library was built from: it says it nowhere else.
fn version(path: &Path) -> String {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let name = real.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let numbers = match version_numbers(&name) {
        numbers if numbers.len() >= 2 => numbers,
        _ => ort::info()
            .split_once("git-branch=rel-")
            .map(|(_, rest)| rest)
            .map_or_else(Vec::new, |rest| version_numbers(rest.split([',', ' ']).next().unwrap_or_default())),
    };
    if numbers.is_empty() {
        return format!("1.{} or later", ort::MINOR_VERSION);
    }
    numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(".")
}

/// It calls every refused request an error, so its words count for less here.
fn log(level: LogLevel, category: &str, _id: &str, _location: &str, message: &str) {
    match level {
        LogLevel::Fatal | LogLevel::Error => tracing::debug!(category, "ONNX Runtime: {message}"),
        LogLevel::Warning | LogLevel::Info | LogLevel::Verbose => tracing::trace!(category, "ONNX Runtime: {message}"),
    }
}
