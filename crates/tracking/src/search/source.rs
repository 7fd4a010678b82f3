//! Where the candidates of a search of runs come from: a stretch of one index, in its order.

use flyball_core::Result;
use flyball_store::{Param, Tx};

use super::grammar::Comparator;
use super::parse::{Condition, Value};
use super::sql::Sql;
use crate::rules::RUN_NAME;

/// The runs of one experiment in one lifecycle. A search of several is a search of each, merged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) experiment: i64,
    pub(super) lifecycle: &'static str,
}

/// One end of a stretch.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct End {
    pub(super) value: Param,
    pub(super) included: bool,
}

/// Part of an index, between two ends.
#[derive(Clone, Debug, Default)]
pub(super) struct Range {
    pub(super) low: Option<End>,
    pub(super) high: Option<End>,
}

impl Range {
    /// The part that lies before a value, in this direction.
    pub(super) fn until(self, value: Param, ascending: bool) -> Self {
        let end = Some(End { value, included: false });
        if ascending { Self { high: end, ..self } } else { Self { low: end, ..self } }
    }

    /// The part that lies after a value, in this direction.
    pub(super) fn from(self, value: Param, included: bool, ascending: bool) -> Self {
        let end = Some(End { value, included });
        if ascending { Self { low: end, ..self } } else { Self { high: end, ..self } }
    }

    /// The part that has this value.
    pub(super) fn only(value: Param) -> Self {
        let end = Some(End { value, included: true });
        Self { low: end.clone(), high: end }
    }

    /// The part that the comparator leaves, when that is one stretch.
    fn compared(comparator: Comparator, value: Param) -> Option<Self> {
        let end = |included| Some(End { value: value.clone(), included });
        Some(match comparator {
            Comparator::Equal => Self::only(value),
            Comparator::Less => Self { low: None, high: end(false) },
            Comparator::LessOrEqual => Self { low: None, high: end(true) },
            Comparator::Greater => Self { low: end(false), high: None },
            Comparator::GreaterOrEqual => Self { low: end(true), high: None },
            _ => return None,
        })
    }

    /// The part of an index of texts that holds what the comparison can be true for.
    fn of_texts(comparator: Comparator, value: &Value) -> Option<Self> {
        match (comparator, value) {
            (Comparator::IsNull, _) => None,
            (Comparator::Equal, Value::Text(text)) => Some(Self::only(beginning(text).into())),
            (Comparator::Like, Value::Text(pattern)) => {
                let literal = pattern.split(['%', '_']).next().unwrap_or_default();
                Some(Self::starting_with(beginning(literal)))
            }
            _ => Some(Self::default()),
        }
    }

    /// The texts with this beginning: up to the text after them all.
    fn starting_with(start: &str) -> Self {
        let Some(last) = start.chars().next_back() else { return Self::default() };
        let low = Some(End { value: start.into(), included: true });
        let next = (last..=char::MAX).nth(1);
        let after = next.map(|next| format!("{}{next}", &start[..start.len() - last.len_utf8()]));
        Self { low, high: after.map(|value| End { value: value.into(), included: false }) }
    }

    fn to_sql(&self, column: &str, sql: &mut Sql) -> String {
        let mut text = String::new();
        if let (Some(low), Some(high)) = (&self.low, &self.high)
            && low == high
        {
            return format!(" AND {column} = {}", sql.bind(low.value.clone()));
        }
        for (end, strict, weak) in [(&self.low, ">", ">="), (&self.high, "<", "<=")] {
            if let Some(end) = end {
                let operator = if end.included { weak } else { strict };
                text.push_str(&format!(" AND {column} {operator} {}", sql.bind(end.value.clone())));
            }
        }
        text
    }
}

/// A stretch of an index that leads to runs.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// By the time of the start.
    Started(Range),
    /// By the latest value of a metric that is a number.
    Metric(String, Range),
    /// Those whose latest value of a metric is not a number.
    NotANumber(String),
    /// By the beginning of the value of a parameter or tag.
    Text(&'static str, String, Range),
    /// By id.
    Ids(Vec<String>),
}

