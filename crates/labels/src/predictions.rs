//! Pre-labels: what a model says of tasks, and which tasks are asked first because of it.

use std::collections::{BTreeMap, HashMap};

use flyball_core::{Column, Edit, Error, ErrorCode, Name, Permit, Read, Result, Table, Timestamp};
use flyball_governance::audit;
use flyball_stats::annotation::{Uncertainty, most_probable, uncertainty};
use flyball_store::Tx;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::label::{Label, class_count};
use crate::model::{Kind, Prediction, Project, Settings, Task};
use crate::projects::{self, event};
use crate::{store, tasks};

/// Longest name of a source and of its version, in characters.
const SOURCE_CHARS: usize = 128;

/// A prediction as it comes in. Without a label it is the most probable class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPrediction {
    /// The task, by its key.
    pub key: String,
    /// The answer.
    #[serde(default)]
    pub label: Option<Label>,
    /// How sure it is, from 0 to 1.
    #[serde(default)]
    pub score: Option<f64>,
    /// The probability of each class, by its name.
    #[serde(default)]
    pub probabilities: Option<BTreeMap<String, f64>>,
}

/// Keeps what `source` says of tasks. What it said before of the same tasks is replaced.
///
/// # Errors
/// `NotFound` for a task that is not there; `InvalidInput` for what does not fit, with its place in the list.
pub fn record(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    name: &Name,
    (source, version): (&str, &str),
    new: &[NewPrediction],
    now: Timestamp,
) -> Result<usize> {
    let project = projects::open(tx, &permit.read(), name)?;
    for text in [source, version] {
        if text.is_empty() || text.chars().count() > SOURCE_CHARS || text.chars().any(char::is_control) {
            return Err(Error::invalid("a source and its version have 1 to 128 visible characters"));
        }
    }
    let known: HashMap<String, Task> =
        store::all_tasks(tx, &project.id)?.into_iter().map(|task| (task.id.clone(), task)).collect();
    let one = |(place, new): (usize, &NewPrediction)| {
        prediction(&project, &known, (source, version), new)
            .map_err(|error| error.context(format_args!("prediction {}", place + 1)))
    };
    let found: Vec<Prediction> = new.iter().enumerate().map(one).collect::<Result<_>>()?;
    // The last one of a task is what counts, and a statement may name each row once.
    let by_task: BTreeMap<&str, &Prediction> = found.iter().map(|one| (one.task_id.as_str(), one)).collect();
    let kept: Vec<Prediction> = by_task.into_values().cloned().collect();
    keep(tx, permit, &project, (source, version), &kept, now)?;
    Ok(kept.len())
}

/// Keeps predictions with their audit event.
pub(crate) fn keep(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    project: &Project,
    (source, version): (&str, &str),
    kept: &[Prediction],
    now: Timestamp,
) -> Result<()> {
    store::keep_predictions(tx, &project.id, kept, now)?;
    let details = json!({ "source": source, "version": version, "tasks": kept.len() });
    audit::record(tx, &event(permit, project, "labels.predict", now).details(details))
}

fn prediction(
    project: &Project,
    known: &HashMap<String, Task>,
    (source, version): (&str, &str),
    new: &NewPrediction,
) -> Result<Prediction> {
    let task = known.get(&tasks::id_of(project, &new.key)).ok_or_else(|| {
        let shown: String = new.key.chars().take(60).flat_map(char::escape_debug).collect();
        Error::not_found("task with the key", shown)
    })?;
    let settings = &project.settings;
    let probabilities = new.probabilities.as_ref().map(|by_class| in_order(settings, by_class)).transpose()?;
    let likeliest = probabilities.as_deref().and_then(most_probable);
    let label = match (&new.label, likeliest.and_then(|class| Label::of_class(settings, class))) {
        (Some(label), _) => label.clone().checked(settings, &task.data)?,
        (None, Some(label)) => label,
        (None, None) => return Err(Error::invalid("a prediction has a label, or probabilities of the classes")),
    };
    let score = new.score.or_else(|| Some(probabilities.as_ref()?[label.class(settings)?]));
    if score.is_some_and(|score| !(0.0..=1.0).contains(&score)) {
        return Err(Error::invalid("a score is a number from 0 to 1"));
    }
    Ok(Prediction {
        task_id: task.id.clone(),
        source: source.to_owned(),
        version: version.to_owned(),
        label,
        score,
        probabilities,
    })
}

