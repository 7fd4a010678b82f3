//! The graph of a model as a message, made ready for ONNX Runtime.

mod external;
mod wire;
mod zipmap;

use std::collections::{HashMap, HashSet};

use flyball_core::package::Package;
use flyball_core::{Error, ErrorCode, Result};

use wire::{broken, fields};

/// A graph that holds all its tensors and gives tensors where it gave maps.
pub(crate) struct Prepared {
    /// The message.
    pub(crate) bytes: Vec<u8>,
    /// The inputs and outputs that do not say how many dimensions they have.
    pub(crate) unranked: HashSet<String>,
    /// How many classes the outputs have that were maps.
    pub(crate) classes: HashMap<String, usize>,
}

/// Reads the graph of a model.
///
/// # Errors
/// `InvalidData` when it is none, or keeps tensors in what is no file of the model.
pub(crate) fn prepare(package: &Package<'_>) -> Result<Prepared> {
    let mut bytes = package.main()?;
    recognise(&bytes)?;
    if let Some(inlined) = external::inline(&bytes, package)?.map(wire::Rope::join) {
        bytes = inlined;
    }
    let mut classes = HashMap::new();
    let stripped = zipmap::strip(&bytes)?.map(|(rope, found)| {
        classes = found;
        rope.join()
    });
    let bytes = stripped.unwrap_or(bytes);
    let unranked = unranked(&bytes)?;
    Ok(Prepared { bytes, unranked, classes })
}

/// Refuses what is no graph, in words that say what it is.
fn recognise(bytes: &[u8]) -> Result<()> {
    let refused = |what: &str, hint: &str| {
        Err(Error::new(ErrorCode::InvalidData, format!("the file is {what}, no ONNX graph")).hint(hint.to_owned()))
    };
    match bytes {
        [0x80, 2..=5, ..] => {
            return refused("a Python pickle", "convert the model to ONNX, or deploy it as MLflow logs it");
        }
        [b'P', b'K', 3, 4, ..] => return refused("a zip archive", "name the graph inside of it"),
        [_, _, _, _, b'O', b'R', b'T', b'M', ..] => {
            return refused("in ONNX Runtime's own format", "deploy the graph that it was made of");
        }
        _ => {}
    }
    let mut graphs = 0;
    for field in fields(bytes) {
        graphs += usize::from(field?.number == 7);
    }
    if graphs == 1 { Ok(()) } else { Err(broken()) }
}

/// The name in a value's description.
fn name(value: &[u8]) -> Result<&str> {
    std::str::from_utf8(last(value, 1)?.unwrap_or_default()).map_err(|_| broken())
}

fn unranked(model: &[u8]) -> Result<HashSet<String>> {
    let mut names = HashSet::new();
    for field in fields(model) {
        let field = field?;
        if field.number != 7 {
            continue;
        }
        for field in fields(field.body()?) {
            let field = field?;
            if matches!(field.number, 11 | 12) && !has_shape(field.body()?)? {
                names.insert(name(field.body()?)?.to_owned());
            }
        }
    }
    Ok(names)
}

/// Whether a value's description has a type that is a tensor with a shape.
fn has_shape(value: &[u8]) -> Result<bool> {
    let mut message = value;
    for number in [2, 1, 2] {
        match last(message, number)? {
            Some(body) => message = body,
            None => return Ok(false),
        }
    }
    Ok(true)
}

fn last(message: &[u8], number: u64) -> Result<Option<&[u8]>> {
    let mut found = None;
    for field in fields(message) {
        let field = field?;
        if field.number == number {
            found = Some(field.body()?);
        }
    }
    Ok(found)
}
