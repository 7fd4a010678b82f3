//! JSON as Python's `json.dumps` writes it, with a space after each comma and colon: clients compare such texts.

use std::io;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        writer.write_all(number(value).as_bytes())
    }
}

/// The value as text.
pub fn of(value: &serde_json::Value) -> String {
    let mut bytes = Vec::new();
    match value.serialize(&mut Serializer::with_formatter(&mut bytes, Spaced)) {
        Ok(()) => String::from_utf8(bytes).unwrap_or_default(),
        // Writing a value to memory does not fail.
        Err(_) => value.to_string(),
    }
}

/// A finite number: with an exponent of at least two digits below 0.0001 and from 1e16, with a point otherwise.
fn number(value: f64) -> String {
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse().unwrap_or(0) {
        exponent @ ..-4 => format!("{mantissa}e-{:02}", -exponent),
        exponent @ 16.. => format!("{mantissa}e+{exponent}"),
        _ if value.fract() == 0.0 => format!("{value}.0"),
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_are_those_of_python() {
        let value = json!({"a": [1, 2.5, null, "é\"\n"], "b": {}, "c": [], "d": true});
        assert_eq!(of(&value), r#"{"a": [1, 2.5, null, "é\"\n"], "b": {}, "c": [], "d": true}"#);
        for (value, text) in [
            (0.0, "0.0"),
            (-3.0, "-3.0"),
            (1e-4, "0.0001"),
            (1.5e-6, "1.5e-06"),
            (1e16, "1e+16"),
            (1e15, "1000000000000000.0"),
            (1.25e100, "1.25e+100"),
        ] {
            assert_eq!(of(&json!(value)), text);
        }
    }
}
