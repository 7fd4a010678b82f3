//! What is kept of a window instead of its rows: counts that add up, a kilobyte a column.
//!
//! A reference anchors the bins and levels once ([`ColumnReference`]); each window is counted against it
//! ([`ColumnSketch`]) as its rows come in, in pieces and on several machines if need be, and the pieces are added up. All
//! statistics and the drift decision follow from the counts ([`compare`]).

mod bits;
pub(crate) mod codec;
mod compare;
mod distinct;
mod frequent;
mod levels;
mod numbers;
mod quantiles;

pub use bits::BitHistogram;
pub use codec::Damaged;
pub(crate) use compare::missing_test;
pub use compare::{ColumnStatistics, Comparison};
pub use distinct::{DistinctSketch, mix};
pub use levels::{LevelReference, LevelSketch};
pub use numbers::{NumberReference, NumberSketch};
pub use quantiles::QuantileSketch;

use codec::{Reader, Writer};

/// The version of the bytes that are written; others are refused.
const VERSION: u8 = 1;

impl Reader<'_> {
    fn version(&mut self) -> Result<(), Damaged> {
        if self.byte()? == VERSION { Ok(()) } else { Err(Damaged("the bytes are of another version")) }
    }
}

/// Rows of a column that have no value to compare.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Absent {
    /// Nothing was given.
    pub missing: u64,
    /// Not a number.
    pub nan: u64,
    /// Infinite.
    pub infinite: u64,
    /// Of another type than the column.
    pub mismatched: u64,
}

impl Absent {
    /// All of them.
    pub fn rows(&self) -> u64 {
        [self.nan, self.infinite, self.mismatched].iter().fold(self.missing, |sum, &rows| sum.saturating_add(rows))
    }

    fn merge(&mut self, other: &Self) {
        self.missing = self.missing.saturating_add(other.missing);
        self.nan = self.nan.saturating_add(other.nan);
        self.infinite = self.infinite.saturating_add(other.infinite);
        self.mismatched = self.mismatched.saturating_add(other.mismatched);
    }

    fn write(&self, writer: &mut Writer) {
        [self.missing, self.nan, self.infinite, self.mismatched].iter().for_each(|&rows| writer.whole(rows));
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Damaged> {
        Ok(Self {
            missing: reader.whole()?,
            nan: reader.whole()?,
            infinite: reader.whole()?,
            mismatched: reader.whole()?,
        })
    }
}

/// The reference of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnReference {
    /// Of numbers.
    Numbers(NumberReference),
    /// Of levels.
    Levels(LevelReference),
}

/// The sketch of a column in a window.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnSketch {
    /// Of numbers.
    Numbers(NumberSketch),
    /// Of levels.
    Levels(LevelSketch),
}

impl ColumnReference {
    /// A sketch without rows.
    pub fn sketch(&self) -> ColumnSketch {
        match self {
            Self::Numbers(reference) => ColumnSketch::Numbers(reference.sketch()),
            Self::Levels(reference) => ColumnSketch::Levels(reference.sketch()),
        }
    }

    /// The reference as bytes, which are kept with the model.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (kind, bytes) = match self {
            Self::Numbers(reference) => (NUMBERS, reference.to_bytes()),
            Self::Levels(reference) => (LEVELS, reference.to_bytes()),
        };
        [vec![kind], bytes].concat()
    }

    /// What [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// When the bytes are anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Damaged> {
        match bytes.split_first() {
            Some((&NUMBERS, bytes)) => NumberReference::from_bytes(bytes).map(Self::Numbers),
            Some((&LEVELS, bytes)) => LevelReference::from_bytes(bytes).map(Self::Levels),
            _ => Err(Damaged("the bytes are of no known kind")),
        }
    }

    /// A sketch of this reference from its bytes.
    ///
    /// # Errors
    /// When the bytes are no sketch, or one of another reference.
    pub fn sketch_from_bytes(&self, bytes: &[u8]) -> Result<ColumnSketch, Damaged> {
        match self {
            Self::Numbers(reference) => reference.sketch_from_bytes(bytes).map(ColumnSketch::Numbers),
            Self::Levels(reference) => reference.sketch_from_bytes(bytes).map(ColumnSketch::Levels),
        }
    }
}

/// Marks the bytes of a numeric reference.
const NUMBERS: u8 = b'n';
/// Marks the bytes of a categorical one.
const LEVELS: u8 = b'l';

impl ColumnSketch {
    /// Adds another window's rows; one of another reference or kind is refused with `false`.
    pub fn merge(&mut self, other: &Self) -> bool {
        match (self, other) {
            (Self::Numbers(sketch), Self::Numbers(other)) => sketch.merge(other),
            (Self::Levels(sketch), Self::Levels(other)) => sketch.merge(other),
            _ => false,
        }
    }

    /// Rows with a value.
    pub fn rows(&self) -> u64 {
        match self {
            Self::Numbers(sketch) => sketch.rows(),
            Self::Levels(sketch) => sketch.rows(),
        }
    }

    /// Rows without one, by reason.
    pub fn absent(&self) -> &Absent {
        match self {
            Self::Numbers(sketch) => sketch.absent(),
            Self::Levels(sketch) => sketch.absent(),
        }
    }

    /// For the caller to count rows whose value is missing or of another type.
    pub fn absent_mut(&mut self) -> &mut Absent {
        match self {
            Self::Numbers(sketch) => sketch.absent_mut(),
            Self::Levels(sketch) => sketch.absent_mut(),
        }
    }

    /// The sketch as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Numbers(sketch) => sketch.to_bytes(),
            Self::Levels(sketch) => sketch.to_bytes(),
        }
    }
}
