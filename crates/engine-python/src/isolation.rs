//! Which walls can be put around models on this machine.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use crate::command::{self, Ended};
use crate::settings::PythonSettings;

/// The user and group that have nothing.
pub(crate) const NOBODY: u32 = 65534;
/// How long trying may take.
const TRY_TIME: Duration = Duration::from_secs(30);

const SCRIPT: &str = include_str!("python/isolate.py");

/// The walls that are in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Isolation {
    /// Kinds of namespaces that a worker has of its own.
    pub(crate) namespaces: Vec<String>,
    /// Whether the kernel can leave only some folders in reach.
    pub(crate) landlock: bool,
    /// Whether workers run as nobody.
    #[serde(default)]
    pub(crate) nobody: bool,
}

impl Isolation {
    /// Tries what can be had with this interpreter.
    pub(crate) fn probe(python: &Path, folder: &Path, settings: &PythonSettings) -> Self {
        let nobody = is_root() && reads_as_nobody(python, folder, settings);
        let mut command = command::bare(python, &settings.path);
        let network = if settings.network { "True" } else { "False" };
        command.current_dir("/").args(["-I", "-B", "-c", &format!("{SCRIPT}\nprint(probe({network}))")]);
        if nobody {
            command.uid(NOBODY).gid(NOBODY);
        }
        let ended = command::run(command, TRY_TIME).ok().filter(Ended::well);
        let found = ended.and_then(|ended| serde_json::from_str(ended.output.lines().last()?).ok());
        let found = Self { nobody, ..found.unwrap_or_default() };
        found.warn(settings);
        found
    }

    fn warn(&self, settings: &PythonSettings) {
        let has = |name: &str| self.namespaces.iter().any(|own| own == name);
        if !settings.network && !has("net") {
            tracing::warn!(
                isolation = %self,
                "this machine gives no network namespaces, so Python models could use the network; allow user namespaces"
            );
        }
        if !has("pid") && !self.landlock {
            tracing::warn!(isolation = %self, "Python models run with few walls on this machine");
        }
        if is_root() && !self.nobody && !self.landlock {
            tracing::warn!(
                "Python models run as root, because nobody cannot read the interpreter or the model; run the server as a \
                 user of its own"
            );
        }
    }
}

impl std::fmt::Display for Isolation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut words = String::new();
        if !self.namespaces.is_empty() {
            write!(words, "namespaces {}", self.namespaces.join("+"))?;
        }
        for (there, word) in [(self.landlock, "landlock"), (self.nobody, "user nobody")] {
            if there {
                write!(words, "{}{word}", if words.is_empty() { "" } else { ", " })?;
            }
        }
        f.write_str(if words.is_empty() { "limits only" } else { &words })
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|about| about.uid() == 0)
}

fn reads_as_nobody(python: &Path, folder: &Path, settings: &PythonSettings) -> bool {
    let mut command = command::bare(python, &settings.path);
    command.current_dir("/").uid(NOBODY).gid(NOBODY);
    command.args(["-I", "-B", "-c", "import ctypes, os, sys; os.listdir(sys.argv[1])"]).arg(folder);
    command::run(command, TRY_TIME).is_ok_and(|ended| ended.well())
}
