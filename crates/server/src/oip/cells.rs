//! The elements of a tensor, read from JSON straight into a column.

use std::fmt;
use std::sync::Arc;

use flyball_core::{Column, Value, limits};
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, SeqAccess, Visitor};

/// Rows inside rows: `[[1, 2], [3, 4]]` is as deep as it gets.
const DEPTH: usize = 2;

/// What a tensor holds.
#[derive(Debug, PartialEq)]
pub(crate) enum Elements {
    /// Only missing values, this many.
    Missing(usize),
    /// Numbers, NaN where missing.
    Numbers(Vec<f64>),
    /// Booleans as 0 and 1, NaN where missing.
    Bools(Vec<f64>),
    /// Texts.
    Texts(Vec<Option<Arc<str>>>),
}

/// The elements of a tensor with what its type needs to know about its numbers.
#[derive(Debug, PartialEq)]
pub(crate) struct Cells {
    pub(crate) elements: Elements,
    /// Whether all numbers are whole.
    pub(crate) whole: bool,
    /// The least and the greatest number.
    pub(crate) range: (f64, f64),
}

impl Cells {
    /// How many elements.
    pub(crate) fn len(&self) -> usize {
        match &self.elements {
            Elements::Missing(count) => *count,
            Elements::Numbers(numbers) | Elements::Bools(numbers) => numbers.len(),
            Elements::Texts(texts) => texts.len(),
        }
    }

    /// The element at a place as a value.
    pub(crate) fn value(&self, place: usize) -> Value {
        match &self.elements {
            Elements::Missing(_) => Value::Missing,
            Elements::Numbers(numbers) | Elements::Bools(numbers) => {
                let number = numbers.get(place).filter(|number| !number.is_nan());
                number.map_or(Value::Missing, |number| Value::Float(*number))
            }
            Elements::Texts(texts) => {
                let text = texts.get(place).and_then(Option::as_ref);
                text.map_or(Value::Missing, |text| Value::Text(Arc::clone(text)))
            }
        }
    }

    /// One column of a matrix of `columns` columns, which are one behind the other in each row.
    pub(crate) fn column(&self, column: usize, columns: usize) -> Column {
        fn every<T>(all: &[T], column: usize, columns: usize) -> impl Iterator<Item = &T> {
            all.iter().skip(column).step_by(columns.max(1))
        }
        match &self.elements {
            Elements::Missing(count) => Column::Float(vec![f64::NAN; count / columns.max(1)]),
            Elements::Numbers(numbers) | Elements::Bools(numbers) => {
                Column::Float(every(numbers, column, columns).copied().collect())
            }
            Elements::Texts(texts) => {
                let texts = every(texts, column, columns).map(Option::as_deref);
                Column::Text(flyball_core::TextColumn::from_texts(texts))
            }
        }
    }

    fn number(&mut self, number: f64) -> Result<(), &'static str> {
        self.whole &= number.fract() == 0.0;
        self.range = (self.range.0.min(number), self.range.1.max(number));
        match &mut self.elements {
            Elements::Numbers(numbers) => numbers.push(number),
            Elements::Missing(count) => self.elements = Elements::Numbers(after_missing(*count, f64::NAN, number)),
            Elements::Bools(_) | Elements::Texts(_) => return Err(MIXED),
        }
        Ok(())
    }

    fn boolean(&mut self, value: bool) -> Result<(), &'static str> {
        let number = f64::from(u8::from(value));
        match &mut self.elements {
            Elements::Bools(numbers) => numbers.push(number),
            Elements::Missing(count) => self.elements = Elements::Bools(after_missing(*count, f64::NAN, number)),
            Elements::Numbers(_) | Elements::Texts(_) => return Err(MIXED),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), &'static str> {
        match &mut self.elements {
            Elements::Texts(texts) => texts.push(Some(text.into())),
            Elements::Missing(count) => self.elements = Elements::Texts(after_missing(*count, None, Some(text.into()))),
            Elements::Numbers(_) | Elements::Bools(_) => return Err(MIXED),
        }
        Ok(())
    }

    fn missing(&mut self) {
        match &mut self.elements {
            Elements::Missing(count) => *count += 1,
            Elements::Numbers(numbers) | Elements::Bools(numbers) => numbers.push(f64::NAN),
            Elements::Texts(texts) => texts.push(None),
        }
    }
}

