//! Tests of the engine through its public interface, against ONNX Runtime's own Python.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod busy;
#[cfg(test)]
mod common;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod maps;
