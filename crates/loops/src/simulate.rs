//! Replays history through the real loop on a virtual clock: the same router, engine, monitors, gates and rollouts as in
//! production, for the loop as declared and for the policies that it is compared with, on the very same rows.
//!
//! Invariant: what a simulation has served is committed together with how far it has come, and everything else is a
//! durable job; so a simulation that is killed goes on where it was and ends the same.

use std::sync::Arc;

use flyball_core::Duration;
use flyball_core::{
    Column, Digest, Edit, Error, ErrorCode, Permit, Read, Result, Table, Timestamp, Value, VirtualClock, id,
};
use flyball_evaluation::store as gates;
use flyball_governance::{audit, identity};
use flyball_jobs::{Jobs, Runner};
use flyball_serving::model::{RowRequest, Truth, TruthValue};
use flyball_serving::{segment, truth};
use flyball_store::{Tx, params};
use flyball_tracking::runs;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::apply::apply_variant;
use crate::declared::{self, Declared, Variant};
use crate::file::LoopFile;
use crate::outcome::{self, PolicyOutcome};
use crate::platform::{Platform, permit_of};

/// The longest stretch of virtual time between two commits.
const STEP: Duration = Duration::hours(24);

/// What is simulated.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The loop file.
    pub text: String,
    /// From (inclusive), in event time.
    pub from: Timestamp,
    /// To (exclusive).
    pub to: Timestamp,
    /// The loop as declared and what it is compared with.
    pub variants: Vec<Variant>,
}

/// How far a simulation has come.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Progress {
    /// The id of the simulation.
    pub id: String,
    /// The start of the period.
    pub from: Timestamp,
    /// The end of the period.
    pub to: Timestamp,
    /// The virtual time.
    pub now: Timestamp,
    /// Predictions answered so far, over all policies.
    pub served: u64,
    /// Predictions that a model failed.
    pub failed: u64,
    /// Whether the period is over.
    pub done: bool,
    /// What each policy has come to so far; complete months only while it runs.
    pub policies: Vec<PolicyOutcome>,
}

/// Hears of a simulation's progress.
pub trait Observer {
    /// Some of the audit log is new.
    fn events(&mut self, events: &[audit::Recorded]);
    /// Virtual time has passed.
    fn progress(&mut self, progress: &Progress);
    /// Whether to stop early; what was done stays.
    fn stop(&self) -> bool;
}

/// A simulation under way.
pub struct Simulation {
    platform: Platform,
    clock: Arc<VirtualClock>,
    runner: Runner,
    jobs: Jobs,
    plan: Plan,
    loops: Vec<Declared>,
    history: History,
    progress: Progress,
    heard: i64,
}

/// The rows of the period in the order of their events.
struct History {
    rows: Vec<HistoryRow>,
    /// The dataset, and where its features, its key and its label stand in it.
    table: Arc<Table>,
    features: Vec<usize>,
    key: usize,
    label: usize,
    label_delay: Duration,
    /// The rows whose truth was told already.
    told: usize,
    /// The rows that were served already.
    served: usize,
}

struct HistoryRow {
    row: usize,
    at: Timestamp,
}

impl Simulation {
    /// Prepares a simulation, or finds the one with the same inputs where it was left. The platform's clock must be
    /// `clock`.
    pub fn open(platform: Platform, clock: Arc<VirtualClock>, jobs: Jobs, runner: Runner, plan: Plan) -> Result<Self> {
        if plan.from >= plan.to {
            return Err(Error::invalid(format!("the period from {} to {} is empty", plan.from, plan.to))
                .hint("give --from a date before --to"));
        }
        let inputs = Digest::of(json!([plan.text, plan.from, plan.to, plan.variants]).to_string().as_bytes());
        let id = id::derived("sim", &[inputs.bytes()]);
        let permit = identity::local_user()?.edit();
        let saved = platform.db.read(|tx| load(tx, &permit.read(), &id))?;
        clock.advance_to(saved.as_ref().map_or(plan.from, |progress| progress.now));
        let fresh = Progress {
            id,
            from: plan.from,
            to: plan.to,
            now: plan.from,
            served: 0,
            failed: 0,
            done: false,
            policies: Vec::new(),
        };
        let progress = saved.unwrap_or(fresh);
        let mut loops = Vec::new();
        for variant in &plan.variants {
            let name = variant.apply_to(LoopFile::parse("flyball.yaml", &plan.text)?)?.name;
            apply_variant(&platform, &permit_of(&name)?, &plan.text, *variant, Some(plan.from))?;
            loops.push(platform.db.read(|tx| declared::get(tx, &permit.read(), name.as_str()))?);
        }
        let first = loops.first().ok_or_else(|| Error::invalid("nothing to simulate"))?;
        let history = History::of(&platform, &permit.read(), first, &plan)?;
        let heard = 0;
        let mut simulation = Self { platform, clock, runner, jobs, plan, loops, history, progress, heard };
        simulation.history.seek(simulation.progress.now);
        Ok(simulation)
    }

