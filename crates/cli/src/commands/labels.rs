//! Labelling: projects, the queue, answers, what models and rules say, commits.

use std::fs::File;
use std::path::Path;

use flyball_client::{Client, segment};
use flyball_core::{Error, ErrorCode, Result};
use serde_json::{Map, Value, json};

use super::Context;
use super::connect::connect;
use super::list::print_list;
use crate::args::{AnnotateOptions, CreateLabelsOptions, FileOfLabels, LabelsVerb};
use crate::output::print_json;

const PROJECTS: &str = "/api/v1/labels/projects";
const TASKS: &str = "/api/v1/labels/tasks";

fn project(name: &str, rest: &str) -> String {
    format!("{PROJECTS}/{}{rest}", segment(name))
}

pub(crate) fn run(context: &Context, verb: &LabelsVerb) -> Result<()> {
    let connection = connect(&context.places)?;
    let client = &connection.client;
    match verb {
        LabelsVerb::List => list(context, client),
        LabelsVerb::Create(options) => create(context, client, options),
        LabelsVerb::Show { name } => show(context, client, name),
        LabelsVerb::Archive { name } => set_state(context, client, name, "archived"),
        LabelsVerb::Reopen { name } => set_state(context, client, name, "open"),
        LabelsVerb::Add { name, dataset, condition } => {
            let body = json!({ "dataset": dataset, "where": condition });
            let done: Value = client.post(&project(name, "/tasks"), &body)?;
            context.tell(&done, &format!("{} tasks are new, {} were there", done["added"], done["known"]))
        }
        LabelsVerb::Tasks { name, state, limit } => tasks(context, client, (name, state.as_deref(), *limit)),
        LabelsVerb::Task { name, id, annotator } => {
            let found: Value = match id {
                Some(id) => client.get(&format!("{TASKS}/{}", segment(id)))?,
                None => client.post(&project(name, "/next"), &json!({ "annotator": annotator }))?,
            };
            if found.is_null() {
                return context.tell(&found, "nothing is left to label");
            }
            print_json(&found)
        }
        LabelsVerb::Annotate(options) => annotate(context, client, options),
        LabelsVerb::Review { id, verdict, note } => {
            let path = format!("/api/v1/labels/annotations/{}/review", segment(id));
            let done: Value = client.post(&path, &json!({ "verdict": verdict, "note": note }))?;
            context.tell(&done, &format!("{id} is {}", text(&done["state"])))
        }
        LabelsVerb::Comment { id, text } => {
            let done: Value = client.post(&format!("{TASKS}/{}/comments", segment(id)), &json!({ "text": text }))?;
            context.tell(&done, "it is noted")
        }
        LabelsVerb::Import(file) => import(context, client, file),
        LabelsVerb::Export(file) => export(context, client, file),
        LabelsVerb::Predict { name, endpoint, version } => {
            let body = json!({ "endpoint": endpoint, "version": version });
            let done: Value = client.post(&project(name, "/prelabels"), &body)?;
            context.tell(&done, &format!("{endpoint} answered {} tasks", done["predictions"]))
        }
        LabelsVerb::Prioritize { name, source, by } => {
            let done: Value = client.post(&project(name, "/prioritize"), &json!({ "source": source, "by": by }))?;
            context.tell(&done, &format!("{} tasks are in the order of {source}'s doubts", done["tasks"]))
        }
        LabelsVerb::Agreement { name } => agreement(context, client, name),
        LabelsVerb::Consensus { name, method } => {
            let found = client.get(&project(name, &format!("/consensus?method={}", segment(method))))?;
            let columns = [
                ("task", "/task_id"),
                ("label", "/label"),
                ("confidence", "/confidence"),
                ("annotators", "/annotators"),
            ];
            print(context, &found, &columns)
        }
        LabelsVerb::Issues { name, source } => issues(context, client, name, source),
        LabelsVerb::Function { name, function, sql, class, remove } => {
            let path = project(name, &format!("/functions/{}", segment(function)));
            if *remove {
                return context.tell(&client.delete(&path)?, &format!("{function} is gone"));
            }
            let done: Value = client.put(&path, &json!({ "sql": sql, "class": class }))?;
            context
                .tell(&done, &format!("{function} is written; run all of them with `flyball labels functions {name}`"))
        }
        LabelsVerb::Functions { name } => functions(context, client, name),
        LabelsVerb::Commit { name, into, consensus } => {
            let body = json!({ "into": into, "consensus": consensus });
            let done: Value = client.post(&project(name, "/commits"), &body)?;
            let version = &done["version"];
            let line = format!("{}@{} holds {} labels", text(&version["dataset"]), version["version"], version["rows"]);
            context.tell(&done, &line)
        }
    }
}

/// Prints a list, for people with as many digits as they read.
fn print(context: &Context, items: &Value, columns: &[(&str, &str)]) -> Result<()> {
    if context.json {
        return print_json(items);
    }
    print_list(context, &rounded(items.clone()), columns)
}

