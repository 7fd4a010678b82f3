//! Searches logged models. An experiment has few of them beside its runs, so one statement does; every look-up goes by
//! the model's own keys.

use flyball_core::{Digest, Error, Permit, Read, Result, limits};
use flyball_store::Tx;

use super::grammar::{Comparator, LOGGED_MODELS};
use super::parse::{Condition, Order, Value, check_length, parse, parse_order};
use super::scan::excerpt;
use super::sql::{ColumnType, Sql};
use super::token::{offset_of, page_token};

/// A dataset that metrics were measured on.
#[derive(Clone, Debug, Default)]
pub struct OnDataset {
    /// Its name.
    pub name: String,
    /// Its digest; any when there is none.
    pub digest: Option<String>,
}

/// One step of an order of logged models.
#[derive(Clone, Debug)]
pub struct ModelOrder {
    /// An attribute, or `metrics.` and a key.
    pub field: String,
    /// From small to large.
    pub ascending: bool,
    /// For a metric, only points on this dataset.
    pub dataset_name: Option<String>,
    /// For a metric, only points on a dataset with this digest.
    pub dataset_digest: Option<String>,
}

/// A search of logged models.
#[derive(Clone, Debug, Default)]
pub struct ModelSearch {
    /// The experiments to search in; none means no result.
    pub experiment_ids: Vec<i64>,
    /// What must hold.
    pub filter: String,
    /// What metrics in the filter must be measured on; without such metrics, what a model must have any metric on.
    pub datasets: Vec<OnDataset>,
    /// Most results of this page.
    pub max_results: usize,
    /// The order; after it come the latest creation and the id.
    pub order_by: Vec<ModelOrder>,
    /// The token of the page before. It is good for the same experiments, filter and order only.
    pub page_token: Option<String>,
}

/// Finds logged models that are in use. Returns their ids in order, and the token of the next page when there is one.
///
/// # Errors
/// `InvalidInput` for a bad filter, order or token; `LimitExceeded` for a filter that is too long.
pub fn logged_models(
    tx: &mut Tx<'_>,
    permit: &Permit<Read>,
    search: &ModelSearch,
) -> Result<(Vec<String>, Option<String>)> {
    let conditions = parse(&search.filter, &LOGGED_MODELS)?;
    let digest = digest(search);
    let offset = offset_of(search.page_token.as_deref(), Some(&digest))?;
    if search.datasets.iter().any(|dataset| dataset.name.is_empty()) {
        return Err(Error::invalid("`dataset_name` in the `datasets` clause must be specified"));
    }
    if search.experiment_ids.is_empty() {
        return Ok((Vec::new(), None));
    }
    let mut sql = Sql::new(tx);
    let workspace = sql.bind(permit.workspace());
    let experiments = sql.list(search.experiment_ids.iter().copied());
    let mut text = format!(
        "SELECT m.id FROM logged_models m \
         WHERE m.workspace = {workspace} AND m.experiment_id IN ({experiments}) AND m.lifecycle = 'active'"
    );
    for condition in &conditions {
        text.push_str(&format!(" AND {}", test(condition, &search.datasets, &mut sql)?));
    }
    if !search.datasets.is_empty() && conditions.iter().all(|condition| condition.entity != "metric") {
        let on = on_datasets(&search.datasets, &mut sql);
        text.push_str(&format!(" AND (SELECT 1 FROM logged_model_metrics v WHERE v.model_id = m.id{on} LIMIT 1) = 1"));
    }
    let by = order(&search.order_by, &mut sql)?;
    let (most, start) = (sql.bind(search.max_results.saturating_add(1)), sql.bind(offset));
    text.push_str(&format!(" ORDER BY {by} LIMIT {most} OFFSET {start}"));
    let mut found = tx.query(&text, sql.params())?.iter().map(|row| row.get("id")).collect::<Result<Vec<String>>>()?;
    let token = (found.len() > search.max_results)
        .then(|| page_token(offset.saturating_add(search.max_results), Some(&digest)));
    found.truncate(search.max_results);
    Ok((found, token))
}

/// What a page token belongs to.
fn digest(search: &ModelSearch) -> Digest {
    let ids = search.experiment_ids.iter().map(|id| id.to_le_bytes());
    let mut parts: Vec<Vec<u8>> = ids.map(|id| id.to_vec()).collect();
    parts.push(search.filter.clone().into_bytes());
    for step in &search.order_by {
        let dataset = (&step.dataset_name, &step.dataset_digest);
        parts.push(format!("{} {} {dataset:?}", step.field, step.ascending).into_bytes());
    }
    Digest::of_parts(parts.iter().map(Vec::as_slice))
}

fn column(key: &str) -> (&'static str, ColumnType) {
    match key {
        "name" => ("m.name", ColumnType::Text),
        "model_id" => ("m.id", ColumnType::Text),
        "model_type" => ("m.model_type", ColumnType::Text),
        "source_run_id" => ("m.source_run_id", ColumnType::Text),
        "status" => ("m.status", ColumnType::Whole),
        "creation_timestamp" => ("m.created_at", ColumnType::Whole),
        "experiment_id" => ("m.experiment_id", ColumnType::Whole),
        _ => ("m.updated_at", ColumnType::Whole),
    }
}

