//! Answers: given, changed, skipped, reviewed, discussed. No answer is ever lost.

use flyball_core::{Edit, Error, ErrorCode, Name, Permit, Read, Result, Timestamp, id};
use flyball_governance::audit;
use flyball_store::Tx;
use serde_json::json;

use crate::label::Label;
use crate::model::{Annotation, AnnotationState, Comment, Project, Task};
use crate::projects::{event, must_be_open};
use crate::store::{self, annotations};
use crate::tasks::TaskView;

/// Longest note or comment, in characters.
const NOTE_CHARS: usize = 10_000;
/// Longest name of an annotator, in characters.
const ANNOTATOR_CHARS: usize = 128;
/// Longest time that an answer is said to have taken, in milliseconds: a day.
const MOST_TAKEN_MS: i64 = 86_400_000;

/// An answer as it comes in; without a label the task is skipped.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Who answers; who asks when `None`.
    pub annotator: Option<String>,
    /// The answer.
    pub label: Option<Label>,
    /// What there is to say about it.
    pub note: String,
    /// How long it took, in milliseconds.
    pub taken_ms: Option<i64>,
}

/// Who answers: the one that is named, else the one who asks.
pub(crate) fn annotator(permit: &Permit<Edit>, named: Option<&str>) -> Result<String> {
    let name = named.map(str::trim).filter(|name| !name.is_empty()).unwrap_or(permit.actor());
    if name.chars().count() > ANNOTATOR_CHARS || name.chars().any(char::is_control) {
        return Err(Error::invalid("the annotator's name is too long or has control characters")
            .hint("write at most 128 visible characters"));
    }
    Ok(name.to_owned())
}

fn checked_text(text: &str) -> Result<()> {
    if text.chars().count() > NOTE_CHARS {
        return Err(Error::new(ErrorCode::LimitExceeded, format!("a note has at most {NOTE_CHARS} characters")));
    }
    Ok(())
}

/// Writes down an answer, or that somebody skips the task. What the same annotator said before stays, as superseded; the
/// same answer again changes nothing.
///
/// # Errors
/// `NotFound`; `InvalidInput` for an answer that does not fit; `Conflict` for an archived project.
pub fn submit(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    task_id: &str,
    answer: Answer,
    now: Timestamp,
) -> Result<Annotation> {
    let (project, task) = store::task(tx, &permit.read(), task_id)?;
    must_be_open(&project)?;
    let (annotation, new) = write(tx, permit, &project, &task, answer, now)?;
    if new {
        store::release(tx, &task.id, &annotation.annotator)?;
        store::recount(tx, &task.id, project.settings.overlap)?;
        let action = if annotation.label.is_some() { "labels.annotate" } else { "labels.skip" };
        let details = json!({
            "annotation": annotation.id, "task": task.id, "annotator": annotation.annotator,
            "revision": annotation.revision, "label": annotation.label,
        });
        audit::record(tx, &event(permit, &project, action, now).details(details))?;
    }
    Ok(annotation)
}

/// Writes the row of an answer, and whether it says something new.
pub(crate) fn write(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    project: &Project,
    task: &Task,
    answer: Answer,
    now: Timestamp,
) -> Result<(Annotation, bool)> {
    let annotator = annotator(permit, answer.annotator.as_deref())?;
    checked_text(&answer.note)?;
    let label = answer.label.map(|label| label.checked(&project.settings, &task.data)).transpose()?;
    let last = annotations::newest(tx, &task.id, &annotator)?;
    if let Some(last) = &last {
        let skips = last.state == AnnotationState::Skipped && label.is_none();
        if (last.state.stands() || skips) && last.label == label && last.note == answer.note {
            return Ok((last.clone(), false));
        }
    }
    let revision = last.map_or(1, |last| last.revision + 1);
    let annotation = Annotation {
        id: id::derived("ann", &[task.id.as_bytes(), annotator.as_bytes(), &revision.to_le_bytes()]),
        task_id: task.id.clone(),
        annotator,
        revision,
        state: if label.is_some() { AnnotationState::Submitted } else { AnnotationState::Skipped },
        label,
        note: answer.note,
        taken_ms: answer.taken_ms.map(|taken| taken.clamp(0, MOST_TAKEN_MS)),
        created_at: now,
        created_by: permit.actor().to_owned(),
        reviewed_at: None,
        reviewed_by: None,
        review_note: None,
    };
    annotations::supersede(tx, &task.id, &annotation.annotator)?;
    annotations::insert(tx, &project.id, &annotation)?;
    Ok((annotation, true))
}

