//! The environments of models: an interpreter with the packages that a model asks for.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use flyball_core::{Error, ErrorCode, Result};
use sha2::{Digest as _, Sha256};

use crate::command::{self, Ended};
use crate::folder::written;
use crate::log::last_line;
use crate::settings::PythonSettings;

/// The file that says that an environment is whole.
const WHOLE: &str = "flyball-whole";
/// How long an interpreter may take to tell its version.
const TELL_TIME: Duration = Duration::from_secs(30);

/// Which tool builds environments.
pub(crate) enum Builder {
    /// `uv`, which brings the right version of Python along.
    Uv(PathBuf),
    /// `venv` and `pip` of an interpreter.
    Venv(Interpreter),
}

/// An interpreter that was asked for its version.
#[derive(Clone, Debug)]
pub(crate) struct Interpreter {
    /// The program itself, not a script that looks for it.
    pub(crate) path: PathBuf,
    /// Its version, such as `3.11.7`.
    pub(crate) version: String,
}

impl Interpreter {
    /// Asks a program; `None` when it is not a Python 3.
    pub(crate) fn ask(program: &Path, settings: &PythonSettings) -> Option<Self> {
        let mut command = command::bare(program, &settings.path);
        command.current_dir("/").args(["-I", "-c"]);
        command.arg("import sys; print('%d.%d.%d' % sys.version_info[:3]); print(sys.executable)");
        let ended = command::run(command, TELL_TIME).ok().filter(Ended::well)?;
        let (version, path) = ended.output.split_once('\n')?;
        let fits = version.starts_with("3.") && !path.is_empty();
        fits.then(|| Self { path: path.trim().into(), version: version.trim().to_owned() })
    }

    /// The interpreter in the search path whose version fits, else the usual one.
    pub(crate) fn find(wanted: Option<&str>, settings: &PythonSettings) -> Option<Self> {
        let exact = wanted.map(|wanted| format!("python{wanted}"));
        let names = exact.into_iter().chain(["python3".to_owned(), "python".to_owned()]);
        names.filter_map(|name| command::find(&name, &settings.path)).find_map(|path| Self::ask(&path, settings))
    }

    /// The part of the version that packages are made for.
    fn minor(&self) -> String {
        self.version.split('.').take(2).collect::<Vec<_>>().join(".")
    }
}

impl Builder {
    /// The tool at hand.
    ///
    /// # Errors
    /// `UnsupportedModel` with the next step.
    pub(crate) fn find(wanted: Option<&str>, settings: &PythonSettings) -> Result<Self> {
        if let Some(uv) = command::find("uv", &settings.path) {
            return Ok(Builder::Uv(uv));
        }
        Interpreter::find(wanted, settings).map(Builder::Venv).ok_or_else(|| {
            Error::new(ErrorCode::UnsupportedModel, "no Python is found on this machine")
                .hint("install uv, or python3 with its module venv, where the PATH of the server finds it")
        })
    }
}

/// The version of Python in a model's `python_env.yaml`, as `3.11`.
pub(crate) fn wanted_version(text: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_prefix("python:"))?;
    let mut parts = line.trim().trim_matches(['"', '\'']).split('.');
    let (major, minor) = (parts.next()?, parts.next()?);
    let fits = major == "3" && !minor.is_empty() && minor.len() < 3 && minor.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| format!("3.{minor}"))
}

/// The interpreter of the environment with these requirements, which is built when it is not there.
///
/// # Errors
/// `UnsupportedModel` when it cannot be built; `StorageFull` or `Unavailable` when it cannot be written.
pub(crate) fn prepare(lines: &[String], wanted: Option<&str>, settings: &PythonSettings) -> Result<PathBuf> {
    let builder = Builder::find(wanted, settings)?;
    let version = match &builder {
        Builder::Uv(_) => wanted.unwrap_or("any").to_owned(),
        Builder::Venv(python) => python.minor(),
    };
    if let (Builder::Venv(python), Some(wanted)) = (&builder, wanted.filter(|wanted| *wanted != version)) {
        tracing::warn!(wanted, found = python.version, "the model was made with another version of Python");
    }
    let key = Sha256::digest(format!("{}\npython {version}\n", lines.join("\n")));
    let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    let environments = settings.cache.join("envs");
    fs::create_dir_all(&environments).map_err(|error| written(error, &environments))?;
    let folder = environments.join(&key);
    let python = folder.join("bin/python");
    let lock = environments.join(format!("{key}.lock"));
    // The lock goes with the file, also when the process dies.
    let lock_file = File::create(&lock).map_err(|error| written(error, &lock))?;
    lock_file.lock().map_err(|error| written(error, &lock))?;
    if folder.join(WHOLE).is_file() && python.is_file() {
        return Ok(python);
    }
    crate::folder::remove(&folder).map_err(|error| written(error, &folder))?;
    tracing::info!(packages = lines.len(), folder = %folder.display(), "an environment is built for a model");
    if let Err(error) = build(&builder, lines, wanted, &folder, settings) {
        crate::folder::remove(&folder).map_err(|error| written(error, &folder))?;
        return Err(error);
    }
    File::create(folder.join(WHOLE)).and_then(|file| file.sync_all()).map_err(|error| written(error, &folder))?;
    Ok(python)
}

