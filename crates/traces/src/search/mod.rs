//! Searches for traces. What the database can decide it decides; patterns of regular expressions and what spans hold are
//! decided here, on the traces that are left, page by page.

mod filter;
mod order;
mod pattern;
mod spans;

use flyball_core::{Error, Permit, Read, Result, limits};
use flyball_store::{Param, Tx};
use flyball_tracking::search::{Sql, grammar, offset_of, page_token, parse, parse_order};

use crate::TraceInfo;
use crate::experiments::id_of;
use crate::read::infos_of;
use crate::store::{self, Row};
use filter::Filter;

/// A search.
#[derive(Clone, Debug, Default)]
pub struct TraceSearch {
    /// The experiments to search, by id.
    pub experiments: Vec<String>,
    /// The filter; empty for all.
    pub filter: String,
    /// The order; newest first by default and where it leaves a choice.
    pub order_by: Vec<String>,
    /// Most traces of a page.
    pub max_results: i64,
    /// Where the page begins.
    pub page_token: Option<String>,
}

/// Most traces of a page.
const PAGE: i64 = 500;
/// How many traces are looked at together when spans or regular expressions decide.
const LOOK: usize = 100;
/// Most traces that one search looks at so; it then answers what it found, with a token to go on from there.
const LOOKS: usize = 20_000;

/// A page of traces, and the token of the next page, which may be empty: a full page always has one, and so has a page
/// after which there is more to look at.
///
/// # Errors
/// `InvalidInput` for the filter, the order, the token, an experiment id or the size of the page.
pub fn traces(
    tx: &mut Tx<'_>,
    permit: &Permit<Read>,
    search: &TraceSearch,
) -> Result<(Vec<TraceInfo>, Option<String>)> {
    if !(1..=PAGE).contains(&search.max_results) {
        let message = format!("Invalid value {} for parameter 'max_results' supplied", search.max_results);
        return Err(Error::invalid(message).hint(format!("ask for 1 to {PAGE} traces")));
    }
    let experiments = search.experiments.iter().map(|id| id_of(id)).collect::<Result<Vec<_>>>()?;
    let conditions = parse(&search.filter, &grammar::TRACES)?;
    let order = parse_order(&search.order_by, &grammar::TRACES)?;
    let offset = offset_of(search.page_token.as_deref(), None)?;
    if experiments.is_empty() {
        return Ok((Vec::new(), None));
    }
    let scope = Scope { workspace: permit.workspace().to_string(), experiments };
    let filter = Filter::of(tx, &scope, conditions)?;
    let most = usize::try_from(search.max_results).unwrap_or(0);
    let page = |tx: &mut Tx<'_>, offset: usize, count: usize| -> Result<Vec<Row>> {
        let mut sql = Sql::new(tx);
        let (test, order) = (filter.to_sql(&scope, &mut sql)?, order::to_sql(&order, &mut sql));
        let (count, offset) = (sql.bind(count), sql.bind(offset));
        let columns = store::COLUMNS;
        let text =
            format!("SELECT {columns} FROM traces t WHERE {test} ORDER BY {order} LIMIT {count} OFFSET {offset}");
        tx.query(&text, sql.params())?.iter().map(Row::read).collect()
    };
    if filter.is_decided() {
        let rows = page(tx, offset, most)?;
        let next = (rows.len() == most).then(|| page_token(offset + most, None));
        return Ok((infos_of(tx, rows)?, next));
    }
    let (mut found, mut looked, mut bytes) = (Vec::new(), 0, 0_i64);
    loop {
        let rows = page(tx, offset + looked, LOOK)?;
        let last = rows.len() < LOOK;
        for (row, info) in rows.clone().into_iter().zip(infos_of(tx, rows)?) {
            if found.len() == most || looked >= LOOKS || bytes > limits::TRACE_ANSWER_BYTES as i64 {
                return Ok((found, Some(page_token(offset + looked, None))));
            }
            looked += 1;
            bytes = bytes.saturating_add(if filter.reads_spans() { row.span_bytes } else { 0 });
            if filter.holds(tx, &row, &info)? {
                found.push(info);
            }
        }
        if last {
            let next = (found.len() == most).then(|| page_token(offset + looked, None));
            return Ok((found, next));
        }
    }
}

/// Where is searched.
pub(crate) struct Scope {
    pub(crate) workspace: String,
    pub(crate) experiments: Vec<i64>,
}

impl Scope {
    /// The test that a trace is in it, with the traces under this name.
    pub(crate) fn to_sql(&self, traces: &str, sql: &mut Sql) -> String {
        let workspace = sql.bind(self.workspace.as_str());
        let list = sql.list(self.experiments.iter().map(|id| Param::Int(*id)));
        format!("{traces}.workspace = {workspace} AND {traces}.experiment_id IN ({list})")
    }
}
