//! Label Studio's JSON: a list of tasks with `data`, `annotations` and `predictions`; each of these has results, one per
//! choice, region or number.

use flyball_core::{Error, Result};
use serde_json::{Map, Value, json};

use super::{Everything, Item, json_of, shown, wrong};
use crate::label::{BoundingBox, Label, Side, Span};
use crate::model::{Kind, Settings};

pub(super) fn read(settings: &Settings, bytes: &[u8]) -> Result<Vec<Item>> {
    let whole = json_of(bytes)?;
    let Value::Array(tasks) = whole else {
        return Err(wrong("the file", "not a list of tasks").hint("export it from Label Studio as JSON"));
    };
    let one = |(place, task): (usize, &Value)| {
        let place = format!("task {}", place + 1);
        let data = task["data"].as_object().ok_or_else(|| wrong(&place, "it has no data"))?;
        let mut item = Item { data: Value::Object(data.clone()), place, ..Item::default() };
        // Our own key comes back from a file that we wrote.
        item.key = task["meta"]["flyball_key"].as_str().map(str::to_owned);
        let place = item.place.clone();
        for (at, annotation) in parts(task, "annotations").enumerate() {
            let place = format!("{place}, annotation {}", at + 1);
            let skipped = annotation["was_cancelled"] == true;
            let label =
                if skipped { None } else { Some(label_of(settings, &item.data, &annotation["result"], &place)?) };
            item.answers.push((annotator(&annotation["completed_by"]), label));
        }
        for (at, prediction) in parts(task, "predictions").enumerate() {
            let place = format!("{place}, prediction {}", at + 1);
            let label = label_of(settings, &item.data, &prediction["result"], &place)?;
            let version =
                prediction["model_version"].as_str().filter(|version| !version.is_empty()).unwrap_or("unknown");
            let (source, version) = version.split_once('/').unwrap_or((version, version));
            item.predictions.push((source.to_owned(), version.to_owned(), label, prediction["score"].as_f64()));
        }
        Ok(item)
    };
    tasks.iter().enumerate().map(one).collect()
}

fn parts<'a>(task: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    task[key].as_array().into_iter().flatten()
}

/// Who completed an annotation: an address, a name, or a number of theirs.
fn annotator(by: &Value) -> Option<String> {
    let text = |value: &Value| match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(format!("label-studio-{number}")),
        _ => None,
    };
    ["email", "username", "id"].iter().find_map(|key| text(&by[*key])).or_else(|| text(by))
}

/// The answer that results of one annotation make together.
fn label_of(settings: &Settings, data: &Value, results: &Value, place: &str) -> Result<Label> {
    let none = Vec::new();
    let results = match results {
        Value::Null => &none,
        Value::Array(results) => results,
        _ => return Err(wrong(place, "its result is not a list")),
    };
    let (mut spans, mut boxes, mut single) = (Vec::new(), Vec::new(), None);
    for (at, result) in results.iter().enumerate() {
        let place = format!("{place}, result {}", at + 1);
        let (value, kind) = (&result["value"], result["type"].as_str().unwrap_or_default());
        match (kind, settings.kind) {
            ("choices", Kind::Classification) => {
                let chosen = texts(&value["choices"], &place)?;
                let [class] = chosen.as_slice() else {
                    return Err(wrong(&place, format_args!("{} choices where one is asked for", chosen.len())));
                };
                single = Some(Label::Choice(class.clone()));
            }
            ("choices", Kind::MultiLabel) => single = Some(Label::Choices(texts(&value["choices"], &place)?)),
            ("rating" | "number", Kind::Regression) => {
                let number = value[kind].as_f64().ok_or_else(|| wrong(&place, format_args!("it has no {kind}")))?;
                single = Some(Label::Number(number));
            }
            ("pairwise", Kind::Pairwise) => single = Some(Label::Preferred(side(&value["selected"], &place)?)),
            ("labels", Kind::Spans) => spans.extend(read_spans(settings, data, value, &place)?),
            ("rectanglelabels", Kind::Boxes) => boxes.extend(read_boxes(result, &place)?),
            (kind, wanted) => {
                let message = format!("'{}' is no answer of {}", shown(kind), wanted.as_str());
                return Err(wrong(&place, message).hint("import it into a project of its kind"));
            }
        }
    }
    match (settings.kind, single) {
        (Kind::Spans, _) => Ok(Label::Spans(spans)),
        (Kind::Boxes, _) => Ok(Label::Boxes(boxes)),
        (Kind::MultiLabel, None) => Ok(Label::Choices(Vec::new())),
        (_, Some(label)) => Ok(label),
        (_, None) => Err(wrong(place, "it has no result")),
    }
}

