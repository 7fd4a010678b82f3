//! A small world around the real loop, on a virtual clock: requests come, truths follow a day later, files grow, windows
//! close, remedies act; and anything of it can be made to go wrong.

use std::fmt::Write;
use std::sync::Arc;

use flyball_core::rng::Rng;
use flyball_core::{Clock, Digest, Duration, Error, Result, Table, Timestamp, Value, VirtualClock};
use flyball_data::{Datasets, QueryEngine};
use flyball_engine_tabular::Linear;
use flyball_governance::identity;
use flyball_jobs::{Jobs, Runner};
use flyball_loops::apply::{Applied, apply};
use flyball_loops::jobs::LoopJobs;
use flyball_loops::platform::Platform;
use flyball_loops::remedy::ServingWatch;
use flyball_monitoring::alert::{AlertKind, AlertState};
use flyball_monitoring::{WindowReport, store as monitoring};
use flyball_registry::packages;
use flyball_remedies::{PastAction, State, store as remedies};
use flyball_serving::model::{RowRequest, Truth, TruthValue};
use flyball_serving::rollout::store as rollouts;
use flyball_serving::{PredictionIds, Serving, truth};
use flyball_store::{Blobs, params};
use flyball_testkit::TestDb;
use tempfile::TempDir;

use crate::broken::{BreakableEngine, Fault, Faults};

pub(crate) const LOOP: &str = "late";
/// 2024-01-01.
const START: Timestamp = Timestamp(1_704_067_200_000);
/// Requests of a day.
const ROWS: usize = 600;
/// Days of history before the first request.
const HISTORY: i64 = 20;

/// What happens, before anything goes wrong with it.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// Degrees Fahrenheit.
    pub(crate) temperature: f64,
    /// Knots.
    pub(crate) wind: f64,
    pub(crate) site: &'static str,
    /// Added to the log-odds of being late.
    pub(crate) odds: f64,
}

/// What goes wrong with an event on its way: what happens stays as it was.
pub(crate) type Way<'a> = &'a dyn Fn(&mut Event, &mut Rng);

/// Nothing goes wrong.
pub(crate) fn well(_: &mut Event, _: &mut Rng) {}

struct NoQueries;

impl QueryEngine for NoQueries {
    fn sql(&self, _sql: &str, _tables: &[(String, Arc<Table>)]) -> Result<Table> {
        Err(Error::invalid("no queries here"))
    }

    fn referenced_tables(&self, _sql: &str) -> Result<Vec<String>> {
        Ok(Vec::new())
    }
}

pub(crate) struct World {
    pub(crate) platform: Platform,
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) rows: usize,
    faults: Arc<Faults>,
    runner: Runner,
    watch: ServingWatch,
    rng: Rng,
    /// Whole days that have passed since the start.
    day: i64,
    /// Truths that are not known yet.
    untold: Vec<Truth>,
    /// How many days late truths come, beside the day that they always take.
    pub(crate) labels_late: i64,
    /// How often each is told.
    pub(crate) labels_told: usize,
    /// Whether the records of a day are lost as soon as they are written.
    pub(crate) losing: bool,
    /// The places of the records that are lost, and what was there.
    lost: Vec<(i64, String)>,
    /// How many requests of a day in a row have the same key.
    pub(crate) per_key: usize,
    _db: TestDb,
    folder: TempDir,
}

impl World {
    /// A loop with these remedies whose first version serves.
    pub(crate) fn new(remedies: &str) -> Self {
        Self::with("window: 1d", remedies)
    }

