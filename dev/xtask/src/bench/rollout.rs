//! Rollouts under load: whether a request is lost while traffic moves, whether the shares are met, and how long a version
//! that fails is left with traffic.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Map, Value, json};

use super::load::Connection;
use super::process::Server;
use super::{round, round3, scratch, text};
use crate::run::{self, root};
use crate::setup;

/// Connections that ask all the time.
const CONNECTIONS: usize = 8;
/// Requests of all phases together, at least.
const REQUESTS: usize = 100_000;
/// The shares of the rollouts, per mille, and how each ends: ten switches and two rollbacks.
const ROLLOUTS: [(&[u32], &str); 3] =
    [(&[10, 50, 100, 200], "abort"), (&[100, 200], "abort"), (&[50, 500, 900], "promote")];
/// How far a share may be off.
const OFF: f64 = 0.01;
/// How long a version that fails may have traffic.
const BACK_SECONDS: f64 = 30.0;
/// How often that is measured.
const ROUNDS: usize = 3;

/// The number of requests of a phase after which one percent is more than three standard deviations, or a few.
fn enough(share: u32) -> usize {
    let share = f64::from(share) / 1000.0;
    (3.4f64.powi(2) * share * (1.0 - share) / OFF.powi(2)).max(3_000.0) as usize
}

/// A request that was answered.
struct Asked {
    from: Instant,
    to: Instant,
    version: i64,
}

/// A span with one split: from the answer that confirms it until the next change is asked for.
struct Phase {
    /// When its change was asked for.
    asked: Instant,
    from: Instant,
    to: Instant,
    share: u32,
}

impl Phase {
    fn has(&self, version: i64) -> bool {
        if version == 1 { self.share < 1000 } else { version == 2 && self.share > 0 }
    }
}

/// A server with the versions that are needed.
struct Flyball<'a> {
    address: &'a str,
}

impl Flyball<'_> {
    fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let path = format!("/api/v1/endpoints/{path}");
        Ok(serde_json::from_slice(Connection::open(self.address)?.call(method, &path, &body.to_string())?)?)
    }

    fn deploy(&self, endpoint: &str, model: &str) -> Result<()> {
        let parts = json!({ "parts": [{ "model": model, "version": 1, "per_mille": 1000 }] });
        self.call("PUT", &format!("{endpoint}/traffic"), &parts).map(drop)
    }

    fn rollout(&self, endpoint: &str, model: &str, plan: Value) -> Result<()> {
        let mut body = plan;
        body["model"] = json!(model);
        body["version"] = json!(2);
        self.call("POST", &format!("{endpoint}/rollouts"), &body).map(drop)
    }

    fn say(&self, endpoint: &str, word: &str) -> Result<()> {
        self.call("PUT", &format!("{endpoint}/rollouts/current"), &json!({ "say": word })).map(drop)
    }
}

/// Goals: no request lost, each share within one percent, a version that fails without traffic after 30 seconds.
pub(super) fn run(binary: &Path) -> Result<Value> {
    let folder = scratch("rollout")?;
    let python = std::env::var("FLYBALL_PYTHON").map_or_else(|_| setup::python(), |path| Ok(path.into()))?;
    let (project, cache) = (text(folder.path()), text(&folder.path().join("cache")));
    let options = ["--project", &project, "--cache-dir", &cache, "--model-python", &text(&python)];
    let (server, address) = Server::flyball(binary, &options)?;
    let mut log = Command::new(&python);
    log.arg(root().join("dev/conformance/oip/log_models.py")).arg(format!("http://{address}"));
    run::run(log.args(["booster", "times"]).env("MLFLOW_DISABLE_TELEMETRY", "true").stdout(Stdio::null()))?;
    let flyball = Flyball { address: &address };
    let mut figures = switches(&flyball)?;
    figures.extend(back(&flyball)?);
    drop(server);
    Ok(Value::Object(figures))
}

/// Keeps all connections busy until `stopped`; what one of them fails with ends all.
fn ask(address: &str, stopped: &AtomicBool, count: &AtomicUsize) -> Result<Vec<Asked>> {
    let all = Mutex::new(Vec::with_capacity(2 * REQUESTS));
    let one = |number: usize| -> Result<()> {
        let mut connection = Connection::open(address)?;
        let mut own = Vec::new();
        let input = |name: &str, value: f64| json!({ "name": name, "shape": [1], "datatype": "FP64", "data": [value] });
        let inputs = json!([input("a", 0.5), input("b", -1.0), input("c", 0.25), input("d", 2.0)]).to_string();
        while !stopped.load(Relaxed) {
            let key = format!("{number}-{}", own.len());
            let body = format!(r#"{{"parameters":{{"key":"{key}"}},"inputs":{inputs}}}"#);
            let from = Instant::now();
            let answer = connection.call("POST", "/v2/models/points/infer", &body)?;
            let to = Instant::now();
            let version = version(answer).context("an answer without a version")?;
            own.push(Asked { from, to, version });
            count.fetch_add(1, Relaxed);
        }
        all.lock().map_err(|_| anyhow!("a connection panicked"))?.append(&mut own);
        Ok(())
    };
    std::thread::scope(|scope| -> Result<()> {
        let start = |number| {
            let one = &one;
            scope.spawn(move || one(number).inspect_err(|_| stopped.store(true, Relaxed)))
        };
        let threads: Vec<_> = (0..CONNECTIONS).map(start).collect();
        let ends = threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow!("a connection panicked"))?);
        ends.collect::<Vec<_>>().into_iter().collect()
    })?;
    all.into_inner().map_err(|_| anyhow!("a connection panicked"))
}

