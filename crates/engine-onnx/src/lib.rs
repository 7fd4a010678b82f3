//! ONNX Runtime as an engine: the library is found on the machine when a model needs it.
//!
//! A graph is read as a message first: its tensors may only come from the model's own files, and the maps that scikit-learn
//! puts behind its probabilities are taken away. ONNX Runtime gets one message in memory and never opens a path.

mod engine;
mod errors;
mod graph;
mod install;
mod library;
mod model;
mod places;
mod pool;
mod signature;
mod values;
mod watchdog;

pub use engine::OnnxRuntime;
pub use install::{Index, Installed, Source, VERSION, install};
pub use places::Places;
