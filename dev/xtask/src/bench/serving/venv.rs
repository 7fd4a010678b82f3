//! Python environments, one for each peer: their requirements exclude each other.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::run::{self, command, output, root};

/// The Python of an environment that `dev/bench/serving/NAME.txt` describes; made on first use, and anew when that changes.
pub(super) fn python(name: &str) -> Result<PathBuf> {
    let requirements = root().join(format!("dev/bench/serving/{name}.txt"));
    let wanted = std::fs::read_to_string(&requirements).with_context(|| requirements.display().to_string())?;
    let kept = std::env::var("CARGO_TARGET_DIR").map_or_else(|_| root().join("target"), PathBuf::from);
    let folder = kept.join("serving-peers").join(name);
    let (python, stamp) = (folder.join("bin/python"), folder.join("requirements.installed"));
    if python.exists() && std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    // MLServer takes no newer one, NumPy no older one. A name on the PATH may be a shim for a version that is not active.
    let fits = |name: &&str| {
        let test = "import sys, venv, ensurepip; assert (3, 11) <= sys.version_info < (3, 13)";
        output(Command::new(name).args(["-c", test])).is_some()
    };
    let base = ["python3", "python3.12", "python3.11"]
        .into_iter()
        .find(fits)
        .context("Python 3.11 or 3.12 with venv is needed for the peers; install it")?;
    run::run(command(&[base, "-m", "venv", "--clear"]).arg(&folder))?;
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(&requirements);
    run::run(&mut install)?;
    std::fs::write(&stamp, wanted)?;
    Ok(python)
}
