//! The SQL of tags and metadata.

use std::collections::{BTreeMap, HashMap};

use flyball_core::Result;
use flyball_store::{Param, Tx, params};

use super::{LIST, list};

pub(crate) const TAGS: &str = "trace_tags";
pub(crate) const METADATA: &str = "trace_metadata";

/// Most rows of one statement; a trace has some twenty labels.
const ROWS: usize = 32;

/// Sets labels; others stay.
pub(crate) fn merge(tx: &mut Tx<'_>, table: &str, trace: i64, labels: &BTreeMap<String, String>) -> Result<()> {
    let labels: Vec<_> = labels.iter().collect();
    for some in labels.chunks(ROWS) {
        let rows: Vec<String> =
            (0..some.len()).map(|row| format!("($1, ${}, ${})", 2 * row + 2, 2 * row + 3)).collect();
        let sql = format!(
            "INSERT INTO {table} (trace_no, key, value) VALUES {} \
             ON CONFLICT (trace_no, key) DO UPDATE SET value = excluded.value",
            rows.join(", ")
        );
        let mut values = params![trace].to_vec();
        values.extend(some.iter().flat_map(|(key, value)| [Param::from(*key), Param::from(*value)]));
        tx.execute(&sql, &values)?;
    }
    Ok(())
}

/// The labels of traces, by trace.
pub(crate) fn read(tx: &mut Tx<'_>, table: &str, traces: &[i64]) -> Result<HashMap<i64, BTreeMap<String, String>>> {
    let mut found: HashMap<i64, BTreeMap<String, String>> = HashMap::new();
    for some in traces.chunks(LIST) {
        let values: Vec<Param> = some.iter().map(|no| Param::from(*no)).collect();
        let sql = format!("SELECT trace_no, key, value FROM {table} WHERE trace_no IN ({})", list(1, some.len()));
        for row in tx.query(&sql, &values)? {
            found.entry(row.get("trace_no")?).or_default().insert(row.get("key")?, row.get("value")?);
        }
    }
    Ok(found)
}

/// Removes a tag; says whether it was there.
pub(crate) fn remove_tag(tx: &mut Tx<'_>, trace: i64, key: &str) -> Result<bool> {
    Ok(tx.execute("DELETE FROM trace_tags WHERE trace_no = $1 AND key = $2", &params![trace, key])? > 0)
}
