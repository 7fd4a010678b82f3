//! What a check sees of a table: its rows, piece by piece, and what it says at the end.

use std::borrow::Cow;

use flyball_core::{Result, Table, limits};

/// A part of the rows of a table.
pub(super) struct Piece<'a> {
    pub(super) table: &'a Table,
    rows: Numbers<'a>,
}

enum Numbers<'a> {
    /// All from this position on.
    From(usize),
    /// Those at these positions.
    Listed(Cow<'a, [usize]>),
}

impl<'a> Piece<'a> {
    /// Rows that stand one after the other, from the position `first` on.
    pub(super) fn of(table: &'a Table, first: usize) -> Self {
        Self { table, rows: Numbers::From(first) }
    }

    /// Rows that were picked at these positions.
    pub(super) fn picked(table: &'a Table, rows: Vec<usize>) -> Self {
        Self { table, rows: Numbers::Listed(Cow::Owned(rows)) }
    }

    /// The position in the whole table of a row of the piece.
    pub(super) fn number(&self, row: usize) -> usize {
        match &self.rows {
            Numbers::From(first) => first + row,
            Numbers::Listed(rows) => rows[row],
        }
    }
}

/// The rows that fail, of how many that were looked at.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) examined: usize,
    pub(super) failing: usize,
    /// The first of them, as positions in the table.
    pub(super) first: Vec<usize>,
}

impl Tally {
    pub(super) fn fail(&mut self, piece: &Piece<'_>, row: usize) {
        self.failing += 1;
        if self.first.len() < limits::FAILING_ROWS_KEPT {
            self.first.push(piece.number(row));
        }
    }
}

/// What a rule found.
pub(super) enum Found {
    /// Which rows fail, and what to say of them beside their number.
    Rows(Tally, Option<String>),
    /// Whether the table as a whole follows the rule, and what was measured.
    Whole(bool, String),
    /// Why the rule could not be applied.
    Impossible(String),
}

/// How a pass over the rows ended.
pub(super) enum Ended {
    /// With the outcome.
    Found(Found),
    /// With what has to see the rows once more.
    Again(Box<dyn Pass>),
}

/// A check at work.
pub(super) trait Pass {
    /// Looks at a piece.
    fn add(&mut self, piece: &Piece<'_>) -> Result<()>;
    /// What was found in all of them.
    fn end(self: Box<Self>) -> Result<Ended>;
}

/// A rule that judges each row by itself.
pub(super) struct EachRow<J> {
    judge: J,
    tally: Tally,
}

impl<J: FnMut(&Piece<'_>, &mut Tally) -> Result<()>> EachRow<J> {
    /// `judge` counts the rows of a piece that it examined, and tells those that fail in their order.
    pub(super) fn new(judge: J) -> Self {
        Self { judge, tally: Tally::default() }
    }
}

impl<J: FnMut(&Piece<'_>, &mut Tally) -> Result<()>> Pass for EachRow<J> {
    fn add(&mut self, piece: &Piece<'_>) -> Result<()> {
        (self.judge)(piece, &mut self.tally)
    }

    fn end(self: Box<Self>) -> Result<Ended> {
        Ok(Ended::Found(Found::Rows(self.tally, None)))
    }
}
