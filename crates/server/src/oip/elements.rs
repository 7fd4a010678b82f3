//! The elements of a tensor of any shape and type, read from JSON into the bytes that models take.

use std::fmt;

use bytes::Bytes;
use flyball_core::tensor::{Number, pack};
use flyball_core::{DataType, Error, Result, TensorData, limits};
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, SeqAccess, Visitor};

/// Deepest nesting of lists: more dimensions than any model has.
const DEPTH: usize = 16;

/// Elements as JSON has them.
#[derive(Debug, Default, PartialEq)]
pub(crate) enum Elements {
    /// None yet.
    #[default]
    None,
    /// Whole numbers.
    Whole(Vec<i64>),
    /// Numbers, NaN where null.
    Numbers(Vec<f64>),
    /// Booleans.
    Bools(Vec<u8>),
    /// Texts.
    Texts(Vec<Bytes>),
}

/// Elements with the shape of their lists.
#[derive(Debug, Default)]
pub(crate) struct Nested {
    pub(crate) elements: Elements,
    /// The size of each dimension; the first element's lists say so.
    pub(crate) shape: Vec<usize>,
}

impl Elements {
    pub(crate) fn len(&self) -> usize {
        match self {
            Elements::None => 0,
            Elements::Whole(all) => all.len(),
            Elements::Numbers(all) => all.len(),
            Elements::Bools(all) => all.len(),
            Elements::Texts(all) => all.len(),
        }
    }

    /// The type that holds them when nobody says which.
    pub(crate) fn datatype(&self) -> DataType {
        match self {
            Elements::Whole(_) => DataType::Int64,
            Elements::None | Elements::Numbers(_) => DataType::Fp64,
            Elements::Bools(_) => DataType::Bool,
            Elements::Texts(_) => DataType::Bytes,
        }
    }

    fn number(&mut self, number: f64) -> Result<(), &'static str> {
        match self {
            Elements::None => *self = Elements::Numbers(vec![number]),
            Elements::Whole(all) => {
                let mut numbers: Vec<f64> = all.iter().map(|whole| *whole as f64).collect();
                numbers.push(number);
                *self = Elements::Numbers(numbers);
            }
            Elements::Numbers(all) => all.push(number),
            Elements::Bools(_) | Elements::Texts(_) => return Err("the elements of a tensor are of several kinds"),
        }
        Ok(())
    }

    fn whole(&mut self, whole: i64) -> Result<(), &'static str> {
        match self {
            Elements::None => *self = Elements::Whole(vec![whole]),
            Elements::Whole(all) => all.push(whole),
            _ => return self.number(whole as f64),
        }
        Ok(())
    }

    fn bool(&mut self, value: bool) -> Result<(), &'static str> {
        match self {
            Elements::None => *self = Elements::Bools(vec![u8::from(value)]),
            Elements::Bools(all) => all.push(u8::from(value)),
            _ => return Err("the elements of a tensor are of several kinds"),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), &'static str> {
        let text = Bytes::copy_from_slice(text.as_bytes());
        match self {
            Elements::None => *self = Elements::Texts(vec![text]),
            Elements::Texts(all) => all.push(text),
            _ => return Err("the elements of a tensor are of several kinds"),
        }
        Ok(())
    }

    /// The elements as data of a type.
    ///
    /// # Errors
    /// `InvalidInput` when one is not of the type.
    pub(crate) fn data(self, datatype: DataType) -> Result<TensorData> {
        let wrong = || Error::invalid(format!("its data is not {datatype}"));
        let packed = |bytes: Vec<u8>| Ok(TensorData::Packed(bytes.into()));
        match (self, datatype) {
            (Elements::None, DataType::Bytes) => Ok(TensorData::Texts(Vec::new())),
            (Elements::None, _) => packed(Vec::new()),
            (Elements::Texts(all), DataType::Bytes) => Ok(TensorData::Texts(all)),
            (Elements::Bools(all), DataType::Bool) => packed(all),
            (Elements::Whole(all), _) => {
                pack(datatype, all.iter().map(|whole| Number::Whole(*whole))).ok_or_else(wrong).and_then(packed)
            }
            (Elements::Numbers(all), _) => {
                pack(datatype, all.iter().map(|number| Number::Fraction(*number))).ok_or_else(wrong).and_then(packed)
            }
            (Elements::Bools(_) | Elements::Texts(_), _) => Err(wrong()),
        }
    }
}