/// The version in the JSON of an answer.
fn version(answer: &[u8]) -> Option<i64> {
    let (_, rest) = std::str::from_utf8(answer).ok()?.split_once(r#""model_version":""#)?;
    rest.split('"').next()?.parse().ok()
}

/// Traffic that moves ten times and is taken back twice.
fn switches(flyball: &Flyball<'_>) -> Result<Map<String, Value>> {
    flyball.deploy("points", "booster")?;
    let (stopped, count) = (AtomicBool::new(false), AtomicUsize::new(0));
    let started = Instant::now();
    let (phases, asked) = std::thread::scope(|scope| -> Result<_> {
        let asking = scope.spawn(|| ask(flyball.address, &stopped, &count));
        let moved = move_traffic(flyball, &stopped, &count);
        stopped.store(true, Relaxed);
        let asked = asking.join().map_err(|_| anyhow!("a connection panicked"))?;
        Ok((moved?, asked?))
    })?;
    let seconds = started.elapsed().as_secs_f64();
    let (mut strangers, mut worst, mut slowest) = (0, 0.0f64, 0.0f64);
    for one in &asked {
        // While a change is on its way both splits may answer.
        let had = |(place, phase): (usize, &Phase)| {
            let until = phases.get(place + 1).map_or(one.to, |next| next.from);
            one.to >= phase.asked && one.from <= until && phase.has(one.version)
        };
        strangers += usize::from(!phases.iter().enumerate().any(had));
        slowest = slowest.max((one.to - one.from).as_secs_f64());
    }
    for phase in &phases {
        let own = asked.iter().filter(|one| one.from >= phase.from && one.to <= phase.to);
        let (mut all, mut second) = (0.0, 0.0);
        for one in own {
            all += 1.0;
            second += f64::from(u8::from(one.version == 2));
        }
        let (got, wanted) = (second / all, f64::from(phase.share) / 1000.0);
        eprintln!("  share {:>5.1} %: {:>5.2} % of {all} requests", wanted * 100.0, got * 100.0);
        worst = worst.max((got - wanted).abs());
    }
    if strangers > 0 || worst > OFF || asked.len() < REQUESTS {
        let off = worst * 100.0;
        bail!(
            "of {} requests {strangers} were answered by a version without a share; a share was off by {off} %",
            asked.len()
        );
    }
    let mut figures = Map::new();
    figures.insert("requests".into(), json!(asked.len()));
    figures.insert("requests lost".into(), json!(0));
    figures.insert("changes of the traffic".into(), json!(phases.len() - 1));
    figures.insert("share off by at most %".into(), round3(worst * 100.0));
    figures.insert("requests/s".into(), round(asked.len() as f64 / seconds));
    figures.insert("slowest request ms".into(), round(slowest * 1000.0));
    Ok(figures)
}

/// Moves the traffic of `points` as [`ROLLOUTS`] says, with enough requests between.
fn move_traffic(flyball: &Flyball<'_>, stopped: &AtomicBool, count: &AtomicUsize) -> Result<Vec<Phase>> {
    let mut phases = Vec::new();
    let mut phase = |asked: Instant, share: u32, least: usize| -> Result<()> {
        let from = Instant::now();
        let wanted = (count.load(Relaxed) + enough(share)).max(least);
        while count.load(Relaxed) < wanted {
            if stopped.load(Relaxed) {
                bail!("the requests ended early");
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        phases.push(Phase { asked, from, to: Instant::now(), share });
        Ok(())
    };
    phase(Instant::now(), 0, 0)?;
    for (steps, last) in ROLLOUTS {
        for (place, share) in steps.iter().enumerate() {
            let asked = Instant::now();
            if place == 0 {
                flyball.rollout("points", "booster", json!({ "steps": steps, "bake_ms": 86_400_000 }))?;
            } else {
                flyball.say("points", "promote")?;
            }
            phase(asked, *share, 0)?;
        }
        let asked = Instant::now();
        flyball.say("points", last)?;
        let (share, least) = if last == "abort" { (0, 0) } else { (1000, REQUESTS) };
        phase(asked, share, least)?;
    }
    Ok(phases)
}

/// How long a version that fails keeps its traffic, with the command's own intervals.
fn back(flyball: &Flyball<'_>) -> Result<Map<String, Value>> {
    let mut slowest = 0.0f64;
    let mut failed = 0;
    flyball.deploy("times", "times")?;
    for _ in 0..ROUNDS {
        let plan =
            json!({ "steps": [100, 500], "bake_ms": 600_000, "every_ms": 5_000, "abort_if": ["error_rate > 5%"] });
        let started = Instant::now();
        flyball.rollout("times", "times", plan)?;
        loop {
            let answer = Connection::open(flyball.address)?
                .call("POST", "/api/v1/endpoints/times/predict", r#"{"rows":[{"x":1}]}"#)
                .map(drop);
            failed += usize::from(answer.is_err());
            let shown = flyball.call("GET", "times", &Value::Null)?;
            // Not only decided: the first version has all traffic again.
            let is_back = shown["endpoint"]["revisions"][0]["share"] == 1.0;
            if is_back && shown["rollouts"][0]["state"] == "aborted" {
                break;
            }
            if started.elapsed().as_secs_f64() > 4.0 * BACK_SECONDS {
                bail!("the version that fails still has traffic: {shown}");
            }
        }
        slowest = slowest.max(started.elapsed().as_secs_f64());
    }
    if slowest > BACK_SECONDS {
        bail!("a version that fails was rolled back after {slowest:.1} s; the goal is {BACK_SECONDS} s");
    }
    let mut figures = Map::new();
    figures.insert("bad version rolled back after s".into(), round(slowest));
    figures.insert("requests that failed meanwhile".into(), json!(failed));
    Ok(figures)
}
