//! What keeping data costs: the operations on versions of files as commands, so that each is measured as a whole process.
//! `cargo xtask bench data` measures the shipped binary beside the field's tools; this program has the operations alone.

#![expect(clippy::print_stdout, reason = "a command-line program talks on its standard streams")]

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail};
use flyball_core::{Duration, SystemClock};
use flyball_snapshots::{Checkout, Links, Message, Project};

/// The allocator of the shipped binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let folder = Path::new(".");
    let project = Project::open(folder, &folder.join(".flyball"), Arc::new(SystemClock::default()), [])?;
    let only = || project.find(None);
    let checkout = |links| Checkout { links, ..Checkout::default() };
    let remote =
        |rest: &[&str]| rest.iter().skip_while(|word| **word != "--remote").nth(1).map(|word| (*word).to_owned());
    let answer = match words.as_slice() {
        ["data", "add", path] => serde_json::to_value(project.add(Some(path), None)?)?,
        ["data", "commit", rest @ ..] => {
            if rest.contains(&"--all") {
                project.add(None, None)?;
            }
            let message = Message { text: "a version".to_owned(), author: "bench".to_owned() };
            serde_json::to_value(project.commit(&only()?, &message)?)?
        }
        ["data", "status"] => serde_json::to_value(project.status(&only()?)?)?,
        ["data", "diff"] => serde_json::to_value(project.diff(&only()?, None, None, &Default::default())?)?,
        ["data", "push", rest @ ..] => serde_json::to_value(project.push(&only()?, remote(rest).as_deref(), None)?)?,
        ["data", "fetch", name, rest @ ..] => {
            serde_json::to_value(project.fetch(&name.parse()?, remote(rest).as_deref(), None)?)?
        }
        ["data", "pull", name] => {
            project.pull(&name.parse()?, None, None)?;
            serde_json::to_value(project.checkout(&only()?, &checkout(Links::Copy))?)?
        }
        ["data", "checkout", _] => serde_json::to_value(project.checkout(&only()?, &checkout(Links::Copy))?)?,
        ["data", "checkout", _, "--link"] => serde_json::to_value(project.checkout(&only()?, &checkout(Links::Link))?)?,
        ["data", "checkout", _, version] => {
            let wanted = Checkout { version: Some((*version).to_owned()), ..Checkout::default() };
            serde_json::to_value(project.checkout(&only()?, &wanted)?)?
        }
        ["data", "gc"] => serde_json::to_value(project.collect(Duration::ZERO, false)?)?,
        ["data", "verify"] => serde_json::to_value(project.verify()?)?,
        other => bail!("there is no operation {other:?}"),
    };
    println!("{answer:#}");
    Ok(())
}
