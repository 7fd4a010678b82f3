//! Readers of single values.

use flyball_core::{ArtifactPath, Duration, Error, Name, Task};
use serde_json::{Map, Number, Value};

use super::problem::Place;
use super::reader::{At, Reader, suggestion};
use super::yaml::Content;
use crate::expression::{Condition, Scope};

impl Reader {
    /// Text that is not empty.
    pub(super) fn text(&mut self, at: &At<'_>) -> Option<String> {
        match at.scalar() {
            Some((text, quoted)) if !text.trim().is_empty() && (quoted || text != "~") => Some(text.to_owned()),
            _ => self.expected(at, "text", "write a word or a \"quoted text\""),
        }
    }

    pub(super) fn parsed<T: std::str::FromStr<Err = Error>>(&mut self, at: &At<'_>) -> Option<T> {
        let text = self.text(at)?;
        match text.trim().parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.report(at, error.message(), error.next_step().unwrap_or_default());
                None
            }
        }
    }

    pub(super) fn name(&mut self, at: &At<'_>) -> Option<Name> {
        self.parsed(at)
    }

    pub(super) fn path(&mut self, at: &At<'_>) -> Option<ArtifactPath> {
        self.parsed(at)
    }

    pub(super) fn duration(&mut self, at: &At<'_>) -> Option<Duration> {
        self.parsed(at)
    }

    /// A duration that is longer than nothing.
    pub(super) fn span(&mut self, at: &At<'_>) -> Option<Duration> {
        let span = self.duration(at)?;
        if span > Duration::ZERO {
            return Some(span);
        }
        self.expected(at, "a duration longer than nothing", "write it as 30s, 15m, 6h, 7d or 2w")
    }

    pub(super) fn number(&mut self, at: &At<'_>) -> Option<f64> {
        match plain(at).and_then(|text| text.parse::<f64>().ok()).filter(|value| value.is_finite()) {
            Some(value) => Some(value),
            None => self.expected(at, "a number", "write it as 0.65 or 200"),
        }
    }

    /// A number, or a percentage as the share that it is.
    pub(super) fn limit(&mut self, at: &At<'_>) -> Option<f64> {
        match plain(at) {
            Some(text) if text.ends_with('%') => self.share(at),
            _ => self.number(at),
        }
    }

    /// A number that is not below nothing.
    pub(super) fn amount(&mut self, at: &At<'_>) -> Option<f64> {
        let value = self.number(at)?;
        if value >= 0.0 {
            return Some(value);
        }
        self.expected(at, "an amount of at least 0", "a cost is not negative")
    }

    pub(super) fn whole(&mut self, at: &At<'_>) -> Option<u64> {
        match plain(at).and_then(|text| text.parse().ok()) {
            Some(value) => Some(value),
            None => self.expected(at, "a whole number", "write it as 100"),
        }
    }

    pub(super) fn flag(&mut self, at: &At<'_>) -> Option<bool> {
        match value(at) {
            Value::Bool(flag) => Some(flag),
            _ => self.expected(at, "true or false", "write true or false, without quotes"),
        }
    }

    /// A share of 0 to 1, written as a percentage or a fraction.
    pub(super) fn share(&mut self, at: &At<'_>) -> Option<f64> {
        let value = plain(at).and_then(|text| match text.strip_suffix('%') {
            Some(percent) => percent.trim_end().parse::<f64>().ok().map(|value| value / 100.0),
            None => text.parse().ok(),
        });
        match value.filter(|value| (0.0..=1.0).contains(value)) {
            Some(value) => Some(value),
            None => self.expected(at, "a share of 0% to 100%", "write it as 5% or 0.05"),
        }
    }

    /// A share that is more than nothing and less than all.
    pub(super) fn part(&mut self, at: &At<'_>) -> Option<f64> {
        let value = self.share(at)?;
        if value > 0.0 && value < 1.0 {
            return Some(value);
        }
        self.expected(at, "a share between 0% and 100%", "neither nothing nor all")
    }

    /// One of some words, as its position.
    pub(super) fn one_of(&mut self, at: &At<'_>, words: &[&str]) -> Option<usize> {
        let Some((text, _)) = at.scalar() else {
            return self.expected(at, "a word", format!("one of: {}", words.join(", ")));
        };
        let found = words.iter().position(|word| *word == text);
        if found.is_none() {
            let message = format!("expected one of {}, found {}", words.join(", "), at.found());
            self.report(at, message, suggestion(text, words, "words"));
        }
        found
    }

    /// Names of columns: at least one, none twice.
    pub(super) fn columns(&mut self, at: &At<'_>) -> Option<Vec<String>> {
        let mut seen: Vec<String> = Vec::new();
        self.list(at, |reader, item| {
            let column = reader.text(item)?;
            if seen.contains(&column) {
                reader.report(item, format!("the column '{column}' stands here twice"), "remove one");
            }
            seen.push(column.clone());
            Some(column)
        })
        .and_then(|columns| {
            if columns.is_empty() { self.expected(at, "a column", "name at least one") } else { Some(columns) }
        })
    }

    /// Text, numbers and booleans: at least one.
    pub(super) fn value_list(&mut self, at: &At<'_>) -> Option<Vec<Value>> {
        let values = self.list(at, |reader, item| match value(item) {
            value @ (Value::String(_) | Value::Number(_) | Value::Bool(_)) => Some(value),
            _ => reader.expected(item, "a text, number or boolean", "write each value by itself"),
        })?;
        if values.is_empty() { self.expected(at, "a value", "give at least one") } else { Some(values) }
    }

    /// Free parameters.
    pub(super) fn parameters(&mut self, at: &At<'_>) -> Option<Map<String, Value>> {
        match value(at) {
            Value::Object(map) => Some(map),
            _ => self.expected(at, "a map of parameters", "write { trees: 200 }"),
        }
    }

    /// A condition; its errors are placed inside the text.
    pub(super) fn condition(&mut self, at: &At<'_>, scope: Scope, task: Task) -> Option<Condition> {
        let Content::Scalar { text, verbatim, .. } = &at.node.content else {
            return self.expected(at, "a condition", "write auc >= 0.65; put it in quotes if it holds ': '");
        };
        let error = match Condition::parse(text, scope, task) {
            Ok(condition) => return Some(condition),
            Err(error) => error,
        };
        let place = match verbatim {
            Some(column) => Place {
                line: at.place().line,
                column: column + error.start,
                width: error.end.saturating_sub(error.start).max(1),
            },
            None => at.place(),
        };
        self.report_place(place, &at.path, error.message, error.hint.unwrap_or_default());
        None
    }
}

