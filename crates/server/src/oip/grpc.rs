//! The Open Inference Protocol over gRPC: the service that the clients of Triton and MLServer call, on the port of HTTP.

mod convert;
mod messages;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{self, MethodRouter};
use flyball_core::{Error, ErrorCode, Result, limits};
use flyball_serving::LiveEndpoint;
use prost::Message;
use tonic::codec::CompressionEncoding;
use tonic::server::Grpc;
use tonic::{Code, Status};
use tonic_prost::ProstCodec;

use self::messages as m;
use super::{describe, version_number};
use crate::access::Policy::{self, Edit, Public, Read};
use crate::app::App;
use crate::blocking::blocking;
use crate::lanes;
use crate::steering;

/// A method of the service.
pub(crate) struct GrpcRoute {
    pub(crate) policy: Policy,
    pub(crate) path: &'static str,
    pub(crate) handler: MethodRouter<Arc<App>>,
}

/// A request up to this size is answered on the thread that read it.
const SMALL_BYTES: usize = 64 * 1024;

/// Where a method is answered: on the thread that read the request, which it may not hold up, or on one that may wait.
#[derive(Clone, Copy, PartialEq)]
enum Thread {
    Here,
    Aside,
}

macro_rules! service {
    ($($policy:ident $thread:ident $path:literal $method:ident($request:ident) -> $answer:ident;)*) => {
        /// All methods. What is not here, such as shared memory, gRPC answers with UNIMPLEMENTED.
        pub(crate) fn all() -> Vec<GrpcRoute> {
            let infer = GrpcRoute {
                policy: Read,
                path: "/inference.GRPCInferenceService/ModelInfer",
                handler: routing::post(|State(app): State<Arc<App>>, request: Request| infer(app, request)),
            };
            vec![infer, $(GrpcRoute {
                policy: $policy,
                path: concat!("/inference.GRPCInferenceService/", $path),
                handler: routing::post(|State(app): State<Arc<App>>, request: Request| async move {
                    unary::<m::$request, m::$answer, _>(app, request, Thread::$thread, $method).await
                }),
            }),*]
        }
    };
}

service! {
    Public Here "ServerLive" live(Empty) -> Live;
    Public Aside "ServerReady" ready(Empty) -> Ready;
    Read Here "ModelReady" model_ready(Named) -> Ready;
    Read Here "ServerMetadata" server_metadata(Empty) -> ServerMetadata;
    Read Here "ModelMetadata" model_metadata(Named) -> ModelMetadata;
    Read Here "ModelConfig" config(Named) -> ModelConfigResponse;
    Read Here "ModelStatistics" statistics(Named) -> ModelStatisticsResponse;
    Read Here "RepositoryIndex" index(RepositoryIndexRequest) -> RepositoryIndex;
    Edit Aside "RepositoryModelLoad" load(RepositoryModel) -> Empty;
    Edit Here "RepositoryModelUnload" unload(RepositoryModel) -> Empty;
}

/// Answers one message with one.
async fn unary<Q, A, W>(app: Arc<App>, request: Request, thread: Thread, work: W) -> Response
where
    Q: Message + Default + 'static,
    A: Message + Default + 'static,
    W: Fn(&App, Q) -> Result<A> + Copy + Send + 'static,
{
    let service = tower::service_fn(move |request: tonic::Request<Q>| {
        let (app, message) = (Arc::clone(&app), request.into_inner());
        async move {
            let here = thread == Thread::Here && message.encoded_len() <= SMALL_BYTES;
            let answer = if here { work(&app, message) } else { blocking(move || work(&app, message)).await };
            answer.map(tonic::Response::new).map_err(|error| status(&error))
        }
    });
    grpc::<Q, A>().unary(service, request).await.map(Body::new)
}

fn grpc<Q: Message + Default + 'static, A: Message + Default + 'static>() -> Grpc<ProstCodec<A, Q>> {
    Grpc::new(ProstCodec::<A, Q>::default())
        .max_decoding_message_size(limits::SCORING_BODY_BYTES)
        .max_encoding_message_size(usize::MAX)
        .accept_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Deflate)
}

/// An error as gRPC says it.
fn status(error: &Error) -> Status {
    let code = match error.code() {
        ErrorCode::NotFound => Code::NotFound,
        ErrorCode::Unauthenticated => Code::Unauthenticated,
        ErrorCode::Forbidden => Code::PermissionDenied,
        ErrorCode::Unsupported => Code::Unimplemented,
        ErrorCode::Overloaded => Code::ResourceExhausted,
        ErrorCode::DeadlineExceeded => Code::DeadlineExceeded,
        code if code.status() == 503 => Code::Unavailable,
        code if code.status() >= 500 => {
            tracing::error!(error = format!("{error:?}"), "a request failed");
            Code::Internal
        }
        _ => Code::InvalidArgument,
    };
    let message = match error.next_step() {
        Some(hint) => format!("{}; {hint}", error.message()),
        None => error.message().to_owned(),
    };
    Status::new(code, message)
}

fn live(_app: &App, _: m::Empty) -> Result<m::Live> {
    Ok(m::Live { live: true })
}

fn ready(app: &App, _: m::Empty) -> Result<m::Ready> {
    let answers = app.platform.db.read(|tx| tx.query("SELECT 1 AS one", &[]));
    Ok(m::Ready { ready: answers.is_ok() })
}

/// The endpoint and, when one is named, its version.
fn named(app: &App, name: &str, version: &str) -> Result<(Arc<LiveEndpoint>, Option<i64>)> {
    let endpoint = app.platform.serving.endpoint(name)?;
    let version = if version.is_empty() { None } else { Some(version_number(version)?) };
    Ok((endpoint, version))
}

