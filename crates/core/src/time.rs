//! Time as the database keeps it: milliseconds since 1970 in UTC, and spans of it.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;

use ::time::OffsetDateTime;
use ::time::format_description::well_known::Rfc3339;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A moment: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The calendar parts in UTC: year, month (1–12), day (1–31).
    pub fn date(self) -> (i32, u8, u8) {
        let at = self.utc();
        (at.year(), at.month().into(), at.day())
    }

    /// The first moment of the month that holds this moment (UTC).
    pub fn month_start(self) -> Timestamp {
        let at = self.utc();
        let day = at.date().replace_day(1).unwrap_or(at.date());
        Timestamp(day.midnight().assume_utc().unix_timestamp() * 1000)
    }

    fn utc(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(self.0.div_euclid(1000))
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
            .replace_millisecond(u16::try_from(self.0.rem_euclid(1000)).unwrap_or(0))
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.utc().format(&Rfc3339) {
            Ok(text) => f.write_str(&text),
            Err(_) => write!(f, "{}ms", self.0),
        }
    }
}

impl FromStr for Timestamp {
    type Err = Error;

    /// Reads RFC 3339 (`2013-03-01T00:00:00Z`), `2013-03-01 00:00:00` (UTC) or a date (`2013-03-01`).
    fn from_str(text: &str) -> Result<Self> {
        let mut whole = text.trim().replacen(' ', "T", 1);
        if whole.len() == 10 {
            whole.push_str("T00:00:00Z");
        } else if !whole.ends_with('Z') && !whole.contains('+') && whole.matches('-').count() < 3 {
            whole.push('Z');
        }
        OffsetDateTime::parse(&whole, &Rfc3339)
            .ok()
            .and_then(|at| i64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok())
            .map(Timestamp)
            .ok_or_else(|| {
                Error::invalid(format!("'{text}' is not a time"))
                    .hint("write a date as 2013-03-01 or a time as 2013-03-01T12:00:00Z")
            })
    }
}

/// A span of time in milliseconds; written as `90d`, `6h`, `15m`, `30s`, `250ms`, `2w`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Duration(pub i64);

impl Duration {
    /// No time at all.
    pub const ZERO: Duration = Duration(0);

    /// `n` milliseconds.
    pub const fn millis(n: i64) -> Self {
        Self(n)
    }

    /// `n` seconds.
    pub const fn seconds(n: i64) -> Self {
        Self(n * 1000)
    }

    /// `n` hours.
    pub const fn hours(n: i64) -> Self {
        Self(n * 3_600_000)
    }

    /// `n` days of 24 hours.
    pub const fn days(n: i64) -> Self {
        Self(n * 86_400_000)
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)];
        for (unit, size) in units {
            if self.0 != 0 && self.0 % size == 0 {
                return write!(f, "{}{unit}", self.0 / size);
            }
        }
        write!(f, "{}ms", self.0)
    }
}

impl FromStr for Duration {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (digits, unit) = text.split_at(split);
        let size = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 7 * 86_400_000,
            _ => 0,
        };
        digits.parse::<i64>().ok().filter(|_| size > 0).and_then(|n| n.checked_mul(size)).map(Duration).ok_or_else(
            || Error::invalid(format!("'{text}' is not a duration")).hint("write it as 30s, 15m, 6h, 7d or 2w"),
        )
    }
}

impl Add<Duration> for Timestamp {
    type Output = Timestamp;
    fn add(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(span.0))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Timestamp;
    fn sub(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_sub(span.0))
    }
}

impl Sub for Timestamp {
    type Output = Duration;
    fn sub(self, other: Timestamp) -> Duration {
        Duration(self.0.saturating_sub(other.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_round_trip() {
        for text in ["2013-03-01T00:00:00Z", "1969-12-31T23:59:59Z"] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), text);
        }
        assert_eq!("2013-03-01".parse::<Timestamp>().unwrap().0, 1_362_096_000_000);
        assert_eq!("2013-03-01 06:30:00".parse::<Timestamp>().unwrap().to_string(), "2013-03-01T06:30:00Z");
        assert!("March".parse::<Timestamp>().is_err());
        assert_eq!(Timestamp(1_363_000_000_000).month_start().to_string(), "2013-03-01T00:00:00Z");
    }

    #[test]
    fn durations_round_trip() {
        for text in ["90d", "6h", "15m", "30s", "250ms"] {
            assert_eq!(text.parse::<Duration>().unwrap().to_string(), text);
        }
        assert_eq!("2w".parse::<Duration>().unwrap(), Duration::days(14));
        for bad in ["", "d", "5", "5 parsecs", "-1d", "99999999999999999999d"] {
            assert!(bad.parse::<Duration>().is_err(), "{bad}");
        }
    }
}
