//! `flyball serve`: the whole product in one process.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use flyball_core::{Error, ErrorCode, IdSource, Result};
use flyball_jobs::{Handler, Jobs, Runner, RunningWorkers};
use flyball_loops::platform::Platform;
use flyball_loops::remedy::ServingWatch;
use flyball_monitoring::notify::Notifier;
use flyball_registry::webhooks::Webhooks;
use flyball_server::{Access, App, Hub, Lanes, Observe, PointQueue, check_bind};
use flyball_store::lock::DataDirLock;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::Context;
use crate::args::ServeOptions;
use crate::wire::{Places, Product};

/// A free port on the loopback address.
pub(crate) const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// Threads that run jobs: a training keeps one busy while windows and rollouts go on with the other.
const WORKERS: usize = 2;
/// Threads that tell webhooks and whoever is told of alerts: apart from the others, because a receiver may keep one waiting.
const DELIVERIES: usize = 2;
/// How many ticks lie between two looks for records that are too old: an hour.
const EXPIRY_TICKS: u64 = 3600;
/// How often changed traffic is looked for: what a rollout decides takes effect within this time.
const LOOK: Duration = Duration::from_millis(200);
/// How often models are loaded ahead.
const TICK: Duration = Duration::from_secs(1);
/// After how many looks waiting inference records are written: a second.
const LOOKS_A_TICK: u64 = 5;
/// How long a stop waits for the last spans to be sent.
const SPANS_WAIT: Duration = Duration::from_secs(3);

/// A server that runs in this process until it is stopped or dropped.
pub(crate) struct Running {
    address: String,
    /// The services behind it.
    pub(crate) app: Arc<App>,
    stop: Option<oneshot::Sender<()>>,
    http: Option<JoinHandle<Result<()>>>,
    ticking: Arc<AtomicBool>,
    ticker: Option<JoinHandle<()>>,
    workers: Vec<RunningWorkers>,
    /// Held as long as the server runs.
    _lock: Option<DataDirLock>,
}

/// Serves until it is interrupted or terminated.
pub(crate) fn run(context: &Context, options: &ServeOptions) -> Result<()> {
    let mut running = start(&context.places, SocketAddr::new(options.host, options.port))?;
    if context.json {
        println!("{}", json!({ "address": running.address() }));
    } else {
        println!("flyball serves at {}", running.address());
    }
    wait_for_signal()?;
    running.stop()
}

/// Starts everything: workers, the ticker, HTTP.
pub(crate) fn start(places: &Places, address: SocketAddr) -> Result<Running> {
    check_bind(address, false)?;
    // A second start on the same folder says so, before it fights for the port.
    drop(crate::wire::lock(places)?);
    let listener = bind(address)?;
    let url = url_of(&listener)?;
    let Product { platform, jobs, runner, lock } = Product::live(places, Some(url.clone()))?;
    lock.set_info(&json!({ "pid": std::process::id(), "address": url }))?;
    let workers = runner.spawn(WORKERS)?;
    let (webhooks, notifier) = crate::wire::tellers(places, &platform)?;
    let tellers: Vec<Arc<dyn Handler>> = vec![Arc::new(webhooks.clone()), Arc::new(notifier.clone())];
    let deliveries = Runner::new(jobs.clone(), tellers).spawn(DELIVERIES)?;
    let observe = places.models.observe.start(&platform.clock)?;
    let app = app_of(platform, jobs, Some((webhooks, notifier)), observe)?;
    let mut running = serve(app, listener, url)?;
    running.workers = vec![workers, deliveries];
    running._lock = Some(lock);
    running.tick();
    Ok(running)
}

/// The state of the HTTP server over these services.
pub(crate) fn app_of(
    platform: Platform,
    jobs: Jobs,
    tellers: Option<(Webhooks, Notifier)>,
    observe: Observe,
) -> Result<Arc<App>> {
    let mut entropy = [0u8; 32];
    getrandom::fill(&mut entropy).map_err(Error::internal)?;
    let (hub, access, ids) = (Hub::default(), Access::local(), IdSource::random(entropy));
    let (points, lanes) = (PointQueue::default(), Lanes::new(platform.clock.clone())?);
    let (webhooks, notifier) = tellers.unzip();
    Ok(Arc::new(App { platform, jobs, webhooks, notifier, points, lanes, hub, access, ids, observe }))
}

/// Binds an address; a port that is taken says what to do.
pub(crate) fn bind(address: SocketAddr) -> Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind(address).map_err(|error| {
        Error::new(ErrorCode::Conflict, format!("cannot listen on {address}: {error}"))
            .hint("choose another port with --port, or any free one with --port 0")
    })?;
    listener.set_nonblocking(true).map_err(Error::internal)?;
    Ok(listener)
}

