//! The binary, a project folder to run it in, and a server that is stopped at the end of its test.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use ureq::http::Response;
use ureq::{Agent, Body};

/// The binary under test.
pub(crate) fn binary() -> PathBuf {
    let path = std::env::var_os("FLYBALL_BIN").map(PathBuf::from);
    let path = path.unwrap_or_else(|| panic!("run `cargo xtask test`, or set FLYBALL_BIN to the binary"));
    path.canonicalize().unwrap_or_else(|error| panic!("FLYBALL_BIN is {}: {error}", path.display()))
}

/// A Python with the stock clients.
pub(crate) fn python() -> PathBuf {
    let path = std::env::var_os("FLYBALL_PYTHON").map(PathBuf::from);
    path.unwrap_or_else(|| panic!("run `cargo xtask test`, or set FLYBALL_PYTHON to a Python with the stock clients"))
}

/// The root of the checkout.
pub(crate) fn root() -> PathBuf {
    // Asked when it runs, not built in: the build folder is shared between checkouts.
    Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).ancestors().nth(2).unwrap().to_owned()
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Waits for a command.
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The error object that `--json` prints; log lines may stand before it.
    pub(crate) fn error(&self) -> Value {
        let last = self.stderr.lines().last().unwrap_or_default();
        let value: Value = serde_json::from_str(last).unwrap_or_else(|_| panic!("no JSON error: {self:?}"));
        value["error"].clone()
    }
}

/// A folder with a project.
pub(crate) struct Project {
    folder: TempDir,
}

impl Project {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A copy of an example.
    pub(crate) fn of_example(name: &str) -> Self {
        let project = Self::new();
        copy(&root().join("examples").join(name), project.path());
        project
    }

    /// One with these files.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let project = Self::new();
        for (name, text) in files {
            project.write(name, text);
        }
        project
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The command `flyball` with these words, as started in the project.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.args(words).current_dir(self.path());
        for variable in ["FLYBALL_PROJECT", "FLYBALL_DATA_DIR", "FLYBALL_DATABASE", "FLYBALL_ARTIFACTS", "FLYBALL_LOG"]
        {
            command.env_remove(variable);
        }
        // What this machine has in its cache must not decide how a test ends.
        command.env("FLYBALL_CACHE_DIR", self.path().join("cache"));
        command
    }

    /// Runs `flyball` to its end.
    pub(crate) fn run(&self, words: &[&str]) -> Ended {
        Ended::of(&mut self.command(words))
    }

    /// Runs it, expects it to succeed, and answers what it printed.
    pub(crate) fn done(&self, words: &[&str]) -> String {
        let ended = self.run(words);
        assert_eq!(ended.code, Some(0), "{words:?}: {ended:?}");
        ended.stdout
    }

    /// The same with `--json`.
    pub(crate) fn json(&self, words: &[&str]) -> Value {
        let stdout = self.done(&[words, &["--json"]].concat());
        serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{words:?}: {error}: {stdout}"))
    }

    /// Runs it with `--json`, expects it to fail, and answers its error.
    pub(crate) fn refused(&self, words: &[&str]) -> Value {
        let ended = self.run(&[words, &["--json"]].concat());
        assert_eq!(ended.code, Some(1), "{words:?}: {ended:?}");
        assert_eq!(ended.stdout, "", "a failed command prints no result");
        ended.error()
    }

    /// Starts a server on a free port and waits for its address.
    pub(crate) fn serve(&self) -> Server {
        self.serve_with(&[])
    }

    /// The same with options.
    pub(crate) fn serve_with(&self, options: &[&str]) -> Server {
        let words = [&["serve", "--port", "0"], options].concat();
        let mut child = self.command(&words).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split_whitespace().last().unwrap_or_default().to_owned();
        assert!(address.starts_with("http://127.0.0.1:"), "the line with the address: {line:?}");
        let config =
            Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(30))).build();
        Server { child, address, agent: config.into() }
    }
}

/// A server in the background; killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    agent: Agent,
}

impl Server {
    /// Status and body of a GET.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        let mut answer = self.agent.get(format!("{}{path}", self.address)).call().unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    }

    /// The JSON of a GET that succeeds.
    pub(crate) fn get_json(&self, path: &str) -> Value {
        let (status, body) = self.get(path);
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Status and JSON of a POST.
    pub(crate) fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.post_with(path, &[], body)
    }

    /// The same with headers.
    pub(crate) fn post_with(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> (u16, Value) {
        let request = self.agent.post(format!("{}{path}", self.address));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        told(request.send_json(body).unwrap())
    }

    /// Status and JSON of a PUT.
    pub(crate) fn put(&self, path: &str, body: &Value) -> (u16, Value) {
        told(self.agent.put(format!("{}{path}", self.address)).send_json(body).unwrap())
    }

    /// The number of its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to terminate and answers its exit code.
    pub(crate) fn terminate(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

fn told(mut answer: Response<Body>) -> (u16, Value) {
    let text = answer.body_mut().read_to_string().unwrap();
    (answer.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that was asked to terminate has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Copies a folder, without the state that someone may have left in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_name() == ".flyball" {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
