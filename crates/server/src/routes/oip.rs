//! The Open Inference Protocol V2.

pub(crate) mod infer;
pub(crate) mod model;
pub(crate) mod server;
pub(crate) mod triton;
