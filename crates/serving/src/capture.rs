//! Inference records in memory, column by column, until they are written.
//!
//! An answer never waits for this: a few shards are tried in turn, and past the limit records are dropped and counted.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use flyball_core::table::{MISSING_CODE, TextBuilder};
use flyball_core::{Column, FeatureKind, Result, Table, Tensor, TextColumn, Timestamp, Value, limits};

use crate::contract::Contract;
use crate::record_columns as columns;

/// More than the threads that append at the same moment on common machines.
const SHARDS: usize = 8;

/// What was asked and answered for one row.
pub(crate) struct InferenceRecord<'a> {
    pub(crate) prediction_id: &'a str,
    pub(crate) sequence: u64,
    pub(crate) at: Timestamp,
    pub(crate) key: Option<&'a str>,
    pub(crate) revision: &'a Arc<str>,
    /// One value per column of the contract.
    pub(crate) values: RowValues<'a>,
    /// The scores, or why there are none.
    pub(crate) outcome: std::result::Result<&'a [f64], &'a str>,
    /// The answer as text, of models that give tensors.
    pub(crate) answer: Option<&'a str>,
}

/// The values of a row, wherever they stand.
pub(crate) enum RowValues<'a> {
    /// In the order of the contract.
    Slice(&'a [Value]),
    /// In a table; for each column of the contract its position there.
    Table(&'a Table, &'a [Option<usize>], usize),
    /// In tensors; for each column of the contract its position there.
    Tensors(&'a [Tensor], &'a [Option<usize>], usize),
}

/// The records of an endpoint that are not yet written.
#[derive(Default)]
pub(crate) struct Capture {
    shards: [Mutex<Vec<Buffer>>; SHARDS],
    returned: Mutex<Vec<Chunk>>,
    rows: AtomicUsize,
    dropped: AtomicU64,
}

/// Finished rows of one contract.
pub(crate) struct Chunk {
    pub(crate) contract: Arc<Contract>,
    pub(crate) table: Table,
}

