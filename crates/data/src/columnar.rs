//! Between [`Table`] and Arrow record batches.
//!
//! Arrow knows some forty types, a table five. Reading widens: every whole number becomes `Int`, decimals and floats
//! become `Float`, dates and timestamps become `Time` in milliseconds. What has no honest place in a table (lists,
//! structs) is refused by name.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, RecordBatch, RecordBatchOptions, StringArray,
    TimestampMillisecondArray,
};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    DataType, Field, Float64Type, Int32Type, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMillisecondType,
};
use flyball_core::table::{MISSING_BOOL, MISSING_INT, TextBuilder};
use flyball_core::{Column, Error, ErrorCode, Kind, Result, Table, limits};

/// Rows per record batch: large enough that per-batch work vanishes, small enough to stay in the cache.
const BATCH_ROWS: usize = 16_384;

/// How `Time` columns are written to Arrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// With the zone UTC, as files should say it.
    Utc,
    /// Without a zone: SQL engines compare such times with literals without a cast.
    Unmarked,
}

/// The Arrow schema of a table.
pub fn schema(table: &Table, zone: Zone) -> SchemaRef {
    let fields: Vec<Field> =
        table.columns().map(|(name, column)| Field::new(name, data_type(column.kind(), zone), true)).collect();
    Arc::new(Schema::new(fields))
}

fn data_type(kind: Kind, zone: Zone) -> DataType {
    match kind {
        Kind::Float => DataType::Float64,
        Kind::Int => DataType::Int64,
        Kind::Bool => DataType::Boolean,
        Kind::Text => DataType::Utf8,
        Kind::Time => DataType::Timestamp(TimeUnit::Millisecond, (zone == Zone::Utc).then(|| "UTC".into())),
    }
}

/// The table as record batches of at most 16,384 rows; an empty table gives none.
pub fn to_batches(table: &Table, zone: Zone) -> Result<Vec<RecordBatch>> {
    let schema = schema(table, zone);
    (0..table.rows())
        .step_by(BATCH_ROWS)
        .map(|start| {
            let end = (start + BATCH_ROWS).min(table.rows());
            let arrays = table.columns().map(|(_, column)| array(column, start, end, zone)).collect();
            let options = RecordBatchOptions::new().with_row_count(Some(end - start));
            RecordBatch::try_new_with_options(schema.clone(), arrays, &options).map_err(Error::internal)
        })
        .collect()
}

fn array(column: &Column, start: usize, end: usize, zone: Zone) -> ArrayRef {
    match column {
        Column::Float(v) => {
            let v = &v[start..end];
            Arc::new(Float64Array::new(v.to_vec().into(), nulls(v, |x| !x.is_nan())))
        }
        Column::Int(v) => {
            let v = &v[start..end];
            Arc::new(Int64Array::new(v.to_vec().into(), nulls(v, |x| *x != MISSING_INT)))
        }
        Column::Time(v) => {
            let v = &v[start..end];
            let times = TimestampMillisecondArray::new(v.to_vec().into(), nulls(v, |x| *x != MISSING_INT));
            Arc::new(if zone == Zone::Utc { times.with_timezone("UTC") } else { times })
        }
        Column::Bool(v) => {
            let v = &v[start..end];
            let bits: BooleanBuffer = v.iter().map(|x| *x == 1).collect();
            Arc::new(BooleanArray::new(bits, nulls(v, |x| *x != MISSING_BOOL)))
        }
        Column::Text(v) => {
            let texts = v.codes[start..end].iter().map(|code| v.levels.get(*code as usize).map(AsRef::<str>::as_ref));
            Arc::new(texts.collect::<StringArray>())
        }
    }
}

fn nulls<T>(values: &[T], present: impl Fn(&T) -> bool) -> Option<NullBuffer> {
    let bits: BooleanBuffer = values.iter().map(present).collect();
    (bits.count_set_bits() < values.len()).then(|| NullBuffer::new(bits))
}

/// Collects record batches of one schema into a table, batch after batch, so that no two copies of all rows exist.
#[derive(Debug)]
pub struct TableBuilder {
    columns: Vec<(String, Target, Part)>,
    bytes: usize,
}

/// The type to which an Arrow column is cast before its values are taken over.
#[derive(Debug)]
struct Target(DataType);

#[derive(Debug)]
enum Part {
    Float(Vec<f64>),
    Int(Vec<i64>),
    Bool(Vec<u8>),
    Time(Vec<i64>),
    Text(TextBuilder),
}

impl TableBuilder {
    /// A builder for batches of this schema. A column whose type has no place in a table is an error that names it.
    pub fn new(schema: &Schema) -> Result<Self> {
        if schema.fields().len() > limits::TABLE_COLUMNS {
            return Err(Error::new(
                ErrorCode::LimitExceeded,
                format!("{} columns are more than the limit of {}", schema.fields().len(), limits::TABLE_COLUMNS),
            ));
        }
        let columns = schema.fields().iter().map(|field| {
            let (target, part) = target(field)?;
            Ok((field.name().clone(), Target(target), part))
        });
        Ok(Self { columns: columns.collect::<Result<_>>()?, bytes: 0 })
    }

