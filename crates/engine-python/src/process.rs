//! One process of a model: how it starts, what it is asked, and how it ends.

use std::fs::File;
use std::io::{ErrorKind, IoSlice, Read};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use flyball_core::tensor::Tensor;
use flyball_core::{Clock, Error, ErrorCode, Result};
use tempfile::TempDir;

use crate::command;
use crate::folder::written;
use crate::isolation::{Isolation, NOBODY};
use crate::log::{Log, last_line, shown};
use crate::settings::PythonSettings;
use crate::wire::{Failure, Ready, Response, Timed};

/// Reads the rest of the program from the socket, so that no file can be changed under it and `ps` stays readable.
const BOOT: &str = "import socket\n\
    c=socket.socket(fileno=0)\n\
    exec(compile(c.recv(int.from_bytes(c.recv(4,256),'little'),256),'<flyball keeper>','exec'))";
const KEEPER: &str = concat!(include_str!("python/isolate.py"), include_str!("python/keeper.py"), "\nmain(c)\n");
const WORKER: &str =
    concat!(include_str!("python/tensors.py"), include_str!("python/contract.py"), include_str!("python/worker.py"));
/// How long a process that was told to end has before it is killed.
const END_TIME: Duration = Duration::from_secs(3);

/// All that a start needs.
pub(crate) struct Plan {
    pub(crate) python: PathBuf,
    pub(crate) folder: PathBuf,
    pub(crate) isolation: Isolation,
    pub(crate) settings: PythonSettings,
    pub(crate) clock: Arc<dyn Clock>,
}

/// What several threads know of a process.
pub(crate) struct Handle {
    data: UnixStream,
    life: UnixStream,
    pub(crate) id: u32,
    pub(crate) log: Arc<Log>,
    pub(crate) answered: AtomicBool,
    /// When it was last used, on the clock's monotonic scale.
    pub(crate) used: AtomicU64,
    told: Mutex<Option<String>>,
    ended: Condvar,
}

impl Handle {
    /// Ends the process and all that it started; others wait for that.
    pub(crate) fn kill(&self) {
        for socket in [&self.data, &self.life] {
            if let Err(error) = socket.shutdown(Shutdown::Both)
                && error.kind() != ErrorKind::NotConnected
            {
                tracing::warn!(%error, "a worker's socket cannot be shut");
            }
        }
    }

    /// How it ended, if it ends within a moment.
    fn end(&self) -> Option<String> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.ended.wait_timeout_while(told, Duration::from_secs(1), |told| told.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.clone()
    }
}

/// The folder of a process, removed with this; its lock says that somebody will do so.
struct Scratch {
    folder: TempDir,
    _lock: File,
}

/// A process as its supervisor holds it.
pub(crate) struct Running {
    child: Child,
    scratch: Scratch,
    pub(crate) handle: Arc<Handle>,
}

/// The way to ask a process; one at a time has it.
pub(crate) struct Connection {
    stream: UnixStream,
    last: u64,
    pub(crate) handle: Arc<Handle>,
}

/// Starts a process and waits until its model is loaded; `born` is told of it before that.
pub(crate) fn start(plan: &Plan, born: impl FnOnce(&Arc<Handle>)) -> Result<(Running, Connection, Ready)> {
    let until = plan.clock.monotonic_nanos() + nanos(plan.settings.start_timeout);
    let (running, connection) = spawn(plan)?;
    born(&connection.handle);
    let timed = Timed { stream: &connection.stream, clock: plan.clock.as_ref(), until };
    let answer = introduce(plan, running.scratch.folder.path(), &timed).and_then(|()| timed.response());
    let failed = match answer {
        Ok(Response { ready: Some(ready), .. }) => return Ok((running, connection, ready)),
        Ok(Response { error: Some(failure), .. }) => not_loaded(&failure),
        Ok(_) => unsupported("the model's process did not say that it is ready"),
        Err(error) if timed_out(&error) => {
            let seconds = plan.settings.start_timeout.as_secs();
            unsupported(&format!("the model took more than {seconds} s to load")).hint("allow it more time to start")
        }
        Err(_) => unsupported("the model's process ended while it loaded the model"),
    };
    let log = Arc::clone(&connection.handle.log);
    connection.handle.kill();
    let told = running.wait();
    log.wait(Duration::from_secs(1));
    let output = log.text();
    let failed = if failed.message().contains("process ended") {
        let message = format!("{} ({told}): {}", failed.message(), last_line(&output));
        unsupported(&message).hint("the log has what it printed; it may need more memory than its limit allows")
    } else {
        failed
    };
    Err(failed.cause(output))
}

