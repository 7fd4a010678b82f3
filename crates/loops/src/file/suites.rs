//! The suites of a loop: which groups of checks run at training, with which limits.

use flyball_evaluation::suite::{Change, Expectation, Expected, Group, GroupOptions, MOST_SEEDS, Suite, of_group};

use super::grammar::{self, Field, Shape};
use super::reader::{At, Fields, Reader, suggestion};
use super::yaml::{Content, Node};
use super::{LoopFileError, yaml};

/// The words of the groups, in their order, and the one for the limits of the whole.
pub(super) const WORDS: [&str; 7] =
    ["integrity", "train_test", "performance", "robustness", "stability", "speed", "limits"];

/// The keys of a group, or of `limits`.
pub(super) fn fields_of(word: &str) -> Vec<Field> {
    let group = Group::ALL.into_iter().find(|group| group.as_str() == word);
    let Some(group) = group else { return grammar::SUITE_LIMITS.to_vec() };
    let limit = |check: &flyball_evaluation::suite::Check| Field {
        key: check.name,
        required: false,
        shape: Shape::Limit,
        about: check.about,
    };
    let own: &[Field] = match group {
        Group::Robustness => grammar::ROBUSTNESS,
        Group::Stability => grammar::STABILITY,
        _ => &[],
    };
    of_group(group).map(limit).chain(grammar::SUITE_GROUP.iter().copied()).chain(own.iter().copied()).collect()
}

/// Reads a suite that stands by itself: the list of a loop file's `suites`, or a map with that one key. JSON is read as
/// well.
///
/// # Errors
/// Every problem of the text.
pub fn suite_of(file: &str, text: &str) -> Result<Suite, LoopFileError> {
    let mut reader = Reader::default();
    let root = yaml::tree(text, &mut reader.problems);
    let found = root.as_ref().and_then(|root| {
        let at = At { node: root, path: String::new() };
        match root.content {
            Content::Map(_) => {
                let fields = reader.fields(&at, grammar::SUITE_FILE)?;
                fields.get(&mut reader, "suites", suites)
            }
            _ => suites(&mut reader, &at),
        }
    });
    match found {
        Some(found) if reader.problems.is_empty() => Ok(found),
        _ => Err(LoopFileError::new(file, text, reader.problems)),
    }
}

/// `[integrity, robustness: { noise: 5% }]`.
pub(super) fn suites(reader: &mut Reader, at: &At<'_>) -> Option<Suite> {
    let mut suite = Suite::empty();
    let items = reader.list(at, |reader, item| {
        let (word, options) = item_of(reader, item)?;
        let Some(group) = Group::ALL.get(word).copied() else {
            limits(reader, options.as_ref(), &mut suite);
            return Some(());
        };
        let options = match options {
            Some(at) => group_options(reader, &at, group, &mut suite),
            None => Some(GroupOptions::default()),
        };
        if suite.groups.insert(group, options?).is_some() {
            reader.report(item, format!("'{group}' stands here twice"), "write its options in one place");
        }
        Some(())
    })?;
    if items.is_empty() && reader.problems.is_empty() {
        return reader.expected(at, "a group of checks", format!("the groups are: {}", WORDS[..6].join(", ")));
    }
    Some(suite)
}

/// A word, or a map of one word to its options.
fn item_of<'n>(reader: &mut Reader, item: &At<'n>) -> Option<(usize, Option<At<'n>>)> {
    let entry: Option<&(_, Node)> = match &item.node.content {
        Content::Map(entries) if entries.len() == 1 => entries.first(),
        Content::Scalar { .. } => None,
        _ => return reader.expected(item, "a group of checks", "write - integrity, or - robustness: { noise: 5% }"),
    };
    let Some((key, node)) = entry else { return reader.one_of(item, &WORDS).map(|word| (word, None)) };
    let Some(word) = WORDS.iter().position(|word| *word == key.text) else {
        let hint = suggestion(&key.text, &WORDS, "groups");
        reader.report_place(key.place, &item.path, format!("unknown key '{}'", key.text), hint);
        return None;
    };
    Some((word, Some(At { node, path: format!("{}.{}", item.path, key.text) })))
}