fn build(
    builder: &Builder,
    lines: &[String],
    wanted: Option<&str>,
    folder: &Path,
    settings: &PythonSettings,
) -> Result<()> {
    let home = tempfile::Builder::new().prefix("flyball-build-").tempdir().map_err(Error::internal)?;
    let list = home.path().join("requirements.txt");
    fs::write(&list, lines.join("\n")).map_err(|error| written(error, &list))?;
    let packages = settings.cache.join("packages");
    let tool = |program: &Path| {
        let mut command = command::bare(program, &settings.path);
        command.current_dir(home.path()).env("HOME", home.path()).env("TMPDIR", home.path());
        command.env("PIP_CACHE_DIR", &packages).env("UV_CACHE_DIR", &packages).env("PIP_NO_INPUT", "1");
        command.env("PIP_DISABLE_PIP_VERSION_CHECK", "1").env("UV_LINK_MODE", "copy");
        command.envs(settings.index.iter().map(|(name, value)| (name, value)));
        command
    };
    let python = folder.join("bin/python");
    let (mut make, mut install) = match builder {
        Builder::Uv(uv) => {
            let mut make = tool(uv);
            make.args(["venv", "--no-project", "--no-config"]);
            if let Some(version) = wanted {
                make.args(["--python", version]);
            }
            let mut install = tool(uv);
            install.args(["pip", "install", "--no-config", "--python"]).arg(&python);
            (make, install)
        }
        Builder::Venv(base) => {
            let mut make = tool(&base.path);
            make.args(["-I", "-m", "venv"]);
            let mut install = tool(&python);
            install.args(["-I", "-m", "pip", "install"]);
            (make, install)
        }
    };
    make.arg(folder);
    if !settings.source_builds {
        install.args(["--only-binary", ":all:"]);
    }
    install.arg("-r").arg(&list);
    step(make, settings.build_timeout, settings)?;
    if lines.is_empty() { Ok(()) } else { step(install, settings.build_timeout, settings) }
}

fn step(command: Command, within: Duration, settings: &PythonSettings) -> Result<()> {
    let ended = command::run(command, within).map_err(|error| refused(&error.to_string(), settings))?;
    if ended.well() {
        return Ok(());
    }
    let told = ended.output.lines().rev().find(|line| line.starts_with("ERROR") || line.contains("error:"));
    let told = match (ended.status, told) {
        (None, _) => format!("it took more than {} s", within.as_secs()),
        (_, Some(line)) => crate::log::shown(line.trim()),
        (_, None) => last_line(&ended.output),
    };
    Err(refused(&told, settings).cause(ended.output))
}

fn refused(told: &str, settings: &PythonSettings) -> Error {
    let error = Error::new(ErrorCode::UnsupportedModel, format!("the model's environment cannot be built: {told}"));
    error.hint(if settings.source_builds {
        "look at requirements.txt of the model, and at the package index that the server uses"
    } else {
        "look at requirements.txt of the model, and at the package index that the server uses; packages that are only \
         there as source need the setting that allows to build them"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_python_is_read() {
        let text = "python: 3.11.7\nbuild_dependencies:\n- pip==23.2.1\n";
        assert_eq!(wanted_version(text).as_deref(), Some("3.11"));
        assert_eq!(wanted_version("python: '3.9'\n").as_deref(), Some("3.9"));
        for bad in ["", "python: 2.7.18", "python: 3.--x", "python: 3.11/../../x", "python: latest"] {
            let version = wanted_version(bad);
            assert!(version.as_deref().is_none_or(|version| version == "3.11"), "{bad}");
        }
    }
}
