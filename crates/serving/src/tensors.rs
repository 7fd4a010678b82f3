//! Answers tensors: one revision takes a request whole, its rows are recorded one by one.

use std::sync::Arc;
use std::time::Duration;

use flyball_core::model::Loaded;
use flyball_core::{DataType, Error, ErrorCode, Result, Tensor, TensorData, TensorSignature, limits};

use crate::capture::{InferenceRecord, RowValues};
use crate::live::{Identity, LiveEndpoint, LiveRevision, guard};
use crate::model::{TensorAnswer, TensorRequest};
use crate::shadow::Asked;

impl LiveEndpoint {
    /// Answers tensors. It may wait for the model to be loaded and for its turn, so it does not belong on a thread that
    /// serves connections.
    ///
    /// # Errors
    /// `InvalidInput` when an input breaks the contract, `NotFound` for a version that does not serve, `Unavailable` when
    /// nothing serves, `DeadlineExceeded`, `Overloaded`, and what the model fails with.
    pub fn infer_tensors(&self, request: TensorRequest<'_>) -> Result<TensorAnswer> {
        self.ready()?;
        let rows = self.check_tensors(&request).inspect_err(|_| self.refuse())?;
        let key = |row: usize| match request.keys {
            Some([one]) => Some(one.as_str()),
            Some(keys) => keys.get(row).map(String::as_str),
            None => None,
        };
        let identities: Vec<Identity> = (0..rows).map(|row| self.identify(key(row), request.at)).collect();
        let first = identities.first().map_or("", |identity| identity.prediction_id.as_str());
        let live = self.route(request.version, key(0).unwrap_or(first))?;
        // Coming into memory is not the model's own time; failing to is a failure of the request.
        let model = live.model(&self.shared);
        let started = self.shared.clock.monotonic_nanos();
        let outcome = model.and_then(|model| self.run(live, &model, &request, rows));
        if let Some(identity) = identities.first() {
            self.observe(live, identity, rows, started, outcome.as_ref().err());
        }
        self.capture_tensors(live, &request, &identities, &outcome);
        let outputs = outcome?;
        if let Some(identity) = identities.first() {
            self.mirror(live, identity.sequence, || Asked::Tensors {
                inputs: request.inputs.to_vec(),
                outputs: outputs.clone(),
                rows,
            });
        }
        let prediction_ids = identities.into_iter().map(|identity| identity.prediction_id).collect();
        Ok(TensorAnswer { prediction_ids, revision: Arc::clone(&live.revision), outputs })
    }

    /// How long a request may take.
    pub fn within(&self) -> Duration {
        self.endpoint.settings.timeout_ms.map_or(Duration::from_secs(limits::INFER_SECONDS), Duration::from_millis)
    }

    /// Checks a request and counts its rows.
    fn check_tensors(&self, request: &TensorRequest<'_>) -> Result<usize> {
        let Some(signature) = &self.contract.tensors else {
            return Err(Error::invalid("the model takes features, not tensors of its own"));
        };
        signature.check(request.inputs)?;
        self.contract.rules.tensors(request.inputs)?;
        let rows = rows(signature, request.inputs)?;
        if rows == 0 {
            return Err(Error::invalid("the request has no rows"));
        }
        if rows > limits::INFER_ROWS {
            let message = format!("the request has {rows} rows, at most {} are answered at once", limits::INFER_ROWS);
            return Err(Error::new(ErrorCode::LimitExceeded, message).hint("send the rows in several requests"));
        }
        match request.keys.map(<[String]>::len) {
            Some(count) if count != 1 && count != rows => {
                Err(Error::invalid(format!("there are {count} keys for {rows} rows")))
            }
            _ => Ok(rows),
        }
    }

    fn run(
        &self,
        live: &LiveRevision,
        loaded: &Loaded,
        request: &TensorRequest<'_>,
        rows: usize,
    ) -> Result<Vec<Tensor>> {
        let Loaded::Tensors(model) = loaded else { return Err(Error::internal("a model of rows is asked tensors")) };
        let within = self.within();
        match self.endpoint.settings.dynamic_batching {
            Some(batching) if rows < batching.max_batch_size && batched(model.signature()) => {
                live.batcher.run(&**model, request.inputs, rows, batching, within)
            }
            _ => guard(|| model.run(request.inputs, request.wanted, within)),
        }
    }

