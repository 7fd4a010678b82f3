//! Searches runs without ever sorting an experiment or walking a history.
//!
//! There are two ways to answer. A **walk** goes along the index that has the order wanted, in stretches of growing
//! length, and tests each candidate; it ends when the page is full. A **selection** takes all candidates from the index
//! of the rarest condition and sorts those that pass. A walk that finds little counts what a selection would cost, up to
//! what it expects to walk itself, and gives way if that is less. So neither the planner nor its statistics decide.

use flyball_core::{Permit, Read, Result};
use flyball_store::{DatabaseKind, Param, Tx};

use super::grammar::{Comparator, RUNS};
use super::parse::{Condition, Order, Value, parse, parse_order};
use super::source::{Range, Segment, Source, is_whole, text_table};
use super::sql::Sql;
use super::steps::{self, Hit};
use super::token::{offset_of, page_token};
use crate::model::View;

/// A search of runs.
#[derive(Clone, Debug, Default)]
pub struct RunSearch {
    /// The experiments to search in; none means no result.
    pub experiment_ids: Vec<i64>,
    /// What must hold.
    pub filter: String,
    /// Which runs are shown.
    pub view: View,
    /// Most results of this page.
    pub max_results: usize,
    /// Steps such as `metrics.loss DESC`; after them come the latest start and the id.
    pub order_by: Vec<String>,
    /// The token of the page before.
    pub page_token: Option<String>,
}

/// How long the first stretch of a walk is at least.
const FIRST_STRETCH: usize = 512;
/// By how much stretches grow.
const GROWTH: usize = 4;
/// A stretch that finds nothing counts as this much of a result, so that the rest of the walk can be guessed.
const SMALL_HOPE: f64 = 0.5;
/// Most rows that are counted to choose a way; only a walk that expects to be as long counts so far.
const MOST_COUNTED: usize = 10_000_000;

/// Finds runs. Returns their numbers in order, and the token of the next page when there is one.
///
/// # Errors
/// `InvalidInput` for a bad filter, order or token; `LimitExceeded` for a filter that is too long.
pub fn runs(tx: &mut Tx<'_>, permit: &Permit<Read>, search: &RunSearch) -> Result<(Vec<i64>, Option<String>)> {
    let conditions = parse(&search.filter, &RUNS)?;
    let order = complete(parse_order(&search.order_by, &RUNS)?);
    let offset = offset_of(search.page_token.as_deref(), None)?;
    let last = offset.saturating_add(search.max_results);
    let query = Query { conditions, order, settled: 0, wanted: last.saturating_add(1) };
    forbid_scans(tx)?;
    let mut hits: Vec<Hit> = Vec::new();
    for segment in segments(tx, permit, search)? {
        let more = query.run(tx, segment)?;
        hits = if hits.is_empty() { more } else { merge(hits, more, &query.order) };
        hits.truncate(query.wanted);
    }
    let token = (hits.len() > last).then(|| page_token(last, None));
    Ok((hits.iter().take(last).skip(offset).map(|hit| hit.no).collect(), token))
}

/// PostgreSQL would otherwise hash or sort whole tables when it misjudges how few rows a page needs.
fn forbid_scans(tx: &mut Tx<'_>) -> Result<()> {
    if tx.kind() == DatabaseKind::Postgres {
        let off = ["enable_seqscan", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin", "jit"]
            .map(|setting| format!("set_config('{setting}', 'off', true), "));
        // And it would put the tables into another order.
        tx.query(&format!("SELECT {}set_config('join_collapse_limit', '1', true)", off.concat()), &[])?;
    }
    Ok(())
}

/// The order with the steps that follow any other.
fn complete(mut order: Vec<Order>) -> Vec<Order> {
    for (key, ascending) in [("start_time", false), ("run_id", true)] {
        if !order.iter().any(|step| step.entity == "attribute" && step.key == key) {
            order.push(Order { entity: "attribute", key: key.to_owned(), ascending });
        }
    }
    order
}

fn segments(tx: &mut Tx<'_>, permit: &Permit<Read>, search: &RunSearch) -> Result<Vec<Segment>> {
    if search.experiment_ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut ids = search.experiment_ids.clone();
    ids.sort_unstable();
    ids.dedup();
    let mut segments = Vec::new();
    for part in ids.chunks(crate::sql::LIST) {
        let mut sql = Sql::new(tx);
        let (workspace, list) = (sql.bind(permit.workspace()), sql.list(part.iter().copied()));
        let text = format!("SELECT id FROM experiments WHERE workspace = {workspace} AND id IN ({list})");
        for row in tx.query(&text, sql.params())? {
            let experiment = row.get("id")?;
            segments.extend(lifecycles(search.view).iter().map(|lifecycle| Segment { experiment, lifecycle }));
        }
    }
    Ok(segments)
}

/// The lifecycles that a view shows, as stored.
pub(super) fn lifecycles(view: View) -> &'static [&'static str] {
    match view {
        View::Active => &["active"],
        View::Deleted => &["deleted"],
        View::All => &["active", "deleted"],
    }
}

