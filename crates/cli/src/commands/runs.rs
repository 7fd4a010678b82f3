//! Runs: found, compared, made and changed.

use std::collections::BTreeSet;

use flyball_client::{Client, segment};
use flyball_core::{Error, Result};
use serde_json::{Map, Value, json};

use super::connect::connect;
use super::list::{cell, print_list};
use super::{Context, files};
use crate::args::{RunsVerb, Search, Tags};
use crate::output::{aligned, print_json};

const RUNS: &str = "/api/v1/runs";

pub(crate) fn run(context: &Context, verb: &RunsVerb) -> Result<()> {
    let connection = connect(&context.places)?;
    let client = &connection.client;
    let at = |id: &str| format!("{RUNS}/{}", segment(id));
    match verb {
        RunsVerb::List { experiment, show, deleted, search } => {
            let mut query = query(search);
            query.extend(experiment.clone().map(|name| ("experiment", name)));
            query.extend(deleted.then(|| ("deleted", "true".to_owned())));
            list(context, client, &query, show, search.limit)
        }
        RunsVerb::Show { id } => print_json(&client.get::<Value>(&at(id))?),
        RunsVerb::Compare { ids } => compare(context, client, ids),
        RunsVerb::Lineage { id } => print_json(&client.get::<Value>(&format!("{}/lineage", at(id)))?),
        RunsVerb::Start { experiment, name, tags } => {
            let body = json!({ "experiment": experiment, "name": name, "tags": pairs(&tags.tags)? });
            let made: Value = client.post(RUNS, &body)?;
            if context.json {
                return print_json(&made);
            }
            println!("{}", made["id"].as_str().unwrap_or_default());
            Ok(())
        }
        RunsVerb::Log { id, metric, param, tags } => log(context, client, &at(id), metric, param, tags),
        RunsVerb::Finish { id, failed } => {
            let status = if *failed { "failed" } else { "finished" };
            told(context, &client.patch(&at(id), &json!({ "status": status }))?, status)
        }
        RunsVerb::Delete { id } => {
            told(context, &client.delete(&at(id))?, "deleted; `flyball runs restore` brings it back")
        }
        RunsVerb::Restore { id } => {
            told(context, &client.post(&format!("{}/restore", at(id)), &json!({}))?, "restored")
        }
        RunsVerb::Files(verb) => files::run(context, client, verb),
    }
}

/// Says what became of a run.
fn told(context: &Context, run: &Value, what: &str) -> Result<()> {
    if context.json {
        return print_json(run);
    }
    println!("run {} is {what}", run["id"].as_str().unwrap_or_default());
    Ok(())
}

fn list(context: &Context, client: &Client, query: &[(&str, String)], show: &[String], limit: usize) -> Result<()> {
    let (mut runs, next): (Value, _) = client.search(RUNS, query)?;
    let mut columns = vec![
        ("run", "/id"),
        ("name", "/name"),
        ("experiment", "/experiment"),
        ("status", "/status"),
        ("started", "/started_at"),
        ("rows", "/lineage/rows"),
        ("cause", "/lineage/cause"),
    ];
    let places: Vec<String> = (0..show.len()).map(|place| format!("/shown/{place}")).collect();
    if !context.json {
        for run in runs.as_array_mut().into_iter().flatten() {
            run["shown"] = show.iter().map(|key| shown(run, key)).collect::<Result<_>>()?;
        }
        columns.extend(show.iter().map(String::as_str).zip(places.iter().map(String::as_str)));
    }
    print_list(context, &runs, &columns)?;
    note_more(context, next.is_some(), limit);
    Ok(())
}

/// Says that there are more than were shown.
pub(super) fn note_more(context: &Context, more: bool, limit: usize) {
    const MOST: usize = 1_000;
    match limit {
        _ if !more || context.json => {}
        0..MOST => println!("… and more: --limit {} shows them", limit.saturating_mul(10).min(MOST)),
        _ => println!("… and more: narrow the --filter"),
    }
}

/// The query of a list.
pub(super) fn query(search: &Search) -> Vec<(&'static str, String)> {
    let mut query = vec![("limit", search.limit.to_string())];
    query.extend(search.filter.clone().map(|filter| ("filter", filter)));
    query.extend(search.order_by.clone().map(|order| ("order_by", order)));
    query
}

