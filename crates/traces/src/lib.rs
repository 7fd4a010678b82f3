//! Traces: what happened inside a request, as a tree of timed spans, with what people and programs think of it.
//!
//! Spans come in batches, in any order and possibly more than once; a trace is made by whichever comes first, its spans or
//! its description. Spans are kept packed as they came; what searches ask of them stands beside in small rows. Evaluation
//! datasets and scorers, with which clients judge traces, are kept here too.

pub mod assessments;
pub mod datasets;
mod experiments;
pub mod ingest;
pub mod json_text;
mod labels;
mod model;
pub mod otlp;
pub mod read;
pub mod scorers;
pub mod search;
pub mod service;
mod span;
mod store;

pub use model::{Trace, TraceInfo, TraceState};
pub use span::Span;
