//! The SQL of assessments.

use std::collections::HashMap;

use flyball_core::{Result, Timestamp};
use flyball_store::{Param, Row, Tx, params};
use serde_json::Value;

use crate::assessments::{Assessment, Judgement, SourceType};
use crate::json_text;

use super::{LIST, list};

const COLUMNS: &str = "trace_no, id, kind, name, value, error, source_type, source_id, span_id, rationale, metadata, \
     overrides, valid, created_at, updated_at";

/// Writes an assessment; one with the same id is replaced.
pub(crate) fn write(tx: &mut Tx<'_>, trace: i64, assessment: &Assessment) -> Result<()> {
    let (kind, value, error) = match &assessment.judgement {
        Judgement::Feedback { value, error } => ("feedback", value.clone(), error.clone()),
        Judgement::Expectation(value) => ("expectation", value.clone(), None),
        Judgement::Issue(name) => ("issue", Value::String(name.clone()), None),
    };
    let number = value.as_f64().filter(|number| number.is_finite());
    let metadata: serde_json::Map<String, Value> =
        assessment.metadata.iter().map(|(key, value)| (key.clone(), value.clone().into())).collect();
    tx.execute(
        "INSERT INTO assessments (trace_no, id, kind, name, value, number, error, source_type, source_id, span_id, \
         rationale, metadata, overrides, valid, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) \
         ON CONFLICT (trace_no, id) DO UPDATE SET kind = excluded.kind, name = excluded.name, value = excluded.value, \
         number = excluded.number, error = excluded.error, source_type = excluded.source_type, \
         source_id = excluded.source_id, span_id = excluded.span_id, rationale = excluded.rationale, \
         metadata = excluded.metadata, overrides = excluded.overrides, valid = excluded.valid, \
         created_at = excluded.created_at, updated_at = excluded.updated_at",
        &params![
            trace,
            assessment.id.as_str(),
            kind,
            assessment.name.as_str(),
            json_text::of(&value),
            number,
            error,
            assessment.source_type.as_str(),
            assessment.source_id.as_str(),
            assessment.span_id.clone(),
            assessment.rationale.clone(),
            json_text::of(&metadata.into()),
            assessment.overrides.clone(),
            assessment.valid,
            assessment.created_at,
            assessment.updated_at,
        ],
    )?;
    Ok(())
}

/// The assessment of a trace.
pub(crate) fn find(tx: &mut Tx<'_>, trace: i64, id: &str) -> Result<Option<Assessment>> {
    let sql = format!("SELECT {COLUMNS} FROM assessments WHERE trace_no = $1 AND id = $2");
    tx.query_one(&sql, &params![trace, id])?.as_ref().map(from_row).transpose()
}

/// The assessments of traces, by trace, oldest first.
pub(crate) fn read(tx: &mut Tx<'_>, traces: &[i64]) -> Result<HashMap<i64, Vec<Assessment>>> {
    let mut found: HashMap<i64, Vec<Assessment>> = HashMap::new();
    for some in traces.chunks(LIST) {
        let values: Vec<Param> = some.iter().map(|no| Param::from(*no)).collect();
        let list = list(1, some.len());
        let sql = format!("SELECT {COLUMNS} FROM assessments WHERE trace_no IN ({list}) ORDER BY created_at, id");
        for row in tx.query(&sql, &values)? {
            found.entry(row.get("trace_no")?).or_default().push(from_row(&row)?);
        }
    }
    Ok(found)
}

/// Marks an assessment; says whether it was there.
pub(crate) fn set_valid(tx: &mut Tx<'_>, trace: i64, id: &str, valid: bool) -> Result<bool> {
    let sql = "UPDATE assessments SET valid = $3 WHERE trace_no = $1 AND id = $2";
    Ok(tx.execute(sql, &params![trace, id, valid])? > 0)
}

/// Removes an assessment.
pub(crate) fn remove(tx: &mut Tx<'_>, trace: i64, id: &str) -> Result<()> {
    tx.execute("DELETE FROM assessments WHERE trace_no = $1 AND id = $2", &params![trace, id])?;
    Ok(())
}

/// How many assessments a trace has.
pub(crate) fn count(tx: &mut Tx<'_>, trace: i64) -> Result<usize> {
    let row = tx.query_one("SELECT COUNT(*) AS n FROM assessments WHERE trace_no = $1", &params![trace])?;
    row.map_or(Ok(0), |row| row.get("n"))
}

fn from_row(row: &Row) -> Result<Assessment> {
    let value: Value = row.get("value")?;
    let judgement = match row.get::<String>("kind")?.as_str() {
        "feedback" => Judgement::Feedback { value, error: row.get("error")? },
        "expectation" => Judgement::Expectation(value),
        _ => Judgement::Issue(value.as_str().unwrap_or_default().to_owned()),
    };
    let metadata: Value = row.get("metadata")?;
    let metadata = metadata.as_object().into_iter().flatten();
    Ok(Assessment {
        id: row.get("id")?,
        name: row.get("name")?,
        judgement,
        source_type: SourceType::named(&row.get::<String>("source_type")?).unwrap_or_default(),
        source_id: row.get("source_id")?,
        span_id: row.get("span_id")?,
        rationale: row.get("rationale")?,
        metadata: metadata.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned())).collect(),
        overrides: row.get("overrides")?,
        valid: row.get("valid")?,
        created_at: row.get::<Timestamp>("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}
