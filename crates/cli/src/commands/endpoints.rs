//! Endpoints: listed, shown, and given to versions.

use flyball_client::segment;
use flyball_core::{Error, Result};
use serde_json::{Value, json};

use super::Context;
use super::connect::connect;
use super::list::print_list;
use super::models::numbered;
use crate::args::EndpointsVerb;
use crate::output::print_json;

const ENDPOINTS: &str = "/api/v1/endpoints";

pub(crate) fn run(context: &Context, verb: &EndpointsVerb) -> Result<()> {
    let connection = connect(&context.places)?;
    let client = &connection.client;
    match verb {
        EndpointsVerb::List => {
            let columns =
                [("endpoint", "/name"), ("state", "/state"), ("waiting records", "/waiting"), ("dropped", "/dropped")];
            print_list(context, &client.get(ENDPOINTS)?, &columns)
        }
        EndpointsVerb::Show { name } => print_json(&client.get::<Value>(&format!("{ENDPOINTS}/{}", segment(name)))?),
        EndpointsVerb::Deploy { name, versions } => {
            let parts = versions.iter().map(|text| part(text)).collect::<Result<Vec<_>>>()?;
            let path = format!("{ENDPOINTS}/{}/traffic", segment(name));
            let endpoint: Value = client.put(&path, &json!({ "parts": parts }))?;
            if context.json {
                return print_json(&endpoint);
            }
            println!("endpoint {name} is {}: {}", endpoint["state"].as_str().unwrap_or_default(), versions.join(", "));
            Ok(())
        }
    }
}

/// A version with its share, as MODEL/NUMBER or MODEL/NUMBER=PERCENT.
fn part(text: &str) -> Result<Value> {
    let (version, percent) = text.split_once('=').unwrap_or((text, "100"));
    let (model, number) = numbered(version)?;
    let share: f64 =
        percent.trim_end_matches('%').parse().ok().filter(|share| (0.0..=100.0).contains(share)).ok_or_else(|| {
            Error::invalid(format!("'{percent}' is no share of the traffic"))
                .hint("write MODEL/NUMBER=PERCENT, as in churn/3=90")
        })?;
    Ok(json!({ "model": model, "version": number, "per_mille": (share * 10.0).round() as u16 }))
}