/// What a reviewer says of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is right.
    Accept,
    /// It is wrong: its task is open again, for its annotator too.
    Reject,
}

/// Reviews an answer; a verdict can be changed.
///
/// # Errors
/// `NotFound`; `Conflict` for an answer that was skipped or changed since.
pub fn review(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    annotation_id: &str,
    verdict: Verdict,
    note: &str,
    now: Timestamp,
) -> Result<Annotation> {
    checked_text(note)?;
    let (project, mut annotation) = annotations::get(tx, &permit.read(), annotation_id)?;
    must_be_open(&project)?;
    if matches!(annotation.state, AnnotationState::Superseded | AnnotationState::Skipped) {
        let message = format!("the annotation is {} and cannot be reviewed", annotation.state.as_str());
        return Err(Error::new(ErrorCode::Conflict, message).hint("review the newest answer of the task"));
    }
    let (state, action) = match verdict {
        Verdict::Accept => (AnnotationState::Accepted, "labels.accept"),
        Verdict::Reject => (AnnotationState::Rejected, "labels.reject"),
    };
    annotations::review(tx, annotation_id, state, permit.actor(), note, now)?;
    store::recount(tx, &annotation.task_id, project.settings.overlap)?;
    let details = json!({
        "annotation": annotation.id, "task": annotation.task_id, "annotator": annotation.annotator, "note": note,
    });
    audit::record(tx, &event(permit, &project, action, now).details(details))?;
    annotation.state = state;
    annotation.reviewed_at = Some(now);
    annotation.reviewed_by = Some(permit.actor().to_owned());
    annotation.review_note = Some(note.to_owned());
    Ok(annotation)
}

/// The task whose answer waits longest for a reviewer; answers of others before one's own.
///
/// # Errors
/// `NotFound`.
pub fn next_to_review(tx: &mut Tx<'_>, permit: &Permit<Read>, name: &Name) -> Result<Option<(Annotation, TaskView)>> {
    let project = store::project(tx, permit, name)?;
    let Some(annotation) = annotations::waiting_for_review(tx, &project.id, permit.actor())? else { return Ok(None) };
    let view = crate::tasks::get(tx, permit, &annotation.task_id)?;
    Ok(Some((annotation, view)))
}

/// Says something about a task.
///
/// # Errors
/// `NotFound`; `InvalidInput` for an empty comment.
pub fn comment(tx: &mut Tx<'_>, permit: &Permit<Edit>, task_id: &str, text: &str, now: Timestamp) -> Result<Comment> {
    checked_text(text)?;
    if text.trim().is_empty() {
        return Err(Error::invalid("the comment is empty"));
    }
    let (project, task) = store::task(tx, &permit.read(), task_id)?;
    let count = store::comments(tx, &task.id)?.len();
    let comment = Comment {
        id: id::derived("comment", &[task.id.as_bytes(), &now.0.to_le_bytes(), &count.to_le_bytes()]),
        author: permit.actor().to_owned(),
        text: text.to_owned(),
        created_at: now,
    };
    store::insert_comment(tx, &task, &comment)?;
    let details = json!({ "comment": comment.id, "task": task.id });
    audit::record(tx, &event(permit, &project, "labels.comment", now).details(details))?;
    Ok(comment)
}
