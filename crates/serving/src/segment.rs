//! Record segments: runs of inference records, kept as Parquet blobs and found by time or prediction id.

use bytes::Bytes;
use flyball_core::{Column, Digest, Error, Result, Table, Timestamp};
use flyball_data::formats::parquet;
use flyball_store::{Blobs, OnConflict, Row, Tx, params};
use serde::Serialize;

use crate::prediction_id;
use crate::record_columns as columns;

const SEGMENT_COLUMNS: [&str; 10] = [
    "endpoint",
    "first_sequence",
    "last_sequence",
    "row_count",
    "errors",
    "at_from",
    "at_to",
    "id_from",
    "id_to",
    "digest",
];

/// A run of inference records of one endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Segment {
    /// The endpoint.
    pub endpoint: String,
    /// The lowest sequence number.
    pub first_sequence: i64,
    /// The highest sequence number.
    pub last_sequence: i64,
    /// How many records.
    pub rows: usize,
    /// How many of them the model failed.
    pub errors: usize,
    /// The earliest and the latest event time.
    pub at: (Timestamp, Timestamp),
    /// The earliest and the latest moment inside the prediction ids.
    pub ids: (Timestamp, Timestamp),
    /// The content address of the Parquet file.
    pub digest: Digest,
}

/// Writes records to the blobs. The table is not empty.
pub(crate) fn write(blobs: &Blobs, endpoint: &str, table: &Table) -> Result<Segment> {
    let digest = blobs.put(&parquet::write(table)?)?;
    let (first_sequence, last_sequence) = range(integers(table, columns::SEQUENCE)?.iter().copied())?;
    let (at_from, at_to) = range(integers(table, columns::AT)?.iter().copied())?;
    let ids = table.column(columns::PREDICTION_ID)?;
    let moments = (0..table.rows()).filter_map(|row| ids.value(row).text());
    let moments: Vec<i64> = moments.map(|id| Ok(prediction_id::parse(&id)?.0.0)).collect::<Result<_>>()?;
    let (id_from, id_to) = range(moments.into_iter())?;
    let errors = table.column(columns::ERROR)?;
    Ok(Segment {
        endpoint: endpoint.to_owned(),
        first_sequence,
        last_sequence,
        rows: table.rows(),
        errors: (0..table.rows()).filter(|&row| !errors.is_missing(row)).count(),
        at: (Timestamp(at_from), Timestamp(at_to)),
        ids: (Timestamp(id_from), Timestamp(id_to)),
        digest,
    })
}

/// The records of a segment.
pub(crate) fn read(blobs: &Blobs, segment: &Segment) -> Result<Table> {
    let bytes: Bytes = blobs.get(&segment.digest)?;
    parquet::read(bytes).map_err(|error| error.context(format_args!("records of '{}'", segment.endpoint)))
}

/// Notes segments whose blobs are written, in the caller's transaction.
pub fn record_segments(tx: &mut Tx<'_>, segments: &[Segment]) -> Result<()> {
    let row = |segment: &Segment| {
        params![
            segment.endpoint.as_str(),
            segment.first_sequence,
            segment.last_sequence,
            segment.rows,
            segment.errors,
            segment.at.0,
            segment.at.1,
            segment.ids.0,
            segment.ids.1,
            segment.digest,
        ]
        .to_vec()
    };
    let rows: Vec<_> = segments.iter().map(row).collect();
    tx.insert_rows("record_segments", &SEGMENT_COLUMNS, &rows, OnConflict::Fail).map(drop)
}

/// The segments of an endpoint that may hold records with an event time in `from..to`, in the order of their numbers.
pub fn segments(tx: &mut Tx<'_>, endpoint: &str, from: Timestamp, to: Timestamp) -> Result<Vec<Segment>> {
    let sql = format!(
        "SELECT {} FROM record_segments WHERE endpoint = $1 AND at_to >= $2 AND at_from < $3 ORDER BY first_sequence",
        SEGMENT_COLUMNS.join(", ")
    );
    tx.query(&sql, &params![endpoint, from, to])?.iter().map(from_row).collect()
}