/// Merges two ordered lists.
fn merge(one: Vec<Hit>, other: Vec<Hit>, order: &[Order]) -> Vec<Hit> {
    let mut all = Vec::with_capacity(one.len() + other.len());
    let (mut one, mut other) = (one.into_iter().peekable(), other.into_iter().peekable());
    while let (Some(left), Some(right)) = (one.peek(), other.peek()) {
        let first = if left.compare(right, order).is_le() { one.next() } else { other.next() };
        all.extend(first);
    }
    all.extend(one);
    all.extend(other);
    all
}

/// What is asked of one segment.
#[derive(Clone)]
struct Query {
    conditions: Vec<Condition>,
    order: Vec<Order>,
    /// How many of the first steps of the order are the same for all that the conditions leave.
    settled: usize,
    wanted: usize,
}

impl Query {
    fn run(&self, tx: &mut Tx<'_>, segment: Segment) -> Result<Vec<Hit>> {
        let first = FIRST_STRETCH.max(self.wanted.saturating_mul(2));
        if Source::all().count(tx, segment, first)? < first {
            return self.select(tx, segment, &Source::all(), self.wanted);
        }
        if let Some(path) = self.path() {
            return self.walk(tx, segment, &path, first);
        }
        let rarest = self.rarer_than(tx, segment, MOST_COUNTED)?.unwrap_or(Source::all());
        self.select(tx, segment, &rarest, self.wanted)
    }

    /// The step of the order that decides now.
    fn step(&self) -> Option<&Order> {
        self.order.get(self.settled)
    }

    /// The conditions on what the deciding step orders by.
    fn on_step(&self) -> impl Iterator<Item = &Condition> {
        let step = self.step();
        let same = move |condition: &&Condition| {
            step.is_some_and(|step| condition.entity == step.entity && condition.key == step.key)
        };
        self.conditions.iter().filter(same)
    }

    /// The index that has the order of the deciding step, within what the conditions leave of it.
    fn path(&self) -> Option<Source> {
        let step = self.step()?;
        let path = match (step.entity, step.key.as_str()) {
            ("metric", key) => Source::Metric(key.to_owned(), Range::default()),
            ("parameter" | "tag", key) => Source::Text(text_table(step.entity), key.to_owned(), Range::default()),
            ("attribute", "start_time") => Source::all(),
            _ => return None,
        };
        let mut range = Range::default();
        for part in self.on_step().filter_map(Source::of).map(|source| source.range()) {
            range = Range { low: range.low.or(part.low), high: range.high.or(part.high) };
        }
        Some(path.within(range))
    }

    /// Goes along the path until enough is found.
    fn walk(&self, tx: &mut Tx<'_>, segment: Segment, path: &Source, first: usize) -> Result<Vec<Hit>> {
        let ascending = self.step().is_some_and(|step| step.ascending);
        let (mut hits, mut ahead) = (Vec::new(), path.range());
        let (mut length, mut walked) = (first, 0_usize);
        loop {
            let missing = self.wanted - hits.len();
            let rest = path.within(ahead.clone());
            let Some(edge) = rest.value_at(tx, segment, length, ascending)? else {
                hits.extend(self.select(tx, segment, &rest, missing)?);
                return self.finish(tx, segment, hits);
            };
            // So many candidates may have the same value that the next step decides.
            let block = rest.value_at(tx, segment, 0, ascending)?.as_ref() == Some(&edge);
            hits.extend(if block {
                self.block(tx, segment, path, &edge, missing)?
            } else {
                self.select(tx, segment, &path.within(ahead.clone().until(edge.clone(), ascending)), missing)?
            });
            if hits.len() >= self.wanted {
                return Ok(hits);
            }
            ahead = ahead.from(edge, !block, ascending);
            walked = walked.saturating_add(length);
            let rate = (hits.len() as f64).max(SMALL_HOPE) / walked as f64;
            let expected = ((self.wanted - hits.len()) as f64 / rate) as usize;
            if let Some(source) = self.rarer_than(tx, segment, expected.min(MOST_COUNTED))? {
                return self.select(tx, segment, &source, self.wanted);
            }
            length = length.saturating_mul(GROWTH);
        }
    }

