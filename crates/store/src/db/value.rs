//! Values that go into statements and come out of them.

use std::sync::Arc;

use flyball_core::{Digest, Error, Name, Result, Timestamp};
use serde_json::Value;

/// A value of a column or parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Param {
    /// No value. A NaN becomes this too: SQLite cannot keep one, and NaN means "missing" throughout Flyball.
    Null,
    /// `BIGINT`; also flags (0, 1) and times (milliseconds).
    Int(i64),
    /// `DOUBLE PRECISION`.
    Float(f64),
    /// `TEXT`; also JSON, names and digests.
    Text(String),
    /// `{BYTES}`.
    Bytes(Vec<u8>),
}

/// Makes a list of parameters: `params![id, count, None::<i64>]`.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { [$($crate::Param::from($value)),*] };
}

macro_rules! into_param {
    ($($type:ty => |$value:ident| $param:expr;)*) => {
        $(impl From<$type> for Param {
            fn from($value: $type) -> Self { $param }
        })*
    };
}

into_param! {
    i64 => |value| Param::Int(value);
    i32 => |value| Param::Int(value.into());
    u32 => |value| Param::Int(value.into());
    // The same 64 bits, so that every value (a seed, say) comes back; the order holds up to `i64::MAX`.
    u64 => |value| Param::Int(value.cast_signed());
    usize => |value| Param::from(value as u64);
    bool => |value| Param::Int(value.into());
    f64 => |value| if value.is_nan() { Param::Null } else { Param::Float(value) };
    &str => |value| Param::Text(value.to_owned());
    &String => |value| Param::Text(value.clone());
    String => |value| Param::Text(value);
    Vec<u8> => |value| Param::Bytes(value);
    &[u8] => |value| Param::Bytes(value.to_vec());
    Timestamp => |value| Param::Int(value.0);
    Digest => |value| Param::Text(value.to_string());
    &Digest => |value| Param::Text(value.to_string());
    Name => |value| Param::Text(value.into());
    &Name => |value| Param::Text(value.as_str().to_owned());
    Value => |value| Param::Text(value.to_string());
    &Value => |value| Param::Text(value.to_string());
}

impl<T: Into<Param>> From<Option<T>> for Param {
    fn from(value: Option<T>) -> Self {
        value.map_or(Param::Null, Into::into)
    }
}

/// One row of an answer.
#[derive(Clone, Debug)]
pub struct Row {
    columns: Arc<[String]>,
    values: Vec<Param>,
}

impl Row {
    pub(crate) fn new(columns: Arc<[String]>, values: Vec<Param>) -> Self {
        Self { columns, values }
    }

    /// The value of a column.
    ///
    /// # Errors
    /// `Internal` when there is no such column or its value is not a `T`.
    pub fn get<T: FromColumn>(&self, column: &str) -> Result<T> {
        let value = self.columns.iter().position(|name| name == column).map(|position| &self.values[position]);
        let value = value.ok_or_else(|| Error::internal(format!("the answer has no column '{column}'")))?;
        T::from_column(value).ok_or_else(|| {
            Error::internal(format!("column '{column}' holds {value:?}, not a {}", std::any::type_name::<T>()))
        })
    }
}

/// A type that a column can be read as.
pub trait FromColumn: Sized {
    /// The value, or `None` when it is of another type or out of range.
    fn from_column(value: &Param) -> Option<Self>;
}

macro_rules! from_column {
    ($($type:ty => $pattern:pat => $value:expr;)*) => {
        $(impl FromColumn for $type {
            fn from_column(value: &Param) -> Option<Self> {
                match value { $pattern => $value, _ => None }
            }
        })*
    };
}

from_column! {
    i64 => Param::Int(value) => Some(*value);
    i32 => Param::Int(value) => (*value).try_into().ok();
    u32 => Param::Int(value) => (*value).try_into().ok();
    u64 => Param::Int(value) => Some(value.cast_unsigned());
    usize => Param::Int(value) => (*value).try_into().ok();
    bool => Param::Int(value) => matches!(value, 0 | 1).then_some(*value == 1);
    String => Param::Text(value) => Some(value.clone());
    Vec<u8> => Param::Bytes(value) => Some(value.clone());
    Timestamp => Param::Int(value) => Some(Timestamp(*value));
    Digest => Param::Text(value) => value.parse().ok();
    Name => Param::Text(value) => value.parse().ok();
    Value => Param::Text(value) => serde_json::from_str(value).ok();
}

impl FromColumn for f64 {
    /// NULL is NaN, the inverse of what [`Param`] does with one.
    fn from_column(value: &Param) -> Option<Self> {
        match value {
            Param::Float(value) => Some(*value),
            Param::Int(value) => Some(*value as f64),
            Param::Null => Some(f64::NAN),
            Param::Text(_) | Param::Bytes(_) => None,
        }
    }
}

impl<T: FromColumn> FromColumn for Option<T> {
    fn from_column(value: &Param) -> Option<Self> {
        match value {
            Param::Null => Some(None),
            value => T::from_column(value).map(Some),
        }
    }
}
