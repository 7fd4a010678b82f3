//! Tables in memory: named, typed columns of equal length. What every stage of the lifecycle passes to the next.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorCode, Result};

/// A missing value in an `Int` or `Time` column.
pub const MISSING_INT: i64 = i64::MIN;
/// A missing value among the codes of a `Text` column.
pub const MISSING_CODE: u32 = u32::MAX;
/// A missing value in a `Bool` column (0 is false, 1 is true).
pub const MISSING_BOOL: u8 = 2;

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// 64-bit floating point; NaN is missing.
    Float,
    /// 64-bit signed integer.
    Int,
    /// True or false.
    Bool,
    /// Text.
    Text,
    /// Milliseconds since 1970, UTC.
    Time,
}

impl Kind {
    /// The word for the type, as in schemas and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Float => "float",
            Kind::Int => "int",
            Kind::Bool => "bool",
            Kind::Text => "text",
            Kind::Time => "time",
        }
    }

    /// Whether values of this type are numbers to a model.
    pub fn is_number(self) -> bool {
        matches!(self, Kind::Float | Kind::Int | Kind::Bool | Kind::Time)
    }
}

/// One value of a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing is known.
    Missing,
    /// A floating-point number, never NaN.
    Float(f64),
    /// A whole number.
    Int(i64),
    /// True or false.
    Bool(bool),
    /// Text.
    Text(Arc<str>),
    /// Milliseconds since 1970, UTC.
    Time(i64),
}

impl Value {
    /// The value as a number: booleans are 0 and 1, times are milliseconds; text and missing values are NaN.
    pub fn number(&self) -> f64 {
        match self {
            Value::Float(x) => *x,
            Value::Int(x) | Value::Time(x) => *x as f64,
            Value::Bool(x) => f64::from(u8::from(*x)),
            Value::Text(_) | Value::Missing => f64::NAN,
        }
    }

    /// The value as text for people and for keys; `None` when missing. Whole floats print without a fraction.
    pub fn text(&self) -> Option<String> {
        match self {
            Value::Missing => None,
            Value::Float(x) => Some(x.to_string()),
            Value::Int(x) => Some(x.to_string()),
            Value::Bool(x) => Some(x.to_string()),
            Value::Text(x) => Some(x.to_string()),
            Value::Time(x) => Some(crate::Timestamp(*x).to_string()),
        }
    }

    /// The value as JSON; missing is `null`, times are RFC 3339 text.
    pub fn json(&self) -> serde_json::Value {
        match self {
            Value::Missing => serde_json::Value::Null,
            Value::Float(x) => serde_json::Number::from_f64(*x).map_or(serde_json::Value::Null, Into::into),
            Value::Int(x) => (*x).into(),
            Value::Bool(x) => (*x).into(),
            Value::Text(x) => x.as_ref().into(),
            Value::Time(x) => crate::Timestamp(*x).to_string().into(),
        }
    }
}

/// Text as codes into a list of levels; the list may hold levels that no row uses.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TextColumn {
    /// For each row the index of its level, or `MISSING_CODE`.
    pub codes: Vec<u32>,
    /// The distinct texts.
    pub levels: Arc<Vec<Arc<str>>>,
}

impl TextColumn {
    /// Encodes texts, levels in order of first appearance.
    pub fn from_texts<'a>(texts: impl IntoIterator<Item = Option<&'a str>>) -> Self {
        let mut builder = TextBuilder::default();
        for text in texts {
            builder.push(text);
        }
        builder.finish()
    }

    /// The text of a row, or `None` when missing.
    pub fn get(&self, row: usize) -> Option<&Arc<str>> {
        self.levels.get(self.codes[row] as usize)
    }
}

/// Builds a text column row by row.
#[derive(Debug, Default)]
pub struct TextBuilder {
    codes: Vec<u32>,
    levels: Vec<Arc<str>>,
    index: HashMap<Arc<str>, u32>,
}

impl TextBuilder {
    /// Appends one row.
    pub fn push(&mut self, text: Option<&str>) {
        let code = match text {
            None => MISSING_CODE,
            Some(text) => match self.index.get(text) {
                Some(code) => *code,
                None => {
                    let code = self.levels.len() as u32;
                    let level: Arc<str> = text.into();
                    self.levels.push(level.clone());
                    self.index.insert(level, code);
                    code
                }
            },
        };
        self.codes.push(code);
    }

