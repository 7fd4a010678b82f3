//! The rules on the form of texts.

use regex::Regex;
use time::format_description::OwnedFormatItem;
use time::parsing::Parsed;

use super::pass::Pass;
use super::rows::texts;

type Made = std::result::Result<Box<dyn Pass>, String>;

/// Texts in which the pattern is not found.
pub(super) fn regex(column: String, pattern: &str) -> Made {
    let pattern = Regex::new(pattern).map_err(|error| {
        let last = error.to_string();
        format!("the pattern is not valid: {}", last.lines().last().unwrap_or_default().trim())
    })?;
    Ok(texts(column, move |text| !pattern.is_match(text)))
}

/// Texts that are not like the pattern of SQL.
pub(super) fn like(column: String, pattern: &str) -> Made {
    let mut whole = "(?s)^".to_owned();
    for character in pattern.chars() {
        match character {
            '%' => whole.push_str(".*"),
            '_' => whole.push('.'),
            other => whole.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
        }
    }
    whole.push('$');
    regex(column, &whole)
}

/// Texts with fewer or more characters.
pub(super) fn length(column: String, min: Option<u64>, max: Option<u64>) -> Box<dyn Pass> {
    texts(column, move |text| {
        let length = text.chars().count() as u64;
        min.is_some_and(|min| length < min) || max.is_some_and(|max| length > max)
    })
}

/// Texts that are no date or time of the format.
pub(super) fn date_format(column: String, format: &str) -> Made {
    let items = strftime(format)?;
    Ok(texts(column, move |text| !is_date(text, &items)))
}

/// A format in the letters of `strftime`.
pub(crate) fn strftime(format: &str) -> std::result::Result<OwnedFormatItem, String> {
    time::format_description::parse_strftime_owned(format)
        .map_err(|error| format!("'{format}' is not a format of dates: {error}"))
}

/// Whether a text is a date or time of the format, and exists in the calendar.
pub(crate) fn is_date(text: &str, items: &OwnedFormatItem) -> bool {
    let mut parsed = Parsed::new();
    match parsed.parse_item(text.as_bytes(), items) {
        Ok([]) => {
            let has_day = parsed.year().is_some() && parsed.month().is_some() && parsed.day().is_some();
            !has_day || time::Date::try_from(parsed).is_ok()
        }
        _ => false,
    }
}

/// Texts that are no JSON, or no object with these keys.
pub(super) fn json(column: String, keys: Vec<String>) -> Box<dyn Pass> {
    texts(column, move |text| {
        if keys.is_empty() {
            return serde_json::from_str::<serde::de::IgnoredAny>(text).is_err();
        }
        match serde_json::from_str::<serde_json::Value>(text) {
            Ok(value) => keys.iter().any(|key| value.get(key).is_none()),
            Err(_) => true,
        }
    })
}
