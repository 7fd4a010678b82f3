//! A commit: the labels that annotators agreed on become a dataset version, beside the rows that they label.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use flyball_core::{
    Column, Digest, Edit, Error, ErrorCode, Kind as ColumnKind, Name, Permit, Read, Result, Table, Timestamp, Value, id,
};
use flyball_data::{DatasetVersion, Datasets, Origin};
use flyball_governance::audit;
use flyball_store::{Db, Tx};
use serde_json::{Value as Json, json};

use crate::agreement::{Agreement, agreement};
use crate::consensus::{Agreed, Method, consensus};
use crate::label::Label;
use crate::model::{Annotation, Kind, Project, Task};
use crate::projects::event;
use crate::store::{self, Commit, annotations};

/// The labels of a project, with the rows that they belong to.
struct Labelled {
    project: Project,
    tasks: Vec<Task>,
    annotations: Vec<Annotation>,
    agreed: Vec<Agreed>,
    agreement: Agreement,
}

/// Makes a dataset version of the labels: all columns of the rows, and behind them the label, how sure it is, and how many
/// answered. The same labels again are the latest version. Of a reviewed project only accepted answers count.
///
/// # Errors
/// `NotFound`; `EmptyWindow` when nothing is labelled; `InvalidInput` when the rows would become a version of their own
/// dataset.
pub fn commit(
    db: &Db,
    datasets: &Datasets,
    permit: &Permit<Edit>,
    name: &Name,
    (into, method): (Option<&Name>, Method),
    now: Timestamp,
) -> Result<(DatasetVersion, Commit)> {
    let labelled = db.read(|tx| read(tx, &permit.read(), name, method))?;
    if labelled.agreed.is_empty() {
        let what = if labelled.project.settings.review { "accepted" } else { "labelled" };
        return Err(Error::new(ErrorCode::EmptyWindow, format!("no task of '{name}' is {what} yet")));
    }
    let into = match into {
        Some(into) => into.clone(),
        None => format!("{name}-labels").parse()?,
    };
    if labelled.project.settings.dataset.as_ref() == Some(&into) {
        return Err(Error::invalid("the labels would become a version of the dataset whose rows they label")
            .hint("choose another name with --into"));
    }
    let table = table(datasets, &permit.read(), &labelled)?;
    let mut inputs: Vec<String> = labelled.tasks.iter().filter_map(|task| task.version_id.clone()).collect();
    inputs.sort();
    inputs.dedup();
    let origin = Origin::Labels {
        inputs,
        project: name.to_string(),
        consensus: method.as_str().to_owned(),
        annotations: digest_of(&labelled.annotations)?,
    };
    let version = datasets.keep_made(permit, &into, table, origin)?;
    let summary = json!({
        "dataset": version.dataset, "version": version.version, "labels": labelled.agreed.len(),
        "annotations": labelled.annotations.len(), "consensus": method.as_str(), "agreement": labelled.agreement,
    });
    let commit = Commit {
        id: id::derived("lcommit", &[labelled.project.id.as_bytes(), version.id.as_bytes()]),
        version_id: version.id.clone(),
        summary,
        created_at: now,
        created_by: permit.actor().to_owned(),
    };
    let (kept, project, permit) = (commit.clone(), labelled.project, permit.clone());
    db.write(move |tx| {
        if store::insert_commit(tx, &project.id, &kept)? > 0 {
            let details = json!({ "commit": kept.id, "version": kept.version_id, "summary": kept.summary });
            audit::record(tx, &event(&permit, &project, "labels.commit", now).details(details))?;
        }
        Ok(())
    })?;
    Ok((version, commit))
}

/// The commits of a project, newest first.
///
/// # Errors
/// `NotFound`.
pub fn list(tx: &mut Tx<'_>, permit: &Permit<Read>, name: &Name) -> Result<Vec<Commit>> {
    let project = store::project(tx, permit, name)?;
    store::commits(tx, &project.id)
}

fn read(tx: &mut Tx<'_>, permit: &Permit<Read>, name: &Name, method: Method) -> Result<Labelled> {
    let project = store::project(tx, permit, name)?;
    let annotations = annotations::standing(tx, &project.id, project.settings.review)?;
    let mut agreed: BTreeMap<String, Agreed> =
        consensus(&project.settings, &annotations, method).into_iter().map(|one| (one.task_id.clone(), one)).collect();
    let agreement = agreement(&project.settings, &annotations);
    let mut tasks = store::all_tasks(tx, &project.id)?;
    tasks.retain(|task| agreed.contains_key(&task.id));
    // In the order of the tasks.
    let agreed = tasks.iter().filter_map(|task| agreed.remove(&task.id)).collect();
    Ok(Labelled { project, tasks, annotations, agreed, agreement })
}

/// What stands, by content: the same answers are the same commit.
fn digest_of(annotations: &[Annotation]) -> Result<Digest> {
    let said: Vec<(&str, &str, &Option<Label>)> =
        annotations.iter().map(|one| (one.task_id.as_str(), one.annotator.as_str(), &one.label)).collect();
    Ok(Digest::of(&serde_json::to_vec(&said).map_err(Error::internal)?))
}

