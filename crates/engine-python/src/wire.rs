//! Frames between the server and a worker: `u32` length of the JSON, `u64` length of the body, both little-endian, the
//! JSON as in the Open Inference Protocol, and the tensors' bytes one behind the other in its binary layout.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use bytes::Bytes;
use flyball_core::tensor::{DataType, Tensor, TensorData};
use flyball_core::{Clock, Error, Result};
use serde::{Deserialize, Serialize};

/// Largest JSON of an answer: thousands of tensors.
const MOST_HEAD: usize = 8 << 20;
/// Largest body of an answer.
const MOST_BODY: u64 = 1 << 30;
/// How much is read at first: most answers come with one call.
const FIRST_READ: usize = 16 * 1024;

#[derive(Serialize)]
struct Request<'a> {
    id: u64,
    inputs: Vec<RequestTensor<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outputs: Option<&'a [&'a str]>,
}

#[derive(Serialize)]
struct RequestTensor<'a> {
    name: &'a str,
    datatype: DataType,
    shape: &'a [usize],
    parameters: Size,
}

#[derive(Serialize, Deserialize)]
struct Size {
    binary_data_size: usize,
}

#[derive(Deserialize)]
struct ResponseTensor {
    name: String,
    datatype: DataType,
    shape: Vec<usize>,
    parameters: Size,
}

/// What a worker answers.
#[derive(Deserialize)]
pub(crate) struct Response {
    /// That of the request.
    #[serde(default)]
    pub(crate) id: u64,
    /// What the model itself took.
    #[serde(default)]
    pub(crate) nanoseconds: u64,
    #[serde(default)]
    outputs: Vec<ResponseTensor>,
    /// Why there are no outputs.
    #[serde(default)]
    pub(crate) error: Option<Failure>,
    /// The first message: the model is loaded.
    #[serde(default)]
    pub(crate) ready: Option<Ready>,
    #[serde(skip)]
    body: Bytes,
}

/// How something failed in a worker.
#[derive(Debug, Deserialize)]
pub(crate) struct Failure {
    /// Whose fault it is: `invalid_input`, `memory`, `model` or `start`.
    pub(crate) code: String,
    /// For the caller.
    pub(crate) message: String,
    /// For the log.
    #[serde(default)]
    pub(crate) trace: String,
    /// The module that was not found.
    #[serde(default)]
    pub(crate) missing: Option<String>,
}

/// The contract of a loaded model, and what loaded it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Ready {
    /// The contract.
    pub(crate) signature: flyball_core::tensor::TensorSignature,
    /// The version of Python.
    pub(crate) python: String,
    /// The version of MLflow.
    pub(crate) mlflow: String,
}

/// One side of the socket, with a moment at which patience ends.
pub(crate) struct Timed<'a> {
    pub(crate) stream: &'a UnixStream,
    pub(crate) clock: &'a dyn Clock,
    /// On the clock's monotonic scale.
    pub(crate) until: u64,
}

