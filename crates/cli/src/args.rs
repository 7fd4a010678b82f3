//! The command line: nouns then verbs, with the same words as everywhere else.

use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand};

use crate::wire::Places;

mod alerting;
mod checking;
mod data;
mod evaluating;
mod explaining;
mod labelling;
mod monitoring;
mod observing;
mod remedying;
mod serving;
mod sizing;
mod tracking;

pub(crate) use alerting::{AlertsVerb, NoteOptions, SecretsVerb, SilenceOptions};
pub(crate) use checking::{RowsOptions, RowsVerb};
pub(crate) use data::{
    AddOptions, CheckoutOptions, CommitOptions, DataVerb, DiffOptions, ExportDataOptions, GcOptions, ImportDvcOptions,
    LogOptions, ReferenceOptions, RemoteOptions,
};
pub(crate) use evaluating::{EvaluateOptions, ReplayOptions};
pub(crate) use explaining::ExplainOptions;
pub(crate) use labelling::{AnnotateOptions, CreateLabelsOptions, FileOfLabels, LabelsVerb};
pub(crate) use monitoring::MonitorsVerb;
pub(crate) use observing::LogFormat;
pub(crate) use remedying::{DecideOptions, RemediesVerb, SwitchOptions};
pub(crate) use serving::{EndpointsVerb, EnginesVerb, EnvironmentsVerb, ModelOptions, PredictOptions, RolloutOptions};
pub(crate) use sizing::{SampleSizeOptions, SizeOf};
pub(crate) use tracking::{ExperimentsVerb, FilesVerb, ModelsVerb, RunsVerb, Search, Tags};

/// Keeps machine-learning models right: data, training, gates, rollout, monitoring and the way back, in one program.
#[derive(Debug, Parser)]
#[command(name = "flyball", version, arg_required_else_help = true)]
pub(crate) struct Arguments {
    /// The folder of the project; relative paths of the loop file start here.
    #[arg(long, global = true, default_value = ".", env = "FLYBALL_PROJECT", value_name = "DIR")]
    pub(crate) project: PathBuf,
    /// The folder of all local state [default: .flyball in the project].
    #[arg(long, global = true, env = "FLYBALL_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The database [default: SQLite in the data folder]; postgres://… for several replicas.
    #[arg(long, global = true, env = "FLYBALL_DATABASE", value_name = "URL", hide_env_values = true)]
    pub(crate) database: Option<String>,
    /// The blob store [default: a folder in the data folder]; a folder, or s3://BUCKET/PREFIX with the AWS_… variables.
    #[arg(long, global = true, env = "FLYBALL_ARTIFACTS", value_name = "URL", hide_env_values = true)]
    pub(crate) artifacts: Option<String>,
    /// Let webhooks call private addresses, and without TLS.
    #[arg(long, global = true, env = "FLYBALL_WEBHOOK_ALLOW_PRIVATE", value_parser = FalseyValueParser::new())]
    pub(crate) webhook_allow_private: bool,
    /// How models are run.
    #[command(flatten)]
    pub(crate) models: ModelOptions,
    /// Print JSON for programs instead of text for people.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// What to log, as in `info` or `flyball_serving=debug`.
    #[arg(long, global = true, default_value = "warn", env = "FLYBALL_LOG", value_name = "FILTER")]
    pub(crate) log: String,
    /// How to write the log.
    #[arg(long, global = true, default_value = "text", env = "FLYBALL_LOG_FORMAT", value_enum)]
    pub(crate) log_format: LogFormat,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Watch a model live through a year of real New York flights.
    Demo(DemoOptions),
    /// Start a project: writes a commented flyball.yaml.
    Init(InitOptions),
    /// Say what `apply` would change, and why.
    Plan(FileOptions),
    /// Make the loop file so: datasets, checks, training, endpoint, monitors.
    Apply(FileOptions),
    /// Serve the API, the pages and the endpoints, and run the loops.
    Serve(ServeOptions),
    /// Replay history through the loop on a virtual clock, beside other policies.
    Simulate(SimulateOptions),
    /// Say how every loop stands.
    Status,
    /// Explain a prediction and trace it back to its data.
    Why(WhyOptions),
    /// Explain what an endpoint answers: rows, or the model as a whole.
    Explain(ExplainOptions),
    /// Runs: trainings of loops, and what clients log.
    #[command(subcommand)]
    Runs(RunsVerb),
    /// Experiments, which runs belong to.
    #[command(subcommand)]
    Experiments(ExperimentsVerb),
    /// Registered models and their versions.
    #[command(subcommand)]
    Models(ModelsVerb),
    /// Endpoints and their traffic.
    #[command(subcommand)]
    Endpoints(EndpointsVerb),
    /// Check a version on a dataset: metrics, leaks, drift, robustness, speed; exit code 1 when it does not pass.
    Evaluate(EvaluateOptions),
    /// Ask a candidate what an endpoint was asked, and compare the answers; exit code 1 when it is worse.
    Replay(ReplayOptions),
    /// Say how many rows a comparison needs to find a difference that matters.
    SampleSize(SampleSizeOptions),
    /// Predict a whole dataset into another one.
    Predict(PredictOptions),
    /// Environments, and what a version needs before it may serve in one.
    #[command(subcommand)]
    Environments(EnvironmentsVerb),
    /// What runs models on this machine.
    #[command(subcommand)]
    Engines(EnginesVerb),
    /// Datasets: versions of any files, and the tables that loops read.
    #[command(subcommand)]
    Data(DataVerb),
    /// Labelling: projects, tasks, answers, what models and rules say, commits.
    #[command(subcommand)]
    Labels(LabelsVerb),
    /// What the monitors of loops saw: windows, drift, fairness.
    #[command(subcommand)]
    Monitors(MonitorsVerb),
    /// Alerts, who is told of them, and what you say to them; alone it lists them, firing ones first.
    Alerts {
        /// What to do.
        #[command(subcommand)]
        verb: Option<AlertsVerb>,
    },
    /// Secrets, which files name and never hold.
    #[command(subcommand)]
    Secrets(SecretsVerb),
    /// Remedies: what they did, what they would do, and what waits for a person.
    #[command(subcommand)]
    Remedies(RemediesVerb),
    /// The audit log.
    #[command(subcommand)]
    Audit(AuditVerb),
    /// Bring in what another tool keeps.
    #[command(subcommand)]
    Import(ImportVerb),
    /// Carry everything out for another tool.
    #[command(subcommand)]
    Export(ExportVerb),
    /// Print the JSON Schema of the loop file, for editors.
    Schema,
    /// Print completions for a shell.
    Completions(CompletionsOptions),
}

