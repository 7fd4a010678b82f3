//! Arrow IPC streams, as data frames are sent between programs.

use std::io::Cursor;

use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use bytes::Bytes;
use flyball_core::{Error, ErrorCode, Result, Table};

use crate::columnar::{self, TableBuilder, Zone};

/// Reads a stream.
///
/// # Errors
/// `InvalidData` when it is none, or has a column of a type that a table has no place for.
pub fn read(bytes: &Bytes) -> Result<Table> {
    let bad = |error: &dyn std::fmt::Display| {
        Error::new(ErrorCode::InvalidData, format!("not a readable Arrow stream ({error})"))
            .hint("send the stream format of Arrow IPC, not the file format")
    };
    let reader = StreamReader::try_new(Cursor::new(bytes), None).map_err(|error| bad(&error))?;
    let mut builder = TableBuilder::new(&reader.schema())?;
    for batch in reader {
        builder.append(&batch.map_err(|error| bad(&error))?)?;
    }
    builder.finish()
}

/// Writes a stream, times marked as UTC.
///
/// # Errors
/// `Internal`.
pub fn write(table: &Table) -> Result<Vec<u8>> {
    let schema = columnar::schema(table, Zone::Utc);
    let mut bytes = Vec::new();
    let mut writer = StreamWriter::try_new(&mut bytes, &schema).map_err(Error::internal)?;
    for batch in columnar::to_batches(table, Zone::Utc)? {
        writer.write(&batch).map_err(Error::internal)?;
    }
    writer.finish().map_err(Error::internal)?;
    drop(writer);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use flyball_core::{Column, TextColumn};

    use super::*;

    #[test]
    fn a_table_survives_the_stream_and_garbage_is_refused() {
        let table = Table::new(vec![
            ("x".into(), Column::Float(vec![1.5, f64::NAN])),
            ("n".into(), Column::Int(vec![1, -2])),
            ("t".into(), Column::Text(TextColumn::from_texts([Some("a"), None]))),
        ])
        .unwrap();
        let bytes: Bytes = write(&table).unwrap().into();
        let back = read(&bytes).unwrap();
        assert_eq!(back.names(), table.names());
        assert_eq!((back.row(0), back.rows()), (table.row(0), 2));
        for cut in [0, 1, 8, bytes.len() / 2] {
            assert!(read(&bytes.slice(..cut)).is_err() || cut > 8, "{cut}");
        }
        assert!(read(&Bytes::from_static(b"ARROW1\0\0 not really, but long enough to look")).is_err());
    }
}