    pub(crate) fn with(window: &str, remedies: &str) -> Self {
        let (db, folder) = (TestDb::sqlite(), tempfile::tempdir().unwrap());
        let clock = Arc::new(VirtualClock::at(START));
        let blobs = Blobs::open(folder.path().join("blobs").to_str().unwrap()).unwrap();
        let faults = Arc::new(Faults::default());
        let engine = Arc::new(BreakableEngine { faults: Arc::clone(&faults), clock: Arc::clone(&clock) });
        let engines: Vec<Arc<dyn flyball_core::model::Engine>> = vec![engine];
        let root = folder.path().to_path_buf();
        let time: Arc<dyn Clock> = clock.clone();
        let serving =
            Serving::new(db.clone(), blobs.clone(), time.clone(), engines.clone(), PredictionIds::random([7; 32]));
        let datasets = Datasets::new(db.clone(), blobs.clone(), time.clone(), Arc::new(NoQueries), root.clone());
        let platform = Platform {
            db: db.clone(),
            blobs,
            clock: time.clone(),
            datasets: Arc::new(datasets),
            query: Arc::new(NoQueries),
            serving: Arc::new(serving),
            references: Arc::default(),
            engines,
            trainers: vec![Arc::new(Linear)],
            project_root: root,
            address: None,
        };
        let jobs = Jobs::new(db.clone(), time);
        let runner = Runner::new(jobs, vec![Arc::new(LoopJobs::new(platform.clone()))]);
        let mut world = Self {
            platform,
            clock,
            rows: ROWS,
            faults,
            runner,
            watch: ServingWatch::default(),
            rng: Rng::seeded(11),
            day: -HISTORY,
            untold: Vec::new(),
            labels_late: 0,
            labels_told: 1,
            losing: false,
            lost: Vec::new(),
            per_key: 1,
            _db: db,
            folder,
        };
        std::fs::create_dir(world.folder.path().join("data")).unwrap();
        for day in -HISTORY..0 {
            let events = (0..ROWS).map(|row| world.event(day, row, &well)).collect::<Vec<_>>();
            world.write(day, &events);
        }
        world.day = 0;
        world.apply(window, remedies).unwrap();
        world.settle();
        assert_eq!(world.version(), (LOOP.to_owned(), 1), "the first version serves");
        world
    }

    /// Applies the loop with another section `monitor` and other remedies.
    pub(crate) fn apply(&self, window: &str, remedies: &str) -> Result<Applied> {
        let text = LOOP_FILE.replace("@window", window).replace("@remedies", remedies);
        apply(&self.platform, &identity::local_user().unwrap().edit(), &text)
    }

    /// One event: what is served of it, its key and time, and what really happens.
    fn event(&mut self, day: i64, row: usize, way: Way<'_>) -> (Event, String, Timestamp, bool) {
        let at = START + Duration::days(day) + Duration::millis(86_400_000 / ROWS as i64 * row as i64);
        let rng = &mut self.rng;
        let bell = |rng: &mut Rng| (0..12).map(|_| rng.unit()).sum::<f64>() - 6.0;
        let mut event = Event {
            temperature: 60.0 + 12.0 * bell(rng),
            wind: 10.0 + 3.0 * bell(rng),
            site: ["north", "south", "west"][rng.below(3)],
            odds: 0.0,
        };
        let site = if event.site == "south" { 0.6 } else { 0.0 };
        let sound = event.clone();
        way(&mut event, rng);
        let odds = (sound.temperature - 60.0) / 9.0 + (sound.wind - 10.0) / 4.0 + site - 0.6 + event.odds;
        let late = rng.unit() < 1.0 / (1.0 + (-odds).exp());
        (event, format!("e{day}-{}", row / self.per_key), at, late)
    }

    /// Adds a day to the files that trainings read.
    fn write(&self, day: i64, events: &[(Event, String, Timestamp, bool)]) {
        let mut text = "id,at,temperature,wind,site,late\n".to_owned();
        for (event, key, at, late) in events {
            let number = |x: f64| if x.is_nan() { String::new() } else { x.to_string() };
            let late = if *late { "yes" } else { "no" };
            let (temperature, wind) = (number(event.temperature), number(event.wind));
            writeln!(text, "{key},{at},{temperature},{wind},{},{late}", event.site).unwrap();
        }
        std::fs::write(self.folder.path().join(format!("data/{:03}.csv", day + HISTORY)), text).unwrap();
    }