/// What a run has under a key such as `metrics.auc`.
fn shown(run: &Value, key: &str) -> Result<Value> {
    let (list, key) =
        key.split_once('.').filter(|(list, _)| matches!(*list, "metrics" | "params" | "tags")).ok_or_else(|| {
            Error::invalid(format!("'{key}' says nothing of where to look"))
                .hint("write metrics.KEY, params.KEY or tags.KEY")
        })?;
    Ok(value_of(run, list, key))
}

fn value_of(run: &Value, list: &str, key: &str) -> Value {
    let found = run[list].as_array().into_iter().flatten().find(|one| one["key"] == key);
    found.map(|one| one["value"].clone()).unwrap_or_default()
}

fn compare(context: &Context, client: &Client, ids: &[String]) -> Result<()> {
    let get = |id: &String| client.get::<Value>(&format!("{RUNS}/{}", segment(id)));
    let runs = ids.iter().map(get).collect::<Result<Vec<_>>>()?;
    if context.json {
        return print_json(&runs);
    }
    let row = |title: &str, values: Vec<Value>| {
        std::iter::once(title.to_owned()).chain(values.iter().map(|value| cell(title, value))).collect::<Vec<_>>()
    };
    let mut rows =
        vec![std::iter::once(String::new()).chain(runs.iter().map(|run| cell("name", &run["name"]))).collect()];
    for (title, place) in
        [("run", "/id"), ("experiment", "/experiment"), ("status", "/status"), ("started", "/started_at")]
    {
        rows.push(row(title, runs.iter().map(|run| run.pointer(place).cloned().unwrap_or_default()).collect()));
    }
    for list in ["params", "metrics"] {
        let listed = |run: &'_ Value| run[list].as_array().cloned().unwrap_or_default();
        let keys: BTreeSet<String> =
            runs.iter().flat_map(listed).filter_map(|one| one["key"].as_str().map(str::to_owned)).collect();
        for key in keys {
            let values: Vec<Value> = runs.iter().map(|run| value_of(run, list, &key)).collect();
            // A parameter that is the same everywhere tells nothing of the difference.
            if list == "metrics" || values.iter().any(|value| *value != values[0]) {
                rows.push(row(&format!("{list}.{key}"), values));
            }
        }
    }
    print!("{}", aligned(&rows));
    Ok(())
}

fn log(context: &Context, client: &Client, at: &str, metrics: &[String], params: &[String], tags: &Tags) -> Result<()> {
    let metrics = metrics.iter().map(|text| point(text)).collect::<Result<Vec<_>>>()?;
    let body = json!({ "metrics": metrics, "params": pairs(params)?, "tags": pairs(&tags.tags)? });
    let logged = metrics.len() + params.len() + tags.tags.len();
    if logged == 0 {
        return Err(Error::invalid("there is nothing to log").hint("give --metric, --param or --tag"));
    }
    let told: Value = client.post(&format!("{at}/log"), &body)?;
    if context.json {
        return print_json(&told);
    }
    println!("logged {logged} to run {}", told["run"].as_str().unwrap_or_default());
    Ok(())
}

/// A point of a metric, as KEY=VALUE or KEY=VALUE@STEP.
fn point(text: &str) -> Result<Value> {
    let bad = || Error::invalid(format!("'{text}' is no point of a metric")).hint("write KEY=VALUE or KEY=VALUE@STEP");
    let (key, rest) = text.split_once('=').ok_or_else(bad)?;
    let (value, step) = rest.split_once('@').unwrap_or((rest, "0"));
    let value: f64 = value.parse().map_err(|_| bad())?;
    let step: i64 = step.parse().map_err(|_| bad())?;
    // Infinities are kept as the greatest numbers, as clients have it; a NaN becomes null, which stands for it there.
    let value = if value.is_nan() { value } else { value.clamp(f64::MIN, f64::MAX) };
    Ok(json!({ "key": key, "value": value, "step": step }))
}

/// Keys with values, each given as KEY=VALUE.
pub(super) fn pairs(given: &[String]) -> Result<Map<String, Value>> {
    let pair = |text: &String| match text.split_once('=') {
        Some((key, value)) => Ok((key.to_owned(), value.into())),
        None => Err(Error::invalid(format!("'{text}' has no value")).hint("write KEY=VALUE")),
    };
    given.iter().map(pair).collect()
}
