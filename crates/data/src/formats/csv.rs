//! Comma-separated values (RFC 4180) with a header; types are inferred from all values of a column.

use std::collections::HashSet;

use csv::{ByteRecord, ReaderBuilder};
use flyball_core::{Error, ErrorCode, Result, Table, limits};

use super::values::{Growing, Guess};
use super::{Parsed, Quarantine};

/// Longest row. A quote that is never closed swallows what follows; this bounds how far one looks for its end.
const ROW_BYTES: usize = 1024 * 1024;

/// Reads a file whose fields are separated by `delimiter`. Broken rows (wrong number of fields, bad quoting, not UTF-8)
/// are kept apart with their line. A missing, empty or repeated column name is an error.
pub fn read(bytes: &[u8], delimiter: u8) -> Result<Parsed> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let (header, body) = header(bytes, delimiter)?;
    let mut quarantine = Quarantine::default();
    let mut guesses = vec![Guess::default(); header.len()];
    let mut rows = 0;
    scan(bytes, body, delimiter, header.len(), &mut quarantine, &mut |fields| {
        rows += 1;
        guesses.iter_mut().zip(fields).for_each(|(guess, field)| guess.observe(field));
    })?;
    // A second pass over the bytes is cheaper in memory than to keep every field as text until the types are known.
    let mut columns: Vec<Growing> = guesses.iter().map(|guess| Growing::new(guess.kind(), rows)).collect();
    scan(bytes, body, delimiter, header.len(), &mut Quarantine::default(), &mut |fields| {
        columns.iter_mut().zip(fields).for_each(|(column, field)| column.push(field));
    })?;
    let table = Table::new(header.into_iter().zip(columns.into_iter().map(Growing::finish)).collect())?;
    Ok(Parsed { table, broken: quarantine.rows })
}

/// Where a row begins.
#[derive(Clone, Copy)]
struct Place {
    offset: usize,
    line: u64,
}

fn header(bytes: &[u8], delimiter: u8) -> Result<(Vec<String>, Place)> {
    let bad = |message: String| {
        Err(Error::new(ErrorCode::InvalidData, message).hint("the first line must name every column, each once"))
    };
    let mut reader = reader(bytes, delimiter);
    let mut record = ByteRecord::new();
    if !reader.read_byte_record(&mut record).map_err(Error::internal)? {
        return bad("the file is empty".into());
    }
    if record.len() > limits::TABLE_COLUMNS {
        return bad(format!("{} columns are more than the limit of {}", record.len(), limits::TABLE_COLUMNS));
    }
    let mut names = Vec::with_capacity(record.len());
    let mut seen = HashSet::new();
    for (position, field) in record.iter().enumerate() {
        let Ok(name) = std::str::from_utf8(field) else {
            return bad(format!("the name of column {} is not UTF-8", position + 1));
        };
        let name = name.trim();
        if name.is_empty() {
            return bad(format!("column {} has no name", position + 1));
        }
        if !seen.insert(name.to_owned()) {
            return bad(format!("the column '{name}' appears twice"));
        }
        names.push(name.to_owned());
    }
    let after = reader.position();
    Ok((names, Place { offset: after.byte() as usize, line: after.line() }))
}

/// Calls `row` with the fields of every good row and puts the broken ones into quarantine.
fn scan(
    bytes: &[u8],
    mut from: Place,
    delimiter: u8,
    width: usize,
    quarantine: &mut Quarantine,
    row: &mut dyn FnMut(&mut dyn Iterator<Item = &str>),
) -> Result<()> {
    // After bad quoting the reader has run past the row's line, so reading begins anew on the next line.
    while let Some(resume) = scan_until_bad_quoting(bytes, from, delimiter, width, quarantine, row)? {
        from = resume;
    }
    Ok(())
}

fn scan_until_bad_quoting(
    bytes: &[u8],
    from: Place,
    delimiter: u8,
    width: usize,
    quarantine: &mut Quarantine,
    row: &mut dyn FnMut(&mut dyn Iterator<Item = &str>),
) -> Result<Option<Place>> {
    let mut reader = reader(&bytes[from.offset..], delimiter);
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(Error::internal)? {
        let Some(position) = record.position() else { continue };
        let start = skip_blank_lines(
            bytes,
            Place { offset: from.offset + position.byte() as usize, line: from.line + position.line() - 1 },
        );
        let text = &bytes[start.offset..from.offset + reader.position().byte() as usize];
        let quoting = if text.contains(&b'"') { quoting_fault(text, delimiter) } else { None };
        if let Some(reason) = quoting {
            if text.len() > ROW_BYTES {
                return Err(Error::new(
                    ErrorCode::InvalidData,
                    format!("line {}: {reason}; the row would be longer than {ROW_BYTES} bytes", start.line),
                )
                .hint("close the quote or remove it"));
            }
            let length = text.iter().position(|b| *b == b'\n').map_or(text.len(), |newline| newline + 1);
            quarantine.push(start.line, reason, &text[..length])?;
            return Ok(Some(Place { offset: start.offset + length, line: start.line + 1 }));
        }
        if record.len() != width {
            let reason = format!("{} fields instead of {width}", record.len());
            quarantine.push(start.line, reason, text)?;
        } else if record.iter().any(|field| std::str::from_utf8(field).is_err()) {
            quarantine.push(start.line, "not UTF-8", text)?;
        } else {
            row(&mut record.iter().map(|field| std::str::from_utf8(field).unwrap_or_default().trim()));
        }
    }
    Ok(None)
}

