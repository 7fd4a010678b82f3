//! The Prometheus text format.

use std::collections::HashMap;
use std::fmt::{Display, Write};

use flyball_serving::histogram::HistogramSnapshot;
use flyball_serving::{EndpointSnapshot, MemoryUse, RevisionSnapshot};

use super::monitors::{self, Monitors};
use crate::lanes::QueueSnapshot;
use crate::observe::Observe;
use crate::process::ProcessFigures;
use crate::spans::SpanFigures;

const COUNTER: &str = "counter";
pub(super) const GAUGE: &str = "gauge";
const HISTOGRAM: &str = "histogram";

/// All that is told.
pub(super) struct Figures<'a> {
    pub(super) endpoints: Vec<EndpointSnapshot>,
    /// The turns at models, by endpoint.
    pub(super) queues: HashMap<String, QueueSnapshot>,
    pub(super) memory: MemoryUse,
    pub(super) spans: Option<SpanFigures>,
    pub(super) process: Option<ProcessFigures>,
    pub(super) monitors: Monitors,
    pub(super) observe: &'a Observe,
}

/// All figures as text.
pub(super) fn render(figures: &Figures<'_>) -> String {
    let mut page = Page(String::with_capacity(16 * 1024));
    page.single("flyball_build_info", GAUGE, "The version that runs.", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    answers(&mut page, figures);
    shadows(&mut page, &figures.endpoints);
    endpoints(&mut page, &figures.endpoints);
    monitors::render(&mut page, &figures.monitors);
    queues(&mut page, figures);
    memory(&mut page, &figures.memory);
    if let Some(spans) = &figures.spans {
        page.single("flyball_spans_exported_total", COUNTER, "Spans that the receiver took.", &[], spans.exported);
        page.single("flyball_spans_dropped_total", COUNTER, "Spans not exported.", &[], spans.dropped);
    }
    if let Some(process) = &figures.process {
        let resident = process.resident_bytes;
        page.single("process_resident_memory_bytes", GAUGE, "Resident memory.", &[], resident);
        page.single("process_cpu_seconds_total", COUNTER, "User and system time.", &[], process.cpu_seconds);
    }
    page.0
}

/// What revisions answered.
fn answers(page: &mut Page, figures: &Figures<'_>) {
    let all = &figures.endpoints;
    let requests = "Requests that reached the model, also failed ones.";
    page.revisions("ml_prediction_requests_total", COUNTER, requests, all, |one| one.counters.requests);
    page.revisions("ml_predictions_total", COUNTER, "Rows asked.", all, |one| one.counters.rows);
    page.revisions("ml_prediction_errors_total", COUNTER, "Failed requests.", all, |one| one.counters.errors);
    let late = "Failed requests for which the model took too long.";
    page.revisions("ml_prediction_timeouts_total", COUNTER, late, all, |one| one.counters.late);
    let latency = "ml_prediction_latency_seconds";
    page.family(latency, HISTOGRAM, "How long the model took for a request.");
    each_revision(all, |labels, one| page.histogram(latency, &labels, &one.counters.latency));
    let busy = "How long the model was at work, each request by itself.";
    page.revisions("ml_prediction_busy_seconds_total", COUNTER, busy, all, |one| one.counters.busy_seconds());
    if figures.observe.cpu_hour_cost > 0.0 {
        let cost = "What that work cost, at the price of an hour that the operator gave.";
        let of = |one: &RevisionSnapshot| figures.observe.cost(&one.counters).unwrap_or(0.0);
        page.revisions("flyball_endpoint_cost_total", COUNTER, cost, all, of);
    }
    let share = "The revision's part of the traffic.";
    page.revisions("flyball_traffic_ratio", GAUGE, share, all, |one| f64::from(one.per_mille) / 1000.0);
    let loaded = "Whether the revision's model is in memory.";
    page.revisions("flyball_revision_loaded", GAUGE, loaded, all, |one| u8::from(one.loaded));
}

/// What revisions in the shadow did.
fn shadows(page: &mut Page, all: &[EndpointSnapshot]) {
    let mirrored = "The part of the requests whose copy the revision gets.";
    page.revisions("flyball_shadow_ratio", GAUGE, mirrored, all, |one| f64::from(one.mirror_per_mille) / 1000.0);
    let compared = "Rows whose answers were compared with those of the shadow.";
    page.revisions("flyball_shadow_compared_total", COUNTER, compared, all, |one| one.shadow.compared);
    let disagreed = "Rows for which the shadow gave another answer.";
    page.revisions("flyball_shadow_disagreed_total", COUNTER, disagreed, all, |one| one.shadow.disagreed);
    let errors = "Copies that the shadow failed.";
    page.revisions("flyball_shadow_errors_total", COUNTER, errors, all, |one| one.shadow.errors);
    let dropped = "Copies that the shadow did not get because too many waited.";
    page.revisions("flyball_shadow_dropped_total", COUNTER, dropped, all, |one| one.shadow.dropped);
}

fn endpoints(page: &mut Page, all: &[EndpointSnapshot]) {
    let refused = "Requests that were refused before they reached a model.";
    page.endpoints("flyball_requests_refused_total", COUNTER, refused, all, |one| Some(one.refused));
    page.endpoints("flyball_capture_dropped_total", COUNTER, "Records not kept.", all, |one| Some(one.dropped));
    page.endpoints("flyball_capture_waiting", GAUGE, "Records not yet written.", all, |one| Some(one.waiting as u64));
    let ready = |one: &EndpointSnapshot| Some(u64::from(one.state.answers()));
    page.endpoints("flyball_endpoint_ready", GAUGE, "Whether it answers.", all, ready);
}

/// The turns at models that take their time; endpoints at which nobody took one yet are left out.
fn queues(page: &mut Page, figures: &Figures<'_>) {
    let (all, queues) = (&figures.endpoints, &figures.queues);
    let of = |one: &EndpointSnapshot, value: fn(&QueueSnapshot) -> u64| queues.get(&one.name).map(value);
    let turns = "Requests that may be at the models at the same time.";
    page.endpoints("flyball_queue_turns", GAUGE, turns, all, |one| of(one, |queue| queue.turns as u64));
    let running = "Requests at the models.";
    page.endpoints("flyball_queue_running", GAUGE, running, all, |one| of(one, |queue| queue.running as u64));
    let waiting = "Requests that wait for their turn.";
    page.endpoints("flyball_queue_waiting", GAUGE, waiting, all, |one| of(one, |queue| queue.waiting as u64));
    let away = "Requests turned away because too many waited.";
    page.endpoints("flyball_queue_turned_away_total", COUNTER, away, all, |one| of(one, |queue| queue.turned_away));
    let late = "Requests whose turn did not come in time.";
    page.endpoints("flyball_queue_timeouts_total", COUNTER, late, all, |one| of(one, |queue| queue.late));
    let name = "flyball_queue_wait_seconds";
    page.family(name, HISTOGRAM, "How long requests waited for their turn.");
    for one in all {
        if let Some(queue) = queues.get(&one.name) {
            page.histogram(name, &labels(&endpoint_labels(one)), &queue.waited);
        }
    }
}

fn memory(page: &mut Page, memory: &MemoryUse) {
    page.single("flyball_models_loaded", GAUGE, "Models in memory.", &[], memory.models);
    page.single("flyball_model_memory_bytes", GAUGE, "What models take of the memory.", &[], memory.bytes);
    let (name, help) = ("flyball_model_memory_budget_bytes", "How much memory models may take.");
    match memory.budget {
        u64::MAX => page.single(name, GAUGE, help, &[], "+Inf"),
        budget => page.single(name, GAUGE, help, &[], budget),
    }
    page.single("flyball_model_loads_total", COUNTER, "Models loaded.", &[], memory.loads);
    page.single("flyball_model_evictions_total", COUNTER, "Models that had to make room.", &[], memory.evictions);
}

fn endpoint_labels(endpoint: &EndpointSnapshot) -> [(&'static str, &str); 2] {
    [("endpoint", endpoint.name.as_str()), ("environment", endpoint.environment.as_str())]
}

fn each_revision(endpoints: &[EndpointSnapshot], mut each: impl FnMut(String, &RevisionSnapshot)) {
    for endpoint in endpoints {
        for one in &endpoint.revisions {
            let (version, revision) = (one.revision.version.to_string(), &one.revision);
            let [name, environment] = endpoint_labels(endpoint);
            let own = [("model", &*revision.model), ("version", &version), ("revision", &revision.id)];
            let [model, version, revision] = own;
            each(labels(&[name, model, version, revision, environment]), one);
        }
    }
}

/// Labels as they stand between the braces.
pub(super) fn labels(pairs: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in pairs {
        let comma = if text.is_empty() { "" } else { "," };
        let _infallible = write!(text, "{comma}{name}=\"");
        for character in value.chars() {
            match character {
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                '\n' => text.push_str("\\n"),
                other => text.push(other),
            }
        }
        text.push('"');
    }
    text
}

pub(super) struct Page(String);

impl Page {
    pub(super) fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _infallible = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &str, value: impl Display) {
        let _infallible = if labels.is_empty() {
            writeln!(self.0, "{name} {value}")
        } else {
            writeln!(self.0, "{name}{{{labels}}} {value}")
        };
    }

    /// A sample of what was measured; what is undefined is left out.
    pub(super) fn measured(&mut self, name: &str, labels: &str, value: Option<f64>) {
        if let Some(value) = value.filter(|value| value.is_finite()) {
            self.line(name, labels, value);
        }
    }

    fn single(&mut self, name: &str, kind: &str, help: &str, pairs: &[(&str, &str)], value: impl Display) {
        self.family(name, kind, help);
        self.line(name, &labels(pairs), value);
    }

    fn endpoints(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        endpoints: &[EndpointSnapshot],
        value: impl Fn(&EndpointSnapshot) -> Option<u64>,
    ) {
        self.family(name, kind, help);
        for endpoint in endpoints {
            if let Some(value) = value(endpoint) {
                self.line(name, &labels(&endpoint_labels(endpoint)), value);
            }
        }
    }

    fn revisions<T: Display>(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        endpoints: &[EndpointSnapshot],
        value: impl Fn(&RevisionSnapshot) -> T,
    ) {
        self.family(name, kind, help);
        each_revision(endpoints, |labels, revision| self.line(name, &labels, value(revision)));
    }

    fn histogram(&mut self, name: &str, labels: &str, histogram: &HistogramSnapshot) {
        let bucket = format!("{name}_bucket");
        let mut buckets: Vec<(u64, u64)> = histogram.cumulative().collect();
        // The last bucket also holds what took longer than its end, so that it is the one without an end.
        buckets.pop();
        for (upper, count) in buckets {
            self.line(&bucket, &format!("{labels},le=\"{}\"", upper as f64 / 1e9), count);
        }
        self.line(&bucket, &format!("{labels},le=\"+Inf\""), histogram.count());
        self.line(&format!("{name}_sum"), labels, histogram.sum_nanos as f64 / 1e9);
        self.line(&format!("{name}_count"), labels, histogram.count());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_labels_are_escaped() {
        assert_eq!(labels(&[("a", "x\"y\\z\n"), ("b", "é{}")]), r#"a="x\"y\\z\n",b="é{}""#);
        assert_eq!(labels(&[]), "");
    }
}
