//! What the monitors of loops saw: windows, and any stretch of time on demand.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use flyball_core::{Error, Result, Timestamp};
use flyball_loops::watch::period::{self, Span};
use flyball_monitoring::store as monitoring;
use serde::Deserialize;

use super::{Answer, answer, reader};
use crate::app::App;

/// Most windows of one answer.
const WINDOWS: usize = 1000;

/// Which windows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WindowsQuery {
    limit: Option<usize>,
    until: Option<String>,
}

/// The judged windows of a loop, the newest first.
#[utoipa::path(get, path = "/api/v1/loops/{name}/windows", tag = "monitors", operation_id = "listWindows",
    params(("name" = String, Path, description = "The loop"),
        ("limit" = Option<usize>, Query, description = "At most so many; 30 when absent"),
        ("until" = Option<String>, Query, description = "Only windows that begin at this moment or before")),
    responses((status = 200, description = "The windows, each whole", body = Value)))]
pub(crate) async fn windows(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Query(query): Query<WindowsQuery>,
) -> Answer {
    answer(move || {
        let permit = reader()?;
        let until = query.until.as_deref().map(moment).transpose()?.unwrap_or(Timestamp(i64::MAX));
        let limit = query.limit.unwrap_or(30).min(WINDOWS);
        app.platform.db.read(|tx| monitoring::windows_until(tx, &permit, &name, until, limit))
    })
    .await
}

/// A stretch of time, and an earlier one to compare with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DriftQuery {
    from: String,
    to: String,
    against_from: Option<String>,
    against_to: Option<String>,
}

/// The drift of a stretch of time, from its kept windows: against what the champion was built on, or against the windows
/// of another stretch.
#[utoipa::path(get, path = "/api/v1/loops/{name}/drift", tag = "monitors", operation_id = "getDrift",
    params(("name" = String, Path, description = "The loop"),
        ("from" = String, Query, description = "From, as 2013-07-01 or 2013-07-01T06:00:00Z"),
        ("to" = String, Query, description = "To, exclusive"),
        ("against_from" = Option<String>, Query, description = "From which the earlier stretch reaches"),
        ("against_to" = Option<String>, Query, description = "To which it reaches")),
    responses((status = 200, description = "Each column", body = Value),
        (status = 404, description = "No window lies there")))]
pub(crate) async fn drift(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Query(query): Query<DriftQuery>,
) -> Answer {
    answer(move || {
        let span = span(&query.from, &query.to)?;
        let against = match (&query.against_from, &query.against_to) {
            (Some(from), Some(to)) => Some(self::span(from, to)?),
            (None, None) => None,
            _ => {
                return Err(Error::invalid("the stretch to compare with has one end only")
                    .hint("give both against_from and against_to"));
            }
        };
        period::drift(&app.platform, &reader()?, &name, span, against)
    })
    .await
}

/// By which features groups are made, and when.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FairnessQuery {
    by: String,
    from: String,
    to: String,
}

/// How the groups of some features were treated in a stretch of time.
#[utoipa::path(get, path = "/api/v1/loops/{name}/fairness", tag = "monitors", operation_id = "getFairness",
    params(("name" = String, Path, description = "The loop"),
        ("by" = String, Query, description = "Features, with commas between"),
        ("from" = String, Query, description = "From"), ("to" = String, Query, description = "To, exclusive")),
    responses((status = 200, description = "The report; null when nobody asked", body = Value)))]
pub(crate) async fn fairness(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Query(query): Query<FairnessQuery>,
) -> Answer {
    answer(move || {
        let by: Vec<String> = query.by.split(',').map(|name| name.trim().to_owned()).collect();
        period::fairness(&app.platform, &reader()?, &name, span(&query.from, &query.to)?, &by)
    })
    .await
}

fn moment(text: &str) -> Result<Timestamp> {
    text.parse()
}

fn span(from: &str, to: &str) -> Result<Span> {
    let (from, to) = (moment(from)?, moment(to)?);
    if from >= to {
        return Err(Error::invalid(format!("the time from {from} to {to} is empty")).hint("give 'from' before 'to'"));
    }
    Ok((from, to))
}