/// Probabilities in the order of the classes; a class that is not named has none.
fn in_order(settings: &Settings, by_class: &BTreeMap<String, f64>) -> Result<Vec<f64>> {
    if !settings.kind.is_one_of_few() {
        return Err(Error::invalid("probabilities belong to projects whose answer is one class"));
    }
    let mut ordered = vec![0.0; class_count(settings)];
    for (class, probability) in by_class {
        let label = match settings.kind {
            Kind::Pairwise => serde_json::from_value(json!({ "preferred": class }))
                .map_err(|_| Error::invalid("the sides are left, right and tie"))?,
            _ => Label::Choice(class.clone()).checked(settings, &serde_json::Value::Null)?,
        };
        let at = label.class(settings).ok_or_else(|| Error::internal("a checked class has a place"))?;
        ordered[at] = *probability;
    }
    let total: f64 = ordered.iter().sum();
    if ordered.iter().any(|p| !(0.0..=1.0).contains(p)) || (total - 1.0).abs() > 0.01 {
        return Err(Error::invalid(format!("the probabilities add up to {total}"))
            .hint("name the probability of every class; together they are 1"));
    }
    Ok(ordered)
}

/// Puts the tasks of which a source is least sure at the head of the queue, and tells how many it ordered. Without
/// probabilities the score tells how sure it is.
///
/// # Errors
/// `NotFound`; `InvalidInput` when the source said nothing that could order tasks.
pub fn prioritize(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    name: &Name,
    source: &str,
    by: Uncertainty,
    now: Timestamp,
) -> Result<usize> {
    let project = projects::open(tx, &permit.read(), name)?;
    let found = store::predictions(tx, &project.id, None, Some(source))?;
    let unsure = |one: &Prediction| match &one.probabilities {
        Some(probabilities) => uncertainty(probabilities, by),
        None => one.score.map(|score| 1.0 - score),
    };
    let priorities: Vec<(String, f64)> =
        found.iter().filter_map(|one| Some((one.task_id.clone(), unsure(one)?))).collect();
    if priorities.is_empty() {
        let shown: String = source.chars().take(60).flat_map(char::escape_debug).collect();
        return Err(Error::new(ErrorCode::InvalidInput, format!("'{shown}' said of no task how sure it is"))
            .hint("predict first: `flyball labels predict`, or import predictions with scores"));
    }
    store::set_priorities(tx, &priorities)?;
    let details = json!({ "source": source, "by": format!("{by:?}"), "tasks": priorities.len() });
    audit::record(tx, &event(permit, &project, "labels.prioritize", now).details(details))?;
    Ok(priorities.len())
}

/// What every source said of a project's tasks, or one of them.
///
/// # Errors
/// `NotFound`.
pub fn list(tx: &mut Tx<'_>, permit: &Permit<Read>, name: &Name, source: Option<&str>) -> Result<Vec<Prediction>> {
    let project = store::project(tx, permit, name)?;
    store::predictions(tx, &project.id, None, source)
}

/// The predictions that a table of batch predictions holds for the tasks of a dataset version, row by row: the columns
/// `prediction` and, of classifiers, `probability_CLASS`.
///
/// # Errors
/// `NotFound`; `InvalidInput` for a project whose answers such a model does not give.
pub fn of_table(
    tx: &mut Tx<'_>,
    permit: &Permit<Read>,
    name: &Name,
    version_id: &str,
    table: &Table,
) -> Result<Vec<NewPrediction>> {
    let project = store::project(tx, permit, name)?;
    let settings = &project.settings;
    let prediction = table.column("prediction")?;
    let probabilities: Vec<(&str, &Column)> = table
        .columns()
        .filter_map(|(name, column)| Some((name.strip_prefix("probability_")?, column)))
        .filter(|(class, _)| settings.class(class).is_some())
        .collect();
    let of_row = |row: usize| match settings.kind {
        Kind::Regression => Ok((Some(Label::Number(prediction.number(row))), None)),
        Kind::Classification if probabilities.len() == settings.classes.len() => {
            let by_class = probabilities.iter().map(|(class, column)| ((*class).to_owned(), column.number(row)));
            Ok((None, Some(by_class.collect())))
        }
        Kind::Classification => Ok((prediction.value(row).text().map(Label::Choice), None)),
        kind => Err(Error::invalid(format!("endpoints of rows do not answer with {}", kind.as_str()))
            .hint("send what your model says to /api/v1/labels/projects/NAME/predictions")),
    };
    let tasks = store::all_tasks(tx, &project.id)?;
    let of_version = tasks.into_iter().filter(|task| task.version_id.as_deref() == Some(version_id));
    let rows = of_version.filter_map(|task| Some((task.key, usize::try_from(task.version_row?).ok()?)));
    rows.filter(|(_, row)| *row < table.rows())
        .map(|(key, row)| {
            let (label, probabilities) = of_row(row)?;
            Ok(NewPrediction { key, label, score: None, probabilities })
        })
        .collect()
}
