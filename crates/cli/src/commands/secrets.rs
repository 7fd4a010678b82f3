//! Secrets by name: they go in, and never come out again.

use std::io::{IsTerminal, Read};

use flyball_client::segment;
use flyball_core::{Error, Result};
use serde_json::{Value, json};

use super::Context;
use super::connect::connect;
use super::list::print_list;
use crate::args::SecretsVerb;

const SECRETS: &str = "/api/v1/secrets";
/// How much is read at most: more than any secret may have, so that a longer one is refused and not cut.
const MOST_BYTES: u64 = 64 * 1024;

pub(crate) fn run(context: &Context, verb: &SecretsVerb) -> Result<()> {
    match verb {
        SecretsVerb::List => {
            let columns = [("secret", "/name"), ("since", "/changed_at"), ("by", "/changed_by")];
            print_list(context, &connect(&context.places)?.client.get(SECRETS)?, &columns)
        }
        SecretsVerb::Set { name } => {
            let body = json!({ "value": from_standard_input()? });
            let path = format!("{SECRETS}/{}", segment(name));
            let set: Value = connect(&context.places)?.client.put(&path, &body)?;
            context.tell(&set, &format!("the secret {name} is set; write ${{{{ secrets.{name} }}}} where it belongs"))
        }
        SecretsVerb::Delete { name } => {
            let gone: Value = connect(&context.places)?.client.delete(&format!("{SECRETS}/{}", segment(name)))?;
            context.tell(&gone, &format!("the secret {name} is gone"))
        }
    }
}

/// Arguments stand in the list of processes and in histories, so a secret is none.
fn from_standard_input() -> Result<String> {
    let input = std::io::stdin();
    if input.is_terminal() {
        eprintln!("type the secret, then Enter and Ctrl-D; it is shown while you type");
    }
    let mut secret = String::new();
    input
        .lock()
        .take(MOST_BYTES)
        .read_to_string(&mut secret)
        .map_err(|error| Error::invalid("the secret on standard input is not text").cause(error))?;
    Ok(secret.trim_end_matches(['\r', '\n']).to_owned())
}
