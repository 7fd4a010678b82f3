//! `flyball explain`: why an endpoint answers what it answers.

use std::io::Read;
use std::path::Path;

use flyball_client::segment;
use flyball_core::{Error, Result, limits};
use serde_json::{Value, json};

use super::Context;
use super::connect::connect;
use super::why::{bar, text, way_out};
use crate::args::ExplainOptions;
use crate::output::{aligned, print_json};

/// How many features are shown to people; `--json` has all of them.
const SHOWN: usize = 10;

pub(crate) fn run(context: &Context, options: &ExplainOptions) -> Result<()> {
    let connection = connect(&context.places)?;
    let place = format!("/api/v1/endpoints/{}", segment(&options.endpoint));
    let found: Value = match &options.rows {
        Some(file) => connection.client.post(&format!("{place}/explain"), &asked(&read(file)?, options))?,
        None => connection.client.get(&format!("{place}/importance?{}", query(options)))?,
    };
    if context.json {
        return print_json(&found);
    }
    print!("{}", if options.rows.is_some() { rows_told(&found) } else { model_told(&found) });
    Ok(())
}

fn read(file: &Path) -> Result<Value> {
    let mut content = String::new();
    let most = limits::BODY_BYTES as u64;
    let outcome = if file == Path::new("-") {
        std::io::stdin().take(most).read_to_string(&mut content)
    } else {
        std::fs::File::open(file).and_then(|opened| opened.take(most).read_to_string(&mut content))
    };
    outcome.map_err(|error| Error::invalid(format!("{} cannot be read", file.display())).cause(error))?;
    let rows: Value = serde_json::from_str(&content).map_err(|error| {
        Error::invalid(format!("{} is not JSON: {error}", file.display())).hint("write [{\"FEATURE\": VALUE, …}]")
    })?;
    Ok(if rows.is_array() { rows } else { json!([rows]) })
}

fn asked(rows: &Value, options: &ExplainOptions) -> Value {
    let mut how = json!({ "method": options.method, "interactions": options.interactions, "seed": options.seed });
    let given = [
        ("class", json!(options.class)),
        ("background", json!(options.background)),
        ("version", json!(options.version)),
    ];
    for (name, value) in given.into_iter().filter(|(_, value)| !value.is_null()) {
        how[name] = value;
    }
    if let Some(count) = options.counterfactuals {
        how["counterfactual"] = json!({ "count": count, "immutable": options.immutable });
    }
    json!({ "rows": rows, "options": how })
}

fn query(options: &ExplainOptions) -> String {
    let mut query = format!("seed={}", options.seed);
    let texts = [("class", &options.class), ("background", &options.background), ("feature", &options.feature)];
    for (name, value) in texts {
        if let Some(value) = value {
            query.push_str(&format!("&{name}={}", segment(value)));
        }
    }
    if let Some(version) = options.version {
        query.push_str(&format!("&version={version}"));
    }
    query
}

/// The explanations of rows as lines for a person.
fn rows_told(found: &Value) -> String {
    let mut lines = vec![format!(
        "{} version {}, by {}{}",
        text(&found["model"]),
        found["version"],
        text(&found["method"]),
        if found["exact"] == json!(true) { ", exact" } else { ", estimated" }
    )];
    for (number, row) in found["explanations"].as_array().into_iter().flatten().enumerate() {
        let base = row["base"].as_f64().unwrap_or_default();
        lines.push(format!("row {number}: {}, from {base:+.3} {}", text(&row["prediction"]), text(&found["unit"])));
        for value in row["values"].as_array().into_iter().flatten().take(SHOWN) {
            lines.push(bar(value, &value["standard_error"]));
        }
        for pair in row["interactions"].as_array().into_iter().flatten().take(3) {
            let amount = pair["amount"].as_f64().unwrap_or_default();
            lines.push(format!("    {amount:+.3}  {} with {}", text(&pair["features"][0]), text(&pair["features"][1])));
        }
        lines.extend(row["counterfactuals"].as_array().into_iter().flatten().map(way_out));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// What matters to a model as lines for a person.
fn model_told(found: &Value) -> String {
    let number = |value: &Value| value.as_f64().map_or("–".to_owned(), |number| format!("{number:.4}"));
    let mut told = format!(
        "{} version {}, over {} rows ({})\n\n",
        text(&found["model"]),
        found["version"],
        found["rows"][0],
        text(&found["rows"][1])
    );
    let worse = format!("{} when shuffled", text(&found["loss"]));
    let mut rows = vec![vec!["feature".to_owned(), "mean |part in the answer|".to_owned(), worse]];
    for feature in found["features"].as_array().into_iter().flatten() {
        let increase = feature["loss_increase"].as_f64().map_or("–".to_owned(), |more| format!("{more:+.4}"));
        rows.push(vec![text(&feature["feature"]), number(&feature["mean_absolute"]), increase]);
    }
    told.push_str(&aligned(&rows));
    let effect = &found["effect"];
    let mut rows = vec![vec![text(&effect["feature"]), "mean answer".to_owned()]];
    for (at, value) in effect["grid"].as_array().into_iter().flatten().enumerate() {
        rows.push(vec![text(value), number(&effect["partial_dependence"][at])]);
    }
    if rows.len() > 1 {
        told.push_str(&format!("\n{}", aligned(&rows)));
    }
    told
}
