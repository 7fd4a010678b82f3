//! All routes, in one list, each with its policy.

pub(crate) mod api;
mod assets;
mod events;
mod health;
mod metrics;
mod oip;
mod openapi;
mod pages;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use flyball_core::{Error, ErrorCode, limits};
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::{InfoBuilder, OpenApi, OpenApiBuilder, PathItem};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use utoipa_axum::routes;

use crate::access::Policy;
use crate::app::App;
use crate::error::ApiError;
use crate::guard::guard;
use crate::mlflow::{self, DialectRoute};
use crate::oip::grpc::{self, GrpcRoute};

/// A route and what it asks of its caller.
struct Route {
    policy: Policy,
    handler: UtoipaMethodRouter<Arc<App>>,
}

fn route(policy: Policy, handler: UtoipaMethodRouter<Arc<App>>) -> Route {
    Route { policy, handler }
}

/// The list. A new route goes here and nowhere else; those of protocols that have documents of their own to
/// [`mlflow::all`] and [`grpc::all`].
fn all() -> Vec<Route> {
    use Policy::{Edit, Public, Read};
    let mut routes = vec![
        route(Public, routes!(health::live::live)),
        route(Public, routes!(health::ready::ready)),
        route(Public, routes!(assets::get::get)),
        route(Read, routes!(metrics::show::show)),
        route(Read, routes!(events::listen::listen)),
        route(Read, routes!(openapi::show::show)),
        route(Read, routes!(oip::server::metadata)),
        route(Public, routes!(oip::server::live)),
        route(Public, routes!(oip::server::ready)),
        route(Read, routes!(oip::model::metadata)),
        route(Read, routes!(oip::model::metadata_of_version)),
        route(Read, routes!(oip::model::ready)),
        route(Read, routes!(oip::model::ready_of_version)),
        route(Read, routes!(oip::triton::config)),
        route(Read, routes!(oip::triton::config_of_version)),
        route(Read, routes!(oip::triton::statistics)),
        route(Read, routes!(oip::triton::statistics_of_model)),
        route(Read, routes!(oip::triton::statistics_of_version)),
        route(Read, routes!(oip::triton::index)),
        route(Edit, routes!(oip::triton::load)),
        route(Edit, routes!(oip::triton::unload)),
        route(Read, routes!(oip::infer::infer)),
        route(Read, routes!(oip::infer::infer_version)),
        route(Read, routes!(api::loops::list)),
        route(Read, routes!(api::loops::get)),
        route(Read, routes!(api::loops::series)),
        route(Read, routes!(api::loops::plan)),
        route(Edit, routes!(api::loops::apply_file)),
        route(Read, routes!(api::simulation::get)),
        route(Read, routes!(api::simulation::series)),
        route(Read, routes!(api::runs::list)),
        route(Read, routes!(api::runs::get)),
        route(Edit, routes!(api::runs::create)),
        route(Edit, routes!(api::runs::update)),
        route(Edit, routes!(api::runs::log)),
        route(Edit, routes!(api::runs::delete)),
        route(Edit, routes!(api::runs::restore)),
        route(Read, routes!(api::runs::lineage)),
        route(Read, routes!(api::runs::metric)),
        route(Read, routes!(api::artifacts::list)),
        route(Read, routes!(api::artifacts::get)),
        route(Edit, routes!(api::artifacts::put)),
        route(Edit, routes!(api::artifacts::delete)),
        route(Read, routes!(api::experiments::list)),
        route(Read, routes!(api::experiments::get)),
        route(Edit, routes!(api::experiments::create)),
        route(Edit, routes!(api::experiments::update)),
        route(Edit, routes!(api::experiments::delete)),
        route(Edit, routes!(api::experiments::restore)),
        route(Read, routes!(api::models::list)),
        route(Read, routes!(api::models::get)),
        route(Read, routes!(api::cards::get)),
        route(Edit, routes!(api::models::register)),
        route(Edit, routes!(api::models::update)),
        route(Edit, routes!(api::models::delete_version)),
        route(Edit, routes!(api::models::delete)),
        route(Edit, routes!(api::models::set_alias)),
        route(Edit, routes!(api::models::remove_alias)),
        route(Read, routes!(api::endpoints::list)),
        route(Read, routes!(api::endpoints::get)),
        route(Edit, routes!(api::endpoints::deploy)),
        route(Read, routes!(api::endpoints::settings)),
        route(Edit, routes!(api::endpoints::set_settings)),
        route(Edit, routes!(api::endpoints::start_rollout)),
        route(Edit, routes!(api::endpoints::say)),
        route(Edit, routes!(api::endpoints::promote)),
        route(Read, routes!(api::endpoints::compare)),
        route(Read, routes!(api::observed::slow)),
        route(Read, routes!(api::endpoints::environments)),
        route(Edit, routes!(api::endpoints::set_environment)),
        route(Edit, routes!(api::endpoints::tell)),
        route(Read, routes!(api::datasets::list)),
        route(Read, routes!(api::datasets::get)),
        route(Read, routes!(api::datasets::checks)),
        route(Read, routes!(api::datasets::suggestions)),
        route(Read, routes!(api::datasets::compare)),
        route(Read, routes!(api::remedies::list)),
        route(Read, routes!(api::remedies::get)),
        route(Edit, routes!(api::remedies::decide)),
        route(Edit, routes!(api::remedies::pause)),
        route(Read, routes!(api::remedies::plan)),
        route(Edit, routes!(api::remedies::release)),
        route(Read, routes!(api::monitors::windows)),
        route(Read, routes!(api::monitors::drift)),
        route(Read, routes!(api::monitors::fairness)),
        route(Read, routes!(api::audit::list)),
        route(Read, routes!(api::audit::verify)),
        route(Read, routes!(api::evaluations::list)),
        route(Read, routes!(api::evaluations::get)),
        route(Edit, routes!(api::evaluations::create)),
        route(Edit, routes!(api::evaluations::replay)),
        route(Read, routes!(api::jobs::list)),
    ];
    routes.extend(of_predictions());
    routes.extend(of_alerts());
    routes.extend(of_labels());
    routes.extend(of_pages());
    routes
}

