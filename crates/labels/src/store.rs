//! The SQL of projects, tasks, predictions and comments; that of annotations is `store::annotations`.

pub(crate) mod annotations;

use flyball_core::{Error, ErrorCode, Name, Permit, Read, Result, Timestamp, limits};
use flyball_store::{OnConflict, Param, Row, Tx, params};
use serde_json::Value;

use crate::label::Label;
use crate::model::{Comment, Prediction, Progress, Project, Task, TaskState};

fn json<T: serde::de::DeserializeOwned>(row: &Row, column: &str) -> Result<T> {
    serde_json::from_str(&row.get::<String>(column)?).map_err(Error::internal)
}

pub(crate) fn text<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(Error::internal)
}

fn project_of(row: &Row) -> Result<Project> {
    Ok(Project {
        id: row.get("id")?,
        name: row.get("name")?,
        settings: json(row, "settings")?,
        state: row.get::<String>("state")?.parse()?,
        created_at: row.get("created_at")?,
        created_by: row.get("created_by")?,
    })
}

pub(crate) fn projects(tx: &mut Tx<'_>, permit: &Permit<Read>) -> Result<Vec<Project>> {
    let rows = tx.query(
        "SELECT id, name, settings, state, created_at, created_by FROM label_projects WHERE workspace = $1 \
         ORDER BY name LIMIT $2",
        &params![permit.workspace(), limits::PAGE_ROWS],
    )?;
    rows.iter().map(project_of).collect()
}

pub(crate) fn project(tx: &mut Tx<'_>, permit: &Permit<Read>, name: &Name) -> Result<Project> {
    let row = tx.query_one(
        "SELECT id, name, settings, state, created_at, created_by FROM label_projects WHERE workspace = $1 AND name = $2",
        &params![permit.workspace(), name],
    )?;
    row.as_ref()
        .map(project_of)
        .transpose()?
        .ok_or_else(|| Error::not_found("labelling project", name).hint("`flyball labels list` shows what there is"))
}

/// The project of a task or annotation, which must be of the workspace.
fn project_by_id(tx: &mut Tx<'_>, permit: &Permit<Read>, id: &str) -> Result<Option<Project>> {
    let row = tx.query_one(
        "SELECT id, name, settings, state, created_at, created_by FROM label_projects WHERE workspace = $1 AND id = $2",
        &params![permit.workspace(), id],
    )?;
    row.as_ref().map(project_of).transpose()
}

pub(crate) fn insert_project(tx: &mut Tx<'_>, workspace: &Name, project: &Project) -> Result<()> {
    let inserted = tx.execute(
        "INSERT INTO label_projects (id, workspace, name, settings, state, created_at, created_by) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        &params![
            &project.id,
            workspace,
            &project.name,
            text(&project.settings)?,
            project.state.as_str(),
            project.created_at,
            &project.created_by
        ],
    )?;
    if inserted == 1 {
        return Ok(());
    }
    Err(Error::new(ErrorCode::AlreadyExists, format!("there is a labelling project '{}' already", project.name))
        .hint("choose another name, or change that one with `flyball labels update`"))
}

pub(crate) fn update_project(tx: &mut Tx<'_>, project: &Project) -> Result<()> {
    tx.execute(
        "UPDATE label_projects SET settings = $1, state = $2 WHERE id = $3",
        &params![text(&project.settings)?, project.state.as_str(), &project.id],
    )
    .map(drop)
}

pub(crate) fn progress(tx: &mut Tx<'_>, project_id: &str) -> Result<Progress> {
    let one = |row: Option<Row>| row.ok_or_else(|| Error::internal("a count gave no row"));
    let tasks = one(tx.query_one(
        "SELECT COUNT(*) AS n, SUM(CASE WHEN state = 'done' THEN 1 ELSE 0 END) AS done FROM label_tasks \
         WHERE project_id = $1",
        &params![project_id],
    )?)?;
    let annotators = one(tx.query_one(
        "SELECT COUNT(DISTINCT annotator) AS n FROM annotations WHERE project_id = $1",
        &params![project_id],
    )?)?;
    let mut found = Progress {
        tasks: tasks.get("n")?,
        done: tasks.get::<Option<i64>>("done")?.unwrap_or(0),
        annotators: annotators.get("n")?,
        ..Progress::default()
    };
    let states = tx.query(
        "SELECT state, COUNT(*) AS n FROM annotations WHERE project_id = $1 GROUP BY state",
        &params![project_id],
    )?;
    for row in states {
        let count: i64 = row.get("n")?;
        match row.get::<String>("state")?.as_str() {
            "submitted" => found.annotations += count,
            "accepted" => {
                found.annotations += count;
                found.accepted = count;
            }
            "rejected" => found.rejected = count,
            "skipped" => found.skipped = count,
            _ => {}
        }
    }
    Ok(found)
}

