//! Deploying registered versions by hand: what they consist of, whether they fit together, and what traffic they get.
//! What a loop deploys it deploys itself, see [`crate::rollout`].

use std::collections::HashSet;

use flyball_core::model::Interface;
use flyball_core::package::PackageFile;
use flyball_core::{Digest, Edit, Error, ErrorCode, Format, Manifest, Name, Permit, Read, Result, Timestamp};
use flyball_registry::{artifact_uri, packages};
use flyball_serving::model::{Revision, Share, WHOLE};
use flyball_serving::store::{self, NewRevision};
use flyball_serving::{Contract, Held};
use flyball_store::Tx;
use flyball_tracking::artifacts::{self, TreePath};
use serde::Deserialize;

use crate::environments;
use crate::mlmodel::{self, DESCRIPTION, GRAPH};
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
    /// The part of all requests whose copy it gets in the shadow, of 1000.
    #[serde(default)]
    pub mirror_per_mille: u16,
    /// The form to load it in; the fastest that works when absent.
    #[serde(default)]
    pub format: Option<Format>,
}

/// Most versions that share the traffic of an endpoint.
const PARTS: usize = 16;
/// Most files of a model.
const FILES: usize = 10_000;

/// A version that an engine has loaded.
pub struct Prepared {
    /// What names it, with all its files.
    pub artifact: Digest,
    /// What it takes and gives.
    pub interface: Interface,
    /// The model, which stays in memory until it serves.
    pub held: Held,
}

impl Prepared {
    /// What is known of a model in memory.
    pub(crate) fn new(artifact: Digest, held: Held) -> Self {
        Self { artifact, interface: held.interface(), held }
    }
}

/// Gives an endpoint's traffic to these versions, and makes the endpoint when there is none of the name. Everything is
/// loaded and compared before anything changes; requests under way finish as they began.
///
/// # Errors
/// `InvalidInput` when the shares do not sum to 1000; `NotFound` for a version that is not there; `UnsupportedModel` for one
/// that no engine can serve; `Conflict` when versions do not fit together, a loop has the endpoint, or a rollout is under
/// way.
pub fn deploy(
    platform: &Platform,
    permit: &Permit<Edit>,
    endpoint: &Name,
    parts: &[Part],
    now: Timestamp,
) -> Result<()> {
    check(parts)?;
    let reader = permit.read();
    let live = platform.serving.endpoint(endpoint.as_str()).ok();
    let environment = live.as_ref().map_or(store::PRODUCTION, |live| live.endpoint.environment.as_str());
    let mut contract: Option<Contract> = None;
    let mut prepared = Vec::with_capacity(parts.len());
    for part in parts {
        let label = || format!("{}/{}", part.model, part.version);
        let one = prepare(platform, &reader, &part.model, part.version, part.format)?;
        match &mut contract {
            Some(contract) => contract.join(&one.interface).map_err(|error| error.context(label()))?,
            None => contract = Some(Contract::of(&one.interface)),
        }
        if environments::admit(platform, &reader, environment, one.artifact, now)? {
            let message = format!("{} needs approval before it serves in {environment}", label());
            return Err(Error::new(ErrorCode::Conflict, message).hint(
                "start a rollout with `flyball endpoints rollout`, and approve it with `flyball endpoints promote`",
            ));
        }
        prepared.push(one);
    }
    // What was loaded is what shall serve: it must not be let go before it does.
    let _loaded: Vec<Held> = prepared.iter().map(|one| one.held.clone()).collect();
    let (endpoint, parts, permit) = (endpoint.clone(), parts.to_vec(), permit.clone());
    platform.db.write(move |tx| {
        store::create_endpoint(tx, &permit, &endpoint, None, now)?;
        crate::handmade::refuse_while_running(tx, &permit.read(), &endpoint)?;
        let mut shares = Vec::with_capacity(parts.len());
        for (part, one) in parts.iter().zip(prepared) {
            let revision = revision(tx, &permit, &endpoint, (&part.model, part.version), one, now)?;
            let (per_mille, mirror_per_mille) = (part.per_mille, part.mirror_per_mille);
            shares.push(Share { revision_id: revision.id, per_mille, mirror_per_mille });
        }
        store::set_traffic(tx, &permit, &endpoint, &shares, now)
    })?;
    platform.serving.refresh()
}

/// The revision of a prepared version at an endpoint.
pub(crate) fn revision(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    endpoint: &Name,
    (model, version): (&Name, i64),
    prepared: Prepared,
    now: Timestamp,
) -> Result<Revision> {
    let Prepared { artifact, interface, held } = prepared;
    let (interface, memory) = (Some(interface), held.memory_bytes());
    let new = NewRevision { endpoint, model, version, artifact, loop_name: None, interface, memory };
    store::create_revision(tx, permit, &new, now)
}

