//! Endpoints: listed, shown, configured, and given to versions.

use flyball_client::{Client, segment};
use flyball_core::{Error, Result};
use serde_json::{Map, Value, json};

use super::Context;
use super::connect::connect;
use super::list::print_list;
use super::models::numbered;
use crate::args::{EndpointsVerb, RolloutOptions};
use crate::output::print_json;

const ENDPOINTS: &str = "/api/v1/endpoints";

pub(crate) fn run(context: &Context, verb: &EndpointsVerb) -> Result<()> {
    let connection = connect(&context.places)?;
    let client = &connection.client;
    let of = |name: &str, rest: &str| format!("{ENDPOINTS}/{}{rest}", segment(name));
    match verb {
        EndpointsVerb::List => {
            let columns = [
                ("endpoint", "/name"),
                ("state", "/state"),
                ("environment", "/environment"),
                ("waiting records", "/waiting"),
                ("dropped", "/dropped"),
            ];
            print_list(context, &client.get(ENDPOINTS)?, &columns)
        }
        EndpointsVerb::Show { name } => print_json(&client.get::<Value>(&of(name, ""))?),
        EndpointsVerb::Deploy { name, versions, shadow, format } => {
            let served = versions.iter().map(|text| part(text, "per_mille", format.as_deref()));
            let dark = shadow.iter().map(|text| part(text, "mirror_per_mille", format.as_deref()));
            let parts = served.chain(dark).collect::<Result<Vec<_>>>()?;
            let endpoint: Value = client.put(&of(name, "/traffic"), &json!({ "parts": parts }))?;
            if context.json {
                return print_json(&endpoint);
            }
            println!("endpoint {name} is {}: {}", endpoint["state"].as_str().unwrap_or_default(), versions.join(", "));
            Ok(())
        }
        EndpointsVerb::Rollout { name, version, plan, format } => {
            let (model, number) = numbered(version)?;
            let mut body = planned(plan)?;
            body.insert("model".into(), json!(model));
            body.insert("version".into(), json!(number));
            if let Some(format) = format {
                body.insert("format".into(), json!(format));
            }
            told(context, &client.post(&of(name, "/rollouts"), &Value::Object(body))?)
        }
        EndpointsVerb::Pause(said) => say(context, client, &said.name, "pause", &said.reason),
        EndpointsVerb::Resume(said) => say(context, client, &said.name, "resume", &said.reason),
        EndpointsVerb::Promote(said) => say(context, client, &said.name, "promote", &said.reason),
        EndpointsVerb::Abort(said) => say(context, client, &said.name, "abort", &said.reason),
        EndpointsVerb::Compare { name, hours } => {
            let compared: Value = client.get(&of(name, &format!("/comparison?hours={hours}")))?;
            if context.json {
                return print_json(&compared);
            }
            comparison(&compared);
            Ok(())
        }
        EndpointsVerb::Slow { name } => {
            let columns = [
                ("at", "/at"),
                ("ms", "/duration_ms"),
                ("waited ms", "/waited_ms"),
                ("rows", "/rows"),
                ("model", "/model"),
                ("version", "/version"),
                ("outcome", "/outcome"),
                ("prediction", "/prediction_id"),
            ];
            print_list(context, &client.get(&of(name, "/slow"))?, &columns)
        }
        EndpointsVerb::Configure { name, changes } => {
            let mut settings: Value = client.get(&of(name, "/settings"))?;
            if !changes.is_empty() {
                changes.iter().try_for_each(|text| change(&mut settings, text))?;
                settings = client.put(&of(name, "/settings"), &settings)?;
            }
            print_json(&settings)
        }
        EndpointsVerb::PromoteVersion { from, to, environment, plan } => {
            let mut body = planned(plan)?;
            body.insert("from".into(), json!(from));
            if let Some(environment) = environment {
                body.insert("environment".into(), json!(environment));
            }
            told(context, &client.post(&of(to, "/promotions"), &Value::Object(body))?)
        }
    }
}

/// A version with its share, as MODEL/NUMBER or MODEL/NUMBER=PERCENT.
fn part(text: &str, what: &str, format: Option<&str>) -> Result<Value> {
    let (version, percent) = text.split_once('=').unwrap_or((text, "100"));
    let (model, number) = numbered(version)?;
    let mut part = json!({ "model": model, "version": number, "per_mille": 0 });
    part[what] = json!(per_mille(percent)?);
    if let Some(format) = format {
        part["format"] = json!(format);
    }
    Ok(part)
}

