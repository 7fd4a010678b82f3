//! The `flyball` binary: reads the command line, wires the product, and talks to people.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program talks on its standard streams")]

mod args;
mod commands;
mod comparison;
mod engines;
mod highlights;
mod output;
mod story;
mod tell;
mod wire;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Arguments, Command, LogFormat};

/// Gives memory back to the system soon: a year of flights is joined once, and then not needed for hours.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Exit codes: 0 done, 1 failed, 2 wrong use (clap's own).
fn main() -> ExitCode {
    end_with_the_reader();
    let arguments = Arguments::parse();
    start_log(&arguments);
    let json = arguments.json;
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::print_error(&error, json);
            ExitCode::from(1)
        }
    }
}

/// Ends quietly when whoever reads the output has read enough, as `head` has.
fn end_with_the_reader() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic
            .payload_as_str()
            .is_some_and(|said| said.starts_with("failed printing to") && said.contains("Broken pipe"))
        {
            std::process::exit(0);
        }
        usual(panic);
    }));
}

fn run(arguments: Arguments) -> flyball_core::Result<()> {
    let context = commands::Context { places: arguments.places(), json: arguments.json };
    match arguments.command {
        Command::Demo(options) => commands::demo::run(&context, &options),
        Command::Init(options) => commands::init::run(&context, &options),
        Command::Plan(options) => commands::apply::plan(&context, &options),
        Command::Apply(options) => commands::apply::apply(&context, &options),
        Command::Serve(options) => commands::serve::run(&context, &options),
        Command::Simulate(options) => commands::simulate::run(&context, &options),
        Command::Status => commands::status::run(&context),
        Command::Why(options) => commands::why::run(&context, &options),
        Command::Explain(options) => commands::explain::run(&context, &options),
        Command::Runs(verb) => commands::runs::run(&context, &verb),
        Command::Experiments(verb) => commands::experiments::run(&context, &verb),
        Command::Models(verb) => commands::models::run(&context, &verb),
        Command::Endpoints(verb) => commands::endpoints::run(&context, &verb),
        Command::Evaluate(options) => commands::evaluate::run(&context, &options),
        Command::Replay(options) => commands::replay::run(&context, &options),
        Command::SampleSize(options) => commands::sample_size::run(&context, &options),
        Command::Predict(options) => commands::predict::run(&context, &options),
        Command::Remedies(verb) => commands::remedies::run(&context, &verb),
        Command::Environments(verb) => commands::environments::run(&context, &verb),
        Command::Engines(verb) => commands::engines::run(&context, &verb),
        Command::Data(verb) => commands::data::run(&context, &verb),
        Command::Labels(verb) => commands::labels::run(&context, &verb),
        Command::Monitors(verb) => commands::monitors::run(&context, &verb),
        Command::Alerts { verb } => commands::alerts::run(&context, verb.as_ref()),
        Command::Secrets(verb) => commands::secrets::run(&context, &verb),
        Command::Audit(verb) => commands::audit::run(&context, &verb),
        Command::Import(verb) => commands::moving::import(&context, &verb),
        Command::Export(verb) => commands::moving::export(&context, &verb),
        Command::Schema => commands::schema::run(),
        Command::Completions(options) => commands::completions::run(&options),
    }
}

/// The log goes to standard error, for whoever asks for it; results alone go to standard output.
fn start_log(arguments: &Arguments) {
    let filter = tracing_subscriber::EnvFilter::try_new(&arguments.log)
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match arguments.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
}