/// Finds what a version consists of and loads it.
///
/// # Errors
/// `NotFound`; `UnsupportedModel` with what is missing.
pub fn prepare(
    platform: &Platform,
    permit: &Permit<Read>,
    model: &Name,
    version: i64,
    format: Option<Format>,
) -> Result<Prepared> {
    let mut refusals: Vec<Error> = Vec::new();
    for artifact in artifacts_of(platform, permit, (model.as_str(), version), format)? {
        match platform.serving.load(artifact) {
            Ok(loaded) => {
                return Ok(Prepared::new(artifact, loaded));
            }
            Err(error) if error.code().status() >= 500 => return Err(error.context(format!("{model}/{version}"))),
            Err(error) => refusals.push(error),
        }
    }
    let label = format!("{model}/{version}");
    if refusals.len() < 2 {
        let none = || Error::internal("a version without a form");
        return Err(refusals.pop().unwrap_or_else(none).context(label));
    }
    let told: Vec<String> = refusals.iter().map(|error| error.message().to_owned()).collect();
    let error = Error::new(ErrorCode::UnsupportedModel, told.join("; ")).context(label);
    let hint = refusals.iter().rev().find_map(Error::next_step).map(str::to_owned);
    Err(if let Some(hint) = hint { error.hint(hint) } else { error })
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

/// The artifacts that a version can be loaded from, the best first: of what a loop registered its graph, of what a client
/// logged the lists of its files, which are kept as blobs.
fn artifacts_of(
    platform: &Platform,
    permit: &Permit<Read>,
    (model, version): (&str, i64),
    format: Option<Format>,
) -> Result<Vec<Digest>> {
    let found = platform.db.read(|tx| find(tx, permit, model, version))?;
    let (folder, files) = match found {
        Found::Packaged(graph) => return Ok(vec![graph]),
        Found::Files { folder, files } => (folder, files),
    };
    let own = |file: &artifacts::Artifact| {
        let path = file.path.as_str().strip_prefix(folder.as_str())?.strip_prefix('/')?;
        Some(PackageFile { path: path.to_owned(), digest: file.digest, size: file.size })
    };
    let files: Vec<PackageFile> = files.iter().filter_map(own).collect();
    let manifests = match files.iter().find(|file| file.path == DESCRIPTION) {
        Some(file) if file.size <= mlmodel::BYTES => {
            let text = platform.blobs.get(&file.digest)?;
            let text = std::str::from_utf8(&text).map_err(|_| {
                Error::new(ErrorCode::InvalidData, format!("the {DESCRIPTION} file of {model}/{version} is no text"))
            })?;
            mlmodel::manifests(&mlmodel::read(text)?, &files, format)?
        }
        _ => vec![Manifest { format: Format::Onnx, main: GRAPH.to_owned(), files, signature: None }],
    };
    manifests.iter().map(|manifest| platform.blobs.put(&manifest.bytes()?)).collect()
}

enum Found {
    Packaged(Digest),
    Files { folder: TreePath, files: Vec<artifacts::Artifact> },
}

fn find(tx: &mut Tx<'_>, permit: &Permit<Read>, model: &str, version: i64) -> Result<Found> {
    if let Some(packaged) = packages::find(tx, permit, model, version)? {
        return Ok(Found::Packaged(packaged.artifact));
    }
    let root = TreePath::from_uri(&artifact_uri(tx, permit, model, version)?)?;
    let unsupported = |message: String| {
        Error::new(ErrorCode::UnsupportedModel, message)
            .hint("register the folder of one model, as log_model writes it")
    };
    let mut described = artifacts::named(tx, permit, &root, &[DESCRIPTION], 2)?;
    if described.is_empty() {
        described = artifacts::named(tx, permit, &root, &[GRAPH], 2)?;
    }
    let folder: TreePath = match described.as_slice() {
        [one] => one.path.as_str().rsplit_once('/').map_or(one.path.as_str(), |(folder, _)| folder).parse()?,
        [] => return Err(unsupported(format!("the files of {model}/{version} hold no {DESCRIPTION} and no {GRAPH}"))),
        _ => return Err(unsupported(format!("the files of {model}/{version} hold several models"))),
    };
    let files = artifacts::below(tx, permit, &folder)?;
    if files.len() > FILES {
        return Err(unsupported(format!("{model}/{version} has more than {FILES} files")));
    }
    Ok(Found::Files { folder, files })
}
