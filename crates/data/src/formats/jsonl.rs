//! JSON lines: one object per line; the columns are all keys that appear.

use std::collections::HashMap;

use flyball_core::{Column, Error, ErrorCode, Kind, Result, Table, Value, limits};
use serde_json::{Map, Value as Json};

use super::{Parsed, Quarantine, values};

/// Reads a file. A key that a line lacks, or `null`, is a missing value; numbers that all are whole make an `Int`
/// column; texts that all are times make a `Time` column; objects and lists are kept as their JSON text. A line that is
/// not an object is broken and kept apart.
pub fn read(bytes: &[u8]) -> Result<Parsed> {
    let mut quarantine = Quarantine::default();
    let mut names: Vec<String> = Vec::new();
    let mut positions: HashMap<String, usize> = HashMap::new();
    let mut columns: Vec<Vec<Value>> = Vec::new();
    let mut rows = 0;
    for (index, line) in bytes.split(|b| *b == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let object = match object(line) {
            Ok(object) => object,
            Err(reason) => {
                quarantine.push(index as u64 + 1, reason, line)?;
                continue;
            }
        };
        for (key, json) in object {
            let position = match positions.get(&key) {
                Some(position) => *position,
                None if names.len() >= limits::TABLE_COLUMNS => {
                    return Err(Error::new(
                        ErrorCode::LimitExceeded,
                        format!("line {}: more than {} different keys", index + 1, limits::TABLE_COLUMNS),
                    ));
                }
                None => {
                    names.push(key.clone());
                    positions.insert(key, names.len() - 1);
                    columns.push(Vec::new());
                    names.len() - 1
                }
            };
            // Earlier lines may have lacked this key.
            columns[position].resize(rows, Value::Missing);
            columns[position].push(value(json));
        }
        rows += 1;
    }
    columns.iter_mut().for_each(|column| column.resize(rows, Value::Missing));
    let columns = columns.into_iter().map(column).collect::<Result<Vec<_>>>()?;
    Ok(Parsed { table: Table::new(names.into_iter().zip(columns).collect())?, broken: quarantine.rows })
}

fn object(line: &[u8]) -> std::result::Result<Map<String, Json>, String> {
    let text = std::str::from_utf8(line).map_err(|_| "not UTF-8".to_owned())?;
    match serde_json::from_str(text) {
        Ok(Json::Object(object)) => Ok(object),
        Ok(_) => Err("not an object".to_owned()),
        Err(error) => Err(format!("not JSON at column {}", error.column())),
    }
}

fn value(json: Json) -> Value {
    match json {
        Json::Null => Value::Missing,
        Json::Bool(x) => Value::Bool(x),
        Json::Number(x) => match x.as_i64().filter(|x| *x != flyball_core::table::MISSING_INT) {
            Some(x) => Value::Int(x),
            None => x.as_f64().map_or(Value::Missing, Value::Float),
        },
        Json::String(x) => Value::Text(x.into()),
        nested => Value::Text(nested.to_string().into()),
    }
}

fn column(values: Vec<Value>) -> Result<Column> {
    let present = || values.iter().filter(|v| **v != Value::Missing);
    let all = |fits: fn(&Value) -> bool| present().all(fits);
    let kind = if present().next().is_none() {
        Kind::Float
    } else if all(|v| matches!(v, Value::Int(_))) {
        Kind::Int
    } else if all(|v| matches!(v, Value::Int(_) | Value::Float(_))) {
        Kind::Float
    } else if all(|v| matches!(v, Value::Bool(_))) {
        Kind::Bool
    } else if all(|v| matches!(v, Value::Text(text) if values::time(text).is_some())) {
        Kind::Time
    } else {
        Kind::Text
    };
    let convert = |value: Value| match (kind, value) {
        (Kind::Time, Value::Text(text)) => values::time(&text).map_or(Value::Missing, Value::Time),
        (Kind::Text, value) => value.text().map_or(Value::Missing, |text| Value::Text(text.into())),
        (_, value) => value,
    };
    Column::from_values(kind, &values.into_iter().map(convert).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_become_columns_and_gaps_are_missing() {
        let text = br#"{"a":1,"t":"2013-01-01"}

{"b":true,"a":2.5}
{"a":null,"c":{"x":[1]},"t":"2013-01-02T00:00:00Z"}
"#;
        let table = read(text).unwrap().table;
        assert_eq!(table.names(), ["a", "t", "b", "c"]);
        let kinds: Vec<Kind> = table.columns().map(|(_, c)| c.kind()).collect();
        assert_eq!(kinds, [Kind::Float, Kind::Time, Kind::Bool, Kind::Text]);
        assert_eq!(table.row(0), [Value::Float(1.0), Value::Time(1_356_998_400_000), Value::Missing, Value::Missing]);
        assert_eq!(table.row(2)[3], Value::Text("{\"x\":[1]}".into()));
    }

    #[test]
    fn broken_lines_are_kept_apart() {
        let parsed = read(b"{\"a\":1}\n{\"a\":\n[1]\n\xff\n{\"a\":2}").unwrap();
        let broken: Vec<(u64, &str)> = parsed.broken.iter().map(|b| (b.line, b.reason.as_str())).collect();
        assert_eq!(broken, [(2, "not JSON at column 5"), (3, "not an object"), (4, "not UTF-8")]);
        assert_eq!(parsed.table.column("a").unwrap(), &Column::Int(vec![1, 2]));
    }

    #[test]
    fn mixed_values_become_text() {
        let table = read(b"{\"a\":1}\n{\"a\":\"x\"}\n").unwrap().table;
        assert_eq!(table.row(0), [Value::Text("1".into())]);
    }
}
