//! Puts the product together: the only place that names the engines.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use flyball_core::{Clock, Error, ErrorCode, Result, SystemClock, Timestamp, VirtualClock};
use flyball_data::Datasets;
use flyball_egress::{Egress, Reach};
use flyball_engine_query::DataFusionEngine;
use flyball_engine_tabular::trainers;
use flyball_governance::{SecretKey, Vault, identity};
use flyball_jobs::{Jobs, Runner};
use flyball_loops::jobs::LoopJobs;
use flyball_loops::platform::Platform;
use flyball_loops::simulate;
use flyball_monitoring::notify::Notifier;
use flyball_registry::webhooks::Webhooks;
use flyball_serving::{PredictionIds, Serving};
use flyball_store::lock::DataDirLock;
use flyball_store::{Blobs, DatabaseUrl, Db};
use flyball_tracking::experiments;
use serde_json::json;

use crate::args::ModelOptions;
use crate::engines;

/// Memory that SQL over datasets may use at once: a quarter of the demo's budget of 500 MB would starve a join of the
/// year with its weather, half of it does not.
const QUERY_MEMORY_BYTES: usize = 256 * 1024 * 1024;

/// Where state is kept.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The folder of the project: relative paths of the loop file start here.
    pub(crate) project: PathBuf,
    /// The folder of all local state.
    pub(crate) data_dir: PathBuf,
    /// The database, when it is not the SQLite file in the data folder.
    pub(crate) database: Option<String>,
    /// The blob store, when it is not the folder in the data folder.
    pub(crate) artifacts: Option<String>,
    /// Whether webhooks may call private addresses, and without TLS.
    pub(crate) webhook_allow_private: bool,
    /// How models are run.
    pub(crate) models: ModelOptions,
}

/// The product, put together over a data folder that nobody else uses.
pub(crate) struct Product {
    /// The services.
    pub(crate) platform: Platform,
    /// The job queue.
    pub(crate) jobs: Jobs,
    /// What runs the jobs.
    pub(crate) runner: Runner,
    /// Held as long as the product lives.
    pub(crate) lock: DataDirLock,
}

impl Product {
    /// The product on the machine's clock; `address` is told to training commands. A folder in which a simulation was played
    /// is looked at as it was left: its clock stands still, and nothing that it has planned happens by itself.
    pub(crate) fn live(places: &Places, address: Option<String>) -> Result<Self> {
        let mut entropy = [0u8; 32];
        getrandom::fill(&mut entropy).map_err(Error::internal)?;
        let lock = lock(places)?;
        let db = database(places)?;
        let permit = identity::local_user()?.edit().read();
        let played = db.read(|tx| simulate::latest(tx, &permit))?;
        let clock: Arc<dyn Clock> = match played {
            Some(progress) => Arc::new(VirtualClock::at(progress.now)),
            None => Arc::new(SystemClock::default()),
        };
        Self::open(places, (lock, db), clock, PredictionIds::random(entropy), address)
    }

    /// The product on a virtual clock that stands at `start`, with ids that follow from what they name.
    pub(crate) fn simulated(places: &Places, start: Timestamp) -> Result<(Self, Arc<VirtualClock>)> {
        let clock = Arc::new(VirtualClock::at(start));
        let held = (lock(places)?, database(places)?);
        Ok((Self::open(places, held, clock.clone(), PredictionIds::Derived, None)?, clock))
    }

    fn open(
        places: &Places,
        (lock, db): (DataDirLock, Db),
        clock: Arc<dyn Clock>,
        ids: PredictionIds,
        address: Option<String>,
    ) -> Result<Self> {
        let (owner, now) = (identity::local_user()?.edit(), clock.now());
        db.write(move |tx| experiments::ensure_default(tx, &owner, now))?;
        let local = places.data_dir.join("blobs");
        let blobs = match &places.artifacts {
            Some(url) => Blobs::connect(url, &places.data_dir.join("staging"), variables())?,
            None => Blobs::open(&local.to_string_lossy())?,
        };
        let query = Arc::new(DataFusionEngine::new(1, QUERY_MEMORY_BYTES)?);
        let datasets = Datasets::new(db.clone(), blobs.clone(), clock.clone(), query.clone(), places.project.clone());
        let engines = engines::all(&places.models, &places.data_dir);
        let serving = Serving::new(db.clone(), blobs.clone(), clock.clone(), engines.clone(), ids);
        serving.set_memory_budget(engines::memory_budget(&places.models));
        let jobs = Jobs::new(db.clone(), clock.clone());
        let platform = Platform {
            db,
            blobs,
            clock,
            datasets: Arc::new(datasets),
            query,
            serving: Arc::new(serving),
            references: Arc::default(),
            engines,
            trainers: trainers(),
            project_root: places.project.clone(),
            address,
        };
        let runner = Runner::new(jobs.clone(), vec![Arc::new(LoopJobs::new(platform.clone()))]);
        platform.serving.refresh()?;
        Ok(Self { platform, jobs, runner, lock })
    }
}

/// What tells others: webhooks of the registry, and notifications of alerts. Their secrets are sealed with the key in the
/// data folder.
pub(crate) fn tellers(places: &Places, platform: &Platform) -> Result<(Webhooks, Notifier)> {
    let mut fresh = [0u8; 32];
    getrandom::fill(&mut fresh).map_err(Error::internal)?;
    let key = SecretKey::of_file(&places.data_dir.join("secret.key"), fresh)?;
    let reach = if places.webhook_allow_private { Reach::Anywhere } else { Reach::Public };
    let (db, clock, egress) = (&platform.db, &platform.clock, Egress::new(reach));
    let webhooks = Webhooks::new(db.clone(), clock.clone(), egress.clone(), key.clone());
    Ok((webhooks, Notifier::new(db.clone(), clock.clone(), egress, Vault::new(key), platform.address.clone())))
}

fn database(places: &Places) -> Result<Db> {
    let url = match &places.database {
        Some(url) => url.parse()?,
        None => DatabaseUrl::Sqlite(places.data_dir.join("flyball.db")),
    };
    Db::open(&url)
}

/// Takes the data folder for this process.
pub(crate) fn lock(places: &Places) -> Result<DataDirLock> {
    make_folder(&places.data_dir)?;
    DataDirLock::acquire(&places.data_dir, &json!({ "pid": std::process::id() }))
}

/// The variables of the environment that are text.
pub(crate) fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

fn make_folder(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).map_err(|error| {
        Error::new(ErrorCode::Unavailable, format!("cannot make the data folder {}: {error}", path.display()))
            .hint("choose another with --data-dir")
    })
}
