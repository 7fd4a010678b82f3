//! How serving is watched.

use std::sync::Arc;

use clap::{Args, ValueEnum};
use flyball_core::{Clock, Error, Result};
use flyball_egress::{Egress, Reach};
use flyball_server::{Observe, SpanSettings, Spans};

const SERVICE: &str = "flyball";
const RATIO: &str = "0.01";

/// How serving is watched. The variables are those that all tools of OpenTelemetry read.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Observability")]
pub(crate) struct ObserveOptions {
    /// What an hour of a processor costs, in any currency: shows what predictions cost.
    #[arg(long, global = true, env = "FLYBALL_CPU_HOUR_COST", value_name = "AMOUNT", default_value_t = 0.0)]
    pub(crate) cpu_hour_cost: f64,
    /// Send spans of inference requests to this receiver of OTLP over HTTP, as http://localhost:4318.
    #[arg(long, global = true, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    pub(crate) otlp_endpoint: Option<String>,
    /// What to send along, as NAME=VALUE,NAME=VALUE; better given in the environment.
    #[arg(
        long,
        global = true,
        env = "OTEL_EXPORTER_OTLP_HEADERS",
        value_name = "HEADERS",
        default_value = "",
        hide_default_value = true,
        hide_env_values = true
    )]
    pub(crate) otlp_headers: String,
    /// The name of this service in its spans.
    #[arg(long, global = true, env = "OTEL_SERVICE_NAME", value_name = "NAME", default_value = SERVICE)]
    pub(crate) otlp_service: String,
    /// The part of the requests that have spans, from 0 to 1; whoever calls with a traceparent decides for itself.
    #[arg(long, global = true, env = "OTEL_TRACES_SAMPLER_ARG", value_name = "RATIO", default_value = RATIO)]
    pub(crate) otlp_ratio: String,
}

impl ObserveOptions {
    /// Starts what is asked for.
    ///
    /// # Errors
    /// `InvalidInput` for a price or ratio that is none, and when nothing can be sent to the receiver.
    pub(crate) fn start(&self, clock: &Arc<dyn Clock>) -> Result<Observe> {
        let cpu_hour_cost = self.cpu_hour_cost;
        if !cpu_hour_cost.is_finite() || cpu_hour_cost < 0.0 {
            return Err(Error::invalid(format!("an hour of a processor cannot cost {cpu_hour_cost}"))
                .hint("give a number that is not negative to --cpu-hour-cost"));
        }
        let spans = match self.otlp_endpoint.as_deref().filter(|endpoint| !endpoint.is_empty()) {
            None => None,
            Some(endpoint) => {
                let (service, ratio) = (or(&self.otlp_service, SERVICE), or(&self.otlp_ratio, RATIO));
                // What is no number is refused as one that is out of range.
                let ratio = ratio.trim().parse().unwrap_or(f64::NAN);
                let settings = SpanSettings::new(endpoint, &self.otlp_headers, service, ratio)?;
                let mut entropy = [0u8; 32];
                getrandom::fill(&mut entropy).map_err(Error::internal)?;
                // The operator names the receiver, which mostly stands on the same machine.
                Some(Spans::start(settings, Egress::new(Reach::Anywhere), Arc::clone(clock), entropy)?)
            }
        };
        Ok(Observe { cpu_hour_cost, spans })
    }
}

/// An empty variable counts as none, as the standard has it.
fn or<'a>(text: &'a str, default: &'a str) -> &'a str {
    if text.is_empty() { default } else { text }
}

/// How the log is written.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line, for programs.
    Json,
}
