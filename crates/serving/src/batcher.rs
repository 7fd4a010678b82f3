//! Puts requests that come at the same time together: the first one waits a little for others, runs the model for all of
//! them, and hands each its part. It pays for networks and for models in Python, where a call costs more than a row.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use flyball_core::model::TensorModel;
use flyball_core::{Error, ErrorCode, Result, Tensor};

use crate::live::guard;
use crate::settings::Batching;

/// The requests of one revision that wait for each other.
#[derive(Default)]
pub(crate) struct Batcher {
    open: Mutex<Option<Open>>,
    full: Condvar,
}

/// A batch that still takes requests.
struct Open {
    parts: Vec<Arc<Part>>,
    rows: usize,
    most: usize,
}

/// One request of a batch.
struct Part {
    inputs: Vec<Tensor>,
    rows: usize,
    outcome: Mutex<Option<Result<Vec<Tensor>, Failure>>>,
    done: Condvar,
}

/// A failure of the batch, told to each of its requests.
#[derive(Clone)]
struct Failure {
    code: ErrorCode,
    message: String,
    hint: Option<String>,
}

impl Failure {
    fn of(error: &Error) -> Self {
        let hint = error.next_step().map(str::to_owned);
        Self { code: error.code(), message: error.message().to_owned(), hint }
    }

