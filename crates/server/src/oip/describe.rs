//! What endpoints are, in the words of the protocol: their tensors, counts and states.

use std::borrow::Cow;

use flyball_core::model::Interface;
use flyball_core::{Error, Feature, FeatureKind, Result, Task, TensorSpec};
use flyball_serving::{EndpointSnapshot, EndpointState, LiveEndpoint};
use serde::Serialize;

/// The word of the protocol for models as they are kept.
pub(crate) const PLATFORM: &str = "onnx_onnxv1";
/// What is there beyond the core of the protocol.
pub(crate) const EXTENSIONS: [&str; 4] =
    ["binary_tensor_data", "model_configuration", "model_repository", "statistics"];

/// A tensor as it is described; -1 is any size.
#[derive(Serialize)]
pub(crate) struct Tensor<'a> {
    pub(crate) name: &'a str,
    pub(crate) datatype: &'static str,
    pub(crate) shape: Vec<i64>,
}

/// What an endpoint takes and gives, or one of its versions.
///
/// # Errors
/// `NotFound` when the version does not serve.
pub(crate) fn interface(endpoint: &LiveEndpoint, version: Option<i64>) -> Result<Cow<'_, Interface>> {
    if let Some(version) = version {
        return Ok(Cow::Borrowed(&endpoint.version(version)?.interface));
    }
    let contract = &endpoint.contract;
    Ok(Cow::Owned(match &contract.tensors {
        Some(tensors) => Interface::Tensors(tensors.clone()),
        None => Interface::Rows(contract.signature.clone()),
    }))
}

/// What a model takes.
pub(crate) fn inputs(interface: &Interface) -> Vec<Tensor<'_>> {
    let datatype = |feature: &'_ Feature| match feature.kind {
        FeatureKind::Number => "FP64",
        FeatureKind::Text => "BYTES",
    };
    match interface {
        Interface::Tensors(signature) => signature.inputs.iter().map(described).collect(),
        Interface::Rows(signature) => {
            let features = signature.features.iter();
            features.map(|one| Tensor { name: &one.name, datatype: datatype(one), shape: vec![-1] }).collect()
        }
    }
}

fn described(spec: &TensorSpec) -> Tensor<'_> {
    Tensor { name: &spec.name, datatype: spec.datatype.as_str(), shape: spec.shape.clone() }
}

/// What a model gives.
pub(crate) fn outputs(interface: &Interface) -> Vec<Tensor<'_>> {
    let signature = match interface {
        Interface::Tensors(signature) => return signature.outputs.iter().map(described).collect(),
        Interface::Rows(signature) => signature,
    };
    match signature.task {
        Task::Classification => vec![
            Tensor { name: "label", datatype: "BYTES", shape: vec![-1] },
            Tensor { name: "probabilities", datatype: "FP64", shape: vec![-1, signature.width() as i64] },
        ],
        Task::Regression => vec![Tensor { name: "prediction", datatype: "FP64", shape: vec![-1] }],
    }
}

/// What a version has done since the process started.
pub(crate) struct Statistics {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) requests: u64,
    pub(crate) rows: u64,
    pub(crate) answered: u64,
    pub(crate) failed: u64,
    /// The time that the model took for all requests.
    pub(crate) nanos: u64,
}

/// The statistics of all versions, or of one.
pub(crate) fn statistics(endpoints: &[EndpointSnapshot], version: Option<i64>) -> Vec<Statistics> {
    let mut all = Vec::new();
    for endpoint in endpoints {
        for one in &endpoint.revisions {
            if version.is_some_and(|version| version != one.revision.version) {
                continue;
            }
            let counters = &one.counters;
            all.push(Statistics {
                name: endpoint.name.clone(),
                version: one.revision.version.to_string(),
                requests: counters.requests,
                rows: counters.rows,
                answered: counters.requests.saturating_sub(counters.errors),
                failed: counters.errors,
                nanos: counters.latency.sum_nanos,
            });
        }
    }
    all
}

/// A version that serves, or an endpoint that does not.
#[derive(Serialize)]
pub(crate) struct Indexed {
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    pub(crate) state: &'static str,
    pub(crate) reason: String,
}

/// The versions that serve and, unless only those are wanted, the endpoints that do not.
pub(crate) fn index(endpoints: &[EndpointSnapshot], only_ready: bool) -> Vec<Indexed> {
    let mut rows = Vec::new();
    for endpoint in endpoints {
        let reason = match &endpoint.state {
            EndpointState::Ready => "",
            EndpointState::Empty => "nothing gets its traffic",
            EndpointState::Degraded(why) | EndpointState::Failed(why) => why,
        };
        let row = |version, state| Indexed { name: endpoint.name.clone(), version, state, reason: reason.to_owned() };
        let versions = endpoint.revisions.iter().map(|one| one.revision.version.to_string());
        rows.extend(versions.map(|version| row(Some(version), "READY")));
        if endpoint.revisions.is_empty() && !only_ready {
            rows.push(row(None, "UNAVAILABLE"));
        }
    }
    rows
}

/// Why a model cannot be unloaded.
pub(crate) fn no_unloading(name: &str) -> Error {
    Error::invalid(format!("'{name}' cannot be unloaded: it serves what was deployed to it"))
        .hint("change the traffic of the endpoint instead")
}
