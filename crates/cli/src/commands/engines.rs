//! Engines: listed and installed.

use flyball_core::{Error, Result};
use flyball_engine_onnx::{Source, install};
use serde_json::{Value, json};

use super::Context;
use super::list::print_list;
use crate::args::EnginesVerb;
use crate::engines;
use crate::output::print_json;

pub(crate) fn run(context: &Context, verb: &EnginesVerb) -> Result<()> {
    let (options, data_dir) = (&context.places.models, &context.places.data_dir);
    match verb {
        EnginesVerb::List => {
            let all = engines::all(options, data_dir);
            let told = all.iter().map(|engine| {
                let (state, detail) = match engine.state() {
                    Ok(detail) => ("ready", detail),
                    Err(error) => ("missing", error.next_step().unwrap_or(error.message()).to_owned()),
                };
                json!({ "name": engine.name(), "state": state, "detail": detail })
            });
            let told: Vec<Value> = told.collect();
            print_list(context, &json!(told), &[("engine", "/name"), ("state", "/state"), ("", "/detail")])
        }
        EnginesVerb::Install { name, from } if name == "onnxruntime" => {
            let index = engines::index();
            let source = from.as_deref().map_or(Source::Index(&index), Source::Wheel);
            let installed = install(&engines::places(options, data_dir), source)?;
            if context.json {
                return print_json(&json!({ "library": installed.path, "fresh": installed.fresh }));
            }
            let word = if installed.fresh { "installed" } else { "there already" };
            println!("ONNX Runtime is {word}: {}", installed.path.display());
            Ok(())
        }
        EnginesVerb::Install { name, .. } => Err(Error::not_found("engine to install", name)
            .hint("it is: onnxruntime; the others are built in or need Python")),
    }
}