    /// Serves a day, tells the truths that are due, and lets everything happen that is due at its end.
    pub(crate) fn day(&mut self, way: Way<'_>) {
        let day = self.day;
        let events: Vec<_> = (0..self.rows).map(|row| self.event(day, row, way)).collect();
        for (event, key, at, late) in &events {
            self.clock.advance_to(*at);
            self.ask(event, key, Some(*at));
            let value = TruthValue::Class(if *late { "yes" } else { "no" }.to_owned());
            self.untold.push(Truth { key: key.clone(), value, happened_at: *at });
        }
        self.day += 1;
        let end = START + Duration::days(self.day);
        self.clock.advance_to(end + Duration::seconds(1));
        self.tell(end - Duration::days(1 + self.labels_late));
        self.write(day, &events);
        self.settle();
        if self.losing {
            self.lose(end - Duration::days(1));
        }
        self.clock.advance_to(end + Duration::seconds(10));
        self.settle();
    }

    /// Loses the records since a moment.
    fn lose(&mut self, since: Timestamp) {
        let found = self.platform.db.read(|tx| {
            let rows =
                tx.query("SELECT first_sequence, digest FROM record_segments WHERE at_from >= $1", &params![since])?;
            rows.iter().map(|row| Ok((row.get("first_sequence")?, row.get("digest")?))).collect::<Result<Vec<_>>>()
        });
        for (sequence, digest) in found.unwrap() {
            self.point(sequence, Digest::of(b"lost").to_string());
            self.lost.push((sequence, digest));
        }
    }

    /// Finds all records again that were lost.
    pub(crate) fn find(&mut self) {
        self.losing = false;
        std::mem::take(&mut self.lost).into_iter().for_each(|(sequence, digest)| self.point(sequence, digest));
    }

    fn point(&self, sequence: i64, digest: String) {
        let sql = "UPDATE record_segments SET digest = $1 WHERE first_sequence = $2";
        self.platform.db.write(move |tx| tx.execute(sql, &params![digest.as_str(), sequence])).unwrap();
    }

    /// Nothing comes and nothing runs for some days, as when a machine sleeps.
    pub(crate) fn sleep(&mut self, days: i64) {
        self.day += days;
        self.clock.advance_to(START + Duration::days(self.day) + Duration::seconds(1));
        self.settle();
    }

    pub(crate) fn days(&mut self, days: usize, way: Way<'_>) {
        (0..days).for_each(|_| self.day(way));
    }

    /// Tells the truths of what happened before a moment.
    fn tell(&mut self, before: Timestamp) {
        let (told, untold) = std::mem::take(&mut self.untold).into_iter().partition(|t: &Truth| t.happened_at < before);
        self.untold = untold;
        let (permit, now, told) =
            (identity::local_user().unwrap().edit(), self.clock.now(), Vec::from_iter::<Vec<Truth>>(told));
        for _ in 0..self.labels_told {
            let (permit, told) = (permit.clone(), told.clone());
            self.platform.db.write(move |tx| truth::record_truths(tx, &permit, LOOP, &told, now)).unwrap();
        }
    }

    fn ask(&self, event: &Event, key: &str, at: Option<Timestamp>) {
        let values = [Value::Float(event.temperature), Value::Float(event.wind), Value::Text(Arc::from(event.site))];
        let request = RowRequest { key: Some(key), at, values: &values, version: None };
        // A model that fails is what the remedies are there for; its record says so.
        drop(self.platform.serving.infer_row(LOOP, request));
    }

