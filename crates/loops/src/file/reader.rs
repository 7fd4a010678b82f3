//! Reading nodes into values while collecting problems. Every reader answers `None` after it has recorded why.

use super::grammar::Field;
use super::problem::{Place, Problem};
use super::yaml::{Content, Key, Node};
use crate::expression::nearest;

/// Most words that a hint lists.
const WORDS_LISTED: usize = 12;

/// Collects the problems of a file.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) problems: Vec<Problem>,
}

/// A node with the keys that lead to it.
#[derive(Clone, Debug)]
pub(super) struct At<'n> {
    pub(super) node: &'n Node,
    pub(super) path: String,
}

/// The entries of a map whose keys are all known.
pub(super) struct Fields<'n> {
    entries: &'n [(Key, Node)],
    path: String,
}

impl<'n> At<'n> {
    pub(super) fn place(&self) -> Place {
        self.node.place
    }

    /// The scalar's text and whether it is quoted.
    pub(super) fn scalar(&self) -> Option<(&'n str, bool)> {
        match &self.node.content {
            Content::Scalar { text, quoted, .. } => Some((text, *quoted)),
            _ => None,
        }
    }

    /// What stands there, for a message.
    pub(super) fn found(&self) -> String {
        match &self.node.content {
            Content::List(_) => "a list".to_owned(),
            Content::Map(_) => "a map of keys".to_owned(),
            Content::Scalar { text, quoted: false, .. } if text.is_empty() || text == "~" => "nothing".to_owned(),
            Content::Scalar { text, .. } if text.chars().count() > 40 => {
                format!("'{}…'", text.chars().take(40).collect::<String>())
            }
            Content::Scalar { text, .. } => format!("'{text}'"),
        }
    }
}

impl<'n> Fields<'n> {
    /// The value at a key, where it stands.
    pub(super) fn at(&self, key: &str) -> Option<At<'n>> {
        self.entries
            .iter()
            .find(|(other, _)| other.text == key)
            .map(|(_, node)| At { node, path: joined(&self.path, key) })
    }

    /// The value at a key, read with `read`.
    pub(super) fn get<T>(
        &self,
        reader: &mut Reader,
        key: &str,
        read: impl FnOnce(&mut Reader, &At<'n>) -> Option<T>,
    ) -> Option<T> {
        self.at(key).and_then(|at| read(reader, &at))
    }
}

impl Reader {
    pub(super) fn report(&mut self, at: &At<'_>, message: impl Into<String>, hint: impl Into<String>) {
        self.problems.push(Problem::new(at.place(), &at.path, message).hint(hint));
    }

    pub(super) fn report_place(
        &mut self,
        place: Place,
        path: &str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.problems.push(Problem::new(place, path, message).hint(hint));
    }

    /// Records that something else was expected.
    pub(super) fn expected<T>(&mut self, at: &At<'_>, what: &str, hint: impl Into<String>) -> Option<T> {
        self.report(at, format!("expected {what}, found {}", at.found()), hint);
        None
    }

    /// A map with these keys: unknown and missing ones are reported.
    pub(super) fn fields<'n>(&mut self, at: &At<'n>, known: &[Field]) -> Option<Fields<'n>> {
        let keys: Vec<&str> = known.iter().map(|field| field.key).collect();
        let Content::Map(entries) = &at.node.content else {
            return self.expected(at, "a map of keys", format!("the keys are: {}", listed(&keys)));
        };
        for (key, _) in entries.iter().filter(|(key, _)| !keys.contains(&key.text.as_str())) {
            let hint = suggestion(&key.text, &keys, "keys");
            self.report_place(key.place, &at.path, format!("unknown key '{}'", key.text), hint);
        }
        for field in known.iter().filter(|field| field.required) {
            if !entries.iter().any(|(key, _)| key.text == field.key) {
                self.report(
                    at,
                    format!("the key '{}' is missing", field.key),
                    format!("{}: {}", field.key, field.about),
                );
            }
        }
        Some(Fields { entries, path: at.path.clone() })
    }

    /// The entries of a map whose keys are names.
    pub(super) fn entries<'n>(&mut self, at: &At<'n>) -> Option<Vec<(&'n Key, At<'n>)>> {
        let Content::Map(entries) = &at.node.content else {
            return self.expected(at, "a map of names", "write name: { … }");
        };
        Some(entries.iter().map(|(key, node)| (key, At { node, path: joined(&at.path, &key.text) })).collect())
    }

    /// Every item of a list; an item that cannot be read is left out after its problem was recorded.
    pub(super) fn list<'n, T>(
        &mut self,
        at: &At<'n>,
        mut read: impl FnMut(&mut Reader, &At<'n>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Content::List(items) = &at.node.content else {
            return self.expected(at, "a list", "write [a, b], or each item on a line after '- '");
        };
        let items = items.iter().enumerate();
        Some(items.filter_map(|(i, node)| read(self, &At { node, path: format!("{}[{i}]", at.path) })).collect())
    }
}

/// "Did you mean", or what there is.
pub(super) fn suggestion(word: &str, known: &[&str], kind: &str) -> String {
    match nearest(word, known.iter().copied()) {
        Some(near) => format!("did you mean '{near}'?"),
        None => format!("the {kind} are: {}", listed(known)),
    }
}

fn listed(words: &[&str]) -> String {
    let more = if words.len() > WORDS_LISTED { ", …" } else { "" };
    format!("{}{more}", words.iter().take(WORDS_LISTED).copied().collect::<Vec<_>>().join(", "))
}

fn joined(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
