//! Filters and orders, checked against a [`Grammar`]. One pass without going back, so the cost is the length of the text.

use flyball_core::{Error, ErrorCode, Result, limits};

use super::grammar::{Comparator, Entity, Grammar, Key, Keys, Kind, Values};
use super::scan::{Identifier, Literal, Scanner, excerpt};

/// One comparison of a filter. All of a filter must hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The name of the entity in the grammar, whatever word the filter used.
    pub entity: &'static str,
    /// The key; for a listed one its name in the grammar.
    pub key: String,
    /// How it is compared.
    pub comparator: Comparator,
    /// With what.
    pub value: Value,
}

/// The right side of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A whole number that fits 64 bits.
    Whole(i64),
    /// Any other number.
    Number(f64),
    /// A text.
    Text(String),
    /// The texts of `IN` and `NOT IN`, at least one.
    Texts(Vec<String>),
    /// Nothing: `IS NULL` and `IS NOT NULL`.
    None,
}

/// One step of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The name of the entity in the grammar.
    pub entity: &'static str,
    /// The key; for a listed one its name in the grammar.
    pub key: String,
    /// From small to large.
    pub ascending: bool,
}

/// Reads a filter. An empty one has no conditions.
///
/// # Errors
/// `LimitExceeded` when it is too long, `InvalidInput` that names the clause, key, comparator or value that is wrong and
/// the ones that may stand there.
pub fn parse(filter: &str, grammar: &Grammar) -> Result<Vec<Condition>> {
    check_length("filter", filter, limits::FILTER_BYTES)?;
    let mut scanner = Scanner::new(filter);
    let mut conditions = Vec::new();
    loop {
        scanner.skip_space();
        if scanner.is_at_end() {
            return Ok(conditions);
        }
        // Stock MLflow lets an AND be missing, doubled, first or last, and clients that glue filters together rely on it.
        if scanner.keyword("and") {
            continue;
        }
        if conditions.len() == limits::FILTER_CONDITIONS {
            let message = format!("the filter has more than {} conditions", limits::FILTER_CONDITIONS);
            return Err(Error::new(ErrorCode::LimitExceeded, message).hint("use IN for lists of values"));
        }
        conditions.push(condition(&mut scanner, grammar)?);
    }
}

pub(super) fn check_length(what: &str, text: &str, most: usize) -> Result<()> {
    if text.len() <= most {
        return Ok(());
    }
    Err(Error::new(ErrorCode::LimitExceeded, format!("the {what} is longer than {most} bytes")))
}

fn condition(scanner: &mut Scanner<'_>, grammar: &Grammar) -> Result<Condition> {
    let start = scanner.at();
    for word in ["or", "not"] {
        if scanner.keyword(word) {
            return Err(scanner.invalid_clause(start));
        }
    }
    let identifier = scanner.identifier()?;
    let place = scanner.at();
    scanner.skip_space();
    if scanner.is_at_end() {
        return Err(Error::invalid(format!(
            "Invalid clause(s) in filter string: {} is not compared",
            excerpt(identifier.text)
        ))
        .hint("compare it, as in metrics.loss < 0.5"));
    }
    let comparator = scanner.comparator();
    if comparator == Err("") {
        // Such as `a-b` or `a/b`: what stood before is part of the same key.
        let start = if scanner.at() == place { start } else { scanner.at() };
        return Err(scanner.invalid_clause(start));
    }
    let (entity, key, kind) = resolve(grammar, &identifier, Use::Filter)?;
    let comparator = comparator.map_err(|written| bad_comparator(written, entity, &key, kind))?;
    let value = if comparator.is_presence() {
        Value::None
    } else {
        scanner.skip_space();
        value(entity, &key, kind, comparator, scanner.literal()?)?
    };
    if kind.comparators.contains(&comparator) {
        return Ok(Condition { entity: entity.name, key, comparator, value });
    }
    if comparator.is_presence() {
        return Err(no_presence(grammar, entity, &key));
    }
    Err(bad_comparator(comparator.as_str(), entity, &key, kind))
}

#[derive(Clone, Copy, PartialEq)]
enum Use {
    Filter,
    Order,
}

