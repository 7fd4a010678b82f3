//! Versions of any files. What is done here needs no server: the store is a folder.

mod tell;

use std::sync::Arc;

use flyball_core::{Error, ErrorCode, Name, Result, SystemClock};
use flyball_snapshots::{Checkout, Links, Message, Project, ReferenceKind, Selection};
use serde::Serialize;

use super::{Context, data_checks, list};
use crate::args::{
    AddOptions, CheckoutOptions, CommitOptions, DataVerb, DiffOptions, ExportDataOptions, GcOptions, ImportDvcOptions,
    ListOrShow, LogOptions, ReferenceOptions, RemoteOptions,
};
use crate::output::print_json;
use crate::wire::variables;

pub(crate) fn run(context: &Context, verb: &DataVerb) -> Result<()> {
    if let DataVerb::Rows(verb) = verb {
        return data_checks::run(context, verb);
    }
    let tables = match verb {
        DataVerb::List => Some(ListOrShow::List),
        DataVerb::Show { id } => Some(ListOrShow::Show { id: id.clone() }),
        _ => None,
    };
    if let Some(tables) = tables {
        return list::data(context, &tables);
    }
    let places = &context.places;
    let project = Project::open(&places.project, &places.data_dir, Arc::new(SystemClock::default()), variables())?;
    match verb {
        DataVerb::List | DataVerb::Show { .. } | DataVerb::Rows(_) => Ok(()),
        DataVerb::Add(options) => add(context, &project, options),
        DataVerb::Commit(options) => commit(context, &project, options),
        DataVerb::Log(options) => log(context, &project, options),
        DataVerb::Diff(options) => diff(context, &project, options),
        DataVerb::Checkout(options) => checkout(context, &project, options),
        DataVerb::Status { dataset } => status(context, &project, dataset.as_deref()),
        DataVerb::Push(options) => push(context, &project, options),
        DataVerb::Fetch(options) => fetch(context, &project, options),
        DataVerb::Pull(options) => pull(context, &project, options),
        DataVerb::Gc(options) => gc(context, &project, options),
        DataVerb::Verify { remote } => verify(context, &project, remote.as_deref()),
        DataVerb::Export(options) => export(context, &project, options),
        DataVerb::Branch(options) => references(context, &project, ReferenceKind::Branch, options),
        DataVerb::Tag(options) => references(context, &project, ReferenceKind::Tag, options),
        DataVerb::ImportDvc(options) => import_dvc(context, &project, options),
    }
}

/// Prints an answer for programs as it is, for people as they read it.
fn answer<T: Serialize>(context: &Context, answer: &T, told: impl FnOnce(&T) -> String) -> Result<()> {
    if context.json {
        return print_json(answer);
    }
    print!("{}", told(answer));
    Ok(())
}

/// A word that may be a dataset or, where there is only one, something of it; `rest` are the words behind it.
fn dataset_and(project: &Project, word: Option<&str>, rest: [Option<&str>; 2]) -> Result<(Name, [Option<String>; 2])> {
    let owned = |words: [Option<&str>; 2]| words.map(|word| word.map(str::to_owned));
    match project.find(word) {
        Ok(name) => Ok((name, owned(rest))),
        // The only dataset need not be named.
        Err(error) => match (project.find(None), rest) {
            (Ok(only), [first, None]) => Ok((only, owned([word, first]))),
            _ => Err(error),
        },
    }
}

fn add(context: &Context, project: &Project, options: &AddOptions) -> Result<()> {
    let name = options.name.as_deref().map(str::parse).transpose()?;
    answer(context, &project.add(options.path.as_deref(), name)?, tell::added)
}

fn commit(context: &Context, project: &Project, options: &CommitOptions) -> Result<()> {
    let name = project.find(options.dataset.as_deref())?;
    if options.all {
        project.add(Some(name.as_str()), None)?;
    }
    let message = Message { text: options.message.clone(), author: options.author.name() };
    answer(context, &project.commit(&name, &message)?, tell::committed)
}

fn log(context: &Context, project: &Project, options: &LogOptions) -> Result<()> {
    let (name, [version, _]) = dataset_and(project, options.dataset.as_deref(), [options.version.as_deref(), None])?;
    let log = project.log(&name, version.as_deref(), options.limit)?;
    answer(context, &log, |log| tell::log(&name, log))
}

fn diff(context: &Context, project: &Project, options: &DiffOptions) -> Result<()> {
    let rest = [options.before.as_deref(), options.after.as_deref()];
    let (name, [mut before, mut after]) = dataset_and(project, options.dataset.as_deref(), rest)?;
    if let Some((old, new)) = before.as_deref().and_then(|both| both.split_once("..")) {
        let word = |word: &str| if word.is_empty() { "HEAD".to_owned() } else { word.to_owned() };
        (before, after) = (Some(word(old)), Some(word(new)));
    }
    let diff = project.diff(&name, before.as_deref(), after.as_deref(), &Selection::new(&options.only)?)?;
    answer(context, &diff, |diff| tell::diff(diff, options.stat))
}