fn rounded(value: Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => json!((number.as_f64().unwrap_or_default() * 1e4).round() / 1e4),
        Value::Array(items) => items.into_iter().map(rounded).collect(),
        Value::Object(members) => members.into_iter().map(|(key, member)| (key, rounded(member))).collect(),
        other => other,
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(context: &Context, client: &Client) -> Result<()> {
    let columns = [
        ("project", "/name"),
        ("kind", "/settings/kind"),
        ("state", "/state"),
        ("tasks", "/progress/tasks"),
        ("done", "/progress/done"),
        ("annotations", "/progress/annotations"),
        ("annotators", "/progress/annotators"),
    ];
    print(context, &client.get(PROJECTS)?, &columns)
}

fn create(context: &Context, client: &Client, options: &CreateLabelsOptions) -> Result<()> {
    let class = |text: &String| match text.rsplit_once('=') {
        Some((name, key)) if key.chars().count() == 1 => json!({ "name": name, "hot_key": key }),
        _ => json!({ "name": text }),
    };
    let mut settings = Map::new();
    let mut set = |key: &str, value: Value| drop(settings.insert(key.to_owned(), value));
    set("kind", json!(options.kind));
    set("classes", options.classes.iter().map(class).collect());
    set("instructions", json!(instructions(&options.instructions)?));
    set("overlap", json!(options.overlap));
    set("lease_seconds", json!(options.lease));
    set("review", json!(options.review));
    set("column", json!(options.column));
    set("show", json!(options.show));
    let columns = [
        ("dataset", &options.dataset),
        ("text", &options.text),
        ("image", &options.image),
        ("left", &options.left),
        ("right", &options.right),
        ("key", &options.key),
    ];
    columns.into_iter().filter(|(_, column)| column.is_some()).for_each(|(key, column)| set(key, json!(column)));
    if let Some(range) = &options.range {
        set("range", range_of(range)?);
    }
    let made: Value = client.post(PROJECTS, &json!({ "name": options.name, "settings": settings }))?;
    let name = &options.name;
    context.tell(
        &made,
        &format!("{name} is there; add tasks with `flyball labels add {name}` and label at /labels/{name}"),
    )
}

/// The text, or that of a file when it begins with @.
fn instructions(text: &str) -> Result<String> {
    let Some(path) = text.strip_prefix('@') else { return Ok(text.to_owned()) };
    std::fs::read_to_string(path)
        .map_err(|error| Error::new(ErrorCode::InvalidInput, format!("cannot read {path}")).cause(error))
}

fn range_of(text: &str) -> Result<Value> {
    let ends = text.split_once("..").and_then(|(min, max)| Some((min.parse::<f64>().ok()?, max.parse::<f64>().ok()?)));
    let (min, max) =
        ends.ok_or_else(|| Error::invalid(format!("'{text}' is no range")).hint("write MIN..MAX, such as 0..10"))?;
    Ok(json!({ "min": min, "max": max }))
}

fn show(context: &Context, client: &Client, name: &str) -> Result<()> {
    let found: Value = client.get(&project(name, ""))?;
    let agreed: Value = client.get(&project(name, "/agreement"))?;
    if context.json {
        return print_json(&json!({ "project": found, "agreement": agreed }));
    }
    let progress = &found["progress"];
    println!("{name}: {}, {}", text(&found["settings"]["kind"]), text(&found["state"]));
    println!("{} of {} tasks are done", progress["done"], progress["tasks"]);
    println!(
        "{} annotations by {} annotators; {} accepted, {} rejected, {} skipped",
        progress["annotations"],
        progress["annotators"],
        progress["accepted"],
        progress["rejected"],
        progress["skipped"]
    );
    tell_agreement(&agreed);
    Ok(())
}

fn tell_agreement(agreed: &Value) {
    let measures = [
        ("percent", "agreement"),
        ("krippendorff_alpha", "Krippendorff's alpha"),
        ("fleiss_kappa", "Fleiss' kappa"),
        ("f1", "F1"),
        ("iou", "intersection over union"),
    ];
    for (key, words) in measures {
        if let Some(value) = agreed[key].as_f64() {
            println!("{words}: {value:.3} over {} tasks", agreed["tasks"]);
        }
    }
}

fn set_state(context: &Context, client: &Client, name: &str, state: &str) -> Result<()> {
    let done: Value = client.patch(&project(name, ""), &json!({ "state": state }))?;
    context.tell(&done, &format!("{name} is {state}"))
}

fn tasks(context: &Context, client: &Client, (name, state, limit): (&str, Option<&str>, usize)) -> Result<()> {
    let state = state.map(|state| format!("&state={}", segment(state))).unwrap_or_default();
    let found = client.get(&project(name, &format!("/tasks?limit={limit}{state}")))?;
    let columns =
        [("task", "/id"), ("key", "/key"), ("state", "/state"), ("answers", "/answered"), ("priority", "/priority")];
    print(context, &found, &columns)
}

fn annotate(context: &Context, client: &Client, options: &AnnotateOptions) -> Result<()> {
    let path = format!("{TASKS}/{}", segment(&options.id));
    let label = match &options.answer {
        Some(answer) if !options.skip => {
            let task: Value = client.get(&path)?;
            let of: Value = client.get(&project(text(&task["project"]), ""))?;
            label_of(text(&of["settings"]["kind"]), answer)?
        }
        _ => Value::Null,
    };
    let body = json!({ "label": label, "annotator": options.annotator, "note": options.note });
    let done: Value = client.post(&format!("{path}/annotations"), &body)?;
    context.tell(&done, &format!("{} is {}", text(&done["id"]), text(&done["state"])))
}

/// The label that a word of the command line means.
fn label_of(kind: &str, answer: &str) -> Result<Value> {
    Ok(match kind {
        "classification" => json!({ "choice": answer }),
        "multi_label" => json!({ "choices": answer.split(',').filter(|class| !class.is_empty()).collect::<Vec<_>>() }),
        "pairwise" => json!({ "preferred": answer }),
        "regression" => {
            let number: f64 = answer.parse().map_err(|_| Error::invalid(format!("'{answer}' is no number")))?;
            json!({ "number": number })
        }
        _ => serde_json::from_str(answer).map_err(|_| {
            Error::invalid("the answer is not JSON")
                .hint("write {\"spans\": [{\"start\": 0, \"end\": 4, \"class\": \"CLASS\"}]}, or boxes")
        })?,
    })
}

/// The format that is named, or that the file's name ends with.
fn format_of(file: &FileOfLabels) -> Result<String> {
    if let Some(format) = &file.format {
        return Ok(format.clone());
    }
    let format = match file.file.extension().and_then(|extension| extension.to_str()) {
        Some("jsonl" | "ndjson") => "jsonl",
        Some("parquet") => "parquet",
        Some("conll") => "conll",
        _ => {
            return Err(Error::invalid("the file's name does not tell its format")
                .hint("name it with --format: label-studio, coco, conll, jsonl or parquet"));
        }
    };
    Ok(format.to_owned())
}

fn cannot(what: &str, path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorCode::InvalidInput, format!("cannot {what} {}", path.display())).cause(error)
}

