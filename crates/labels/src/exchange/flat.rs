//! JSON lines and Parquet. A line is a task with all that was said, or flat: its columns are the data, but for `label`,
//! `annotator` and `key`. Parquet is always flat, with one row per answer.

use std::collections::BTreeMap;

use bytes::Bytes;
use flyball_core::{Column, Error, Kind as ColumnKind, Result, Table, Value as Cell};
use flyball_data::formats::parquet;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Everything, Item, shown, utf8, wrong};
use crate::label::Label;
use crate::model::{Kind, Settings};

/// The columns of flat files beside the data and the label.
const ANNOTATOR: &str = "annotator";
const KEY: &str = "key";

/// A task of a line with all that was said about it.
#[derive(Deserialize)]
struct Whole {
    #[serde(default)]
    key: Option<String>,
    data: Map<String, Value>,
    #[serde(default)]
    annotations: Vec<Said>,
    #[serde(default)]
    predictions: Vec<Predicted>,
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    annotator: Option<String>,
    #[serde(default)]
    label: Option<Label>,
}

#[derive(Deserialize)]
struct Predicted {
    source: String,
    #[serde(default)]
    version: Option<String>,
    label: Label,
    #[serde(default)]
    score: Option<f64>,
}

pub(super) fn read_lines(settings: &Settings, bytes: &[u8]) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    for (at, line) in utf8(bytes)?.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let place = format!("line {}", at + 1);
        let value: Value = serde_json::from_str(line)
            .map_err(|error| wrong(format_args!("{place}, column {}", error.column()), "not JSON"))?;
        let Value::Object(object) = value else { return Err(wrong(place, "not an object")) };
        items.push(if object.get("data").is_some_and(Value::is_object) {
            whole(place, object)?
        } else {
            flat(settings, place, object)?
        });
    }
    Ok(items)
}

fn whole(place: String, object: Map<String, Value>) -> Result<Item> {
    let whole: Whole = serde_json::from_value(Value::Object(object)).map_err(|error| wrong(&place, error))?;
    let predicted = |one: Predicted| {
        let version = one.version.unwrap_or_else(|| "unknown".to_owned());
        (one.source, version, one.label, one.score)
    };
    Ok(Item {
        key: whole.key,
        data: Value::Object(whole.data),
        answers: whole.annotations.into_iter().map(|said| (said.annotator, said.label)).collect(),
        predictions: whole.predictions.into_iter().map(predicted).collect(),
        place,
    })
}

/// A row whose columns are the data, but for who answered what.
fn flat(settings: &Settings, place: String, mut object: Map<String, Value>) -> Result<Item> {
    let said = object.remove(&settings.column).filter(|label| !label.is_null());
    let annotator = object.remove(ANNOTATOR).and_then(|name| name.as_str().map(str::to_owned));
    // A data column that is the key of the project stays where it is.
    let key =
        if settings.key.is_none() { object.remove(KEY).and_then(|key| key.as_str().map(str::to_owned)) } else { None };
    let label = said.map(|said| label_of(settings, said, &place)).transpose()?;
    let answers = label.map(|label| (annotator, Some(label))).into_iter().collect();
    Ok(Item { place, key, data: Value::Object(object), answers, predictions: Vec::new() })
}

/// A label as one value: a class, a number, a side, or JSON of a list.
fn label_of(settings: &Settings, said: Value, place: &str) -> Result<Label> {
    // Columns of tables hold lists as their JSON text.
    let unpacked = match (&said, settings.kind) {
        (Value::String(text), Kind::MultiLabel | Kind::Spans | Kind::Boxes) => {
            serde_json::from_str(text).map_err(|_| wrong(place, format_args!("'{}' is no list", shown(text))))?
        }
        _ => said,
    };
    let key = match settings.kind {
        Kind::Classification => "choice",
        Kind::MultiLabel => "choices",
        Kind::Regression => "number",
        Kind::Spans => "spans",
        Kind::Boxes => "boxes",
        Kind::Pairwise => "preferred",
    };
    serde_json::from_value(json!({ key: unpacked }))
        .map_err(|_| wrong(place, format_args!("'{}' holds no label of {}", settings.column, settings.kind.as_str())))
}

/// A label as one value of a column.
fn value_of(label: &Label) -> Result<Value> {
    let tagged = serde_json::to_value(label).map_err(Error::internal)?;
    Ok(tagged[label.key()].clone())
}

