//! What a model version was built on, kept with it: a sample of its training rows and its answers to held-out rows.

use std::collections::BTreeMap;

use bytes::Bytes;
use flyball_core::rng::Rng;
use flyball_core::{Column, Error, Result, Signature, Table, limits};
use flyball_data::formats::parquet;

/// The column of the answers in the kept sample.
pub const SCORE: &str = "flyball.score";

/// A reference ready for comparison: numbers sorted, levels counted.
#[derive(Clone, Debug)]
pub struct Reference {
    /// By feature, and `SCORE` for the answers.
    pub columns: BTreeMap<String, ReferenceColumn>,
}

/// One column of a reference.
#[derive(Clone, Debug, PartialEq)]
pub enum ReferenceColumn {
    /// The known numbers in rising order, and how many rows there were with the missing ones.
    Numbers {
        /// All rows of the sample.
        rows: u64,
        /// The known numbers in rising order.
        known: Vec<f64>,
    },
    /// How often each level occurs; a missing value counts as a level of its own.
    Levels(BTreeMap<String, u64>),
}

/// The level under which missing texts are counted.
pub const MISSING_LEVEL: &str = "(missing)";

impl Reference {
    /// Draws the sample that is kept: the features of at most `REFERENCE_SAMPLE_ROWS` training rows. The answers to the
    /// held-out rows are kept beside them as a second table of one column; both as Parquet.
    pub fn sample(
        signature: &Signature,
        learn: &Table,
        holdout_scores: &[f64],
        seed: u64,
    ) -> Result<(Vec<u8>, Vec<u8>)> {
        let mut rows: Vec<usize> = (0..learn.rows()).collect();
        let mut rng = Rng::seeded(seed);
        if rows.len() > limits::REFERENCE_SAMPLE_ROWS {
            rng.shuffle(&mut rows);
            rows.truncate(limits::REFERENCE_SAMPLE_ROWS);
            rows.sort_unstable();
        }
        let names: Vec<&str> = signature.features.iter().map(|feature| feature.name.as_str()).collect();
        let features = learn.select(&names)?.take(&rows);
        let mut scores = holdout_scores.to_vec();
        if scores.len() > limits::REFERENCE_SAMPLE_ROWS {
            rng.shuffle(&mut scores);
            scores.truncate(limits::REFERENCE_SAMPLE_ROWS);
        }
        let scores = Table::new(vec![(SCORE.to_owned(), Column::Float(scores))])?;
        Ok((parquet::write(&features)?, parquet::write(&scores)?))
    }

    /// Makes a reference from the kept sample.
    pub fn load(features: Bytes, scores: Bytes) -> Result<Self> {
        let mut columns = BTreeMap::new();
        for table in [parquet::read(features)?, parquet::read(scores)?] {
            for (name, column) in table.columns() {
                columns.insert(name.to_owned(), ReferenceColumn::of(column));
            }
        }
        if columns.is_empty() {
            return Err(Error::internal("a reference without columns"));
        }
        Ok(Self { columns })
    }
}

impl ReferenceColumn {
    /// The reference of one column.
    pub fn of(column: &Column) -> Self {
        match column {
            Column::Text(_) => ReferenceColumn::Levels(levels(column)),
            numbers => {
                let mut known: Vec<f64> = numbers.numbers().into_iter().filter(|x| x.is_finite()).collect();
                known.sort_unstable_by(f64::total_cmp);
                ReferenceColumn::Numbers { rows: column.len() as u64, known }
            }
        }
    }
}

/// How often each level of a column occurs.
pub fn levels(column: &Column) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for row in 0..column.len() {
        let level = column.value(row).text().unwrap_or_else(|| MISSING_LEVEL.to_owned());
        *counts.entry(level).or_default() += 1;
    }
    counts
}
