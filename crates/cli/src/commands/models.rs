//! Registered models and their versions: found, registered and changed.

use flyball_client::segment;
use flyball_core::{Error, Result, Timestamp};
use flyball_web::format;
use serde_json::{Value, json};

use super::Context;
use super::connect::connect;
use super::list::print_list;
use super::runs::{note_more, pairs, query};
use crate::args::ModelsVerb;
use crate::output::print_json;

const MODELS: &str = "/api/v1/models";
/// As much of a content address as tells it from others.
const DIGEST: usize = 20;

pub(crate) fn run(context: &Context, verb: &ModelsVerb) -> Result<()> {
    let connection = connect(&context.places)?;
    let client = &connection.client;
    let model_at = |model: &str| format!("{MODELS}/{}", segment(model));
    let (changed, what): (Value, String) = match verb {
        ModelsVerb::List(search) => {
            let columns = [
                ("model", "/model"),
                ("version", "/version"),
                ("aliases", "/aliases"),
                ("created", "/created_at"),
                ("run", "/run_id"),
                ("description", "/description"),
            ];
            let (found, next): (Value, _) = client.search(MODELS, &query(search))?;
            print_list(context, &found, &columns)?;
            note_more(context, next.is_some(), search.limit);
            return Ok(());
        }
        ModelsVerb::Show { version } => {
            let (model, number) = version.rsplit_once('/').unwrap_or((version, "latest"));
            let found: Value = client.get(&format!("{}/versions/{}", model_at(model), segment(number)))?;
            if context.json {
                return print_json(&found);
            }
            print!("{}", told(&found));
            return Ok(());
        }
        ModelsVerb::Card { version } => {
            let (model, number) = version.rsplit_once('/').unwrap_or((version, "latest"));
            let path = format!("{}/versions/{}/card", model_at(model), segment(number));
            if context.json {
                return print_json(&client.get::<Value>(&path)?);
            }
            return client.download(&format!("{path}?format=markdown"), &mut std::io::stdout()).map(drop);
        }
        ModelsVerb::Register { model, run, path, description, tags } => {
            let body = json!({
                "run_id": run, "source": path, "description": description, "tags": pairs(&tags.tags)?
            });
            let made: Value = client.post(&format!("{}/versions", model_at(model)), &body)?;
            let what = format!("{model}/{} is registered", made["version"]);
            (made, what)
        }
        ModelsVerb::Tag { version, description, tags } => {
            let (model, number) = numbered(version)?;
            let body = json!({ "description": description, "tags": pairs(&tags.tags)? });
            (client.patch(&format!("{}/versions/{number}", model_at(model)), &body)?, format!("{version} is changed"))
        }
        ModelsVerb::Alias { version, alias, reason } => {
            let (model, number) = numbered(version)?;
            let body = json!({ "version": number, "reason": reason });
            let path = format!("{}/aliases/{}", model_at(model), segment(alias));
            (client.put(&path, &body)?, format!("{version} is {alias} now"))
        }
        ModelsVerb::Unalias { model, alias } => {
            let path = format!("{}/aliases/{}", model_at(model), segment(alias));
            (client.delete(&path)?, format!("{model} has no {alias} any more"))
        }
        ModelsVerb::Delete { version } => {
            let path = match numbered(version) {
                Ok((model, number)) => format!("{}/versions/{number}", model_at(model)),
                Err(_) => model_at(version),
            };
            (client.delete(&path)?, format!("{version} is gone"))
        }
    };
    if context.json {
        return print_json(&changed);
    }
    println!("{what}");
    Ok(())
}

/// A version as MODEL/NUMBER.
pub(super) fn numbered(version: &str) -> Result<(&str, i64)> {
    let parts = version.rsplit_once('/').and_then(|(model, number)| Some((model, number.parse().ok()?)));
    parts.ok_or_else(|| {
        Error::invalid(format!("'{version}' names no version")).hint("write MODEL/NUMBER, as in churn/3")
    })
}

/// One version: what it is, where it comes from, and whether its gates hold.
fn told(found: &Value) -> String {
    let version = &found["version"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let label = format!("{}/{}", text(&version["model"]), version["version"]);
    let names = |value: &Value| -> Vec<String> { value.as_array().into_iter().flatten().map(text).collect() };
    let mut lines = vec![label.clone()];
    let mut also = |title: &str, value: String| {
        lines.extend((!value.is_empty()).then(|| format!("  {title:<11} {value}")));
    };
    also("aliases", names(&version["aliases"]).join(", "));
    also("registered", version["created_at"].as_i64().map(|at| format::minute(Timestamp(at))).unwrap_or_default());
    also("by", text(&version["user_id"]));
    also("run", text(&version["run_id"]));
    also("description", text(&version["description"]));
    for tag in version["tags"].as_array().into_iter().flatten() {
        also("tag", format!("{}: {}", text(&tag["key"]), text(&tag["value"])));
    }
    let package = &found["package"];
    also("artifact", format::clip(&text(&package["artifact"]), DIGEST));
    let signature = &package["signature"];
    let features = signature["features"].as_array().into_iter().flatten().map(|feature| text(&feature["name"]));
    also("takes", features.collect::<Vec<_>>().join(", "));
    also("gives", names(&signature["classes"]).join(", "));
    for gate in found["gates"]["gates"].as_array().into_iter().flatten() {
        let verdict = match gate["holds"].as_bool() {
            Some(true) => "holds",
            Some(false) => "does not hold",
            None => "undecided",
        };
        also("gate", format!("{}: {verdict}", text(&gate["text"])));
    }
    lines.push(format!("  next: flyball models card {label}\n"));
    lines.join("\n")
}
