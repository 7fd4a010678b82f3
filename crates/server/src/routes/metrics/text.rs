//! The Prometheus text format. Names of endpoints and ids of revisions hold no character that needs escaping.

use std::fmt::Write;

use flyball_serving::{EndpointSnapshot, RevisionSnapshot};

use crate::process::ProcessFigures;

/// All figures as text.
pub(super) fn render(endpoints: &[EndpointSnapshot], process: Option<ProcessFigures>) -> String {
    let mut page = Page(String::with_capacity(4096));
    page.family("flyball_build_info", "gauge", "The version that runs.");
    page.line("flyball_build_info", &format!("version=\"{}\"", env!("CARGO_PKG_VERSION")), 1);
    page.revisions("ml_predictions_total", "counter", "Rows predicted.", endpoints, |page, labels, revision| {
        page.line("ml_predictions_total", labels, revision.counters.rows);
    });
    page.revisions("ml_prediction_errors_total", "counter", "Failed requests.", endpoints, |page, labels, revision| {
        page.line("ml_prediction_errors_total", labels, revision.counters.errors);
    });
    let help = "How long the model took for a request.";
    page.revisions("ml_prediction_latency_seconds", "histogram", help, endpoints, Page::histogram);
    page.endpoints("flyball_requests_refused_total", "counter", "Malformed requests.", endpoints, |e| e.refused);
    page.endpoints("flyball_capture_dropped_total", "counter", "Records not kept.", endpoints, |e| e.dropped);
    page.endpoints("flyball_capture_waiting", "gauge", "Records not yet written.", endpoints, |e| e.waiting as u64);
    page.endpoints("flyball_endpoint_ready", "gauge", "Whether it answers.", endpoints, |e| {
        u64::from(e.state.answers())
    });
    if let Some(process) = process {
        page.family("process_resident_memory_bytes", "gauge", "Resident memory.");
        page.line("process_resident_memory_bytes", "", process.resident_bytes);
        page.family("process_cpu_seconds_total", "counter", "User and system time.");
        page.line("process_cpu_seconds_total", "", process.cpu_seconds);
    }
    page.0
}

struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _infallible = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let _infallible = if labels.is_empty() {
            writeln!(self.0, "{name} {value}")
        } else {
            writeln!(self.0, "{name}{{{labels}}} {value}")
        };
    }

    fn endpoints(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        endpoints: &[EndpointSnapshot],
        value: impl Fn(&EndpointSnapshot) -> u64,
    ) {
        self.family(name, kind, help);
        for endpoint in endpoints {
            self.line(name, &format!("endpoint=\"{}\"", endpoint.name), value(endpoint));
        }
    }

    fn revisions(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        endpoints: &[EndpointSnapshot],
        write: impl Fn(&mut Page, &str, &RevisionSnapshot),
    ) {
        self.family(name, kind, help);
        for endpoint in endpoints {
            for revision in &endpoint.revisions {
                let labels = format!("endpoint=\"{}\",revision=\"{}\"", endpoint.name, revision.revision.id);
                write(self, &labels, revision);
            }
        }
    }

    fn histogram(&mut self, labels: &str, revision: &RevisionSnapshot) {
        let latency = &revision.counters.latency;
        for (upper, count) in latency.cumulative() {
            let bound = upper as f64 / 1e9;
            self.line("ml_prediction_latency_seconds_bucket", &format!("{labels},le=\"{bound}\""), count);
        }
        self.line("ml_prediction_latency_seconds_bucket", &format!("{labels},le=\"+Inf\""), latency.count());
        self.line("ml_prediction_latency_seconds_sum", labels, latency.sum_nanos as f64 / 1e9);
        self.line("ml_prediction_latency_seconds_count", labels, latency.count());
    }
}
