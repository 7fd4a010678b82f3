//! Finds out what the source of a new version stands for. The order of the checks is that of the field's own registry,
//! because clients see which one fails first.

use flyball_core::{Edit, Error, Permit, Read, Result};
use flyball_store::Tx;

use crate::lineage::{self, LoggedModel};
use crate::model::{ModelVersion, NewModelVersion};
use crate::rules::{self, Source, Stage};
use crate::{aliases, models, versions};

/// What a version of a prompt has for a source: its text is a tag.
const PROMPT_SOURCES: [&str; 2] = ["dummy-source", "prompt-template"];

/// Where a new version comes from.
#[derive(Debug)]
pub(crate) struct Origin {
    /// What it says of itself.
    pub(crate) source: String,
    /// Where the files are.
    pub(crate) location: String,
    /// The run that made it; empty when it is not known.
    pub(crate) run_id: String,
    /// The logged model that it is.
    pub(crate) model_id: Option<String>,
}

/// The origin of a new version.
///
/// # Errors
/// `InvalidInput` when the source breaks a rule, `NotFound` when what it names is not there.
pub(crate) fn origin(tx: &mut Tx<'_>, permit: &Permit<Edit>, new: &NewModelVersion) -> Result<Origin> {
    let given = |id: &Option<String>| id.clone().filter(|id| !id.is_empty());
    let (run_id, model_id) = (given(&new.run_id), given(&new.model_id));
    if rules::is_prompt(&new.tags) {
        if !PROMPT_SOURCES.contains(&new.source.as_str()) {
            return Err(Error::invalid(format!(
                "Invalid prompt source: '{}'. Prompt sources must use an MLflow placeholder.",
                new.source
            ))
            .hint("send 'dummy-source'; the text of a prompt is a tag"));
        }
        let (source, location) = (new.source.clone(), new.source.clone());
        return Ok(Origin { source, location, run_id: run_id.unwrap_or_default(), model_id });
    }
    let meaning = Source::parse(&new.source)?;
    if let Source::Version(reference) = meaning {
        return copy(tx, permit, new, reference);
    }
    let logged = match &model_id {
        Some(id) => {
            let logged = lineage::logged_model(tx, permit, id)?;
            check_against_model(new, &meaning, id, logged.as_ref())?;
            Some(logged.ok_or_else(|| lineage::no_logged_model(id))?)
        }
        None => {
            check_against_run(tx, permit, new, &meaning, run_id.as_deref())?;
            None
        }
    };
    let location = match (&meaning, &logged) {
        (Source::LoggedModel(_), Some(logged)) => logged.root.clone(),
        _ => new.source.clone(),
    };
    let run_id = run_id.or_else(|| logged.map(|logged| logged.run_id)).unwrap_or_default();
    Ok(Origin { source: new.source.clone(), location, run_id, model_id })
}

/// A new version that is a copy of another one: it is the same files, and comes from the same run and model.
fn copy(tx: &mut Tx<'_>, permit: &Permit<Edit>, new: &NewModelVersion, reference: rules::Reference) -> Result<Origin> {
    let original = resolve(tx, &permit.read(), &new.source, reference)?;
    let differs = |given: &Option<String>, known: &str| given.as_ref().is_some_and(|given| given != known);
    if differs(&new.run_id, &original.run_id)
        || differs(&new.model_id, original.model_id.as_deref().unwrap_or_default())
    {
        return Err(rules::invalid(
            &new.source,
            "The run_id and model_id request parameters must match the referenced model version.",
        ));
    }
    let location = versions::download_uri(tx, &permit.read(), &original.model, original.version)?;
    let source = format!("models:/{}/{}", original.model, original.version);
    Ok(Origin { source, location, run_id: original.run_id, model_id: original.model_id })
}

fn resolve(tx: &mut Tx<'_>, permit: &Permit<Read>, source: &str, reference: rules::Reference) -> Result<ModelVersion> {
    use rules::Reference::{Alias, Newest, Number};
    let (Number(name, _) | Alias(name, _) | Newest(name, _)) = &reference;
    let model = models::get(tx, permit, name)?;
    if rules::is_prompt(&model.tags) {
        return Err(rules::invalid(source, "Prompt versions cannot be used as model version sources."));
    }
    match reference {
        Number(name, number) => versions::get(tx, permit, &name, number),
        Alias(name, alias) => aliases::get(tx, permit, &name, &alias),
        Newest(_, stage) => {
            let stage = stage.map(|stage| Stage::named(&stage)).transpose()?;
            let wanted = model.latest_versions.into_iter().filter(|version| stage.is_none_or(|s| version.stage == s));
            wanted
                .max_by_key(|version| version.version)
                .ok_or_else(|| rules::invalid(source, "No versions of it found."))
        }
    }
}

/// The rules when the request names a logged model.
fn check_against_model(new: &NewModelVersion, meaning: &Source, id: &str, logged: Option<&LoggedModel>) -> Result<()> {
    let source = new.source.as_str();
    let within = || logged.is_some_and(|logged| rules::inside(source, &logged.root));
    if *meaning == Source::Local {
        let inside = rules::unsafe_path(source).is_ok() && within();
        return if inside { Ok(()) } else { Err(rules::local(source, "model_id")) };
    }
    rules::unsafe_path(source)?;
    let belongs = match meaning {
        Source::LoggedModel(named) => named == id,
        Source::Artifacts => within(),
        Source::Run(_) => false,
        _ => true,
    };
    if belongs { Ok(()) } else { Err(rules::not_of(source, "model_id")) }
}

/// The rules when the request names a run or nothing.
fn check_against_run(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    new: &NewModelVersion,
    meaning: &Source,
    run_id: Option<&str>,
) -> Result<()> {
    let source = new.source.as_str();
    let mut inside = || -> Result<bool> {
        let Some(run_id) = run_id else { return Ok(false) };
        let root = lineage::run_root(tx, permit, run_id)?;
        Ok(root.is_some_and(|root| rules::inside(source, &root)))
    };
    if *meaning == Source::Local {
        return if rules::unsafe_path(source).is_ok() && inside()? {
            Ok(())
        } else {
            Err(rules::local(source, "run_id"))
        };
    }
    rules::unsafe_path(source)?;
    match meaning {
        Source::Run(named) if Some(named.as_str()) != run_id => Err(rules::not_of(source, "run_id")),
        Source::LoggedModel(_) => Err(rules::not_of(source, "model_id")),
        Source::Artifacts if !inside()? => Err(rules::not_of(source, "run_id")),
        _ => Ok(()),
    }
}
