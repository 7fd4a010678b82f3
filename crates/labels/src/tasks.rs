//! Tasks: the rows of a dataset version, or what a file brings, in a queue.

use std::sync::Arc;

use flyball_core::{Column, Digest, Edit, Error, ErrorCode, Name, Permit, Read, Result, Table, Timestamp, id};
use flyball_data::{DatasetVersion, QueryEngine};
use flyball_governance::audit;
use flyball_store::Tx;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::model::{Annotation, Comment, Prediction, Project, Settings, Task, TaskState};
use crate::store::{self, annotations};
use crate::{annotate, projects};

/// Most tasks that are added at once: they are in memory, and more than a team labels.
pub const TASKS: usize = 200_000;
/// Longest data of one task, in bytes: a long document.
const TASK_BYTES: usize = 1024 * 1024;
/// Longest key of a task, in bytes.
const KEY_BYTES: usize = 1024;
/// The column that numbers the rows of a table for SQL.
pub(crate) const ROW: &str = "flyball_row";

/// A task that is to be added.
#[derive(Clone, Debug, PartialEq)]
pub struct NewTask {
    /// What names it.
    pub key: String,
    /// The row, by column.
    pub data: Value,
    /// The dataset version and row that it comes from.
    pub from: Option<(String, i64)>,
}

impl NewTask {
    /// A task of these data, named by its key column, or by a digest of what it says.
    ///
    /// # Errors
    /// `InvalidData` when the key column has no value, `LimitExceeded` for data that are too long.
    pub fn of(settings: &Settings, data: Value) -> Result<Self> {
        let text = data.to_string();
        if text.len() > TASK_BYTES {
            return Err(Error::new(ErrorCode::LimitExceeded, format!("a task holds at most {TASK_BYTES} bytes"))
                .hint("name the columns that matter in another dataset"));
        }
        let key = match &settings.key {
            None => Digest::of(text.as_bytes()).short(),
            Some(column) => match &data[column.as_str()] {
                Value::String(text) if !text.is_empty() => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => return Err(Error::new(ErrorCode::InvalidData, format!("the key column '{column}' has no value"))),
            },
        };
        if key.len() > KEY_BYTES {
            return Err(Error::new(ErrorCode::LimitExceeded, format!("a key has at most {KEY_BYTES} bytes")));
        }
        Ok(Self { key, data, from: None })
    }
}

/// What adding tasks did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Added {
    /// Tasks that are new.
    pub added: u64,
    /// Rows whose key is a task already.
    pub known: u64,
}

/// The tasks that the rows of a dataset version make; only those for which an SQL condition holds, where one is given.
///
/// # Errors
/// `InvalidData` for rows without a key or columns that are not there; `SqlError`; `LimitExceeded`.
pub fn of_version(
    engine: &dyn QueryEngine,
    settings: &Settings,
    version: &DatasetVersion,
    table: &Arc<Table>,
    condition: Option<&str>,
) -> Result<Vec<NewTask>> {
    for column in
        [&settings.key, &settings.text, &settings.image, &settings.left, &settings.right].into_iter().flatten()
    {
        table.column(column)?;
    }
    settings.show.iter().try_for_each(|column| table.column(column).map(drop))?;
    let rows = match condition {
        None => (0..table.rows()).collect(),
        Some(condition) => {
            let numbered = numbered(table)?;
            let found =
                query(engine, &format!("SELECT {ROW} FROM tasks WHERE ({condition}) ORDER BY {ROW}"), numbered)?;
            found.column(ROW)?.numbers().into_iter().map(|row| row as usize).collect::<Vec<usize>>()
        }
    };
    if rows.len() > TASKS {
        return Err(Error::new(ErrorCode::LimitExceeded, format!("at most {TASKS} tasks are added at once"))
            .hint("choose some rows with --where"));
    }
    let task = |row: usize| {
        let cells = table.columns().map(|(name, column)| (name.to_owned(), column.value(row).json()));
        let task = NewTask::of(settings, Value::Object(cells.collect::<Map<String, Value>>()));
        let task = task.map_err(|error| error.context(format_args!("row {row}")))?;
        Ok(NewTask { from: Some((version.id.clone(), row as i64)), ..task })
    };
    rows.into_iter().map(task).collect()
}

/// The table with its rows numbered, for SQL that asks which rows it is about.
pub(crate) fn numbered(table: &Table) -> Result<Arc<Table>> {
    let rows = i64::try_from(table.rows()).map_err(Error::internal)?;
    let mut columns = vec![(ROW.to_owned(), Column::Int((0..rows).collect()))];
    columns.extend(
        table.columns().filter(|(name, _)| *name != ROW).map(|(name, column)| (name.to_owned(), column.clone())),
    );
    Ok(Arc::new(Table::new(columns)?))
}

/// Runs SQL that may read the table `tasks` only.
pub(crate) fn query(engine: &dyn QueryEngine, sql: &str, tasks: Arc<Table>) -> Result<Table> {
    if sql.len() > flyball_core::limits::SQL_BYTES {
        return Err(Error::new(ErrorCode::LimitExceeded, "the SQL is too long"));
    }
    engine.sql(sql, &[("tasks".to_owned(), tasks)])
}

