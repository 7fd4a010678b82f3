//! Remedies: what they did, what they would do, and what a person says to that.

use flyball_client::{Client, segment};
use flyball_core::{Result, Timestamp};
use flyball_web::format;
use serde_json::{Value, json};

use super::Context;
use super::connect::connect;
use super::list::print_list;
use crate::args::{DecideOptions, RemediesVerb, SwitchOptions};
use crate::output::print_json;

const REMEDIES: &str = "/api/v1/remedies";
const LOOPS: &str = "/api/v1/loops";
/// How many causes of its trouble are told with an action.
const CAUSES: usize = 5;

pub(crate) fn run(context: &Context, verb: &RemediesVerb) -> Result<()> {
    let connection = connect(&context.places)?;
    let client = &connection.client;
    match verb {
        RemediesVerb::List { loop_name, waiting } => {
            let of = loop_name.as_ref().map_or_else(String::new, |name| format!("&loop={}", segment(name)));
            list(context, &client.get(&format!("{REMEDIES}?waiting={waiting}{of}"))?)
        }
        RemediesVerb::Show { id } => {
            let found: Value = client.get(&format!("{REMEDIES}/{}", segment(id)))?;
            if context.json {
                return print_json(&found);
            }
            print!("{}", told(&found));
            Ok(())
        }
        RemediesVerb::Plan { loop_name } => {
            plan(context, &client.get(&format!("{LOOPS}/{}/remedies", segment(loop_name)))?)
        }
        RemediesVerb::Approve(said) => decide(context, client, said, "approve"),
        RemediesVerb::Deny(said) => decide(context, client, said, "deny"),
        RemediesVerb::Pause(said) => switch(context, client, said, true),
        RemediesVerb::Resume(said) => switch(context, client, said, false),
        RemediesVerb::Release { loop_name, reason } => {
            let path = format!("{LOOPS}/{}/quarantine/release", segment(loop_name));
            plan(context, &client.post(&path, &json!({ "note": reason }))?)
        }
    }
}

/// One action: what it did or what held it back, why, and what to do.
fn told(action: &Value) -> String {
    let moment = |key: &str| action[key].as_i64().map(|at| format::minute(Timestamp(at)));
    let mut lines =
        vec![format!("{} of {}: {}", text(&action["action"]), text(&action["loop_name"]), text(&action["state"]))];
    let mut also = |title: &str, value: Option<String>| {
        lines.extend(value.filter(|value| !value.is_empty()).map(|value| format!("  {title:<11} {value}")));
    };
    also("at", moment("at"));
    also("because", action["reason"].as_str().map(str::to_owned));
    for (name, measured) in
        action["evidence"]["measured"].as_array().into_iter().flatten().map(|one| (&one[0], &one[1]))
    {
        let interval = match (measured["low"].as_f64(), measured["high"].as_f64()) {
            (Some(low), Some(high)) => format!(" [{low:.3}, {high:.3}]"),
            _ => String::new(),
        };
        let value = measured["value"].as_f64().map(|value| format!("{value:.3}{interval}"));
        also("measured", value.map(|value| format!("{} {value}", text(name))));
    }
    for line in crate::tell::causes(&json!({ "causes": action["diagnosis"] })).lines().take(CAUSES) {
        also("comes from", Some(line.trim().to_owned()));
    }
    also("decided by", action["decided_by"].as_str().map(str::to_owned));
    also("waits until", moment("expires_at").filter(|_| action["state"] == "waiting"));
    also("helped", action["help"].as_str().map(str::to_owned));
    let took = action["recovery_ms"].as_f64().map(format::duration_ms);
    also("recovered", took.map(|took| format!("after {took}")));
    let next = match text(&action["state"]) {
        "waiting" => format!("flyball remedies approve {0}  or  flyball remedies deny {0}", text(&action["id"])),
        _ => format!("flyball remedies plan {}", text(&action["loop_name"])),
    };
    lines.push(format!("  next: {next}\n"));
    lines.join("\n")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(context: &Context, listed: &Value) -> Result<()> {
    if context.json {
        return print_json(listed);
    }
    pauses(listed);
    let columns = [
        ("action", "/id"),
        ("since", "/at"),
        ("loop", "/loop_name"),
        ("does", "/action"),
        ("state", "/state"),
        ("helped", "/help"),
        ("recovery ms", "/recovery_ms"),
        ("why", "/reason"),
    ];
    print_list(context, &listed["actions"], &columns)
}

fn pauses(listed: &Value) {
    for pause in listed["pauses"].as_array().into_iter().flatten() {
        let of = pause["loop_name"].as_str().unwrap_or("every loop");
        println!("the remedies of {of} are paused by {}: {}", text(&pause["by"]), text(&pause["reason"]));
    }
}

fn plan(context: &Context, planned: &Value) -> Result<()> {
    if context.json {
        return print_json(planned);
    }
    if !planned["pause"].is_null() {
        println!("paused by {}: {}", text(&planned["pause"]["by"]), text(&planned["pause"]["reason"]));
    }
    for quarantine in planned["quarantines"].as_array().into_iter().flatten().filter(|one| one["to"].is_null()) {
        println!("data in quarantine: {}", text(&quarantine["reason"]));
    }
    for cause in planned["diagnosis"].as_array().into_iter().flatten() {
        println!(
            "{}: {} (usual remedy: {})",
            text(&cause["kind"]),
            text(&cause["evidence"]),
            text(&cause["suggestion"])
        );
    }
    let columns = [
        ("remedy", "/number"),
        ("when", "/when"),
        ("holds", "/holds"),
        ("would do", "/next"),
        ("held back by", "/held"),
        ("needs approval", "/approval"),
        ("dry run", "/dry_run"),
        ("measured", "/explained"),
    ];
    print_list(context, &planned["remedies"], &columns)
}

fn decide(context: &Context, client: &Client, said: &DecideOptions, decision: &str) -> Result<()> {
    let path = format!("{REMEDIES}/{}/decision", segment(&said.id));
    let action: Value = client.post(&path, &json!({ "decision": decision, "note": said.reason }))?;
    if context.json {
        return print_json(&action);
    }
    println!("{} of {} is {}", text(&action["action"]), text(&action["loop_name"]), text(&action["state"]));
    Ok(())
}

fn switch(context: &Context, client: &Client, said: &SwitchOptions, paused: bool) -> Result<()> {
    let body = json!({ "paused": paused, "loop": said.loop_name, "reason": said.reason });
    let now: Value = client.put(&format!("{REMEDIES}/pauses"), &body)?;
    if context.json {
        return print_json(&now);
    }
    let of = said.loop_name.as_deref().unwrap_or("all loops");
    println!("the remedies of {of} {}", if paused { "are paused" } else { "may act" });
    pauses(&now);
    Ok(())
}