fn reader(bytes: &[u8], delimiter: u8) -> csv::Reader<&[u8]> {
    ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(bytes)
}

/// The reader passes over blank lines silently; the row's own line begins after them.
fn skip_blank_lines(bytes: &[u8], mut place: Place) -> Place {
    while let Some(byte @ (b'\n' | b'\r')) = bytes.get(place.offset) {
        place.line += u64::from(*byte == b'\n');
        place.offset += 1;
    }
    place
}

/// What is wrong with the quoting of a row; the reader itself would guess. A quote may open only at the beginning of a
/// field, and after the closing one the field must end; a quote inside is doubled.
fn quoting_fault(row: &[u8], delimiter: u8) -> Option<&'static str> {
    enum At {
        Start,
        Plain,
        Quoted,
        Closed,
    }
    let mut at = At::Start;
    for &byte in row {
        let ends = byte == delimiter || byte == b'\n' || byte == b'\r';
        at = match at {
            At::Start | At::Plain | At::Closed if ends => At::Start,
            At::Start if byte == b'"' => At::Quoted,
            At::Plain if byte == b'"' => return Some("a quote inside a field that is not quoted"),
            At::Start | At::Plain => At::Plain,
            At::Quoted if byte == b'"' => At::Closed,
            At::Quoted => At::Quoted,
            At::Closed if byte == b'"' => At::Quoted,
            At::Closed => return Some("text after a closing quote"),
        };
    }
    matches!(at, At::Quoted).then_some("a quote that is not closed")
}

#[cfg(test)]
mod tests {
    use flyball_core::{Column, Kind, Value};

    use super::*;

    #[test]
    fn types_and_gaps_are_read() {
        let parsed = read(
            b"\xef\xbb\xbforigin,temp,hour,late,time_hour\nEWR,39.02,5,true,2013-01-01T06:00:00Z\r\n\"J\"\"F,K\",NA,,false,2013-01-01 07:00:00\n",
            b',',
        )
        .unwrap();
        let kinds: Vec<Kind> = parsed.table.columns().map(|(_, c)| c.kind()).collect();
        assert_eq!(kinds, [Kind::Text, Kind::Float, Kind::Int, Kind::Bool, Kind::Time]);
        assert_eq!(
            parsed.table.row(1),
            [
                Value::Text("J\"F,K".into()),
                Value::Missing,
                Value::Missing,
                Value::Bool(false),
                Value::Time(1_357_023_600_000)
            ]
        );
        assert!(parsed.broken.is_empty());
    }

    #[test]
    fn broken_rows_are_kept_apart_with_their_line() {
        let text = b"a,b\n1,2\n\n3\n\"x\ny\",4\n5,\"six\n7,8\n9,\xff\n10,\"e\"leven\n1\"2,13\n14,15\n";
        let parsed = read(text, b',').unwrap();
        let broken: Vec<(u64, &str)> = parsed.broken.iter().map(|b| (b.line, b.reason.as_str())).collect();
        assert_eq!(
            broken,
            [
                (4, "1 fields instead of 2"),
                (7, "text after a closing quote"),
                (9, "not UTF-8"),
                (10, "text after a closing quote"),
                (11, "a quote inside a field that is not quoted"),
            ]
        );
        assert_eq!(parsed.broken[1].text, "5,\"six");
        let a: Vec<Option<String>> = (0..4).map(|row| parsed.table.row(row)[0].text()).collect();
        assert_eq!(a, [Some("1".into()), Some("x\ny".into()), Some("7".into()), Some("14".into())]);
        assert_eq!(parsed.table.rows(), 4);
    }

    #[test]
    fn a_quote_open_to_the_end_costs_one_row() {
        let parsed = read(b"a,b\n1,\"2\n3,4\n", b',').unwrap();
        assert_eq!(parsed.broken[0].line, 2);
        assert_eq!(parsed.broken[0].reason, "a quote that is not closed");
        assert_eq!(parsed.table.columns().next().unwrap().1, &Column::Int(vec![3]));
    }

    #[test]
    fn headers_must_name_every_column_once() {
        for (text, word) in [("", "empty"), ("a,,b\n", "column 2 has no name"), ("a,a\n1,2\n", "twice")] {
            let error = read(text.as_bytes(), b',').unwrap_err();
            assert!(error.message().contains(word), "{error}");
        }
        assert_eq!(read(b"a,b\n", b',').unwrap().table.rows(), 0);
    }

    #[test]
    fn a_file_of_another_format_is_refused() {
        let text = "a,b\n".to_owned() + &"x\n".repeat(limits::BROKEN_ROWS + 1);
        let error = read(text.as_bytes(), b',').unwrap_err();
        assert!(error.message().contains("line 1002"), "{error}");
    }
}