impl Timed<'_> {
    fn left(&self) -> io::Result<Option<Duration>> {
        match self.until.saturating_sub(self.clock.monotonic_nanos()) {
            0 => Err(ErrorKind::TimedOut.into()),
            left => Ok(Some(Duration::from_nanos(left.max(1000)))),
        }
    }

    fn some(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(self.left()?)?;
        loop {
            match (&mut &*self.stream).read(buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    fn fill(&self, buffer: &mut [u8], mut have: usize) -> io::Result<()> {
        while have < buffer.len() {
            have += self.some(&mut buffer[have..])?;
        }
        Ok(())
    }

    /// Writes all parts, many with one call.
    pub(crate) fn send(&self, parts: &mut [IoSlice<'_>]) -> io::Result<()> {
        self.stream.set_write_timeout(self.left()?)?;
        let mut left = parts;
        IoSlice::advance_slices(&mut left, 0);
        while !left.is_empty() {
            match (&mut &*self.stream).write_vectored(left) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => IoSlice::advance_slices(&mut left, count),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Sends a request.
    pub(crate) fn request(&self, id: u64, inputs: &[Tensor], outputs: Option<&[&str]>) -> io::Result<()> {
        let texts: Vec<Option<Vec<u8>>> = inputs.iter().map(with_lengths).collect();
        let parts = inputs.iter().zip(&texts).map(|(tensor, texts)| match (tensor.data(), texts) {
            (TensorData::Packed(bytes), _) => bytes.as_ref(),
            (TensorData::Texts(_), texts) => texts.as_deref().unwrap_or_default(),
        });
        let parts: Vec<&[u8]> = parts.collect();
        let told = inputs.iter().zip(&parts).map(|(tensor, part)| RequestTensor {
            name: tensor.name(),
            datatype: tensor.datatype(),
            shape: tensor.shape(),
            parameters: Size { binary_data_size: part.len() },
        });
        let mut head = vec![0; 12];
        serde_json::to_writer(&mut head, &Request { id, inputs: told.collect(), outputs })?;
        let length = u32::try_from(head.len() - 12).map_err(io::Error::other)?;
        head[..4].copy_from_slice(&length.to_le_bytes());
        let body: usize = parts.iter().map(|part| part.len()).sum();
        head[4..12].copy_from_slice(&(body as u64).to_le_bytes());
        let mut slices = Vec::with_capacity(parts.len() + 1);
        slices.push(IoSlice::new(&head));
        slices.extend(parts.iter().filter(|part| !part.is_empty()).map(|part| IoSlice::new(part)));
        self.send(&mut slices)
    }

    /// Receives an answer.
    pub(crate) fn response(&self) -> io::Result<Response> {
        let mut first = vec![0; FIRST_READ];
        let mut have = 0;
        while have < 12 {
            have += self.some(&mut first[have..])?;
        }
        let (head, body) = (number(&first[..4]) as usize, number(&first[4..12]));
        if head > MOST_HEAD || body > MOST_BODY {
            return Err(io::Error::new(ErrorKind::InvalidData, "the answer is too large"));
        }
        let (start, end) = (12 + head, 12 + head + body as usize);
        if have > end {
            return Err(io::Error::new(ErrorKind::InvalidData, "there is more than one answer"));
        }
        // Fresh memory for a long answer is cheap, because the system hands out pages when they are written.
        let mut whole = if end > first.len() { vec![0; end] } else { std::mem::take(&mut first) };
        if !first.is_empty() {
            whole[..have].copy_from_slice(&first[..have]);
        }
        whole.truncate(end);
        self.fill(&mut whole, have)?;
        let whole = Bytes::from(whole);
        let mut response: Response = serde_json::from_slice(&whole[12..start])?;
        response.body = whole.slice(start..);
        Ok(response)
    }
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
}

/// The bytes of texts, each behind its length.
fn with_lengths(tensor: &Tensor) -> Option<Vec<u8>> {
    let TensorData::Texts(texts) = tensor.data() else { return None };
    let mut bytes = Vec::with_capacity(texts.iter().map(|text| text.len() + 4).sum());
    for text in texts {
        bytes.extend((text.len() as u32).to_le_bytes());
        bytes.extend(text.as_ref());
    }
    Some(bytes)
}

impl Response {
    /// The outputs, which share the memory of the answer.
    pub(crate) fn tensors(&self) -> Result<Vec<Tensor>> {
        let broken = || Error::internal("a worker's answer does not have the lengths that it tells");
        let mut start = 0;
        self.outputs
            .iter()
            .map(|told| {
                let end = start + told.parameters.binary_data_size.min(self.body.len());
                if end > self.body.len() {
                    return Err(broken());
                }
                let bytes = self.body.slice(start..end);
                start = end;
                let data = match told.datatype {
                    DataType::Bytes => TensorData::Texts(texts(&bytes).ok_or_else(broken)?),
                    _ => TensorData::Packed(bytes),
                };
                Tensor::new(told.name.clone(), told.datatype, told.shape.clone(), data)
                    .map_err(|error| error.context(format!("the model's output '{}'", crate::log::shown(&told.name))))
            })
            .collect()
    }
}

fn texts(bytes: &Bytes) -> Option<Vec<Bytes>> {
    let (mut texts, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let end = at + 4 + number(bytes.get(at..at + 4)?) as usize;
        bytes.get(at + 4..end)?;
        texts.push(bytes.slice(at + 4..end));
        at = end;
    }
    Some(texts)
}