    fn error(self) -> Error {
        let error = Error::new(self.code, self.message);
        match self.hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

impl Batcher {
    /// Answers a request, perhaps together with others.
    pub(crate) fn run(
        &self,
        model: &dyn TensorModel,
        inputs: &[Tensor],
        rows: usize,
        batching: Batching,
        within: Duration,
    ) -> Result<Vec<Tensor>> {
        let part = Arc::new(Part { inputs: inputs.to_vec(), rows, outcome: Mutex::new(None), done: Condvar::new() });
        let mut open = lock(&self.open);
        if let Some(batch) = open.as_mut().filter(|batch| batch.takes(&part)) {
            batch.rows += rows;
            batch.parts.push(Arc::clone(&part));
            if batch.rows >= batch.most {
                self.full.notify_all();
            }
            drop(open);
            return part.wait(within);
        }
        if open.is_some() {
            // Another shape, or no place any more: by itself rather than later.
            drop(open);
            return guard(|| model.run(inputs, None, within));
        }
        *open = Some(Open { parts: vec![Arc::clone(&part)], rows, most: batching.max_batch_size });
        let delay = Duration::from_micros(batching.max_queue_delay_microseconds);
        let waits = |open: &mut Option<Open>| open.as_ref().is_some_and(|batch| batch.rows < batch.most);
        let waited = self.full.wait_timeout_while(open, delay, waits);
        let (mut open, _timed_out) = waited.unwrap_or_else(PoisonError::into_inner);
        let batch = open.take();
        drop(open);
        if let Some(batch) = batch {
            answer(model, &batch.parts, within);
        }
        part.wait(Duration::ZERO)
    }
}

impl Open {
    /// Whether a request fits: the same inputs with rows of the same shape, and room for its rows.
    fn takes(&self, part: &Part) -> bool {
        let Some(first) = self.parts.first() else { return false };
        let same = |(one, other): (&Tensor, &Tensor)| {
            one.name() == other.name() && one.datatype() == other.datatype() && one.shape()[1..] == other.shape()[1..]
        };
        self.rows + part.rows <= self.most
            && first.inputs.len() == part.inputs.len()
            && first.inputs.iter().zip(&part.inputs).all(same)
    }
}

impl Part {
    fn tell(&self, outcome: Result<Vec<Tensor>, Failure>) {
        *lock(&self.outcome) = Some(outcome);
        self.done.notify_all();
    }

    fn wait(&self, within: Duration) -> Result<Vec<Tensor>> {
        let outcome = lock(&self.outcome);
        let waited = self.done.wait_timeout_while(outcome, within, |outcome| outcome.is_none());
        let (mut outcome, _timed_out) = waited.unwrap_or_else(PoisonError::into_inner);
        match outcome.take() {
            Some(outcome) => outcome.map_err(Failure::error),
            None => Err(Error::new(ErrorCode::DeadlineExceeded, "the batch of the request took too long")),
        }
    }
}

/// Runs the model for all and gives each its part.
fn answer(model: &dyn TensorModel, parts: &[Arc<Part>], within: Duration) {
    match together(model, parts, within) {
        Ok(all) => parts.iter().zip(all).for_each(|(part, own)| part.tell(Ok(own))),
        Err(error) => {
            let failure = Failure::of(&error);
            parts.iter().for_each(|part| part.tell(Err(failure.clone())));
        }
    }
}

fn together(model: &dyn TensorModel, parts: &[Arc<Part>], within: Duration) -> Result<Vec<Vec<Tensor>>> {
    let Some(first) = parts.first() else { return Ok(Vec::new()) };
    if parts.len() == 1 {
        return Ok(vec![guard(|| model.run(&first.inputs, None, within))?]);
    }
    let stack = |place: usize| {
        let column: Vec<&Tensor> = parts.iter().map(|part| &part.inputs[place]).collect();
        Tensor::stack(&column)
    };
    let inputs: Vec<Tensor> = (0..first.inputs.len()).map(stack).collect::<Result<_>>()?;
    let outputs = guard(|| model.run(&inputs, None, within))?;
    let rows: usize = parts.iter().map(|part| part.rows).sum();
    if let Some(odd) = outputs.iter().find(|output| output.shape().is_empty() || output.rows() != rows) {
        let message = format!("the output '{}' has no row for each row of a batch", odd.name());
        return Err(Error::new(ErrorCode::UnsupportedModel, message).hint("turn dynamic_batching off"));
    }
    let mut from = 0;
    let mut each = Vec::with_capacity(parts.len());
    for part in parts {
        each.push(outputs.iter().map(|output| output.slice(from, from + part.rows)).collect::<Result<_>>()?);
        from += part.rows;
    }
    Ok(each)
}

/// What is inside stays whole when a thread panicked while it held the lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use flyball_core::{DataType, TensorData, TensorSignature};

    use super::*;

    /// Doubles its input, slowly, and counts how often it is asked.
    #[derive(Default)]
    struct Doubler {
        signature: TensorSignature,
        calls: AtomicUsize,
    }

    fn tensor(values: &[f64]) -> Tensor {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Tensor::new("x", DataType::Fp64, vec![values.len()], TensorData::Packed(bytes.into())).unwrap()
    }

    impl TensorModel for Doubler {
        fn signature(&self) -> &TensorSignature {
            &self.signature
        }

        fn run(&self, inputs: &[Tensor], _: Option<&[&str]>, _: Duration) -> Result<Vec<Tensor>> {
            self.calls.fetch_add(1, Ordering::SeqCst);
            let doubled: Vec<f64> = (0..inputs[0].len()).map(|at| 2.0 * inputs[0].number(at)).collect();
            if doubled.contains(&26.0) {
                return Err(Error::invalid("thirteen"));
            }
            Ok(vec![tensor(&doubled)])
        }

        fn parallel(&self) -> usize {
            1
        }

        fn memory_bytes(&self) -> u64 {
            0
        }
    }

    fn ask_all(values: &[f64], size: usize) -> (Vec<Result<f64>>, usize) {
        let (model, batcher) = (Doubler::default(), Batcher::default());
        let batching = Batching { max_batch_size: size, max_queue_delay_microseconds: 300_000 };
        let within = Duration::from_secs(10);
        let answers = std::thread::scope(|scope| {
            let ask = |value: f64| {
                let (model, batcher) = (&model, &batcher);
                scope.spawn(move || batcher.run(model, &[tensor(&[value])], 1, batching, within))
            };
            let asked: Vec<_> = values.iter().map(|value| ask(*value)).collect();
            asked.into_iter().map(|one| one.join().unwrap().map(|outputs| outputs[0].number(0))).collect()
        });
        (answers, model.calls.load(Ordering::SeqCst))
    }

    #[test]
    fn requests_are_answered_together_and_each_gets_its_own() {
        let values: Vec<f64> = (0..8).map(f64::from).collect();
        let (answers, calls) = ask_all(&values, 8);
        let answers: Vec<f64> = answers.into_iter().map(Result::unwrap).collect();
        assert_eq!(answers, values.iter().map(|value| value * 2.0).collect::<Vec<_>>());
        assert!(calls < 8, "{calls}");
    }

    #[test]
    fn a_failure_is_told_to_all_of_the_batch() {
        let (answers, _) = ask_all(&[1.0, 13.0], 2);
        assert!(answers.iter().any(|answer| answer.as_ref().is_err_and(|error| error.message() == "thirteen")));
    }
}