    /// After all values come the runs with NaN and those without one, ordered by the other steps.
    fn finish(&self, tx: &mut Tx<'_>, segment: Segment, mut hits: Vec<Hit>) -> Result<Vec<Hit>> {
        let Some(step) = self.step().filter(|step| step.entity != "attribute") else { return Ok(hits) };
        let nan_may_pass = self.on_step().all(|condition| condition.comparator == Comparator::NotEqual);
        if step.entity == "metric" && nan_may_pass {
            let missing = self.wanted.saturating_sub(hits.len());
            hits.extend(self.settle(step, Comparator::Equal, Value::Number(f64::NAN), missing).run(tx, segment)?);
        }
        if self.on_step().all(|condition| condition.comparator == Comparator::IsNull) {
            let missing = self.wanted.saturating_sub(hits.len());
            hits.extend(self.settle(step, Comparator::IsNull, Value::None, missing).run(tx, segment)?);
        }
        Ok(hits)
    }

    /// The runs that have this value on the path.
    fn block(
        &self,
        tx: &mut Tx<'_>,
        segment: Segment,
        path: &Source,
        value: &Param,
        wanted: usize,
    ) -> Result<Vec<Hit>> {
        let Some(step) = self.step() else { return Ok(Vec::new()) };
        let same = match value {
            Param::Float(number) => Value::Number(*number),
            Param::Int(number) => Value::Whole(*number),
            Param::Text(text) if is_whole(text) => Value::Text(text.clone()),
            // Texts that differ only after what the index holds of them.
            _ => return self.select(tx, segment, &path.within(Range::only(value.clone())), wanted),
        };
        self.settle(step, Comparator::Equal, same, wanted).run(tx, segment)
    }

    /// The same question with one more condition, which makes the deciding step the same for all.
    fn settle(&self, step: &Order, comparator: Comparator, value: Value, wanted: usize) -> Self {
        let condition = Condition { entity: step.entity, key: step.key.clone(), comparator, value };
        let conditions = self.conditions.iter().cloned().chain([condition]).collect();
        Self { conditions, order: self.order.clone(), settled: self.settled + 1, wanted }
    }

    /// The source with the fewest rows, when that is fewer than `most`.
    fn rarer_than(&self, tx: &mut Tx<'_>, segment: Segment, most: usize) -> Result<Option<Source>> {
        let (mut rarest, mut fewest) = (None, most);
        for source in self.conditions.iter().filter_map(Source::of).chain([Source::all()]) {
            let count = source.count(tx, segment, fewest)?;
            if count < fewest {
                (rarest, fewest) = (Some(source), count);
            }
        }
        Ok(rarest)
    }

    /// Takes all candidates of a source, and sorts those that pass.
    fn select(&self, tx: &mut Tx<'_>, segment: Segment, source: &Source, wanted: usize) -> Result<Vec<Hit>> {
        if wanted == 0 {
            return Ok(Vec::new());
        }
        let mut sql = Sql::new(tx);
        let (mut look_ups, mut tests) = (String::new(), String::new());
        for (place, condition) in self.conditions.iter().enumerate() {
            let piece = steps::piece(condition, place, source, &mut sql)?;
            look_ups.push_str(piece.join.as_deref().unwrap_or_default());
            tests.push_str(" AND ");
            tests.push_str(&piece.test);
        }
        let order = steps::order(&self.order, self.settled, source, &mut sql);
        let from = source.to_sql(segment, &look_ups, &order.joins, &mut sql);
        let mut text = format!("SELECT {} {from}{tests}", order.columns);
        text.push_str(&format!(" ORDER BY {} LIMIT {}", order.by, sql.bind(wanted)));
        let mut hits = Vec::new();
        tx.for_each(&text, sql.params(), |row| {
            hits.push(Hit::from_row(row, self.order.len())?);
            Ok(())
        })?;
        Ok(hits)
    }
}
