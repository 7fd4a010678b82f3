//! Deploying registered versions by hand: whose graph it is, whether they fit together, and what traffic they get. What a
//! loop deploys it deploys itself, see [`crate::rollout`].

use std::collections::HashSet;

use flyball_core::{Digest, Edit, Error, ErrorCode, Name, Permit, Read, Result, Timestamp, model};
use flyball_registry::{artifact_uri, packages};
use flyball_serving::Contract;
use flyball_serving::model::{Share, WHOLE};
use flyball_serving::store::{self, NewRevision};
use flyball_store::Tx;
use flyball_tracking::artifacts::{self, TreePath};
use serde::Deserialize;

use crate::platform::Platform;

/// A registered version and its part of the traffic.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The registered model.
    pub model: Name,
    /// Its version.
    pub version: i64,
    /// Its share of the traffic, of 1000.
    pub per_mille: u16,
}

/// The file in which MLflow keeps the graph of a model that was logged as ONNX.
const GRAPH: &str = "model.onnx";
/// Most versions that share the traffic of an endpoint.
const PARTS: usize = 16;

/// Gives an endpoint's traffic to these versions, and makes the endpoint when there is none of the name. Everything is
/// loaded and compared before anything changes; requests under way finish as they began.
///
/// # Errors
/// `InvalidInput` when the shares do not sum to 1000; `NotFound` for a version that is not there; `UnsupportedModel` for one
/// that no engine can serve; `Conflict` when versions do not fit together, or a loop has the endpoint.
pub fn deploy(
    platform: &Platform,
    permit: &Permit<Edit>,
    endpoint: &Name,
    parts: &[Part],
    now: Timestamp,
) -> Result<()> {
    check(parts)?;
    let reader = permit.read();
    let mut contract: Option<Contract> = None;
    let mut artifacts = Vec::with_capacity(parts.len());
    for part in parts {
        let label = || format!("{}/{}", part.model, part.version);
        let artifact = platform.db.read(|tx| graph_of(tx, &reader, part))?;
        let loaded = model::load(&platform.engines, &platform.blobs.get(&artifact)?);
        let loaded = loaded.map_err(|error| error.context(label()))?;
        match &mut contract {
            Some(contract) => contract.join(loaded.signature()).map_err(|error| error.context(label()))?,
            None => contract = Some(Contract::of(loaded.signature())),
        }
        artifacts.push(artifact);
    }
    let (endpoint, parts, permit) = (endpoint.clone(), parts.to_vec(), permit.clone());
    platform.db.write(move |tx| {
        store::create_endpoint(tx, &permit, &endpoint, None, now)?;
        let mut shares = Vec::with_capacity(parts.len());
        for (part, artifact) in parts.iter().zip(artifacts) {
            let (model, version) = (&part.model, part.version);
            let new = NewRevision { endpoint: &endpoint, model, version, artifact, loop_name: None };
            let revision = store::create_revision(tx, &permit, &new, now)?;
            shares.push(Share { revision_id: revision.id, per_mille: part.per_mille });
        }
        store::set_traffic(tx, &permit, &endpoint, &shares, now)
    })?;
    platform.serving.refresh()
}

fn check(parts: &[Part]) -> Result<()> {
    let total: u32 = parts.iter().map(|part| u32::from(part.per_mille)).sum();
    if parts.is_empty() || parts.len() > PARTS || total != u32::from(WHOLE) {
        let percent = f64::from(total) / 10.0;
        return Err(Error::invalid(format!("the shares of the versions are {percent} % of the traffic together"))
            .hint(format!("name 1 to {PARTS} versions whose shares are 100 % together")));
    }
    let mut seen = HashSet::new();
    match parts.iter().find(|part| !seen.insert((part.model.as_str(), part.version))) {
        Some(twice) => Err(Error::invalid(format!("{}/{} is named twice", twice.model, twice.version))),
        None => Ok(()),
    }
}

/// The blob of a version's graph: of what a loop registered its package, of what a client logged its file.
fn graph_of(tx: &mut Tx<'_>, permit: &Permit<Read>, part: &Part) -> Result<Digest> {
    let (model, version) = (part.model.as_str(), part.version);
    if let Some(packaged) = packages::find(tx, permit, model, version)? {
        return Ok(packaged.artifact);
    }
    let files = TreePath::from_uri(&artifact_uri(tx, permit, model, version)?)?;
    let found = artifacts::named(tx, permit, &files, &[GRAPH], 2)?;
    match found.as_slice() {
        [graph] => Ok(graph.digest),
        [] => Err(Error::new(ErrorCode::UnsupportedModel, format!("the files of {model}/{version} hold no {GRAPH}"))
            .hint("log the model as ONNX too, with mlflow.onnx.log_model; other flavours are not served yet")),
        _ => {
            Err(Error::new(ErrorCode::UnsupportedModel, format!("the files of {model}/{version} hold several {GRAPH}"))
                .hint("register the folder of one model"))
        }
    }
}
