//! OneHotEncoder and LabelEncoder, with their keys in hash maps.

use std::collections::HashMap;
use std::sync::Arc;

use flyball_core::{Error, ErrorCode, Result};

use super::attributes::Attributes;
use super::tensor::{Data, Tensor, mismatch};

/// The keys of an encoder with the position of each.
#[derive(Clone, Debug)]
pub(crate) enum Keys {
    Text(HashMap<Arc<str>, u32>),
    Int(HashMap<i64, u32>),
}

impl Keys {
    fn texts(keys: &[Arc<str>]) -> Self {
        Keys::Text(keys.iter().cloned().zip(0..).collect())
    }

    fn ints(keys: &[i64]) -> Self {
        Keys::Int(keys.iter().copied().zip(0..).collect())
    }

    /// The position of each element's key.
    fn positions(&self, data: &Data) -> Result<Vec<Option<usize>>> {
        let found = |position: Option<&u32>| position.map(|&p| p as usize);
        Ok(match (self, data) {
            (Keys::Text(keys), Data::Text(values)) => values.iter().map(|v| found(keys.get(v))).collect(),
            (Keys::Int(keys), Data::Int(values)) => values.iter().map(|v| found(keys.get(v))).collect(),
            // Categories that scikit-learn keeps as numbers arrive as floats.
            (Keys::Int(keys), Data::Float(values)) => values.iter().map(|&v| found(keys.get(&(v as i64)))).collect(),
            _ => return Err(mismatch("the keys of an encoder are not of the type of its input")),
        })
    }

    /// The position of a text, for encoders of text.
    pub(crate) fn text(&self, text: &str) -> Option<usize> {
        match self {
            Keys::Text(keys) => keys.get(text).map(|&p| p as usize),
            Keys::Int(_) => None,
        }
    }

    pub(crate) fn are_text(&self) -> bool {
        matches!(self, Keys::Text(_))
    }
}

/// A OneHotEncoder.
#[derive(Clone, Debug)]
pub(crate) struct OneHot {
    pub(crate) keys: Keys,
    pub(crate) levels: usize,
    /// Whether an unknown level gives zeros; else it is an error.
    zeros: bool,
}

impl OneHot {
    pub(crate) fn read(attributes: &Attributes<'_>) -> Result<Self> {
        let (texts, ints) = (attributes.texts("cats_strings")?, attributes.ints("cats_int64s"));
        let levels = texts.len().max(ints.len());
        let keys = if ints.is_empty() { Keys::texts(&texts) } else { Keys::ints(ints) };
        Ok(Self { keys, levels, zeros: attributes.int("zeros").unwrap_or(1) != 0 })
    }

    /// The position of a level, `None` for an unknown one that gives zeros.
    pub(crate) fn known(&self, position: Option<usize>) -> Result<Option<usize>> {
        if position.is_none() && !self.zeros {
            return Err(Error::invalid("a text is none of the levels that the model knows")
                .hint("send a known level, or export the encoder with handle_unknown='ignore'"));
        }
        Ok(position)
    }

    pub(crate) fn run(&self, input: &Tensor) -> Result<Tensor> {
        let mut shape = input.shape.clone();
        shape.push(self.levels);
        let mut values = vec![0.0; super::tensor::elements(&shape)?];
        for (row, position) in self.keys.positions(&input.data)?.into_iter().enumerate() {
            if let Some(position) = self.known(position)? {
                values[row * self.levels + position] = 1.0;
            }
        }
        Tensor::new(shape, Data::Float(values))
    }
}

/// A LabelEncoder: a map from keys to values with a default.
#[derive(Clone, Debug)]
pub(crate) struct LabelMap {
    pub(crate) keys: Keys,
    values: Data,
    default: Data,
}

impl LabelMap {
    /// Maps each text to its position, and others to nothing.
    pub(crate) fn codes(texts: &[String]) -> Self {
        let texts: Vec<Arc<str>> = texts.iter().map(|text| text.as_str().into()).collect();
        let values = Data::Float((0u32..).map(|code| code as f32).take(texts.len()).collect());
        Self { keys: Keys::texts(&texts), values, default: Data::Float(vec![f32::NAN]) }
    }

    /// Reads the list form (`keys_*`, `values_*`) and the oldest form (`classes_strings`).
    pub(crate) fn read(attributes: &Attributes<'_>) -> Result<Self> {
        let (texts, ints) = (attributes.texts("keys_strings")?, attributes.ints("keys_int64s"));
        let classes = attributes.texts("classes_strings")?;
        let map = if !classes.is_empty() {
            let values = Data::Int((0..classes.len() as i64).collect());
            let default = Data::Int(vec![attributes.int("default_int64").unwrap_or(-1)]);
            return Ok(Self { keys: Keys::texts(&classes), values, default });
        } else if !texts.is_empty() {
            (Keys::texts(&texts), texts.len())
        } else if !ints.is_empty() {
            (Keys::ints(ints), ints.len())
        } else {
            return Err(Error::new(
                ErrorCode::UnsupportedModel,
                "the tabular engine lacks LabelEncoder with keys other than texts and whole numbers in lists",
            ));
        };
        let (keys, count) = map;
        let (values, default) = if attributes.has("values_floats") {
            let default = attributes.float("default_float").unwrap_or(0.0);
            (Data::Float(attributes.floats("values_floats").to_vec()), Data::Float(vec![default]))
        } else if attributes.has("values_int64s") {
            let default = attributes.int("default_int64").unwrap_or(-1);
            (Data::Int(attributes.ints("values_int64s").to_vec()), Data::Int(vec![default]))
        } else {
            let default = attributes.text("default_string")?.unwrap_or("_Unused");
            (Data::Text(attributes.texts("values_strings")?), Data::Text(vec![default.into()]))
        };
        if values.len() != count {
            return Err(mismatch("the keys and values of a LabelEncoder differ in number"));
        }
        Ok(Self { keys, values, default })
    }

    pub(crate) fn run(&self, input: &Tensor) -> Result<Tensor> {
        fn pick<T: Clone>(positions: &[Option<usize>], values: &[T], default: &[T]) -> Vec<T> {
            positions.iter().map(|p| p.map_or_else(|| default[0].clone(), |p| values[p].clone())).collect()
        }
        let positions = self.keys.positions(&input.data)?;
        let data = match (&self.values, &self.default) {
            (Data::Float(v), Data::Float(d)) => Data::Float(pick(&positions, v, d)),
            (Data::Int(v), Data::Int(d)) => Data::Int(pick(&positions, v, d)),
            (Data::Text(v), Data::Text(d)) => Data::Text(pick(&positions, v, d)),
            _ => return Err(mismatch("the values and the default of a LabelEncoder differ in type")),
        };
        Tensor::new(input.shape.clone(), data)
    }

    /// The map with its values as numbers: value by position, and the default. `None` if they are text.
    pub(crate) fn numbers(&self) -> Option<(Vec<f32>, f32)> {
        match (&self.values, &self.default) {
            (Data::Float(v), Data::Float(d)) => Some((v.clone(), d[0])),
            (Data::Int(v), Data::Int(d)) => Some((v.iter().map(|&x| x as f32).collect(), d[0] as f32)),
            _ => None,
        }
    }
}
