//! A loaded graph.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use flyball_core::model::TensorModel;
use flyball_core::package::Package;
use flyball_core::tensor::{Tensor, TensorSignature};
use flyball_core::{Error, ErrorCode, Result};
use ort::session::SessionInputValue;

use crate::library::Library;
use crate::pool::{Pool, Slot};
use crate::watchdog::Deadline;
use crate::{errors, graph, signature, values};

/// A graph with its sessions.
pub(crate) struct OnnxModel {
    signature: TensorSignature,
    pool: Arc<Pool>,
}

impl OnnxModel {
    /// Loads the graph of a package, to be run by up to `sessions` at the same time.
    pub(crate) fn load(library: &Library, package: &Package<'_>, sessions: usize) -> Result<Self> {
        let graph = graph::prepare(package)?;
        let slot = Slot::open(&library.environment, &graph.bytes)?;
        let signature = signature::of(&slot.session, &graph)?;
        let pool = Pool::new(library.environment.clone(), graph.bytes, slot, sessions);
        Ok(Self { signature, pool })
    }

    /// Refuses a request without one of the inputs: ONNX Runtime would only notice where the input is used.
    fn check_names(&self, inputs: &[Tensor]) -> Result<()> {
        let specs = &self.signature.inputs;
        if inputs.len() == specs.len() && inputs.iter().zip(specs).all(|(tensor, spec)| tensor.name() == spec.name) {
            return Ok(());
        }
        match specs.iter().find(|spec| !inputs.iter().any(|tensor| tensor.name() == spec.name)) {
            Some(spec) => Err(Error::invalid(format!("the input '{}' is missing", spec.name))),
            None => Ok(()),
        }
    }
}

impl TensorModel for OnnxModel {
    fn signature(&self) -> &TensorSignature {
        &self.signature
    }

    fn run(&self, inputs: &[Tensor], wanted: Option<&[&str]>, within: Duration) -> Result<Vec<Tensor>> {
        let deadline = Deadline::after(within);
        self.check_names(inputs)?;
        let named: Vec<(Cow<'_, str>, SessionInputValue<'static>)> = inputs
            .iter()
            .map(|tensor| Ok((Cow::Borrowed(tensor.name()), values::input(tensor)?)))
            .collect::<Result<_>>()?;
        let mut taken = self.pool.take(deadline)?;
        let Slot { session, watch } = taken.slot()?;
        watch.begin(deadline);
        let answer = session.run_with_options(named, &watch.options);
        let stopped = watch.end();
        let outputs = answer.map_err(|error| {
            if stopped {
                let message = format!("the model did not answer within {} ms", within.as_millis());
                Error::new(ErrorCode::DeadlineExceeded, message)
            } else {
                errors::of_run(&error)
            }
        })?;
        // All outputs are computed in any case; those that nobody wants are not copied.
        let is_wanted = |name: &str| wanted.is_none_or(|wanted| wanted.contains(&name));
        let outputs = outputs.iter().filter(|(name, _)| is_wanted(name));
        outputs.map(|(name, value)| values::output(name, &value)).collect()
    }

    fn parallel(&self) -> usize {
        self.pool.most()
    }

    fn memory_bytes(&self) -> u64 {
        self.pool.memory_bytes()
    }
}
