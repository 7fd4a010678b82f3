//! Searches of models and versions, in the search language of tracking. Prompts are hidden unless a filter asks for them.

use flyball_core::{Error, Permit, Read, Result};
use flyball_store::Tx;
use flyball_tracking::search::grammar::{MODEL_VERSIONS, REGISTERED_MODELS};
use flyball_tracking::search::{
    ColumnType, Comparator, Condition, Grammar, Order, Sql, Value, offset_of, page_token, parse, parse_order,
};

use crate::model::{ModelVersion, RegisteredModel};
use crate::rows;
use crate::rules::PROMPT_TAG;

/// How many characters of a tag's value its index holds.
const INDEXED_CHARS: usize = 200;

/// A search.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// What must hold.
    pub filter: String,
    /// Most results of this page.
    pub max_results: usize,
    /// Steps such as `name DESC`.
    pub order_by: Vec<String>,
    /// The token of the page before.
    pub page_token: Option<String>,
}

/// What is searched: where it is, and what hangs on it.
struct Things {
    grammar: &'static Grammar,
    select: &'static str,
    /// The tags, by the number of the thing.
    tags: &'static str,
    owner: &'static str,
    number: &'static str,
    /// The order when none is asked for, and what is appended to one that is.
    order: &'static [(&'static str, bool)],
    ties: &'static [(&'static str, bool)],
}

const MODELS: Things = Things {
    grammar: &REGISTERED_MODELS,
    select: "FROM registered_models m WHERE m.workspace = ",
    tags: "registered_model_tags",
    owner: "model_no",
    number: "m.no",
    order: &[],
    ties: &[("name", true)],
};

const VERSIONS: Things = Things {
    grammar: &MODEL_VERSIONS,
    select: "FROM model_versions v JOIN registered_models m ON m.no = v.model_no WHERE v.workspace = ",
    tags: "model_version_tags",
    owner: "version_no",
    number: "v.no",
    order: &[("last_updated_timestamp", false)],
    ties: &[("name", true), ("version_number", false)],
};

/// Finds models. Returns them in order, and the token of the next page when there is one.
///
/// # Errors
/// `InvalidInput` for a bad filter, order or token.
pub fn models(
    tx: &mut Tx<'_>,
    permit: &Permit<Read>,
    search: &Search,
) -> Result<(Vec<RegisteredModel>, Option<String>)> {
    let column = |key: &str| match key {
        "name" => ("m.name", ColumnType::Text),
        _ => ("m.updated_at", ColumnType::Whole),
    };
    let (sql, text) = statement(tx, permit, search, &MODELS, rows::MODEL, column)?;
    let mut found = tx.query(&text, sql.params())?.iter().map(rows::model_of).collect::<Result<Vec<_>>>()?;
    let token = cut(&mut found, search)?;
    rows::attach(tx, &mut found)?;
    Ok((found, token))
}

/// Finds versions, with their tags and without their aliases, as clients expect. Returns them in order, and the token of
/// the next page when there is one.
///
/// # Errors
/// `InvalidInput` for a bad filter, order or token.
pub fn versions(
    tx: &mut Tx<'_>,
    permit: &Permit<Read>,
    search: &Search,
) -> Result<(Vec<ModelVersion>, Option<String>)> {
    let column = |key: &str| match key {
        "name" => ("m.name", ColumnType::Text),
        "run_id" => ("v.run_id", ColumnType::Text),
        "source_path" => ("v.source", ColumnType::Text),
        "version_number" => ("v.version", ColumnType::Whole),
        "creation_timestamp" => ("v.created_at", ColumnType::Whole),
        _ => ("v.updated_at", ColumnType::Whole),
    };
    let (sql, text) = statement(tx, permit, search, &VERSIONS, rows::VERSION, column)?;
    let mut found = tx.query(&text, sql.params())?.iter().map(rows::version_of).collect::<Result<Vec<_>>>()?;
    let token = cut(&mut found, search)?;
    rows::attach_tags(tx, &mut found)?;
    Ok((found, token))
}

