//! Conditions on spans. All of a filter must hold for one and the same span.

use flyball_core::Result;
use flyball_store::Tx;
use flyball_tracking::search::{ColumnType, Comparator, Condition, Sql};

use super::pattern::Test;
use crate::Span;
use crate::ingest::conventions;
use crate::json_text;
use crate::store::spans;

/// What of a span a condition is about.
#[derive(Clone, Debug, PartialEq)]
enum Part {
    Name,
    Type,
    Status,
    Content,
    Attribute(String),
}

/// A condition on spans.
#[derive(Clone, Debug)]
pub(super) struct SpanTest {
    condition: Condition,
    part: Part,
    test: Test,
}

impl SpanTest {
    pub(super) fn of(condition: Condition) -> Result<Self> {
        let part = match condition.key.as_str() {
            "name" => Part::Name,
            "type" => Part::Type,
            "status" => Part::Status,
            key => key.strip_prefix("attributes.").map_or(Part::Content, |key| Part::Attribute(key.to_owned())),
        };
        let test = Test::of(&condition)?;
        Ok(Self { condition, part, test })
    }

    /// The column that holds what it is about, when there is one and the database can compare so.
    fn column(&self) -> Option<&'static str> {
        let column = match self.part {
            Part::Name => "s.name",
            Part::Type => "s.type",
            Part::Status => "s.status",
            Part::Content | Part::Attribute(_) => return None,
        };
        (self.condition.comparator != Comparator::RLike).then_some(column)
    }

    /// Whether the database decides it.
    pub(super) fn is_decided(&self) -> bool {
        self.column().is_some()
    }

    fn passes(&self, span: &Span) -> bool {
        let message = span.message();
        match &self.part {
            Part::Name => self.test.passes(&message.name),
            // A span without a type is neither of one nor of another.
            Part::Type => span.text(conventions::TYPE).is_some_and(|kind| self.test.passes(kind)),
            Part::Status => self.test.passes(span.status()),
            Part::Content => self.test.passes(&span.content()),
            Part::Attribute(key) => match conventions::json(span, key) {
                None => false,
                Some(serde_json::Value::String(text)) => self.test.passes(&text),
                Some(other) => self.test.passes(&json_text::of(&other)),
            },
        }
    }
}

/// The test that a trace has a span for which everything holds that the database can decide.
pub(super) fn to_sql(tests: &[SpanTest], sql: &mut Sql) -> Result<Option<String>> {
    let mut clauses = Vec::new();
    for test in tests {
        let Some(column) = test.column() else { continue };
        if test.part == Part::Type {
            clauses.push("s.type <> ''".to_owned());
        }
        let (comparator, value) = (test.condition.comparator, &test.condition.value);
        if let (Comparator::Equal, Test::OneOf(texts), Part::Name | Part::Type) = (comparator, &test.test, &test.part) {
            // The beginning is what the index has.
            let beginning: String = texts.iter().flat_map(|text| text.chars()).take(200).collect();
            clauses.push(format!("substr({column}, 1, 200) = {}", sql.bind(beginning)));
        }
        clauses.push(sql.compare(column, ColumnType::Text, comparator, value)?);
    }
    let clauses = clauses.join(" AND ");
    Ok((!clauses.is_empty()).then(|| format!("t.no IN (SELECT s.trace_no FROM trace_spans s WHERE {clauses})")))
}

/// Whether the trace has a span for which everything holds.
pub(super) fn hold(tx: &mut Tx<'_>, trace: i64, tests: &[SpanTest]) -> Result<bool> {
    Ok(spans::read(tx, trace)?.iter().any(|span| tests.iter().all(|test| test.passes(span))))
}