/// The first segment of an endpoint with a record after a number.
pub(crate) fn first_after(tx: &mut Tx<'_>, endpoint: &str, sequence: i64) -> Result<Option<Segment>> {
    let sql = format!(
        "SELECT {} FROM record_segments WHERE endpoint = $1 AND last_sequence > $2 ORDER BY first_sequence LIMIT 1",
        SEGMENT_COLUMNS.join(", ")
    );
    tx.query_one(&sql, &params![endpoint, sequence])?.as_ref().map(from_row).transpose()
}

/// The newest segments of an endpoint, the newest first.
pub(crate) fn newest(tx: &mut Tx<'_>, endpoint: &str, most: usize) -> Result<Vec<Segment>> {
    let sql = format!(
        "SELECT {} FROM record_segments WHERE endpoint = $1 ORDER BY first_sequence DESC LIMIT $2",
        SEGMENT_COLUMNS.join(", ")
    );
    tx.query(&sql, &params![endpoint, most])?.iter().map(from_row).collect()
}

/// The segments of any endpoint whose prediction ids span a moment.
pub(crate) fn spanning(tx: &mut Tx<'_>, moment: Timestamp) -> Result<Vec<Segment>> {
    let sql = format!(
        "SELECT {} FROM record_segments WHERE id_to >= $1 AND id_from <= $2 ORDER BY endpoint, first_sequence",
        SEGMENT_COLUMNS.join(", ")
    );
    tx.query(&sql, &params![moment, moment])?.iter().map(from_row).collect()
}

/// Forgets the segments of an endpoint whose newest record is older than `before`; the blobs that they leave behind.
pub(crate) fn expire(tx: &mut Tx<'_>, endpoint: &str, before: Timestamp) -> Result<Vec<Digest>> {
    let old =
        tx.query("SELECT digest FROM record_segments WHERE endpoint = $1 AND at_to < $2", &params![endpoint, before])?;
    let digests = old.iter().map(|row| row.get("digest")).collect::<Result<_>>()?;
    tx.execute("DELETE FROM record_segments WHERE endpoint = $1 AND at_to < $2", &params![endpoint, before])?;
    Ok(digests)
}

/// The first sequence number that no written record of an endpoint has.
pub(crate) fn next_sequence(tx: &mut Tx<'_>, endpoint: &str) -> Result<u64> {
    let row =
        tx.query_one("SELECT MAX(last_sequence) AS last FROM record_segments WHERE endpoint = $1", &params![endpoint])?;
    let last = row.map(|row| row.get::<Option<i64>>("last")).transpose()?.flatten();
    Ok(last.map_or(0, |last| last.cast_unsigned() + 1))
}

fn from_row(row: &Row) -> Result<Segment> {
    Ok(Segment {
        endpoint: row.get("endpoint")?,
        first_sequence: row.get("first_sequence")?,
        last_sequence: row.get("last_sequence")?,
        rows: row.get("row_count")?,
        errors: row.get("errors")?,
        at: (row.get("at_from")?, row.get("at_to")?),
        ids: (row.get("id_from")?, row.get("id_to")?),
        digest: row.get("digest")?,
    })
}

/// The numbers of a column that is never missing.
pub(crate) fn integers<'a>(table: &'a Table, name: &str) -> Result<&'a [i64]> {
    match table.column(name)? {
        Column::Int(values) | Column::Time(values) => Ok(values),
        Column::Float(_) | Column::Bool(_) | Column::Text(_) => {
            Err(Error::internal(format!("the record column '{name}' does not hold whole numbers")))
        }
    }
}

fn range(values: impl Iterator<Item = i64>) -> Result<(i64, i64)> {
    let range = values.fold(None, |range: Option<(i64, i64)>, value| {
        Some(range.map_or((value, value), |(low, high)| (low.min(value), high.max(value))))
    });
    range.ok_or_else(|| Error::internal("a record segment without rows"))
}
