//! Lists, and the nouns that can only be listed and shown: data.

use flyball_core::Result;
use serde_json::Value;

use super::Context;
use super::connect::connect;
use crate::args::ListOrShow;
use crate::output::{aligned, print_json};

/// A column of a list: its title and where its value stands in the JSON.
pub(crate) type Columns<'a> = [(&'a str, &'a str)];

/// Datasets and their versions.
pub(crate) fn data(context: &Context, verb: &ListOrShow) -> Result<()> {
    let columns = [
        ("dataset", "/dataset"),
        ("version", "/version"),
        ("rows", "/rows"),
        ("broken rows", "/broken_rows"),
        ("created", "/created_at"),
    ];
    versioned(context, verb, "/api/v1/datasets", &columns)
}

fn noun(context: &Context, verb: &ListOrShow, path: &str, columns: &Columns<'_>) -> Result<()> {
    let connection = connect(&context.places)?;
    match verb {
        ListOrShow::List => print_list(context, &connection.client.get(path)?, columns),
        ListOrShow::Show { id } => print_json(&connection.client.get::<Value>(&format!("{path}/{id}"))?),
    }
}

/// The same for things with versions, shown as NAME/NUMBER.
fn versioned(context: &Context, verb: &ListOrShow, path: &str, columns: &Columns<'_>) -> Result<()> {
    match verb {
        ListOrShow::Show { id } => {
            let whole = match id.rsplit_once('/') {
                Some((name, version)) => format!("{path}/{name}/versions/{version}"),
                None => format!("{path}/{id}/versions/latest"),
            };
            print_json(&connect(&context.places)?.client.get::<Value>(&whole)?)
        }
        ListOrShow::List => noun(context, verb, path, columns),
    }
}

/// Prints a list as a table; columns in which nobody has anything are left out.
pub(crate) fn print_list(context: &Context, items: &Value, columns: &Columns<'_>) -> Result<()> {
    if context.json {
        return print_json(items);
    }
    let items = items.as_array().map(Vec::as_slice).unwrap_or_default();
    if items.is_empty() {
        println!("nothing yet");
        return Ok(());
    }
    let value = |item: &'_ Value, place: &str| item.pointer(place).cloned().unwrap_or_default();
    let is_told = |(_, place): &&(&str, &str)| items.iter().any(|item| !is_empty(&value(item, place)));
    let columns: Vec<_> = columns.iter().filter(is_told).collect();
    let mut rows: Vec<Vec<String>> = vec![columns.iter().map(|(title, _)| (*title).to_owned()).collect()];
    for item in items {
        rows.push(columns.iter().map(|(title, place)| cell(title, &value(item, place))).collect());
    }
    print!("{}", aligned(&rows));
    Ok(())
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// A value as a cell of a table.
pub(crate) fn cell(title: &str, value: &Value) -> String {
    match (title, value) {
        ("started" | "created" | "since", Value::Number(at)) => {
            let at = flyball_core::Timestamp(at.as_i64().unwrap_or_default()).to_string();
            at.chars().take(16).collect()
        }
        (_, Value::String(text)) => text.clone(),
        (_, Value::Array(items)) => items
            .iter()
            .map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned))
            .collect::<Vec<_>>()
            .join(", "),
        (_, Value::Object(fields)) => fields.values().next().and_then(Value::as_str).unwrap_or_default().to_owned(),
        (_, Value::Null) => "–".to_owned(),
        (_, other) => other.to_string(),
    }
}
