//! Requests to an endpoint in the background, one after another on connections that are kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use ureq::Agent;

use crate::product::Server;

/// One request that was answered.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) from: Instant,
    pub(crate) to: Instant,
    pub(crate) status: u16,
    /// Who answered, when somebody did.
    pub(crate) version: Option<i64>,
    pub(crate) text: String,
}

/// Requests that go on until they are stopped.
pub(crate) struct Load {
    stopped: Arc<AtomicBool>,
    count: Arc<AtomicUsize>,
    threads: Vec<JoinHandle<Vec<Asked>>>,
}

impl Load {
    /// Asks for a row again and again, on so many connections. Each request has a key of its own. A request without an
    /// answer is a failure of the test.
    pub(crate) fn start(server: &Server, endpoint: &str, row: &Value, connections: usize) -> Self {
        let (stopped, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let url = format!("{}/api/v1/endpoints/{endpoint}/predict", server.address);
        let thread = |place: usize| {
            let (stopped, count, url, row) = (Arc::clone(&stopped), Arc::clone(&count), url.clone(), row.clone());
            let config = Agent::config_builder().http_status_as_error(false);
            let agent: Agent = config.timeout_global(Some(Duration::from_secs(60))).build().into();
            std::thread::spawn(move || {
                let mut asked = Vec::new();
                while !stopped.load(Relaxed) {
                    let key = format!("{place}-{}", asked.len());
                    let from = Instant::now();
                    let mut answer = agent.post(&url).send_json(json!({ "rows": [row], "keys": [key] })).unwrap();
                    let status = answer.status().as_u16();
                    let text = answer.body_mut().read_to_string().unwrap();
                    let told: Value = serde_json::from_str(&text).unwrap();
                    let version = told["predictions"][0]["version"].as_i64();
                    asked.push(Asked { from, to: Instant::now(), status, version, text });
                    count.fetch_add(1, Relaxed);
                }
                asked
            })
        };
        let threads = (0..connections).map(thread).collect();
        Self { stopped, count, threads }
    }

    /// How many were answered so far.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Relaxed)
    }

    /// Ends them and tells what was answered.
    pub(crate) fn stop(self) -> Vec<Asked> {
        self.stopped.store(true, Relaxed);
        self.threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    }
}

/// Fails unless all were answered; tells how many each version answered.
pub(crate) fn all_answered(asked: &[Asked], versions: &[i64]) -> Vec<usize> {
    assert!(!asked.is_empty(), "nothing was asked");
    for one in asked {
        assert!(one.status == 200 && one.version.is_some_and(|version| versions.contains(&version)), "{one:?}");
    }
    versions.iter().map(|version| asked.iter().filter(|one| one.version == Some(*version)).count()).collect()
}
