//! The files of a loop's version in the tree of artifacts, as the clients of MLflow load models: its graph, and what they
//! need around it.

use flyball_core::{Digest, Edit, Permit, Result, Timestamp};
use flyball_store::{Blobs, Tx};
use flyball_tracking::artifacts::{self, TreePath, root};

/// Reads the graph for them: MLflow's own reader of graphs hands columns on in a shape that ours do not take.
const READER: &str = include_str!("packaged/flyball_model.py");
/// What the reader needs.
const REQUIREMENTS: &str = "mlflow\nnumpy\nonnxruntime\npandas\n";
const PYTHON_ENVIRONMENT: &str = "python: '3'\ndependencies:\n- -r requirements.txt\n";
/// The graph in the folder of a version.
const GRAPH: &str = "model.onnx";

/// The files of one version, kept and not yet in the tree.
#[derive(Debug)]
pub(crate) struct Files {
    /// The blob of the graph.
    pub(crate) graph: Digest,
    /// The folder of the version among the files of its run.
    pub(crate) output: &'static str,
    files: Vec<(&'static str, Digest, u64)>,
}

/// Keeps the files of a version that shall be under `output` in its run.
pub(crate) fn keep(blobs: &Blobs, run_id: &str, output: &'static str, graph: &[u8], now: Timestamp) -> Result<Files> {
    let described = description(run_id, output, now);
    let kept = blobs.put(graph)?;
    let texts = [
        ("MLmodel", described.as_str()),
        ("code/flyball_model.py", READER),
        ("requirements.txt", REQUIREMENTS),
        ("python_env.yaml", PYTHON_ENVIRONMENT),
    ];
    let mut files = vec![(GRAPH, kept, graph.len() as u64)];
    for (name, text) in texts {
        files.push((name, blobs.put(text.as_bytes())?, text.len() as u64));
    }
    Ok(Files { graph: kept, output, files })
}

/// Puts the files among those of the run.
pub(crate) fn put(tx: &mut Tx<'_>, permit: &Permit<Edit>, run_id: &str, files: &Files, now: Timestamp) -> Result<()> {
    let folder = TreePath::from_uri(&root::of_run(tx, permit, run_id)?)?.join(&files.output.parse()?)?;
    for (name, digest, size) in &files.files {
        artifacts::put(tx, permit, &folder.join(&name.parse()?)?, digest, *size, now)?;
    }
    Ok(())
}

/// The description that MLflow looks for. It has no signature: MLflow would refuse whole numbers for features that are
/// fractions, which the reader takes.
fn description(run_id: &str, output: &str, now: Timestamp) -> String {
    let made_at = now.to_string().replace('T', " ").replace('Z', "");
    format!(
        "artifact_path: {output}\n\
         flavors:\n\
         \x20 onnx:\n\
         \x20   code: null\n\
         \x20   data: {GRAPH}\n\
         \x20   onnx_version: 1.17.0\n\
         \x20   providers:\n\
         \x20   - CPUExecutionProvider\n\
         \x20 python_function:\n\
         \x20   code: code\n\
         \x20   data: {GRAPH}\n\
         \x20   env:\n\
         \x20     virtualenv: python_env.yaml\n\
         \x20   loader_module: flyball_model\n\
         run_id: {run_id}\n\
         utc_time_created: '{made_at}'\n"
    )
}