const TASK_COLUMNS: &str =
    "id, project_id, position, task_key, data, version_id, version_row, priority, answered, state";

fn task_of(row: &Row) -> Result<Task> {
    Ok(Task {
        id: row.get("id")?,
        project_id: row.get("project_id")?,
        position: row.get("position")?,
        key: row.get("task_key")?,
        data: row.get("data")?,
        version_id: row.get("version_id")?,
        version_row: row.get("version_row")?,
        priority: row.get("priority")?,
        answered: row.get("answered")?,
        state: row.get::<String>("state")?.parse()?,
    })
}

/// Adds tasks; those whose key is there already are left out. Tells how many are new.
pub(crate) fn insert_tasks(tx: &mut Tx<'_>, tasks: &[Task], now: Timestamp) -> Result<u64> {
    let rows: Vec<Vec<Param>> = tasks
        .iter()
        .map(|task| {
            params![
                &task.id,
                &task.project_id,
                task.position,
                &task.key,
                task.data.to_string(),
                task.version_id.clone(),
                task.version_row,
                task.priority,
                task.answered,
                task.state.as_str(),
                now
            ]
            .into()
        })
        .collect();
    let columns: Vec<&str> = TASK_COLUMNS.split(", ").chain(["created_at"]).collect();
    tx.insert_rows("label_tasks", &columns, &rows, OnConflict::Ignore)
}

pub(crate) fn next_position(tx: &mut Tx<'_>, project_id: &str) -> Result<i64> {
    let row =
        tx.query_one("SELECT MAX(position) AS last FROM label_tasks WHERE project_id = $1", &params![project_id])?;
    let last = row.map(|row| row.get::<Option<i64>>("last")).transpose()?.flatten();
    Ok(last.map_or(0, |last| last + 1))
}

/// A task with its project.
pub(crate) fn task(tx: &mut Tx<'_>, permit: &Permit<Read>, id: &str) -> Result<(Project, Task)> {
    let sql = format!("SELECT {TASK_COLUMNS} FROM label_tasks WHERE id = $1");
    let task = tx.query_one(&sql, &params![id])?.as_ref().map(task_of).transpose()?;
    let none = || Error::not_found("labelling task", id.chars().take(80).collect::<String>().escape_debug());
    let task = task.ok_or_else(none)?;
    let project = project_by_id(tx, permit, &task.project_id)?.ok_or_else(none)?;
    Ok((project, task))
}

/// Tasks in their order, from a position on.
pub(crate) fn tasks(
    tx: &mut Tx<'_>,
    project_id: &str,
    state: Option<TaskState>,
    from: i64,
    most: usize,
) -> Result<Vec<Task>> {
    let sql = format!(
        "SELECT {TASK_COLUMNS} FROM label_tasks WHERE project_id = $1 AND position >= $2 AND ($3 = '' OR state = $3) \
         ORDER BY position LIMIT $4"
    );
    let state = state.map_or("", TaskState::as_str);
    tx.query(&sql, &params![project_id, from, state, most])?.iter().map(task_of).collect()
}

/// Every task of a project, in order.
pub(crate) fn all_tasks(tx: &mut Tx<'_>, project_id: &str) -> Result<Vec<Task>> {
    tasks(tx, project_id, None, 0, i64::MAX as usize)
}

/// The dataset versions whose rows are tasks of a project.
pub(crate) fn versions(tx: &mut Tx<'_>, project_id: &str) -> Result<Vec<String>> {
    let rows = tx.query(
        "SELECT DISTINCT version_id FROM label_tasks WHERE project_id = $1 AND version_id IS NOT NULL ORDER BY version_id",
        &params![project_id],
    )?;
    rows.iter().map(|row| row.get("version_id")).collect()
}