impl Capture {
    /// Keeps a record, or counts it as dropped; those that the contract does not sample are neither.
    pub(crate) fn push(&self, contract: &Arc<Contract>, record: &InferenceRecord<'_>) {
        if !contract.samples(record.sequence) {
            return;
        }
        if self.rows.fetch_add(1, Ordering::Relaxed) >= limits::CAPTURE_QUEUE_ROWS {
            self.rows.fetch_sub(1, Ordering::Relaxed);
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        for shard in &self.shards {
            match shard.try_lock() {
                Ok(mut buffers) => return append(&mut buffers, contract, record),
                Err(TryLockError::Poisoned(poisoned)) => return append(&mut poisoned.into_inner(), contract, record),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        append(&mut lock(&self.shards[0]), contract, record);
    }

    /// How many records were dropped because too many waited.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// How many records wait.
    pub(crate) fn waiting(&self) -> usize {
        self.rows.load(Ordering::Relaxed)
    }

    /// Takes all records out. They count as waiting until they are `forgotten`.
    pub(crate) fn take(&self) -> Result<Vec<Chunk>> {
        let mut chunks = std::mem::take(&mut *lock(&self.returned));
        for shard in &self.shards {
            let buffers = std::mem::take(&mut *lock(shard));
            for buffer in buffers {
                chunks.push(buffer.finish()?);
            }
        }
        Ok(chunks)
    }

    /// Puts records back that could not be written.
    pub(crate) fn put_back(&self, chunk: Chunk) {
        lock(&self.returned).push(chunk);
    }

    /// Makes room after `rows` records were written.
    pub(crate) fn forget(&self, rows: usize) {
        self.rows.fetch_sub(rows, Ordering::Relaxed);
    }
}

/// The rest of a buffer stays whole when a thread panicked while it appended: the columns of a row are pushed by code
/// that cannot panic.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn append(buffers: &mut Vec<Buffer>, contract: &Arc<Contract>, record: &InferenceRecord<'_>) {
    match buffers.last_mut() {
        Some(buffer) if Arc::ptr_eq(&buffer.contract, contract) => buffer.push(record),
        _ => {
            let mut buffer = Buffer::new(Arc::clone(contract));
            buffer.push(record);
            buffers.push(buffer);
        }
    }
}

enum Cells {
    Numbers(Vec<f64>),
    Texts(TextBuilder),
}

impl Cells {
    fn push(&mut self, value: &Value) {
        match (self, value) {
            (Cells::Numbers(numbers), value) => numbers.push(value.number()),
            (Cells::Texts(texts), Value::Text(text)) => texts.push(Some(text)),
            (Cells::Texts(texts), _) => texts.push(None),
        }
    }

    fn push_from(&mut self, column: &Column, row: usize) {
        match (self, column) {
            (Cells::Texts(texts), Column::Text(column)) => texts.push(column.get(row).map(|text| &**text)),
            (Cells::Numbers(numbers), column) => numbers.push(column.number(row)),
            (Cells::Texts(texts), _) => texts.push(None),
        }
    }

    fn push_element(&mut self, tensor: &Tensor, at: usize) {
        match self {
            Cells::Numbers(numbers) => numbers.push(tensor.number(at)),
            Cells::Texts(texts) => match tensor.text(at) {
                Some(bytes) => texts.push(Some(&String::from_utf8_lossy(bytes))),
                None => texts.push(None),
            },
        }
    }

    fn finish(self) -> Column {
        match self {
            Cells::Numbers(numbers) => Column::Float(numbers),
            Cells::Texts(texts) => Column::Text(texts.finish()),
        }
    }
}

/// Records of one contract, column by column.
struct Buffer {
    contract: Arc<Contract>,
    prediction_ids: Vec<Arc<str>>,
    sequences: Vec<i64>,
    times: Vec<i64>,
    keys: Vec<Option<Arc<str>>>,
    revisions: TextBuilder,
    features: Vec<Cells>,
    scores: Vec<Vec<f64>>,
    errors: TextBuilder,
    /// Of models that give tensors.
    answers: Option<TextBuilder>,
}

impl Buffer {
    fn new(contract: Arc<Contract>) -> Self {
        let cells = |kind| match kind {
            FeatureKind::Number => Cells::Numbers(Vec::new()),
            FeatureKind::Text => Cells::Texts(TextBuilder::default()),
        };
        let features = contract.signature.features.iter().map(|feature| cells(feature.kind)).collect();
        let scores = vec![Vec::new(); contract.signature.width()];
        let answers = contract.tensors.is_some().then(TextBuilder::default);
        Self {
            contract,
            answers,
            prediction_ids: Vec::new(),
            sequences: Vec::new(),
            times: Vec::new(),
            keys: Vec::new(),
            revisions: TextBuilder::default(),
            features,
            scores,
            errors: TextBuilder::default(),
        }
    }

    fn push(&mut self, record: &InferenceRecord<'_>) {
        self.prediction_ids.push(record.prediction_id.into());
        self.sequences.push(record.sequence.cast_signed());
        self.times.push(record.at.0);
        self.keys.push(record.key.map(Into::into));
        self.revisions.push(Some(record.revision));
        for (position, cells) in self.features.iter_mut().enumerate() {
            if !self.contract.records(position) {
                continue;
            }
            match &record.values {
                RowValues::Slice(values) => cells.push(values.get(position).unwrap_or(&Value::Missing)),
                RowValues::Table(table, positions, row) => match positions.get(position).copied().flatten() {
                    Some(column) => cells.push_from(table.at(column), *row),
                    None => cells.push(&Value::Missing),
                },
                RowValues::Tensors(tensors, positions, row) => match positions.get(position).copied().flatten() {
                    Some(input) => cells.push_element(&tensors[input], *row),
                    None => cells.push(&Value::Missing),
                },
            }
        }
        let scores = record.outcome.unwrap_or_default();
        for (position, column) in self.scores.iter_mut().enumerate() {
            column.push(scores.get(position).copied().unwrap_or(f64::NAN));
        }
        self.errors.push(record.outcome.err());
        if let Some(answers) = &mut self.answers {
            answers.push(record.answer);
        }
    }

    fn finish(self) -> Result<Chunk> {
        let mut table = Table::new(vec![
            (columns::PREDICTION_ID.to_owned(), texts(self.prediction_ids.into_iter().map(Some))),
            (columns::SEQUENCE.to_owned(), Column::Int(self.sequences)),
            (columns::AT.to_owned(), Column::Time(self.times)),
            (columns::KEY.to_owned(), texts(self.keys)),
            (columns::REVISION.to_owned(), Column::Text(self.revisions.finish())),
        ])?;
        for (position, (feature, cells)) in self.contract.signature.features.iter().zip(self.features).enumerate() {
            if self.contract.records(position) {
                table.push(columns::of_feature(&feature.name), cells.finish())?;
            }
        }
        let mut scores = self.scores;
        let headline = if scores.len() > 2 { scores.last().cloned() } else { scores.pop() };
        table.push(columns::SCORE, Column::Float(headline.unwrap_or_default()))?;
        if scores.len() > 2 {
            for (class, scores) in self.contract.classes.iter().zip(scores) {
                table.push(columns::of_class(class), Column::Float(scores))?;
            }
        }
        table.push(columns::ERROR, Column::Text(self.errors.finish()))?;
        if let Some(answers) = self.answers {
            table.push(columns::ANSWER, Column::Text(answers.finish()))?;
        }
        Ok(Chunk { contract: self.contract, table })
    }
}

/// A text column of values that hardly repeat: no search for equal ones.
fn texts(values: impl IntoIterator<Item = Option<Arc<str>>>) -> Column {
    let (mut codes, mut levels) = (Vec::new(), Vec::new());
    for value in values {
        codes.push(value.as_ref().map_or(MISSING_CODE, |_| levels.len() as u32));
        levels.extend(value);
    }
    Column::Text(TextColumn { codes, levels: Arc::new(levels) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use flyball_core::model::Interface;
    use flyball_core::{Feature, Signature, Task};

    fn contract(classes: &[&str]) -> Arc<Contract> {
        let features = vec![
            Feature { name: "x".into(), kind: FeatureKind::Number },
            Feature { name: "key".into(), kind: FeatureKind::Text },
        ];
        let classes = classes.iter().map(|class| (*class).to_owned()).collect();
        Arc::new(Contract::of(&Interface::Rows(Signature { task: Task::Classification, features, classes })))
    }

    fn push(capture: &Capture, contract: &Arc<Contract>, sequence: u64, scores: &[f64]) {
        capture.push(
            contract,
            &InferenceRecord {
                prediction_id: "prd_x",
                sequence,
                at: Timestamp(5),
                key: None,
                revision: &"rev_1".into(),
                values: RowValues::Slice(&[Value::Int(3), Value::Text("t".into())]),
                outcome: Ok(scores),
                answer: None,
            },
        );
    }

    #[test]
    fn records_become_tables_and_reserved_names_are_kept_apart() {
        let capture = Capture::default();
        push(&capture, &contract(&["no", "yes"]), 0, &[0.25, 0.75]);
        push(&capture, &contract(&["a", "b", "c"]), 1, &[0.1, 0.2, 0.7]);
        let chunks = capture.take().unwrap();
        assert_eq!(
            chunks[0].table.names(),
            ["prediction_id", "sequence", "at", "key", "revision", "x", "feature.key", "score", "error"]
        );
        assert_eq!(chunks[0].table.column("score").unwrap().value(0), Value::Float(0.75));
        assert_eq!(chunks[1].table.column("score.b").unwrap().value(0), Value::Float(0.2));
        assert_eq!(chunks[1].table.column("score").unwrap().value(0), Value::Float(0.7));
        assert_eq!(capture.waiting(), 2);
        capture.forget(2);
        assert_eq!(capture.waiting(), 0);
    }

    #[test]
    fn past_the_limit_records_are_dropped_and_counted() {
        let (capture, contract) = (Capture::default(), contract(&["no", "yes"]));
        for sequence in 0..limits::CAPTURE_QUEUE_ROWS as u64 + 7 {
            push(&capture, &contract, sequence, &[0.5, 0.5]);
        }
        assert_eq!((capture.waiting(), capture.dropped()), (limits::CAPTURE_QUEUE_ROWS, 7));
        let rows: usize = capture.take().unwrap().iter().map(|chunk| chunk.table.rows()).sum();
        assert_eq!(rows, limits::CAPTURE_QUEUE_ROWS);
    }
}