/// How many characters of a text its index holds; as in the schema.
const INDEXED: usize = 200;

/// The indexed beginning of a text.
fn beginning(text: &str) -> &str {
    text.char_indices().nth(INDEXED).map_or(text, |(end, _)| &text[..end])
}

/// Whether this beginning of a text is all of it.
pub(super) fn is_whole(beginning: &str) -> bool {
    beginning.chars().nth(INDEXED - 1).is_none()
}

/// The table of parameters or tags.
pub(super) fn text_table(entity: &str) -> &'static str {
    if entity == "parameter" { "run_params" } else { "run_tags" }
}

impl Source {
    /// All of a segment.
    pub(super) fn all() -> Self {
        Self::Started(Range::default())
    }

    /// The stretch of an index that holds every run that meets the condition, if there is one.
    pub(super) fn of(condition: &Condition) -> Option<Self> {
        let Condition { entity, key, comparator, value } = condition;
        match (*entity, value) {
            ("metric", Value::Number(number)) if number.is_nan() => Some(Self::NotANumber(key.clone())),
            ("metric", Value::Number(number)) => {
                Range::compared(*comparator, Param::Float(*number)).map(|range| Self::Metric(key.clone(), range))
            }
            ("metric", Value::Whole(number)) => {
                Range::compared(*comparator, Param::Float(*number as f64)).map(|range| Self::Metric(key.clone(), range))
            }
            ("parameter" | "tag", value) => {
                Range::of_texts(*comparator, value).map(|range| Self::Text(text_table(entity), key.clone(), range))
            }
            ("attribute", value) if key == "run_name" => {
                Range::of_texts(*comparator, value).map(|range| Self::Text("run_tags", RUN_NAME.to_owned(), range))
            }
            ("attribute", Value::Whole(time)) if key == "start_time" => {
                Range::compared(*comparator, Param::Int(*time)).map(Self::Started)
            }
            ("attribute", Value::Text(id)) if key == "run_id" && *comparator == Comparator::Equal => {
                Some(Self::Ids(vec![id.clone()]))
            }
            ("attribute", Value::Texts(ids)) if key == "run_id" && *comparator == Comparator::In => {
                Some(Self::Ids(ids.clone()))
            }
            _ => None,
        }
    }

    /// The same source with another stretch.
    pub(super) fn within(&self, range: Range) -> Self {
        match self {
            Self::Started(_) => Self::Started(range),
            Self::Metric(key, _) => Self::Metric(key.clone(), range),
            Self::Text(table, key, _) => Self::Text(table, key.clone(), range),
            other => other.clone(),
        }
    }

    /// The stretch.
    pub(super) fn range(&self) -> Range {
        match self {
            Self::Started(range) | Self::Metric(_, range) | Self::Text(_, _, range) => range.clone(),
            Self::NotANumber(_) | Self::Ids(_) => Range::default(),
        }
    }