/// The next task for an annotator: the one that is theirs already, else the first by priority and order that still needs
/// an answer, that they have not answered or skipped, and that others are not about to answer.
pub(crate) fn next_task(tx: &mut Tx<'_>, project: &Project, annotator: &str, now: Timestamp) -> Result<Option<Task>> {
    let answered = "EXISTS (SELECT 1 FROM annotations a WHERE a.task_id = t.id AND a.annotator = $2 \
                    AND a.state IN ('submitted', 'accepted', 'skipped'))";
    let columns =
        TASK_COLUMNS.split(", ").map(|column| format!("t.{column} AS {column}")).collect::<Vec<_>>().join(", ");
    let own = format!(
        "SELECT {columns} FROM label_tasks t JOIN label_leases l ON l.task_id = t.id \
         WHERE t.project_id = $1 AND l.annotator = $2 AND l.until_at > $3 AND t.state = 'open' AND NOT {answered} \
         ORDER BY t.position LIMIT 1"
    );
    let sought = params![&project.id, annotator, now];
    if let Some(row) = tx.query_one(&own, &sought)? {
        return Ok(Some(task_of(&row)?));
    }
    let free = format!(
        "SELECT {columns} FROM label_tasks t WHERE t.project_id = $1 AND t.state = 'open' AND NOT {answered} \
         AND t.answered + (SELECT COUNT(*) FROM label_leases l WHERE l.task_id = t.id AND l.annotator <> $2 \
         AND l.until_at > $3) < $4 ORDER BY t.priority DESC, t.position LIMIT 1"
    );
    let sought = params![&project.id, annotator, now, project.settings.overlap];
    tx.query_one(&free, &sought)?.as_ref().map(task_of).transpose()
}

pub(crate) fn lease(tx: &mut Tx<'_>, task: &Task, annotator: &str, until: Timestamp) -> Result<()> {
    tx.execute(
        "INSERT INTO label_leases (task_id, project_id, annotator, until_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (task_id, annotator) DO UPDATE SET until_at = excluded.until_at",
        &params![&task.id, &task.project_id, annotator, until],
    )
    .map(drop)
}

pub(crate) fn release(tx: &mut Tx<'_>, task_id: &str, annotator: &str) -> Result<u64> {
    tx.execute("DELETE FROM label_leases WHERE task_id = $1 AND annotator = $2", &params![task_id, annotator])
}

/// Counts the answers of a task anew, and whether they are enough.
pub(crate) fn recount(tx: &mut Tx<'_>, task_id: &str, overlap: u32) -> Result<()> {
    tx.execute(
        "UPDATE label_tasks SET answered = (SELECT COUNT(*) FROM annotations a WHERE a.task_id = label_tasks.id \
         AND a.state IN ('submitted', 'accepted')) WHERE id = $1",
        &params![task_id],
    )?;
    tx.execute(
        "UPDATE label_tasks SET state = CASE WHEN answered >= $1 THEN 'done' ELSE 'open' END WHERE id = $2",
        &params![overlap, task_id],
    )
    .map(drop)
}

/// The same for every task of a project, in two statements.
pub(crate) fn recount_all(tx: &mut Tx<'_>, project_id: &str, overlap: u32) -> Result<()> {
    tx.execute(
        "UPDATE label_tasks SET answered = (SELECT COUNT(*) FROM annotations a WHERE a.task_id = label_tasks.id \
         AND a.state IN ('submitted', 'accepted')) WHERE project_id = $1",
        &params![project_id],
    )?;
    tx.execute(
        "UPDATE label_tasks SET state = CASE WHEN answered >= $1 THEN 'done' ELSE 'open' END WHERE project_id = $2",
        &params![overlap, project_id],
    )
    .map(drop)
}

pub(crate) fn set_priorities(tx: &mut Tx<'_>, priorities: &[(String, f64)]) -> Result<()> {
    for (task_id, priority) in priorities {
        tx.execute("UPDATE label_tasks SET priority = $1 WHERE id = $2", &params![*priority, task_id])?;
    }
    Ok(())
}

pub(crate) fn insert_comment(tx: &mut Tx<'_>, task: &Task, comment: &Comment) -> Result<()> {
    tx.execute(
        "INSERT INTO label_comments (id, project_id, task_id, author, text, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        &params![&comment.id, &task.project_id, &task.id, &comment.author, &comment.text, comment.created_at],
    )
    .map(drop)
}

