//! What monitors saw: windows, and any stretch of time.

use flyball_client::segment;
use flyball_core::{Error, Result, Timestamp};
use serde_json::Value;

use super::Context;
use super::connect::connect;
use crate::args::MonitorsVerb;
use crate::output::{aligned, print_json};
use crate::tell;

pub(crate) fn run(context: &Context, verb: &MonitorsVerb) -> Result<()> {
    let connection = connect(&context.places)?;
    let client = &connection.client;
    let at = |name: &str, rest: &str| format!("/api/v1/loops/{}/{rest}", segment(name));
    match verb {
        MonitorsVerb::Windows { name, limit } => {
            let found: Value = client.get(&at(name, &format!("windows?limit={limit}")))?;
            if context.json {
                return print_json(&found);
            }
            match found.as_array() {
                Some(all) if all.is_empty() => println!("no window yet: each is judged when it ends"),
                _ => print!("{}", windows(&found)),
            }
        }
        MonitorsVerb::Show { name, at: moment } => {
            let until = moment.map(|moment| format!("&until={moment}")).unwrap_or_default();
            let found: Vec<Value> = client.get(&at(name, &format!("windows?limit=1{until}")))?;
            let Some(window) = found.first() else {
                return Err(Error::not_found("window of the loop", name).hint("windows are judged when they end"));
            };
            if context.json {
                return print_json(window);
            }
            print!("{}", tell::window(window));
        }
        MonitorsVerb::Drift { name, from, to, against_from } => {
            let against = against_from.map(|before| format!("&against_from={before}&against_to={from}"));
            let query = format!("drift?from={from}&to={to}{}", against.unwrap_or_default());
            let found: Value = client.get(&at(name, &query))?;
            if context.json {
                return print_json(&found);
            }
            println!("{} windows{}\n", found["windows"], left_out(&found));
            print!("{}", tell::columns(found["columns"].as_array().map_or(&[], Vec::as_slice)));
        }
        MonitorsVerb::Fairness { name, by, from, to } => {
            let columns: Vec<String> = by.iter().map(|column| segment(column)).collect();
            let query = format!("fairness?by={}&from={from}&to={to}", columns.join(","));
            let found: Value = client.get(&at(name, &query))?;
            if context.json {
                return print_json(&found);
            }
            print!("{}", tell::fairness(&found));
        }
    }
    Ok(())
}

fn left_out(found: &Value) -> String {
    match found["left_out"].as_u64() {
        None | Some(0) => String::new(),
        Some(left_out) => format!("; {left_out} that an earlier version answered are left out"),
    }
}

/// The windows as a table.
fn windows(found: &Value) -> String {
    let mut rows: Vec<Vec<String>> =
        vec![["from", "to", "rows", "labels", "drifted", "what it may come from"].map(str::to_owned).to_vec()];
    for window in found.as_array().into_iter().flatten() {
        let moment = |key: &str| -> String {
            let at = Timestamp(window[key].as_i64().unwrap_or_default()).to_string();
            at.chars().take(16).collect()
        };
        let asked = window["rows"].as_f64().unwrap_or_default();
        let labels = window["labelled"].as_f64().unwrap_or_default() / asked.max(1.0);
        let columns = window["columns"].as_array().into_iter().flatten();
        let drifted = columns.filter(|column| column["alarm"] == true).count();
        let cause = window["causes"][0]["kind"].as_str().map(|kind| kind.replace('_', " "));
        let note = window["note"].as_str().map(|note| format!("not judged: {note}"));
        rows.push(vec![
            moment("from"),
            moment("to"),
            format!("{asked}"),
            format!("{:.0} %", labels * 100.0),
            drifted.to_string(),
            note.or(cause).unwrap_or_default(),
        ]);
    }
    aligned(&rows)
}
