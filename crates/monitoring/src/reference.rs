//! What a model version was built on, kept with it: a sample of its training rows and its answers to held-out rows.

use bytes::Bytes;
use flyball_core::rng::Rng;
use flyball_core::{Column, Result, Signature, Table, Timestamp, limits};
use flyball_data::formats::parquet;
use flyball_evaluation::Evaluated;
use flyball_stats::sketch::{ColumnReference, LevelReference, NumberReference};

/// The column of the answers in the kept sample.
pub const SCORE: &str = "flyball.score";
/// The column of what really happened beside them.
pub const TRUTH: &str = "flyball.truth";

/// What stands before a class in the column of its probability, where there are more than two.
const OF_CLASS: &str = "flyball.score.";

/// The column of the event times beside the rows of both, where events have them.
pub const AT: &str = "flyball.at";

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
    /// When those rows happened; `None` where events have no times, and in references of old versions.
    pub learnt_at: Option<Vec<Timestamp>>,
    /// Held-out rows: the features, the answers and what really happened. References of old versions hold the answers only.
    pub heldout: Table,
    /// When those rows happened, likewise.
    pub heldout_at: Option<Vec<Timestamp>>,
}

impl Reference {
    /// Draws the sample that is kept: the features of at most `REFERENCE_SAMPLE_ROWS` rows of the training (`all`, of which
    /// the last were held out), and as many held-out rows with the answers to them and what really happened (NaN while
    /// unknown), and the probability of each class where there are more than two. Both as Parquet, with the event times
    /// (milliseconds) of `all` where there are any.
    ///
    /// # Errors
    /// `NotFound` for a feature that the table lacks.
    pub fn sample(
        signature: &Signature,
        all: &Table,
        times: Option<&[i64]>,
        answers: &Evaluated,
        seed: u64,
    ) -> Result<(Vec<u8>, Vec<u8>)> {
        let mut rng = Rng::seeded(seed);
        let names: Vec<&str> = signature.features.iter().map(|feature| feature.name.as_str()).collect();
        let all_features = all.select(&names)?;
        let timed = |rows: &[usize]| -> Result<Table> {
            let mut table = all_features.take(rows);
            if let Some(times) = times {
                table.push(AT, Column::Time(rows.iter().map(|&row| times[row]).collect()))?;
            }
            Ok(table)
        };
        let features = timed(&chosen(all.rows(), &mut rng))?;
        let rows = chosen(answers.score.len(), &mut rng);
        let pick = |numbers: &[f64]| Column::Float(rows.iter().map(|&row| numbers[row]).collect());
        let first = all.rows().saturating_sub(answers.score.len());
        let mut answered = timed(&rows.iter().map(|row| first + row).collect::<Vec<_>>())?;
        answered.push(SCORE, pick(&answers.score))?;
        answered.push(TRUTH, pick(&answers.truth))?;
        for (class, name) in answers.classes.iter().flat_map(|classes| classes.names.iter().enumerate()) {
            answered.push(format!("{OF_CLASS}{name}"), pick(&answers.of_class(class)))?;
        }
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
        let ((learnt, learnt_at), (heldout, heldout_at)) = (apart(learnt)?, apart(heldout)?);
        let mut columns: Vec<(String, ColumnReference)> =
            learnt.columns().filter_map(|(name, column)| Some((name.to_owned(), anchored(column)?))).collect();
        columns.sort_by(|a, b| a.0.cmp(&b.0));
        let answers = anchored(heldout.column(SCORE)?);
        columns.extend(answers.map(|answers| (PREDICTION.to_owned(), answers)));
        Ok(Self { columns, learnt, learnt_at, heldout, heldout_at })
    }

    /// The probabilities of each class that answered the held-out rows; none where there are at most two classes, and in
    /// references of old versions.
    pub fn class_scores(&self) -> Vec<Vec<f64>> {
        let of_class = self.heldout.columns().filter(|(name, _)| name.starts_with(OF_CLASS));
        of_class.map(|(_, column)| column.numbers()).collect()
    }

    /// The reference of some of its rows: those that were learned from only.
    pub fn part(&self, rows: &[usize]) -> Self {
        let learnt = self.learnt.take(rows);
        let columns = self.columns.iter().filter_map(|(name, _)| {
            let position = learnt.position(name)?;
            Some((name.clone(), anchored(learnt.at(position))?))
        });
        Self { columns: columns.collect(), learnt, learnt_at: None, heldout: Table::default(), heldout_at: None }
    }
}

/// A kept table without its event times, and those.
fn apart(table: Table) -> Result<(Table, Option<Vec<Timestamp>>)> {
    let Some(Column::Time(at)) = table.position(AT).map(|position| table.at(position)) else {
        return Ok((table, None));
    };
    let at = at.iter().copied().map(Timestamp).collect();
    let names: Vec<&str> = table.names().iter().map(String::as_str).filter(|name| *name != AT).collect();
    Ok((table.select(&names)?, Some(at)))
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