/// Options of `demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoOptions {
    /// The folder for the demo's project and state.
    #[arg(long, default_value = "flyball-demo", value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// The port of the pages; 0 for any free one.
    #[arg(long, default_value_t = 5050)]
    pub(crate) port: u16,
    /// End when the year is over instead of keeping the pages up.
    #[arg(long)]
    pub(crate) exit: bool,
    /// Forget an earlier demo and begin anew.
    #[arg(long)]
    pub(crate) fresh: bool,
}

/// Options of `init`.
#[derive(Debug, Args)]
pub(crate) struct InitOptions {
    /// What the model does.
    #[arg(long, value_enum, default_value = "classification")]
    pub(crate) task: TaskArgument,
}

/// What a model does.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum TaskArgument {
    /// Says how probable a class is.
    Classification,
    /// Predicts a number.
    Regression,
}

/// Options of `plan` and `apply`.
#[derive(Debug, Args)]
pub(crate) struct FileOptions {
    /// The loop file, in the project.
    #[arg(default_value = "flyball.yaml")]
    pub(crate) file: PathBuf,
}

/// Options of `serve`.
#[derive(Debug, Args)]
pub(crate) struct ServeOptions {
    /// The address to listen on; anything but a loopback address needs authentication.
    #[arg(long, default_value = "127.0.0.1")]
    pub(crate) host: std::net::IpAddr,
    /// The port to listen on; 0 for any free one.
    #[arg(long, default_value_t = 5050)]
    pub(crate) port: u16,
}

