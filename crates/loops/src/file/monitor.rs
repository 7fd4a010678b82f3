//! The section `monitor`: what is watched while a model serves.

use std::fmt;

use flyball_core::{Duration, Name, Task};
use flyball_monitoring::alert::AlertPolicy;
use serde::Serialize;

use super::decode::metric;
use super::reader::{At, Reader};
use super::{grammar, notify};

/// The share of drift-free windows that may alarm, unless given.
const FALSE_ALARM_RATE: f64 = 0.05;
/// Fewer rows than this say too little about a window, unless given.
const MIN_ROWS: u64 = 100;
/// Rows and labels later than this change nothing any more, unless given.
const LATE: Duration = Duration::days(7);
/// The four-fifths rule.
const SELECTION_RATIO: f64 = 0.8;
/// Fewest rows of a window by count: with fewer hardly any test says anything.
const WINDOW_ROWS: u64 = 50;
/// Most segments and most columns of groups: each is judged as the whole window is.
const SEGMENTS: usize = 20;

/// What is watched.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Monitor {
    /// What is judged at once.
    pub window: Window,
    /// How often a window begins; windows follow each other when absent.
    pub every: Option<Duration>,
    /// How late rows and labels may come and still change a judged window.
    pub late: Duration,
    /// The drift alarm.
    pub drift: Drift,
    /// The performance alarm.
    pub performance: Option<Performance>,
    /// The groups of people that are compared.
    pub fairness: Option<Fairness>,
    /// Parts of the rows that are judged by themselves.
    pub segments: Vec<Segment>,
    /// When findings become alerts.
    pub alerts: AlertPolicy,
    /// Windows with fewer rows are not judged.
    pub min_rows: u64,
}

/// What is judged at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Window {
    /// A slice of event time.
    Time(Duration),
    /// So many predictions, in the order in which they were answered.
    Rows {
        /// How many.
        rows: u64,
    },
}

/// How often a window by count looks whether it is full.
const COUNTED_EVERY: Duration = Duration::seconds(15 * 60);

impl Monitor {
    /// How far one window begins after the other; of windows by count how often they are looked for.
    pub fn stride(&self) -> Duration {
        match self.window {
            Window::Time(length) => self.every.unwrap_or(length),
            Window::Rows { .. } => COUNTED_EVERY,
        }
    }

    /// How long a window is in event time; of windows by count as long as they take.
    pub fn length(&self) -> Option<Duration> {
        match self.window {
            Window::Time(length) => Some(length),
            Window::Rows { .. } => None,
        }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Window::Time(length) => length.fmt(f),
            Window::Rows { rows } => write!(f, "{rows} rows"),
        }
    }
}

/// The drift alarm.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Drift {
    /// In which share of drift-free windows an alarm is accepted, over all columns together.
    pub false_alarm_rate: f64,
    /// The smallest effect (distance of the distributions, 0 to 1) that counts; the monitor's own when absent.
    pub effect_floor: Option<f64>,
    /// The column whose equal values mark rows that are not independent.
    pub rows_of: Option<String>,
    /// The tool whose decisions are taken.
    pub compat: Option<Compat>,
    /// Whether changes between columns are looked for too.
    pub multivariate: bool,
}

/// A tool whose drift decisions can be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Compat {
    /// Evidently's default preset.
    Evidently,
    /// NannyML's univariate drift.
    Nannyml,
    /// Scouter's population stability.
    Scouter,
}

/// The performance alarm.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Performance {
    /// The metric.
    pub metric: String,
    /// The value that it must not fall below, or rise above where less is better.
    pub floor: f64,
    /// The value that it must reach again before its alert is resolved.
    pub clear: Option<f64>,
}

/// The groups of people that are compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fairness {
    /// The columns.
    pub by: Vec<String>,
    /// What the smallest selection rate must be of the largest.
    pub selection_ratio: f64,
}

/// A part of the rows that is judged by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Segment {
    /// Each value of a column.
    Column(String),
    /// The rows that meet a condition.
    Condition {
        /// What it is called.
        name: Name,
        /// The condition, in SQL on the features.
        r#where: String,
    },
}

