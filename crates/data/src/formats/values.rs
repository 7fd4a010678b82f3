//! What a piece of text in a file may mean, and which one type holds a whole column of them.

use flyball_core::table::{MISSING_BOOL, MISSING_INT, TextBuilder};
use flyball_core::{Column, Kind, Timestamp};

/// Whether a field says that nothing is known.
pub(super) fn is_missing(text: &str) -> bool {
    matches!(text, "" | "NA" | "N/A" | "NaN" | "nan" | "null" | "NULL")
}

/// A whole number. A leading zero makes it a text: postal codes and flight numbers must keep theirs.
pub(super) fn int(text: &str) -> Option<i64> {
    if has_leading_zero(text) {
        return None;
    }
    text.parse().ok().filter(|x| *x != MISSING_INT)
}

/// A number with or without a fraction.
pub(super) fn float(text: &str) -> Option<f64> {
    if has_leading_zero(text) {
        return None;
    }
    text.parse().ok().filter(|x: &f64| !x.is_nan())
}

fn has_leading_zero(text: &str) -> bool {
    let digits = text.trim_start_matches(['-', '+']).as_bytes();
    digits.len() > 1 && digits[0] == b'0' && digits[1].is_ascii_digit()
}

/// `true` or `false`, in the usual spellings.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// A date or time. Looks at the shape first: parsing every text as a time would be slow.
pub(super) fn time(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let shaped = bytes.len() >= 10 && bytes[4] == b'-' && bytes[7] == b'-' && bytes[..4].iter().all(u8::is_ascii_digit);
    if !shaped { None } else { text.parse::<Timestamp>().ok().map(|at| at.0) }
}

/// The types that still fit every value of a column seen so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guess {
    int: bool,
    float: bool,
    boolean: bool,
    time: bool,
    seen: bool,
}

impl Default for Guess {
    fn default() -> Self {
        Self { int: true, float: true, boolean: true, time: true, seen: false }
    }
}

impl Guess {
    /// Looks at one field.
    pub(super) fn observe(&mut self, text: &str) {
        if is_missing(text) {
            return;
        }
        self.seen = true;
        // A whole number is a float too, so the float is asked only when the int does not fit.
        let whole = (self.int || self.float) && int(text).is_some();
        self.int &= whole;
        self.float = self.float && (whole || float(text).is_some());
        self.boolean = self.boolean && boolean(text).is_some();
        self.time = self.time && time(text).is_some();
    }

    /// The narrowest type that holds every value; `Float` when there was no value at all.
    pub(super) fn kind(self) -> Kind {
        match self {
            Guess { seen: false, .. } => Kind::Float,
            Guess { int: true, .. } => Kind::Int,
            Guess { float: true, .. } => Kind::Float,
            Guess { boolean: true, .. } => Kind::Bool,
            Guess { time: true, .. } => Kind::Time,
            _ => Kind::Text,
        }
    }
}

/// A column under construction from fields of text.
#[derive(Debug)]
pub(super) enum Growing {
    Float(Vec<f64>),
    Int(Vec<i64>),
    Bool(Vec<u8>),
    Time(Vec<i64>),
    Text(TextBuilder),
}

impl Growing {
    /// An empty column of the type `kind` with room for `rows`.
    pub(super) fn new(kind: Kind, rows: usize) -> Self {
        match kind {
            Kind::Float => Growing::Float(Vec::with_capacity(rows)),
            Kind::Int => Growing::Int(Vec::with_capacity(rows)),
            Kind::Bool => Growing::Bool(Vec::with_capacity(rows)),
            Kind::Time => Growing::Time(Vec::with_capacity(rows)),
            Kind::Text => Growing::Text(TextBuilder::default()),
        }
    }

    /// Appends one field; one that is not of the type becomes missing (a `Guess` over all fields rules that out).
    pub(super) fn push(&mut self, text: &str) {
        let present = (!is_missing(text)).then_some(text);
        match self {
            Growing::Float(out) => out.push(present.and_then(float).unwrap_or(f64::NAN)),
            Growing::Int(out) => out.push(present.and_then(int).unwrap_or(MISSING_INT)),
            Growing::Bool(out) => out.push(present.and_then(boolean).map_or(MISSING_BOOL, u8::from)),
            Growing::Time(out) => out.push(present.and_then(time).unwrap_or(MISSING_INT)),
            Growing::Text(out) => out.push(present),
        }
    }

    /// The finished column.
    pub(super) fn finish(self) -> Column {
        match self {
            Growing::Float(v) => Column::Float(v),
            Growing::Int(v) => Column::Int(v),
            Growing::Bool(v) => Column::Bool(v),
            Growing::Time(v) => Column::Time(v),
            Growing::Text(v) => Column::Text(v.finish()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(fields: &[&str]) -> Kind {
        let mut guess = Guess::default();
        fields.iter().for_each(|field| guess.observe(field));
        guess.kind()
    }

    #[test]
    fn the_narrowest_type_that_holds_all_values_wins() {
        assert_eq!(kind_of(&["1", "NA", "-3"]), Kind::Int);
        assert_eq!(kind_of(&["1", "2.5", "1e3"]), Kind::Float);
        assert_eq!(kind_of(&["99999999999999999999", "1"]), Kind::Float);
        assert_eq!(kind_of(&["true", "False", ""]), Kind::Bool);
        assert_eq!(kind_of(&["2013-01-01", "2013-01-01 06:00:00", "2013-01-01T06:00:00Z"]), Kind::Time);
        assert_eq!(kind_of(&["1", "true"]), Kind::Text);
        assert_eq!(kind_of(&["NA", "null", "NaN", ""]), Kind::Float);
        assert_eq!(kind_of(&["2013-01-01", "2013-13-01"]), Kind::Text);
    }

    #[test]
    fn leading_zeros_survive() {
        assert_eq!(kind_of(&["07030", "10001"]), Kind::Text);
        assert_eq!(kind_of(&["0", "0.5", "-0.1"]), Kind::Float);
    }
}
