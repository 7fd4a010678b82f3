//! Alerts: what people do with them, and who is told.

use flyball_client::{Client, segment};
use flyball_core::{Error, ErrorCode, Result, Timestamp};
use flyball_monitoring::alert::AlertKind;
use flyball_monitoring::notify::Evidence;
use flyball_web::format;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Context;
use super::connect::connect;
use super::list::print_list;
use crate::args::{AlertsVerb, NoteOptions, SilenceOptions};
use crate::output::print_json;

const ALERTS: &str = "/api/v1/alerts";
const SILENCES: &str = "/api/v1/silences";
const ROUTES: &str = "/api/v1/notification-routes";
const NOTIFICATIONS: &str = "/api/v1/notifications";

pub(crate) fn run(context: &Context, verb: Option<&AlertsVerb>) -> Result<()> {
    let connection = connect(&context.places)?;
    let client = &connection.client;
    match verb {
        None => list(context, client, None, None),
        Some(AlertsVerb::List { loop_name, state }) => list(context, client, loop_name.as_deref(), state.as_deref()),
        Some(AlertsVerb::Show { id }) => {
            let found: Value = client.get(&format!("{ALERTS}/{}", segment(id)))?;
            if context.json {
                return print_json(&found);
            }
            print!("{}", told(&found));
            Ok(())
        }
        Some(AlertsVerb::Ack(said)) => say(context, client, said, "acknowledge"),
        Some(AlertsVerb::Resolve(said)) => say(context, client, said, "resolve"),
        Some(AlertsVerb::Silence(options)) => silence(context, client, options),
        Some(AlertsVerb::Silences) => silences(context, client),
        Some(AlertsVerb::Unsilence { id }) => {
            let ended: Value = client.delete(&format!("{SILENCES}/{}", segment(id)))?;
            context.tell(&ended, &format!("the silence {id} has ended"))
        }
        Some(AlertsVerb::Routes) => routes(context, client),
        Some(AlertsVerb::Test { route }) => test(context, client, route),
        Some(AlertsVerb::Deliveries { loop_name }) => deliveries(context, client, loop_name.as_deref()),
    }
}

