//! The routes of the dialect: method, path, policy and handler, one line each. Every path under `/api` also answers under
//! `/ajax-api`, as the protocol has it.

use std::sync::Arc;

use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{self, MethodRouter};

use super::{
    artifacts, assessments, experiments, health, logged_models, metrics, otlp, registry, runs, traces, webhooks,
};
use crate::access::Policy;
use crate::app::App;

/// A route of the dialect.
pub(crate) struct DialectRoute {
    pub(crate) policy: Policy,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) handler: MethodRouter<Arc<App>>,
}

macro_rules! methods {
    ($($name:ident => $method:ident;)*) => {
        $(pub(super) fn $name<H: Handler<T, Arc<App>>, T: 'static>(policy: Policy, path: &str, handler: H) -> DialectRoute {
            DialectRoute { policy, method: Method::$method, path: path.to_owned(), handler: routing::$name(handler) }
        })*
    };
}

methods! {
    get => GET;
    post => POST;
    put => PUT;
    patch => PATCH;
    delete => DELETE;
}

/// All routes of the dialect, with their twins.
pub(crate) fn all() -> Vec<DialectRoute> {
    let areas = [
        health::routes(),
        experiments::routes(),
        runs::routes(),
        metrics::routes(),
        artifacts::routes(),
        logged_models::routes(),
        registry::routes(),
        webhooks::routes(),
        otlp::routes(),
        traces::routes(),
        assessments::routes(),
    ];
    areas.into_iter().flatten().flat_map(with_twin).collect()
}

fn with_twin(route: DialectRoute) -> impl Iterator<Item = DialectRoute> {
    let twin = route.path.strip_prefix("/api/").map(|rest| DialectRoute {
        policy: route.policy,
        method: route.method.clone(),
        path: format!("/ajax-api/{rest}"),
        handler: route.handler.clone(),
    });
    std::iter::once(route).chain(twin)
}