impl<'de> Deserialize<'de> for Nested {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut nested = Nested::default();
        Level { nested: &mut nested, depth: 0 }.deserialize(deserializer)?;
        Ok(nested)
    }
}

/// Reads one value, which is an element or a list of values.
struct Level<'a> {
    nested: &'a mut Nested,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Level<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Level<'_> {
    fn element<E: de::Error>(self, add: impl FnOnce(&mut Elements) -> Result<(), &'static str>) -> Result<(), E> {
        if self.nested.elements.len() >= limits::INFER_ELEMENTS {
            return Err(E::custom(format!("a tensor has more than {} elements", limits::INFER_ELEMENTS)));
        }
        add(&mut self.nested.elements).map_err(E::custom)
    }
}

impl<'de> Visitor<'de> for Level<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the elements of a tensor")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Level { nested, depth } = self;
        if depth == DEPTH {
            return Err(de::Error::custom(format!("a tensor has more than {DEPTH} dimensions")));
        }
        let new = nested.shape.len() == depth;
        if new {
            nested.shape.push(0);
        }
        let mut count = 0;
        while list.next_element_seed(Level { nested, depth: depth + 1 })?.is_some() {
            count += 1;
        }
        // Lists of different lengths make a shape that has not as many elements, which is found then.
        nested.shape[depth] = nested.shape[depth].max(count);
        Ok(())
    }

    fn visit_i64<E: de::Error>(self, whole: i64) -> Result<(), E> {
        self.element(|elements| elements.whole(whole))
    }

    fn visit_u64<E: de::Error>(self, whole: u64) -> Result<(), E> {
        self.element(|elements| match i64::try_from(whole) {
            Ok(whole) => elements.whole(whole),
            Err(_) => elements.number(whole as f64),
        })
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<(), E> {
        self.element(|elements| elements.number(number))
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.element(|elements| elements.number(f64::NAN))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<(), E> {
        self.element(|elements| elements.bool(value))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        self.element(|elements| elements.text(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> serde_json::Result<Nested> {
        serde_json::from_str(json)
    }

    #[test]
    fn lists_say_the_shape_and_kinds_do_not_mix() {
        let nested = read("[[[1,2],[3,4]],[[5,6],[7,8.5]]]").unwrap();
        assert_eq!(nested.shape, [2, 2, 2]);
        assert_eq!(nested.elements, Elements::Numbers(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.5]));
        assert_eq!(read(r#"["a","b"]"#).unwrap().elements.len(), 2);
        assert!(read(r#"[1,"a"]"#).is_err());
        assert!(read(r#"{"a":1}"#).is_err());
        assert!(read(&format!("{}1{}", "[".repeat(17), "]".repeat(17))).is_err());
    }

    #[test]
    fn numbers_are_packed_exactly_or_refused() {
        let bytes = |json: &str, datatype| match read(json).unwrap().elements.data(datatype) {
            Ok(TensorData::Packed(bytes)) => Some(bytes.to_vec()),
            _ => None,
        };
        assert_eq!(bytes("[9223372036854775807]", DataType::Int64), Some(i64::MAX.to_le_bytes().to_vec()));
        assert_eq!(bytes("[-1,127]", DataType::Int8), Some(vec![255, 127]));
        assert_eq!(bytes("[128]", DataType::Int8), None);
        assert_eq!(bytes("[1.5]", DataType::Int32), None);
        assert_eq!(bytes("[2.0]", DataType::Int32), Some(vec![2, 0, 0, 0]));
        assert_eq!(bytes("[null]", DataType::Int32), None);
        assert_eq!(bytes("[1]", DataType::Fp16), Some(vec![0, 60]));
        assert_eq!(bytes("[true]", DataType::Bool), Some(vec![1]));
        assert_eq!(bytes("[true]", DataType::Fp32), None);
        assert_eq!(bytes("[]", DataType::Fp32), Some(vec![]));
    }
}
