//! The values that go into one statement.

use super::Param;

/// A list of values, or the rows of an insert one behind the other.
#[derive(Clone, Copy)]
pub(crate) enum Values<'a> {
    List(&'a [Param]),
    /// All of one length.
    Rows(&'a [Vec<Param>]),
}

impl<'a> Values<'a> {
    pub(crate) fn len(self) -> usize {
        match self {
            Self::List(list) => list.len(),
            Self::Rows(rows) => rows.len() * rows.first().map_or(0, Vec::len),
        }
    }

    /// The value at a place before the end.
    pub(crate) fn at(self, place: usize) -> &'a Param {
        match self {
            Self::List(list) => &list[place],
            Self::Rows(rows) => &rows[place / rows[0].len()][place % rows[0].len()],
        }
    }

    pub(crate) fn iter(self) -> impl ExactSizeIterator<Item = &'a Param> {
        (0..self.len()).map(move |place| self.at(place))
    }
}
