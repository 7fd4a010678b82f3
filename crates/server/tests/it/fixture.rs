//! A server around a tiny model.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use flyball_core::model::{Engine, Loaded, Model, TrainRequest, Trained, Trainer};
use flyball_core::{
    Clock, Feature, FeatureKind, Format, IdSource, Name, Package, Predictions, Result, Signature, SystemClock, Table,
    Task, Value,
};
use flyball_data::{Datasets, QueryEngine};
use flyball_egress::{Egress, Reach};
use flyball_governance::{SecretKey, Vault};
use flyball_jobs::Jobs;
use flyball_loops::platform::Platform;
use flyball_monitoring::notify::Notifier;
use flyball_registry::webhooks::Webhooks;
use flyball_server::{Access, App, Hub, Lanes, Observe, PointQueue, router};
use flyball_serving::{NewRevision, PredictionIds, Serving, Share, create_endpoint, create_revision, set_traffic};
use flyball_store::Blobs;
use flyball_testkit::TestDb;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

/// Late by distance: the probability is the distance over 1000; of the contrary model what is left to 1.
struct Late {
    signature: Signature,
    contrary: bool,
}

struct LateEngine;

/// Learns nothing: the parameter `kind` names the model.
struct LateTrainer;

impl Trainer for LateTrainer {
    fn name(&self) -> &'static str {
        "gbdt"
    }

    fn train(&self, request: &TrainRequest<'_>) -> Result<Trained> {
        let kind = request.parameters.get("kind").and_then(|kind| kind.as_str()).unwrap_or("classification");
        Ok(Trained {
            artifact: kind.as_bytes().to_vec(),
            signature: signature(Task::Classification),
            parameters: request.parameters.clone(),
            curve: None,
            importance: Vec::new(),
        })
    }
}

/// What the models take and give.
pub(crate) fn signature(task: Task) -> Signature {
    let feature = |name: &str, kind| Feature { name: name.to_owned(), kind };
    let features = vec![feature("distance", FeatureKind::Number), feature("origin", FeatureKind::Text)];
    let classes = if task == Task::Classification { vec!["on_time".to_owned(), "late".to_owned()] } else { Vec::new() };
    Signature { task, features, classes }
}

/// Queries are not what these tests are about.
struct NoQueries;

impl QueryEngine for NoQueries {
    fn sql(&self, _sql: &str, _tables: &[(String, Arc<Table>)]) -> Result<Table> {
        Err(flyball_core::Error::invalid("no queries here"))
    }

    fn referenced_tables(&self, _sql: &str) -> Result<Vec<String>> {
        Ok(Vec::new())
    }
}

impl Engine for LateEngine {
    fn name(&self) -> &'static str {
        "late"
    }

    fn reads(&self, format: Format) -> bool {
        format == Format::Onnx
    }

    fn state(&self) -> Result<String> {
        Ok("always".to_owned())
    }

    fn load(&self, package: &Package<'_>) -> Result<Loaded> {
        let artifact = package.main()?;
        let task = if artifact == b"regression" { Task::Regression } else { Task::Classification };
        let contrary = artifact.as_slice() == b"contrary";
        Ok(Loaded::Rows(Arc::new(Late { signature: signature(task), contrary })))
    }
}

impl Model for Late {
    fn memory_bytes(&self) -> u64 {
        1_000
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn predict(&self, rows: &Table) -> Result<Predictions> {
        let mut scores = Vec::new();
        for row in 0..rows.rows() {
            let distance = rows.column("distance")?.value(row);
            self.predict_row(&[distance], &mut scores)?;
        }
        Ok(Predictions { width: self.signature.width(), scores })
    }

    fn predict_row(&self, row: &[Value], scores: &mut Vec<f64>) -> Result<()> {
        let distance = row[0].number();
        assert!(distance != 666.0, "the model has a defect");
        if distance == 777.0 {
            std::thread::sleep(std::time::Duration::from_millis(300));
        }
        let late = if distance.is_nan() { 0.5 } else { distance / 1000.0 };
        let late = if self.contrary { 1.0 - late } else { late };
        if self.signature.width() == 2 {
            scores.push(1.0 - late);
        }
        scores.push(late);
        Ok(())
    }
}

pub(crate) struct TestServer {
    pub(crate) app: Arc<App>,
    pub(crate) router: Router,
    /// The services block, so that tests are plain functions and only requests run in here.
    pub(crate) runtime: Runtime,
    _db: TestDb,
    _folder: TempDir,
}

/// A response, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

impl TestServer {
    pub(crate) fn new() -> Self {
        Self::with(Access::local())
    }