/// The section.
pub(super) fn monitor(reader: &mut Reader, at: &At<'_>, task: Task) -> Option<Monitor> {
    let fields = reader.fields(at, grammar::MONITOR)?;
    let window = fields.get(reader, "window", window);
    let every = fields.get(reader, "every", Reader::span);
    if let (Some(Window::Rows { .. }), Some(at)) = (window, fields.at("every")) {
        reader.report(&at, "windows of so many rows do not overlap", "remove 'every', or give the window a length");
    }
    if let (Some(Window::Time(length)), Some(step), Some(at)) = (window, every, fields.at("every"))
        && step > length
    {
        reader.report(
            &at,
            "windows that begin less often than they are long leave rows out",
            "give 'every' at most the window's length",
        );
    }
    let late = fields.get(reader, "late", Reader::duration).unwrap_or(LATE);
    let drift = fields.get(reader, "drift", drift);
    let performance = fields.get(reader, "performance", |reader, at| {
        let fields = reader.fields(at, grammar::PERFORMANCE)?;
        let metric = fields.get(reader, "metric", |reader, at| metric(reader, at, task));
        let floor = fields.get(reader, "floor", Reader::number);
        let clear = fields.get(reader, "clear", Reader::number);
        Some(Performance { metric: metric?, floor: floor?, clear })
    });
    let fairness = fields.get(reader, "fairness", |reader, at| {
        let fields = reader.fields(at, grammar::FAIRNESS)?;
        let by = fields.get(reader, "by", Reader::columns);
        let ratio = fields.get(reader, "selection_ratio", Reader::share).unwrap_or(SELECTION_RATIO);
        Some(Fairness { by: by?, selection_ratio: ratio })
    });
    let segments = fields.get(reader, "segments", |reader, at| {
        let segments = reader.list(at, segment)?;
        if segments.len() > SEGMENTS {
            reader.report(at, format!("more than {SEGMENTS} segments"), "keep those that somebody acts on");
        }
        Some(segments)
    });
    let alerts = fields.get(reader, "alerts", notify::policy).unwrap_or_default();
    let min_rows = fields.get(reader, "min_rows", Reader::whole).unwrap_or(MIN_ROWS);
    Some(Monitor {
        window: window?,
        every,
        late,
        drift: drift.unwrap_or_default(),
        performance,
        fairness,
        segments: segments.unwrap_or_default(),
        alerts,
        min_rows,
    })
}

impl Default for Drift {
    fn default() -> Self {
        Self { false_alarm_rate: FALSE_ALARM_RATE, effect_floor: None, rows_of: None, compat: None, multivariate: true }
    }
}

fn window(reader: &mut Reader, at: &At<'_>) -> Option<Window> {
    if at.scalar().is_some() {
        return reader.span(at).map(Window::Time);
    }
    let fields = reader.fields(at, grammar::COUNT)?;
    let rows = fields.get(reader, "rows", Reader::whole)?;
    if rows < WINDOW_ROWS {
        return reader.expected(at, &format!("at least {WINDOW_ROWS} rows"), "fewer say too little");
    }
    Some(Window::Rows { rows })
}

fn drift(reader: &mut Reader, at: &At<'_>) -> Option<Drift> {
    let fields = reader.fields(at, grammar::DRIFT)?;
    let compat = fields.get(reader, "compat", |reader, at| {
        let tools = [Compat::Evidently, Compat::Nannyml, Compat::Scouter];
        reader.one_of(at, grammar::COMPATS).and_then(|word| tools.get(word).copied())
    });
    if let (Some(_), Some(at)) = (compat, fields.at("false_alarm_rate")) {
        reader.report(&at, "'compat' and 'false_alarm_rate' exclude each other", "keep one of them");
    }
    if let (Some(_), Some(at)) = (compat, fields.at("rows_of")) {
        reader.report(
            &at,
            "'compat' and 'rows_of' exclude each other",
            "other tools take each row for itself; keep one",
        );
    }
    Some(Drift {
        false_alarm_rate: fields.get(reader, "false_alarm_rate", Reader::part).unwrap_or(FALSE_ALARM_RATE),
        effect_floor: fields.get(reader, "effect_floor", Reader::share),
        rows_of: fields.get(reader, "rows_of", Reader::text),
        compat,
        multivariate: fields.get(reader, "multivariate", Reader::flag).unwrap_or(true),
    })
}

fn segment(reader: &mut Reader, at: &At<'_>) -> Option<Segment> {
    if at.scalar().is_some() {
        return reader.text(at).map(Segment::Column);
    }
    let fields = reader.fields(at, grammar::SEGMENT)?;
    let name = fields.get(reader, "name", Reader::name);
    let condition = fields.get(reader, "where", Reader::text);
    Some(Segment::Condition { name: name?, r#where: condition? })
}
