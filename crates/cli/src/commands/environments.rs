//! Environments and their rules.

use flyball_client::segment;
use flyball_core::Result;
use serde_json::{Value, json};

use super::Context;
use super::connect::connect;
use super::endpoints::share;
use super::list::print_list;
use crate::args::EnvironmentsVerb;
use crate::output::print_json;

const ENVIRONMENTS: &str = "/api/v1/environments";

pub(crate) fn run(context: &Context, verb: &EnvironmentsVerb) -> Result<()> {
    let connection = connect(&context.places)?;
    match verb {
        EnvironmentsVerb::List => {
            let columns = [
                ("environment", "/name"),
                ("after", "/rules/after"),
                ("needs approval", "/rules/approval"),
                ("refuses code", "/rules/refuse_code"),
                ("endpoints", "/endpoints"),
            ];
            print_list(context, &connection.client.get(ENVIRONMENTS)?, &columns)
        }
        EnvironmentsVerb::Rules { name, after, soak, fewest_requests, most_errors, approval, refuse_code } => {
            let most_errors = most_errors.as_deref().map(share).transpose()?;
            let mut rules = json!({
                "soak_ms": soak.map_or(0, |soak| soak.0),
                "fewest_requests": fewest_requests,
                "approval": approval,
                "refuse_code": refuse_code,
            });
            if let Some(after) = after {
                rules["after"] = json!(after);
            }
            if let Some(share) = most_errors {
                rules["most_errors"] = json!(share);
            }
            let kept: Value = connection.client.put(&format!("{ENVIRONMENTS}/{}", segment(name)), &rules)?;
            if context.json {
                return print_json(&kept);
            }
            println!("the rules of {name} are set");
            Ok(())
        }
    }
}