    /// Serves `flights` (versions 1 and 2, half each) and `delays` (a regression).
    pub(crate) fn with(access: Access) -> Self {
        Self::watched(access, Observe::default())
    }

    pub(crate) fn watched(access: Access, observe: Observe) -> Self {
        let (db, folder) = (TestDb::sqlite(), tempfile::tempdir().unwrap());
        let blobs = Blobs::open(folder.path().to_str().unwrap()).unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let deploy = |endpoint: &'static str, kind: &'static [u8], shares: &'static [(i64, u16)]| {
            let artifact = blobs.put(kind).unwrap();
            let now = clock.now();
            let work = move |tx: &mut flyball_store::Tx<'_>| {
                let permit = flyball_governance::identity::local_user()?.edit();
                let (endpoint, model): (Name, Name) = (endpoint.parse()?, "late".parse()?);
                create_endpoint(tx, &permit, &endpoint, None, now)?;
                let mut split = Vec::new();
                for &(version, per_mille) in shares {
                    let (endpoint, model, loop_name) = (&endpoint, &model, None);
                    let new = NewRevision { endpoint, model, version, artifact, loop_name, interface: None, memory: 0 };
                    split.push(Share::new(create_revision(tx, &permit, &new, now)?.id, per_mille));
                }
                set_traffic(tx, &permit, &endpoint, &split, now)
            };
            db.write(work).unwrap();
        };
        deploy("flights", b"classification", &[(1, 500), (2, 500)]);
        deploy("delays", b"regression", &[(1, 1000)]);
        let ids = PredictionIds::random([7; 32]);
        let engines: Vec<Arc<dyn Engine>> = vec![Arc::new(LateEngine)];
        let serving = Serving::new(db.clone(), blobs.clone(), clock.clone(), engines.clone(), ids);
        let project_root = folder.path().to_path_buf();
        let datasets =
            Datasets::new(db.clone(), blobs.clone(), clock.clone(), Arc::new(NoQueries), project_root.clone());
        serving.refresh().unwrap();
        let platform = Platform {
            db: db.clone(),
            blobs,
            clock: clock.clone(),
            datasets: Arc::new(datasets),
            query: Arc::new(NoQueries),
            serving: Arc::new(serving),
            references: Arc::default(),
            engines,
            trainers: vec![Arc::new(LateTrainer)],
            project_root,
            address: None,
        };
        let app = App {
            platform,
            webhooks: Some(Webhooks::new(
                db.clone(),
                clock.clone(),
                Egress::new(Reach::Anywhere),
                SecretKey::new([9; 32]),
            )),
            notifier: Some(Notifier::new(
                db.clone(),
                clock.clone(),
                Egress::new(Reach::Anywhere),
                Vault::new(SecretKey::new([9; 32])),
                None,
            )),
            jobs: Jobs::new(db.clone(), clock.clone()),
            hub: Hub::default(),
            lanes: Lanes::new(clock.clone()).unwrap(),
            points: PointQueue::default(),
            access,
            ids: IdSource::random([8; 32]),
            observe,
        };
        let app = Arc::new(app);
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        Self { router: router(Arc::clone(&app)), app, runtime, _db: db, _folder: folder }
    }

    pub(crate) fn send(&self, request: Request<Body>) -> Answer {
        let (response, bytes) = self.runtime.block_on(async {
            let (head, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
            (head, to_bytes(body, usize::MAX).await.unwrap())
        });
        let (status, headers) = (response.status, response.headers);
        Answer { status, headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send(request(Method::GET, path, String::new()))
    }

    pub(crate) fn post(&self, path: &str, body: impl Into<String>) -> Answer {
        self.send(request(Method::POST, path, body.into()))
    }
}

pub(crate) fn request(method: Method, path: &str, body: String) -> Request<Body> {
    Request::builder().method(method).uri(path).header("host", "localhost:5050").body(Body::from(body)).unwrap()
}
