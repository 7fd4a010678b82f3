//! Labelling functions: SQL expressions over the tasks that vote for a class, and one label from all of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use flyball_core::{Edit, Error, ErrorCode, Name, Permit, Read, Result, Table, Timestamp};
use flyball_data::{QueryEngine, formats};
use flyball_governance::audit;
use flyball_stats::annotation::{FunctionSummary, function_summary, label_model, most_probable};
use flyball_store::{Row, Tx, params};
use serde::Serialize;
use serde_json::json;

use crate::label::{Label, class_count};
use crate::model::{Annotation, Prediction, Project, Task};
use crate::projects::{self, event};
use crate::store::{self, annotations};
use crate::{consensus, predictions, tasks};

/// The source of the predictions that labelling functions make.
pub const SOURCE: &str = "functions";
/// Most functions of a project.
const FUNCTIONS: usize = 200;

/// A labelling function.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Function {
    /// Its name.
    pub name: Name,
    /// A condition when it has a class; else an expression that gives the name of a class, or NULL to abstain.
    pub sql: String,
    /// The class that it votes for where its condition holds.
    pub class: Option<String>,
    /// When it was written.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
}

/// Writes a function, in the place of one of the same name.
///
/// # Errors
/// `NotFound`; `InvalidInput` for a class that is not there or a project whose answers are not one class.
pub fn set(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    project: &Name,
    (name, sql, class): (&Name, &str, Option<&str>),
    now: Timestamp,
) -> Result<Function> {
    let project = projects::open(tx, &permit.read(), project)?;
    if !project.settings.kind.is_one_of_few() {
        return Err(Error::invalid(format!(
            "labelling functions vote for one class, not {}",
            project.settings.kind.as_str()
        )));
    }
    if let Some(class) = class {
        vote(&project, class)?;
    }
    if sql.trim().is_empty() || sql.len() > flyball_core::limits::SQL_BYTES {
        return Err(Error::invalid("the expression is empty or too long"));
    }
    let count = of_project(tx, &project.id)?.iter().filter(|function| function.name != *name).count();
    if count >= FUNCTIONS {
        return Err(Error::new(ErrorCode::LimitExceeded, format!("a project has at most {FUNCTIONS} functions")));
    }
    let function = Function {
        name: name.clone(),
        sql: sql.to_owned(),
        class: class.map(str::to_owned),
        created_at: now,
        created_by: permit.actor().to_owned(),
    };
    tx.execute(
        "INSERT INTO label_functions (project_id, name, sql, class, created_at, created_by) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (project_id, name) DO UPDATE SET sql = excluded.sql, \
         class = excluded.class, created_at = excluded.created_at, created_by = excluded.created_by",
        &params![&project.id, name, sql, function.class.clone(), now, permit.actor()],
    )?;
    let details = json!({ "function": name, "sql": sql, "class": class });
    audit::record(tx, &event(permit, &project, "labels.function", now).details(details))?;
    Ok(function)
}

/// Takes a function away; what it said in earlier runs stays.
///
/// # Errors
/// `NotFound`.
pub fn remove(tx: &mut Tx<'_>, permit: &Permit<Edit>, project: &Name, name: &Name, now: Timestamp) -> Result<()> {
    let project = store::project(tx, &permit.read(), project)?;
    let removed =
        tx.execute("DELETE FROM label_functions WHERE project_id = $1 AND name = $2", &params![&project.id, name])?;
    if removed == 0 {
        return Err(Error::not_found("labelling function", name));
    }
    let details = json!({ "function": name });
    audit::record(tx, &event(permit, &project, "labels.function_removed", now).details(details))
}

fn of_project(tx: &mut Tx<'_>, project_id: &str) -> Result<Vec<Function>> {
    let rows = tx.query(
        "SELECT name, sql, class, created_at, created_by FROM label_functions WHERE project_id = $1 ORDER BY name",
        &params![project_id],
    )?;
    let function = |row: &Row| {
        Ok(Function {
            name: row.get("name")?,
            sql: row.get("sql")?,
            class: row.get("class")?,
            created_at: row.get("created_at")?,
            created_by: row.get("created_by")?,
        })
    };
    rows.iter().map(function).collect()
}

