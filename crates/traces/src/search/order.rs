//! Orders. What is missing comes last in both directions.

use flyball_tracking::search::{Order, Sql};

use crate::model::names;
use crate::store::labels;

/// The order as SQL, ending with the newest first and the id, so that it leaves no choice.
pub(super) fn to_sql(steps: &[Order], sql: &mut Sql) -> String {
    let mut parts = Vec::new();
    for step in steps {
        let column = column(step, sql);
        let direction = if step.ascending { "ASC" } else { "DESC" };
        parts.push(format!("CASE WHEN {column} IS NULL THEN 1 ELSE 0 END"));
        parts.push(format!("{column} {direction}"));
    }
    if steps.is_empty() {
        return "t.started_at DESC, t.id".to_owned();
    }
    parts.push("t.started_at DESC".to_owned());
    parts.push("t.id".to_owned());
    parts.join(", ")
}

fn column(step: &Order, sql: &mut Sql) -> String {
    let mut label = |table: &str, key: &str| {
        format!("(SELECT o.value FROM {table} o WHERE o.trace_no = t.no AND o.key = {})", sql.bind(key))
    };
    match (step.entity, step.key.as_str()) {
        ("tag", key) => label(labels::TAGS, key),
        ("metadata", key) => label(labels::METADATA, key),
        (_, "name") => label(labels::TAGS, names::TRACE_NAME),
        (_, "run_id") => label(labels::METADATA, names::SOURCE_RUN),
        (_, "request_id") => "t.id".to_owned(),
        (_, "status") => "t.state".to_owned(),
        (_, "execution_time_ms") => "t.duration".to_owned(),
        (_, "end_time_ms") => "(t.started_at + COALESCE(t.duration, 0))".to_owned(),
        (_, "experiment_id") => "t.experiment_id".to_owned(),
        _ => "t.started_at".to_owned(),
    }
}