fn texts(value: &Value, place: &str) -> Result<Vec<String>> {
    let texts: Option<Vec<String>> =
        value.as_array().and_then(|list| list.iter().map(|one| one.as_str().map(str::to_owned)).collect());
    texts.ok_or_else(|| wrong(place, "its labels are not a list of texts"))
}

fn side(value: &Value, place: &str) -> Result<Side> {
    let found = Side::ALL.into_iter().find(|side| value == side.as_str());
    found.ok_or_else(|| wrong(place, "it selects neither left nor right"))
}

fn read_spans(settings: &Settings, data: &Value, value: &Value, place: &str) -> Result<Vec<Span>> {
    let number = |key: &str| {
        let position = value[key].as_u64().and_then(|at| usize::try_from(at).ok());
        position.ok_or_else(|| wrong(place, format_args!("'{key}' is no position")))
    };
    let (start, end) = in_characters(settings, data, value, (number("start")?, number("end")?));
    Ok(texts(&value["labels"], place)?.into_iter().map(|class| Span { start, end, class }).collect())
}

/// Browsers count positions in units of UTF-16. Where the span's own text shows that this was done, they are turned into
/// characters.
fn in_characters(settings: &Settings, data: &Value, value: &Value, (start, end): (usize, usize)) -> (usize, usize) {
    let own = value["text"].as_str();
    let text = data[settings.text.as_deref().unwrap_or("text")].as_str();
    let (Some(own), Some(text)) = (own, text) else { return (start, end) };
    let is_it = |from: usize, to: usize| text.chars().skip(from).take(to.saturating_sub(from)).eq(own.chars());
    if is_it(start, end) {
        return (start, end);
    }
    let character_of = |units: usize| {
        let mut seen = 0;
        text.chars()
            .take_while(|c| {
                let before = seen;
                seen += c.len_utf16();
                before < units
            })
            .count()
    };
    let turned = (character_of(start), character_of(end));
    if is_it(turned.0, turned.1) { turned } else { (start, end) }
}

fn read_boxes(result: &Value, place: &str) -> Result<Vec<BoundingBox>> {
    let value = &result["value"];
    if value["rotation"].as_f64().is_some_and(|angle| angle != 0.0) {
        return Err(wrong(place, "the box is rotated").hint("draw it again along the edges of the image"));
    }
    let share = |key: &str| {
        let percent = value[key].as_f64().filter(|number| number.is_finite());
        percent.map(|percent| percent / 100.0).ok_or_else(|| wrong(place, format_args!("'{key}' is no number")))
    };
    let pixels = |key: &str| result[key].as_u64().and_then(|size| u32::try_from(size).ok()).filter(|size| *size > 0);
    let (x, y, width, height) = (share("x")?, share("y")?, share("width")?, share("height")?);
    let (image_width, image_height) = (pixels("original_width"), pixels("original_height"));
    let own = |class| BoundingBox { x, y, width, height, class, image_width, image_height };
    Ok(texts(&value["rectanglelabels"], place)?.into_iter().map(own).collect())
}