    /// Appends the rows of a batch.
    pub fn append(&mut self, batch: &RecordBatch) -> Result<()> {
        for ((name, target, part), array) in self.columns.iter_mut().zip(batch.columns()) {
            append(part, array, &target.0).map_err(|error| error.context(format_args!("column '{name}'")))?;
        }
        self.bytes += batch.columns().iter().map(size).sum::<usize>();
        Ok(())
    }

    /// About how many bytes were taken over so far.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The finished table. A column name that appears twice is an error.
    pub fn finish(self) -> Result<Table> {
        let columns = self.columns.into_iter().map(|(name, _, part)| {
            let column = match part {
                Part::Float(v) => Column::Float(v),
                Part::Int(v) => Column::Int(v),
                Part::Bool(v) => Column::Bool(v),
                Part::Time(v) => Column::Time(v),
                Part::Text(v) => Column::Text(v.finish()),
            };
            (name, column)
        });
        Table::new(columns.collect())
    }
}

/// The table of these batches, which share `schema`.
pub fn from_batches(schema: &Schema, batches: &[RecordBatch]) -> Result<Table> {
    let mut builder = TableBuilder::new(schema)?;
    batches.iter().try_for_each(|batch| builder.append(batch))?;
    builder.finish()
}

fn target(field: &Field) -> Result<(DataType, Part)> {
    use DataType as T;
    let value_type = match field.data_type() {
        T::Dictionary(_, value) => value.as_ref(),
        plain => plain,
    };
    Ok(match value_type {
        T::Int8 | T::Int16 | T::Int32 | T::Int64 | T::UInt8 | T::UInt16 | T::UInt32 | T::UInt64 => {
            (T::Int64, Part::Int(Vec::new()))
        }
        // Spans of time are whole milliseconds.
        T::Duration(_) => (T::Duration(TimeUnit::Millisecond), Part::Int(Vec::new())),
        T::Float16 | T::Float32 | T::Float64 | T::Null => (T::Float64, Part::Float(Vec::new())),
        T::Decimal32(..) | T::Decimal64(..) | T::Decimal128(..) | T::Decimal256(..) => {
            (T::Float64, Part::Float(Vec::new()))
        }
        T::Boolean => (T::Boolean, Part::Bool(Vec::new())),
        T::Date32 | T::Date64 | T::Timestamp(..) => (T::Timestamp(TimeUnit::Millisecond, None), Part::Time(Vec::new())),
        // Some writers leave the text annotation out; what is not UTF-8 fails in the cast.
        T::Utf8
        | T::LargeUtf8
        | T::Utf8View
        | T::Binary
        | T::LargeBinary
        | T::BinaryView
        | T::Time32(_)
        | T::Time64(_) => {
            let text = if matches!(field.data_type(), T::Dictionary(..)) {
                T::Dictionary(Box::new(T::Int32), Box::new(T::Utf8))
            } else {
                T::Utf8
            };
            (text, Part::Text(TextBuilder::default()))
        }
        other => {
            return Err(Error::new(
                ErrorCode::InvalidData,
                format!("the column '{}' has the type {other}, which a table cannot hold", field.name()),
            )
            .hint("leave it out, or turn it into plain columns with a query"));
        }
    })
}

fn append(part: &mut Part, array: &ArrayRef, target: &DataType) -> Result<()> {
    let array = cast(array, target)?;
    match part {
        Part::Float(out) => {
            let array = array.as_primitive::<Float64Type>();
            out.extend(array.iter().map(|x| x.unwrap_or(f64::NAN)));
        }
        Part::Int(out) => match target {
            DataType::Int64 => out.extend(array.as_primitive::<Int64Type>().iter().map(|x| x.unwrap_or(MISSING_INT))),
            _ => {
                let array = array.as_primitive::<arrow::datatypes::DurationMillisecondType>();
                out.extend(array.iter().map(|x| x.unwrap_or(MISSING_INT)));
            }
        },
        Part::Time(out) => {
            let array = array.as_primitive::<TimestampMillisecondType>();
            out.extend(array.iter().map(|x| x.unwrap_or(MISSING_INT)));
        }
        Part::Bool(out) => out.extend(array.as_boolean().iter().map(|x| x.map_or(MISSING_BOOL, u8::from))),
        Part::Text(out) => append_text(out, &array),
    }
    Ok(())
}

fn append_text(out: &mut TextBuilder, array: &ArrayRef) {
    match array.as_dictionary_opt::<Int32Type>() {
        Some(dictionary) => {
            let levels = dictionary.values().as_string::<i32>();
            let level = |key: usize| levels.is_valid(key).then(|| levels.value(key));
            dictionary.keys_iter().for_each(|key| out.push(key.and_then(level)));
        }
        None => array.as_string::<i32>().iter().for_each(|text| out.push(text)),
    }
}

/// The bytes of the rows that an array shows, not of the whole buffer that it may share with others.
fn size(array: &ArrayRef) -> usize {
    array.to_data().get_slice_memory_size().unwrap_or_else(|_| array.get_array_memory_size())
}

/// Casts without ever turning a value that does not fit into a missing one.
fn cast(array: &ArrayRef, target: &DataType) -> Result<ArrayRef> {
    if array.data_type() == target {
        return Ok(array.clone());
    }
    cast_with_options(array, target, &CastOptions { safe: false, ..CastOptions::default() }).map_err(|error| {
        Error::new(ErrorCode::InvalidData, format!("a value does not fit into a table ({error})"))
            .hint("turn the column into text or a float with a query")
    })
}