pub(crate) fn comments(tx: &mut Tx<'_>, task_id: &str) -> Result<Vec<Comment>> {
    let rows = tx.query(
        "SELECT id, author, text, created_at FROM label_comments WHERE task_id = $1 ORDER BY created_at, id LIMIT $2",
        &params![task_id, limits::PAGE_ROWS],
    )?;
    let comment = |row: &Row| {
        Ok(Comment {
            id: row.get("id")?,
            author: row.get("author")?,
            text: row.get("text")?,
            created_at: row.get("created_at")?,
        })
    };
    rows.iter().map(comment).collect()
}

/// Keeps predictions; a newer one of the same source takes the place of the older one.
pub(crate) fn keep_predictions(
    tx: &mut Tx<'_>,
    project_id: &str,
    predictions: &[Prediction],
    now: Timestamp,
) -> Result<()> {
    let rows: Vec<Vec<Param>> = predictions
        .iter()
        .map(|found| {
            let probabilities = found.probabilities.as_ref().map(text).transpose()?;
            Ok(params![
                &found.task_id,
                &found.source,
                project_id,
                &found.version,
                text(&found.label)?,
                found.score,
                probabilities,
                now
            ]
            .into())
        })
        .collect::<Result<_>>()?;
    tx.upsert_rows(
        "label_predictions",
        &["task_id", "source", "project_id", "version", "label", "score", "probabilities", "created_at"],
        &rows,
        "ON CONFLICT (task_id, source) DO UPDATE SET version = excluded.version, label = excluded.label, \
         score = excluded.score, probabilities = excluded.probabilities, created_at = excluded.created_at \
         RETURNING task_id",
    )
    .map(drop)
}

/// The predictions of a project, those of one task or of one source where these are named.
pub(crate) fn predictions(
    tx: &mut Tx<'_>,
    project_id: &str,
    task_id: Option<&str>,
    source: Option<&str>,
) -> Result<Vec<Prediction>> {
    let rows = tx.query(
        "SELECT task_id, source, version, label, score, probabilities FROM label_predictions WHERE project_id = $1 \
         AND ($2 = '' OR task_id = $2) AND ($3 = '' OR source = $3) ORDER BY source, task_id",
        &params![project_id, task_id.unwrap_or(""), source.unwrap_or("")],
    )?;
    let prediction = |row: &Row| {
        Ok(Prediction {
            task_id: row.get("task_id")?,
            source: row.get("source")?,
            version: row.get("version")?,
            label: json::<Label>(row, "label")?,
            score: row.get::<Option<f64>>("score")?,
            probabilities: row
                .get::<Option<String>>("probabilities")?
                .map(|text| serde_json::from_str(&text).map_err(Error::internal))
                .transpose()?,
        })
    };
    rows.iter().map(prediction).collect()
}

/// A commit of a project: the dataset version that it made, and what went into it.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Commit {
    /// Its id.
    pub id: String,
    /// The dataset version.
    pub version_id: String,
    /// What went into it.
    pub summary: Value,
    /// When.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
}

pub(crate) fn insert_commit(tx: &mut Tx<'_>, project_id: &str, commit: &Commit) -> Result<u64> {
    tx.execute(
        "INSERT INTO label_commits (id, project_id, version_id, summary, created_at, created_by) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        &params![&commit.id, project_id, &commit.version_id, &commit.summary, commit.created_at, &commit.created_by],
    )
}

pub(crate) fn commits(tx: &mut Tx<'_>, project_id: &str) -> Result<Vec<Commit>> {
    let rows = tx.query(
        "SELECT id, version_id, summary, created_at, created_by FROM label_commits WHERE project_id = $1 \
         ORDER BY created_at DESC, id LIMIT $2",
        &params![project_id, limits::PAGE_ROWS],
    )?;
    let commit = |row: &Row| {
        Ok(Commit {
            id: row.get("id")?,
            version_id: row.get("version_id")?,
            summary: row.get("summary")?,
            created_at: row.get("created_at")?,
            created_by: row.get("created_by")?,
        })
    };
    rows.iter().map(commit).collect()
}
