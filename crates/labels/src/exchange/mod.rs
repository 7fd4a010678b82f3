//! The formats of other tools: what they hold becomes tasks, answers and predictions, and the other way round.

mod coco;
mod conll;
mod flat;
mod label_studio;

use std::collections::{BTreeMap, HashMap};

use flyball_core::{Edit, Error, ErrorCode, Name, Permit, Read, Result, Timestamp};
use flyball_governance::audit;
use flyball_store::Tx;
use serde::Serialize;
use serde_json::{Value, json};

use crate::annotate::{self, Answer};
use crate::consensus::{Agreed, Method, consensus};
use crate::label::Label;
use crate::model::{Annotation, Prediction, Project, Settings, Task, words};
use crate::projects::{self, event};
use crate::store::{self, annotations};
use crate::tasks::{self, NewTask};

words! {
    /// A format.
    Format: "format of labels" {
        /// Label Studio's JSON: tasks, annotations and predictions.
        LabelStudio => "label-studio",
        /// COCO: boxes in images.
        Coco => "coco",
        /// CoNLL-2003: tokens with their entities.
        Conll => "conll",
        /// One JSON object a line.
        Jsonl => "jsonl",
        /// One row per answer.
        Parquet => "parquet",
    }
}

/// One thing of a file, with what was said about it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Item {
    /// Where it stands in the file, for messages.
    pub place: String,
    /// Its key, where the file has one.
    pub key: Option<String>,
    /// Its data.
    pub data: Value,
    /// Who answered what; no label is a task that was skipped.
    pub answers: Vec<(Option<String>, Option<Label>)>,
    /// Which source and version predicted what, and how sure it was.
    pub predictions: Vec<(String, String, Label, Option<f64>)>,
}

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// Tasks that are new.
    pub tasks: u64,
    /// Answers that are new.
    pub annotations: u64,
    /// Predictions.
    pub predictions: u64,
}

/// An `InvalidData` error about a place of a file.
pub(crate) fn wrong(place: impl std::fmt::Display, message: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::InvalidData, format!("{place}: {message}"))
}

/// A few characters of a user's text for a message.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(60).flat_map(char::escape_debug).collect()
}

/// The text of a file.
pub(crate) fn utf8(bytes: &[u8]) -> Result<&str> {
    // Some editors of Windows begin files with a byte-order mark.
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        wrong(format_args!("line {line}"), "not UTF-8").hint("save the file as UTF-8")
    })
}

/// The JSON of a file.
pub(crate) fn json_of(bytes: &[u8]) -> Result<Value> {
    serde_json::from_str(utf8(bytes)?).map_err(|error| {
        wrong(format_args!("line {}, column {}", error.line(), error.column()), "not JSON")
            .hint("check that the file is complete")
    })
}

/// Reads a file. Nothing is written.
///
/// # Errors
/// `InvalidData` with the line, task or annotation that is wrong; `LimitExceeded`.
pub fn parse(format: Format, settings: &Settings, bytes: &[u8]) -> Result<Vec<Item>> {
    let items = match format {
        Format::LabelStudio => label_studio::read(settings, bytes),
        Format::Coco => coco::read(settings, bytes),
        Format::Conll => conll::read(settings, bytes),
        Format::Jsonl => flat::read_lines(settings, bytes),
        Format::Parquet => flat::read_parquet(settings, bytes),
    }?;
    if items.len() > tasks::TASKS {
        return Err(Error::new(
            ErrorCode::LimitExceeded,
            format!("at most {} tasks are imported at once", tasks::TASKS),
        )
        .hint("split the file"));
    }
    Ok(items)
}

