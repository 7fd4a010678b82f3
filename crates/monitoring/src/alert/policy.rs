//! When a finding becomes an alert, when it is gone, and how often it is told.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use flyball_core::{Duration, Error, Result, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How long something has to last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// This many windows in a row.
    Windows(u32),
    /// At least this long, from the first window to the newest.
    Time(Duration),
}

impl Patience {
    /// Whether something that began at `since` and was seen in `windows` windows in a row has lasted long enough.
    pub fn is_over(self, windows: i64, since: Timestamp, now: Timestamp) -> bool {
        match self {
            Patience::Windows(wanted) => windows >= i64::from(wanted.max(1)),
            Patience::Time(wanted) => now - since >= wanted,
        }
    }
}

impl fmt::Display for Patience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Patience::Windows(1) => f.write_str("1 window"),
            Patience::Windows(windows) => write!(f, "{windows} windows"),
            Patience::Time(time) => write!(f, "{time}"),
        }
    }
}

impl FromStr for Patience {
    type Err = Error;

    /// Reads `2 windows` or a duration.
    fn from_str(text: &str) -> Result<Self> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let parsed = match words.as_slice() {
            [count, "window" | "windows"] => count.parse().ok().filter(|count| *count > 0).map(Patience::Windows),
            [time] => time.parse().ok().map(Patience::Time),
            _ => None,
        };
        parsed.ok_or_else(|| {
            Error::invalid(format!("'{text}' is neither a number of windows nor a duration"))
                .hint("write 2 windows, or a time such as 6h")
        })
    }
}

impl Serialize for Patience {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Patience {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The policy of a loop's alerts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertPolicy {
    /// How long a finding is there before its alert fires.
    #[serde(rename = "for")]
    pub lasting: Patience,
    /// How long it is gone before its alert is resolved.
    pub clear: Patience,
    /// For how long after it was told as resolved the same is not told as firing again.
    pub cool_down: Duration,
    /// After how long an alert that still fires, and that nobody took on, is told again.
    pub repeat: Duration,
    /// Where it is written what to do.
    pub runbook: Option<String>,
    /// What is put on every alert of the loop.
    pub labels: BTreeMap<String, String>,
}

impl AlertPolicy {
    /// The same for what happens once, such as a failed training: it fires when it happens and is gone when it is put
    /// right.
    #[must_use]
    pub fn at_once(&self) -> Self {
        Self { lasting: Patience::Windows(1), clear: Patience::Windows(1), ..self.clone() }
    }
}

impl Default for AlertPolicy {
    /// A finding fires at once, since its false-alarm rate is controlled where it is made. Two windows without it end it,
    /// because one may be luck; what comes back within an hour is the same trouble; a day is how long one may forget it.
    fn default() -> Self {
        Self {
            lasting: Patience::Windows(1),
            clear: Patience::Windows(2),
            cool_down: Duration::hours(1),
            repeat: Duration::days(1),
            runbook: None,
            labels: BTreeMap::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_is_windows_or_time() {
        let parse = |text: &str| text.parse::<Patience>();
        assert_eq!(parse("2 windows").unwrap(), Patience::Windows(2));
        assert_eq!(parse("1 window").unwrap().to_string(), "1 window");
        assert_eq!(parse("6h").unwrap(), Patience::Time(Duration::hours(6)));
        for bad in ["", "0 windows", "two windows", "2", "6 h", "-1 windows"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        let (start, later) = (Timestamp(0), Timestamp(7_200_000));
        assert!(Patience::Windows(2).is_over(2, start, start) && !Patience::Windows(2).is_over(1, start, later));
        assert!(Patience::Time(Duration::hours(2)).is_over(1, start, later));
        let policy = AlertPolicy::default();
        let text = serde_json::to_string(&policy).unwrap();
        assert_eq!(serde_json::from_str::<AlertPolicy>(&text).unwrap(), policy);
    }
}