fn table(datasets: &Datasets, permit: &Permit<Read>, labelled: &Labelled) -> Result<Table> {
    let mut versions: HashMap<&str, Arc<Table>> = HashMap::new();
    for version in labelled.tasks.iter().filter_map(|task| task.version_id.as_deref()) {
        if !versions.contains_key(version) {
            versions.insert(version, datasets.table(permit, version)?);
        }
    }
    let rows = labelled.tasks.len();
    let mut names: Vec<String> = Vec::new();
    let mut cells: HashMap<String, Vec<Value>> = HashMap::new();
    for (row, task) in labelled.tasks.iter().enumerate() {
        for (name, value) in cells_of(task, &versions) {
            let column = cells.entry(name).or_insert_with_key(|name| {
                names.push(name.clone());
                vec![Value::Missing; rows]
            });
            column[row] = value;
        }
    }
    let mut table = Table::default();
    for name in names {
        let column = column_of(cells.remove(&name).unwrap_or_default())?;
        table.push(name, column)?;
    }
    for (name, column) in label_columns(labelled)? {
        let taken = table.position(&name).is_some();
        table.push(if taken { format!("annotated.{name}") } else { name }, column)?;
    }
    Ok(table)
}

/// The row of a task: as typed in its dataset version, else as its data say.
fn cells_of(task: &Task, versions: &HashMap<&str, Arc<Table>>) -> Vec<(String, Value)> {
    let row = task.version_row.and_then(|row| usize::try_from(row).ok());
    let table = task.version_id.as_deref().and_then(|version| versions.get(version));
    if let (Some(row), Some(table)) = (row, table.filter(|table| row.is_some_and(|row| row < table.rows()))) {
        return table.columns().map(|(name, column)| (name.to_owned(), column.value(row))).collect();
    }
    let data = task.data.as_object().into_iter().flatten();
    data.map(|(name, value)| (name.clone(), value_of(value))).collect()
}

pub(crate) fn value_of(value: &Json) -> Value {
    match value {
        Json::Null => Value::Missing,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Value::Int(whole),
            None => number.as_f64().map_or(Value::Missing, Value::Float),
        },
        Json::String(text) => Value::Text(text.as_str().into()),
        nested => Value::Text(nested.to_string().into()),
    }
}

/// A column of the narrowest type that holds all values; values of different types become text.
pub(crate) fn column_of(values: Vec<Value>) -> Result<Column> {
    let kind = |value: &Value| match value {
        Value::Missing => None,
        Value::Float(_) => Some(ColumnKind::Float),
        Value::Int(_) => Some(ColumnKind::Int),
        Value::Bool(_) => Some(ColumnKind::Bool),
        Value::Text(_) => Some(ColumnKind::Text),
        Value::Time(_) => Some(ColumnKind::Time),
    };
    let mut kinds: Vec<ColumnKind> = Vec::new();
    for found in values.iter().filter_map(kind) {
        if !kinds.contains(&found) {
            kinds.push(found);
        }
    }
    let numbers = |kinds: &[ColumnKind]| kinds.iter().all(|kind| matches!(kind, ColumnKind::Int | ColumnKind::Float));
    match kinds.as_slice() {
        [] => Column::from_values(ColumnKind::Text, &values),
        [one] => Column::from_values(*one, &values),
        several if numbers(several) => Column::from_values(ColumnKind::Float, &values),
        _ => {
            let text = |value: Value| value.text().map_or(Value::Missing, |text| Value::Text(text.into()));
            Column::from_values(ColumnKind::Text, &values.into_iter().map(text).collect::<Vec<_>>())
        }
    }
}

fn label_columns(labelled: &Labelled) -> Result<Vec<(String, Column)>> {
    let settings = &labelled.project.settings;
    let label = |agreed: &Agreed| {
        Ok(match &agreed.label {
            Label::Choice(class) => Value::Text(class.as_str().into()),
            Label::Number(number) => Value::Float(*number),
            Label::Preferred(side) => Value::Text(side.as_str().into()),
            Label::Choices(chosen) => Value::Text(store::text(chosen)?.into()),
            Label::Spans(spans) => Value::Text(store::text(spans)?.into()),
            Label::Boxes(boxes) => Value::Text(store::text(boxes)?.into()),
        })
    };
    let agreed = &labelled.agreed;
    let values: Vec<Value> = agreed.iter().map(label).collect::<Result<_>>()?;
    let kind = if settings.kind == Kind::Regression { ColumnKind::Float } else { ColumnKind::Text };
    let name = &settings.column;
    let mut columns = vec![(name.clone(), Column::from_values(kind, &values)?)];
    if settings.kind == Kind::MultiLabel {
        for class in &settings.classes {
            let said =
                |one: &Agreed| u8::from(matches!(&one.label, Label::Choices(chosen) if chosen.contains(&class.name)));
            columns.push((format!("{name}.{}", class.name), Column::Bool(agreed.iter().map(said).collect())));
        }
    }
    let confidence = agreed.iter().map(|one| one.confidence).collect();
    columns.push((format!("{name}_confidence"), Column::Float(confidence)));
    let annotators = agreed.iter().map(|one| one.annotators as i64).collect();
    columns.push((format!("{name}_annotators"), Column::Int(annotators)));
    Ok(columns)
}
