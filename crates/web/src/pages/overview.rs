//! The overview: every loop as the cycle it is, a running simulation, and what happens now.

use askama::Template;
use flyball_core::Timestamp;
use serde::Serialize;

use crate::svg::{RingNode, ring_node};
use crate::{Badge, Chart, Estimate, Event, Link, RenderError, Shell, Stage, State, filters, links};

/// The server-sent event whose data replaces the banner of the simulation.
pub const EVENT_SIMULATION: &str = "simulation";
/// The server-sent event whose data replaces the loops.
pub const EVENT_LOOPS: &str = "loops";
/// The server-sent event whose data replaces the feed.
pub const EVENT_FEED: &str = "feed";
/// The server-sent event (any data, such as the month) at which charts fetch their values again.
pub const EVENT_METRICS: &str = "metrics";

/// `/`
#[derive(Clone, Debug, Default, Serialize, Template)]
#[template(path = "overview.html")]
pub struct OverviewPage {
    /// What stands around the page.
    pub shell: Shell,
    /// The simulation or demo that this process plays.
    pub simulation: Option<SimulationView>,
    /// All loops.
    pub loops: Vec<LoopCycle>,
    /// What happened, newest first; at most 50.
    pub events: Vec<Event>,
}

/// A simulation, or the demo.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SimulationView {
    /// What is played (`A year of New York flights`).
    pub title: String,
    /// `playing`, `paused`, `done`, `failed`.
    pub badge: Badge,
    /// The virtual now.
    pub now: Option<Timestamp>,
    /// The first moment of the period.
    pub from: Option<Timestamp>,
    /// The end of the period.
    pub to: Option<Timestamp>,
    /// From 0 to 1.
    pub progress: f64,
    /// How much faster than life (`4 days a second`).
    pub speed: String,
    /// Predictions served so far.
    pub predictions: u64,
    /// Retrainings so far.
    pub retrainings: u64,
    /// Alerts so far.
    pub alerts: u64,
    /// The metric by month, one curve for each policy.
    pub chart: Chart,
    /// What each policy came to, when done.
    pub comparison: Option<Comparison>,
}

/// What each policy came to.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Comparison {
    /// The metrics, as column names (`AUC`, `log loss`).
    pub metrics: Vec<String>,
    /// One row per policy, the loop first.
    pub policies: Vec<PolicyOutcome>,
}

/// What one policy came to.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PolicyOutcome {
    /// `the loop`, `never retrain`, `retrain monthly`.
    pub policy: String,
    /// One value for each of [`Comparison::metrics`].
    pub metrics: Vec<f64>,
    /// Alarms raised.
    pub alarms: u64,
    /// Models trained after the first.
    pub retrainings: u64,
    /// Rollbacks.
    pub rollbacks: u64,
    /// What it cost, with its unit.
    pub cost: String,
}

/// A loop as the cycle it is.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LoopCycle {
    /// Its name.
    pub name: String,
    /// How it is on the whole.
    pub badge: Badge,
    /// The stages, in the order of [`Stage::ALL`].
    pub stages: Vec<StageView>,
    /// The model version that serves.
    pub version: Link,
    /// The metric that its monitor watches (`AUC`).
    pub metric: String,
    /// That metric in the newest window with ground truth.
    pub now: Option<Estimate>,
    /// That metric when the version was promoted.
    pub reference: Option<f64>,
    /// Alerts firing.
    pub alerts_firing: u64,
    /// When the next window closes.
    pub next_window: Option<Timestamp>,
}

/// A stage of a loop.
#[derive(Clone, Debug, Serialize)]
pub struct StageView {
    /// Which.
    pub stage: Stage,
    /// How it is.
    pub state: State,
    /// The last event there, in a few words; empty if there was none.
    pub event: String,
    /// When that was.
    pub at: Option<Timestamp>,
    /// The page that tells more; empty if none does yet.
    pub href: String,
}

impl SimulationView {
    pub(crate) fn permille(&self) -> u16 {
        (self.progress.clamp(0.0, 1.0) * 1000.0) as u16
    }
}

impl StageView {
    /// A stage where nothing has happened yet.
    pub fn idle(stage: Stage) -> Self {
        Self { stage, state: State::Idle, event: String::new(), at: None, href: String::new() }
    }

    pub(crate) fn leads(&self) -> bool {
        links::is_local(&self.href)
    }
}

impl LoopCycle {
    pub(crate) fn ring(&self) -> impl Iterator<Item = (RingNode, &StageView)> {
        self.stages.iter().enumerate().map(|(at, stage)| (ring_node(at, self.stages.len()), stage))
    }

    /// How far the metric is from its reference.
    pub(crate) fn change(&self) -> Option<f64> {
        let change = self.now?.value - self.reference?;
        change.is_finite().then_some(change)
    }
}

#[derive(Template)]
#[template(path = "parts/simulation.html")]
struct SimulationFragment<'a> {
    simulation: &'a Option<SimulationView>,
}

#[derive(Template)]
#[template(path = "parts/loops.html")]
struct LoopsFragment<'a> {
    loops: &'a [LoopCycle],
}

#[derive(Template)]
#[template(path = "parts/feed.html")]
struct FeedFragment<'a> {
    events: &'a [Event],
}

impl OverviewPage {
    /// The parts of the page that live updates replace: the name of each server-sent event and its data. Send those
    /// that differ from what was sent last, and [`EVENT_METRICS`] when the curves have a new point.
    pub fn fragments(&self) -> Result<[(&'static str, String); 3], RenderError> {
        Ok([
            (EVENT_SIMULATION, SimulationFragment { simulation: &self.simulation }.render()?),
            (EVENT_LOOPS, LoopsFragment { loops: &self.loops }.render()?),
            (EVENT_FEED, FeedFragment { events: &self.events }.render()?),
        ])
    }
}