/// The functions of a project, by name.
///
/// # Errors
/// `NotFound`.
pub fn list(tx: &mut Tx<'_>, permit: &Permit<Read>, project: &Name) -> Result<Vec<Function>> {
    let project = store::project(tx, permit, project)?;
    of_project(tx, &project.id)
}

/// What a run needs, read in one transaction.
#[derive(Debug)]
pub struct Inputs {
    project: Project,
    functions: Vec<Function>,
    tasks: Vec<Task>,
    annotations: Vec<Annotation>,
}

/// Reads what a run needs.
///
/// # Errors
/// `NotFound`; `InvalidInput` for a project without functions.
pub fn inputs(tx: &mut Tx<'_>, permit: &Permit<Read>, name: &Name) -> Result<Inputs> {
    let project = projects::open(tx, permit, name)?;
    let functions = of_project(tx, &project.id)?;
    if functions.is_empty() {
        return Err(Error::invalid("the project has no labelling functions").hint("add one: `flyball labels function`"));
    }
    let tasks = store::all_tasks(tx, &project.id)?;
    let annotations = annotations::standing(tx, &project.id, false)?;
    Ok(Inputs { project, functions, tasks, annotations })
}

/// How one function did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FunctionReport {
    /// Its name.
    pub name: Name,
    /// The share of tasks on which it votes.
    pub coverage: f64,
    /// The share on which another votes too.
    pub overlap: f64,
    /// The share on which another votes otherwise.
    pub conflict: f64,
    /// How often it is right, as the agreement of all functions shows.
    pub accuracy: Option<f64>,
    /// How often it says what people say, and on how many tasks that is known.
    pub with_people: Option<f64>,
    /// Its votes on tasks that people answered.
    pub answered: usize,
}

/// How a run went.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// Tasks.
    pub tasks: usize,
    /// Those on which some function votes.
    pub covered: usize,
    /// The functions.
    pub functions: Vec<FunctionReport>,
    #[serde(skip)]
    labels: Vec<Prediction>,
    #[serde(skip)]
    version: String,
}

/// Runs the functions over the tasks, and the label model over their votes. Nothing is written.
///
/// # Errors
/// `SqlError` and `InvalidInput` with the name of the function that is wrong.
pub fn run(engine: &dyn QueryEngine, inputs: &Inputs) -> Result<Run> {
    let Inputs { project, functions, tasks, annotations } = inputs;
    let table = table_of(tasks)?;
    let mut columns = Vec::with_capacity(functions.len());
    for function in functions {
        let votes = votes(engine, project, function, Arc::clone(&table));
        columns.push(votes.map_err(|error| error.context(format_args!("function '{}'", function.name)))?);
    }
    let votes: Vec<Vec<Option<usize>>> =
        (0..tasks.len()).map(|row| columns.iter().map(|column| column[row]).collect()).collect();
    let summary = function_summary(&votes).unwrap_or_default();
    let model = label_model(&votes, class_count(&project.settings), None);
    let said: BTreeMap<String, usize> =
        consensus::consensus(&project.settings, annotations, consensus::Method::Majority)
            .into_iter()
            .filter_map(|agreed| Some((agreed.task_id, agreed.label.class(&project.settings)?)))
            .collect();
    let report = |(at, (function, summary)): (usize, (&Function, &FunctionSummary))| {
        let judged =
            tasks.iter().zip(&columns[at]).filter_map(|(task, vote)| Some(said.get(&task.id)? == vote.as_ref()?));
        let judged: Vec<bool> = judged.collect();
        let right = judged.iter().filter(|right| **right).count();
        FunctionReport {
            name: function.name.clone(),
            coverage: summary.coverage,
            overlap: summary.overlap,
            conflict: summary.conflict,
            accuracy: model.as_ref().and_then(|model| model.accuracies[at]),
            with_people: (!judged.is_empty()).then(|| right as f64 / judged.len() as f64),
            answered: judged.len(),
        }
    };
    let reports = functions.iter().zip(&summary).enumerate().map(report).collect();
    let version = version_of(functions);
    let probabilities = model.map(|model| model.probabilities).unwrap_or_default();
    let label = |(task, probabilities): (&Task, Vec<f64>)| {
        let class = most_probable(&probabilities)?;
        Some(Prediction {
            task_id: task.id.clone(),
            source: SOURCE.to_owned(),
            version: version.clone(),
            label: Label::of_class(&project.settings, class)?,
            score: Some(probabilities[class]),
            probabilities: Some(probabilities),
        })
    };
    let labels: Vec<Prediction> = tasks.iter().zip(probabilities).filter_map(label).collect();
    Ok(Run { tasks: tasks.len(), covered: labels.len(), functions: reports, labels, version })
}

