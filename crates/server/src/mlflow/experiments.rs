//! Experiments.

use std::sync::Arc;

use axum::extract::State;
use flyball_core::{Error, ErrorCode, Result, limits};
use flyball_tracking::search::{self, ExperimentSearch};
use flyball_tracking::{DatasetSummary, NewExperiment, Pair, View, experiments};
use serde_json::json;

use super::call::{Answer, Call};
use super::fields::Fields;
use super::routes::{DialectRoute, get, post};
use super::shapes;
use crate::access::Policy::{Edit, Read};
use crate::app::App;

/// Most experiments whose datasets are asked for at once, and most datasets that are answered.
const SUMMARIES: (usize, i64) = (20, 1_000);

pub(super) fn routes() -> Vec<DialectRoute> {
    vec![
        post(Edit, "/api/2.0/mlflow/experiments/create", create),
        get(Read, "/api/2.0/mlflow/experiments/get", by_id),
        get(Read, "/api/2.0/mlflow/experiments/get-by-name", by_name),
        post(Edit, "/api/2.0/mlflow/experiments/delete", delete),
        post(Edit, "/api/2.0/mlflow/experiments/restore", restore),
        post(Edit, "/api/2.0/mlflow/experiments/update", update),
        post(Edit, "/api/2.0/mlflow/experiments/set-experiment-tag", set_tag),
        post(Edit, "/api/2.0/mlflow/experiments/delete-experiment-tag", delete_tag),
        post(Read, "/api/2.0/mlflow/experiments/search", search),
        get(Read, "/api/2.0/mlflow/experiments/search", search),
        post(Read, "/ajax-api/2.0/mlflow/experiments/search-datasets", search_datasets),
    ]
}

/// The number of an experiment, which clients write as a text.
pub(super) fn experiment_id(fields: &Fields, name: &str) -> Result<i64> {
    number_of(&fields.required_text(name)?)
}

/// An experiment's number from its text.
pub(super) fn number_of(text: &str) -> Result<i64> {
    text.parse().map_err(|_| {
        let shown: String = text.chars().take(40).collect();
        Error::invalid(format!("Invalid experiment ID '{}': it must be a valid integer", shown.escape_debug()))
    })
}

/// The pairs of a list of tags or parameters; a value may be left out and is empty then.
pub(super) fn pairs(fields: &Fields, name: &str) -> Result<Vec<Pair>> {
    let pair =
        |one: &Fields| Ok(Pair { key: one.required_text("key")?, value: one.text("value")?.unwrap_or_default() });
    fields.objects(name)?.iter().map(pair).collect()
}

async fn create(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.edit(app, |tx, permit, fields, now| {
        let new = NewExperiment {
            name: fields.required_text("name")?,
            artifact_location: fields.text("artifact_location")?.filter(|location| !location.is_empty()),
            tags: pairs(fields, "tags")?,
        };
        let id = experiments::create(tx, permit, &new, now)?;
        Ok(json!({ "experiment_id": id.to_string() }))
    })
    .await
}

async fn by_id(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.read(app, |tx, permit, fields| {
        let found = experiments::get(tx, permit, experiment_id(fields, "experiment_id")?)?;
        Ok(json!({ "experiment": shapes::experiment(&found) }))
    })
    .await
}

async fn by_name(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.read(app, |tx, permit, fields| {
        let name = fields.required_text("experiment_name")?;
        let found = experiments::find(tx, permit, &name)?;
        let shown: String = name.chars().take(60).collect();
        let missing = || {
            let message = format!("Could not find experiment with name '{}'", shown.escape_debug());
            Error::new(ErrorCode::NotFound, message)
        };
        Ok(json!({ "experiment": shapes::experiment(&found.ok_or_else(missing)?) }))
    })
    .await
}

async fn delete(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.edit(app, |tx, permit, fields, now| {
        experiments::delete(tx, permit, experiment_id(fields, "experiment_id")?, now)?;
        Ok(json!({}))
    })
    .await
}

async fn restore(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.edit(app, |tx, permit, fields, now| {
        experiments::restore(tx, permit, experiment_id(fields, "experiment_id")?, now)?;
        Ok(json!({}))
    })
    .await
}

async fn update(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.edit(app, |tx, permit, fields, now| {
        let (id, name) = (experiment_id(fields, "experiment_id")?, fields.required_text("new_name")?);
        experiments::rename(tx, permit, id, &name, now)?;
        Ok(json!({}))
    })
    .await
}

async fn set_tag(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.edit(app, |tx, permit, fields, _now| {
        let tag = Pair { key: fields.required_text("key")?, value: fields.text("value")?.unwrap_or_default() };
        experiments::set_tag(tx, permit, experiment_id(fields, "experiment_id")?, &tag)?;
        Ok(json!({}))
    })
    .await
}

async fn delete_tag(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.edit(app, |tx, permit, fields, _now| {
        let (id, key) = (experiment_id(fields, "experiment_id")?, fields.required_text("key")?);
        experiments::delete_tag(tx, permit, id, &key)?;
        Ok(json!({}))
    })
    .await
}

async fn search(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.read(app, |tx, permit, fields| {
        let search = ExperimentSearch {
            filter: fields.text("filter")?.unwrap_or_default(),
            view: view(fields, "view_type")?,
            max_results: max_results(fields.integer("max_results")?.unwrap_or(0))?,
            order_by: fields.texts("order_by")?,
            page_token: fields.text("page_token")?,
        };
        let (ids, token) = search::experiments(tx, permit, &search)?;
        let found = experiments::load(tx, permit, &ids)?;
        Ok(shapes::page("experiments", found.iter().map(shapes::experiment).collect(), token))
    })
    .await
}

/// Which lifecycles a search shows; those in use when nothing is said.
pub(super) fn view(fields: &Fields, name: &str) -> Result<View> {
    let words = [("ACTIVE_ONLY", 1), ("DELETED_ONLY", 2), ("ALL", 3)];
    Ok(match fields.choice(name, &words)? {
        Some(2) => View::Deleted,
        Some(3) => View::All,
        _ => View::Active,
    })
}

/// How many runs or experiments a page shall have at the most.
pub(super) fn max_results(given: i64) -> Result<usize> {
    if (1..=limits::SEARCH_ROWS).contains(&given) {
        return usize::try_from(given).map_err(Error::internal);
    }
    Err(Error::invalid(format!(
        "Invalid value {given} for parameter 'max_results' supplied: it must be at least 1 and at most {}",
        limits::SEARCH_ROWS
    )))
}

async fn search_datasets(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.read(app, |tx, permit, fields| {
        let ids = fields.texts("experiment_ids")?;
        if ids.is_empty() || ids.len() > SUMMARIES.0 {
            return Err(Error::invalid(format!(
                "SearchDatasets request must specify 1 to {} experiment_ids",
                SUMMARIES.0
            )));
        }
        let ids = ids.iter().map(|id| number_of(id)).collect::<Result<Vec<_>>>()?;
        let found = experiments::dataset_summaries(tx, permit, &ids, SUMMARIES.1)?;
        let summary = |one: DatasetSummary| {
            let mut shape =
                json!({ "experiment_id": one.experiment_id.to_string(), "name": one.name, "digest": one.digest });
            shapes::put(&mut shape, "context", one.context);
            shape
        };
        Ok(shapes::page("dataset_summaries", found.into_iter().map(summary).collect(), None))
    })
    .await
}