/// One alert: how it stands, why, what was done, and what to do.
fn told(found: &Value) -> String {
    let alert = &found["alert"];
    let text = |key: &str| alert[key].as_str().unwrap_or_default();
    let moment = |value: &Value| value.as_i64().map(|at| format::minute(Timestamp(at)));
    let since = moment(&alert["fired_at"]).or_else(|| moment(&alert["opened_at"])).unwrap_or_default();
    let mut lines = vec![
        text("summary").to_owned(),
        format!("  state     {}, {}, since {since}", text("state"), text("severity")),
        format!("  of        {} of {}", text("kind"), text("loop_name")),
    ];
    let mut also = |title: &str, value: Option<String>| {
        lines.extend(value.filter(|value| !value.is_empty()).map(|value| format!("  {title:<9} {value}")));
    };
    also("taken by", alert["acknowledged_by"].as_str().map(str::to_owned));
    also("silent to", moment(&found["silenced_until"]));
    also("follows", alert["inhibited_by"].as_str().map(str::to_owned));
    also("resolved", moment(&alert["resolved_at"]));
    also("runbook", alert["runbook"].as_str().map(str::to_owned));
    // A kind that this program does not know is told as one that a person has to read.
    let kind = AlertKind::deserialize(&alert["kind"]).unwrap_or(AlertKind::Page);
    let evidence = Evidence::of(kind, &alert["details"]);
    for (name, value) in evidence.facts.iter().filter(|(name, _)| !matches!(name.as_str(), "from" | "to")) {
        also(name, Some(value.clone()));
    }
    for (title, said) in [("because", &evidence.diagnosis), ("done", &evidence.done), ("to do", &evidence.next)] {
        for (at, line) in said.iter().enumerate() {
            also(if at == 0 { title } else { "" }, Some(line.clone()));
        }
    }
    for told in found["notifications"].as_array().into_iter().flatten() {
        let part = |key: &str| told[key].as_str().unwrap_or_default();
        also("told", Some(format!("{} {}: {}", part("route"), part("event"), part("state"))));
    }
    if let Some(from) = moment(&alert["details"]["from"]) {
        let day = from.get(..10).unwrap_or_default();
        lines.push(format!("  next: flyball monitors show {} {day}", text("loop_name")));
    }
    if text("state") == "firing" {
        lines.push(format!("        flyball alerts ack {}", text("id")));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn list(context: &Context, client: &Client, loop_name: Option<&str>, state: Option<&str>) -> Result<()> {
    let of = |name: &str, value: Option<&str>| value.map(|value| format!("{name}={}", segment(value)));
    let query: Vec<String> = [of("loop", loop_name), of("state", state)].into_iter().flatten().collect();
    let columns = [
        ("alert", "/id"),
        ("state", "/state"),
        ("severity", "/severity"),
        ("loop", "/loop_name"),
        ("kind", "/kind"),
        ("since", "/opened_at"),
        ("windows", "/windows"),
        ("taken on by", "/acknowledged_by"),
        ("summary", "/summary"),
    ];
    print_list(context, &client.get(&format!("{ALERTS}?{}", query.join("&")))?, &columns)
}

fn say(context: &Context, client: &Client, said: &NoteOptions, what: &str) -> Result<()> {
    let path = format!("{ALERTS}/{}/{what}", segment(&said.id));
    let alert: Value = client.post(&path, &json!({ "note": said.note }))?;
    let line = format!("{} is {}", said.id, alert["state"].as_str().unwrap_or_default());
    context.tell(&alert, &line)
}

fn silence(context: &Context, client: &Client, options: &SilenceOptions) -> Result<()> {
    let mut body = json!({ "matchers": options.matchers, "lasts": options.lasts, "comment": options.comment });
    if let Some(from) = &options.from {
        body["starts_at"] = json!(from);
    }
    if let Some(every) = &options.every {
        body["every"] = json!(every);
    }
    let made: Value = client.post(SILENCES, &body)?;
    let line = format!("nobody is told for {}; end it with `flyball alerts unsilence {}`", options.lasts, name(&made));
    context.tell(&made, &line)
}

fn name(value: &Value) -> &str {
    value["id"].as_str().unwrap_or_default()
}

fn silences(context: &Context, client: &Client) -> Result<()> {
    let columns = [
        ("silence", "/id"),
        ("state", "/state"),
        ("of", "/matchers"),
        ("since", "/starts_at"),
        ("by", "/created_by"),
        ("why", "/comment"),
    ];
    print_list(context, &client.get(SILENCES)?, &columns)
}

fn routes(context: &Context, client: &Client) -> Result<()> {
    let columns = [
        ("loop", "/loop"),
        ("route", "/name"),
        ("dialect", "/destination/dialect"),
        ("to", "/destination/to"),
        ("least severity", "/severity"),
        ("after", "/after"),
    ];
    print_list(context, &client.get(ROUTES)?, &columns)
}

fn test(context: &Context, client: &Client, route: &str) -> Result<()> {
    let (of, name) = route.split_once('/').ok_or_else(|| {
        Error::invalid(format!("'{route}' is not a route")).hint("write LOOP/ROUTE; `flyball alerts routes` lists them")
    })?;
    let tried: Value = client.post(&format!("{ROUTES}/{}/{}/test", segment(of), segment(name)), &json!({}))?;
    if tried["success"] == true {
        return context.tell(&tried, &format!("{route} took it"));
    }
    let why = tried["error"].as_str().unwrap_or("it did not say why");
    Err(Error::new(ErrorCode::CommandFailed, format!("{route} did not take it: {why}")))
}

fn deliveries(context: &Context, client: &Client, loop_name: Option<&str>) -> Result<()> {
    let of = loop_name.map_or_else(String::new, |name| format!("?loop={}", segment(name)));
    let columns = [
        ("since", "/at"),
        ("loop", "/loop_name"),
        ("kind", "/kind"),
        ("route", "/route"),
        ("event", "/event"),
        ("state", "/state"),
        ("tries", "/attempts"),
        ("error", "/error"),
    ];
    print_list(context, &client.get(&format!("{NOTIFICATIONS}{of}"))?, &columns)
}
