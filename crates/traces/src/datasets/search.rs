//! Searches for evaluation datasets.

use flyball_core::{Error, Permit, Read, Result, limits};
use flyball_store::{Param, Tx};
use flyball_tracking::search::{ColumnType, Condition, Sql, grammar, offset_of, page_token, parse, parse_order};

use super::{COLUMNS, Dataset, from_row, numbers, read_tags};

/// A search.
#[derive(Clone, Debug, Default)]
pub struct DatasetSearch {
    /// The experiments of which a dataset must belong to one; empty for all.
    pub experiments: Vec<String>,
    /// The filter; empty for all.
    pub filter: String,
    /// The order; newest first by default.
    pub order_by: Vec<String>,
    /// Most datasets of a page.
    pub max_results: i64,
    /// Where the page begins.
    pub page_token: Option<String>,
}

/// A page of datasets, and the token of the next page if there is one.
///
/// # Errors
/// `InvalidInput` for the filter, the order, the token, an experiment id or the size of the page.
pub fn search(
    tx: &mut Tx<'_>,
    permit: &Permit<Read>,
    search: &DatasetSearch,
) -> Result<(Vec<Dataset>, Option<String>)> {
    if !(1..=limits::SEARCH_ROWS).contains(&search.max_results) {
        let message = format!("Invalid value {} for parameter 'max_results' supplied", search.max_results);
        return Err(Error::invalid(message).hint(format!("ask for 1 to {} datasets", limits::SEARCH_ROWS)));
    }
    let offset = offset_of(search.page_token.as_deref(), None)?;
    let mut sql = Sql::new(tx);
    let mut clauses = vec![format!("d.workspace = {}", sql.bind(permit.workspace()))];
    if !search.experiments.is_empty() {
        let list = sql.list(numbers(&search.experiments)?.into_iter().map(Param::Int));
        clauses.push(format!(
            "d.id IN (SELECT e.dataset_id FROM evaluation_dataset_experiments e WHERE e.experiment_id IN ({list}))"
        ));
    }
    for condition in parse(&search.filter, &grammar::DATASETS)? {
        clauses.push(clause(&condition, &mut sql)?);
    }
    let mut order: Vec<String> = parse_order(&search.order_by, &grammar::DATASETS)?
        .iter()
        .map(|step| format!("{} {}", column(&step.key).0, if step.ascending { "ASC" } else { "DESC" }))
        .collect();
    if order.is_empty() {
        order.push("d.created_at DESC".to_owned());
    }
    let most = usize::try_from(search.max_results).unwrap_or(0);
    let (clauses, order) = (clauses.join(" AND "), order.join(", "));
    let (limit, start) = (sql.bind(most + 1), sql.bind(offset));
    let text = format!(
        "SELECT {COLUMNS} FROM evaluation_datasets d WHERE {clauses} ORDER BY {order}, d.id DESC LIMIT {limit} \
         OFFSET {start}"
    );
    let mut found = tx.query(&text, sql.params())?.iter().map(from_row).collect::<Result<Vec<_>>>()?;
    let more = found.len() > most;
    found.truncate(most);
    read_tags(tx, &mut found)?;
    Ok((found, more.then(|| page_token(offset + most, None))))
}

fn clause(condition: &Condition, sql: &mut Sql) -> Result<String> {
    if condition.entity == "tag" {
        let key = sql.bind(condition.key.as_str());
        let test = sql.compare("x.value", ColumnType::Text, condition.comparator, &condition.value)?;
        return Ok(format!(
            "EXISTS (SELECT 1 FROM evaluation_dataset_tags x WHERE x.dataset_id = d.id AND x.key = {key} AND {test})"
        ));
    }
    let (column, holds) = column(&condition.key);
    sql.compare(column, holds, condition.comparator, &condition.value)
}

fn column(key: &str) -> (&'static str, ColumnType) {
    match key {
        "name" => ("d.name", ColumnType::Text),
        "created_by" => ("d.created_by", ColumnType::Text),
        "last_updated_by" => ("d.updated_by", ColumnType::Text),
        "last_update_time" => ("d.updated_at", ColumnType::Whole),
        _ => ("d.created_at", ColumnType::Whole),
    }
}