fn limits(reader: &mut Reader, at: Option<&At<'_>>, suite: &mut Suite) {
    let Some(fields) = at.and_then(|at| reader.fields(at, grammar::SUITE_LIMITS)) else { return };
    if let Some(rows) = fields.get(reader, "rows", positive) {
        suite.rows = usize::try_from(rows).unwrap_or(usize::MAX);
    }
    if let Some(seconds) = fields.get(reader, "seconds", positive) {
        suite.seconds = seconds;
    }
}

fn positive(reader: &mut Reader, at: &At<'_>) -> Option<u64> {
    match reader.whole(at)? {
        0 => reader.expected(at, "at least 1", "leave the key out for the usual limit"),
        value => Some(value),
    }
}

fn group_options(reader: &mut Reader, at: &At<'_>, group: Group, suite: &mut Suite) -> Option<GroupOptions> {
    let fields = reader.fields(at, &fields_of(group.as_str()))?;
    let mut options = GroupOptions::default();
    for check in of_group(group) {
        if let Some(limit) = fields.get(reader, check.name, Reader::limit) {
            options.limits.insert(check.name.to_owned(), limit);
        }
    }
    for (key, list) in [("skip", &mut options.skip), ("warn", &mut options.warn), ("error", &mut options.error)] {
        *list = fields.get(reader, key, |reader, at| checks(reader, at, group)).unwrap_or_default();
    }
    if group == Group::Stability
        && let Some(seeds) = fields.get(reader, "seeds", seeds)
    {
        suite.seeds = seeds;
    }
    if group == Group::Robustness {
        let expectations = fields.get(reader, "expect", |reader, at| reader.list(at, expectation));
        suite.expectations = expectations.unwrap_or_default();
    }
    Some(options)
}

fn seeds(reader: &mut Reader, at: &At<'_>) -> Option<usize> {
    match reader.whole(at)? {
        seeds if (1..=MOST_SEEDS as u64).contains(&seeds) => usize::try_from(seeds).ok(),
        _ => reader.expected(at, &format!("1 to {MOST_SEEDS} seeds"), "each one is a training"),
    }
}

/// Names of checks of a group.
fn checks(reader: &mut Reader, at: &At<'_>, group: Group) -> Option<Vec<String>> {
    let names: Vec<&str> = of_group(group).map(|check| check.name).collect();
    reader.list(at, |reader, item| reader.one_of(item, &names).map(|place| names[place].to_owned()))
}

/// `{ column: distance, add: 100, answer: higher }`.
fn expectation(reader: &mut Reader, at: &At<'_>) -> Option<Expectation> {
    let fields = reader.fields(at, grammar::EXPECTATION)?;
    let column = fields.get(reader, "column", Reader::text);
    let expect = fields.get(reader, "answer", |reader, at| {
        reader.one_of(at, &Expected::WORDS).and_then(|word| Expected::ALL.get(word).copied())
    })?;
    let change = change(reader, at, &fields, expect);
    Some(Expectation { column: column?, change: change?, expect })
}

fn change(reader: &mut Reader, at: &At<'_>, fields: &Fields<'_>, expect: Expected) -> Option<Change> {
    let add = fields.get(reader, "add", Reader::number).map(Change::Add);
    let times = fields.get(reader, "times", Reader::number).map(Change::Times);
    let values = fields.get(reader, "values", |reader, at| {
        let values = reader.value_list(at)?;
        let text = |value: serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Some(Change::Values(values.into_iter().map(text).collect()))
    });
    let sweeps = matches!(expect, Expected::Rising | Expected::Falling);
    let mut given = [add, times, values].into_iter().flatten();
    match (given.next(), given.next(), sweeps) {
        (None, None, true) => Some(Change::Sweep),
        (Some(change), None, false) => Some(change),
        (_, _, true) => {
            reader.report(
                at,
                "'rising' and 'falling' go through the values that the column has",
                "leave add, times and values out",
            );
            None
        }
        (None, ..) => {
            reader.report(
                at,
                "the expectation says not how the column is changed",
                "give one of add, times and values",
            );
            None
        }
        _ => {
            reader.report(at, "the expectation changes the column in two ways", "give one of add, times and values");
            None
        }
    }
}
