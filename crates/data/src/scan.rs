//! Rows that pass by in pieces, so that a table need not fit into memory: what checks, profiles and comparisons read.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchReader};
use arrow::datatypes::{
    DataType, Field, Float64Type, Int32Type, Int64Type, Schema, SchemaRef, TimestampMillisecondType,
};
use bytes::Bytes;
use flyball_core::table::{MISSING_CODE, MISSING_INT};
use flyball_core::{Column, Error, ErrorCode, Result, Table, TextColumn};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection, RowSelector,
};
use parquet::file::reader::ChunkReader;

use crate::columnar::{self, TableBuilder};
use crate::model::ColumnSchema;

/// Rows of one piece of a Parquet file: ten columns of it fit into the cache of a processor.
const PIECE_ROWS: usize = 32_768;

/// What is done with a piece: a table of its rows, and the position of the first of them.
pub type Each<'a> = dyn FnMut(&Table, usize) -> Result<()> + 'a;

/// A table whose rows can be walked through in order, as often as needed.
pub trait Rows {
    /// The columns, in order.
    fn schema(&self) -> Vec<ColumnSchema>;
    /// How many rows.
    fn count(&self) -> usize;
    /// Hands over all rows in pieces, in order. With `columns`, pieces have at least these; all otherwise.
    fn scan(&self, columns: Option<&[String]>, each: &mut Each<'_>) -> Result<()>;
    /// The rows at ascending positions.
    fn take(&self, rows: &[usize]) -> Result<Table>;
    /// All rows at once.
    fn whole(&self) -> Result<Arc<Table>>;
}

impl Rows for Arc<Table> {
    fn schema(&self) -> Vec<ColumnSchema> {
        ColumnSchema::of(self)
    }

    fn count(&self) -> usize {
        self.rows()
    }

    fn scan(&self, _: Option<&[String]>, each: &mut Each<'_>) -> Result<()> {
        each(self, 0)
    }

    fn take(&self, rows: &[usize]) -> Result<Table> {
        Ok(Table::take(self, rows))
    }

    fn whole(&self) -> Result<Arc<Table>> {
        Ok(Arc::clone(self))
    }
}

/// A Parquet file of which one piece at a time is in memory.
#[derive(Debug)]
pub struct ParquetRows {
    place: Place,
    metadata: ArrowReaderMetadata,
    schema: Vec<ColumnSchema>,
}

#[derive(Debug)]
enum Place {
    Memory(Bytes),
    File(File),
}

fn unreadable(error: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::InvalidData, format!("not a readable Parquet file ({error})"))
        .hint("check that the file is complete")
}

impl ParquetRows {
    /// The rows of a Parquet file on disk.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| Error::not_found("file", path.display()).cause(error))?;
        let metadata = metadata(&file)?;
        Self::new(Place::File(file), metadata)
    }

    /// The rows of a Parquet file in memory.
    pub fn of_bytes(bytes: Bytes) -> Result<Self> {
        let metadata = metadata(&bytes)?;
        Self::new(Place::Memory(bytes), metadata)
    }

    fn new(place: Place, metadata: ArrowReaderMetadata) -> Result<Self> {
        let empty = TableBuilder::new(metadata.schema())?.finish()?;
        Ok(Self { place, metadata, schema: ColumnSchema::of(&empty) })
    }

    fn read(
        &self,
        columns: Option<&[String]>,
        selected: Option<RowSelection>,
        each: &mut dyn FnMut(&RecordBatch) -> Result<()>,
    ) -> Result<SchemaRef> {
        match &self.place {
            Place::Memory(bytes) => self.read_from(bytes.clone(), columns, selected, each),
            Place::File(file) => self.read_from(file.try_clone().map_err(unreadable)?, columns, selected, each),
        }
    }

    fn read_from(
        &self,
        input: impl ChunkReader + 'static,
        columns: Option<&[String]>,
        selected: Option<RowSelection>,
        each: &mut dyn FnMut(&RecordBatch) -> Result<()>,
    ) -> Result<SchemaRef> {
        let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(input, self.metadata.clone())
            .with_batch_size(PIECE_ROWS);
        if let Some(columns) = columns {
            let roots = self.schema.iter().enumerate().filter(|(_, one)| columns.contains(&one.name));
            let mask = ProjectionMask::roots(builder.parquet_schema(), roots.map(|(position, _)| position));
            builder = builder.with_projection(mask);
        }
        if let Some(selected) = selected {
            builder = builder.with_row_selection(selected);
        }
        let reader = builder.build().map_err(unreadable)?;
        let schema = reader.schema();
        for batch in reader {
            each(&batch.map_err(unreadable)?)?;
        }
        Ok(schema)
    }
}

