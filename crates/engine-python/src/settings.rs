//! What the operator decides.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// How models are run. Only `cache` has no default.
#[derive(Clone)]
pub struct PythonSettings {
    /// The folder of models, environments and scratch folders; made when it is missing.
    pub cache: PathBuf,
    /// The interpreter for every model, as it is; without one, each model gets an environment of its own.
    pub python: Option<PathBuf>,
    /// Where programs are looked for, as in `PATH`.
    pub path: OsString,
    /// How many processes a model has.
    pub workers: usize,
    /// The most memory that a process may ask for, in bytes; 0 is no limit, which models on graphics cards need.
    pub memory: u64,
    /// The longest that a request may take, whatever its caller allows.
    pub deadline: Duration,
    /// The longest that loading a model may take.
    pub start_timeout: Duration,
    /// The longest that building an environment may take.
    pub build_timeout: Duration,
    /// How long a process may idle before it is stopped; the next request starts it again.
    pub idle_after: Option<Duration>,
    /// Variables that say where packages come from (`PIP_INDEX_URL`, `UV_INDEX_URL`, `HTTPS_PROXY`). Only the building
    /// of environments sees them, never a model.
    pub index: Vec<(String, String)>,
    /// Whether packages may be built from source, which runs code of theirs outside of any walls.
    pub source_builds: bool,
    /// Whether models may use the network.
    pub network: bool,
    /// Folders that models may read besides their own, the interpreter's and the system's libraries.
    pub readable: Vec<PathBuf>,
}

/// Most processes of one model.
pub(crate) const MOST_WORKERS: usize = 16;

impl PythonSettings {
    /// The settings of most installations.
    pub fn new(cache: impl Into<PathBuf>) -> Self {
        Self {
            cache: cache.into(),
            python: None,
            path: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".into(),
            workers: 1,
            memory: 4 << 30,
            deadline: Duration::from_secs(60),
            start_timeout: Duration::from_secs(120),
            build_timeout: Duration::from_secs(20 * 60),
            idle_after: None,
            index: Vec::new(),
            source_builds: false,
            network: false,
            readable: Vec::new(),
        }
    }
}

impl fmt::Debug for PythonSettings {
    /// Addresses of indexes hold passwords, so of those only the names are shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let index: Vec<&str> = self.index.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("PythonSettings")
            .field("cache", &self.cache)
            .field("python", &self.python)
            .field("workers", &self.workers)
            .field("memory", &self.memory)
            .field("deadline", &self.deadline)
            .field("start_timeout", &self.start_timeout)
            .field("build_timeout", &self.build_timeout)
            .field("idle_after", &self.idle_after)
            .field("index", &index)
            .field("source_builds", &self.source_builds)
            .field("network", &self.network)
            .field("readable", &self.readable)
            .finish_non_exhaustive()
    }
}
