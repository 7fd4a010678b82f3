//! Who is told of alerts, and how that goes.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use flyball_core::{Error, ErrorCode, Result};
use flyball_monitoring::alert::settings;
use flyball_monitoring::notify::{Notifier, deliveries};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, answer, reader};
use crate::app::App;

/// Most deliveries that the list has.
const LISTED: usize = 500;

/// The routes of every loop, as their files say; secrets stand there by name.
#[utoipa::path(get, path = "/api/v1/notification-routes", tag = "monitoring", operation_id = "listNotificationRoutes",
    responses((status = 200, description = "The routes", body = Value)))]
pub(crate) async fn routes(State(app): State<Arc<App>>) -> Answer {
    answer(move || {
        let permit = reader()?;
        let all = app.platform.db.read(|tx| settings::all(tx, &permit))?;
        let routes = all.iter().flat_map(|(loop_name, settings)| {
            settings.routes.iter().map(move |route| {
                let mut shown = serde_json::to_value(route).map_err(Error::internal)?;
                shown["loop"] = loop_name.as_str().into();
                shown["after"] = route.after.to_string().into();
                Ok(shown)
            })
        });
        routes.collect::<Result<Vec<Value>>>()
    })
    .await
}

/// Sends a made-up alert to a route at once.
#[utoipa::path(post, path = "/api/v1/notification-routes/{loop}/{route}/test", tag = "monitoring",
    operation_id = "testNotificationRoute",
    params(("loop" = String, Path, description = "The loop"), ("route" = String, Path, description = "The route")),
    responses((status = 200, description = "Whether the receiver took it, and why not", body = Value),
        (status = 404, description = "There is no such route")))]
pub(crate) async fn test(State(app): State<Arc<App>>, Path((loop_name, route)): Path<(String, String)>) -> Answer {
    answer(move || notifier(&app)?.test(&reader()?, &loop_name, &route, &app.ids.fresh("try"))).await
}

/// What delivers; a simulation tells nobody.
pub(super) fn notifier(app: &App) -> Result<&Notifier> {
    app.notifier.as_ref().ok_or_else(|| Error::new(ErrorCode::Unsupported, "nobody is told of what is only played"))
}

/// Which deliveries.
#[derive(Deserialize)]
pub(crate) struct DeliveriesQuery {
    #[serde(rename = "loop")]
    loop_name: Option<String>,
    alert: Option<String>,
}

/// The newest notifications with how their delivery goes: tries, the next one, what the receiver said.
#[utoipa::path(get, path = "/api/v1/notifications", tag = "monitoring", operation_id = "listNotifications",
    params(("loop" = Option<String>, Query, description = "Only those of this loop"),
        ("alert" = Option<String>, Query, description = "Only those of this alert")),
    responses((status = 200, description = "The notifications", body = Value)))]
pub(crate) async fn list(State(app): State<Arc<App>>, Query(query): Query<DeliveriesQuery>) -> Answer {
    answer(move || {
        let permit = reader()?;
        let (of_loop, of_alert) = (query.loop_name.as_deref(), query.alert.as_deref());
        Ok(json!(app.platform.db.read(|tx| deliveries(tx, &permit, of_loop, of_alert, LISTED))?))
    })
    .await
}