    /// Plays to the end of the period, or until the observer wants to stop.
    pub fn run(&mut self, observer: &mut dyn Observer) -> Result<Progress> {
        self.settle(observer)?;
        self.everything_serves()?;
        // The last windows close when their labels are due, after the period's end.
        let end = self.plan.to + self.loops.iter().map(window_and_delay).max().unwrap_or(Duration::ZERO);
        while self.progress.now < end && !observer.stop() {
            let stop = self.next_stop(end)?;
            self.serve_until(stop)?;
            self.clock.advance_to(stop);
            self.settle(observer)?;
        }
        if self.progress.now >= end && !self.progress.done {
            self.progress.done = true;
            self.progress.policies = self.outcomes(self.plan.to)?;
            self.save()?;
        }
        observer.progress(&self.progress);
        Ok(self.progress.clone())
    }

    /// Nothing can be played while a loop has no version: its first training failed, and the reason is its run's error.
    fn everything_serves(&self) -> Result<()> {
        let permit = identity::local_user()?.edit().read();
        for declared in &self.loops {
            let name = declared.name.as_str();
            let live = self.platform.serving.endpoint(name)?;
            if live.state.answers() {
                continue;
            }
            let run = self.platform.db.read(|tx| runs::newest(tx, &permit, Some(name), 1))?.into_iter().next();
            let reason = match run {
                None => format!("the endpoint is {}", live.state),
                Some(run) => match run.lineage.and_then(|lineage| lineage.error) {
                    Some(error) => error,
                    None => self.refusal(&permit, &run.id)?,
                },
            };
            return Err(Error::new(ErrorCode::Conflict, format!("the loop {name} has no version to serve: {reason}"))
                .hint("the first training learns from the rows before --from; begin later, or mend what it says"));
        }
        Ok(())
    }

    /// Which gates kept the first version from serving.
    fn refusal(&self, permit: &Permit<Read>, run: &str) -> Result<String> {
        let report = self.platform.db.read(|tx| gates::get(tx, permit, run))?;
        let gates = report.into_iter().flat_map(|report| report.gates);
        let refused: Vec<String> = gates.filter(|gate| gate.holds != Some(true)).map(|gate| gate.text).collect();
        Ok(format!("the first version did not pass: {}", refused.join("; ")))
    }

    /// The next moment at which something is due or a step is full.
    fn next_stop(&self, end: Timestamp) -> Result<Timestamp> {
        let now = self.progress.now;
        let full = Timestamp((now.0.div_euclid(STEP.0) + 1) * STEP.0).min(end);
        Ok(self.jobs.next_due()?.filter(|due| *due > now).map_or(full, |due| due.min(full)))
    }

    /// Runs what is due, takes up changed traffic, and tells the observer.
    fn settle(&mut self, observer: &mut dyn Observer) -> Result<()> {
        self.runner.replay_due()?;
        self.platform.serving.refresh()?;
        loop {
            let events = self.platform.db.read(|tx| audit::since(tx, self.heard, 500))?;
            let Some(last) = events.last() else { break };
            self.heard = last.seq;
            observer.events(&events);
        }
        observer.progress(&self.progress);
        Ok(())
    }