fn test(condition: &Condition, datasets: &[OnDataset], sql: &mut Sql) -> Result<String> {
    let Condition { entity, key, comparator, value } = condition;
    let table = match *entity {
        "metric" => return metric(condition, datasets, sql),
        "parameter" => "logged_model_params",
        "tag" => "logged_model_tags",
        _ => {
            let (column, holds) = column(key);
            if let Value::Texts(texts) = value
                && holds == ColumnType::Whole
            {
                let numbers = texts.iter().map(|text| whole(key, text)).collect::<Result<Vec<_>>>()?;
                return Ok(format!("{column} {comparator} ({})", sql.list(numbers)));
            }
            return sql.compare(column, holds, *comparator, value);
        }
    };
    let place = sql.bind(key);
    let column = format!("(SELECT x.value FROM {table} x WHERE x.model_id = m.id AND x.key = {place})");
    sql.compare(&column, ColumnType::Text, *comparator, value)
}

fn whole(key: &str, text: &str) -> Result<i64> {
    let bad =
        || Error::invalid(format!("Expected numeric value type for numeric attribute: {key}. Found {}", excerpt(text)));
    text.trim().parse().map_err(|_| bad())
}

/// A metric matches when any of its points does.
fn metric(condition: &Condition, datasets: &[OnDataset], sql: &mut Sql) -> Result<String> {
    let key = sql.bind(&condition.key);
    let test = sql.compare("v.value", ColumnType::Number, condition.comparator, &condition.value)?;
    let test = match condition.comparator {
        Comparator::NotEqual => format!("({test} OR v.is_nan = 1)"),
        _ => format!("{test} AND v.is_nan = 0"),
    };
    let on = on_datasets(datasets, sql);
    Ok(format!(
        "(SELECT 1 FROM logged_model_metrics v WHERE v.model_id = m.id AND v.key = {key} AND {test}{on} LIMIT 1) = 1"
    ))
}

fn on_datasets(datasets: &[OnDataset], sql: &mut Sql) -> String {
    let one = |dataset: &OnDataset| {
        let name = sql.bind(&dataset.name);
        let digest = dataset.digest.as_ref().map(|digest| format!(" AND v.dataset_digest = {}", sql.bind(digest)));
        format!("(v.dataset_name = {name}{})", digest.unwrap_or_default())
    };
    let all: Vec<String> = datasets.iter().map(one).collect();
    if all.is_empty() { String::new() } else { format!(" AND ({})", all.join(" OR ")) }
}

/// What follows ORDER BY. Of a metric the point with the latest time counts, then step; values come first, then NaN, then
/// models without one.
fn order(steps: &[ModelOrder], sql: &mut Sql) -> Result<String> {
    if steps.len() > limits::FILTER_CONDITIONS {
        return Err(Error::invalid(format!("the order has more than {} keys", limits::FILTER_CONDITIONS)));
    }
    let mut by = Vec::new();
    let mut named = Vec::new();
    for step in steps {
        check_length("order_by field", &step.field, limits::FILTER_BYTES)?;
        let direction = if step.ascending { "" } else { " DESC" };
        match step.field.split_once('.') {
            Some(("metrics", key)) => {
                let latest = latest(key, step, sql);
                by.push(format!("COALESCE((SELECT v.is_nan {latest}), 2), (SELECT v.value {latest}){direction}"));
            }
            _ => {
                let key = attribute(&step.field)?;
                by.push(format!("{}{direction}", column(&key).0));
                named.push(key);
            }
        }
    }
    for (key, last) in [("creation_timestamp", "m.created_at DESC"), ("model_id", "m.id")] {
        if !named.iter().any(|name| name == key) {
            by.push(last.to_owned());
        }
    }
    Ok(by.join(", "))
}

fn latest(key: &str, step: &ModelOrder, sql: &mut Sql) -> String {
    let mut text = format!("FROM logged_model_metrics v WHERE v.model_id = m.id AND v.key = {}", sql.bind(key));
    for (column, wanted) in [("dataset_name", &step.dataset_name), ("dataset_digest", &step.dataset_digest)] {
        if let Some(wanted) = wanted {
            text.push_str(&format!(" AND v.{column} = {}", sql.bind(wanted)));
        }
    }
    text.push_str(" ORDER BY v.timestamp DESC, v.step DESC, v.run_id LIMIT 1");
    text
}

fn attribute(field: &str) -> Result<String> {
    let invalid = |why: &str| {
        Error::invalid(format!("Invalid order by field name: {}{why}", excerpt(field)))
            .hint("use an attribute such as creation_timestamp, or metrics. and the key of a metric")
    };
    if field.contains('.') {
        return Err(invalid(", only metrics.KEY and attributes are supported"));
    }
    if field == "experiment_id" {
        return Ok(field.to_owned());
    }
    let steps: Vec<Order> = parse_order(&[field], &LOGGED_MODELS).map_err(|_| invalid(""))?;
    steps.into_iter().next().map(|step| step.key).ok_or_else(|| invalid(""))
}