fn checkout(context: &Context, project: &Project, options: &CheckoutOptions) -> Result<()> {
    let (name, [version, _]) = dataset_and(project, options.dataset.as_deref(), [options.version.as_deref(), None])?;
    let wanted = Checkout {
        version,
        selection: Selection::new(&options.only)?,
        force: options.force,
        links: if options.link { Links::Link } else { Links::Copy },
    };
    answer(context, &project.checkout(&name, &wanted)?, tell::checked_out)
}

fn status(context: &Context, project: &Project, word: Option<&str>) -> Result<()> {
    let names = match word {
        Some(word) => vec![project.find(Some(word))?],
        None => project.names()?,
    };
    let statuses = names.iter().map(|name| project.status(name)).collect::<Result<Vec<_>>>()?;
    answer(context, &statuses, |statuses| tell::statuses(statuses))
}

fn push(context: &Context, project: &Project, options: &RemoteOptions) -> Result<()> {
    let name = project.find(options.dataset.as_deref())?;
    let done = project.push(&name, options.remote.as_deref(), options.branch.as_deref())?;
    answer(context, &done, |done| tell::transferred(done, "sent to"))
}

/// The dataset that is to come from a remote, which need not be known yet.
fn coming(project: &Project, options: &RemoteOptions) -> Result<Name> {
    project.find(options.dataset.as_deref()).or_else(|error| match options.dataset.as_deref() {
        Some(name) => name.parse(),
        None => Err(error),
    })
}

fn fetch(context: &Context, project: &Project, options: &RemoteOptions) -> Result<()> {
    let done = project.fetch(&coming(project, options)?, options.remote.as_deref(), options.branch.as_deref())?;
    answer(context, &done, |done| tell::transferred(done, "came from"))
}

fn pull(context: &Context, project: &Project, options: &RemoteOptions) -> Result<()> {
    let name = coming(project, options)?;
    let done = project.pull(&name, options.remote.as_deref(), options.branch.as_deref())?;
    let dataset = project.dataset(&name)?;
    // A branch that does not lie in the folder is brought here and no further.
    let is_current = dataset.branch.as_ref() == Some(&done.branch);
    let wanted = Checkout { version: Some(done.branch.clone()), ..Checkout::default() };
    let checked_out = is_current.then(|| project.checkout(&name, &wanted)).transpose()?;
    answer(context, &serde_json::json!({ "pulled": done, "checked_out": checked_out }), |_| {
        let files = checked_out.as_ref().map(tell::checked_out).unwrap_or_default();
        format!("{}{files}", tell::transferred(&done, "came from"))
    })
}

/// An address that was given; none for the one that is remembered.
fn address(remote: &str) -> Option<&str> {
    Some(remote).filter(|remote| !remote.is_empty())
}

fn gc(context: &Context, project: &Project, options: &GcOptions) -> Result<()> {
    let done = match &options.remote {
        Some(remote) => project.collect_remote(address(remote), options.grace, options.dry_run)?,
        None => project.collect(options.grace, options.dry_run)?,
    };
    answer(context, &done, tell::collected)
}

fn verify(context: &Context, project: &Project, remote: Option<&str>) -> Result<()> {
    let verified = match remote {
        Some(remote) => project.verify_remote(address(remote))?,
        None => project.verify()?,
    };
    answer(context, &verified, tell::verified)?;
    if verified.is_sound() {
        return Ok(());
    }
    let message = format!(
        "{} {} wrong in {}",
        verified.problems.len(),
        if verified.problems.len() == 1 { "thing is" } else { "things are" },
        verified.store
    );
    Err(Error::new(ErrorCode::InvalidData, message)
        .hint("restore the store from a backup or a remote, or add the files that are damaged again"))
}

fn export(context: &Context, project: &Project, options: &ExportDataOptions) -> Result<()> {
    let (name, [version, _]) = dataset_and(project, options.dataset.as_deref(), [options.version.as_deref(), None])?;
    let to = std::path::absolute(&options.to).map_err(Error::internal)?;
    let exported = project.export(&name, version.as_deref(), &Selection::new(&options.only)?, &to)?;
    answer(context, &exported, tell::exported)
}

fn references(context: &Context, project: &Project, kind: ReferenceKind, options: &ReferenceOptions) -> Result<()> {
    let rest = [options.name.as_deref(), options.version.as_deref()];
    let (dataset, [name, version]) = dataset_and(project, options.dataset.as_deref(), rest)?;
    let Some(name) = name else {
        let found = match kind {
            ReferenceKind::Branch => project.branches(&dataset)?,
            ReferenceKind::Tag => project.tags(&dataset)?,
        };
        return answer(context, &found, |found| tell::references(found));
    };
    if options.delete {
        project.delete(kind, &dataset, &name)?;
        return context.tell(&serde_json::json!({ "deleted": name }), &format!("{name} is deleted"));
    }
    let made = project.make(kind, &dataset, &name, version.as_deref())?;
    answer(context, &made, |made| format!("{} names {}\n", made.name, made.commit.short()))
}

fn import_dvc(context: &Context, project: &Project, options: &ImportDvcOptions) -> Result<()> {
    let only = options.dataset.iter().map(|name| name.parse()).collect::<Result<Vec<Name>>>()?;
    let repository = std::path::absolute(&options.repository).map_err(Error::internal)?;
    let imported = project.import_dvc(&repository, &only, &options.author.name())?;
    answer(context, &imported, |imported| tell::imported(imported))
}