/// Options of `simulate`.
#[derive(Debug, Args)]
pub(crate) struct SimulateOptions {
    /// The loop file, in the project.
    #[arg(default_value = "flyball.yaml")]
    pub(crate) file: PathBuf,
    /// The first day that is served, as 2013-03-01; earlier rows are there to learn from.
    #[arg(long)]
    pub(crate) from: flyball_core::Timestamp,
    /// The day after the last one.
    #[arg(long)]
    pub(crate) to: flyball_core::Timestamp,
    /// The policies to compare the loop with.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "never,monthly")]
    pub(crate) compare: Vec<PolicyArgument>,
    /// Forget an earlier simulation with the same inputs and begin anew.
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Write the event log, one JSON object a line, to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) events: Option<PathBuf>,
}

/// A policy to compare with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum PolicyArgument {
    /// The first model serves for ever.
    Never,
    /// Trains on the first of each month and deploys whatever comes.
    Monthly,
    /// Nothing: the loop alone.
    None,
}

/// Options of `why`.
#[derive(Debug, Args)]
pub(crate) struct WhyOptions {
    /// The id that came with the prediction.
    pub(crate) prediction_id: String,
}

/// Verbs of things that can be listed and shown.
#[derive(Debug, Subcommand)]
pub(crate) enum ListOrShow {
    /// The newest ones.
    List,
    /// One of them, whole.
    Show {
        /// Its id or name; a version as NAME/NUMBER.
        id: String,
    },
}

/// Verbs of the audit log.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditVerb {
    /// The newest events.
    List,
    /// Walk the chain of hashes and say whether anything was changed.
    Verify,
}

/// Where things are brought in from.
#[derive(Debug, Subcommand)]
pub(crate) enum ImportVerb {
    /// Experiments, runs, models and artifacts of MLflow; called again it goes on where it stopped.
    Mlflow(ImportMlflow),
}

/// Options of `import mlflow`.
#[derive(Debug, Args)]
pub(crate) struct ImportMlflow {
    /// A tracking server (http://HOST:PORT), its database (sqlite:PATH, postgresql://…) or the folder of an export.
    #[arg(long, value_name = "URI")]
    pub(crate) from: String,
    /// The folder in which the server of that database keeps artifacts.
    #[arg(long, value_name = "DIR")]
    pub(crate) from_artifacts: Option<String>,
    /// Only the experiment of this name; may be repeated.
    #[arg(long, value_name = "NAME")]
    pub(crate) experiment: Vec<String>,
    /// What to add to names that are taken here; without it they are left out.
    #[arg(long, value_name = "TEXT")]
    pub(crate) rename_suffix: Option<String>,
    #[command(flatten)]
    pub(crate) login: Login,
}

/// Where things are carried to.
#[derive(Debug, Subcommand)]
pub(crate) enum ExportVerb {
    /// Experiments, runs, models and artifacts, as MLflow knows them; called again it goes on where it stopped.
    Mlflow(ExportMlflow),
}

/// Options of `export mlflow`.
#[derive(Debug, Args)]
pub(crate) struct ExportMlflow {
    /// A folder, which `import mlflow` reads back, or a tracking server (http://HOST:PORT).
    #[arg(long, value_name = "DIR|URI")]
    pub(crate) to: String,
    #[command(flatten)]
    pub(crate) login: Login,
}

/// Who one is at another server, as its own clients say it.
#[derive(Clone, Debug, Args)]
pub(crate) struct Login {
    /// The user at that server.
    #[arg(long, env = "MLFLOW_TRACKING_USERNAME", value_name = "USER")]
    pub(crate) tracking_username: Option<String>,
    /// The password at that server; better given in the environment.
    #[arg(long, env = "MLFLOW_TRACKING_PASSWORD", value_name = "PASSWORD", hide_env_values = true)]
    pub(crate) tracking_password: Option<String>,
    /// The token for that server; better given in the environment.
    #[arg(long, env = "MLFLOW_TRACKING_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub(crate) tracking_token: Option<String>,
}

/// Options of `completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsOptions {
    /// The shell.
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

impl Arguments {
    /// Where state is kept.
    pub(crate) fn places(&self) -> Places {
        Places {
            project: self.project.clone(),
            data_dir: self.data_dir.clone().unwrap_or_else(|| self.project.join(".flyball")),
            database: self.database.clone(),
            artifacts: self.artifacts.clone(),
            webhook_allow_private: self.webhook_allow_private,
            models: self.models.clone(),
        }
    }
}
