//! The parts that several pages share.

use askama::Template;
use askama::filters::HtmlSafe;
use flyball_core::Timestamp;
use serde::Serialize;

use crate::{filters, format, links};

/// The sections of the site, as in the top bar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Section {
    /// `/`
    #[default]
    Overview,
    /// `/loops`
    Loops,
    /// `/data`
    Data,
    /// `/labels`
    Labels,
    /// `/runs`
    Runs,
    /// `/models`
    Models,
    /// `/evaluations`
    Evaluations,
    /// `/endpoints`
    Endpoints,
    /// `/monitors`
    Monitors,
    /// `/alerts`
    Alerts,
    /// `/audit`
    Audit,
    /// A page that belongs to none.
    Elsewhere,
}

impl Section {
    /// All that the top bar links.
    pub const LINKED: [Section; 11] = [
        Section::Overview,
        Section::Loops,
        Section::Data,
        Section::Labels,
        Section::Runs,
        Section::Models,
        Section::Evaluations,
        Section::Endpoints,
        Section::Monitors,
        Section::Alerts,
        Section::Audit,
    ];

    /// What it is called.
    pub fn title(self) -> &'static str {
        match self {
            Section::Overview => "Overview",
            Section::Loops => "Loops",
            Section::Data => "Data",
            Section::Labels => "Labels",
            Section::Runs => "Runs",
            Section::Models => "Models",
            Section::Evaluations => "Evaluations",
            Section::Endpoints => "Endpoints",
            Section::Monitors => "Monitors",
            Section::Alerts => "Alerts",
            Section::Audit => "Audit",
            Section::Elsewhere => "",
        }
    }

    /// Where its list is.
    pub fn href(self) -> String {
        match self {
            Section::Overview | Section::Elsewhere => links::OVERVIEW.to_owned(),
            section => format!("/{}", section.title().to_lowercase()),
        }
    }
}

/// What stands around every page.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Shell {
    /// The section to mark in the top bar.
    pub section: Section,
    /// The workspace.
    pub workspace: String,
    /// The version of the program.
    pub version: String,
    /// How many alerts fire now.
    pub alerts_firing: u64,
}

/// How something is; always shown as an icon, a word and a colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nothing has happened yet, or it does not matter any more.
    #[default]
    Idle,
    /// Working right now.
    Active,
    /// As it should be.
    Ok,
    /// Somebody should look.
    Attention,
    /// It went wrong.
    Failed,
}

impl State {
    /// A badge with its own word.
    pub fn badge(self) -> Badge {
        self.into()
    }

    /// Its word, and the name of its colour and icon.
    pub fn word(self) -> &'static str {
        match self {
            State::Idle => "idle",
            State::Active => "active",
            State::Ok => "ok",
            State::Attention => "attention",
            State::Failed => "failed",
        }
    }
}

/// A state with a word of its own (`champion`, `firing`, `rolled back`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Template)]
#[template(path = "parts/badge.html")]
pub struct Badge {
    /// Colour and icon.
    pub state: State,
    /// The word.
    pub word: String,
}

impl HtmlSafe for Badge {}

impl Badge {
    /// A state with a word of its own.
    pub fn new(state: State, word: impl Into<String>) -> Self {
        Self { state, word: word.into() }
    }
}

impl From<State> for Badge {
    fn from(state: State) -> Self {
        Self::new(state, state.word())
    }
}

/// A text that may lead somewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Template)]
#[template(path = "parts/link.html")]
pub struct Link {
    /// What is shown.
    pub text: String,
    /// Where it leads, made by [`links`]; anything but an address of this site is shown as text only.
    pub href: String,
}

impl HtmlSafe for Link {}

impl Link {
    /// A text that leads to `href`.
    pub fn new(text: impl Into<String>, href: impl Into<String>) -> Self {
        Self { text: text.into(), href: href.into() }
    }

    /// A text that leads nowhere.
    pub fn plain(text: impl Into<String>) -> Self {
        Self::new(text, "")
    }

    /// Whether there is anything to show.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    pub(crate) fn leads(&self) -> bool {
        links::is_local(&self.href)
    }
}

/// A measured value with its interval, where known.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Template)]
#[template(path = "parts/estimate.html")]
pub struct Estimate {
    /// The value; NaN if it could not be computed.
    pub value: f64,
    /// The lower and upper end of its confidence interval.
    pub interval: Option<(f64, f64)>,
}

impl HtmlSafe for Estimate {}

impl Estimate {
    /// A value without an interval.
    pub fn exact(value: f64) -> Self {
        Self { value, interval: None }
    }

    /// A value with its confidence interval.
    pub fn between(value: f64, low: f64, high: f64) -> Self {
        Self { value, interval: Some((low, high)) }
    }

    pub(crate) fn interval_text(&self) -> String {
        match self.interval {
            Some((low, high)) if self.value.is_finite() => {
                format!("{} to {}", format::metric(low), format::metric(high))
            }
            _ => String::new(),
        }
    }
}

/// Something that has a name and a value (a parameter, a fact).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// The name.
    pub name: String,
    /// The value.
    pub value: Link,
}

impl Fact {
    /// A named text.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: Link::plain(value) }
    }

    /// A named link.
    pub fn link(name: impl Into<String>, text: impl Into<String>, href: impl Into<String>) -> Self {
        Self { name: name.into(), value: Link::new(text, href) }
    }
}