    /// The finished column.
    pub fn finish(self) -> TextColumn {
        TextColumn { codes: self.codes, levels: Arc::new(self.levels) }
    }
}

/// The values of one column.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// NaN is missing.
    Float(Vec<f64>),
    /// `MISSING_INT` is missing.
    Int(Vec<i64>),
    /// 0, 1 or `MISSING_BOOL`.
    Bool(Vec<u8>),
    /// Codes into levels.
    Text(TextColumn),
    /// Milliseconds since 1970, UTC; `MISSING_INT` is missing.
    Time(Vec<i64>),
}

impl Column {
    /// How many rows.
    pub fn len(&self) -> usize {
        match self {
            Column::Float(v) => v.len(),
            Column::Int(v) | Column::Time(v) => v.len(),
            Column::Bool(v) => v.len(),
            Column::Text(v) => v.codes.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The type.
    pub fn kind(&self) -> Kind {
        match self {
            Column::Float(_) => Kind::Float,
            Column::Int(_) => Kind::Int,
            Column::Bool(_) => Kind::Bool,
            Column::Text(_) => Kind::Text,
            Column::Time(_) => Kind::Time,
        }
    }

    /// The value of a row.
    pub fn value(&self, row: usize) -> Value {
        match self {
            Column::Float(v) if v[row].is_nan() => Value::Missing,
            Column::Float(v) => Value::Float(v[row]),
            Column::Int(v) if v[row] == MISSING_INT => Value::Missing,
            Column::Int(v) => Value::Int(v[row]),
            Column::Bool(v) if v[row] == MISSING_BOOL => Value::Missing,
            Column::Bool(v) => Value::Bool(v[row] == 1),
            Column::Text(v) => v.get(row).map_or(Value::Missing, |t| Value::Text(t.clone())),
            Column::Time(v) if v[row] == MISSING_INT => Value::Missing,
            Column::Time(v) => Value::Time(v[row]),
        }
    }

    /// The value of a row as a number (see `Value::number`), without building a `Value`.
    pub fn number(&self, row: usize) -> f64 {
        match self {
            Column::Float(v) => v[row],
            Column::Int(v) | Column::Time(v) if v[row] == MISSING_INT => f64::NAN,
            Column::Int(v) | Column::Time(v) => v[row] as f64,
            Column::Bool(v) if v[row] == MISSING_BOOL => f64::NAN,
            Column::Bool(v) => f64::from(v[row]),
            Column::Text(_) => f64::NAN,
        }
    }

    /// All rows as numbers.
    pub fn numbers(&self) -> Vec<f64> {
        (0..self.len()).map(|row| self.number(row)).collect()
    }

    /// Whether a row has no value.
    pub fn is_missing(&self, row: usize) -> bool {
        match self {
            Column::Text(v) => v.codes[row] == MISSING_CODE,
            other => other.number(row).is_nan(),
        }
    }

    /// The rows at `rows`, in that order.
    #[must_use]
    pub fn take(&self, rows: &[usize]) -> Column {
        match self {
            Column::Float(v) => Column::Float(rows.iter().map(|&r| v[r]).collect()),
            Column::Int(v) => Column::Int(rows.iter().map(|&r| v[r]).collect()),
            Column::Bool(v) => Column::Bool(rows.iter().map(|&r| v[r]).collect()),
            Column::Time(v) => Column::Time(rows.iter().map(|&r| v[r]).collect()),
            Column::Text(v) => {
                Column::Text(TextColumn { codes: rows.iter().map(|&r| v.codes[r]).collect(), levels: v.levels.clone() })
            }
        }
    }

    /// A column of the type `kind` from single values; a value of another type is an error that names the row.
    pub fn from_values(kind: Kind, values: &[Value]) -> Result<Column> {
        let wrong = |row: usize, value: &Value| {
            Error::new(ErrorCode::InvalidData, format!("row {row}: {value:?} is not of the type {}", kind.as_str()))
        };
        macro_rules! gather {
            ($missing:expr, $($pattern:pat => $out:expr),+) => {
                values.iter().enumerate().map(|(row, value)| match value {
                    Value::Missing => Ok($missing),
                    $($pattern => Ok($out),)+
                    other => Err(wrong(row, other)),
                }).collect::<Result<Vec<_>>>()?
            };
        }
        Ok(match kind {
            Kind::Float => Column::Float(gather!(f64::NAN, Value::Float(x) => *x, Value::Int(x) => *x as f64)),
            Kind::Int => Column::Int(gather!(MISSING_INT, Value::Int(x) => *x)),
            Kind::Bool => Column::Bool(gather!(MISSING_BOOL, Value::Bool(x) => u8::from(*x))),
            Kind::Time => Column::Time(gather!(MISSING_INT, Value::Time(x) => *x)),
            Kind::Text => {
                let mut builder = TextBuilder::default();
                for (row, value) in values.iter().enumerate() {
                    match value {
                        Value::Missing => builder.push(None),
                        Value::Text(text) => builder.push(Some(text)),
                        other => return Err(wrong(row, other)),
                    }
                }
                Column::Text(builder.finish())
            }
        })
    }
}

/// Named columns of equal length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    names: Vec<String>,
    columns: Vec<Column>,
    rows: usize,
}

impl Table {
    /// A table of these columns. Names must differ and lengths agree.
    pub fn new(columns: Vec<(String, Column)>) -> Result<Self> {
        let rows = columns.first().map_or(0, |(_, c)| c.len());
        let mut table = Table { rows, ..Table::default() };
        for (name, column) in columns {
            table.push(name, column)?;
        }
        Ok(table)
    }

