//! Runs an ignored test of this binary as a process of its own, to be killed.

#![expect(clippy::disallowed_methods, reason = "these tests are about processes")]

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

/// The environment variable that tells the child what to work on.
const SUBJECT: &str = "FLYBALL_TEST_CHILD";

/// Starts the ignored test `name` with `subject`; its output comes line by line.
pub(crate) fn spawn(name: &str, subject: &str) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--ignored", "--nocapture", "--test-threads=1"])
        .env(SUBJECT, subject)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

/// What the child works on, when this process is one.
pub(crate) fn subject() -> Option<String> {
    std::env::var(SUBJECT).ok()
}
