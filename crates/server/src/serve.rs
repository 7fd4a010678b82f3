//! Listens, answers, and stops without cutting anybody off.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use flyball_core::{Error, ErrorCode, Result, limits};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use crate::app::App;
use crate::{live, routes};

/// How long a client may take to send the head of a request.
const HEAD_SECONDS: u64 = 15;
/// How long to wait after an accept failed, which happens when descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves HTTP/1 and HTTP/2 until `shutdown` resolves; then lets requests under way finish, within a limit.
///
/// # Errors
/// `Unavailable` when requests had to be cut off.
pub async fn serve(app: Arc<App>, listener: TcpListener, shutdown: impl Future<Output = ()>) -> Result<()> {
    let router = routes::router(Arc::clone(&app));
    let publisher = tokio::spawn(live::publish(Arc::clone(&app)));
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(HEAD_SECONDS));
    builder.http2().timer(TokioTimer::new());
    let graceful = GracefulShutdown::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let stream = tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _peer)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "a connection cannot be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
        };
        spawn(stream, &builder, &graceful, router.clone());
    }
    drop(listener);
    publisher.abort();
    app.hub.close();
    let drained = tokio::time::timeout(Duration::from_secs(limits::DRAIN_SECONDS), graceful.shutdown()).await;
    drained.map_err(|_| {
        Error::new(ErrorCode::Unavailable, format!("requests were cut off after {} s", limits::DRAIN_SECONDS))
    })
}

fn spawn(stream: TcpStream, builder: &auto::Builder<TokioExecutor>, graceful: &GracefulShutdown, router: Router) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps its delay");
    }
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        router.clone().oneshot(request.map(Body::new))
    });
    let connection = graceful.watch(builder.serve_connection(TokioIo::new(stream), service).into_owned());
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(error, "a connection ended early");
        }
    });
}