    /// The column, or expression, by which the index is ordered.
    fn column(&self) -> &'static str {
        match self {
            Self::Started(_) => "r.started_at",
            Self::Metric(..) | Self::NotANumber(_) => "d.value",
            Self::Text(..) => "substr(d.value, 1, 200)",
            Self::Ids(_) => "r.id",
        }
    }

    /// The table to read and the test for the stretch, without the join to the runs.
    fn table_and_test(&self, segment: Segment, sql: &mut Sql) -> (&'static str, String) {
        let experiment = sql.bind(segment.experiment);
        match self {
            Self::Started(range) => {
                let lifecycle = sql.bind(segment.lifecycle);
                let range = range.to_sql("r.started_at", sql);
                ("runs r", format!("r.experiment_id = {experiment} AND r.lifecycle = {lifecycle}{range}"))
            }
            Self::Metric(key, range) => {
                let key = sql.bind(key);
                let range = range.to_sql("d.value", sql);
                (
                    "latest_metrics d",
                    format!("d.experiment_id = {experiment} AND d.key = {key} AND d.is_nan = 0{range}"),
                )
            }
            Self::NotANumber(key) => {
                let key = sql.bind(key);
                ("latest_metrics d", format!("d.experiment_id = {experiment} AND d.key = {key} AND d.is_nan = 1"))
            }
            Self::Text(table, key, range) => {
                let key = sql.bind(key);
                let range = range.to_sql(self.column(), sql);
                let table = if *table == "run_params" { "run_params d" } else { "run_tags d" };
                (table, format!("d.experiment_id = {experiment} AND d.key = {key}{range}"))
            }
            Self::Ids(ids) => {
                let list = sql.list(ids);
                let lifecycle = sql.bind(segment.lifecycle);
                ("runs r", format!("r.id IN ({list}) AND r.experiment_id = {experiment} AND r.lifecycle = {lifecycle}"))
            }
        }
    }

    /// The number of the run, as the source has it.
    pub(super) fn run(&self) -> &'static str {
        match self {
            Self::Started(_) | Self::Ids(_) => "r.no",
            Self::Metric(..) | Self::NotANumber(_) | Self::Text(..) => "d.run_no",
        }
    }

    /// Whether the source's rows are the values of this key in this table.
    pub(super) fn holds(&self, table: &str, key: &str) -> bool {
        match self {
            Self::Metric(own, _) | Self::NotANumber(own) => table == "latest_metrics" && own == key,
            Self::Text(own_table, own, _) => *own_table == table && own == key,
            Self::Started(_) | Self::Ids(_) => false,
        }
    }

    /// `FROM … WHERE …` with the runs as `r` and the rows of an index as `d`. The look-ups come between the two, so that
    /// only those that pass are looked up among the runs. CROSS JOIN keeps the order of the tables.
    pub(super) fn to_sql(&self, segment: Segment, look_ups: &str, joins: &str, sql: &mut Sql) -> String {
        let (table, test) = self.table_and_test(segment, sql);
        if self.run() == "r.no" {
            return format!("FROM {table}{look_ups}{joins} WHERE {test}");
        }
        let lifecycle = sql.bind(segment.lifecycle);
        format!(
            "FROM {table}{look_ups} CROSS JOIN runs r{joins} \
             WHERE {test} AND r.no = d.run_no AND r.lifecycle = {lifecycle}"
        )
    }

    /// How many rows the stretch has, at most `most`.
    pub(super) fn count(&self, tx: &mut Tx<'_>, segment: Segment, most: usize) -> Result<usize> {
        let mut sql = Sql::new(tx);
        let (table, test) = self.table_and_test(segment, &mut sql);
        let most = sql.bind(most);
        let text =
            format!("SELECT COUNT(*) AS n FROM (SELECT 1 AS one FROM {table} WHERE {test} LIMIT {most}) counted");
        tx.query_one(&text, sql.params())?.map_or(Ok(0), |row| row.get("n"))
    }

    /// The value at the `place`-th row of the stretch, counted from 0; none when the stretch is shorter.
    pub(super) fn value_at(
        &self,
        tx: &mut Tx<'_>,
        segment: Segment,
        place: usize,
        ascending: bool,
    ) -> Result<Option<Param>> {
        let mut sql = Sql::new(tx);
        let (table, test) = self.table_and_test(segment, &mut sql);
        let (column, place) = (self.column(), sql.bind(place));
        let direction = if ascending { "" } else { " DESC" };
        let text = format!(
            "SELECT {column} AS edge FROM {table} WHERE {test} ORDER BY {column}{direction} LIMIT 1 OFFSET {place}"
        );
        let Some(row) = tx.query_one(&text, sql.params())? else { return Ok(None) };
        Ok(Some(match self {
            Self::Metric(..) | Self::NotANumber(_) => Param::Float(row.get("edge")?),
            Self::Started(_) => Param::Int(row.get("edge")?),
            Self::Text(..) | Self::Ids(_) => Param::Text(row.get("edge")?),
        }))
    }
}
