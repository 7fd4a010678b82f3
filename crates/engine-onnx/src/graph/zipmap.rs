//! The maps that scikit-learn's converter puts behind the probabilities of a classifier: they cost many times what the model
//! costs and say nothing that the order of the classes does not. The output keeps its name and is the tensor behind it.

use std::collections::HashMap;

use flyball_core::Result;

use super::wire::{Change, Rope, edit, fields};

/// The version of the standard operators that a model gets which has none.
const OPERATORS: u64 = 13;
/// `FLOAT` of TensorProto, the only type that a map is made of.
const FLOAT: u64 = 1;

mod model {
    pub(super) const GRAPH: u64 = 7;
    pub(super) const OPSET_IMPORT: u64 = 8;
}

mod graph {
    pub(super) const NODE: u64 = 1;
    pub(super) const OUTPUT: u64 = 12;
    pub(super) const VALUE_INFO: u64 = 13;
}

/// A node, as far as it matters here.
#[derive(Default)]
struct Node<'a> {
    inputs: Vec<&'a str>,
    outputs: Vec<&'a str>,
    operator: &'a str,
    domain: &'a str,
    labels: usize,
}

impl<'a> Node<'a> {
    fn read(message: &'a [u8]) -> Result<Self> {
        let mut node = Node::default();
        for field in fields(message) {
            let field = field?;
            match field.number {
                1 => node.inputs.push(field.text()?),
                2 => node.outputs.push(field.text()?),
                4 => node.operator = field.text()?,
                5 => node.labels += labels(field.body()?)?,
                7 => node.domain = field.text()?,
                _ => {}
            }
        }
        Ok(node)
    }

    /// What a map is made of and what it is called.
    fn zip_map(&self) -> Option<(&'a str, &'a str)> {
        let is = self.operator == "ZipMap" && self.domain == "ai.onnx.ml";
        match (is, self.inputs.as_slice(), self.outputs.as_slice()) {
            (true, [input], [output]) => Some((*input, *output)),
            _ => None,
        }
    }
}

/// How many labels an attribute of a ZipMap has: its texts or whole numbers.
fn labels(attribute: &[u8]) -> Result<usize> {
    let mut count = 0;
    for field in fields(attribute) {
        let field = field?;
        count += match (field.number, field.content) {
            (8, super::wire::Content::Varint(_)) | (9, _) => 1,
            // Packed: the last byte of each number has no high bit.
            (8, super::wire::Content::Body(body)) => body.iter().filter(|byte| **byte < 0x80).count(),
            _ => 0,
        };
    }
    Ok(count)
}

/// The model without such maps, and how many classes their outputs have; `None` when it has none.
pub(super) fn strip(bytes: &[u8]) -> Result<Option<(Rope<'_>, HashMap<String, usize>)>> {
    let mut stripped = HashMap::new();
    let mut standard = false;
    let edited = edit(bytes, &mut |field| match field.number {
        model::GRAPH => {
            let (graph, found) = without_maps(field.body()?)?;
            stripped.extend(found);
            Ok(graph.map_or(Change::Keep, Change::Replace))
        }
        model::OPSET_IMPORT => {
            standard |= domain(field.body()?)?.is_empty();
            Ok(Change::Keep)
        }
        _ => Ok(Change::Keep),
    })?;
    let Some(mut rope) = edited else { return Ok(None) };
    if !standard {
        let mut import = Rope::default();
        import.number(2, OPERATORS);
        rope.message(model::OPSET_IMPORT, import);
    }
    Ok(Some((rope, stripped)))
}

fn domain(import: &[u8]) -> Result<&str> {
    // The domain is the first field, as the name of a value is.
    let domain = super::name(import)?;
    Ok(if domain == "ai.onnx" { "" } else { domain })
}

type Stripped<'a> = (Option<Rope<'a>>, Vec<(String, usize)>);

fn without_maps(bytes: &[u8]) -> Result<Stripped<'_>> {
    let mut maps: HashMap<&str, usize> = HashMap::new();
    let mut outputs = Vec::new();
    for field in fields(bytes) {
        let field = field?;
        match field.number {
            graph::NODE => {
                let node = Node::read(field.body()?)?;
                maps.extend(node.zip_map().map(|(_, output)| (output, node.labels)));
            }
            graph::OUTPUT => outputs.push(super::name(field.body()?)?),
            _ => {}
        }
    }
    if maps.is_empty() {
        return Ok((None, Vec::new()));
    }
    maps.retain(|name, _| outputs.contains(name));
    for field in fields(bytes) {
        let field = field?;
        if field.number == graph::NODE {
            for used in Node::read(field.body()?)?.inputs {
                maps.remove(used);
            }
        }
    }
    let edited = edit(bytes, &mut |field| match field.number {
        graph::NODE => Ok(match Node::read(field.body()?)?.zip_map() {
            Some((input, output)) if maps.contains_key(output) => Change::Replace(identity(input, output)),
            _ => Change::Keep,
        }),
        graph::OUTPUT => {
            let name = super::name(field.body()?)?;
            Ok(if maps.contains_key(name) { Change::Replace(floats(name)) } else { Change::Keep })
        }
        graph::VALUE_INFO => {
            Ok(if maps.contains_key(super::name(field.body()?)?) { Change::Drop } else { Change::Keep })
        }
        _ => Ok(Change::Keep),
    })?;
    Ok((edited, maps.into_iter().map(|(name, labels)| (name.to_owned(), labels)).collect()))
}

/// A node that hands a tensor on; it costs nothing, since it is taken out when the graph is prepared.
fn identity<'a>(input: &'a str, output: &'a str) -> Rope<'a> {
    let mut node = Rope::default();
    node.text(1, input);
    node.text(2, output);
    node.text(4, "Identity");
    node
}

/// The description of a tensor of floats whose shape is left to be found out.
fn floats(name: &str) -> Rope<'_> {
    let (mut tensor, mut kind, mut value) = (Rope::default(), Rope::default(), Rope::default());
    tensor.number(1, FLOAT);
    kind.message(1, tensor);
    value.text(1, name);
    value.message(2, kind);
    value
}
