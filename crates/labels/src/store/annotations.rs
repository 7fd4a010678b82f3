//! The SQL of annotations: rows are added and change their state, none is ever removed.

use flyball_core::{Error, Permit, Read, Result, Timestamp};
use flyball_store::{Row, Tx, params};

use super::{project_by_id, text};
use crate::model::{Annotation, AnnotationState, Project};

const COLUMNS: &str = "id, project_id, task_id, annotator, revision, state, label, note, taken_ms, created_at, created_by, \
                       reviewed_at, reviewed_by, review_note";

fn annotation_of(row: &Row) -> Result<Annotation> {
    let label = row.get::<Option<String>>("label")?;
    Ok(Annotation {
        id: row.get("id")?,
        task_id: row.get("task_id")?,
        annotator: row.get("annotator")?,
        revision: row.get("revision")?,
        state: row.get::<String>("state")?.parse()?,
        label: label.map(|text| serde_json::from_str(&text).map_err(Error::internal)).transpose()?,
        note: row.get("note")?,
        taken_ms: row.get("taken_ms")?,
        created_at: row.get("created_at")?,
        created_by: row.get("created_by")?,
        reviewed_at: row.get("reviewed_at")?,
        reviewed_by: row.get("reviewed_by")?,
        review_note: row.get("review_note")?,
    })
}

/// What an annotator answered last to a task.
pub(crate) fn newest(tx: &mut Tx<'_>, task_id: &str, annotator: &str) -> Result<Option<Annotation>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM annotations WHERE task_id = $1 AND annotator = $2 ORDER BY revision DESC LIMIT 1"
    );
    tx.query_one(&sql, &params![task_id, annotator])?.as_ref().map(annotation_of).transpose()
}

pub(crate) fn insert(tx: &mut Tx<'_>, project_id: &str, annotation: &Annotation) -> Result<()> {
    let label = annotation.label.as_ref().map(text).transpose()?;
    tx.execute(
        "INSERT INTO annotations (id, project_id, task_id, annotator, revision, state, label, note, taken_ms, \
         created_at, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        &params![
            &annotation.id,
            project_id,
            &annotation.task_id,
            &annotation.annotator,
            annotation.revision,
            annotation.state.as_str(),
            label,
            &annotation.note,
            annotation.taken_ms,
            annotation.created_at,
            &annotation.created_by
        ],
    )
    .map(drop)
}

/// Earlier answers of an annotator to a task no longer stand.
pub(crate) fn supersede(tx: &mut Tx<'_>, task_id: &str, annotator: &str) -> Result<()> {
    tx.execute(
        "UPDATE annotations SET state = 'superseded' WHERE task_id = $1 AND annotator = $2 AND state <> 'superseded'",
        &params![task_id, annotator],
    )
    .map(drop)
}

/// An annotation with its project.
pub(crate) fn get(tx: &mut Tx<'_>, permit: &Permit<Read>, id: &str) -> Result<(Project, Annotation)> {
    let none = || Error::not_found("annotation", id.chars().take(80).collect::<String>().escape_debug());
    let row = tx.query_one(&format!("SELECT {COLUMNS} FROM annotations WHERE id = $1"), &params![id])?;
    let row = row.ok_or_else(none)?;
    let project = project_by_id(tx, permit, &row.get::<String>("project_id")?)?.ok_or_else(none)?;
    Ok((project, annotation_of(&row)?))
}

pub(crate) fn review(
    tx: &mut Tx<'_>,
    id: &str,
    state: AnnotationState,
    reviewer: &str,
    note: &str,
    now: Timestamp,
) -> Result<()> {
    tx.execute(
        "UPDATE annotations SET state = $1, reviewed_at = $2, reviewed_by = $3, review_note = $4 WHERE id = $5",
        &params![state.as_str(), now, reviewer, note, id],
    )
    .map(drop)
}

/// Every answer to a task, also those that no longer stand, oldest first.
pub(crate) fn of_task(tx: &mut Tx<'_>, task_id: &str) -> Result<Vec<Annotation>> {
    let sql = format!("SELECT {COLUMNS} FROM annotations WHERE task_id = $1 ORDER BY created_at, annotator, revision");
    tx.query(&sql, &params![task_id])?.iter().map(annotation_of).collect()
}

/// The answers of a project that stand, by annotator; only accepted ones where these are asked for.
pub(crate) fn standing(tx: &mut Tx<'_>, project_id: &str, accepted_only: bool) -> Result<Vec<Annotation>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM annotations WHERE project_id = $1 AND (state = 'accepted' OR (state = 'submitted' \
         AND $2 = 0)) ORDER BY annotator, task_id"
    );
    tx.query(&sql, &params![project_id, accepted_only])?.iter().map(annotation_of).collect()
}

/// The oldest answer that waits for a reviewer.
pub(crate) fn waiting_for_review(tx: &mut Tx<'_>, project_id: &str, reviewer: &str) -> Result<Option<Annotation>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM annotations WHERE project_id = $1 AND state = 'submitted' \
         ORDER BY CASE WHEN annotator = $2 THEN 1 ELSE 0 END, created_at, id LIMIT 1"
    );
    tx.query_one(&sql, &params![project_id, reviewer])?.as_ref().map(annotation_of).transpose()
}
