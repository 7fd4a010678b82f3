//! How the JSON form differs from what `serde` derives: ids in hexadecimal, 64-bit numbers as texts, `null` for absent.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer, Error};

use super::messages::{Any, AnyValue, ArrayValue, KeyValueList};

/// The value, or the default for `null`.
pub(super) fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
}

/// Bytes in hexadecimal.
pub(super) fn bytes_of_hex<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    let text = or_default::<D, String>(from)?;
    if text.len() % 2 != 0 {
        return Err(D::Error::custom("an id of an odd number of hexadecimal digits"));
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    text.as_bytes()
        .chunks_exact(2)
        .map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?))
        .collect::<Option<_>>()
        .ok_or_else(|| D::Error::custom("an id that is not hexadecimal"))
}

/// A number, or the text of one.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Number {
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(String),
}

impl Number {
    /// A whole number of the range of `T`; `1.0` and `"1"` are.
    fn whole<T: TryFrom<i128>>(self) -> Option<T> {
        let whole = match self {
            Number::Unsigned(number) => i128::from(number),
            Number::Signed(number) => i128::from(number),
            Number::Float(number) if number.fract() == 0.0 && number.abs() < 1e20 => number as i128,
            Number::Float(_) => return None,
            Number::Text(text) => text.trim().parse().ok()?,
        };
        T::try_from(whole).ok()
    }

    /// Any number; also the texts `NaN`, `Infinity` and `-Infinity`.
    fn float(self) -> Option<f64> {
        match self {
            Number::Unsigned(number) => Some(number as f64),
            Number::Signed(number) => Some(number as f64),
            Number::Float(number) => Some(number),
            Number::Text(text) => text.trim().parse().ok(),
        }
    }
}

/// An unsigned 64-bit number.
pub(super) fn unsigned<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    match Option::<Number>::deserialize(from)? {
        None => Ok(0),
        Some(number) => number.whole().ok_or_else(|| D::Error::custom("not an unsigned 64-bit number")),
    }
}

/// A status code by number or name.
pub(super) fn status_code<'de, D: Deserializer<'de>>(from: D) -> Result<i32, D::Error> {
    match Option::<Number>::deserialize(from)? {
        None => Ok(0),
        Some(Number::Text(name)) => match name.as_str() {
            "STATUS_CODE_UNSET" => Ok(0),
            "STATUS_CODE_OK" => Ok(1),
            "STATUS_CODE_ERROR" => Ok(2),
            _ => Err(D::Error::custom("an unknown status code")),
        },
        Some(number) => number.whole().ok_or_else(|| D::Error::custom("a status code that is no number")),
    }
}

/// The JSON form of a value: an object with at most one of these.
#[derive(Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Shape {
    #[serde(alias = "string_value")]
    string_value: Option<String>,
    #[serde(alias = "bool_value")]
    bool_value: Option<bool>,
    #[serde(alias = "int_value")]
    int_value: Option<Number>,
    #[serde(alias = "double_value")]
    double_value: Option<Number>,
    #[serde(alias = "array_value")]
    array_value: Option<ArrayValue>,
    #[serde(alias = "kvlist_value")]
    kvlist_value: Option<KeyValueList>,
    #[serde(alias = "bytes_value")]
    bytes_value: Option<String>,
}

impl<'de> Deserialize<'de> for AnyValue {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let shape = Shape::deserialize(from)?;
        let given = [
            shape.string_value.map(|text| Some(Any::Text(text))),
            shape.bool_value.map(|flag| Some(Any::Flag(flag))),
            shape.int_value.map(|number| number.whole().map(Any::Int)),
            shape.double_value.map(|number| number.float().map(Any::Double)),
            shape.array_value.map(|list| Some(Any::List(list))),
            shape.kvlist_value.map(|map| Some(Any::Map(map))),
            shape.bytes_value.map(|text| STANDARD.decode(text).ok().map(Any::Bytes)),
        ];
        let mut given = given.into_iter().flatten();
        match (given.next(), given.next()) {
            (None, _) => Ok(Self { value: None }),
            (Some(Some(value)), None) => Ok(Self { value: Some(value) }),
            (Some(None), _) => Err(D::Error::custom("a value that does not fit its type")),
            (Some(_), Some(_)) => Err(D::Error::custom("a value of two types")),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::otlp::messages::Span;

    use super::*;

    #[test]
    fn spans_are_read_in_either_spelling_with_numbers_as_texts() {
        let span: Span = serde_json::from_str(
            r#"{"traceId": "0aFF", "span_id": "01", "parentSpanId": null, "name": "n", "startTimeUnixNano": "18446744073709551615",
               "endTimeUnixNano": 7, "status": {"code": "STATUS_CODE_ERROR"}, "unknown": [1],
               "attributes": [{"key": "a", "value": {"intValue": "-3"}}, {"key": "b", "value": {"arrayValue": {"values": [{}]}}}]}"#,
        )
        .unwrap();
        assert_eq!((span.trace_id.as_slice(), span.span_id.as_slice()), ([0x0a, 0xff].as_slice(), [1].as_slice()));
        assert_eq!((span.start_time_unix_nano, span.end_time_unix_nano), (u64::MAX, 7));
        assert_eq!(span.status.unwrap().code, 2);
        assert_eq!(span.attributes[0].value.as_ref().unwrap().value, Some(Any::Int(-3)));
        let list = ArrayValue { values: vec![AnyValue { value: None }] };
        assert_eq!(span.attributes[1].value.as_ref().unwrap().value, Some(Any::List(list)));
    }

    #[test]
    fn values_that_do_not_fit_are_refused() {
        for bad in [
            r#"{"traceId": "0"}"#,
            r#"{"traceId": "zz"}"#,
            r#"{"traceId": "é"}"#,
            r#"{"startTimeUnixNano": -1}"#,
            r#"{"startTimeUnixNano": "x"}"#,
            r#"{"attributes": [{"value": {"intValue": 1.5}}]}"#,
            r#"{"attributes": [{"value": {"intValue": 1, "boolValue": true}}]}"#,
            r#"{"attributes": [{"value": {"bytesValue": "*"}}]}"#,
            r#"{"status": {"code": "FINE"}}"#,
        ] {
            assert!(serde_json::from_str::<Span>(bad).is_err(), "{bad}");
        }
    }
}