/// A percentage as a share from 0 to 1.
pub(crate) fn share(percent: &str) -> Result<f64> {
    let share = percent.trim().trim_end_matches('%').parse().ok().filter(|share| (0.0..=100.0).contains(share));
    let share: f64 = share.ok_or_else(|| {
        Error::invalid(format!("'{percent}' is no share")).hint("write a percentage, as in churn/3=90 or 2.5%")
    })?;
    Ok(share / 100.0)
}

fn per_mille(percent: &str) -> Result<u16> {
    Ok((share(percent)? * 1000.0).round() as u16)
}

/// How a rollout goes, as the server takes it.
fn planned(options: &RolloutOptions) -> Result<Map<String, Value>> {
    let mut steps: Vec<u16> = if options.blue_green {
        vec![0]
    } else {
        options.steps.iter().map(|step| per_mille(step)).collect::<Result<_>>()?
    };
    let mirror = options.shadow.as_deref().map(per_mille).transpose()?;
    if mirror.is_some() && steps.first() != Some(&0) {
        steps.insert(0, 0);
    }
    let plan = json!({
        "steps": steps,
        "bake_ms": options.bake.0,
        "every_ms": options.every.0,
        "mirror": mirror.unwrap_or(0),
        "abort_if": options.abort_if,
        "advance_if": options.advance_if,
        "failure_limit": options.failure_limit,
        "fewest_requests": options.fewest_requests,
        "approval": options.approval,
    });
    Ok(if let Value::Object(plan) = plan { plan } else { Map::new() })
}

fn say(context: &Context, client: &Client, name: &str, what: &str, reason: &str) -> Result<()> {
    let path = format!("{ENDPOINTS}/{}/rollouts/current", segment(name));
    told(context, &client.put(&path, &json!({ "say": what, "reason": reason }))?)
}

fn told(context: &Context, rollout: &Value) -> Result<()> {
    if context.json {
        return print_json(rollout);
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let last = rollout["decisions"].as_array().and_then(|decisions| decisions.last());
    let decision = last.map(|decision| text(&decision["text"])).unwrap_or_default();
    println!(
        "rollout {} at {} is {}: {decision}",
        text(&rollout["id"]),
        text(&rollout["endpoint"]),
        text(&rollout["state"])
    );
    Ok(())
}

/// Sets one setting: `capture.share=0.1`; what is no JSON is text, and nothing is the default.
fn change(settings: &mut Value, text: &str) -> Result<()> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| Error::invalid(format!("'{text}' is no KEY=VALUE")).hint("for example timeout_ms=500"))?;
    let mut at = settings;
    let mut names = key.split('.').peekable();
    while let Some(name) = names.next() {
        if !at.is_object() {
            *at = json!({});
        }
        let Value::Object(map) = at else { return Ok(()) };
        if names.peek().is_none() {
            if value.is_empty() {
                map.remove(name);
            } else {
                map.insert(name.to_owned(), serde_json::from_str(value).unwrap_or_else(|_| json!(value)));
            }
            return Ok(());
        }
        at = map.entry(name).or_insert(Value::Null);
    }
    Ok(())
}

fn comparison(compared: &Value) {
    let shown = |value: &Value| value.as_f64().map_or("–".to_owned(), |number| format!("{number:.4}"));
    for version in compared["versions"].as_array().into_iter().flatten() {
        println!(
            "{}/{}: {} predictions, {} errors, {} with known truth",
            version["model"].as_str().unwrap_or_default(),
            version["version"],
            version["predictions"],
            version["errors"],
            version["labelled"]
        );
        for metric in ["accuracy", "mean_absolute_error", "mean_score"] {
            if !version[metric].is_null() {
                println!("  {metric:<20} {}", shown(&version[metric]));
            }
        }
        for tested in version["differences"].as_array().into_iter().flatten() {
            let verdict = if tested["significant"] == json!(true) { "differs" } else { "no proof of a difference" };
            println!(
                "  {:<20} {} against the first, 95 % from {} to {}, p = {}: {verdict}",
                tested["metric"].as_str().unwrap_or_default(),
                shown(&tested["difference"]),
                shown(&tested["interval"][0]),
                shown(&tested["interval"][1]),
                shown(&tested["p_value"])
            );
        }
    }
}
