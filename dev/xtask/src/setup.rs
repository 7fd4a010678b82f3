//! Sets up what the tests need and the toolchain does not bring: a Python environment with the peers, PostgreSQL, and a
//! browser. What may not be installed here is named exactly; nothing is skipped.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run::{self, command, has, output, root};

/// What the tests find in their environment.
pub(crate) struct Environment {
    /// A Python that has everything in dev/python/requirements.txt.
    pub(crate) python: PathBuf,
}

/// Makes sure that everything is there.
pub(crate) fn run() -> Result<Environment> {
    debian(&["postgresql", "chromium"])?;
    Ok(Environment { python: python()? })
}

/// The folder for things that are kept between runs: beside the build.
fn kept() -> PathBuf {
    std::env::var("CARGO_TARGET_DIR").map_or_else(|_| root().join("target"), PathBuf::from)
}

/// The Python of the tests.
pub(crate) fn python() -> Result<PathBuf> {
    environment("python", "dev/python/requirements.txt", (11, 99))
}

/// The Python of a virtual environment with these requirements, kept as `name` between runs; made on first use, and anew
/// when the requirements change. `minors` are the oldest and newest minor versions of Python 3 that fit.
pub(crate) fn environment(name: &str, requirements: &str, minors: (u8, u8)) -> Result<PathBuf> {
    let requirements = root().join(requirements);
    let wanted = std::fs::read_to_string(&requirements).with_context(|| requirements.display().to_string())?;
    let folder = kept().join(name);
    let (python, stamp) = (folder.join("bin/python"), folder.join("requirements.installed"));
    if python.exists() && std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    let (oldest, newest) = minors;
    // A name on the PATH may be a shim for a version that is not active: what counts is that it runs.
    let fits = |name: &&str| {
        let test =
            format!("import sys, venv, ensurepip; assert (3, {oldest}) <= sys.version_info[:2] <= (3, {newest})");
        output(Command::new(name).args(["-c", &test])).is_some()
    };
    let base = ["python3", "python3.13", "python3.12", "python3.11"].into_iter().find(fits).with_context(|| {
        let range = if newest > 50 { "or newer".to_owned() } else { format!("to 3.{newest}") };
        format!("Python 3.{oldest} {range} with venv is needed; install it (Debian: python3 python3-venv)")
    })?;
    run::run(command(&[base, "-m", "venv", "--clear"]).arg(&folder))?;
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(&requirements);
    run::run(&mut install)?;
    std::fs::write(&stamp, wanted)?;
    Ok(python)
}

/// Debian packages: installed when we may, named when we may not.
fn debian(packages: &[&str]) -> Result<()> {
    let missing: Vec<&str> = packages.iter().copied().filter(|package| !installed(package)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let root_user = output(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0");
    if !(root_user && has("apt-get")) {
        bail!(
            "the tests need {}; install it, on Debian with: sudo apt-get install -y {}",
            missing.join(" and "),
            missing.join(" ")
        );
    }
    run::run(&mut command(&["apt-get", "update", "-qq"]))?;
    let mut install = command(&["apt-get", "install", "-y", "-qq", "--no-install-recommends"]);
    install.args(&missing).env("DEBIAN_FRONTEND", "noninteractive").stdout(std::process::Stdio::null());
    run::run(&mut install)
}

fn installed(package: &str) -> bool {
    match package {
        "postgresql" => {
            has("initdb") || output(Command::new("sh").args(["-c", "ls /usr/lib/postgresql/*/bin/initdb"])).is_some()
        }
        program => has(program),
    }
}