/// The URL of a listener.
pub(crate) fn url_of(listener: &std::net::TcpListener) -> Result<String> {
    Ok(format!("http://{}", listener.local_addr().map_err(Error::internal)?))
}

/// Serves HTTP on threads of its own.
pub(crate) fn serve(app: Arc<App>, listener: std::net::TcpListener, address: String) -> Result<Running> {
    let (stop, stopped) = oneshot::channel();
    let served = Arc::clone(&app);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Error::internal)?;
    let http = std::thread::spawn(move || {
        runtime.block_on(async move {
            let listener = TcpListener::from_std(listener).map_err(Error::internal)?;
            // Either somebody says stop, or the one who could is gone.
            flyball_server::serve(served, listener, async { drop(stopped.await) }).await
        })
    });
    Ok(Running {
        address,
        app,
        stop: Some(stop),
        http: Some(http),
        ticking: Arc::new(AtomicBool::new(false)),
        ticker: None,
        workers: Vec::new(),
        _lock: None,
    })
}

impl Running {
    /// Where it listens, as a URL.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Writes records and takes up changed traffic, once a tick, until the server stops.
    fn tick(&mut self) {
        self.ticking.store(true, Ordering::SeqCst);
        let (ticking, app) = (Arc::clone(&self.ticking), Arc::clone(&self.app));
        self.ticker = Some(std::thread::spawn(move || {
            let mut looks = 0u64;
            while ticking.load(Ordering::SeqCst) {
                std::thread::park_timeout(LOOK);
                looks += 1;
                let serving = &app.platform.serving;
                let written = if looks.is_multiple_of(LOOKS_A_TICK) {
                    serving.flush_and_commit().and_then(|_| serving.flush_comparisons())
                } else {
                    Ok(())
                };
                if let Err(error) = written.and_then(|()| serving.refresh()) {
                    tracing::error!(?error, "records or traffic could not be brought up to date; trying again");
                }
            }
        }));
        let (ticking, app) = (Arc::clone(&self.ticking), Arc::clone(&self.app));
        // Apart from the others: a remedy for a model that fails must not wait for one that loads.
        std::thread::spawn(move || {
            let mut watch = ServingWatch::default();
            while ticking.load(Ordering::SeqCst) {
                std::thread::park_timeout(TICK);
                match watch.look(&app.platform) {
                    Ok(acted) if acted => app.jobs.wake(),
                    Ok(_) => {}
                    Err(error) => tracing::error!(?error, "the endpoints could not be watched; trying again"),
                }
            }
        });
        let (ticking, app) = (Arc::clone(&self.ticking), Arc::clone(&self.app));
        // Nobody waits for its end: a model may take minutes to load, and what it loads is only in memory.
        std::thread::spawn(move || {
            let mut looks = 0u64;
            while ticking.load(Ordering::SeqCst) {
                std::thread::park_timeout(TICK);
                let serving = &app.platform.serving;
                serving.warm();
                if looks.is_multiple_of(EXPIRY_TICKS)
                    && let Err(error) = serving.expire()
                {
                    tracing::error!(?error, "old records could not be deleted; trying again later");
                }
                looks += 1;
            }
        });
    }

    /// Stops: no new requests, those under way end, jobs give up their leases, records are written.
    pub(crate) fn stop(&mut self) -> Result<()> {
        if let Some(stop) = self.stop.take() {
            // A server that has ended by itself no longer listens to this.
            let _already_gone = stop.send(());
        }
        let ended = self
            .http
            .take()
            .map_or(Ok(()), |http| http.join().unwrap_or_else(|_| Err(Error::internal("the server panicked"))));
        if let Some(spans) = &self.app.observe.spans {
            spans.flush(SPANS_WAIT);
        }
        self.workers.drain(..).for_each(RunningWorkers::stop);
        self.ticking.store(false, Ordering::SeqCst);
        if let Some(ticker) = self.ticker.take() {
            ticker.thread().unpark();
            ticker.join().map_err(|_| Error::internal("the ticker panicked"))?;
            self.app.platform.serving.flush_and_commit()?;
            self.app.platform.serving.flush_comparisons()?;
        }
        ended
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            tracing::error!(?error, "the server did not stop cleanly");
        }
    }
}

/// Waits for an interrupt or a request to terminate.
pub(crate) fn wait_for_signal() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::internal)?;
    runtime.block_on(async {
        let mut terminate =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).map_err(Error::internal)?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted.map_err(Error::internal),
            _ = terminate.recv() => Ok(()),
        }
    })
}