    fn capture_tensors(
        &self,
        live: &LiveRevision,
        request: &TensorRequest<'_>,
        identities: &[Identity],
        outcome: &Result<Vec<Tensor>>,
    ) {
        let features = self.contract.signature.features.iter();
        let place = |name: &str| request.inputs.iter().position(|tensor| tensor.name() == name);
        let positions: Vec<Option<usize>> = features.map(|feature| place(&feature.name)).collect();
        for (row, identity) in identities.iter().enumerate() {
            let key = match request.keys {
                Some([one]) => Some(one.as_str()),
                Some(keys) => keys.get(row).map(String::as_str),
                None => None,
            };
            let said = outcome.as_ref().map(|outputs| said(outputs, row)).unwrap_or_default();
            let scores = [said.score];
            self.runtime.capture.push(
                &self.contract,
                &InferenceRecord {
                    prediction_id: &identity.prediction_id,
                    sequence: identity.sequence,
                    at: identity.at,
                    key,
                    revision: &live.revision.id,
                    values: RowValues::Tensors(request.inputs, &positions, row),
                    outcome: outcome.as_ref().map(|_| scores.as_slice()).map_err(Error::message),
                    answer: said.text.as_deref(),
                },
            );
        }
    }
}

/// Whether all inputs have a first dimension of any size, which counts rows.
fn batched(signature: &TensorSignature) -> bool {
    !signature.open && signature.inputs.iter().all(|spec| spec.shape.first() == Some(&-1))
}

/// How many rows the inputs have: those of a batch, else one.
fn rows(signature: &TensorSignature, inputs: &[Tensor]) -> Result<usize> {
    let Some(first) = inputs.first() else { return Ok(1) };
    let same = inputs.iter().find(|tensor| tensor.rows() != first.rows() || tensor.shape().is_empty());
    match same {
        None if batched(signature) || signature.open => Ok(first.rows()),
        Some(other) if signature.columns => Err(Error::invalid(format!(
            "the input '{}' has {} rows, '{}' has {}",
            other.name(),
            other.rows(),
            first.name(),
            first.rows()
        ))),
        _ => Ok(1),
    }
}

/// What an answer says about one row: a number to watch, and a text to read.
#[derive(Default)]
pub(crate) struct Said {
    pub(crate) score: f64,
    pub(crate) text: Option<String>,
}

/// The output with the numbers that a prediction is about: the last one of fractions that is no wider than classes are,
/// else the last one of numbers; of those that say something of this row.
pub fn headline(outputs: &[Tensor], row: usize) -> Option<&Tensor> {
    let narrow = |tensor: &&Tensor| (1..=limits::CLASSES).contains(&tensor.row_len());
    let fractions = |tensor: &&Tensor| {
        matches!(tensor.datatype(), DataType::Fp16 | DataType::Bf16 | DataType::Fp32 | DataType::Fp64)
    };
    let numbers = |tensor: &&Tensor| tensor.datatype() != DataType::Bytes;
    let all = || outputs.iter().rev().filter(|tensor| speaks_of(tensor, row)).filter(narrow);
    all().find(fractions).or_else(|| all().find(numbers))
}

fn speaks_of(output: &Tensor, row: usize) -> bool {
    output.rows() > row || output.shape().is_empty()
}

/// What the outputs say about a row. The number is the last one of the [`headline`]; the text is the first output that has
/// one value a row.
pub(crate) fn said(outputs: &[Tensor], row: usize) -> Said {
    let headline = headline(outputs, row);
    let score = headline.map_or(f64::NAN, |tensor| tensor.number(row * tensor.row_len() + tensor.row_len() - 1));
    let single = outputs.iter().filter(|tensor| speaks_of(tensor, row)).find(|tensor| tensor.row_len() == 1);
    let text = single.map(|tensor| match (tensor.data(), tensor.text(row)) {
        (TensorData::Texts(_), Some(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
        _ => tensor.number(row).to_string(),
    });
    Said { score, text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headline_is_the_last_probability_and_the_label_its_text() {
        let packed = |bytes: Vec<u8>| TensorData::Packed(bytes.into());
        let labels: Vec<u8> = [0i64, 1].iter().flat_map(|label| label.to_le_bytes()).collect();
        let scores: Vec<u8> = [0.75f32, 0.25, 0.5, 0.5].iter().flat_map(|score| score.to_le_bytes()).collect();
        let outputs = [
            Tensor::new("label", DataType::Int64, vec![2], packed(labels)).unwrap(),
            Tensor::new("probabilities", DataType::Fp32, vec![2, 2], packed(scores)).unwrap(),
        ];
        let first = said(&outputs, 0);
        assert_eq!((first.score, first.text.as_deref()), (0.25, Some("0")));
        assert_eq!(said(&outputs[..1], 1).score, 1.0);
        assert!(said(&[], 0).score.is_nan());
    }
}
