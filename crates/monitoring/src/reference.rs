//! What a model version was built on, kept with it: a sample of its training rows and its answers to held-out rows.

use bytes::Bytes;
use flyball_core::rng::Rng;
use flyball_core::{Column, Result, Signature, Table, limits};
use flyball_data::formats::parquet;
use flyball_stats::sketch::{ColumnReference, LevelReference, NumberReference};

/// The column of the answers in the kept sample.
pub const SCORE: &str = "flyball.score";
/// The column of what really happened beside them.
pub const TRUTH: &str = "flyball.truth";

/// The name under which the answers stand among the columns.
pub const PREDICTION: &str = "prediction";

/// A reference ready for comparison: each column's bins and levels anchored.
#[derive(Clone, Debug)]
pub struct Reference {
    /// The features in the order of their names, and then the answers as [`PREDICTION`]. A column without a known value is
    /// left out.
    pub columns: Vec<(String, ColumnReference)>,
    /// The sampled rows that were learned from: the features.
    pub learnt: Table,
    /// Held-out rows: the features, the answers and what really happened. References of old versions hold the answers only.
    pub heldout: Table,
}

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
        Self::of(parquet::read(features)?, parquet::read(answered)?)
    }

    /// A reference of sampled rows that were learned from, and of held-out ones.
    ///
    /// # Errors
    /// `NotFound` when the held-out rows have no answers.
    pub fn of(learnt: Table, heldout: Table) -> Result<Self> {
        let mut columns: Vec<(String, ColumnReference)> =
            learnt.columns().filter_map(|(name, column)| Some((name.to_owned(), anchored(column)?))).collect();
        columns.sort_by(|a, b| a.0.cmp(&b.0));
        let answers = anchored(heldout.column(SCORE)?);
        columns.extend(answers.map(|answers| (PREDICTION.to_owned(), answers)));
        Ok(Self { columns, learnt, heldout })
    }

    /// The reference of some of its rows: those that were learned from only.
    pub fn part(&self, rows: &[usize]) -> Self {
        let learnt = self.learnt.take(rows);
        let columns = self.columns.iter().filter_map(|(name, _)| {
            let position = learnt.position(name)?;
            Some((name.clone(), anchored(learnt.at(position))?))
        });
        Self { columns: columns.collect(), learnt, heldout: Table::default() }
    }
}

/// Bins or levels of a column; `None` without a known number.
fn anchored(column: &Column) -> Option<ColumnReference> {
    match column {
        Column::Text(texts) => {
            let mut counts = vec![0_u64; texts.levels.len()];
            let mut missing = 0;
            for &code in &texts.codes {
                match counts.get_mut(code as usize) {
                    Some(count) => *count += 1,
                    None => missing += 1,
                }
            }
            let levels = texts.levels.iter().map(|level| &**level).zip(counts);
            let mut reference = LevelReference::new(levels);
            reference.own_mut().absent_mut().missing = missing;
            Some(ColumnReference::Levels(reference))
        }
        numbers => NumberReference::new(&numbers.numbers()).map(ColumnReference::Numbers),
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
