//! `flyball predict`: a dataset into another one.

use flyball_client::segment;
use flyball_core::Result;
use serde_json::{Value, json};

use super::Context;
use super::connect::connect;
use crate::args::PredictOptions;
use crate::output::print_json;

pub(crate) fn run(context: &Context, options: &PredictOptions) -> Result<()> {
    let connection = connect(&context.places)?;
    let path = format!("/api/v1/endpoints/{}/batches", segment(&options.endpoint));
    let body = json!({
        "rows": options.rows, "into": options.into, "version": options.version, "explain": options.explain,
    });
    let made: Value = connection.client.post(&path, &body)?;
    if context.json {
        return print_json(&made);
    }
    println!("{} rows are predicted: dataset {}, version {}", made["rows"], options.into, made["version"]);
    Ok(())
}