/// Those of predictions and of what explains them.
fn of_predictions() -> Vec<Route> {
    use Policy::{Edit, Read};
    vec![
        route(Edit, routes!(api::predict::batch)),
        route(Read, routes!(api::predict::predict)),
        route(Read, routes!(api::predict::invocations)),
        route(Read, routes!(api::explain::explain)),
        route(Read, routes!(api::explain::explain_invocation)),
        route(Read, routes!(api::explain::importance)),
        route(Read, routes!(api::predictions::get)),
    ]
}

/// Those of alerts, of who is told of them, and of the secrets that it takes.
fn of_alerts() -> Vec<Route> {
    use Policy::{Edit, Manage, Read};
    vec![
        route(Read, routes!(api::alerts::list)),
        route(Read, routes!(api::alerts::get)),
        route(Edit, routes!(api::alerts::acknowledge)),
        route(Edit, routes!(api::alerts::resolve)),
        route(Read, routes!(api::silences::list)),
        route(Edit, routes!(api::silences::create)),
        route(Edit, routes!(api::silences::expire)),
        route(Read, routes!(api::notifications::routes)),
        route(Edit, routes!(api::notifications::test)),
        route(Read, routes!(api::notifications::list)),
        route(Manage, routes!(api::secrets::list)),
        route(Manage, routes!(api::secrets::set)),
        route(Manage, routes!(api::secrets::delete)),
    ]
}

/// Those of labelling.
fn of_labels() -> Vec<Route> {
    use Policy::{Edit, Read};
    vec![
        route(Read, routes!(api::labels::list)),
        route(Edit, routes!(api::labels::create)),
        route(Read, routes!(api::labels::get)),
        route(Edit, routes!(api::labels::update)),
        route(Read, routes!(api::labels::list_tasks)),
        route(Edit, routes!(api::labels::add_tasks)),
        route(Edit, routes!(api::labels::import)),
        route(Read, routes!(api::labels::export)),
        route(Read, routes!(api::labels::agreement)),
        route(Read, routes!(api::labels::consensus)),
        route(Read, routes!(api::labels::issues)),
        route(Edit, routes!(api::labels::commit)),
        route(Read, routes!(api::labels::commits)),
        route(Edit, routes!(api::labels::answers::next)),
        route(Read, routes!(api::labels::answers::next_review)),
        route(Read, routes!(api::labels::answers::get_task)),
        route(Read, routes!(api::labels::answers::image)),
        route(Edit, routes!(api::labels::answers::submit)),
        route(Edit, routes!(api::labels::answers::release)),
        route(Edit, routes!(api::labels::answers::comment)),
        route(Edit, routes!(api::labels::answers::review)),
        route(Read, routes!(api::labels::machines::list)),
        route(Edit, routes!(api::labels::machines::record)),
        route(Edit, routes!(api::labels::machines::prelabel)),
        route(Edit, routes!(api::labels::machines::prioritize)),
        route(Read, routes!(api::labels::machines::list_functions)),
        route(Edit, routes!(api::labels::machines::set_function)),
        route(Edit, routes!(api::labels::machines::remove_function)),
        route(Edit, routes!(api::labels::machines::run_functions)),
    ]
}