fn model_ready(app: &App, m::Named { name, version }: m::Named) -> Result<m::Ready> {
    let (endpoint, version) = named(app, &name, &version)?;
    let answers = match version {
        Some(version) => endpoint.version(version).map(drop),
        None => endpoint.ready_now(),
    };
    Ok(m::Ready { ready: answers.is_ok() })
}

fn server_metadata(_app: &App, _: m::Empty) -> Result<m::ServerMetadata> {
    let extensions = describe::EXTENSIONS.map(str::to_owned).to_vec();
    Ok(m::ServerMetadata { name: "flyball".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned(), extensions })
}

fn model_metadata(app: &App, m::Named { name, version }: m::Named) -> Result<m::ModelMetadata> {
    let (endpoint, version) = named(app, &name, &version)?;
    let interface = describe::interface(&endpoint, version)?;
    let tensor = |tensor: &describe::Tensor<'_>| m::TensorMetadata {
        name: tensor.name.to_owned(),
        datatype: tensor.datatype.to_owned(),
        shape: tensor.shape.clone(),
    };
    Ok(m::ModelMetadata {
        name,
        versions: endpoint.revisions.iter().map(|live| live.revision.version.to_string()).collect(),
        platform: describe::PLATFORM.to_owned(),
        inputs: describe::inputs(&interface).iter().map(tensor).collect(),
        outputs: describe::outputs(&interface).iter().map(tensor).collect(),
    })
}

/// Asks an endpoint: here when its models are prompt and the message is small, else when it is its turn.
async fn infer(app: Arc<App>, request: Request) -> Response {
    let headers = Arc::new(request.headers().clone());
    let service = tower::service_fn(move |request: tonic::Request<m::ModelInferRequest>| {
        let (app, headers, message) = (Arc::clone(&app), Arc::clone(&headers), request.into_inner());
        async move {
            let answer = ask(app, &headers, message).await;
            answer.map(tonic::Response::new).map_err(|error| status(&error))
        }
    });
    grpc::<m::ModelInferRequest, m::ModelInferResponse>().unary(service, request).await.map(Body::new)
}

async fn ask(app: Arc<App>, headers: &HeaderMap, message: m::ModelInferRequest) -> Result<m::ModelInferResponse> {
    let (endpoint, version) = named(&app, &message.model_name, &message.model_version)?;
    let version = version.or_else(|| steering::version(&endpoint, headers));
    let key = steering::key(&endpoint, headers);
    let here = endpoint.is_prompt() && message.encoded_len() <= SMALL_BYTES;
    let (at, own) = (Arc::clone(&endpoint), Arc::clone(&app));
    let work = move || convert::infer(&own, &at, version, key, &message);
    if here { lanes::here(&endpoint, work) } else { app.lanes.run(&endpoint, work).await }
}

fn config(app: &App, m::Named { name, version }: m::Named) -> Result<m::ModelConfigResponse> {
    let (endpoint, version) = named(app, &name, &version)?;
    let interface = describe::interface(&endpoint, version)?;
    let parts = |tensor: &describe::Tensor<'_>| (tensor.name.to_owned(), convert::data_type(tensor.datatype));
    let input = |tensor: &describe::Tensor<'_>| {
        let (name, data_type) = parts(tensor);
        m::ConfiguredInput { name, data_type, dims: tensor.shape.clone() }
    };
    let output = |tensor: &describe::Tensor<'_>| {
        let (name, data_type) = parts(tensor);
        m::ConfiguredOutput { name, data_type, dims: tensor.shape.clone() }
    };
    let config = m::ModelConfig {
        name,
        platform: describe::PLATFORM.to_owned(),
        max_batch_size: 0,
        input: describe::inputs(&interface).iter().map(input).collect(),
        output: describe::outputs(&interface).iter().map(output).collect(),
        backend: "flyball".to_owned(),
    };
    Ok(m::ModelConfigResponse { config: Some(config) })
}

fn statistics(app: &App, m::Named { name, version }: m::Named) -> Result<m::ModelStatisticsResponse> {
    let told = if name.is_empty() {
        describe::statistics(&app.platform.serving.snapshot(), None)
    } else {
        let (endpoint, version) = named(app, &name, &version)?;
        version.map_or(Ok(()), |version| endpoint.version(version).map(drop))?;
        describe::statistics(&[endpoint.snapshot()], version)
    };
    Ok(m::ModelStatisticsResponse { model_stats: told.into_iter().map(convert::statistics).collect() })
}

fn index(app: &App, request: m::RepositoryIndexRequest) -> Result<m::RepositoryIndex> {
    let rows = describe::index(&app.platform.serving.snapshot(), request.ready).into_iter();
    let model = |row: describe::Indexed| m::IndexedModel {
        name: row.name,
        version: row.version.unwrap_or_default(),
        state: row.state.to_owned(),
        reason: row.reason,
    };
    Ok(m::RepositoryIndex { models: rows.map(model).collect() })
}

fn load(app: &App, request: m::RepositoryModel) -> Result<m::Empty> {
    app.platform.serving.refresh()?;
    app.platform.serving.endpoint(&request.model_name)?.ready_now()?;
    Ok(m::Empty {})
}

fn unload(app: &App, request: m::RepositoryModel) -> Result<m::Empty> {
    app.platform.serving.endpoint(&request.model_name)?;
    Err(describe::no_unloading(&request.model_name))
}
