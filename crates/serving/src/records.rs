//! Looks inference records up again: those of a time span, and the one behind a prediction id.

use flyball_core::{Error, Result, Table, Timestamp, Value};

use crate::concat::concat;
use crate::contract::Contract;
use crate::model::Revision;
use crate::prediction_id::{self, endpoint_mark};
use crate::record_columns as columns;
use crate::segment;
use crate::service::Serving;
use crate::store;

/// What was asked and answered under a prediction id.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundRecord {
    /// The id.
    pub prediction_id: String,
    /// The event time.
    pub at: Timestamp,
    /// What joins it with what really happened.
    pub key: Option<String>,
    /// Who answered.
    pub revision: Revision,
    /// The headline number; `None` when the model failed.
    pub score: Option<f64>,
    /// Why the model failed.
    pub error: Option<String>,
    /// What a model of tensors answered, as text.
    pub answer: Option<String>,
    /// What was asked: feature and value.
    pub features: Vec<(String, Value)>,
}

/// What was written when records were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The records of all runs that reach into the stretch of time.
    pub rows: u64,
    /// The highest number of a record in them.
    pub last_sequence: Option<i64>,
}

impl Serving {
    /// The written records of an endpoint with an event time in `from..to`, in the order of their numbers. The columns
    /// are those of [`crate::record_columns`]: id, sequence, at, key, revision, the features, score (and `score.CLASS` for
    /// more than two classes), error.
    pub fn records(&self, endpoint: &str, from: Timestamp, to: Timestamp) -> Result<Table> {
        let mut tables = Vec::new();
        self.each_records(endpoint, from, to, |table| {
            tables.push(table);
            Ok(())
        })?;
        concat(&tables)
    }

    /// As [`Serving::records`], table by table as they were written, so that however many there are the memory stays
    /// small. Answers what was there.
    ///
    /// # Errors
    /// Those of the database and of the store, and what `each` answers.
    pub fn each_records(
        &self,
        endpoint: &str,
        from: Timestamp,
        to: Timestamp,
        mut each: impl FnMut(Table) -> Result<()>,
    ) -> Result<Seen> {
        let segments = self.db.read(|tx| segment::segments(tx, endpoint, from, to))?;
        for segment in &segments {
            let table = segment::read(&self.blobs, segment)?;
            if segment.at.0 >= from && segment.at.1 < to {
                each(table)?;
                continue;
            }
            let times = segment::integers(&table, columns::AT)?;
            let rows: Vec<usize> = (0..table.rows()).filter(|&row| (from.0..to.0).contains(&times[row])).collect();
            each(table.take(&rows))?;
        }
        Ok(Seen {
            rows: segments.iter().map(|segment| segment.rows as u64).sum(),
            last_sequence: segments.iter().map(|segment| segment.last_sequence).max(),
        })
    }

    /// The event times, in order, of the next written records of an endpoint after a number: at most so many.
    ///
    /// # Errors
    /// Those of the database and of the store.
    pub fn times_after(&self, endpoint: &str, sequence: i64, most: usize) -> Result<Vec<(i64, Timestamp)>> {
        let mut found: Vec<(i64, Timestamp)> = Vec::new();
        let mut after = sequence;
        while found.len() < most {
            let Some(next) = self.db.read(|tx| segment::first_after(tx, endpoint, after))? else { break };
            let table = segment::read(&self.blobs, &next)?;
            let (numbers, times) =
                (segment::integers(&table, columns::SEQUENCE)?, segment::integers(&table, columns::AT)?);
            let rows = numbers.iter().zip(times).filter(|(number, _)| **number > sequence);
            found.extend(rows.map(|(number, time)| (*number, Timestamp(*time))));
            after = next.last_sequence;
        }
        found.sort_unstable();
        found.truncate(most);
        Ok(found)
    }

    /// The newest written records of an endpoint, at most so many, the newest first.
    ///
    /// # Errors
    /// Those of the database and of the store.
    pub fn newest_records(&self, endpoint: &str, most: usize) -> Result<Table> {
        /// More than a few segments hold many records, or hardly anybody asks.
        const SEGMENTS: usize = 5;
        let segments = self.db.read(|tx| segment::newest(tx, endpoint, SEGMENTS))?;
        let mut tables = Vec::new();
        let mut rows = 0;
        for segment in &segments {
            if rows >= most {
                break;
            }
            let table = segment::read(&self.blobs, segment)?;
            let newest: Vec<usize> = (0..table.rows()).rev().take(most - rows).collect();
            rows += newest.len();
            tables.push(table.take(&newest));
        }
        concat(&tables)
    }

    /// The record behind a prediction id.
    ///
    /// # Errors
    /// `InvalidInput` when it is not an id, `NotFound` when there is no such record yet.
    pub fn find_record(&self, prediction_id: &str) -> Result<FoundRecord> {
        let (moment, mark) = prediction_id::parse(prediction_id)?;
        let mut segments = self.db.read(|tx| segment::spanning(tx, moment))?;
        segments.retain(|segment| endpoint_mark(&segment.endpoint) == mark);
        for segment in &segments {
            let table = segment::read(&self.blobs, segment)?;
            let ids = table.column(columns::PREDICTION_ID)?;
            let is_wanted = |value: Value| matches!(value, Value::Text(id) if *id == *prediction_id);
            if let Some(row) = (0..table.rows()).find(|&row| is_wanted(ids.value(row))) {
                return self.found(&table, row);
            }
        }
        Err(Error::not_found("prediction", prediction_id)
            .hint("a prediction is written some seconds after it was made; check the id and try again"))
    }

    fn found(&self, table: &Table, row: usize) -> Result<FoundRecord> {
        let text = |name: &str| Ok::<_, Error>(table.column(name)?.value(row).text());
        let revision_id = text(columns::REVISION)?.unwrap_or_default();
        let revision = self.db.read(|tx| store::revision(tx, &revision_id))?;
        let interface = match &revision.interface {
            Some(interface) => interface.clone(),
            None => self.model(&revision)?.interface(),
        };
        let contract = Contract::of(&interface);
        // A column that the endpoint masks is not in the record.
        let features = contract.signature.features.iter().filter_map(|feature| {
            let position = table.position(&columns::of_feature(&feature.name))?;
            Some((feature.name.clone(), table.at(position).value(row)))
        });
        let score = table.column(columns::SCORE)?.number(row);
        Ok(FoundRecord {
            prediction_id: text(columns::PREDICTION_ID)?.unwrap_or_default(),
            at: Timestamp(segment::integers(table, columns::AT)?[row]),
            key: text(columns::KEY)?,
            revision,
            score: score.is_finite().then_some(score),
            error: text(columns::ERROR)?,
            features: features.collect(),
            answer: table.position(columns::ANSWER).and_then(|position| table.at(position).value(row).text()),
        })
    }
}