/// Reads the end of a file; texts are left as codes into the levels that the file itself keeps.
fn metadata<R: ChunkReader>(input: &R) -> Result<ArrowReaderMetadata> {
    let plain = ArrowReaderMetadata::load(input, ArrowReaderOptions::new()).map_err(unreadable)?;
    let fields: Vec<Field> = plain.schema().fields().iter().map(|field| coded(field)).collect();
    let options = ArrowReaderOptions::new().with_schema(Arc::new(Schema::new(fields)));
    // A file whose types cannot be read so is read as it is.
    Ok(ArrowReaderMetadata::try_new(Arc::clone(plain.metadata()), options).unwrap_or(plain))
}

fn coded(field: &Field) -> Field {
    match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            let coded = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
            Field::new(field.name(), coded, field.is_nullable())
        }
        _ => field.clone(),
    }
}

impl Rows for ParquetRows {
    fn schema(&self) -> Vec<ColumnSchema> {
        self.schema.clone()
    }

    fn count(&self) -> usize {
        usize::try_from(self.metadata.metadata().file_metadata().num_rows()).unwrap_or_default()
    }

    fn scan(&self, columns: Option<&[String]>, each: &mut Each<'_>) -> Result<()> {
        let mut first = 0;
        let mut levels: Vec<Levels> = Vec::new();
        self.read(columns, None, &mut |batch| {
            let piece = piece(batch, &mut levels)?;
            each(&piece, first)?;
            first += batch.num_rows();
            Ok(())
        })?;
        Ok(())
    }

    fn take(&self, rows: &[usize]) -> Result<Table> {
        let mut selectors = Vec::new();
        let mut at = 0;
        for &row in rows {
            selectors.extend([RowSelector::skip(row - at), RowSelector::select(1)]);
            at = row + 1;
        }
        let mut batches = Vec::new();
        let schema = self.read(None, Some(selectors.into()), &mut |batch| {
            batches.push(batch.clone());
            Ok(())
        })?;
        columnar::from_batches(&schema, &batches)
    }

    fn whole(&self) -> Result<Arc<Table>> {
        let mut builder = TableBuilder::new(self.metadata.schema())?;
        self.read(None, None, &mut |batch| builder.append(batch))?;
        Ok(Arc::new(builder.finish()?))
    }
}

/// The levels of a text column that the last piece had; pieces of one row group share them.
#[derive(Default)]
struct Levels {
    source: Option<ArrayRef>,
    texts: Arc<Vec<Arc<str>>>,
}

fn piece(batch: &RecordBatch, levels: &mut Vec<Levels>) -> Result<Table> {
    levels.resize_with(batch.num_columns(), Levels::default);
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).zip(levels).map(|((field, array), levels)| {
        let column = match quick(array, levels) {
            Some(column) => column,
            None => {
                let schema = Schema::new(vec![field.as_ref().clone()]);
                let one = RecordBatch::try_new(Arc::new(schema.clone()), vec![Arc::clone(array)]);
                columnar::from_batches(&schema, &[one.map_err(Error::internal)?])?.at(0).clone()
            }
        };
        Ok((field.name().clone(), column))
    });
    Table::new(columns.collect::<Result<_>>()?)
}

/// The column of an array of one of the commonest types.
fn quick(array: &ArrayRef, levels: &mut Levels) -> Option<Column> {
    Some(match array.data_type() {
        DataType::Float64 => {
            let array = array.as_primitive::<Float64Type>();
            Column::Float(match array.nulls() {
                None => array.values().to_vec(),
                Some(_) => array.iter().map(|x| x.unwrap_or(f64::NAN)).collect(),
            })
        }
        DataType::Int64 => Column::Int(whole(array.as_primitive::<Int64Type>())),
        DataType::Timestamp(arrow::datatypes::TimeUnit::Millisecond, _) => {
            Column::Time(whole(array.as_primitive::<TimestampMillisecondType>()))
        }
        DataType::Dictionary(key, value) if **key == DataType::Int32 && **value == DataType::Utf8 => {
            let array = array.as_dictionary::<Int32Type>();
            let same = levels.source.as_ref().is_some_and(|source| source.to_data().ptr_eq(&array.values().to_data()));
            if !same {
                let texts = array.values().as_string::<i32>();
                levels.texts = Arc::new(texts.iter().map(|text| text.unwrap_or_default().into()).collect());
                levels.source = Some(Arc::clone(array.values()));
            }
            let is_known = |key: usize| array.values().is_valid(key);
            let codes = match (array.keys().nulls(), array.values().nulls()) {
                (None, None) => array.keys().values().iter().map(|key| *key as u32).collect(),
                _ => array
                    .keys_iter()
                    .map(|key| key.filter(|key| is_known(*key)).map_or(MISSING_CODE, |key| key as u32))
                    .collect(),
            };
            Column::Text(TextColumn { codes, levels: Arc::clone(&levels.texts) })
        }
        _ => return None,
    })
}

fn whole<T: arrow::datatypes::ArrowPrimitiveType<Native = i64>>(array: &arrow::array::PrimitiveArray<T>) -> Vec<i64> {
    match array.nulls() {
        None => array.values().to_vec(),
        Some(_) => array.iter().map(|x| x.unwrap_or(MISSING_INT)).collect(),
    }
}
