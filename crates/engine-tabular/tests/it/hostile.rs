//! Files that are broken on purpose: an error, never a panic, never a runaway.

use std::sync::Arc;

use flyball_core::model::{ExplainRequest, Model};
use flyball_core::rng::Rng;
use flyball_core::{ErrorCode, Task};
use flyball_engine_tabular::{Gbdt, Linear};

use crate::common::{flights, train, try_load};

/// Small models of both trainers.
fn artifacts() -> Vec<Vec<u8>> {
    let rows = flights(300, 5);
    vec![
        train(&Gbdt, &rows, Task::Classification, r#"{"trees": 3, "depth": 2}"#).unwrap().artifact,
        train(&Linear, &rows, Task::Classification, "{}").unwrap().artifact,
    ]
}

/// What loads must also answer or refuse.
pub(crate) fn attempt(loaded: flyball_core::Result<Arc<dyn Model>>) {
    let Ok(model) = loaded else { return };
    let features = model.signature().features.len();
    let row = vec![flyball_core::Value::Missing; features];
    let _answer = model.predict_row(&row, &mut Vec::new());
    let rows = flights(3, 1);
    let request = ExplainRequest { interactions: true, ..ExplainRequest::default() };
    let _explanation = model.explain(&rows, &request);
    let _against = model.explain(&rows, &ExplainRequest { background: Some(&rows), ..request });
    let _batch = model.predict(&rows);
}

#[test]
fn a_file_cut_at_any_length_is_refused_or_answers() {
    for artifact in artifacts() {
        for length in 0..artifact.len() {
            attempt(try_load(&artifact[..length]));
        }
        assert!(try_load(&artifact[..artifact.len() / 2]).is_err());
    }
}

#[test]
fn a_file_with_any_byte_changed_is_refused_or_answers() {
    let mut rng = Rng::seeded(11);
    for artifact in artifacts() {
        for _ in 0..4000 {
            let mut bytes = artifact.clone();
            for _ in 0..=rng.below(3) {
                let at = rng.below(bytes.len());
                bytes[at] = rng.next_u64() as u8;
            }
            attempt(try_load(&bytes));
        }
    }
}

#[test]
fn what_is_no_model_is_called_unsupported() {
    for bytes in [&b""[..], b"not a model", &[0xff; 64], b"\x80\x04pickle"] {
        let error = try_load(bytes).err().unwrap();
        assert_eq!(error.code(), ErrorCode::UnsupportedModel);
    }
}

/// The model with one text inside exchanged for another of the same length.
fn exchanged(artifact: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let at = artifact.windows(from.len()).position(|w| w == from).unwrap();
    [&artifact[..at], to, &artifact[at + from.len()..]].concat()
}

#[test]
fn an_unknown_operator_is_named() {
    let artifact = exchanged(&artifacts()[0], b"TreeEnsembleClassifier", b"SupportVectorMachine22");
    let error = try_load(&artifact).err().unwrap();
    assert_eq!(error.code(), ErrorCode::UnsupportedModel);
    assert!(error.message().contains("ai.onnx.ml.SupportVectorMachine22"), "{error}");
}
