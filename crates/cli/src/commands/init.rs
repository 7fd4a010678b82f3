//! `flyball init`: a commented loop file to begin with.

use flyball_core::{Error, ErrorCode, Result, Task};
use serde_json::json;

use super::Context;
use crate::args::{InitOptions, TaskArgument};
use crate::output::print_json;

/// Writes flyball.yaml; one that is there already is never overwritten.
pub(crate) fn run(context: &Context, options: &InitOptions) -> Result<()> {
    let task = match options.task {
        TaskArgument::Classification => Task::Classification,
        TaskArgument::Regression => Task::Regression,
    };
    let path = context.places.project.join("flyball.yaml");
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Error::new(ErrorCode::Conflict, format!("{} is there already", path.display()))
                .hint("edit it, then run `flyball plan`")
        }
        _ => Error::new(ErrorCode::Unavailable, format!("cannot write {}: {error}", path.display())),
    };
    let mut file = std::fs::File::create_new(&path).map_err(failed)?;
    std::io::Write::write_all(&mut file, flyball_loops::file::template(task).as_bytes()).map_err(failed)?;
    if context.json {
        return print_json(&json!({ "written": path }));
    }
    println!("wrote {}\nnext: put your data beside it, edit the file, then `flyball plan`", path.display());
    Ok(())
}