/// Finds what an identifier means.
fn resolve(grammar: &Grammar, identifier: &Identifier<'_>, purpose: Use) -> Result<(&'static Entity, String, Kind)> {
    let named = |entity: &&'static Entity| match identifier.entity {
        Some(word) => entity.words.contains(&word),
        None => entity.implied,
    };
    let entity = grammar.entities.iter().find(named).ok_or_else(|| {
        let names: Vec<&str> = grammar.entities.iter().flat_map(|entity| entity.words).copied().collect();
        let word = excerpt(identifier.entity.unwrap_or_default());
        Error::invalid(format!("Invalid entity type {word}. Valid values are {}", listed(&names)))
    })?;
    match entity.keys {
        Keys::Any(kind) => Ok((entity, identifier.key.clone(), kind)),
        Keys::Listed(keys) => {
            let usable = |key: &&Key| match purpose {
                Use::Filter => !key.kind.comparators.is_empty(),
                Use::Order => key.kind.orders,
            };
            match keys.iter().filter(usable).find(|key| key.is(&identifier.key)) {
                Some(key) if key.name.ends_with('*') => Ok((entity, identifier.key.clone(), key.kind)),
                Some(key) => Ok((entity, key.name.to_owned(), key.kind)),
                None => {
                    let names: Vec<&str> = keys.iter().filter(usable).map(|key| key.name).collect();
                    Err(Error::invalid(format!(
                        "Invalid {} key {} specified. Valid keys are {}",
                        entity.name,
                        excerpt(&identifier.key),
                        listed(&names)
                    )))
                }
            }
        }
    }
}

impl Key {
    fn is(&self, written: &str) -> bool {
        match self.name.strip_suffix('*') {
            Some(beginning) => written.len() > beginning.len() && written.starts_with(beginning),
            None => self.name == written || self.aliases.contains(&written),
        }
    }
}

/// The value that the key can be compared with.
fn value(entity: &Entity, key: &str, kind: Kind, comparator: Comparator, literal: Literal<'_>) -> Result<Value> {
    let wants_number = match kind.values {
        Values::Number => true,
        Values::NumberOrText => comparator.is_order(),
        Values::Whole | Values::Text => false,
    };
    match literal {
        Literal::Number(written) if wants_number || kind.values == Values::Whole => number(written),
        Literal::Number(written) => Err(not_a_text(entity, written)),
        Literal::Text(written) | Literal::Bare(written) if wants_number => Err(not_a_number(entity, key, written)),
        Literal::Text(written) if comparator.takes_list() => Err(not_a_list(written)),
        Literal::Text(written) if kind.values == Values::Whole => {
            written.trim().parse().map(Value::Whole).map_err(|_| not_a_number(entity, key, written))
        }
        Literal::Text(written) => Ok(Value::Text(written.to_owned())),
        Literal::Bare(written) => Err(not_quoted(written)),
        Literal::List(values) if wants_number => Err(not_a_number(entity, key, &shown_list(&values))),
        Literal::List(values) if !kind.comparators.contains(&Comparator::In) => Err(no_list(entity, &values)),
        Literal::List(values) if !comparator.takes_list() => Err(not_a_text(entity, &shown_list(&values))),
        Literal::List(values) => Ok(Value::Texts(values.into_iter().map(str::to_owned).collect())),
    }
}

fn shown_list(values: &[&str]) -> String {
    format!("({})", values.join(", "))
}

fn not_quoted(written: &str) -> Error {
    Error::invalid(format!("Parameter value is either not quoted or in the wrong quotes: {}", excerpt(written)))
        .hint("put texts into single or double quotes")
}

fn not_a_list(written: &str) -> Error {
    Error::invalid(format!(
        "While parsing a list in the query, expected a non-empty list of string values, but got {}",
        excerpt(written)
    ))
    .hint("write it as ('a', 'b')")
}

fn number(written: &str) -> Result<Value> {
    if let Ok(whole) = written.parse() {
        return Ok(Value::Whole(whole));
    }
    written.parse().map(Value::Number).map_err(|_| Error::invalid(format!("{} is not a number", excerpt(written))))
}

fn not_a_number(entity: &Entity, key: &str, written: &str) -> Error {
    let what = match entity.keys {
        Keys::Any(_) => entity.name.to_owned(),
        Keys::Listed(_) => format!("numeric {}: {key}", entity.name),
    };
    Error::invalid(format!("Expected numeric value type for {what}. Found {}", excerpt(written)))
        .hint("write the number without quotes")
}

fn not_a_text(entity: &Entity, written: &str) -> Error {
    let what = if entity.implied { "attributes" } else { entity.name };
    Error::invalid(format!(
        "Expected a quoted string value for {what} (e.g. 'my-value'). Got value {}",
        excerpt(written)
    ))
}

