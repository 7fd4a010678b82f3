//! What a window gathers while its rows pass by: a sketch of each column, and the answers with what really happened. However
//! many rows there are, what is kept of a column is a kilobyte.

use std::sync::Arc;

use flyball_core::table::MISSING_CODE;
use flyball_core::{Column, Error, Result, Table};
use flyball_evaluation::Evaluated;
use flyball_stats::sketch::{ColumnReference, ColumnSketch};

use crate::alike::Alike;
use crate::grouped::GroupedEvidence;
use crate::reference::{PREDICTION, Reference};

/// Rows of a window, counted against a reference.
#[derive(Clone, Debug)]
pub struct Intake<'a> {
    reference: &'a Reference,
    sketches: Vec<ColumnSketch>,
    /// How alike rows are that were made at about the same time; rows count for themselves where it is not known.
    pub alike: Option<Arc<Alike>>,
    /// The evidence of drift where rows belong together; the sketches count each row for itself.
    pub grouped: Option<GroupedEvidence>,
    /// Per row the headline answer.
    pub scores: Vec<f64>,
    /// Per row the class (0 or 1; of more than two, whether it is the last one) or the target; NaN while unknown.
    pub truth: Vec<f64>,
    /// The answers and truths of more than two classes.
    pub several: Option<Evaluated>,
}

impl<'a> Intake<'a> {
    /// Nothing gathered yet.
    pub fn new(reference: &'a Reference) -> Self {
        let sketches = reference.columns.iter().map(|(_, column)| column.sketch()).collect();
        let (scores, truth) = (Vec::new(), Vec::new());
        Self { reference, sketches, alike: None, grouped: None, scores, truth, several: None }
    }

    /// Nothing gathered yet, of rows that are as alike as those of the reference are over time.
    pub fn timed(reference: &'a Reference, alike: &Arc<Alike>) -> Self {
        Self { alike: Some(Arc::clone(alike)), ..Self::new(reference) }
    }

    /// The reference's own rows as a window of it.
    pub fn of_reference(&self) -> Intake<'a> {
        let own = |column: &ColumnReference| match column {
            ColumnReference::Numbers(numbers) => ColumnSketch::Numbers(numbers.own().clone()),
            ColumnReference::Levels(levels) => ColumnSketch::Levels(levels.own().clone()),
        };
        let sketches = self.reference.columns.iter().map(|(_, column)| own(column)).collect();
        Self { sketches, ..Self::new(self.reference) }
    }

    /// Adds rows: the features by name, and per row the answer and what really happened. A feature that the rows lack is
    /// missing in all of them.
    pub fn add(&mut self, features: &Table, scores: &[f64], truth: &[f64]) {
        for ((name, reference), sketch) in self.reference.columns.iter().zip(&mut self.sketches) {
            if name == PREDICTION {
                add_numbers(reference, sketch, scores);
                continue;
            }
            match features.position(name) {
                Some(position) => add_column(reference, sketch, features.at(position)),
                None => sketch.absent_mut().missing += scores.len() as u64,
            }
        }
        self.scores.extend(scores);
        self.truth.extend(truth);
    }

    /// Adds the answers of more than two classes to rows, beside [`Intake::add`].
    pub fn add_several(&mut self, answers: Evaluated) {
        match &mut self.several {
            Some(several) => several.extend(answers),
            none => *none = Some(answers),
        }
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.scores.len()
    }

    /// Each column's name, its reference, and its sketch.
    pub fn columns(&self) -> impl Iterator<Item = (&str, &ColumnReference, &ColumnSketch)> {
        self.reference
            .columns
            .iter()
            .zip(&self.sketches)
            .map(|((name, reference), sketch)| (name.as_str(), reference, sketch))
    }

    /// The sketches as bytes, which are kept with the window.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (name, _, sketch) in self.columns() {
            for part in [name.as_bytes(), &sketch.to_bytes()] {
                bytes.extend((part.len() as u32).to_le_bytes());
                bytes.extend(part);
            }
        }
        bytes
    }

    /// Adds the sketches of a window that were kept; rows, answers and truths are not among them. Columns that the
    /// reference does not have are left out.
    ///
    /// # Errors
    /// `InvalidData` when the bytes are damaged or were counted against another reference.
    pub fn add_kept(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let (name, rest) = part(bytes)?;
            let (kept, rest) = part(rest)?;
            bytes = rest;
            let found = self.reference.columns.iter().position(|(column, _)| column.as_bytes() == name);
            let Some(position) = found else { continue };
            let kept = self.reference.columns[position].1.sketch_from_bytes(kept).map_err(damaged)?;
            if !self.sketches[position].merge(&kept) {
                return Err(damaged("the window was counted against another reference"));
            }
        }
        Ok(())
    }
}

