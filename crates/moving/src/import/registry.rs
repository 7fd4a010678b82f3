//! Registered models and versions that come in. Each is written at once, so one is either in or not.

use flyball_core::{Edit, Error, ErrorCode, Permit, Result, Timestamp};
use flyball_registry::import as registry;
use flyball_store::Tx;
use flyball_tracking::import as tracking;

use super::arrive::{Importer, add};
use super::journal::{self, Entry, Thing};
use super::names::FORMER_URI;
use super::{Options, own};
use crate::record::{ModelVersion, Ordered, Pair, RegisteredModel};
use crate::source::{LeftOut, Sink, Wish};
use crate::tally::{self, Kind, OWN_TAGS, Tally};

/// How sources begin that mean the same here as they did there.
const HERE: [&str; 3] = ["mlflow-artifacts:/", "runs:/", "models:/"];
/// What versions of prompts have for a source: their text is a tag.
const PROMPTS: [&str; 2] = ["dummy-source", "prompt-template"];

/// What became of a model or version.
enum Outcome {
    /// It came in, under this name.
    In(String, Tally),
    /// It was in.
    Known(String, Tally),
    /// Its name is taken.
    Taken(String),
}

impl Importer<'_> {
    pub(super) fn arrive_model(&mut self, model: RegisteredModel) -> Result<Wish> {
        self.model = None;
        // Versions follow where the files of runs went, so those must be in.
        self.write()?;
        let name = model.name.clone();
        let (origin, options) = (self.origin.clone(), self.options.clone());
        let (permit, now) = (self.home.permit.clone(), self.home.clock.now());
        let outcome = self.home.db.write(move |tx| place(tx, &permit, &origin, &options, model, now));
        self.model = self.settle(Kind::RegisteredModels, &name, outcome)?;
        Ok(if self.model.is_some() { Wish::Whole } else { Wish::Nothing })
    }

    pub(super) fn arrive_version(&mut self, version: ModelVersion) -> Result<()> {
        let Some(model) = self.model.clone() else { return Ok(()) };
        let id = format!("{}/{}", version.model, version.version);
        let (origin, permit, now) = (self.origin.clone(), self.home.permit.clone(), self.home.clock.now());
        let source = version.source.clone();
        let outcome = self.home.db.write(move |tx| put(tx, &permit, &origin, &model, version, now));
        let away = matches!(&outcome, Ok((_, true)));
        self.settle(Kind::ModelVersions, &id, outcome.map(|(outcome, _)| outcome))?;
        if away {
            let reason = format!("its files stay at {source}, where this server does not read");
            self.left_out(LeftOut { kind: Kind::Artifacts, id, reason });
        }
        Ok(())
    }

    fn settle(&mut self, kind: Kind, id: &str, outcome: Result<Outcome>) -> Result<Option<String>> {
        match outcome {
            Ok(Outcome::In(name, tally)) => {
                add(&mut self.moved, &tally);
                add(&mut self.seen, &tally);
                Ok(Some(name))
            }
            Ok(Outcome::Known(name, tally)) => {
                add(&mut self.seen, &tally);
                Ok(Some(name))
            }
            Ok(Outcome::Taken(name)) => {
                self.leave_out(
                    kind,
                    id,
                    format!("the name '{name}' is taken here; call again with another --rename-suffix"),
                );
                Ok(None)
            }
            Err(error) if is_fault_of_thing(&error) => {
                self.leave_out(kind, id, error.message());
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

fn is_fault_of_thing(error: &Error) -> bool {
    use ErrorCode::{AlreadyExists, Conflict, InvalidInput, InvalidName, LimitExceeded, NotFound};
    matches!(error.code(), AlreadyExists | Conflict | InvalidInput | InvalidName | LimitExceeded | NotFound)
}

fn place(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    origin: &str,
    options: &Options,
    model: RegisteredModel,
    now: Timestamp,
) -> Result<Outcome> {
    if let Some(entry) = journal::find(tx, permit, origin, Thing::RegisteredModel, &model.name)? {
        return Ok(Outcome::Known(entry.target_id, entry.tally.unwrap_or_default()));
    }
    let former = model.name.clone();
    let mut model = model;
    if registry::is_taken(tx, permit, &model.name)? {
        match &options.rename_suffix {
            Some(suffix) => model.name.push_str(suffix),
            None => return Ok(Outcome::Taken(former)),
        }
        if registry::is_taken(tx, permit, &model.name)? {
            return Ok(Outcome::Taken(model.name));
        }
    }
    let model = model.ordered();
    registry::put_model(tx, permit, &own::stored_registered(&model), model.last_version, now)?;
    let tally = tally::of_registered_model(&model)?;
    let entry = Entry { source_id: former, target_id: model.name.clone(), tally: Some(tally.clone()), whole: true };
    journal::note(tx, permit, origin, Thing::RegisteredModel, &entry)?;
    Ok(Outcome::In(model.name, tally))
}

/// Puts a version; also answers whether its files are somewhere else.
fn put(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    origin: &str,
    model: &str,
    version: ModelVersion,
    now: Timestamp,
) -> Result<(Outcome, bool)> {
    let id = format!("{}/{}", version.model, version.version);
    let known = journal::find(tx, permit, origin, Thing::ModelVersion, &id)?;
    let mut version = version;
    model.clone_into(&mut version.model);
    let former = version.source.clone();
    version.source = here(tx, permit, &version, &former)?;
    version.location = here(tx, permit, &version, &version.location.clone())?;
    let away =
        !HERE.iter().any(|scheme| version.source.starts_with(scheme)) && !PROMPTS.contains(&version.source.as_str());
    if let Some(entry) = known {
        return Ok((Outcome::Known(entry.target_id, entry.tally.unwrap_or_default()), away));
    }
    if version.source != former {
        version.tags.push(Pair::new(format!("{OWN_TAGS}source"), former));
    }
    let version = version.ordered();
    registry::put_version(tx, permit, &own::stored_version(&version)?, &version.location, now)?;
    let tally = tally::of_version(&version)?;
    let target = format!("{model}/{}", version.version);
    let entry = Entry { source_id: id, target_id: target.clone(), tally: Some(tally.clone()), whole: true };
    journal::note(tx, permit, origin, Thing::ModelVersion, &entry)?;
    Ok((Outcome::In(target, tally), away))
}

/// A place of files as it is here: below the run or logged model that came along, if it was there.
fn here(tx: &mut Tx<'_>, permit: &Permit<Edit>, version: &ModelVersion, place: &str) -> Result<String> {
    for owner in [Some(version.run_id.as_str()), version.model_id.as_deref()].into_iter().flatten() {
        let Some((former, here)) = tracking::moved_artifacts(tx, permit, owner, FORMER_URI)? else { continue };
        let below = place.strip_prefix(former.trim_end_matches('/'));
        if let Some(below) = below.filter(|below| below.is_empty() || below.starts_with('/')) {
            return Ok(format!("{here}{below}"));
        }
    }
    Ok(place.to_owned())
}