const MIXED: &str = "a tensor mixes numbers, booleans and texts";

fn after_missing<T: Clone>(count: usize, missing: T, value: T) -> Vec<T> {
    let mut values = vec![missing; count];
    values.push(value);
    values
}

impl<'de> Deserialize<'de> for Cells {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let range = (f64::INFINITY, f64::NEG_INFINITY);
        let mut cells = Cells { elements: Elements::Missing(0), whole: true, range };
        Element { cells: &mut cells, depth: 0 }.deserialize(deserializer)?;
        Ok(cells)
    }
}

/// Reads one element, or a list of them, to the end of the cells.
struct Element<'a> {
    cells: &'a mut Cells,
    depth: usize,
}

impl Element<'_> {
    /// The data of a tensor is a list; inside it anything goes that a cell can hold.
    fn push<E: de::Error>(self, push: impl FnOnce(&mut Cells) -> Result<(), &'static str>) -> Result<(), E> {
        if self.depth == 0 {
            return Err(E::custom("the data of a tensor is a list"));
        }
        if self.cells.len() >= limits::INFER_ELEMENTS {
            return Err(E::custom(format_args!("a tensor has more than {} elements", limits::INFER_ELEMENTS)));
        }
        push(self.cells).map_err(E::custom)
    }
}

impl<'de> DeserializeSeed<'de> for Element<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Element<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, boolean, text, null or a list of them")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<(), E> {
        self.push(|cells| cells.boolean(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
        self.push(|cells| cells.number(value as f64))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        self.push(|cells| cells.number(value as f64))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<(), E> {
        self.push(|cells| cells.number(value))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<(), E> {
        self.push(|cells| cells.text(value))
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.push(|cells| {
            cells.missing();
            Ok(())
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        if self.depth >= DEPTH {
            return Err(de::Error::custom("a tensor is nested deeper than rows and columns"));
        }
        while list.next_element_seed(Element { cells: &mut *self.cells, depth: self.depth + 1 })?.is_some() {}
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Cells, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn flat_and_nested_data_are_the_same_column() {
        let flat = parse("[1, null, 2.5]").unwrap();
        assert_eq!(format!("{:?}", flat.column(0, 1)), format!("{:?}", Column::Float(vec![1.0, f64::NAN, 2.5])));
        assert_eq!((flat.whole, flat.range), (false, (1.0, 2.5)));
        let nested = parse("[[1], [null], [2.5]]").unwrap();
        assert_eq!((nested.len(), nested.value(0)), (3, Value::Float(1.0)));
        let texts = parse(r#"[null, "EWR", "é"]"#).unwrap();
        assert_eq!(texts.column(0, 1).value(1), Value::Text("EWR".into()));
        assert_eq!(parse("[null, null]").unwrap().elements, Elements::Missing(2));
        assert_eq!(parse("[true, null]").unwrap().value(0), Value::Float(1.0));
        assert_eq!(parse("[]").unwrap().len(), 0);
    }

    #[test]
    fn what_is_no_column_is_refused() {
        let long = format!("[{}0]", "0,".repeat(limits::INFER_ELEMENTS));
        for bad in ["1", "{}", "[{}]", "[[[1]]]", "[1, \"a\"]", "[true, 1]", "[1e999]", "[NaN]", "[1", "null", &long] {
            assert!(parse(bad).is_err(), "{}", &bad[..bad.len().min(20)]);
        }
        assert!(parse(&"[".repeat(100_000)).is_err());
    }
}