fn import(context: &Context, client: &Client, file: &FileOfLabels) -> Result<()> {
    let path = project(&file.name, &format!("/files/{}", segment(&format_of(file)?)));
    let bytes = File::open(&file.file).map_err(|error| cannot("read", &file.file, error))?;
    let done: Value = client.upload(&path, bytes)?;
    let line = format!(
        "{} tasks, {} annotations and {} predictions are new",
        done["tasks"], done["annotations"], done["predictions"]
    );
    context.tell(&done, &line)
}

fn export(context: &Context, client: &Client, file: &FileOfLabels) -> Result<()> {
    let path = project(&file.name, &format!("/files/{}", segment(&format_of(file)?)));
    let mut bytes = Vec::new();
    let length = client.download(&path, &mut bytes)?;
    std::fs::write(&file.file, bytes).map_err(|error| cannot("write", &file.file, error))?;
    let shown = file.file.display().to_string();
    context.tell(&json!({ "file": shown, "bytes": length }), &format!("{shown} has {length} bytes"))
}

fn agreement(context: &Context, client: &Client, name: &str) -> Result<()> {
    let agreed: Value = client.get(&project(name, "/agreement"))?;
    if context.json {
        return print_json(&agreed);
    }
    tell_agreement(&agreed);
    let pairs = [
        ("one", "/one"),
        ("other", "/other"),
        ("tasks", "/tasks"),
        ("agreement", "/agreement"),
        ("kappa", "/cohen_kappa"),
    ];
    print(context, &agreed["pairs"], &pairs)
}

fn issues(context: &Context, client: &Client, name: &str, source: &str) -> Result<()> {
    let found: Value = client.get(&project(name, &format!("/issues?source={}", segment(source))))?;
    if context.json {
        return print_json(&found);
    }
    let issues = found["issues"].as_array().map_or(0, Vec::len);
    println!("{issues} of {} labels are probably wrong", found["labels"]);
    let columns = [
        ("task", "/task_id"),
        ("key", "/key"),
        ("given", "/given"),
        ("suggested", "/suggested"),
        ("quality", "/quality"),
    ];
    print(context, &found["issues"], &columns)
}

fn functions(context: &Context, client: &Client, name: &str) -> Result<()> {
    let found: Value = client.post(&project(name, "/functions"), &json!({}))?;
    if context.json {
        return print_json(&found);
    }
    println!("{} of {} tasks have a vote", found["covered"], found["tasks"]);
    let columns = [
        ("function", "/name"),
        ("coverage", "/coverage"),
        ("overlap", "/overlap"),
        ("conflict", "/conflict"),
        ("accuracy", "/accuracy"),
        ("with people", "/with_people"),
    ];
    print(context, &found["functions"], &columns)
}
