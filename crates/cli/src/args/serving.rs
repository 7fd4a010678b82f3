//! How models are run, and the verbs of endpoints, environments and engines.

use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{Args, Subcommand};
use flyball_core::Duration;

use super::observing::ObserveOptions;

/// How models are run.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Models")]
pub(crate) struct ModelOptions {
    /// The folder for engines, environments of Python, and models that run there [default: ~/.cache/flyball].
    #[arg(long, global = true, env = "FLYBALL_CACHE_DIR", value_name = "DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
    /// The most memory that models may take, in MiB [default: half of the machine's]; the least recently used make room.
    #[arg(long, global = true, env = "FLYBALL_MODEL_MEMORY", value_name = "MIB")]
    pub(crate) model_memory: Option<u64>,
    /// The library of ONNX Runtime [default: searched for].
    #[arg(long, global = true, env = "FLYBALL_ONNXRUNTIME", value_name = "FILE")]
    pub(crate) onnxruntime: Option<PathBuf>,
    /// The Python that runs models as it is, instead of an environment made from the requirements of each.
    #[arg(long, global = true, env = "FLYBALL_MODEL_PYTHON", value_name = "FILE")]
    pub(crate) model_python: Option<PathBuf>,
    /// Worker processes for each model in Python.
    #[arg(long, global = true, env = "FLYBALL_WORKERS", value_name = "N", default_value_t = 1)]
    pub(crate) workers: usize,
    /// The most memory of a worker process, in MiB; 0 for no limit.
    #[arg(long, global = true, env = "FLYBALL_WORKER_MEMORY", value_name = "MIB", default_value_t = 4096)]
    pub(crate) worker_memory: u64,
    /// Stop a worker process that was idle for so long, as in 10m; the next request starts it again.
    #[arg(long, global = true, env = "FLYBALL_WORKER_IDLE", value_name = "TIME")]
    pub(crate) worker_idle: Option<Duration>,
    /// Let models in Python use the network.
    #[arg(long, global = true, env = "FLYBALL_WORKER_NETWORK", value_parser = FalseyValueParser::new())]
    pub(crate) worker_network: bool,
    /// Serve no models that run code of their own, such as those in Python.
    #[arg(long, global = true, env = "FLYBALL_NO_MODEL_CODE", value_parser = FalseyValueParser::new())]
    pub(crate) no_model_code: bool,
    /// How serving is watched.
    #[command(flatten)]
    pub(crate) observe: ObserveOptions,
}

/// Verbs of endpoints.
#[derive(Debug, Subcommand)]
pub(crate) enum EndpointsVerb {
    /// All of them.
    List,
    /// One of them, whole.
    Show {
        /// The endpoint.
        name: String,
    },
    /// Give an endpoint's traffic to registered versions at once; it is made when there is none of the name.
    Deploy {
        /// The endpoint.
        name: String,
        /// The versions, as MODEL/NUMBER for all of the traffic or MODEL/NUMBER=PERCENT.
        #[arg(required = true, value_name = "VERSION[=PERCENT]")]
        versions: Vec<String>,
        /// A version that gets copies of requests; its answers are compared and never given.
        #[arg(long, value_name = "VERSION[=PERCENT]")]
        shadow: Vec<String>,
        /// The form to load them in: onnx, xgboost, lightgbm or pyfunc [default: the fastest that works].
        #[arg(long, value_name = "FORM")]
        format: Option<String>,
    },
    /// Move an endpoint's traffic to a version step by step, and back when a condition says so.
    Rollout {
        /// The endpoint.
        name: String,
        /// The version, as MODEL/NUMBER.
        version: String,
        /// How it goes.
        #[command(flatten)]
        plan: RolloutOptions,
        /// The form to load it in [default: the fastest that works].
        #[arg(long, value_name = "FORM")]
        format: Option<String>,
    },
    /// Hold the rollout where it is.
    Pause(Said),
    /// Let a paused rollout go on: its step is watched anew.
    Resume(Said),
    /// Take the rollout to its next step now; it approves what waits for approval.
    Promote(Said),
    /// Give all traffic back to the old version.
    Abort(Said),
    /// Compare the versions that share the traffic: an A/B test's result, with significance.
    Compare {
        /// The endpoint.
        name: String,
        /// How many hours back.
        #[arg(long, default_value_t = 24, value_name = "N")]
        hours: i64,
    },
    /// The slowest requests of the last hour.
    Slow {
        /// The endpoint.
        name: String,
    },
    /// Show the settings, or change them: KEY=VALUE, as in timeout_ms=500 or capture.share=0.1; KEY= for the default.
    Configure {
        /// The endpoint.
        name: String,
        /// What to change.
        #[arg(value_name = "KEY=VALUE")]
        changes: Vec<String>,
    },
    /// Start to give an endpoint the very version that serves at another one, as from staging to production.
    PromoteVersion {
        /// The endpoint where it serves.
        from: String,
        /// The endpoint that gets it.
        to: String,
        /// Where the receiving endpoint stands.
        #[arg(long, value_name = "NAME")]
        environment: Option<String>,
        /// How it goes.
        #[command(flatten)]
        plan: RolloutOptions,
    },
}