/// Keeps the labels of a run as predictions of the source `functions`.
///
/// # Errors
/// Those of the database.
pub fn keep(tx: &mut Tx<'_>, permit: &Permit<Edit>, name: &Name, run: &Run, now: Timestamp) -> Result<()> {
    let project = projects::open(tx, &permit.read(), name)?;
    predictions::keep(tx, permit, &project, (SOURCE, &run.version), &run.labels, now)
}

fn version_of(functions: &[Function]) -> String {
    let parts = functions.iter().flat_map(|function| {
        [function.name.as_str().as_bytes(), function.sql.as_bytes(), function.class.as_deref().unwrap_or("").as_bytes()]
    });
    flyball_core::Digest::of_parts(parts).short()
}

/// The tasks as a table, with a column that numbers them.
fn table_of(tasks: &[Task]) -> Result<Arc<Table>> {
    let lines: Vec<String> = tasks.iter().map(|task| task.data.to_string()).collect();
    let parsed = formats::read("jsonl", Bytes::from(lines.join("\n")))?;
    if parsed.table.rows() != tasks.len() {
        return Err(Error::new(ErrorCode::InvalidData, "the tasks have no data that could be asked"));
    }
    tasks::numbered(&parsed.table)
}

/// The position of the class that a vote names.
fn vote(project: &Project, class: &str) -> Result<usize> {
    let label = match project.settings.kind {
        crate::model::Kind::Pairwise => serde_json::from_value(json!({ "preferred": class }))
            .map_err(|_| Error::invalid("a vote is left, right or tie"))?,
        _ => Label::Choice(class.to_owned()).checked(&project.settings, &serde_json::Value::Null)?,
    };
    label.class(&project.settings).ok_or_else(|| Error::internal("a checked class has a place"))
}

/// What a function says of each task.
fn votes(
    engine: &dyn QueryEngine,
    project: &Project,
    function: &Function,
    tasks: Arc<Table>,
) -> Result<Vec<Option<usize>>> {
    let (row, sql) = (tasks::ROW, &function.sql);
    let rows = tasks.rows();
    // The line end closes a comment that the expression may end with.
    let found = tasks::query(engine, &format!("SELECT {row}, ({sql}\n) AS vote FROM tasks ORDER BY {row}"), tasks)?;
    let votes = found.column("vote")?;
    if found.rows() != rows {
        return Err(Error::new(ErrorCode::SqlError, "the expression does not give one vote for each task"));
    }
    let fixed = function.class.as_deref().map(|class| vote(project, class)).transpose()?;
    let one = |row: usize| match (votes.value(row), fixed) {
        (flyball_core::Value::Missing | flyball_core::Value::Bool(false), _) => Ok(None),
        (flyball_core::Value::Bool(true), Some(class)) => Ok(Some(class)),
        (flyball_core::Value::Text(name), None) => vote(project, &name).map(Some),
        (_, Some(_)) => Err(Error::new(ErrorCode::SqlError, "the expression is no condition")
            .hint("a function with a class needs a condition that is true or false")),
        (_, None) => Err(Error::new(ErrorCode::SqlError, "the expression gives no text")
            .hint("give the name of a class, or NULL to abstain; or name the class and write a condition")),
    };
    (0..rows).map(one).collect()
}
