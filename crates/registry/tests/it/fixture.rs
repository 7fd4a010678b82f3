//! What the tests share: permits, times, and short ways to make things.

use flyball_core::{Edit, Error, ErrorCode, Permit, Read, Result, Timestamp};
use flyball_governance::{audit, identity};
use flyball_registry::{ModelVersion, NewModel, NewModelVersion, models, versions};
use flyball_store::{Db, Tx, params};
use flyball_tracking::{NewExperiment, NewRun, Pair, experiments, runs};

pub(crate) const NOW: Timestamp = Timestamp(1_700_000_000_000);
pub(crate) const LATER: Timestamp = Timestamp(1_700_000_060_000);

pub(crate) fn editor() -> Permit<Edit> {
    identity::local_user().unwrap().edit()
}

pub(crate) fn reader() -> Permit<Read> {
    editor().read()
}

/// Runs a change with the local user's permit.
pub(crate) fn edit<T: Send + 'static>(
    db: &Db,
    work: impl FnOnce(&mut Tx<'_>, &Permit<Edit>) -> Result<T> + Send + 'static,
) -> Result<T> {
    let permit = editor();
    db.write(move |tx| work(tx, &permit))
}

/// Looks with the local user's permit.
pub(crate) fn look<T>(db: &Db, work: impl FnOnce(&mut Tx<'_>, &Permit<Read>) -> Result<T>) -> Result<T> {
    db.read(|tx| work(tx, &reader()))
}

pub(crate) fn code<T: std::fmt::Debug>(outcome: Result<T>) -> ErrorCode {
    outcome.as_ref().map_err(Error::code).unwrap_err()
}

pub(crate) fn pairs(pairs: &[(&str, &str)]) -> Vec<Pair> {
    pairs.iter().map(|(key, value)| Pair::new(*key, *value)).collect()
}

pub(crate) fn model(db: &Db, name: &str, tags: &[(&str, &str)]) {
    let new = NewModel { name: name.to_owned(), tags: pairs(tags), ..NewModel::default() };
    edit(db, move |tx, permit| models::create(tx, permit, &new, NOW)).unwrap();
}

/// A version of files elsewhere, which needs nothing else to be there.
pub(crate) fn version(db: &Db, name: &str, tags: &[(&str, &str)]) -> ModelVersion {
    let source = format!("s3://bucket/{name}");
    let new = NewModelVersion { model: name.to_owned(), source, tags: pairs(tags), ..NewModelVersion::default() };
    edit(db, move |tx, permit| versions::create(tx, permit, &new, NOW)).unwrap()
}

pub(crate) fn prompt(db: &Db, name: &str) -> ModelVersion {
    model(db, name, &[("mlflow.prompt.is_prompt", "true")]);
    let new = NewModelVersion {
        model: name.to_owned(),
        source: "dummy-source".into(),
        tags: pairs(&[("mlflow.prompt.is_prompt", "true"), ("mlflow.prompt.text", "Hi {{x}}")]),
        ..NewModelVersion::default()
    };
    edit(db, move |tx, permit| versions::create(tx, permit, &new, NOW)).unwrap()
}

/// A run in an experiment of its own; its files are at `mlflow-artifacts:/1/ID/artifacts` in the first one.
pub(crate) fn run(db: &Db, id: &str) {
    let experiment = NewExperiment { name: format!("of {id}"), ..NewExperiment::default() };
    let id = id.to_owned();
    edit(db, move |tx, permit| {
        let experiment_id = experiments::create(tx, permit, &experiment, NOW)?;
        runs::create(tx, permit, &NewRun { id, experiment_id, started_at: NOW, ..NewRun::default() }, NOW)
    })
    .unwrap();
}

/// A logged model that the run `r1` made.
pub(crate) fn logged_model(db: &Db, id: &str) {
    let id = id.to_owned();
    edit(db, move |tx, permit| {
        tx.execute(
            "INSERT INTO logged_models (id, workspace, experiment_id, name, model_type, source_run_id, status, lifecycle, \
             created_at, updated_at, artifact_uri) VALUES ($1, $2, 1, 'm', '', 'r1', 2, 'active', 0, 0, $3)",
            &params![&id, permit.workspace(), format!("mlflow-artifacts:/1/models/{id}/artifacts")],
        )
    })
    .unwrap();
}

/// What the audit log tells, oldest first: action and resource.
pub(crate) fn told(db: &Db) -> Vec<(String, String)> {
    let events = db.read(|tx| audit::since(tx, 0, 100)).unwrap();
    let of_registry = |action: &str| action.starts_with("model.") || action.starts_with("webhook.");
    events
        .into_iter()
        .filter(|recorded| of_registry(&recorded.event.action))
        .map(|recorded| (recorded.event.action, recorded.event.resource))
        .collect()
}
