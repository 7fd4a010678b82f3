//! Typed access to the attributes of a node.

use std::sync::Arc;

use flyball_core::Result;

use super::tensor::{Tensor, mismatch};
use crate::onnx::proto::{Attribute, Node};
use crate::onnx::read;

/// The attributes of one node.
pub(crate) struct Attributes<'a>(pub(crate) &'a Node);

impl<'a> Attributes<'a> {
    fn get(&self, name: &str) -> Option<&'a Attribute> {
        self.0.attribute.iter().find(|a| a.name == name)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub(crate) fn int(&self, name: &str) -> Option<i64> {
        self.get(name).and_then(|a| a.i)
    }

    pub(crate) fn float(&self, name: &str) -> Option<f32> {
        self.get(name).and_then(|a| a.f)
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<&'a str>> {
        self.get(name).and_then(|a| a.s.as_deref()).map(read::utf8).transpose()
    }

    pub(crate) fn floats(&self, name: &str) -> &'a [f32] {
        self.get(name).map_or(&[], |a| &a.floats)
    }

    pub(crate) fn ints(&self, name: &str) -> &'a [i64] {
        self.get(name).map_or(&[], |a| &a.ints)
    }

    pub(crate) fn texts(&self, name: &str) -> Result<Vec<Arc<str>>> {
        self.get(name).map_or(&[][..], |a| &a.strings).iter().map(|s| read::utf8(s).map(Arc::from)).collect()
    }

    pub(crate) fn tensor(&self, name: &str) -> Result<Option<Tensor>> {
        self.get(name).and_then(|a| a.t.as_ref()).map(read::tensor).transpose()
    }

    /// The list `name`, which must have `length` elements or be absent.
    pub(crate) fn sized(&self, name: &str, length: usize) -> Result<Option<&'a [i64]>> {
        let list = self.ints(name);
        match list.len() {
            0 => Ok(None),
            n if n == length => Ok(Some(list)),
            n => Err(mismatch(format!("{}: '{name}' has {n} elements, not {length}", self.0.op_type))),
        }
    }
}
