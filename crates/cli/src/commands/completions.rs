//! `flyball completions`: completions for a shell.

use clap::CommandFactory;
use flyball_core::Result;

use crate::args::{Arguments, CompletionsOptions};

/// Prints the completions.
pub(crate) fn run(options: &CompletionsOptions) -> Result<()> {
    clap_complete::generate(options.shell, &mut Arguments::command(), "flyball", &mut std::io::stdout());
    Ok(())
}
