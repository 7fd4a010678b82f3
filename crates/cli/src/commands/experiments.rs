//! Experiments: found, made and changed.

use flyball_client::segment;
use flyball_core::Result;
use serde_json::{Value, json};

use super::Context;
use super::connect::connect;
use super::list::print_list;
use super::runs::{note_more, pairs, query};
use crate::args::ExperimentsVerb;
use crate::output::print_json;

const EXPERIMENTS: &str = "/api/v1/experiments";

pub(crate) fn run(context: &Context, verb: &ExperimentsVerb) -> Result<()> {
    let connection = connect(&context.places)?;
    let client = &connection.client;
    let at = |name: &str| format!("{EXPERIMENTS}/{}", segment(name));
    let (changed, what): (Value, String) = match verb {
        ExperimentsVerb::List { deleted, search } => {
            let mut query = query(search);
            query.extend(deleted.then(|| ("deleted", "true".to_owned())));
            let columns = [("experiment", "/name"), ("number", "/id"), ("created", "/created_at"), ("tags", "/tags")];
            let (found, next): (Value, _) = client.search(EXPERIMENTS, &query)?;
            print_list(context, &found, &columns)?;
            note_more(context, next.is_some(), search.limit);
            return Ok(());
        }
        ExperimentsVerb::Show { name } => return print_json(&client.get::<Value>(&at(name))?),
        ExperimentsVerb::Create { name, tags } => {
            let body = json!({ "name": name, "tags": pairs(&tags.tags)? });
            (client.post(EXPERIMENTS, &body)?, format!("{name} is there"))
        }
        ExperimentsVerb::Rename { name, to } => {
            (client.patch(&at(name), &json!({ "name": to }))?, format!("{name} is {to} now"))
        }
        ExperimentsVerb::Tag { name, tags } => {
            (client.patch(&at(name), &json!({ "tags": pairs(&tags.tags)? }))?, format!("{name} is tagged"))
        }
        ExperimentsVerb::Delete { name } => {
            let what = format!("{name} and its runs are deleted; `flyball experiments restore` brings them back");
            (client.delete(&at(name))?, what)
        }
        ExperimentsVerb::Restore { name } => {
            let what = format!("{name} and its runs are restored");
            (client.post(&format!("{}/restore", at(name)), &json!({}))?, what)
        }
    };
    if context.json {
        return print_json(&changed);
    }
    println!("experiment {what}");
    Ok(())
}
