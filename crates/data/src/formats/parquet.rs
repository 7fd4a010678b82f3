//! Parquet, the form in which dataset versions are kept.

use std::sync::Arc;

use bytes::Bytes;
use flyball_core::{Error, ErrorCode, Result, Table};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::columnar::{self, TableBuilder, Zone};

/// Reads a Parquet file.
pub fn read(bytes: Bytes) -> Result<Table> {
    let bad = |error: &dyn std::fmt::Display| {
        Error::new(ErrorCode::InvalidData, format!("not a readable Parquet file ({error})"))
            .hint("check that the file is complete")
    };
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(|error| bad(&error))?;
    let mut builder = TableBuilder::new(reader.schema())?;
    for batch in reader.build().map_err(|error| bad(&error))? {
        builder.append(&batch.map_err(|error| bad(&error))?)?;
    }
    builder.finish()
}

/// Writes a table: zstd, times marked as UTC. The same table gives the same bytes.
pub fn write(table: &Table) -> Result<Vec<u8>> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        // The library's own default names its version, which would change the bytes with every upgrade.
        .set_created_by("flyball".to_owned())
        .build();
    let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
    let schema = columnar::schema(table, Zone::Utc);
    let mut bytes = Vec::new();
    let mut writer =
        ArrowWriter::try_new_with_options(&mut bytes, Arc::clone(&schema), options).map_err(Error::internal)?;
    for batch in columnar::to_batches(table, Zone::Utc)? {
        writer.write(&batch).map_err(Error::internal)?;
    }
    writer.close().map_err(Error::internal)?;
    Ok(bytes)
}