/// Those of the pages.
fn of_pages() -> Vec<Route> {
    use Policy::{Edit, Read};
    vec![
        route(Read, routes!(pages::overview)),
        route(Read, routes!(pages::loops)),
        route(Read, routes!(pages::loop_page)),
        route(Read, routes!(pages::remedies)),
        route(Edit, routes!(pages::decide_remedy)),
        route(Read, routes!(pages::runs)),
        route(Read, routes!(pages::run)),
        route(Read, routes!(pages::models)),
        route(Read, routes!(pages::model_version)),
        route(Read, routes!(pages::model_card)),
        route(Read, routes!(pages::evaluations)),
        route(Read, routes!(pages::evaluation)),
        route(Read, routes!(pages::endpoints)),
        route(Read, routes!(pages::endpoint)),
        route(Read, routes!(pages::monitors)),
        route(Read, routes!(pages::monitor)),
        route(Read, routes!(pages::window)),
        route(Read, routes!(pages::data)),
        route(Read, routes!(pages::dataset_version)),
        route(Read, routes!(pages::label_projects)),
        route(Read, routes!(pages::label_project)),
        route(Read, routes!(pages::annotate)),
        route(Read, routes!(pages::label_review)),
        route(Read, routes!(pages::alerts)),
        route(Read, routes!(pages::alert)),
        route(Edit, routes!(pages::decide_alert)),
        route(Read, routes!(pages::prediction)),
        route(Read, routes!(pages::audit)),
    ]
}

/// The router of a whole server.
#[expect(clippy::disallowed_methods, reason = "this is the one place where routes are made of the lists")]
pub fn router(app: Arc<App>) -> Router {
    let mut router = OpenApiRouter::new();
    for Route { policy, handler: (schemas, paths, methods) } in all() {
        let gate = middleware::from_fn_with_state((Arc::clone(&app), policy), gate);
        router = router.routes((schemas, paths, methods.layer(gate)));
    }
    let (mut router, _document) = router.split_for_parts();
    for DialectRoute { policy, path, handler, .. } in mlflow::all() {
        let gate = middleware::from_fn_with_state((Arc::clone(&app), policy), gate);
        router = router.route(&path, handler.layer(gate));
    }
    for GrpcRoute { policy, path, handler } in grpc::all() {
        let gate = middleware::from_fn_with_state((Arc::clone(&app), policy), gate);
        router = router.route(path, handler.layer(gate));
    }
    router
        .fallback(no_such_page)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(limits::BODY_BYTES))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), guard))
        .with_state(app)
}

/// Method, path and policy of every route of the protocols that have documents of their own: MLflow's, and gRPC.
pub fn dialect() -> Vec<(Method, String, Policy)> {
    let grpc = grpc::all().into_iter().map(|route| (Method::POST, route.path.to_owned(), route.policy));
    mlflow::all().into_iter().map(|route| (route.method, route.path, route.policy)).chain(grpc).collect()
}

/// The OpenAPI document of all native routes; each operation names its policy as `x-policy`.
pub fn document() -> OpenApi {
    let info = InfoBuilder::new().title("Flyball").version(env!("CARGO_PKG_VERSION")).build();
    let mut router = OpenApiRouter::<Arc<App>>::with_openapi(OpenApiBuilder::new().info(info).build());
    for Route { policy, handler: (schemas, mut paths, methods) } in all() {
        for operation in paths.paths.values_mut().flat_map(operations) {
            operation.extensions = Some(ExtensionsBuilder::new().add("x-policy", policy.as_str()).build());
        }
        router = router.routes((schemas, paths, methods));
    }
    let mut document = router.into_openapi();
    // The star of the router, for paths with slashes, means nothing there.
    let paths = std::mem::take(&mut document.paths.paths);
    document.paths.paths = paths.into_iter().map(|(path, item)| (path.replace("{*", "{"), item)).collect();
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut utoipa::openapi::path::Operation> {
    let PathItem { get, put, post, delete, options, head, patch, trace, .. } = item;
    [get, put, post, delete, options, head, patch, trace].into_iter().flatten()
}

async fn gate(
    State((app, policy)): State<(Arc<App>, Policy)>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    app.access.check(policy)?;
    Ok(next.run(request).await)
}

async fn no_such_page(request: Request) -> Response {
    if mlflow::speaks(request.uri().path()) {
        return mlflow::error::no_such_route(StatusCode::NOT_FOUND, request.uri().path());
    }
    let path: String = request.uri().path().chars().take(100).collect();
    ApiError(Error::not_found("page", path.escape_debug()).hint("/api/v1/openapi.json lists what there is"))
        .into_response()
}

async fn wrong_method(request: Request) -> Response {
    if mlflow::speaks(request.uri().path()) {
        return mlflow::error::no_such_route(StatusCode::METHOD_NOT_ALLOWED, request.uri().path());
    }
    let message = format!("{} is not possible here", request.method());
    ApiError(Error::new(ErrorCode::NotFound, message).hint("/api/v1/openapi.json lists what there is")).into_response()
}