pub(super) fn write_lines(everything: &Everything) -> Result<Vec<u8>> {
    let (answers, predicted, agreed) = (everything.answers(), everything.predicted(), everything.agreed());
    let mut out = Vec::new();
    for task in &everything.tasks {
        let said = answers.get(task.id.as_str()).into_iter().flatten().map(|one| {
            json!({ "annotator": one.annotator, "label": one.label, "state": one.state, "at": one.created_at.to_string() })
        });
        let predictions =
            predicted.get(task.id.as_str()).into_iter().flatten().map(
                |one| json!({ "source": one.source, "version": one.version, "label": one.label, "score": one.score }),
            );
        let line = json!({
            "key": task.key,
            "data": task.data,
            "label": agreed.get(&task.id).map(|one| &one.label),
            "annotations": said.collect::<Vec<_>>(),
            "predictions": predictions.collect::<Vec<_>>(),
        });
        serde_json::to_writer(&mut out, &line).map_err(Error::internal)?;
        out.push(b'\n');
    }
    Ok(out)
}

pub(super) fn read_parquet(settings: &Settings, bytes: &[u8]) -> Result<Vec<Item>> {
    let table = parquet::read(Bytes::copy_from_slice(bytes))?;
    let mut by_task: BTreeMap<String, usize> = BTreeMap::new();
    let mut items: Vec<Item> = Vec::new();
    for row in 0..table.rows() {
        let cells = table.columns().map(|(name, column)| (name.to_owned(), column.value(row).json()));
        let mut object: Map<String, Value> = cells.collect();
        object.retain(|_, value| !value.is_null());
        let item = flat(settings, format!("row {row}"), object)?;
        // Rows of one task stand together in one item.
        let same = (item.key.clone(), item.data.to_string());
        match by_task.get(&format!("{same:?}")) {
            Some(&at) => items[at].answers.extend(item.answers),
            None => {
                by_task.insert(format!("{same:?}"), items.len());
                items.push(item);
            }
        }
    }
    Ok(items)
}

pub(super) fn write_parquet(everything: &Everything) -> Result<Vec<u8>> {
    let answers = everything.answers();
    let settings = &everything.project.settings;
    let mut rows: Vec<(&crate::Task, Option<&crate::Annotation>)> = Vec::new();
    for task in &everything.tasks {
        match answers.get(task.id.as_str()) {
            Some(answers) => rows.extend(answers.iter().map(|answer| (task, Some(*answer)))),
            None => rows.push((task, None)),
        }
    }
    let mut names: Vec<&str> = Vec::new();
    for name in everything.tasks.iter().filter_map(|task| task.data.as_object()).flat_map(Map::keys) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let mut table = Table::default();
    let texts = |values: Vec<Option<String>>| {
        Column::Text(flyball_core::TextColumn::from_texts(values.iter().map(Option::as_deref)))
    };
    if settings.key.is_none() && !names.contains(&KEY) {
        table.push(KEY, texts(rows.iter().map(|(task, _)| Some(task.key.clone())).collect()))?;
    }
    for name in names {
        let values: Vec<Cell> = rows.iter().map(|(task, _)| crate::commit::value_of(&task.data[name])).collect();
        table.push(name, crate::commit::column_of(values)?)?;
    }
    let label = |(_, answer): &(&crate::Task, Option<&crate::Annotation>)| {
        let Some(label) = answer.and_then(|answer| answer.label.as_ref()) else { return Ok(Cell::Missing) };
        Ok(match value_of(label)? {
            Value::Number(number) => number.as_f64().map_or(Cell::Missing, Cell::Float),
            Value::String(text) => Cell::Text(text.into()),
            list => Cell::Text(list.to_string().into()),
        })
    };
    let labels: Vec<Cell> = rows.iter().map(label).collect::<Result<_>>()?;
    let kind = if settings.kind == Kind::Regression { ColumnKind::Float } else { ColumnKind::Text };
    table.push(settings.column.as_str(), Column::from_values(kind, &labels)?)?;
    let annotators = rows.iter().map(|(_, answer)| answer.map(|answer| answer.annotator.clone())).collect();
    table.push(ANNOTATOR, texts(annotators))?;
    parquet::write(&table)
}
