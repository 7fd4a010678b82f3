//! Conditions as SQL, and what is left of them to decide here.

use flyball_core::{Error, ErrorCode, Result};
use flyball_store::Tx;
use flyball_tracking::search::{ColumnType, Comparator, Condition, Sql, Value};

use super::Scope;
use super::pattern::Test;
use super::spans::{self, SpanTest};
use crate::TraceInfo;
use crate::json_text;
use crate::model::names;
use crate::store::{PROMPT, RUN, Row, labels};

/// A filter, sorted by who decides.
pub(super) struct Filter {
    /// For the database.
    conditions: Vec<Condition>,
    /// Regular expressions over what is known of a trace.
    texts: Vec<(Text, Test)>,
    /// About spans.
    spans: Vec<SpanTest>,
}

/// A text of a trace.
enum Text {
    Id,
    ClientId,
    State,
    Tag(String),
    Metadata(String),
}

/// Most different values of an assessment that a regular expression is tried on.
const VALUES: usize = 10_000;

impl Filter {
    pub(super) fn of(tx: &mut Tx<'_>, scope: &Scope, conditions: Vec<Condition>) -> Result<Self> {
        let mut filter = Self { conditions: Vec::new(), texts: Vec::new(), spans: Vec::new() };
        for condition in conditions.into_iter().map(resolved) {
            match (condition.entity, condition.key.as_str(), condition.comparator) {
                ("span", ..) => filter.spans.push(SpanTest::of(condition)?),
                ("attribute", "text", _) => {
                    filter.spans.push(SpanTest::of(Condition { key: "content".to_owned(), ..condition })?);
                }
                ("feedback" | "expectation", _, Comparator::RLike) => {
                    let texts = assessed(tx, scope, &condition)?;
                    filter.conditions.push(Condition {
                        comparator: Comparator::In,
                        value: Value::Texts(texts),
                        ..condition
                    });
                }
                (entity, key, Comparator::RLike) => {
                    let text = match (entity, key) {
                        ("tag", key) => Text::Tag(key.to_owned()),
                        ("metadata", key) => Text::Metadata(key.to_owned()),
                        (_, "client_request_id") => Text::ClientId,
                        (_, "status") => Text::State,
                        _ => Text::Id,
                    };
                    filter.texts.push((text, Test::of(&condition)?));
                }
                _ => filter.conditions.push(condition),
            }
        }
        Ok(filter)
    }

    /// Whether the database decides everything.
    pub(super) fn is_decided(&self) -> bool {
        self.texts.is_empty() && self.spans.iter().all(SpanTest::is_decided)
    }

    /// Whether spans have to be read.
    pub(super) fn reads_spans(&self) -> bool {
        !self.spans.iter().all(SpanTest::is_decided)
    }

    /// Whether what the database did not decide holds.
    pub(super) fn holds(&self, tx: &mut Tx<'_>, row: &Row, info: &TraceInfo) -> Result<bool> {
        let text = |text: &Text| match text {
            Text::Id => Some(&info.id),
            Text::ClientId => info.client_request_id.as_ref(),
            Text::Tag(key) => info.tags.get(key),
            Text::Metadata(key) => info.metadata.get(key),
            Text::State => None,
        };
        let passes = |(of, test): &(Text, Test)| match of {
            Text::State => test.passes(info.state.as_str()),
            of => text(of).is_some_and(|text| test.passes(text)),
        };
        Ok(self.texts.iter().all(passes) && (!self.reads_spans() || spans::hold(tx, row.no, &self.spans)?))
    }

    /// What the database decides, with the traces as `t`.
    pub(super) fn to_sql(&self, scope: &Scope, sql: &mut Sql) -> Result<String> {
        let mut clauses = vec![scope.to_sql("t", sql)];
        for condition in &self.conditions {
            clauses.push(clause(condition, scope, sql)?);
        }
        clauses.extend(spans::to_sql(&self.spans, sql)?);
        Ok(clauses.join(" AND "))
    }
}

/// Attributes that are kept as tags or metadata.
fn resolved(condition: Condition) -> Condition {
    let label = |entity, key: &str| (entity, key.to_owned());
    let (entity, key) = match (condition.entity, condition.key.as_str()) {
        ("attribute", "name") => label("tag", names::TRACE_NAME),
        ("attribute", "run_id") => label("metadata", names::SOURCE_RUN),
        _ => return condition,
    };
    Condition { entity, key, ..condition }
}

fn clause(condition: &Condition, scope: &Scope, sql: &mut Sql) -> Result<String> {
    let Condition { entity, key, comparator, value } = condition;
    let column = match (*entity, key.as_str()) {
        ("tag", _) => return label(labels::TAGS, condition, sql),
        ("metadata", names::SOURCE_RUN) if *comparator == Comparator::Equal => {
            let made = label(labels::METADATA, condition, sql)?;
            return Ok(format!("({made} OR {})", link(RUN, value, sql)));
        }
        ("metadata", _) => return label(labels::METADATA, condition, sql),
        ("feedback" | "expectation", _) => return assessment(condition, scope, sql),
        ("issue", _) => {
            let (id, beginning) = (sql.bind(text(value)), sql.bind(beginning(value)));
            return Ok(format!(
                "t.no IN (SELECT a.trace_no FROM assessments a WHERE a.kind = 'issue' \
                 AND substr(a.name, 1, 200) = {beginning} AND a.name = {id})"
            ));
        }
        (_, "prompt") => {
            if text(value).matches('/').count() != 1 {
                let shown: String = text(value).chars().take(100).collect();
                return Err(Error::invalid(format!("Invalid prompts filter value '{}'", shown.escape_debug()))
                    .hint("write it as prompt = 'name/version'"));
            }
            return Ok(link(PROMPT, value, sql));
        }
        (_, "request_id") => ("t.id", ColumnType::Text),
        (_, "client_request_id") => ("t.client_request_id", ColumnType::Text),
        (_, "status") => ("t.state", ColumnType::Text),
        (_, "timestamp_ms") => ("t.started_at", ColumnType::Whole),
        (_, "execution_time_ms") => ("t.duration", ColumnType::Whole),
        (_, "end_time_ms") => ("(t.started_at + COALESCE(t.duration, 0))", ColumnType::Whole),
        (entity, key) => return Err(Error::internal(format!("a condition on {entity}.{key}"))),
    };
    sql.compare(column.0, column.1, *comparator, value)
}