/// A titled part of a page: facts, and what is best seen side by side.
#[derive(Clone, Debug, Default, Serialize, Template)]
#[template(path = "parts/panel.html")]
pub struct Panel {
    /// What it is about.
    pub title: String,
    /// A sentence about it; may be empty.
    pub text: String,
    /// What is said and known, each with its label.
    pub facts: Vec<Fact>,
    /// A table; without a head there is none.
    pub grid: Grid,
    /// What only some readers want, folded away.
    pub folded: Option<Folded>,
}

/// A table that is unfolded on demand.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Folded {
    /// What it holds.
    pub title: String,
    /// The table.
    pub grid: Grid,
}

impl HtmlSafe for Panel {}

/// A table of texts.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Grid {
    /// The names of its columns.
    pub head: Vec<String>,
    /// Its rows, each with as many texts as there are columns.
    pub rows: Vec<Vec<String>>,
}

impl Grid {
    /// A table with these columns.
    pub fn new(head: &[&str], rows: Vec<Vec<String>>) -> Self {
        Self { head: head.iter().map(|name| (*name).to_owned()).collect(), rows }
    }

    /// Whether a column holds numbers, which are compared best when their ends stand below each other. The first column
    /// names the rows.
    pub(crate) fn is_numeric(&self, column: &usize) -> bool {
        let mut told = self.rows.iter().filter_map(|row| row.get(*column)).filter(|cell| !cell.is_empty()).peekable();
        let is_number = |cell: &String| {
            matches!(cell.as_str(), format::MISSING | format::UNDEFINED)
                || (cell.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '−' | '+' | '<' | '∞'))
                    && cell.chars().filter(|c| c.is_alphabetic() || matches!(c, '-' | ':')).count() <= 2)
        };
        *column > 0 && told.peek().is_some() && told.all(is_number)
    }
}

/// A stage of the loop, in the order of the cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Versions of the data, and their checks.
    Data,
    /// Training runs.
    Train,
    /// Evaluation and gates.
    Gate,
    /// Rollouts.
    Deploy,
    /// The endpoint.
    Serve,
    /// Windows, drift and performance.
    Monitor,
    /// Actions taken.
    Remedy,
}

impl Stage {
    /// All, in the order of the cycle.
    pub const ALL: [Stage; 7] =
        [Stage::Data, Stage::Train, Stage::Gate, Stage::Deploy, Stage::Serve, Stage::Monitor, Stage::Remedy];

    /// What it is called.
    pub fn word(self) -> &'static str {
        match self {
            Stage::Data => "data",
            Stage::Train => "train",
            Stage::Gate => "gate",
            Stage::Deploy => "deploy",
            Stage::Serve => "serve",
            Stage::Monitor => "monitor",
            Stage::Remedy => "remedy",
        }
    }
}

/// Something that happened, as a line of the feed.
#[derive(Clone, Debug, Serialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// In which loop.
    pub loop_name: String,
    /// At which stage.
    pub stage: Stage,
    /// How it went.
    pub state: State,
    /// What happened, in a sentence.
    pub text: String,
    /// The page that tells more; empty if none does.
    pub href: String,
}

/// An alert.
#[derive(Clone, Debug, Serialize)]
pub struct AlertRow {
    /// When it began.
    pub at: Timestamp,
    /// `firing`, `acknowledged`, `resolved`.
    pub badge: Badge,
    /// What was found.
    pub text: Link,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
}

/// A window of a monitor.
#[derive(Clone, Debug, Serialize)]
pub struct WindowRow {
    /// Its period, leading to its page.
    pub period: Link,
    /// How many predictions.
    pub rows: u64,
    /// The share of them whose ground truth is known.
    pub labelled: f64,
    /// The metric of the monitor.
    pub metric: Option<Estimate>,
    /// The features that drifted, by name.
    pub drifted: Vec<String>,
    /// How the window is.
    pub badge: Badge,
}

/// A rollout in a list.
#[derive(Clone, Debug, Serialize)]
pub struct RolloutRow {
    /// When it began.
    pub at: Timestamp,
    /// The revision that takes over, leading to its model version.
    pub to: Link,
    /// The revision before.
    pub from: Link,
    /// `canary 10 % → 50 % → 100 %`, as declared.
    pub strategy: String,
    /// How it stands.
    pub badge: Badge,
    /// The reason of the last decision.
    pub reason: String,
}

/// One stop of a lineage: what it is and where its pages are.
#[derive(Clone, Debug, Serialize)]
pub struct LineageStep {
    /// `dataset version`, `run`, `model version`, `revision`, `row`.
    pub kind: String,
    /// The things of this kind; most often one.
    pub things: Vec<Link>,
}

impl LineageStep {
    /// A stop of a lineage.
    pub fn new(kind: impl Into<String>, text: impl Into<String>, href: impl Into<String>) -> Self {
        Self { kind: kind.into(), things: vec![Link::new(text, href)] }
    }

    /// The same stop with one more thing beside the others, as the inputs of a derived dataset are.
    pub fn and(mut self, text: impl Into<String>, href: impl Into<String>) -> Self {
        self.things.push(Link::new(text, href));
        self
    }
}