pub(super) fn write(everything: &Everything) -> Result<Vec<u8>> {
    let (answers, predicted) = (everything.answers(), everything.predicted());
    let settings = &everything.project.settings;
    let task = |(at, task): (usize, &crate::Task)| {
        let annotation = |one: &&crate::Annotation| {
            json!({
                "id": one.id,
                "completed_by": { "email": one.annotator },
                "was_cancelled": false,
                "created_at": one.created_at.to_string(),
                "lead_time": one.taken_ms.map(|taken| taken as f64 / 1000.0),
                "result": one.label.as_ref().map(|label| results(settings, &task.data, label)),
            })
        };
        let prediction = |one: &&crate::Prediction| {
            json!({
                "model_version": format!("{}/{}", one.source, one.version),
                "score": one.score,
                "result": results(settings, &task.data, &one.label),
            })
        };
        json!({
            "id": at + 1,
            "data": task.data,
            "meta": { "flyball_key": task.key },
            "annotations": answers.get(task.id.as_str()).into_iter().flatten().map(annotation).collect::<Vec<_>>(),
            "predictions": predicted.get(task.id.as_str()).into_iter().flatten().map(prediction).collect::<Vec<_>>(),
        })
    };
    let tasks: Vec<Value> = everything.tasks.iter().enumerate().map(task).collect();
    serde_json::to_vec_pretty(&tasks).map_err(Error::internal)
}

fn results(settings: &Settings, data: &Value, label: &Label) -> Vec<Value> {
    let to = match settings.kind {
        Kind::Boxes => settings.image.as_deref().unwrap_or("image"),
        Kind::Pairwise => "pair",
        _ => settings.text.as_deref().unwrap_or("text"),
    };
    let result = |at: usize, kind: &str, value: Value, more: Option<(u32, u32)>| {
        let mut result = Map::new();
        result.insert("id".to_owned(), json!(format!("r{}", at + 1)));
        result.insert("from_name".to_owned(), json!(settings.column));
        result.insert("to_name".to_owned(), json!(to));
        result.insert("type".to_owned(), json!(kind));
        result.insert("value".to_owned(), value);
        if let Some((width, height)) = more {
            result.insert("original_width".to_owned(), json!(width));
            result.insert("original_height".to_owned(), json!(height));
            result.insert("image_rotation".to_owned(), json!(0));
        }
        Value::Object(result)
    };
    match label {
        Label::Choice(class) => vec![result(0, "choices", json!({ "choices": [class] }), None)],
        Label::Choices(chosen) if chosen.is_empty() => Vec::new(),
        Label::Choices(chosen) => vec![result(0, "choices", json!({ "choices": chosen }), None)],
        Label::Number(number) => vec![result(0, "number", json!({ "number": number }), None)],
        Label::Preferred(side) => vec![result(0, "pairwise", json!({ "selected": side.as_str() }), None)],
        Label::Spans(spans) => {
            let text = data[to].as_str().unwrap_or_default();
            // Back to the units of browsers.
            let units = |characters: usize| text.chars().take(characters).map(char::len_utf16).sum::<usize>();
            let one = |(at, span): (usize, &Span)| {
                let own: String = text.chars().skip(span.start).take(span.end - span.start).collect();
                let value = json!({
                    "start": units(span.start), "end": units(span.end), "text": own, "labels": [span.class],
                });
                result(at, "labels", value, None)
            };
            spans.iter().enumerate().map(one).collect()
        }
        Label::Boxes(boxes) => {
            let one = |(at, own): (usize, &BoundingBox)| {
                let value = json!({
                    "x": own.x * 100.0, "y": own.y * 100.0, "width": own.width * 100.0, "height": own.height * 100.0,
                    "rotation": 0, "rectanglelabels": [own.class],
                });
                result(at, "rectanglelabels", value, own.image_width.zip(own.image_height))
            };
            boxes.iter().enumerate().map(one).collect()
        }
    }
}
