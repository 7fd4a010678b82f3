//! Records of evaluation datasets. Two records with the same inputs are one: the later one completes it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flyball_core::{Digest, Edit, Error, ErrorCode, Permit, Read, Result, Timestamp, limits};
use flyball_store::{Param, Row, Tx, params};
use serde_json::{Map, Value, json};

use super::{Dataset, USER, digest, get, hex_id};
use crate::json_text;

/// Most records of one request.
const RECORDS: usize = 10_000;
/// Most bytes of a record.
const RECORD_BYTES: usize = 1024 * 1024;
/// Most records of a page, and how many are read together.
const PAGE: usize = 1_000;
const READ: usize = 50;
/// Where a record may come from.
const SOURCES: [&str; 5] = ["UNSPECIFIED", "TRACE", "HUMAN", "DOCUMENT", "CODE"];

/// A record as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its id: `dr-` and 32 hexadecimal digits.
    pub id: String,
    /// Its dataset.
    pub dataset_id: String,
    /// `inputs`, `tags`, and if given `outputs`, `expectations`, `source` (`source_type`, `source_data`).
    pub content: Map<String, Value>,
    /// When it came in.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Who made it, if that was said.
    pub created_by: Option<String>,
    /// Who last changed it, if that was said.
    pub updated_by: Option<String>,
}

/// Adds records: new inputs are inserted; for known ones outputs are replaced, expectations and tags merged. Says how many
/// were inserted and updated.
///
/// # Errors
/// `NotFound` without the dataset, `InvalidInput` or `LimitExceeded` for a record.
pub fn upsert(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    dataset_id: &str,
    records: &[Value],
    now: Timestamp,
) -> Result<(u64, u64)> {
    let dataset = get(tx, &permit.read(), dataset_id)?;
    if records.len() > RECORDS {
        let message = format!("at most {RECORDS} records can be added at once");
        return Err(Error::new(ErrorCode::LimitExceeded, message).hint("add them in several requests"));
    }
    let (mut inserted, mut updated, mut user) = (0, 0, None);
    let mut schema = dataset
        .schema
        .clone()
        .unwrap_or_else(|| json!({ "inputs": {}, "outputs": {}, "expectations": {}, "version": "1.0" }));
    for (place, given) in records.iter().enumerate() {
        let mut given = content(given).map_err(|error| error.context(format!("record {place}")))?;
        learn(&mut schema, &given);
        let said = given["tags"][USER].as_str().map(str::to_owned);
        user = said.clone().or(user);
        let inputs = Digest::of(canonical(&given["inputs"]).as_bytes());
        let known = "SELECT id, content FROM evaluation_records WHERE dataset_id = $1 AND inputs_digest = $2";
        match tx.query_one(known, &params![dataset_id, inputs])? {
            Some(row) => {
                let merged = merged(row.get("content")?, given);
                check_size(&merged)?;
                tx.execute(
                    "UPDATE evaluation_records SET content = $3, updated_at = $4, updated_by = COALESCE($5, updated_by) \
                     WHERE dataset_id = $1 AND id = $2",
                    &params![dataset_id, row.get::<String>("id")?, merged, now, said],
                )?;
                updated += 1;
            }
            None => {
                // Ids grow within a moment, so that records keep the order in which they came.
                let place = dataset.records + inserted;
                given.entry("outputs").or_insert_with(|| json!({}));
                let id = format!("dr-{place:08x}{}", &hex_id("", &[dataset_id.as_bytes(), inputs.bytes()])[8..]);
                tx.execute(
                    "INSERT INTO evaluation_records (dataset_id, id, inputs_digest, content, created_at, updated_at, \
                     created_by, updated_by) VALUES ($1, $2, $3, $4, $5, $5, $6, $6)",
                    &params![dataset_id, id, inputs, Value::Object(given), now, said],
                )?;
                inserted += 1;
            }
        }
    }
    write(tx, &dataset, Some(&schema).filter(|_| !records.is_empty()), dataset.records + inserted, user, now)?;
    Ok((inserted, updated))
}

