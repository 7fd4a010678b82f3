//! Runs a user's command as a step: a child process in a folder of its own.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use flyball_core::{Error, ErrorCode, Result, limits};

/// Environment variables of ours that a command may see. Everything else, secrets included, stays out.
const PASSED_ON: [&str; 7] = ["PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH"];

/// Splits a command line into arguments as a POSIX shell would, without running one.
pub fn arguments(line: &str) -> Result<Vec<String>> {
    match shlex::split(line) {
        Some(words) if !words.is_empty() => Ok(words),
        _ => Err(Error::new(ErrorCode::InvalidLoopFile, format!("'{line}' is not a command"))
            .hint("write a program and its arguments, for example: python train.py")),
    }
}

/// Runs a command in `folder` with the given variables and waits for it, at most `timeout`. A non-zero exit is
/// `CommandFailed` with the end of its output.
#[expect(clippy::disallowed_methods, reason = "this is the one place that starts processes and reads the environment")]
pub fn run(line: &str, folder: &Path, variables: &[(&str, String)], timeout: Duration) -> Result<String> {
    let words = arguments(line)?;
    let unavailable = |error: std::io::Error| {
        Error::new(ErrorCode::CommandFailed, format!("cannot run '{line}': {error}"))
            .hint("check that the program is installed and on the PATH")
    };
    let mut output = tempfile::tempfile().map_err(unavailable)?;
    let mut command = Command::new(&words[0]);
    command
        .args(&words[1..])
        .current_dir(folder)
        .env_clear()
        .envs(PASSED_ON.iter().filter_map(|name| Some((*name, std::env::var(name).ok()?))))
        .envs(variables.iter().map(|(name, value)| (*name, value.as_str())))
        .stdin(Stdio::null())
        .stdout(output.try_clone().map_err(unavailable)?)
        .stderr(output.try_clone().map_err(unavailable)?);
    let mut child = command.spawn().map_err(unavailable)?;
    let step = Duration::from_millis(20);
    let mut waited = Duration::ZERO;
    let status = loop {
        if let Some(status) = child.try_wait().map_err(unavailable)? {
            break status;
        }
        if waited >= timeout {
            child.kill().map_err(unavailable)?;
            child.wait().map_err(unavailable)?;
            return Err(Error::new(
                ErrorCode::CommandFailed,
                format!("'{line}' did not end within {} s and was stopped\n{}", timeout.as_secs(), tail(&mut output)?),
            ));
        }
        std::thread::sleep(step);
        waited += step;
    };
    let text = tail(&mut output)?;
    if status.success() {
        return Ok(text);
    }
    Err(Error::new(ErrorCode::CommandFailed, format!("'{line}' ended with {status}\n{text}"))
        .hint("the lines above are the end of its output"))
}

/// The last part of what a command printed.
fn tail(output: &mut File) -> Result<String> {
    let length = output.metadata().map_err(Error::internal)?.len();
    let start = length.saturating_sub(limits::COMMAND_OUTPUT_BYTES as u64);
    output.seek(SeekFrom::Start(start)).map_err(Error::internal)?;
    let mut bytes = Vec::new();
    output.read_to_end(&mut bytes).map_err(Error::internal)?;
    Ok(String::from_utf8_lossy(&bytes).trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_here(line: &str) -> Result<String> {
        run(line, &std::env::temp_dir(), &[("FLYBALL_SEED", "7".into())], Duration::from_secs(5))
    }

    #[test]
    fn arguments_are_split_without_a_shell() {
        assert_eq!(run_here("echo '$HOME; rm' \"a b\"").unwrap(), "$HOME; rm a b");
        assert!(arguments("echo 'open").is_err());
        assert!(arguments("  ").is_err());
    }

    #[test]
    fn a_failing_command_shows_the_end_of_its_output() {
        let error = run_here("sh -c 'echo before; exit 3'").unwrap_err();
        assert_eq!(error.code(), ErrorCode::CommandFailed);
        assert!(error.message().contains("before") && error.message().contains('3'), "{error}");
        assert!(run_here("no-such-program-here").unwrap_err().next_step().is_some());
    }

    #[test]
    fn only_the_allowed_environment_is_passed_on() {
        let seen = run_here("env").unwrap();
        assert!(seen.contains("FLYBALL_SEED=7") && !seen.contains("CARGO"), "{seen}");
    }
}
