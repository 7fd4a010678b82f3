//! Silences, and maintenance that is planned or comes back.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use flyball_core::{Duration, Edit, Error, Permit, Result, Timestamp};
use flyball_monitoring::alert::silence::{self, Matcher, NewSilence, Silence};
use flyball_monitoring::notify::outbox;
use flyball_store::Tx;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{Answer, answer, change, reader};
use crate::app::App;

/// Most silences that the list has.
const LISTED: usize = 500;

/// The newest silences, each with whether it is silent now.
#[utoipa::path(get, path = "/api/v1/silences", tag = "monitoring", operation_id = "listSilences",
    responses((status = 200, description = "The silences", body = Value)))]
pub(crate) async fn list(State(app): State<Arc<App>>) -> Answer {
    answer(move || {
        let (permit, now) = (reader()?, app.platform.clock.now());
        let silences = app.platform.db.read(|tx| silence::list(tx, &permit, LISTED))?;
        silences.iter().map(|silence| shown(silence, now)).collect::<Result<Vec<Value>>>()
    })
    .await
}

fn shown(silence: &Silence, now: Timestamp) -> Result<Value> {
    let mut shown = serde_json::to_value(silence).map_err(Error::internal)?;
    shown["state"] = match silence.until(now) {
        Some(_) => json!("active"),
        None if silence.is_over(now) => json!("expired"),
        None => json!("waiting"),
    };
    Ok(shown)
}

/// A silence to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SilenceBody {
    /// What an alert's labels have to be, all of it: `kind=drift`, `loop!=a`, `subject=~"dep_.*"`.
    pub(crate) matchers: Vec<String>,
    /// From (RFC 3339); now when absent.
    pub(crate) starts_at: Option<String>,
    /// To (RFC 3339); either this or `lasts`.
    pub(crate) ends_at: Option<String>,
    /// For how long, as in 8h.
    pub(crate) lasts: Option<String>,
    /// For maintenance that comes back: how long from one start to the next, as in 7d.
    pub(crate) every: Option<String>,
    /// Why.
    pub(crate) comment: String,
}

/// Tells nobody of some alerts for a while, now or later, once or again and again.
#[utoipa::path(post, path = "/api/v1/silences", tag = "monitoring", operation_id = "createSilence",
    request_body = SilenceBody,
    responses((status = 200, description = "The silence", body = Value),
        (status = 400, description = "A matcher or a time makes no sense")))]
pub(crate) async fn create(State(app): State<Arc<App>>, Json(body): Json<SilenceBody>) -> Answer {
    let jobs = app.jobs.clone();
    let answer = change(app, move |tx, permit, now| make(tx, permit, &body, now)).await;
    jobs.wake();
    answer
}

/// Makes a silence and looks who is to be told what now.
pub(crate) fn make(tx: &mut Tx<'_>, permit: &Permit<Edit>, body: &SilenceBody, now: Timestamp) -> Result<Silence> {
    let starts_at: Timestamp = body.starts_at.as_deref().map_or(Ok(now), str::parse)?;
    let ends_at = match (&body.ends_at, &body.lasts) {
        (Some(end), None) => end.parse()?,
        (None, Some(lasts)) => starts_at + lasts.parse::<Duration>()?,
        _ => return Err(Error::invalid("a silence has either an end or a length").hint("give 'ends_at' or 'lasts'")),
    };
    let new = NewSilence {
        matchers: body.matchers.iter().map(|text| Matcher::parse(text)).collect::<Result<_>>()?,
        starts_at,
        ends_at,
        every: body.every.as_deref().map(str::parse).transpose()?,
        comment: body.comment.clone(),
    };
    let made = silence::create(tx, permit, &new, now)?;
    outbox::tell_all(tx, permit, now)?;
    Ok(made)
}

/// Ends a silence.
#[utoipa::path(delete, path = "/api/v1/silences/{id}", tag = "monitoring", operation_id = "expireSilence",
    params(("id" = String, Path, description = "The silence")),
    responses((status = 200, description = "The silence", body = Value),
        (status = 404, description = "There is none"), (status = 409, description = "It has ended")))]
pub(crate) async fn expire(State(app): State<Arc<App>>, Path(id): Path<String>) -> Answer {
    let jobs = app.jobs.clone();
    let work = move |tx: &mut Tx<'_>, permit: &Permit<Edit>, now| {
        let ended = silence::expire(tx, permit, &id, now)?;
        outbox::tell_all(tx, permit, now)?;
        Ok(ended)
    };
    let answer = change(app, work).await;
    jobs.wake();
    answer
}