/// The text of an unquoted scalar.
fn plain<'n>(at: &At<'n>) -> Option<&'n str> {
    at.scalar().filter(|(_, quoted)| !quoted).map(|(text, _)| text.trim())
}

/// The value by YAML's core schema: unquoted scalars may be null, booleans or numbers.
fn value(at: &At<'_>) -> Value {
    let below = |node| value(&At { node, path: String::new() });
    match &at.node.content {
        Content::List(items) => Value::Array(items.iter().map(below).collect()),
        Content::Map(entries) => {
            Value::Object(entries.iter().map(|(key, node)| (key.text.clone(), below(node))).collect())
        }
        Content::Scalar { text, quoted: true, .. } => Value::String(text.clone()),
        Content::Scalar { text, .. } => match text.as_str() {
            "" | "~" | "null" | "Null" | "NULL" => Value::Null,
            "true" | "True" | "TRUE" => Value::Bool(true),
            "false" | "False" | "FALSE" => Value::Bool(false),
            // Words such as `nan` and `infinity` stay text, though Rust would read them as numbers.
            _ if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) => text.clone().into(),
            _ => match (text.parse::<i64>(), text.parse::<f64>().ok().and_then(Number::from_f64)) {
                (Ok(whole), _) => Value::from(whole),
                (Err(_), Some(number)) => Value::Number(number),
                _ => Value::String(text.clone()),
            },
        },
    }
}