    /// Serves every row up to `stop`, one by one, on every loop; tells the truths that arrive meanwhile; and commits
    /// all of it together with the time.
    fn serve_until(&mut self, stop: Timestamp) -> Result<()> {
        let month = self.progress.now.month_start();
        let rows = self.history.take_served(stop.min(self.plan.to));
        let mut values: Vec<Value> = Vec::new();
        for row in rows {
            let row = &self.history.rows[row];
            self.clock.advance_to(row.at);
            values.clear();
            values.extend(self.history.features.iter().map(|&at| self.history.table.at(at).value(row.row)));
            let key = self.history.key(row.row);
            for declared in &self.loops {
                let request = RowRequest { key: key.as_deref(), at: Some(row.at), values: &values, version: None };
                match self.platform.serving.infer_row(declared.name.as_str(), request) {
                    Ok(_) => self.progress.served += 1,
                    // A model that fails is what the monitors and rollouts are there for; its record says so.
                    Err(error) if error.code() == ErrorCode::Internal => self.progress.failed += 1,
                    Err(error) => return Err(error),
                }
            }
        }
        let truths = self.history.take_told(stop);
        self.progress.now = stop;
        if stop.month_start() != month {
            // A month's labels are complete one delay after its end; what is not yet known waits for the next month.
            self.progress.policies =
                self.outcomes((stop - self.history.label_delay).month_start().min(self.plan.to))?;
        }
        let (permit, progress) = (identity::local_user()?.edit(), self.progress.clone());
        let names: Vec<_> = self.loops.iter().map(|declared| declared.name.clone()).collect();
        let flush = self.platform.serving.flush(Some(stop))?;
        let segments = flush.segments().to_vec();
        self.platform.db.write(move |tx| {
            segment::record_segments(tx, &segments)?;
            for name in &names {
                truth::record_truths(tx, &permit, name.as_str(), &truths, stop)?;
            }
            save(tx, &permit, &progress)
        })?;
        flush.committed();
        Ok(())
    }

    fn outcomes(&self, until: Timestamp) -> Result<Vec<PolicyOutcome>> {
        let permit = identity::local_user()?.edit().read();
        // Months that were complete before are not read again; the last one is, for labels that came late.
        let known = |position: usize| {
            let months =
                self.progress.policies.get(position).map(|policy| policy.months.as_slice()).unwrap_or_default();
            months.split_last().map(|(_, complete)| complete.to_vec()).unwrap_or_default()
        };
        self.loops
            .iter()
            .enumerate()
            .map(|(position, declared)| {
                outcome::of(&self.platform, &permit, declared, (self.plan.from, until), known(position))
            })
            .collect()
    }

    fn save(&self) -> Result<()> {
        let (permit, progress) = (identity::local_user()?.edit(), self.progress.clone());
        self.platform.db.write(move |tx| save(tx, &permit, &progress))
    }
}

fn window_and_delay(declared: &Declared) -> Duration {
    let delay = declared.file.training_dataset().map_or(Duration::ZERO, |dataset| dataset.label_delay);
    let monitor = &declared.file.monitor;
    Duration(monitor.length().unwrap_or(monitor.stride()).0 + delay.0)
}

impl History {
    fn of(platform: &Platform, permit: &Permit<Read>, declared: &Declared, plan: &Plan) -> Result<Self> {
        let dataset = declared.file.training_dataset()?;
        let table = platform.datasets.table(permit, declared.training_dataset()?)?;
        let (Some(time), Some(key)) = (dataset.time.as_deref(), dataset.key.as_deref()) else {
            return Err(Error::new(ErrorCode::InvalidLoopFile, "a simulation needs to know when each row happened")
                .hint(format!("declare `time:` and `key:` on the dataset {}", declared.file.train.on)));
        };
        let times = flyball_pipelines::split::event_times(&table, time)?;
        let mut order: Vec<usize> =
            (0..table.rows()).filter(|&row| times[row] >= plan.from.0 && times[row] < plan.to.0).collect();
        if order.is_empty() {
            return Err(no_rows(&times, plan));
        }
        order.sort_by_key(|&row| (times[row], row));
        let place = |name: &str| table.position(name).ok_or_else(|| Error::not_found("column", name));
        let (key, label) = (place(key)?, place(dataset.label()?)?);
        let rows = order.into_iter().map(|row| HistoryRow { row, at: Timestamp(times[row]) }).collect();
        let features = crate::train::features_of(declared, &table)?;
        let features = features.iter().filter_map(|name| table.position(name)).collect();
        Ok(Self { rows, table, features, key, label, label_delay: dataset.label_delay, told: 0, served: 0 })
    }