fn spawn(plan: &Plan) -> Result<(Running, Connection)> {
    let settings = &plan.settings;
    let folder = settings.cache.join("scratch");
    std::fs::create_dir_all(&folder).map_err(|error| written(error, &folder))?;
    let scratch = tempfile::Builder::new().prefix("worker-").tempdir_in(&folder);
    let scratch = scratch.map_err(|error| written(error, &folder))?;
    let path = std::fs::canonicalize(scratch.path()).map_err(|error| written(error, &folder))?;
    let lock = File::open(&path).and_then(|lock| lock.lock().map(|()| lock)).map_err(|error| written(error, &path))?;
    let ours = std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700));
    ours.map_err(|error| written(error, &path))?;
    let not_started = |error: std::io::Error| {
        let message = format!("'{}' cannot be started: {error}", plan.python.display());
        Error::new(ErrorCode::UnsupportedModel, message).hint("look at the interpreter that is set for models")
    };
    let (data, theirs) = UnixStream::pair().map_err(not_started)?;
    let (life, their_life) = UnixStream::pair().map_err(not_started)?;
    let (output, their_output) = std::io::pipe().map_err(not_started)?;
    let own_programs = plan.python.parent().into_iter().map(Path::to_path_buf);
    let programs = std::env::join_paths(own_programs.chain(["/usr/local/bin", "/usr/bin", "/bin"].map(PathBuf::from)));
    let mut command = command::bare(&plan.python, &programs.map_err(Error::internal)?);
    command.args(["-I", "-B", "-u", "-c", BOOT, "flyball-model"]).arg(&plan.folder).current_dir(&path);
    command.envs([("HOME", &path), ("TMPDIR", &path)]);
    let one_thread = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"];
    command.envs(one_thread.map(|name| (name, "1")));
    command.envs([("MLFLOW_DISABLE_TELEMETRY", "true"), ("DO_NOT_TRACK", "true"), ("GIT_PYTHON_REFRESH", "quiet")]);
    if plan.isolation.nobody {
        std::os::unix::fs::chown(&path, Some(NOBODY), Some(NOBODY)).map_err(|error| written(error, &path))?;
        command.uid(NOBODY).gid(NOBODY);
    }
    command.stdin(OwnedFd::from(theirs)).stdout(OwnedFd::from(their_life)).stderr(their_output);
    let child = command.spawn().map_err(not_started)?;
    // Ours of their ends go with the command; only then does an end of theirs show as one.
    drop(command);
    let handle = Arc::new(Handle {
        data: data.try_clone().map_err(not_started)?,
        life,
        id: child.id(),
        log: Log::drain(output).map_err(not_started)?,
        answered: AtomicBool::new(false),
        used: AtomicU64::new(plan.clock.monotonic_nanos()),
        told: Mutex::new(None),
        ended: Condvar::new(),
    });
    let scratch = Scratch { folder: scratch, _lock: lock };
    let running = Running { child, scratch, handle: Arc::clone(&handle) };
    Ok((running, Connection { stream: data, last: 0, handle }))
}

/// Sends the programs and what they need to know.
fn introduce(plan: &Plan, scratch: &Path, timed: &Timed<'_>) -> std::io::Result<()> {
    let told = serde_json::json!({
        "folder": plan.folder,
        "scratch": scratch,
        "memory": plan.settings.memory,
        "network": plan.settings.network,
        "readable": plan.settings.readable,
        "namespaces": plan.isolation.namespaces,
        "landlock": plan.isolation.landlock,
        "source": WORKER,
    });
    for text in [KEEPER.to_owned(), told.to_string()] {
        let length = u32::try_from(text.len()).map_err(std::io::Error::other)?.to_le_bytes();
        timed.send(&mut [IoSlice::new(&length), IoSlice::new(text.as_bytes())])?;
    }
    Ok(())
}