    /// Serves for some seconds, so many requests in each, while the endpoints are watched every second as in a server.
    /// Answers after how many of them a remedy acted first.
    pub(crate) fn traffic(&mut self, seconds: i64, requests: usize) -> Option<i64> {
        let (began, mut acted) = (self.clock.now(), None);
        for second in 0..seconds {
            for request in 0..requests {
                let key = format!("t{}-{second}-{request}", began.0);
                let (event, ..) = self.event(self.day, request, &well);
                self.ask(&event, &key, None);
            }
            self.clock.advance_to(began + Duration::seconds(second + 1));
            if self.watch.look(&self.platform).unwrap() && acted.is_none() {
                acted = Some((self.clock.now() - began).0 / 1000);
            }
            self.settle();
        }
        acted
    }

    /// Writes the records and runs what is due.
    pub(crate) fn settle(&mut self) {
        self.platform.serving.flush_and_commit().unwrap();
        self.runner.replay_due().unwrap();
        self.platform.serving.refresh().unwrap();
    }

    /// The model and the version that answer.
    pub(crate) fn version(&self) -> (String, i64) {
        let live = self.platform.serving.endpoint(LOOP).unwrap();
        let revision = &live.revisions.iter().max_by_key(|live| live.per_mille).unwrap().revision;
        (revision.model.to_string(), revision.version)
    }

    /// Breaks a version of the loop's model, or mends it.
    pub(crate) fn fault(&self, version: i64, fault: Option<Fault>) {
        let permit = identity::local_user().unwrap().edit().read();
        let found = self.platform.db.read(|tx| packages::get(tx, &permit, LOOP, version)).unwrap();
        self.faults.set(found.artifact, fault);
    }

    /// Everything that remedies did or held back, oldest first.
    pub(crate) fn actions(&self) -> Vec<PastAction> {
        let permit = identity::local_user().unwrap().edit().read();
        let mut actions = self.platform.db.read(|tx| remedies::since(tx, &permit, LOOP, Timestamp(0))).unwrap();
        actions.reverse();
        actions
    }

    /// What was not held back, as lines: the day, the action, how it stands, the first cause, and whether it helped.
    pub(crate) fn story(&self) -> Vec<String> {
        let line = |action: &PastAction| {
            let day = (action.at - START).0.div_euclid(Duration::days(1).0);
            let cause = action.diagnosis[0]["kind"].as_str().unwrap_or("-").to_owned();
            let help = action.help.map_or("-", |help| help.as_str());
            format!("day {day}: {} {} for {cause}, {help}", action.action, action.state.as_str())
        };
        self.actions().iter().filter(|action| action.state != State::Held).map(line).collect()
    }

    /// The judged windows, oldest first.
    pub(crate) fn windows(&self) -> Vec<WindowReport> {
        let permit = identity::local_user().unwrap().edit().read();
        let mut windows = self.platform.db.read(|tx| monitoring::windows(tx, &permit, LOOP, 1000)).unwrap();
        windows.reverse();
        windows
    }

    /// The alerts of a kind that are firing, in words.
    pub(crate) fn firing(&self, kind: AlertKind) -> Vec<String> {
        let permit = identity::local_user().unwrap().edit().read();
        let alerts = self.platform.db.read(|tx| monitoring::alerts(tx, &permit, Some(LOOP), 100)).unwrap();
        let firing = alerts.into_iter().filter(|alert| alert.kind == kind && alert.state == AlertState::Firing);
        firing.map(|alert| alert.summary).collect()
    }

    /// How often traffic has moved.
    pub(crate) fn rollouts(&self) -> usize {
        let permit = identity::local_user().unwrap().edit().read();
        self.platform.db.read(|tx| rollouts::list(tx, &permit, LOOP, 100)).unwrap().len()
    }
}

pub(crate) const LOOP_FILE: &str = "name: late
task: classification
data:
  rows: { from: 'data/*.csv', key: id, time: at, label: late, label_delay: 1d }
train:
  on: rows
  window: 20d
  holdout: 5d
  uses: linear
gates: [auc >= 0.6]
monitor:
  @window
  performance: { metric: auc, floor: 0.6 }
costs: { retrain: 50, alert: 20 }
remedies:
@remedies
";