fn no_list(entity: &Entity, values: &[&str]) -> Error {
    let Keys::Listed(keys) = entity.keys else { return not_a_text(entity, &shown_list(values)) };
    let keys: Vec<&str> =
        keys.iter().filter(|key| key.kind.comparators.contains(&Comparator::In)).map(|key| key.name).collect();
    Error::invalid(format!(
        "Only {} {}s support comparison with a list of quoted string values",
        listed(&keys),
        entity.name
    ))
}

fn no_presence(grammar: &Grammar, entity: &Entity, key: &str) -> Error {
    let takes = |kind: &Kind| kind.comparators.contains(&Comparator::IsNull);
    let names: Vec<String> = grammar
        .entities
        .iter()
        .filter(|entity| matches!(entity.keys, Keys::Any(kind) if takes(&kind)))
        .map(|entity| if entity.name == "parameter" { "params".to_owned() } else { format!("{}s", entity.name) })
        .collect();
    if names.is_empty() {
        return Error::invalid("Invalid comparator 'IS NULL' / 'IS NOT NULL': nothing here can be compared with it");
    }
    Error::invalid(format!(
        "IS NULL / IS NOT NULL is only supported for {}, not for {} {}",
        names.iter().rev().map(String::as_str).collect::<Vec<_>>().join(" and "),
        entity.name,
        excerpt(key)
    ))
}

fn bad_comparator(written: &str, entity: &Entity, key: &str, kind: Kind) -> Error {
    let valid: Vec<&str> = kind.comparators.iter().map(|comparator| comparator.as_str()).collect();
    Error::invalid(format!(
        "Invalid comparator {} not one of {} for {} {}",
        excerpt(&written.split_whitespace().collect::<Vec<_>>().join(" ").to_uppercase()),
        listed(&valid),
        entity.name,
        excerpt(key)
    ))
}

fn listed(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    format!("[{}]", names.join(", "))
}

/// Reads the steps of an order, each `key`, `key ASC` or `key DESC`.
///
/// # Errors
/// `InvalidInput` that names the step that is wrong; also when two steps have the same key.
pub fn parse_order<S: AsRef<str>>(steps: &[S], grammar: &Grammar) -> Result<Vec<Order>> {
    if steps.len() > limits::FILTER_CONDITIONS {
        let message = format!("the order has more than {} keys", limits::FILTER_CONDITIONS);
        return Err(Error::new(ErrorCode::LimitExceeded, message));
    }
    let mut orders: Vec<Order> = Vec::with_capacity(steps.len());
    for step in steps {
        let order = order(step.as_ref(), grammar)?;
        if orders.iter().any(|other| other.entity == order.entity && other.key == order.key) {
            return Err(Error::invalid(format!("`order_by` contains duplicate fields: {}", excerpt(&order.key))));
        }
        orders.push(order);
    }
    Ok(orders)
}

fn order(step: &str, grammar: &Grammar) -> Result<Order> {
    check_length("order_by clause", step, limits::FILTER_BYTES)?;
    let unparsed = || {
        Error::invalid(format!("Invalid order_by clause {}. Could not be parsed", excerpt(step)))
            .hint("write a key, then ASC or DESC, as in metrics.loss DESC; keys other than words go into backticks")
    };
    let mut scanner = Scanner::new(step);
    scanner.skip_space();
    let identifier = scanner.identifier().map_err(|_| unparsed())?;
    let before = scanner.at();
    scanner.skip_space();
    let spaced = scanner.at() > before;
    let direction = scanner.word();
    scanner.skip_space();
    if !scanner.is_at_end() || (!direction.is_empty() && !spaced) {
        return Err(unparsed());
    }
    let ascending = match direction.to_ascii_lowercase().as_str() {
        "" | "asc" => true,
        "desc" => false,
        _ => {
            let message = format!("Invalid ordering key in order_by clause {}", excerpt(step));
            return Err(Error::invalid(message).hint("use ASC or DESC"));
        }
    };
    let (entity, key, kind) = resolve(grammar, &identifier, Use::Order)?;
    if !kind.orders {
        return Err(Error::invalid(format!(
            "Invalid order_by entity: {} cannot order {}",
            entity.name, grammar.things
        )));
    }
    Ok(Order { entity: entity.name, key, ascending })
}

#[cfg(test)]
mod tests;
