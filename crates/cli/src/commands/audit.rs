//! `flyball audit`: the record of who did what.

use flyball_core::{Result, Timestamp};
use serde_json::Value;

use super::Context;
use super::connect::connect;
use crate::args::AuditVerb;
use crate::output::print_json;

/// Lists the newest events, or verifies the whole chain.
pub(crate) fn run(context: &Context, verb: &AuditVerb) -> Result<()> {
    let connection = connect(&context.places)?;
    match verb {
        AuditVerb::List => {
            let events: Value = connection.client.get("/api/v1/audit")?;
            if context.json {
                return print_json(&events);
            }
            for event in events.as_array().into_iter().flatten() {
                let text = |key: &str| event[key].as_str().unwrap_or_default();
                let at = Timestamp(event["at"].as_i64().unwrap_or_default());
                println!(
                    "{at}  {:<16} {:<7} {:<20} {}",
                    text("action"),
                    text("outcome"),
                    text("actor"),
                    text("resource")
                );
            }
            Ok(())
        }
        AuditVerb::Verify => {
            let found: Value = connection.client.get("/api/v1/audit/verify")?;
            if context.json {
                return print_json(&found);
            }
            println!("{} events, the chain is whole", found["events"]);
            Ok(())
        }
    }
}
