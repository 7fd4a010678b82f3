//! Datasets: versions of any files, which need no server, and the tables that loops read.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use flyball_core::Duration;

/// Verbs of datasets.
#[derive(Debug, Subcommand)]
pub(crate) enum DataVerb {
    /// The tables that loops read.
    List,
    /// A version of a table, whole.
    Show {
        /// Its name, or NAME/NUMBER.
        id: String,
    },
    /// Verbs on the rows of tables.
    #[command(flatten)]
    Rows(super::RowsVerb),
    /// Take in what a folder or file holds now; a new one becomes a dataset.
    Add(AddOptions),
    /// Make what was added the next version.
    Commit(CommitOptions),
    /// The versions, the newest first.
    Log(LogOptions),
    /// What differs between two versions, or between a version and the folder; exit code 0 either way.
    Diff(DiffOptions),
    /// Bring a version, or some of its files, into the folder.
    Checkout(CheckoutOptions),
    /// What changed since the last version.
    Status {
        /// The dataset; all of them if none is named.
        dataset: Option<String>,
    },
    /// Send a branch with its versions to the remote.
    Push(RemoteOptions),
    /// Bring a branch with its versions from the remote, as origin/BRANCH.
    Fetch(RemoteOptions),
    /// Bring a branch from the remote and into the folder.
    Pull(RemoteOptions),
    /// Remove what no branch, tag or folder needs any more.
    Gc(GcOptions),
    /// Read and hash everything, and name the files of versions that are damaged; exit code 1 if there are any.
    Verify {
        /// Verify a remote instead: its address, or the one that is remembered.
        #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = "")]
        remote: Option<String>,
    },
    /// Write a version into a new folder or archive.
    Export(ExportDataOptions),
    /// Branches: alone it lists them.
    Branch(ReferenceOptions),
    /// Tags: alone it lists them.
    Tag(ReferenceOptions),
    /// Make datasets of what a DVC repository keeps.
    ImportDvc(ImportDvcOptions),
}

/// Options of `data add`.
#[derive(Debug, Args)]
pub(crate) struct AddOptions {
    /// A folder or file of the project, or a dataset; may be left out where there is only one.
    pub(crate) path: Option<String>,
    /// What to call a new dataset [default: as its folder].
    #[arg(long)]
    pub(crate) name: Option<String>,
}

/// Options of `data commit`.
#[derive(Debug, Args)]
pub(crate) struct CommitOptions {
    /// The dataset; may be left out where there is only one.
    pub(crate) dataset: Option<String>,
    /// Why this version is made.
    #[arg(short, long)]
    pub(crate) message: String,
    /// Add what the folder holds first.
    #[arg(short, long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) author: Author,
}

/// Who makes a version.
#[derive(Debug, Args)]
pub(crate) struct Author {
    /// Who makes it.
    #[arg(long, env = "FLYBALL_AUTHOR", value_name = "NAME")]
    author: Option<String>,
    /// Who is logged in.
    #[arg(long, env = "USER", hide = true, value_name = "NAME")]
    user: Option<String>,
}

impl Author {
    /// The name.
    pub(crate) fn name(&self) -> String {
        self.author.as_ref().or(self.user.as_ref()).cloned().unwrap_or_else(|| "unknown".to_owned())
    }
}

/// Options of `data log`.
#[derive(Debug, Args)]
pub(crate) struct LogOptions {
    /// The dataset; may be left out where there is only one.
    pub(crate) dataset: Option<String>,
    /// The version to begin with [default: the one in the folder].
    pub(crate) version: Option<String>,
    /// How many versions.
    #[arg(long, default_value_t = 20)]
    pub(crate) limit: usize,
}

/// Options of `data diff`.
#[derive(Debug, Args)]
pub(crate) struct DiffOptions {
    /// The dataset; may be left out where there is only one.
    pub(crate) dataset: Option<String>,
    /// The version before, or both as BEFORE..AFTER [default: the one in the folder].
    pub(crate) before: Option<String>,
    /// The version after [default: what the folder holds].
    pub(crate) after: Option<String>,
    /// Only how many files and bytes.
    #[arg(long)]
    pub(crate) stat: bool,
    /// Only these files and folders; * and ? within a name, ** across folders.
    #[arg(long, value_name = "GLOB")]
    pub(crate) only: Vec<String>,
}

/// Options of `data checkout`.
#[derive(Debug, Args)]
pub(crate) struct CheckoutOptions {
    /// The dataset; may be left out where there is only one.
    pub(crate) dataset: Option<String>,
    /// A branch, a tag, an id or its first digits, with ~N for the N-th before [default: what flyball.data.json names].
    pub(crate) version: Option<String>,
    /// Only these files and folders; * and ? within a name, ** across folders.
    #[arg(long, value_name = "GLOB")]
    pub(crate) only: Vec<String>,
    /// Write over local changes.
    #[arg(long)]
    pub(crate) force: bool,
    /// Link files instead of writing them: by shared blocks, else by hard links that may only be read.
    #[arg(long)]
    pub(crate) link: bool,
}

/// Options of `data push`, `data fetch` and `data pull`.
#[derive(Debug, Args)]
pub(crate) struct RemoteOptions {
    /// The dataset; may be left out where there is only one.
    pub(crate) dataset: Option<String>,
    /// A folder or s3://BUCKET/PREFIX; it is remembered.
    #[arg(long, value_name = "URL")]
    pub(crate) remote: Option<String>,
    /// The branch [default: the one in the folder].
    #[arg(long)]
    pub(crate) branch: Option<String>,
}

/// Options of `data gc`.
#[derive(Debug, Args)]
pub(crate) struct GcOptions {
    /// Say what would be removed, and remove nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// What is younger stays: others may be about to name it.
    #[arg(long, default_value = "14d", value_name = "DURATION")]
    pub(crate) grace: Duration,
    /// Clean a remote instead: its address, or the one that is remembered.
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = "")]
    pub(crate) remote: Option<String>,
}

/// Options of `data export`.
#[derive(Debug, Args)]
pub(crate) struct ExportDataOptions {
    /// The dataset; may be left out where there is only one.
    pub(crate) dataset: Option<String>,
    /// The version [default: the one in the folder].
    pub(crate) version: Option<String>,
    /// A new or empty folder, or a new archive whose name ends with .tar.
    #[arg(long, value_name = "DIR|FILE.tar")]
    pub(crate) to: PathBuf,
    /// Only these files and folders; * and ? within a name, ** across folders.
    #[arg(long, value_name = "GLOB")]
    pub(crate) only: Vec<String>,
}

/// Options of `data branch` and `data tag`.
#[derive(Debug, Args)]
pub(crate) struct ReferenceOptions {
    /// The dataset; may be left out where there is only one.
    pub(crate) dataset: Option<String>,
    /// The branch or tag to make.
    pub(crate) name: Option<String>,
    /// The version that it names [default: the one in the folder].
    pub(crate) version: Option<String>,
    /// Delete it instead.
    #[arg(long, requires = "name")]
    pub(crate) delete: bool,
}

/// Options of `data import-dvc`.
#[derive(Debug, Args)]
pub(crate) struct ImportDvcOptions {
    /// The folder of the repository.
    #[arg(default_value = ".")]
    pub(crate) repository: PathBuf,
    /// Only the dataset of this name; may be repeated.
    #[arg(long, value_name = "NAME")]
    pub(crate) dataset: Vec<String>,
    #[command(flatten)]
    pub(crate) author: Author,
}