/// Brings a file in, whole or not at all. Tasks that are there already keep what they have, and get what is new.
///
/// # Errors
/// Those of [`parse`]; `InvalidInput` with the place of an answer that does not fit the project; `Conflict` for an archived
/// project.
pub fn import(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    name: &Name,
    format: Format,
    items: &[Item],
    now: Timestamp,
) -> Result<Imported> {
    let project = projects::open(tx, &permit.read(), name)?;
    let new_task = |item: &Item| {
        let task = NewTask::of(&project.settings, item.data.clone());
        let mut task = task.map_err(|error| error.context(&item.place))?;
        if let Some(key) = &item.key {
            task.key.clone_from(key);
        }
        Ok(task)
    };
    let new: Vec<NewTask> = items.iter().map(new_task).collect::<Result<_>>()?;
    let mut done = Imported { tasks: tasks::insert(tx, &project, &new, now)?, ..Imported::default() };
    let known: HashMap<String, Task> =
        store::all_tasks(tx, &project.id)?.into_iter().map(|task| (task.id.clone(), task)).collect();
    let mut predicted: BTreeMap<(String, String), Prediction> = BTreeMap::new();
    for (item, new) in items.iter().zip(&new) {
        let task =
            known.get(&tasks::id_of(&project, &new.key)).ok_or_else(|| Error::internal("a task that was kept"))?;
        for (annotator, label) in &item.answers {
            let answer = Answer { annotator: annotator.clone(), label: label.clone(), ..Answer::default() };
            let written = annotate::write(tx, permit, &project, task, answer, now);
            let (_, is_new) = written.map_err(|error| error.context(&item.place))?;
            done.annotations += u64::from(is_new);
        }
        for (source, version, label, score) in &item.predictions {
            let label = label.clone().checked(&project.settings, &task.data);
            let prediction = Prediction {
                task_id: task.id.clone(),
                source: source.clone(),
                version: version.clone(),
                label: label.map_err(|error| error.context(&item.place))?,
                score: score.filter(|score| (0.0..=1.0).contains(score)),
                probabilities: None,
            };
            predicted.insert((task.id.clone(), source.clone()), prediction);
        }
    }
    done.predictions = predicted.len() as u64;
    store::keep_predictions(tx, &project.id, &predicted.into_values().collect::<Vec<_>>(), now)?;
    store::recount_all(tx, &project.id, project.settings.overlap)?;
    let details = json!({ "format": format.as_str(), "imported": done });
    audit::record(tx, &event(permit, &project, "labels.import", now).details(details))?;
    Ok(done)
}

/// Everything of a project that goes out.
#[derive(Clone, Debug)]
pub struct Everything {
    project: Project,
    tasks: Vec<Task>,
    annotations: Vec<Annotation>,
    predictions: Vec<Prediction>,
}

impl Everything {
    fn agreed(&self) -> BTreeMap<String, Agreed> {
        let agreed = consensus(&self.project.settings, &self.annotations, Method::Majority);
        agreed.into_iter().map(|one| (one.task_id.clone(), one)).collect()
    }

    /// The answers to each task, by its id.
    fn answers(&self) -> HashMap<&str, Vec<&Annotation>> {
        let mut by_task: HashMap<&str, Vec<&Annotation>> = HashMap::new();
        for annotation in &self.annotations {
            by_task.entry(&annotation.task_id).or_default().push(annotation);
        }
        by_task
    }

    /// The predictions of each task, by its id.
    fn predicted(&self) -> HashMap<&str, Vec<&Prediction>> {
        let mut by_task: HashMap<&str, Vec<&Prediction>> = HashMap::new();
        for prediction in &self.predictions {
            by_task.entry(&prediction.task_id).or_default().push(prediction);
        }
        by_task
    }
}

/// Reads what goes out: all tasks, the answers that stand (of a reviewed project those that were accepted) and predictions.
///
/// # Errors
/// `NotFound`.
pub fn everything(tx: &mut Tx<'_>, permit: &Permit<Read>, name: &Name) -> Result<Everything> {
    let project = store::project(tx, permit, name)?;
    Ok(Everything {
        tasks: store::all_tasks(tx, &project.id)?,
        annotations: annotations::standing(tx, &project.id, project.settings.review)?,
        predictions: store::predictions(tx, &project.id, None, None)?,
        project,
    })
}

/// Writes a file. COCO and CoNLL hold one label per task, that of the majority; the others hold every answer.
///
/// # Errors
/// `InvalidInput` for a format that cannot hold labels of this kind; `InvalidData` for a task that lacks what the format
/// needs.
pub fn write(format: Format, everything: &Everything) -> Result<Vec<u8>> {
    match format {
        Format::LabelStudio => label_studio::write(everything),
        Format::Coco => coco::write(everything),
        Format::Conll => conll::write(everything),
        Format::Jsonl => flat::write_lines(everything),
        Format::Parquet => flat::write_parquet(everything),
    }
}

/// Refuses a project of another kind.
pub(crate) fn only(settings: &Settings, kind: crate::Kind, format: Format) -> Result<()> {
    if settings.kind == kind {
        return Ok(());
    }
    let message = format!("{} holds {}, not {}", format.as_str(), kind.as_str(), settings.kind.as_str());
    Err(Error::invalid(message).hint("label-studio, jsonl and parquet hold labels of every kind"))
}
