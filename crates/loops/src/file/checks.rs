//! The checks of a dataset.

use flyball_data::{Check, Rule, Severity};
use serde_json::{Map, Value, json};

use super::check_grammar::{BESIDE, CHECK, KINDS};
use super::grammar::{self, Field, Shape};
use super::reader::{At, Fields, Reader, suggestion};
use super::yaml::Content;

/// `- unique: [a, b]` or `- between: { column: c, min: 1 }`: one rule, with `severity`, `mostly` and `where` beside or
/// inside it.
pub(super) fn check(reader: &mut Reader, at: &At<'_>) -> Option<Check> {
    let rules: Vec<&str> = CHECK.iter().map(|field| field.key).filter(|key| !BESIDE.contains(key)).collect();
    if let Content::Scalar { text, .. } = &at.node.content {
        let hint = if rules.contains(&text.as_str()) {
            format!("write {text}: …")
        } else {
            suggestion(text, &rules, "rules")
        };
        return reader.expected(at, "a rule with its columns", hint);
    }
    let fields = reader.fields(at, CHECK)?;
    let named = CHECK.iter().filter(|field| !BESIDE.contains(&field.key));
    let mut named = named.filter_map(|field| fields.at(field.key).map(|value| (field, value)));
    let Some((field, value)) = named.next() else {
        // An unknown key was reported already, with what it may have meant.
        if let Content::Map(entries) = &at.node.content
            && entries.iter().all(|(key, _)| BESIDE.contains(&key.text.as_str()))
        {
            reader.report(at, "the check has no rule", format!("the rules are: {}", rules.join(", ")));
        }
        return None;
    };
    let name = field.key;
    if let Some((second, _)) = named.next() {
        reader.report(at, format!("'{name}' and '{}' in one check", second.key), "write each rule as its own item");
    }
    let (rule, inside) = rule(reader, field, &value)?;
    let inside = inside.as_ref();
    let severity = either(reader, &fields, inside, "severity", |reader, at| {
        let words = reader.one_of(at, grammar::SEVERITIES)?;
        Some(if words == 0 { Severity::Error } else { Severity::Warn })
    });
    let mostly = either(reader, &fields, inside, "mostly", Reader::share);
    if mostly.is_some() && !takes(field, "mostly") {
        reader.report(at, format!("'mostly' has no meaning for '{name}'"), "remove it; the rule has its own limits");
    }
    let condition = either(reader, &fields, inside, "where", Reader::text);
    if condition.is_some() && !takes(field, "where") {
        reader.report(at, format!("'where' has no meaning for '{name}'"), "remove it; the rule is about the whole");
    }
    Some(Check { rule, severity: severity.unwrap_or_default(), mostly: mostly.unwrap_or(1.0), condition })
}

/// Whether a rule knows one of the keys that may stand beside it.
fn takes(rule: &Field, key: &str) -> bool {
    match &rule.shape {
        Shape::Map(known) => known.iter().any(|field| field.key == key),
        Shape::Columns => rule.key != "column_exists",
        _ => rule.key == "expression",
    }
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
fn rule<'n>(reader: &mut Reader, field: &Field, at: &At<'n>) -> Option<(Rule, Option<Fields<'n>>)> {
    let (form, inside) = match &field.shape {
        Shape::Map(known) => {
            let fields = reader.fields(at, known)?;
            let before = reader.problems.len();
            let form = form(reader, field.key, &fields, known);
            bounds(reader, at, &fields, known, &form);
            if reader.problems.len() > before || known.iter().any(|one| one.required && fields.at(one.key).is_none()) {
                return None;
            }
            (Value::Object(form), Some(fields))
        }
        Shape::Parameters => (json!({ "columns": schema(reader, at)? }), None),
        Shape::Text => (json!({ "sql": reader.text(at)? }), None),
        _ => (json!({ "columns": reader.columns(at)? }), None),
    };
    match serde_json::from_value(json!({ (field.key): form })) {
        Ok(rule) => Some((rule, inside)),
        Err(error) => reader.expected(at, "the keys of the rule", error.to_string()),
    }
}

/// What stands in the map of a rule.
fn form(reader: &mut Reader, rule: &str, fields: &Fields<'_>, known: &[Field]) -> Map<String, Value> {
    let own = known.iter().filter(|field| !BESIDE.contains(&field.key));
    let read = own.filter_map(|field| {
        let at = fields.at(field.key)?;
        let value = match (&field.shape, field.key) {
            (_, "pattern") if rule == "regex" => pattern(reader, &at).map(Value::from),
            (shape, _) => one(reader, &at, shape),
        };
        Some((field.key.to_owned(), value?))
    });
    read.collect()
}

fn one(reader: &mut Reader, at: &At<'_>, shape: &Shape) -> Option<Value> {
    Some(match shape {
        Shape::Number => reader.number(at)?.into(),
        Shape::Whole => reader.whole(at)?.into(),
        Shape::Share => reader.share(at)?.into(),
        Shape::Flag => reader.flag(at)?.into(),
        Shape::Duration => reader.duration(at)?.0.into(),
        Shape::Columns => reader.columns(at)?.into(),
        Shape::Values => reader.value_list(at)?.into(),
        Shape::Words(words) => words[reader.one_of(at, words)?].into(),
        // A bound: a number, or a time as text.
        Shape::OneOf(_) => match at.scalar().map(|(text, _)| text.parse::<flyball_core::Timestamp>()) {
            Some(Ok(_)) => reader.text(at)?.into(),
            _ => reader.number(at)?.into(),
        },
        _ => reader.text(at)?.into(),
    })
}

fn pattern(reader: &mut Reader, at: &At<'_>) -> Option<String> {
    let pattern = reader.text(at)?;
    match regex::Regex::new(&pattern) {
        Ok(_) => Some(pattern),
        Err(_) => reader.expected(at, "a regular expression", "its brackets or repetitions do not match up"),
    }
}

/// A range needs an end, and its ends in order.
fn bounds(reader: &mut Reader, at: &At<'_>, fields: &Fields<'_>, known: &[Field], form: &Map<String, Value>) {
    let has_bounds = ["min", "max"].iter().all(|key| known.iter().any(|field| field.key == *key && !field.required));
    if !has_bounds {
        return;
    }
    if fields.at("min").is_none() && fields.at("max").is_none() {
        reader.report(at, "the range has no end", "give min, max or both");
    }
    let bound = |key: &str| form.get(key).and_then(Value::as_f64);
    if bound("min").zip(bound("max")).is_some_and(|(min, max)| min > max) {
        reader.report(at, "min is larger than max", "swap them");
    }
}

/// The columns of a schema with their types.
fn schema(reader: &mut Reader, at: &At<'_>) -> Option<Vec<(String, Value)>> {
    let entries = reader.entries(at)?;
    let read = entries.into_iter().filter_map(|(key, at)| {
        let kind = reader.one_of(&at, KINDS)?;
        Some((key.text.clone(), Value::from(KINDS[kind])))
    });
    Some(read.collect())
}
