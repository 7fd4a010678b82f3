//! Serves a linear model of 30 numbers at `bench`, to measure what a request costs beside the model.
//! `cargo run --release -p flyball-server --example infer_server -- 127.0.0.1:5051 FOLDER`, then
//! `wrk -t1 -c64 -d5s -s post.lua http://127.0.0.1:5051/v2/models/bench/infer`.

use std::sync::Arc;
use std::time::Duration;

use flyball_core::model::{Engine, Model};
use flyball_core::{
    Clock, Contribution, Error, Feature, FeatureKind, IdSource, Name, Predictions, Result, Signature, SystemClock,
    Table, Task, Value,
};
use flyball_server::{Access, App, Hub, serve};
use flyball_serving::{NewRevision, PredictionIds, Serving, Share, create_endpoint, create_revision, set_traffic};
use flyball_store::{Blobs, DatabaseUrl, Db};
use tokio::runtime::Builder;

/// How often records are written.
const FLUSH: Duration = Duration::from_millis(500);

struct Linear(Signature);

struct LinearEngine;

impl Engine for LinearEngine {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn load(&self, _artifact: &[u8]) -> Result<Arc<dyn Model>> {
        let features = (0..30).map(|n| Feature { name: format!("f{n}"), kind: FeatureKind::Number }).collect();
        let classes = vec!["no".to_owned(), "yes".to_owned()];
        Ok(Arc::new(Linear(Signature { task: Task::Classification, features, classes })))
    }
}

impl Model for Linear {
    fn signature(&self) -> &Signature {
        &self.0
    }

    fn predict(&self, rows: &Table) -> Result<Predictions> {
        let mut scores = Vec::new();
        (0..rows.rows()).try_for_each(|row| self.predict_row(&rows.row(row), &mut scores))?;
        Ok(Predictions { width: 2, scores })
    }

    fn predict_row(&self, row: &[Value], scores: &mut Vec<f64>) -> Result<()> {
        let sum: f64 = row.iter().map(Value::number).sum();
        let yes = 1.0 / (1.0 + (-sum).exp());
        scores.extend([1.0 - yes, yes]);
        Ok(())
    }

    fn explain_row(&self, _row: &[Value]) -> Result<Option<(f64, Vec<Contribution>)>> {
        Ok(None)
    }
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:5051".to_owned());
    let folder = arguments.next().ok_or_else(|| Error::invalid("the second argument is a folder for the data"))?;
    let db = Db::open(&DatabaseUrl::Sqlite(format!("{folder}/flyball.db").into()))?;
    let blobs = Blobs::open(&folder)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let (artifact, now) = (blobs.put(b"linear")?, clock.now());
    db.write(move |tx| {
        let permit = flyball_governance::identity::local_user()?.edit();
        let name: Name = "bench".parse()?;
        create_endpoint(tx, &permit, &name, None, now)?;
        let new = NewRevision { endpoint: &name, model: &name, version: 1, artifact, loop_name: None };
        let revision_id = create_revision(tx, &permit, &new, now)?.id;
        set_traffic(tx, &permit, &name, &[Share { revision_id, per_mille: 1000 }], now)
    })?;
    let ids = PredictionIds::random([1; 32]);
    let serving = Arc::new(Serving::new(db.clone(), blobs, Arc::clone(&clock), vec![Arc::new(LinearEngine)], ids));
    serving.refresh()?;
    let flushing = Arc::clone(&serving);
    std::thread::spawn(move || {
        while flushing.flush_and_commit().is_ok() {
            std::thread::sleep(FLUSH);
        }
    });
    let ids = IdSource::random([2; 32]);
    let app = Arc::new(App { db, clock, serving, hub: Hub::default(), access: Access::local(), ids });
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(Error::internal)?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(&address).await.map_err(Error::internal)?;
        serve(Arc::clone(&app), listener, std::future::pending()).await
    })
}