/// How a rollout goes.
#[derive(Debug, Args)]
pub(crate) struct RolloutOptions {
    /// The shares of the new version, as in 1%,10%,50%; all of it comes at the end.
    #[arg(long, value_delimiter = ',', value_name = "PERCENT", default_value = "10%,50%")]
    pub(crate) steps: Vec<String>,
    /// How long each step is watched, as in 30s, 10m or 6h.
    #[arg(long, value_name = "TIME", default_value = "10m")]
    pub(crate) bake: Duration,
    /// How often a step is looked at.
    #[arg(long, value_name = "TIME", default_value = "5s")]
    pub(crate) every: Duration,
    /// First give the new version copies of so many requests, and compare what it answers.
    #[arg(long, value_name = "PERCENT")]
    pub(crate) shadow: Option<String>,
    /// No steps: the new version stands beside the old one for the bake time, then all traffic goes over at once.
    #[arg(long)]
    pub(crate) blue_green: bool,
    /// Give everything back when this holds, as in "error_rate > 1%" or "latency_p99_ms > 2 * champion.latency_p99_ms".
    #[arg(long, value_name = "CONDITION")]
    pub(crate) abort_if: Vec<String>,
    /// Go on only when this holds at the end of a step, as in "disagreement < 2%"; else wait for a person.
    #[arg(long, value_name = "CONDITION")]
    pub(crate) advance_if: Vec<String>,
    /// How many looks may find a broken condition before everything is given back.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) failure_limit: u32,
    /// Watch a step with fewer requests longer.
    #[arg(long, value_name = "N")]
    pub(crate) fewest_requests: Option<u64>,
    /// Wait for somebody's approval before it gets all traffic.
    #[arg(long)]
    pub(crate) approval: bool,
}

/// What a person says to a rollout.
#[derive(Debug, Args)]
pub(crate) struct Said {
    /// The endpoint.
    pub(crate) name: String,
    /// Why, for the record.
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub(crate) reason: String,
}

/// Verbs of environments.
#[derive(Debug, Subcommand)]
pub(crate) enum EnvironmentsVerb {
    /// All of them, with their rules and endpoints.
    List,
    /// Say what a version needs before it may serve in one. What is left out is not needed.
    Rules {
        /// The environment.
        name: String,
        /// The environment where the very same version must serve already.
        #[arg(long, value_name = "NAME")]
        after: Option<String>,
        /// For how long.
        #[arg(long, value_name = "TIME")]
        soak: Option<Duration>,
        /// How many requests it must have answered there.
        #[arg(long, default_value_t = 0, value_name = "N")]
        fewest_requests: u64,
        /// The largest share of them that may have failed.
        #[arg(long, value_name = "PERCENT")]
        most_errors: Option<String>,
        /// Whether somebody must approve it.
        #[arg(long)]
        approval: bool,
        /// Whether models that run code of their own, such as pickles, may not serve there.
        #[arg(long)]
        refuse_code: bool,
    },
}

/// Verbs of engines.
#[derive(Debug, Subcommand)]
pub(crate) enum EnginesVerb {
    /// What there is, with what it works, and what is missing.
    List,
    /// Install the library of an engine into the cache folder.
    Install {
        /// The engine: onnxruntime.
        name: String,
        /// A wheel that is here already, for machines without a network.
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
    },
}

/// Options of `predict`.
#[derive(Debug, Args)]
pub(crate) struct PredictOptions {
    /// The endpoint whose model predicts.
    pub(crate) endpoint: String,
    /// The rows: a dataset, as NAME or NAME@NUMBER, or a file of the project.
    pub(crate) rows: String,
    /// The dataset that gets the predictions.
    #[arg(long, value_name = "NAME")]
    pub(crate) into: String,
    /// Ask this version of the model instead of the one with the largest share.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) version: Option<i64>,
    /// Put the contribution of each feature beside each prediction.
    #[arg(long)]
    pub(crate) explain: bool,
}
