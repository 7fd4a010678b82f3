//! Searches experiments. There are few of them beside their runs, so one statement does.

use flyball_core::{Error, Permit, Read, Result};
use flyball_store::Tx;

use super::grammar::EXPERIMENTS;
use super::parse::{Condition, Order, Value, parse, parse_order};
use super::runs::lifecycles;
use super::scan::excerpt;
use super::sql::{ColumnType, Sql};
use super::token::{offset_of, page_token};
use crate::model::View;

/// A search of experiments.
#[derive(Clone, Debug, Default)]
pub struct ExperimentSearch {
    /// What must hold.
    pub filter: String,
    /// Which experiments are shown.
    pub view: View,
    /// Most results of this page.
    pub max_results: usize,
    /// Steps such as `name DESC`; after them comes the greatest number. Without any the newest comes first.
    pub order_by: Vec<String>,
    /// The token of the page before.
    pub page_token: Option<String>,
}

/// Finds experiments. Returns their numbers in order, and the token of the next page when there is one.
///
/// # Errors
/// `InvalidInput` for a bad filter, order or token; `LimitExceeded` for a filter that is too long.
pub fn experiments(
    tx: &mut Tx<'_>,
    permit: &Permit<Read>,
    search: &ExperimentSearch,
) -> Result<(Vec<i64>, Option<String>)> {
    let conditions = parse(&search.filter, &EXPERIMENTS)?;
    let order = complete(parse_order(&search.order_by, &EXPERIMENTS)?);
    let offset = offset_of(search.page_token.as_deref(), None)?;
    let last = offset.saturating_add(search.max_results);
    let mut sql = Sql::new(tx);
    let (workspace, shown) = (sql.bind(permit.workspace()), sql.list(lifecycles(search.view).iter().copied()));
    let mut text =
        format!("SELECT e.id FROM experiments e WHERE e.workspace = {workspace} AND e.lifecycle IN ({shown})");
    for condition in &conditions {
        text.push_str(" AND ");
        text.push_str(&test(condition, &mut sql)?);
    }
    let by: Vec<String> = order
        .iter()
        .map(|step| format!("{}{}", column(&step.key).0, if step.ascending { "" } else { " DESC" }))
        .collect();
    // One more than the page, to know whether there is another.
    let (most, start) = (sql.bind(search.max_results.saturating_add(1)), sql.bind(offset));
    text.push_str(&format!(" ORDER BY {} LIMIT {most} OFFSET {start}", by.join(", ")));
    let mut found = tx.query(&text, sql.params())?.iter().map(|row| row.get("id")).collect::<Result<Vec<i64>>>()?;
    let token = (found.len() > search.max_results).then(|| page_token(last, None));
    found.truncate(search.max_results);
    Ok((found, token))
}

fn complete(mut order: Vec<Order>) -> Vec<Order> {
    let newest_first = order.is_empty();
    let step = |key: &str, ascending| Order { entity: "attribute", key: key.to_owned(), ascending };
    if newest_first {
        order.push(step("creation_time", false));
    }
    if !order.iter().any(|step| step.key == "experiment_id") {
        order.push(step("experiment_id", newest_first));
    }
    order
}

fn column(key: &str) -> (&'static str, ColumnType) {
    match key {
        "name" => ("e.name", ColumnType::Text),
        "creation_time" => ("e.created_at", ColumnType::Whole),
        "last_update_time" => ("e.updated_at", ColumnType::Whole),
        _ => ("e.id", ColumnType::Whole),
    }
}

fn test(condition: &Condition, sql: &mut Sql) -> Result<String> {
    let Condition { entity, key, comparator, value } = condition;
    if *entity == "tag" {
        let key = sql.bind(key);
        let column = format!("(SELECT t.value FROM experiment_tags t WHERE t.experiment_id = e.id AND t.key = {key})");
        return sql.compare(&column, ColumnType::Text, *comparator, value);
    }
    let (column, holds) = column(key);
    match value {
        Value::Text(id) if key == "experiment_id" => {
            sql.compare(column, holds, *comparator, &Value::Whole(experiment_number(id)?))
        }
        Value::Texts(ids) if key == "experiment_id" => {
            let numbers = ids.iter().map(|id| experiment_number(id)).collect::<Result<Vec<_>>>()?;
            Ok(format!("{column} {comparator} ({})", sql.list(numbers)))
        }
        Value::Number(number) => {
            let message = format!("Invalid value for numeric attribute '{key}': {number}");
            Err(Error::invalid(message).hint("times are whole milliseconds since 1970"))
        }
        _ => sql.compare(column, holds, *comparator, value),
    }
}

fn experiment_number(text: &str) -> Result<i64> {
    text.trim()
        .parse()
        .map_err(|_| Error::invalid(format!("Invalid experiment ID {}: it is not a number", excerpt(text))))
}