impl Running {
    /// Waits until the process is gone, or says that it is to be looked at again after `pause` (`false`).
    pub(crate) fn rest(&self, pause: Option<Duration>) -> bool {
        if let Err(error) = self.handle.life.set_read_timeout(pause.map(|pause| pause.max(Duration::from_millis(10)))) {
            tracing::warn!(%error, "a worker cannot be waited for");
            return true;
        }
        loop {
            match (&self.handle.life).read(&mut [0; 16]) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return !timed_out(&error),
            }
        }
    }

    /// Waits for the end of a process that ends or was told to, and says how it ended.
    pub(crate) fn wait(mut self) -> String {
        let told = self.reap();
        *self.handle.told.lock().unwrap_or_else(PoisonError::into_inner) = Some(told.clone());
        self.handle.ended.notify_all();
        told
    }

    fn reap(&mut self) -> String {
        self.handle.kill();
        let (mut pause, mut waited) = (Duration::from_millis(1), Duration::ZERO);
        let status = loop {
            match self.child.try_wait() {
                Ok(None) if waited < END_TIME => {
                    std::thread::sleep(pause);
                    waited += pause;
                    pause = (pause * 2).min(Duration::from_millis(100));
                }
                Ok(None) => break self.child.kill().and_then(|()| self.child.wait()),
                Ok(Some(status)) => break Ok(status),
                Err(error) => break Err(error),
            }
        };
        match status.map(|status| status.code()) {
            Ok(Some(code)) if code > 128 => match code - 128 {
                9 => "killed".to_owned(),
                11 => "segmentation fault".to_owned(),
                signal => format!("signal {signal}"),
            },
            Ok(Some(code)) => format!("exit code {code}"),
            Ok(None) => "killed".to_owned(),
            Err(error) => error.to_string(),
        }
    }
}

/// How a request ended that has no outputs.
pub(crate) enum Failed {
    /// The process is as good as before.
    Answered(Error),
    /// The process is of no more use.
    Lost(Error),
}

impl Connection {
    /// Asks for an answer.
    pub(crate) fn ask(
        &mut self,
        inputs: &[Tensor],
        wanted: Option<&[&str]>,
        clock: &dyn Clock,
        within: Duration,
    ) -> Result<Vec<Tensor>, Failed> {
        self.last += 1;
        let timed = Timed { stream: &self.stream, clock, until: clock.monotonic_nanos() + nanos(within) };
        let answer = timed.request(self.last, inputs, wanted).and_then(|()| timed.response());
        let answer = answer.map_err(|error| Failed::Lost(self.lost(&error, within)))?;
        if answer.id != self.last {
            return Err(Failed::Lost(Error::new(ErrorCode::Unavailable, "the model's process mixed up its answers")));
        }
        if let Some(failure) = answer.error {
            return Err(Failed::Answered(not_answered(failure)));
        }
        self.handle.answered.store(true, Ordering::Relaxed);
        self.handle.used.store(clock.monotonic_nanos(), Ordering::Relaxed);
        tracing::trace!(nanoseconds = answer.nanoseconds, "a Python model answered");
        answer.tensors().map_err(Failed::Answered)
    }

    fn lost(&self, error: &std::io::Error, within: Duration) -> Error {
        self.handle.kill();
        if timed_out(error) {
            let message = format!("the model did not answer within {} s and was stopped", within.as_secs_f32());
            return Error::new(ErrorCode::DeadlineExceeded, message);
        }
        let how = self.handle.end().unwrap_or_else(|| error.to_string());
        self.handle.log.wait(Duration::from_millis(100));
        let message = format!("the model's process ended while it answered ({how})");
        Error::new(ErrorCode::Unavailable, message).cause(self.handle.log.text())
    }
}

fn not_answered(failure: Failure) -> Error {
    let (code, message) = match failure.code.as_str() {
        "invalid_input" => (ErrorCode::InvalidInput, failure.message),
        "memory" => (ErrorCode::LimitExceeded, format!("the model needs more memory than it may: {}", failure.message)),
        _ => (ErrorCode::InvalidData, format!("the model failed with these inputs: {}", failure.message)),
    };
    Error::new(code, shown(&message)).cause(failure.trace)
}

fn not_loaded(failure: &Failure) -> Error {
    let error = unsupported(&format!("the model cannot be loaded: {}", failure.message));
    match failure.missing.as_deref().map(shown) {
        Some(module) => error.hint(format!(
            "the environment lacks the module '{module}'; add its package to requirements.txt of the model"
        )),
        None => error.hint("the log has the whole trace; the versions in requirements.txt of the model must fit it"),
    }
}

fn unsupported(message: &str) -> Error {
    Error::new(ErrorCode::UnsupportedModel, shown(message))
}

fn timed_out(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

pub(crate) fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX / 2).min(u64::MAX / 2)
}
