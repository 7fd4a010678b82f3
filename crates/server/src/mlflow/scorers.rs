//! Scorers.

use std::sync::Arc;

use axum::extract::State;
use flyball_core::{Error, ErrorCode, Result};
use flyball_traces::scorers::{self, Scorer};
use serde_json::{Value, json};

use super::call::{Answer, Call};
use super::fields::Fields;
use super::routes::{DialectRoute, delete, get, post, put};
use super::shapes::page;
use crate::access::Policy::{Edit, Read};
use crate::app::App;

pub(super) fn routes() -> Vec<DialectRoute> {
    vec![
        post(Edit, "/api/3.0/mlflow/scorers/register", register),
        get(Read, "/api/3.0/mlflow/scorers/list", list),
        get(Read, "/api/3.0/mlflow/scorers/versions", versions),
        get(Read, "/api/3.0/mlflow/scorers/get", read),
        delete(Edit, "/api/3.0/mlflow/scorers/delete", remove),
        get(Read, "/api/3.0/mlflow/scorers/online-configs", online),
        put(Edit, "/api/3.0/mlflow/scorers/online-config", set_online),
    ]
}

async fn register(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.edit(app, |tx, permit, fields, now| {
        let (experiment, name) = named(fields)?;
        let content = fields.required_text("serialized_scorer")?;
        let scorer = scorers::register(tx, permit, &experiment, &name, &content, now)?;
        Ok(json!({
            "version": scorer.version,
            "scorer_id": scorer.id,
            "experiment_id": scorer.experiment_id.to_string(),
            "name": scorer.name,
            "serialized_scorer": scorer.content,
            "creation_time": scorer.created_at.0,
        }))
    })
    .await
}

async fn list(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.read(app, |tx, permit, fields| {
        let one = fields.text("experiment_id")?.filter(|id| !id.is_empty());
        let several = fields.value("experiment_ids")?.is_some().then(|| fields.texts("experiment_ids")).transpose()?;
        let experiments = match (one, several) {
            (Some(_), Some(_)) => {
                return Err(Error::invalid("Cannot specify both 'experiment_id' and 'experiment_ids'"));
            }
            (Some(one), None) => {
                // A single experiment must be there.
                scorers::check_experiment(tx, permit, &one)?;
                Some(vec![one])
            }
            (None, several) => several,
        };
        let found = scorers::list(tx, permit, experiments.as_deref())?;
        Ok(page("scorers", found.iter().map(shape).collect(), None))
    })
    .await
}

async fn versions(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.read(app, |tx, permit, fields| {
        let (experiment, name) = named(fields)?;
        let found = scorers::versions(tx, permit, &experiment, &name)?;
        Ok(page("scorers", found.iter().map(shape).collect(), None))
    })
    .await
}

async fn read(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.read(app, |tx, permit, fields| {
        let (experiment, name) = named(fields)?;
        let scorer = scorers::get(tx, permit, &experiment, &name, fields.integer("version")?)?;
        Ok(json!({ "scorer": shape(&scorer) }))
    })
    .await
}

async fn remove(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.edit(app, |tx, permit, fields, now| {
        let (experiment, name) = named(fields)?;
        scorers::delete(tx, permit, &experiment, &name, fields.integer("version")?, now).map(|()| json!({}))
    })
    .await
}

/// What judges new traces by itself: nothing, because scorers are kept and never run here. Clients ask when they list.
async fn online(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.read(app, |_tx, _permit, fields| {
        if fields.texts("scorer_ids")?.is_empty() {
            return Err(fields.missing("scorer_ids"));
        }
        Ok(json!({ "configs": [] }))
    })
    .await
}

async fn set_online(_call: Call) -> Answer {
    let message = "Scorers cannot judge new traces by themselves on this server";
    Err(Error::new(ErrorCode::Unsupported, message).hint("evaluate the traces with a client").into())
}

fn named(fields: &Fields) -> Result<(String, String)> {
    Ok((fields.required_text("experiment_id")?, fields.required_text("name")?))
}

/// A version; the experiment is a number here, unlike anywhere else.
fn shape(scorer: &Scorer) -> Value {
    json!({
        "experiment_id": scorer.experiment_id,
        "scorer_name": scorer.name,
        "scorer_version": scorer.version,
        "serialized_scorer": scorer.content,
        "creation_time": scorer.created_at.0,
        "scorer_id": scorer.id,
    })
}
