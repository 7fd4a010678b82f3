//! Curves: a table of values that every browser shows, which the `x-chart` island turns into a drawing.

use askama::Template;
use askama::filters::HtmlSafe;
use serde::Serialize;

use crate::{filters, format};

/// How many rows the table below a chart has at most; the island fetches the rest.
const TABLE_ROWS: usize = 60;

/// The values of a chart. As JSON it is what the address in [`Chart::src`] answers; NaN becomes `null`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ChartData {
    /// What the horizontal axis is (`month`, `iteration`, `window`).
    pub x_label: String,
    /// The positions: numbers, or milliseconds since 1970 if `x_time`. With `labels` they are ignored.
    pub x: Vec<f64>,
    /// Whether the positions are moments.
    pub x_time: bool,
    /// Names of the positions, for categories; else empty.
    pub labels: Vec<String>,
    /// The curves, at most 500 points each.
    pub series: Vec<Series>,
}

/// One curve; every list is as long as the chart has positions, or empty.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Series {
    /// Its name.
    pub name: String,
    /// Its values; NaN where there is none.
    pub values: Vec<f64>,
    /// The lower ends of the confidence intervals.
    pub low: Vec<f64>,
    /// Their upper ends.
    pub high: Vec<f64>,
}

impl Series {
    /// A curve without intervals.
    pub fn new(name: impl Into<String>, values: Vec<f64>) -> Self {
        Self { name: name.into(), values, ..Self::default() }
    }

    fn cell(&self, at: usize) -> Cell {
        let get = |list: &[f64]| list.get(at).copied().filter(|value| value.is_finite());
        Cell { value: get(&self.values), low: get(&self.low), high: get(&self.high) }
    }
}

/// A chart on a page.
#[derive(Clone, Debug, Default, Serialize, Template)]
#[template(path = "parts/chart.html")]
pub struct Chart {
    /// What it shows, as its caption.
    pub title: String,
    /// An address below `/api/` that answers a [`ChartData`]; empty if the page's values are all there is.
    pub src: String,
    /// The server-sent event at which the values are fetched again; empty for never.
    pub refresh: String,
    /// The values as of now.
    pub data: ChartData,
}

/// A value of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    pub(crate) value: Option<f64>,
    pub(crate) low: Option<f64>,
    pub(crate) high: Option<f64>,
}

impl HtmlSafe for Chart {}

impl Chart {
    /// Whether there is nothing to draw and nothing to wait for.
    pub fn is_empty(&self) -> bool {
        self.data.len() == 0 && self.refresh.is_empty()
    }
}

impl ChartData {
    /// A chart over named positions.
    pub fn by_label(x_label: impl Into<String>, labels: Vec<String>, series: Vec<Series>) -> Self {
        Self { x_label: x_label.into(), labels, series, ..Self::default() }
    }

    /// A chart over numbers.
    pub fn by_number(x_label: impl Into<String>, x: Vec<f64>, series: Vec<Series>) -> Self {
        Self { x_label: x_label.into(), x, series, ..Self::default() }
    }

    /// How many positions.
    pub(crate) fn len(&self) -> usize {
        if self.labels.is_empty() { self.x.len() } else { self.labels.len() }
    }

    /// Whether the table leaves positions out.
    pub(crate) fn is_sampled(&self) -> bool {
        self.len() > TABLE_ROWS
    }

    /// The rows of the table: the number and name of a position, and its values.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (f64, String, Vec<Cell>)> {
        let step = self.len().div_ceil(TABLE_ROWS).max(1);
        (0..self.len()).step_by(step).map(|at| {
            let x = self.x.get(at).copied().filter(|x| x.is_finite()).unwrap_or(at as f64);
            let name = match self.labels.get(at) {
                Some(label) => format::clip(label, 60),
                None if self.x_time => format::minute(flyball_core::Timestamp(x as i64)),
                None => format::number(x),
            };
            (x, name, self.series.iter().map(|series| series.cell(at)).collect())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_a_long_curve_is_sampled() {
        let long = ChartData::by_number("step", (0..500).map(f64::from).collect(), vec![]);
        assert!(long.is_sampled());
        let rows: Vec<_> = long.rows().collect();
        assert!(rows.len() <= TABLE_ROWS && rows[0].0 == 0.0, "{}", rows.len());
    }

    #[test]
    fn missing_values_stay_missing() {
        let data =
            ChartData::by_label("month", vec!["Jan".into(), "Feb".into()], vec![Series::new("a", vec![f64::NAN])]);
        assert!(data.rows().all(|(_, _, cells)| cells[0].value.is_none()));
        assert!(serde_json::to_string(&data).unwrap().contains("\"values\":[null]"));
    }
}
