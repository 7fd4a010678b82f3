//! The rows of an answer while they are read: nothing is copied that the reader does not keep.

use std::sync::Arc;

use flyball_core::{Error, Result};

use super::{Param, Row};

/// A value, borrowed from the answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// No value.
    Null,
    /// `BIGINT`
    Int(i64),
    /// `DOUBLE PRECISION`
    Float(f64),
    /// `TEXT`
    Text(&'a str),
    /// `{BYTES}`
    Bytes(&'a [u8]),
}

impl Cell<'_> {
    pub(super) fn to_param(self) -> Param {
        match self {
            Self::Null => Param::Null,
            Self::Int(value) => Param::Int(value),
            Self::Float(value) => Param::from(value),
            Self::Text(value) => Param::Text(value.to_owned()),
            Self::Bytes(value) => Param::Bytes(value.to_vec()),
        }
    }
}

/// One row, whose values are asked for by their places, from 0.
pub struct Cells<'a>(pub(super) &'a dyn Source);

/// What is done with each row.
pub(super) type Reader<'a> = dyn FnMut(&Cells<'_>) -> Result<()> + 'a;

/// What an engine knows of the row that it is at.
pub(super) trait Source {
    /// The names of its columns.
    fn names(&self) -> Vec<String>;
    /// The value at a place.
    fn cell(&self, place: usize) -> Result<Cell<'_>>;
}

impl Cells<'_> {
    /// The value at a place.
    ///
    /// # Errors
    /// `Internal` when there is none or it is not a `T`.
    pub fn get<'r, T: FromCell<'r>>(&'r self, place: usize) -> Result<T> {
        let cell = self.0.cell(place)?;
        T::from_cell(cell).ok_or_else(|| {
            Error::internal(format!("column {place} holds {cell:?}, not a {}", std::any::type_name::<T>()))
        })
    }

    /// The same row with values of its own. All rows of an answer share their names, which the first one brings.
    pub(super) fn to_row(&self, names: &mut Option<Arc<[String]>>) -> Result<Row> {
        let names = names.get_or_insert_with(|| self.0.names().into()).clone();
        let values = (0..names.len()).map(|place| self.0.cell(place).map(Cell::to_param)).collect::<Result<_>>()?;
        Ok(Row::new(names, values))
    }
}

/// A type that a value can be read as.
pub trait FromCell<'a>: Sized {
    /// The value, or `None` when it is of another type or out of range.
    fn from_cell(cell: Cell<'a>) -> Option<Self>;
}

macro_rules! from_cell {
    ($($type:ty => $pattern:pat => $value:expr;)*) => {
        $(impl<'a> FromCell<'a> for $type {
            fn from_cell(cell: Cell<'a>) -> Option<Self> {
                match cell { $pattern => $value, _ => None }
            }
        })*
    };
}

from_cell! {
    i64 => Cell::Int(value) => Some(value);
    bool => Cell::Int(value) => matches!(value, 0 | 1).then_some(value == 1);
    &'a str => Cell::Text(value) => Some(value);
    String => Cell::Text(value) => Some(value.to_owned());
    &'a [u8] => Cell::Bytes(value) => Some(value);
}

impl<'a> FromCell<'a> for f64 {
    /// NULL is NaN, the inverse of what [`Param`] does with one.
    fn from_cell(cell: Cell<'a>) -> Option<Self> {
        match cell {
            Cell::Float(value) => Some(value),
            Cell::Int(value) => Some(value as f64),
            Cell::Null => Some(f64::NAN),
            _ => None,
        }
    }
}

impl<'a> FromCell<'a> for Param {
    fn from_cell(cell: Cell<'a>) -> Option<Self> {
        Some(cell.to_param())
    }
}
