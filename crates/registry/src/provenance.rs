//! Where a run is from and what became of it, from everything that is known of it: what a loop or a client said, the files
//! it left, and the registry.

use std::collections::BTreeSet;

use flyball_core::{Digest, Permit, Read, Result};
use flyball_store::{Blobs, Tx, params};
use flyball_tracking::artifacts::{self, Artifact, TreePath};
use flyball_tracking::{DatasetInput, ModelUse, Run, runs};
use serde::Serialize;

use crate::{lineage, versions};

/// The lineage of a run.
#[derive(Debug, Serialize)]
pub struct Provenance {
    /// The run.
    pub run: String,
    /// Who started it.
    pub user: Option<String>,
    /// The code.
    pub code: Code,
    /// What it learnt from, when a loop trained it.
    pub training: Option<flyball_tracking::lineage::Lineage>,
    /// The datasets that it used, as its client describes them.
    pub datasets: Vec<DatasetInput>,
    /// The logged models that it took in.
    pub took_in: Vec<ModelUse>,
    /// The logged models that it made.
    pub made: Vec<ModelUse>,
    /// The versions of registered models that came of it, as NAME/NUMBER, with their aliases.
    pub versions: Vec<RegisteredAs>,
    /// The run that it is part of.
    pub parent: Option<String>,
    /// The runs that are parts of it.
    pub children: Vec<String>,
    /// The files that say what was installed.
    pub environment: Vec<EnvironmentFile>,
}

/// The code of a run.
#[derive(Debug, Serialize)]
pub struct Code {
    /// The git commit.
    pub commit: Option<String>,
    /// The git branch.
    pub branch: Option<String>,
    /// The git repository.
    pub repository: Option<String>,
    /// The script, notebook or job that ran.
    pub entry: Option<String>,
    /// What kind of thing that is.
    pub kind: Option<String>,
}

/// A version that came of a run.
#[derive(Debug, Serialize)]
pub struct RegisteredAs {
    /// As NAME/NUMBER.
    pub version: String,
    /// The aliases that point at it.
    pub aliases: Vec<String>,
}

/// A file that says what was installed.
#[derive(Debug, Serialize)]
pub struct EnvironmentFile {
    /// Where it is in the tree of artifacts.
    pub path: String,
    /// The blob with its bytes.
    pub digest: Digest,
    /// Its text, once it is read; of a long one the beginning.
    pub text: Option<String>,
    /// Why it could not be read.
    pub problem: Option<String>,
    #[serde(skip)]
    size: u64,
}

/// The names of files that say what was installed.
const ENVIRONMENT: [&str; 3] = ["requirements.txt", "python_env.yaml", "conda.yaml"];
/// Most such files that are told of: a model has three.
const TOLD: usize = 30;
/// How much of such a file is read.
const READ_BYTES: u64 = 64 * 1024;

impl EnvironmentFile {
    /// Reads its text, or notes why it cannot be read: the rest of the lineage is worth knowing all the same.
    pub fn read(&mut self, blobs: &Blobs) {
        let read = || -> Result<Vec<u8>> {
            let mut bytes = Vec::new();
            for chunk in blobs.reader(&self.digest, Some(0..self.size.min(READ_BYTES)))? {
                bytes.extend_from_slice(&chunk?);
            }
            Ok(bytes)
        };
        match read() {
            Ok(bytes) => self.text = Some(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) => self.problem = Some(error.message().to_owned()),
        }
    }
}

/// The lineage of a run, deleted or not.
///
/// # Errors
/// `NotFound` when there is no such run.
pub fn of_run(tx: &mut Tx<'_>, permit: &Permit<Read>, id: &str) -> Result<Provenance> {
    let run = runs::get(tx, permit, id)?;
    let commit = run.lineage.as_ref().and_then(|lineage| lineage.code_commit.clone());
    let code = Code {
        commit: tag(&run, "mlflow.source.git.commit").or(commit),
        branch: tag(&run, "mlflow.source.git.branch"),
        repository: tag(&run, "mlflow.source.git.repoURL"),
        entry: tag(&run, "mlflow.source.name"),
        kind: tag(&run, "mlflow.source.type"),
    };
    let registered = versions::of_run(tx, permit, id)?;
    let versions = registered.into_iter().map(|version| RegisteredAs {
        version: format!("{}/{}", version.model, version.version),
        aliases: version.aliases,
    });
    Ok(Provenance {
        user: tag(&run, "mlflow.user").or_else(|| Some(run.user_id.clone()).filter(|user| !user.is_empty())),
        parent: tag(&run, "mlflow.parentRunId"),
        versions: versions.collect(),
        children: children(tx, permit, id)?,
        environment: environment(tx, permit, &run)?,
        run: run.id,
        code,
        training: run.lineage,
        datasets: run.inputs.datasets,
        took_in: run.inputs.models,
        made: run.inputs.outputs,
    })
}

fn tag(run: &Run, key: &str) -> Option<String> {
    run.tags.iter().find(|tag| tag.key == key).map(|tag| tag.value.clone()).filter(|value| !value.is_empty())
}

fn children(tx: &mut Tx<'_>, permit: &Permit<Read>, id: &str) -> Result<Vec<String>> {
    let mut children = Vec::new();
    // Nested runs are in the experiment of their parent or not: clients may do either.
    tx.for_each(
        "SELECT r.id FROM experiments e JOIN run_tags t ON t.experiment_id = e.id JOIN runs r ON r.no = t.run_no \
         WHERE e.workspace = $1 AND t.key = 'mlflow.parentRunId' AND substr(t.value, 1, 200) = $2 \
         AND r.lifecycle = 'active' ORDER BY r.started_at, r.id",
        &params![permit.workspace(), id],
        |row| {
            children.push(row.get(0)?);
            Ok(())
        },
    )?;
    Ok(children)
}

/// The files below the roots of the run and of the models that it made.
fn environment(tx: &mut Tx<'_>, permit: &Permit<Read>, run: &Run) -> Result<Vec<EnvironmentFile>> {
    let mut roots: BTreeSet<String> = [run.artifact_uri.clone()].into();
    for made in &run.inputs.outputs {
        roots.extend(lineage::logged_model(tx, permit, &made.model_id)?.map(|model| model.root));
    }
    let mut files = Vec::new();
    for root in roots {
        // Files that lie elsewhere are not ours to read.
        let Ok(root) = TreePath::from_uri(&root) else { continue };
        let room = TOLD.saturating_sub(files.len());
        files.extend(artifacts::named(tx, permit, &root, &ENVIRONMENT, room)?);
    }
    let file = |file: Artifact| EnvironmentFile {
        path: file.path.as_str().to_owned(),
        digest: file.digest,
        text: None,
        problem: None,
        size: file.size,
    };
    Ok(files.into_iter().map(file).collect())
}
