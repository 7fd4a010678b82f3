//! What a model version was built on, kept with it: a sample of its training rows and its answers to held-out rows.

use std::collections::BTreeMap;

use bytes::Bytes;
use flyball_core::rng::Rng;
use flyball_core::{Column, Result, Signature, Table, limits};
use flyball_data::formats::parquet;

/// The column of the answers in the kept sample.
pub const SCORE: &str = "flyball.score";
/// The column of what really happened beside them.
pub const TRUTH: &str = "flyball.truth";

/// A reference ready for comparison: numbers sorted, levels counted.
#[derive(Clone, Debug)]
pub struct Reference {
    /// By feature, and `SCORE` for the answers.
    pub columns: BTreeMap<String, ReferenceColumn>,
    /// The sampled rows that were learned from: the features.
    pub learnt: Table,
    /// Held-out rows: the features, the answers and what really happened. References of old versions hold the answers only.
    pub heldout: Table,
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
    /// Draws the sample that is kept: the features of at most `REFERENCE_SAMPLE_ROWS` training rows, and as many held-out
    /// rows with the answers to them and what really happened (NaN while unknown). Both as Parquet.
    ///
    /// # Errors
    /// `NotFound` for a feature that the tables lack.
    pub fn sample(
        signature: &Signature,
        learn: &Table,
        heldout: &Table,
        (scores, truth): (&[f64], &[f64]),
        seed: u64,
    ) -> Result<(Vec<u8>, Vec<u8>)> {
        let mut rng = Rng::seeded(seed);
        let names: Vec<&str> = signature.features.iter().map(|feature| feature.name.as_str()).collect();
        let features = learn.select(&names)?.take(&chosen(learn.rows(), &mut rng));
        let rows = chosen(scores.len(), &mut rng);
        let pick = |numbers: &[f64]| Column::Float(rows.iter().map(|&row| numbers[row]).collect());
        let mut answered = heldout.select(&names)?.take(&rows);
        answered.push(SCORE, pick(scores))?;
        answered.push(TRUTH, pick(truth))?;
        Ok((parquet::write(&features)?, parquet::write(&answered)?))
    }

    /// Makes a reference from the kept sample.
    ///
    /// # Errors
    /// When a table cannot be read or is empty.
    pub fn load(features: Bytes, answered: Bytes) -> Result<Self> {
        let (learnt, heldout) = (parquet::read(features)?, parquet::read(answered)?);
        let mut columns: BTreeMap<String, ReferenceColumn> =
            learnt.columns().map(|(name, column)| (name.to_owned(), ReferenceColumn::of(column))).collect();
        columns.insert(SCORE.to_owned(), ReferenceColumn::of(heldout.column(SCORE)?));
        Ok(Self { columns, learnt, heldout })
    }
}

#[cfg(test)]
impl Reference {
    /// A reference of these columns, without rows.
    pub(crate) fn of(columns: BTreeMap<String, ReferenceColumn>) -> Self {
        Self { columns, learnt: Table::default(), heldout: Table::default() }
    }
}

/// At most as many rows as are kept, drawn at random, in their order.
fn chosen(rows: usize, rng: &mut Rng) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..rows).collect();
    if rows.len() > limits::REFERENCE_SAMPLE_ROWS {
        rng.shuffle(&mut rows);
        rows.truncate(limits::REFERENCE_SAMPLE_ROWS);
        rows.sort_unstable();
    }
    rows
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