/// Deletes records and says how many were there.
///
/// # Errors
/// `NotFound` without the dataset.
pub fn delete(tx: &mut Tx<'_>, permit: &Permit<Edit>, dataset_id: &str, ids: &[String], now: Timestamp) -> Result<u64> {
    let dataset = get(tx, &permit.read(), dataset_id)?;
    let mut deleted = 0;
    for some in ids.chunks(500) {
        let list = crate::store::list(2, some.len());
        let mut values = params![dataset_id].to_vec();
        values.extend(some.iter().map(Param::from));
        let sql = format!("DELETE FROM evaluation_records WHERE dataset_id = $1 AND id IN ({list})");
        deleted += tx.execute(&sql, &values)?;
    }
    if deleted > 0 {
        let left = dataset.records.saturating_sub(deleted);
        write(tx, &dataset, None, left, dataset.updated_by.clone(), now)?;
    }
    Ok(deleted)
}

/// A page of records, oldest first, and the token of the next page. A page ends early when its records are large.
///
/// # Errors
/// `NotFound` without the dataset, `InvalidInput` for a bad token.
pub fn page(
    tx: &mut Tx<'_>,
    permit: &Permit<Read>,
    dataset_id: &str,
    most: usize,
    token: Option<&str>,
) -> Result<(Vec<Record>, Option<String>)> {
    get(tx, permit, dataset_id)?;
    let (mut at, mut id) =
        token.filter(|token| !token.is_empty()).map(cursor).transpose()?.unwrap_or((i64::MIN, String::new()));
    let (mut records, mut bytes) = (Vec::new(), 0);
    let most = most.clamp(1, PAGE);
    loop {
        let rows = tx.query(
            "SELECT id, content, created_at, updated_at, created_by, updated_by FROM evaluation_records \
             WHERE dataset_id = $1 AND (created_at > $2 OR (created_at = $2 AND id > $3)) \
             ORDER BY created_at, id LIMIT $4",
            &params![dataset_id, at, id.as_str(), READ],
        )?;
        for row in &rows {
            if records.len() == most || bytes > limits::TRACE_ANSWER_BYTES / 4 {
                return Ok((records, Some(STANDARD.encode(format!("{at}:{id}")))));
            }
            let record = from_row(row, dataset_id)?;
            (at, id) = (record.created_at.0, record.id.clone());
            bytes += row.get::<String>("content")?.len();
            records.push(record);
        }
        if rows.len() < READ {
            return Ok((records, None));
        }
    }
}

fn cursor(token: &str) -> Result<(i64, String)> {
    let text = STANDARD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let parts = text.as_deref().and_then(|text| text.split_once(':'));
    let parts = parts.and_then(|(at, id)| Some((at.parse().ok()?, id.to_owned())));
    parts.filter(|(_, id): &(i64, String)| !id.contains('\0')).ok_or_else(|| {
        Error::invalid("Invalid page token").hint("pass the next_page_token of the answer before, unchanged")
    })
}

fn from_row(row: &Row, dataset_id: &str) -> Result<Record> {
    let content: Value = row.get("content")?;
    Ok(Record {
        id: row.get("id")?,
        dataset_id: dataset_id.to_owned(),
        content: content.as_object().cloned().unwrap_or_default(),
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
        created_by: row.get("created_by")?,
        updated_by: row.get("updated_by")?,
    })
}

/// Writes what follows from a change of the records.
fn write(
    tx: &mut Tx<'_>,
    dataset: &Dataset,
    schema: Option<&Value>,
    records: u64,
    user: Option<String>,
    now: Timestamp,
) -> Result<()> {
    tx.execute(
        "UPDATE evaluation_datasets SET schema = COALESCE($2, schema), records = $3, digest = $4, updated_at = $5, \
         updated_by = $6 WHERE id = $1",
        &params![
            dataset.id.as_str(),
            schema.map(json_text::of),
            records,
            digest(&dataset.name, now, records),
            now,
            user
        ],
    )?;
    Ok(())
}

