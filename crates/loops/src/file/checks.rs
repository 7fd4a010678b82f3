//! The checks of a dataset.

use super::grammar;
use super::reader::{At, Fields, Reader, suggestion};
use super::types::{Check, CheckRule, Severity};
use super::yaml::Content;

/// `- unique: [a, b]` or `- between: { column: c, min: 1 }`: one rule, with `severity` and `mostly` beside or inside it.
pub(super) fn check(reader: &mut Reader, at: &At<'_>) -> Option<Check> {
    let rules: Vec<&str> =
        grammar::CHECK.iter().map(|field| field.key).filter(|key| !matches!(*key, "severity" | "mostly")).collect();
    if let Content::Scalar { text, .. } = &at.node.content {
        let hint = if rules.contains(&text.as_str()) {
            format!("write {text}: …")
        } else {
            suggestion(text, &rules, "rules")
        };
        return reader.expected(at, "a rule with its columns", hint);
    }
    let fields = reader.fields(at, grammar::CHECK)?;
    let mut named = rules.iter().filter_map(|rule| fields.at(rule).map(|value| (*rule, value)));
    let Some((name, value)) = named.next() else {
        // An unknown key was reported already, with what it may have meant.
        if let Content::Map(entries) = &at.node.content
            && entries.iter().all(|(key, _)| matches!(key.text.as_str(), "severity" | "mostly"))
        {
            reader.report(at, "the check has no rule", format!("the rules are: {}", rules.join(", ")));
        }
        return None;
    };
    if let Some((second, _)) = named.next() {
        reader.report(at, format!("'{name}' and '{second}' in one check"), "write each rule as its own item");
    }
    let (rule, inside) = rule(reader, name, &value)?;
    let severity = either(reader, &fields, inside.as_ref(), "severity", |reader, at| {
        let words = reader.one_of(at, grammar::SEVERITIES)?;
        Some(if words == 0 { Severity::Error } else { Severity::Warn })
    });
    let mostly = either(reader, &fields, inside.as_ref(), "mostly", Reader::share);
    if mostly.is_some() && matches!(rule, CheckRule::NullRate { .. } | CheckRule::RowCount { .. }) {
        reader.report(at, format!("'mostly' has no meaning for '{name}'"), "remove it; the rule has its own limits");
    }
    Some(Check { rule, severity: severity.unwrap_or_default(), mostly: mostly.unwrap_or(1.0) })
}

/// A key that may stand beside the rule or inside its map, but not at both places.
fn either<'n, T>(
    reader: &mut Reader,
    beside: &Fields<'n>,
    inside: Option<&Fields<'n>>,
    key: &str,
    read: impl FnOnce(&mut Reader, &At<'n>) -> Option<T>,
) -> Option<T> {
    let (beside, inside) = (beside.at(key), inside.and_then(|fields| fields.at(key)));
    if let (Some(at), Some(_)) = (&beside, &inside) {
        reader.report(at, format!("'{key}' stands here twice"), "keep one of them");
    }
    inside.or(beside).and_then(|at| read(reader, &at))
}

/// The rule, and the fields of its map where it has one.
fn rule<'n>(reader: &mut Reader, name: &str, at: &At<'n>) -> Option<(CheckRule, Option<Fields<'n>>)> {
    match name {
        "unique" => return Some((CheckRule::Unique(reader.columns(at)?), None)),
        "not_null" => return Some((CheckRule::NotNull(reader.columns(at)?), None)),
        _ => {}
    }
    let known = match name {
        "in_set" | "not_in_set" => grammar::VALUE_SET,
        "between" => grammar::RANGE,
        "null_rate" => grammar::NULL_RATE,
        "row_count" => grammar::ROW_COUNT,
        _ => grammar::REGEX,
    };
    let fields = reader.fields(at, known)?;
    let column = fields.get(reader, "column", Reader::text);
    let rule = match name {
        "in_set" => CheckRule::InSet { values: fields.get(reader, "values", Reader::value_list)?, column: column? },
        "not_in_set" => {
            CheckRule::NotInSet { values: fields.get(reader, "values", Reader::value_list)?, column: column? }
        }
        "between" => {
            let (min, max) = (fields.get(reader, "min", Reader::number), fields.get(reader, "max", Reader::number));
            range(reader, at, &fields, min.zip(max).is_some_and(|(min, max)| min > max));
            CheckRule::Between { column: column?, min, max }
        }
        "null_rate" => CheckRule::NullRate { max: fields.get(reader, "max", Reader::share)?, column: column? },
        "row_count" => {
            let (min, max) = (fields.get(reader, "min", Reader::whole), fields.get(reader, "max", Reader::whole));
            range(reader, at, &fields, min.zip(max).is_some_and(|(min, max)| min > max));
            CheckRule::RowCount { min, max }
        }
        _ => {
            let pattern = fields.get(reader, "pattern", |reader, at| {
                let pattern = reader.text(at)?;
                match regex::Regex::new(&pattern) {
                    Ok(_) => Some(pattern),
                    Err(_) => {
                        reader.expected(at, "a regular expression", "its brackets or repetitions do not match up")
                    }
                }
            });
            CheckRule::Regex { pattern: pattern?, column: column? }
        }
    };
    Some((rule, Some(fields)))
}

fn range(reader: &mut Reader, at: &At<'_>, fields: &Fields<'_>, reversed: bool) {
    if fields.at("min").is_none() && fields.at("max").is_none() {
        reader.report(at, "the range has no end", "give min, max or both");
    } else if reversed {
        reader.report(at, "min is larger than max", "swap them");
    }
}
