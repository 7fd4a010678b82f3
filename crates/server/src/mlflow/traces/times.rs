//! Times and durations as texts: RFC 3339 in UTC, and seconds such as `1.500s`.

use flyball_core::{Duration, Error, Result, Timestamp};

use crate::mlflow::fields::Fields;

/// A time.
///
/// # Errors
/// `InvalidInput` when it is not RFC 3339.
pub(in crate::mlflow) fn timestamp_of(fields: &Fields, name: &str) -> Result<Option<Timestamp>> {
    let read = |text: String| {
        let wrong = || Error::invalid(format!("Invalid value for parameter '{name}' supplied: RFC 3339 is wanted"));
        text.parse().map_err(|_| wrong())
    };
    fields.text(name)?.map(read).transpose()
}

/// A duration.
///
/// # Errors
/// `InvalidInput` when it is not seconds with `s` behind.
pub(in crate::mlflow) fn duration_of(fields: &Fields, name: &str) -> Result<Option<Duration>> {
    let read = |text: String| {
        let wrong = || {
            Error::invalid(format!("Invalid value for parameter '{name}' supplied: seconds such as 1.5s are wanted"))
        };
        millis(&text).map(Duration).ok_or_else(wrong)
    };
    fields.text(name)?.map(read).transpose()
}

/// Whole milliseconds, cut towards zero.
fn millis(text: &str) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, fraction) = digits.strip_suffix('s')?.split_once('.').unwrap_or((digits.strip_suffix('s')?, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let thousandths: i64 = format!("{fraction:0<3}")[..3].parse().ok()?;
    whole.parse::<i64>().ok()?.checked_mul(1000)?.checked_add(thousandths).map(|millis| sign * millis)
}

/// A time as text, with milliseconds unless they are 0.
pub(in crate::mlflow) fn rfc3339(at: Timestamp) -> String {
    let (seconds, millis) = (at.0.div_euclid(1000), at.0.rem_euclid(1000));
    let text = Timestamp(seconds.saturating_mul(1000)).to_string();
    if millis == 0 { text } else { format!("{}.{millis:03}Z", text.trim_end_matches('Z')) }
}

/// A duration as text, likewise.
pub(in crate::mlflow) fn seconds(duration: Duration) -> String {
    let (sign, millis) = (if duration.0 < 0 { "-" } else { "" }, duration.0.unsigned_abs());
    match (millis / 1000, millis % 1000) {
        (seconds, 0) => format!("{sign}{seconds}s"),
        (seconds, rest) => format!("{sign}{seconds}.{rest:03}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_durations_have_three_decimals_or_none() {
        assert_eq!(rfc3339(Timestamp(1_795_440_239_860)), "2026-11-23T13:23:59.860Z");
        assert_eq!(rfc3339(Timestamp(1_795_440_239_000)), "2026-11-23T13:23:59Z");
        assert_eq!(rfc3339(Timestamp(-1)), "1969-12-31T23:59:59.999Z");
        for (text, millis) in [("0s", 0), ("0.306s", 306), ("1.500s", 1500), ("-0.010s", -10)] {
            assert_eq!(seconds(Duration(millis)), text);
            assert_eq!(super::millis(text), Some(millis));
        }
        for (text, wanted) in [("1.5s", Some(1500)), ("1.0009s", Some(1000)), ("1", None), ("s", None), ("1.s", None)] {
            assert_eq!(millis(text), wanted, "{text}");
        }
        assert_eq!(millis("99999999999999999999s"), None);
    }
}
