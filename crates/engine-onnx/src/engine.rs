//! The engine.

use std::sync::{Arc, OnceLock};

use flyball_core::Result;
use flyball_core::model::{Engine, Loaded};
use flyball_core::package::{Format, Package};

use crate::library::Library;
use crate::model::OnnxModel;
use crate::places::Places;

/// Most sessions of a model where nobody says: more of them take more memory than they gain.
const MOST_SESSIONS: usize = 4;

/// Runs ONNX graphs of any kind with ONNX Runtime.
pub struct OnnxRuntime {
    places: Places,
    sessions: usize,
    opened: OnceLock<Library>,
}

impl OnnxRuntime {
    /// The engine. The library is looked for when it is first needed.
    pub fn new(places: Places) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { places, sessions: cores.min(MOST_SESSIONS), opened: OnceLock::new() }
    }

    /// The same with so many requests that a model answers at the same time.
    #[must_use]
    pub fn with_sessions(mut self, sessions: usize) -> Self {
        self.sessions = sessions.max(1);
        self
    }

    fn open(&self) -> Result<&Library> {
        if let Some(library) = self.opened.get() {
            return Ok(library);
        }
        // A failure is not kept: the library may be installed while the process runs.
        let library = Library::open(&self.places)?;
        Ok(self.opened.get_or_init(|| library))
    }
}

impl Engine for OnnxRuntime {
    fn name(&self) -> &'static str {
        "onnxruntime"
    }

    fn reads(&self, format: Format) -> bool {
        format == Format::Onnx
    }

    fn state(&self) -> Result<String> {
        self.open().map(Library::describe)
    }

    fn load(&self, package: &Package<'_>) -> Result<Loaded> {
        let library = self.open()?;
        Ok(Loaded::Tensors(Arc::new(OnnxModel::load(library, package, self.sessions)?)))
    }
}