/// Adds tasks to the end of a project's queue. Those whose key is there already change nothing.
///
/// # Errors
/// `NotFound`; `Conflict` for an archived project.
pub fn add(tx: &mut Tx<'_>, permit: &Permit<Edit>, name: &Name, new: &[NewTask], now: Timestamp) -> Result<Added> {
    let project = projects::open(tx, &permit.read(), name)?;
    let added = insert(tx, &project, new, now)?;
    if added > 0 {
        let versions = new.iter().filter_map(|task| task.from.as_ref().map(|(version, _)| version));
        let mut versions: Vec<&String> = versions.collect();
        versions.dedup();
        let details = json!({ "added": added, "versions": versions });
        audit::record(tx, &projects::event(permit, &project, "labels.tasks", now).details(details))?;
    }
    Ok(Added { added, known: new.len() as u64 - added })
}

/// The id of the task with a key.
pub(crate) fn id_of(project: &Project, key: &str) -> String {
    id::derived("task", &[project.id.as_bytes(), key.as_bytes()])
}

pub(crate) fn insert(tx: &mut Tx<'_>, project: &Project, new: &[NewTask], now: Timestamp) -> Result<u64> {
    let first = store::next_position(tx, &project.id)?;
    let task = |(position, new): (i64, &NewTask)| Task {
        id: id_of(project, &new.key),
        project_id: project.id.clone(),
        position,
        key: new.key.clone(),
        data: new.data.clone(),
        version_id: new.from.as_ref().map(|(version, _)| version.clone()),
        version_row: new.from.as_ref().map(|(_, row)| *row),
        priority: 0.0,
        answered: 0,
        state: TaskState::Open,
    };
    let tasks: Vec<Task> = (first..).zip(new).map(task).collect();
    store::insert_tasks(tx, &tasks, now)
}

/// Tasks in their order, from a position on.
///
/// # Errors
/// `NotFound`.
pub fn list(
    tx: &mut Tx<'_>,
    permit: &Permit<Read>,
    name: &Name,
    state: Option<TaskState>,
    from: i64,
    most: usize,
) -> Result<Vec<Task>> {
    let project = store::project(tx, permit, name)?;
    store::tasks(tx, &project.id, state, from, most.min(flyball_core::limits::PAGE_ROWS))
}

/// A task with everything that was said about it.
#[derive(Clone, Debug, Serialize)]
pub struct TaskView {
    /// The project.
    pub project: Name,
    /// The task.
    pub task: Task,
    /// Every answer, also those that no longer stand.
    pub annotations: Vec<Annotation>,
    /// What models say.
    pub predictions: Vec<Prediction>,
    /// What people said.
    pub comments: Vec<Comment>,
}

/// A task with everything that was said about it.
///
/// # Errors
/// `NotFound`.
pub fn get(tx: &mut Tx<'_>, permit: &Permit<Read>, task_id: &str) -> Result<TaskView> {
    let (project, task) = store::task(tx, permit, task_id)?;
    view(tx, project.name, task)
}

fn view(tx: &mut Tx<'_>, project: Name, task: Task) -> Result<TaskView> {
    Ok(TaskView {
        project,
        annotations: annotations::of_task(tx, &task.id)?,
        predictions: store::predictions(tx, &task.project_id, Some(&task.id), None)?,
        comments: store::comments(tx, &task.id)?,
        task,
    })
}

/// Hands an annotator the next task and keeps it for them until the lease ends; none when nothing is left for them.
///
/// # Errors
/// `NotFound`; `Conflict` for an archived project.
pub fn next(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    name: &Name,
    annotator: Option<&str>,
    now: Timestamp,
) -> Result<Option<TaskView>> {
    let project = projects::open(tx, &permit.read(), name)?;
    let annotator = annotate::annotator(permit, annotator)?;
    let Some(task) = store::next_task(tx, &project, &annotator, now)? else { return Ok(None) };
    let until = Timestamp(now.0 + i64::from(project.settings.lease_seconds) * 1000);
    store::lease(tx, &task, &annotator, until)?;
    view(tx, project.name, task).map(Some)
}

/// Gives a task back before its lease ends.
///
/// # Errors
/// `NotFound`.
pub fn release(tx: &mut Tx<'_>, permit: &Permit<Edit>, task_id: &str, annotator: Option<&str>) -> Result<bool> {
    let (_, task) = store::task(tx, &permit.read(), task_id)?;
    Ok(store::release(tx, &task.id, &annotate::annotator(permit, annotator)?)? > 0)
}

/// The ids of the dataset versions whose rows are tasks of a project.
///
/// # Errors
/// `NotFound`.
pub fn versions(tx: &mut Tx<'_>, permit: &Permit<Read>, name: &Name) -> Result<Vec<String>> {
    let project = store::project(tx, permit, name)?;
    store::versions(tx, &project.id)
}
