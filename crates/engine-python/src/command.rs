//! Runs tools: interpreters and installers, never a model.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::log::Log;

/// How a tool ended.
pub(crate) struct Ended {
    /// `None` when it took too long.
    pub(crate) status: Option<ExitStatus>,
    /// The end of what it printed.
    pub(crate) output: String,
}

impl Ended {
    /// Whether it did what it should.
    pub(crate) fn well(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }
}

/// A command with an empty environment but for the search path.
#[expect(clippy::disallowed_methods, reason = "this engine is made of processes; none of them runs a user's command")]
pub(crate) fn bare(program: &Path, path: &OsStr) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", path).env("LANG", "C.UTF-8").stdin(Stdio::null()).process_group(0);
    command
}

/// Runs a command to its end, with all that it started.
pub(crate) fn run(mut command: Command, within: Duration) -> std::io::Result<Ended> {
    let (reader, writer) = std::io::pipe()?;
    let mut child = command.stdout(writer.try_clone()?).stderr(writer).spawn()?;
    // The command holds the ends for writing; the output would never end while it lives.
    let program = command.get_program().to_owned();
    drop(command);
    let log = Log::drain(reader)?;
    if log.wait(within) {
        return Ok(Ended { status: Some(child.wait()?), output: log.text() });
    }
    tracing::warn!(program = %Path::new(&program).display(), "a command took too long and is ended");
    end_group(child.id());
    child.kill()?;
    child.wait()?;
    log.wait(Duration::from_secs(1));
    Ok(Ended { status: None, output: log.text() })
}

/// The standard library can end a process, not a group of them; the tool `kill` can.
fn end_group(group: u32) {
    let mut kill = bare(Path::new("kill"), OsStr::new("/usr/bin:/bin"));
    kill.args(["-KILL", "--", &format!("-{group}")]).stdout(Stdio::null()).stderr(Stdio::null());
    if let Err(error) = kill.status() {
        tracing::warn!(%error, "what a command started cannot be ended");
    }
}

/// The program of a name in the search path.
pub(crate) fn find(name: &str, path: &OsStr) -> Option<PathBuf> {
    let runs = |file: &PathBuf| {
        std::fs::metadata(file).is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
    };
    std::env::split_paths(path).map(|folder| folder.join(name)).find(runs)
}