/// A record as it is kept.
fn content(given: &Value) -> Result<Map<String, Value>> {
    let wrong = |name: &str| Error::invalid(format!("'{name}' must be an object"));
    let given = given.as_object().ok_or_else(|| Error::invalid("it must be an object"))?;
    let mut kept = Map::new();
    for name in ["inputs", "expectations", "tags"] {
        match given.get(name) {
            Some(Value::Object(map)) => drop(kept.insert(name.to_owned(), map.clone().into())),
            None | Some(Value::Null) if name == "expectations" => {}
            None => drop(kept.insert(name.to_owned(), json!({}))),
            Some(Value::Null) if name == "tags" => drop(kept.insert(name.to_owned(), json!({}))),
            Some(_) => return Err(wrong(name)),
        }
    }
    if let Some(outputs) = given.get("outputs") {
        kept.insert("outputs".to_owned(), outputs.clone());
    }
    if let Some(source) = given.get("source").filter(|source| !source.is_null()) {
        let kind = source["source_type"].as_str().unwrap_or_default().to_uppercase();
        let data = match &source["source_data"] {
            Value::Null => json!({}),
            data @ Value::Object(_) => data.clone(),
            _ => return Err(wrong("source_data")),
        };
        if !SOURCES.contains(&kind.as_str()) {
            return Err(Error::invalid(format!("Invalid dataset record source type: {}", kind.escape_debug()))
                .hint(format!("use one of {}", SOURCES.join(", "))));
        }
        kept.insert("source".to_owned(), json!({ "source_type": kind, "source_data": data }));
    }
    check_size(&Value::Object(kept.clone()))?;
    Ok(kept)
}

fn check_size(content: &Value) -> Result<()> {
    let text = content.to_string();
    if text.len() > RECORD_BYTES {
        let message = format!("a record is larger than {RECORD_BYTES} bytes");
        return Err(Error::new(ErrorCode::LimitExceeded, message).hint("keep large values as artifacts"));
    }
    Ok(())
}

/// A known record completed by a new one.
fn merged(known: Value, mut new: Map<String, Value>) -> Value {
    let mut known = known.as_object().cloned().unwrap_or_default();
    if let Some(outputs) = new.remove("outputs") {
        known.insert("outputs".to_owned(), outputs);
    }
    for name in ["expectations", "tags"] {
        if let Some(Value::Object(more)) =
            new.remove(name).filter(|more| more.as_object().is_some_and(|m| !m.is_empty()))
        {
            let entry = known.entry(name).or_insert_with(|| json!({}));
            if let Some(entry) = entry.as_object_mut() {
                entry.extend(more);
            }
        }
    }
    known.into()
}

/// Adds the types of fields that are new.
fn learn(schema: &mut Value, record: &Map<String, Value>) {
    for part in ["inputs", "outputs", "expectations"] {
        match record.get(part) {
            Some(Value::Object(fields)) => {
                let Some(known) = schema[part].as_object_mut() else { continue };
                for (name, value) in fields {
                    known.entry(name.clone()).or_insert_with(|| kind(value).into());
                }
            }
            Some(other) if !other.is_null() && schema[part].as_object().is_some_and(Map::is_empty) => {
                schema[part] = kind(other).into();
            }
            _ => {}
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The value as text with its keys in order, so that equal values have equal texts.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            let pair = |key: &String| format!("{}:{}", Value::from(key.as_str()), canonical(&map[key]));
            format!("{{{}}}", keys.into_iter().map(pair).collect::<Vec<_>>().join(","))
        }
        Value::Array(list) => format!("[{}]", list.iter().map(canonical).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_inputs_have_equal_texts() {
        assert_eq!(
            canonical(&json!({"b": [1, {"d": 2, "c": null}], "a": "x"})),
            r#"{"a":"x","b":[1,{"c":null,"d":2}]}"#
        );
    }

    #[test]
    fn schemas_grow_and_never_change_what_they_know() {
        let mut schema = json!({ "inputs": {}, "outputs": {}, "expectations": {}, "version": "1.0" });
        learn(&mut schema, &content(&json!({"inputs": {"a": 1, "b": 1.5, "c": null}, "outputs": "x"})).unwrap());
        learn(&mut schema, &content(&json!({"inputs": {"a": "x", "d": [], "e": {}}, "outputs": {"y": true}})).unwrap());
        let inputs = json!({"a": "integer", "b": "float", "c": "null", "d": "array", "e": "object"});
        assert_eq!(schema, json!({ "inputs": inputs, "outputs": "string", "expectations": {}, "version": "1.0" }));
    }
}