    /// What joins the prediction of a row with its truth.
    fn key(&self, row: usize) -> Option<Arc<str>> {
        match self.table.at(self.key).value(row) {
            Value::Text(text) => Some(text),
            other => other.text().map(Arc::from),
        }
    }

    /// Goes to where a simulation was left.
    fn seek(&mut self, now: Timestamp) {
        self.served = self.rows.partition_point(|row| row.at < now);
        self.told = self.rows.partition_point(|row| row.at + self.label_delay < now);
    }

    /// The rows that are to be served before `stop`.
    fn take_served(&mut self, stop: Timestamp) -> std::ops::Range<usize> {
        let from = self.served;
        self.served = self.rows.partition_point(|row| row.at < stop).max(from);
        from..self.served
    }

    /// The truths that become known before `stop`.
    fn take_told(&mut self, stop: Timestamp) -> Vec<Truth> {
        let from = self.told;
        self.told =
            self.rows.partition_point(|row| row.at + self.label_delay < stop).max(from).min(self.served.max(from));
        self.rows[from..self.told]
            .iter()
            .filter_map(|row| {
                let (key, value) = (self.key(row.row)?, truth_of(self.table.at(self.label), row.row)?);
                Some(Truth { key: key.to_string(), value, happened_at: row.at })
            })
            .collect()
    }
}

fn truth_of(labels: &Column, row: usize) -> Option<TruthValue> {
    match labels.value(row) {
        Value::Missing => None,
        Value::Bool(_) | Value::Text(_) => labels.value(row).text().map(TruthValue::Class),
        number => Some(TruthValue::Number(number.number())),
    }
}

fn no_rows(times: &[i64], plan: &Plan) -> Error {
    let known = || times.iter().copied().filter(|&at| at != flyball_core::table::MISSING_INT);
    let span = match (known().min(), known().max()) {
        (Some(first), Some(last)) => {
            format!("the dataset's events reach from {} to {}", Timestamp(first), Timestamp(last))
        }
        _ => "the dataset has no event times".to_owned(),
    };
    Error::new(ErrorCode::EmptyWindow, format!("no row happened between {} and {}", plan.from, plan.to)).hint(span)
}

fn save(tx: &mut Tx<'_>, permit: &Permit<Edit>, progress: &Progress) -> Result<()> {
    let text = serde_json::to_string(progress).map_err(Error::internal)?;
    let state = if progress.done { "done" } else { "running" };
    tx.execute(
        "INSERT INTO simulations (id, workspace, period_from, period_to, served_to, state, progress) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET \
         served_to = excluded.served_to, state = excluded.state, progress = excluded.progress",
        &params![progress.id.as_str(), permit.workspace(), progress.from, progress.to, progress.now, state, text],
    )?;
    Ok(())
}

fn load(tx: &mut Tx<'_>, permit: &Permit<Read>, id: &str) -> Result<Option<Progress>> {
    let row = tx.query_one(
        "SELECT progress FROM simulations WHERE workspace = $1 AND id = $2",
        &params![permit.workspace(), id],
    )?;
    row.map(|row| serde_json::from_str(&row.get::<String>("progress")?).map_err(Error::internal)).transpose()
}

/// The simulation that was worked on last, for pages and `status`.
pub fn latest(tx: &mut Tx<'_>, permit: &Permit<Read>) -> Result<Option<Progress>> {
    let row = tx.query_one(
        "SELECT progress FROM simulations WHERE workspace = $1 ORDER BY served_to DESC, id LIMIT 1",
        &params![permit.workspace()],
    )?;
    row.map(|row| serde_json::from_str(&row.get::<String>("progress")?).map_err(Error::internal)).transpose()
}