    /// Appends a column.
    pub fn push(&mut self, name: impl Into<String>, column: Column) -> Result<()> {
        let name = name.into();
        if self.names.contains(&name) {
            return Err(Error::new(ErrorCode::InvalidData, format!("the column '{name}' appears twice"))
                .hint("rename one of them, for example with AS in the SQL"));
        }
        if self.columns.is_empty() {
            self.rows = column.len();
        } else if column.len() != self.rows {
            return Err(Error::new(
                ErrorCode::InvalidData,
                format!("the column '{name}' has {} rows, the table has {}", column.len(), self.rows),
            ));
        }
        self.names.push(name);
        self.columns.push(column);
        Ok(())
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The names of the columns, in order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The columns with their names, in order.
    pub fn columns(&self) -> impl Iterator<Item = (&str, &Column)> {
        self.names.iter().map(String::as_str).zip(&self.columns)
    }

    /// The position of a column.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| n == name)
    }

    /// The column at a position.
    pub fn at(&self, position: usize) -> &Column {
        &self.columns[position]
    }

    /// The column called `name`, or an error that lists what there is.
    pub fn column(&self, name: &str) -> Result<&Column> {
        self.position(name).map(|i| &self.columns[i]).ok_or_else(|| {
            Error::new(ErrorCode::InvalidData, format!("there is no column '{name}'"))
                .hint(format!("the columns are: {}", self.names.join(", ")))
        })
    }

    /// The rows at `rows`, in that order.
    #[must_use]
    pub fn take(&self, rows: &[usize]) -> Table {
        Table {
            names: self.names.clone(),
            columns: self.columns.iter().map(|c| c.take(rows)).collect(),
            rows: rows.len(),
        }
    }

    /// Only these columns, in this order.
    pub fn select(&self, names: &[&str]) -> Result<Table> {
        let columns = names.iter().map(|n| Ok(((*n).to_owned(), self.column(n)?.clone()))).collect::<Result<_>>()?;
        Table::new(columns)
    }

    /// The values of one row, in the order of the columns.
    pub fn row(&self, row: usize) -> Vec<Value> {
        self.columns.iter().map(|c| c.value(row)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_keep_their_values_and_gaps() {
        let text = TextColumn::from_texts([Some("EWR"), None, Some("JFK"), Some("EWR")]);
        assert_eq!(text.levels.len(), 2);
        let table = Table::new(vec![
            ("origin".into(), Column::Text(text)),
            ("late".into(), Column::Bool(vec![1, 0, MISSING_BOOL, 1])),
            ("dist".into(), Column::Float(vec![1.0, f64::NAN, 3.0, 4.5])),
        ])
        .unwrap();
        assert_eq!(table.row(1), vec![Value::Missing, Value::Bool(false), Value::Missing]);
        let taken = table.take(&[3, 0]);
        assert_eq!(taken.row(0), vec![Value::Text("EWR".into()), Value::Bool(true), Value::Float(4.5)]);
        assert!(table.column("dest").unwrap_err().next_step().unwrap().contains("origin, late, dist"));
        assert!(Table::new(vec![("a".into(), Column::Int(vec![1])), ("a".into(), Column::Int(vec![2]))]).is_err());
        assert!(Table::new(vec![("a".into(), Column::Int(vec![1])), ("b".into(), Column::Int(vec![]))]).is_err());
    }
}