/// The statement that finds one result more than the page holds, to know whether there is another page.
fn statement(
    tx: &Tx<'_>,
    permit: &Permit<Read>,
    search: &Search,
    things: &Things,
    columns: &str,
    column: impl Fn(&str) -> (&'static str, ColumnType),
) -> Result<(Sql, String)> {
    let mut conditions = parse(&search.filter, things.grammar)?;
    let order = complete(parse_order(&search.order_by, things.grammar)?, things);
    let mut sql = Sql::new(tx);
    let mut text = format!("SELECT {columns} {}{}", things.select, sql.bind(permit.workspace()));
    if !asks_for_prompts(&conditions) {
        conditions.retain(|condition| !is_prompt_condition(condition));
        hide_prompts(&mut text, things, &mut sql);
    }
    for condition in &conditions {
        let test = match condition.entity {
            "tag" => tag_test(condition, things, &mut sql)?,
            _ => {
                let (column, holds) = column(&condition.key);
                if let Value::Number(number) = condition.value {
                    return Err(Error::invalid(format!(
                        "Invalid value for numeric attribute '{}': {number}",
                        condition.key
                    )));
                }
                sql.compare(column, holds, condition.comparator, &condition.value)?
            }
        };
        text.push_str(&format!(" AND {test}"));
    }
    let by: Vec<String> =
        order.iter().map(|(key, ascending)| format!("{} {}", column(key).0, direction(*ascending))).collect();
    let start = offset_of(search.page_token.as_deref(), None)?;
    let (most, start) = (sql.bind(search.max_results.saturating_add(1)), sql.bind(start));
    text.push_str(&format!(" ORDER BY {} LIMIT {most} OFFSET {start}", by.join(", ")));
    Ok((sql, text))
}

fn direction(ascending: bool) -> &'static str {
    if ascending { "ASC" } else { "DESC" }
}

/// The order that was asked for, made complete so that every result has its place.
fn complete(asked: Vec<Order>, things: &Things) -> Vec<(String, bool)> {
    let mut order: Vec<(String, bool)> = asked.into_iter().map(|step| (step.key, step.ascending)).collect();
    let usual = if order.is_empty() { things.order } else { &[] };
    for (key, ascending) in usual.iter().chain(things.ties) {
        if !order.iter().any(|(known, _)| known == key) {
            order.push(((*key).to_owned(), *ascending));
        }
    }
    order
}

fn tag_test(condition: &Condition, things: &Things, sql: &mut Sql) -> Result<String> {
    let Things { tags, owner, number, .. } = things;
    let key = sql.bind(&condition.key);
    if let (Comparator::Equal, Value::Text(value)) = (condition.comparator, &condition.value) {
        let beginning: String = value.chars().take(INDEXED_CHARS).collect();
        let (beginning, value) = (sql.bind(beginning), sql.bind(value));
        return Ok(format!(
            "{number} IN (SELECT t.{owner} FROM {tags} t WHERE t.key = {key} \
             AND substr(t.value, 1, {INDEXED_CHARS}) = {beginning} AND t.value = {value})"
        ));
    }
    let column = format!("(SELECT t.value FROM {tags} t WHERE t.{owner} = {number} AND t.key = {key})");
    sql.compare(&column, ColumnType::Text, condition.comparator, &condition.value)
}

fn is_prompt_condition(condition: &Condition) -> bool {
    condition.entity == "tag" && condition.key == PROMPT_TAG
}

/// Whether a filter asks for prompts; the first condition on their tag decides.
fn asks_for_prompts(conditions: &[Condition]) -> bool {
    let first = conditions.iter().find(|condition| is_prompt_condition(condition));
    first.is_some_and(|condition| match (condition.comparator, &condition.value) {
        (Comparator::Equal, Value::Text(value)) => value.eq_ignore_ascii_case("true"),
        (Comparator::NotEqual, Value::Text(value)) => value.eq_ignore_ascii_case("false"),
        _ => false,
    })
}

/// Leaves out prompts: models that carry their tag, and versions that do or whose model does.
fn hide_prompts(text: &mut String, things: &Things, sql: &mut Sql) {
    let key = sql.bind(PROMPT_TAG);
    let mut hidden = vec![("registered_model_tags", "model_no", "m.no")];
    if things.number != "m.no" {
        hidden.push((things.tags, things.owner, things.number));
    }
    for (tags, owner, number) in hidden {
        text.push_str(&format!(
            " AND NOT EXISTS (SELECT 1 FROM {tags} p WHERE p.{owner} = {number} AND p.key = {key} \
             AND lower(p.value) = 'true')"
        ));
    }
}

/// Cuts the results to the page, and makes the token of the next one.
fn cut<T>(found: &mut Vec<T>, search: &Search) -> Result<Option<String>> {
    let more = found.len() > search.max_results;
    found.truncate(search.max_results);
    let start = offset_of(search.page_token.as_deref(), None)?;
    Ok(more.then(|| page_token(start.saturating_add(search.max_results), None)))
}
