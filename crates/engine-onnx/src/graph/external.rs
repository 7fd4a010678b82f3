//! Tensors that a graph keeps in other files: they are put into the graph, from the model's own files only.

use std::collections::HashMap;

use bytes::Bytes;
use flyball_core::package::Package;
use flyball_core::{Error, ErrorCode, Result};

use super::wire::{Change, Content, Rope, broken, edit, fields};
use crate::errors::shown;

/// How deep graphs may lie in graphs, counted in messages: what ONNX Runtime reads.
const DEPTH: usize = 100;
/// The longest message that ONNX Runtime reads.
const MESSAGE_BYTES: usize = i32::MAX as usize;

mod tensor {
    pub(super) const RAW_DATA: u64 = 9;
    pub(super) const EXTERNAL_DATA: u64 = 13;
    pub(super) const DATA_LOCATION: u64 = 14;
}

/// The messages of ONNX in which tensors lie.
#[derive(Clone, Copy, PartialEq)]
enum Message {
    Model,
    Graph,
    Node,
    Attribute,
    Function,
    Training,
    SparseTensor,
    Tensor,
}

impl Message {
    fn child(self, field: u64) -> Option<Message> {
        Some(match (self, field) {
            (Message::Model, 7) | (Message::Training, 1 | 2) | (Message::Attribute, 6 | 11) => Message::Graph,
            (Message::Model, 20) => Message::Training,
            (Message::Model, 25) => Message::Function,
            (Message::Graph, 1) | (Message::Function, 7) => Message::Node,
            (Message::Node, 5) | (Message::Function, 11) => Message::Attribute,
            (Message::Graph, 5) | (Message::Attribute, 5 | 10) | (Message::SparseTensor, 1 | 2) => Message::Tensor,
            (Message::Graph, 15) | (Message::Attribute, 22 | 23) => Message::SparseTensor,
            _ => return None,
        })
    }
}

/// The model with all its tensors inside; `None` when they are.
pub(super) fn inline<'a>(model: &'a [u8], package: &Package<'_>) -> Result<Option<Rope<'a>>> {
    let folder = package.manifest.main.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut inliner = Inliner { package, folder, read: HashMap::new(), length: model.len() };
    inliner.walk(Message::Model, model, 0)
}

struct Inliner<'p> {
    package: &'p Package<'p>,
    /// The folder of the graph in the package.
    folder: &'p str,
    read: HashMap<String, Bytes>,
    /// How long the model is by now.
    length: usize,
}

impl Inliner<'_> {
    fn walk<'a>(&mut self, message: Message, bytes: &'a [u8], depth: usize) -> Result<Option<Rope<'a>>> {
        if depth > DEPTH {
            return Err(broken());
        }
        if message == Message::Tensor {
            return self.tensor(bytes);
        }
        edit(bytes, &mut |field| {
            let Some(child) = message.child(field.number) else { return Ok(Change::Keep) };
            let changed = self.walk(child, field.body()?, depth + 1)?;
            Ok(changed.map_or(Change::Keep, Change::Replace))
        })
    }

    /// A tensor that says nothing of other files any more.
    fn tensor<'a>(&mut self, bytes: &'a [u8]) -> Result<Option<Rope<'a>>> {
        let mut entries: Vec<(&str, &str)> = Vec::new();
        let mut external = false;
        let edited = edit(bytes, &mut |field| match field.number {
            tensor::EXTERNAL_DATA => {
                entries.push(entry(field.body()?)?);
                Ok(Change::Drop)
            }
            tensor::DATA_LOCATION => {
                external = match field.content {
                    Content::Varint(0) => false,
                    Content::Varint(1) => true,
                    _ => return Err(broken()),
                };
                Ok(Change::Drop)
            }
            _ => Ok(Change::Keep),
        })?;
        let Some(mut rope) = edited else { return Ok(None) };
        if !external {
            return Ok(Some(rope));
        }
        let data = self.data(&entries)?;
        self.length = self.length.saturating_add(data.len());
        if self.length > MESSAGE_BYTES {
            let message = "the graph with its tensors is longer than 2 GiB, which ONNX Runtime does not read";
            return Err(Error::new(ErrorCode::UnsupportedModel, message));
        }
        rope.bytes(tensor::RAW_DATA, data);
        Ok(Some(rope))
    }

    /// The bytes that the entries of a tensor speak of.
    fn data(&mut self, entries: &[(&str, &str)]) -> Result<Bytes> {
        let of = |wanted: &str| entries.iter().rev().find(|(key, _)| *key == wanted).map(|(_, value)| *value);
        let number = |key: &str| of(key).map(str::parse::<usize>).transpose();
        let (Ok(offset), Ok(length)) = (number("offset"), number("length")) else { return Err(broken()) };
        let location = of("location").unwrap_or_default();
        let path = self.own_file(location)?;
        let content = match self.read.get(&path) {
            Some(content) => content.clone(),
            None => {
                let content = Bytes::from(self.package.file(&path)?);
                self.read.insert(path, content.clone());
                content
            }
        };
        let offset = offset.unwrap_or(0);
        let end = length.map_or(Some(content.len()), |length| offset.checked_add(length));
        match end.filter(|end| *end <= content.len() && offset <= *end) {
            Some(end) => Ok(content.slice(offset..end)),
            None => {
                let message = format!("the file '{}' of the model's tensors is cut off", shown(location));
                Err(Error::new(ErrorCode::InvalidData, message))
            }
        }
    }

    /// The path in the package of what the graph calls `location`, which is relative to its own folder.
    fn own_file(&self, location: &str) -> Result<String> {
        let own = location.strip_prefix("./").unwrap_or(location);
        let clean = own.split('/').all(|part| !matches!(part, "" | "." | "..")) && !own.contains(['\\', '\0']);
        let path = if self.folder.is_empty() { own.to_owned() } else { format!("{}/{own}", self.folder) };
        if clean && self.package.manifest.files.iter().any(|file| file.path == path) {
            return Ok(path);
        }
        let message = format!("the graph keeps tensors in '{}', which is no file of the model", shown(location));
        let hint = "log the model together with its data files, or save it as one file";
        Err(Error::new(ErrorCode::InvalidData, message).hint(hint))
    }
}

fn entry(message: &[u8]) -> Result<(&str, &str)> {
    let (mut key, mut value) = ("", "");
    for field in fields(message) {
        let field = field?;
        match field.number {
            1 => key = field.text()?,
            2 => value = field.text()?,
            _ => {}
        }
    }
    Ok((key, value))
}