fn damaged(cause: impl std::fmt::Display) -> Error {
    Error::new(flyball_core::ErrorCode::InvalidData, format!("a kept window cannot be read: {cause}"))
        .hint("windows before another version served have another reference; choose later ones")
}

fn part(bytes: &[u8]) -> Result<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(|| damaged("the bytes end early"))?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(|| damaged("the bytes end early"))
}

fn add_numbers(reference: &ColumnReference, sketch: &mut ColumnSketch, values: &[f64]) {
    if let (ColumnReference::Numbers(reference), ColumnSketch::Numbers(sketch)) = (reference, sketch) {
        reference.add(sketch, values);
    }
}

fn add_column(reference: &ColumnReference, sketch: &mut ColumnSketch, column: &Column) {
    match (reference, &mut *sketch, column) {
        (ColumnReference::Levels(reference), ColumnSketch::Levels(sketch), Column::Text(texts)) => {
            reference.add_codes(sketch, &texts.codes, &texts.levels);
        }
        (ColumnReference::Numbers(_), ColumnSketch::Numbers(_), Column::Text(texts)) => {
            let missing = texts.codes.iter().filter(|code| **code == MISSING_CODE).count();
            sketch.absent_mut().missing += missing as u64;
            sketch.absent_mut().mismatched += (column.len() - missing) as u64;
        }
        (ColumnReference::Numbers(_), _, numbers) => match numbers {
            Column::Float(values) => add_numbers(reference, sketch, values),
            other => add_numbers(reference, sketch, &other.numbers()),
        },
        (ColumnReference::Levels(_), _, numbers) => {
            let missing = (0..numbers.len()).filter(|&row| numbers.is_missing(row)).count();
            sketch.absent_mut().missing += missing as u64;
            sketch.absent_mut().mismatched += (numbers.len() - missing) as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::SCORE;
    use flyball_core::TextColumn;

    fn reference() -> Reference {
        let origin = TextColumn::from_texts([Some("EWR"), Some("JFK"), None, Some("EWR")]);
        let learnt = Table::new(vec![
            ("miles".into(), Column::Float(vec![1.0, 2.0, 3.0, f64::NAN])),
            ("origin".into(), Column::Text(origin)),
        ]);
        let heldout = Table::new(vec![(SCORE.into(), Column::Float(vec![0.1, 0.9]))]);
        Reference::of(learnt.unwrap(), heldout.unwrap()).unwrap()
    }

    fn rows(miles: Column, origin: Column) -> Table {
        Table::new(vec![("miles".into(), miles), ("origin".into(), origin)]).unwrap()
    }

    #[test]
    fn windows_add_up_however_they_are_cut() {
        let reference = reference();
        let texts = |texts: &[Option<&str>]| Column::Text(TextColumn::from_texts(texts.iter().copied()));
        let mut whole = Intake::new(&reference);
        whole.add(&rows(Column::Float(vec![2.0, 9.0]), texts(&[Some("LGA"), None])), &[0.2, 0.3], &[1.0, f64::NAN]);
        let mut parts = Intake::new(&reference);
        for (miles, origin, score) in [(2.0, Some("LGA"), 0.2), (9.0, None, 0.3)] {
            let mut part = Intake::new(&reference);
            part.add(&rows(Column::Float(vec![miles]), texts(&[origin])), &[score], &[0.0]);
            parts.add_kept(&part.to_bytes()).unwrap();
        }
        assert_eq!(whole.sketches, parts.sketches);
        assert_eq!((whole.rows(), parts.rows()), (2, 0));
    }

    #[test]
    fn values_of_another_type_and_columns_that_are_gone_are_counted_as_such() {
        let reference = reference();
        let mut intake = Intake::new(&reference);
        let text = Column::Text(TextColumn::from_texts([Some("far"), None]));
        intake.add(&rows(text, Column::Float(vec![1.0, f64::NAN])), &[0.5, 0.5], &[0.0, 0.0]);
        intake.add(&Table::default(), &[0.5], &[0.0]);
        for (name, _, sketch) in intake.columns().filter(|(name, ..)| *name != PREDICTION) {
            assert_eq!((sketch.absent().mismatched, sketch.absent().missing), (1, 2), "{name}");
        }
    }

    #[test]
    fn damaged_bytes_are_refused() {
        let reference = reference();
        let mut intake = Intake::new(&reference);
        let bytes = intake.to_bytes();
        for length in [1, 5, bytes.len() - 1] {
            assert!(intake.add_kept(&bytes[..length]).is_err(), "{length}");
        }
    }
}