/// A condition on a tag or metadata.
fn label(table: &str, condition: &Condition, sql: &mut Sql) -> Result<String> {
    let key = sql.bind(condition.key.as_str());
    let there = format!("SELECT x.trace_no FROM {table} x WHERE x.key = {key}");
    Ok(match condition.comparator {
        Comparator::IsNull => format!("NOT EXISTS ({there} AND x.trace_no = t.no)"),
        Comparator::IsNotNull => format!("EXISTS ({there} AND x.trace_no = t.no)"),
        Comparator::Equal => {
            let (whole, beginning) = (sql.bind(text(&condition.value)), sql.bind(beginning(&condition.value)));
            format!("t.no IN ({there} AND substr(x.value, 1, 200) = {beginning} AND x.value = {whole})")
        }
        comparator => {
            let test = sql.compare("x.value", ColumnType::Text, comparator, &condition.value)?;
            format!("EXISTS ({there} AND x.trace_no = t.no AND {test})")
        }
    })
}

fn link(kind: &str, value: &Value, sql: &mut Sql) -> String {
    let (kind, target) = (sql.bind(kind), sql.bind(text(value)));
    format!("t.no IN (SELECT l.trace_no FROM trace_links l WHERE l.kind = {kind} AND l.target = {target})")
}

/// A condition on a valid assessment of the trace, or of one in the same session when it speaks for the session.
fn assessment(condition: &Condition, scope: &Scope, sql: &mut Sql) -> Result<String> {
    let there = assessments_named(condition, sql);
    let test = match (condition.comparator, &condition.value) {
        (Comparator::IsNull | Comparator::IsNotNull, _) => String::new(),
        (comparator, value @ (Value::Whole(_) | Value::Number(_))) => {
            format!(" AND {}", sql.compare("a.number", ColumnType::Number, comparator, value)?)
        }
        (comparator @ (Comparator::Equal | Comparator::NotEqual), value) => {
            // A text is kept in quotes, a number or flag is not.
            let forms = [text(value).to_owned(), json_text::of(&text(value).into())];
            let not = if comparator == Comparator::NotEqual { "NOT " } else { "" };
            format!(" AND a.value {not}IN ({})", sql.list(forms))
        }
        (Comparator::In, Value::Texts(texts)) if texts.is_empty() => " AND 1 = 0".to_owned(),
        (comparator, value) => format!(" AND {}", sql.compare("a.value", ColumnType::Text, comparator, value)?),
    };
    let (session, scope) = (sql.bind(names::SESSION), scope.to_sql("u", sql));
    let mark = sql.bind(format!("%\"{}\": %", names::SESSION));
    let found = format!(
        "(t.no IN (SELECT a.trace_no {there}{test}) OR t.no IN (SELECT y.trace_no FROM trace_metadata y \
         WHERE y.key = {session} AND y.value IN (SELECT z.value FROM assessments a \
         JOIN traces u ON u.no = a.trace_no JOIN trace_metadata z ON z.trace_no = u.no AND z.key = {session} \
         WHERE {scope} AND a.metadata LIKE {mark} AND {})))",
        format!("{there}{test}").trim_start_matches("FROM assessments a WHERE "),
    );
    Ok(if condition.comparator == Comparator::IsNull { format!("NOT {found}") } else { found })
}

/// `FROM … WHERE …` for the valid assessments of this kind and name.
fn assessments_named(condition: &Condition, sql: &mut Sql) -> String {
    let (kind, name) = (sql.bind(condition.entity), sql.bind(condition.key.as_str()));
    let beginning = sql.bind(condition.key.chars().take(200).collect::<String>());
    format!(
        "FROM assessments a WHERE a.kind = {kind} AND substr(a.name, 1, 200) = {beginning} AND a.name = {name} \
         AND a.valid = 1"
    )
}

/// The values, as JSON, that a regular expression fits.
fn assessed(tx: &mut Tx<'_>, scope: &Scope, condition: &Condition) -> Result<Vec<String>> {
    let mut sql = Sql::new(tx);
    let there = assessments_named(condition, &mut sql);
    let (scope, most) = (scope.to_sql("t", &mut sql), sql.bind(VALUES + 1));
    let query = format!(
        "SELECT DISTINCT a.value AS value {there} AND a.trace_no IN (SELECT t.no FROM traces t WHERE {scope}) \
         LIMIT {most}"
    );
    let values: Vec<String> =
        tx.query(&query, sql.params())?.iter().map(|row| row.get("value")).collect::<Result<_>>()?;
    if values.len() > VALUES {
        let message = format!("'{}' has more than {VALUES} different values", condition.key.escape_debug());
        return Err(Error::new(ErrorCode::LimitExceeded, message).hint("use LIKE instead of RLIKE"));
    }
    let test = Test::of(condition)?;
    Ok(values.into_iter().filter(|value| test.passes(value)).collect())
}

fn text(value: &Value) -> &str {
    match value {
        Value::Text(text) => text,
        _ => "",
    }
}

/// The beginning, which is what indexes have.
fn beginning(value: &Value) -> String {
    text(value).chars().take(200).collect()
}
