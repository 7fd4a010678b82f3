//! Asks a model of either kind for scores, within its time.

use std::time::Duration;

use flyball_core::model::Loaded;
use flyball_core::{Clock, Error, ErrorCode, Predictions, Result, Table};
use flyball_serving::{columns, headline};

use crate::platform::Platform;

/// Rows that a model of tensors is given at once: enough to be fast, few enough for the memory of networks.
const TENSOR_ROWS: usize = 1_024;

/// A model that is asked again and again.
pub(super) struct Asked<'a> {
    pub(super) model: &'a Loaded,
    clock: &'a dyn Clock,
    until: u64,
    /// The columns that it is asked with, for models that do not name their features.
    names: Vec<String>,
}

impl<'a> Asked<'a> {
    /// A model that may take so long altogether for rows like these.
    pub(super) fn new(platform: &'a Platform, model: &'a Loaded, rows: &Table, within: Duration) -> Self {
        let clock = &*platform.clock;
        let nanos = u64::try_from(within.as_nanos()).unwrap_or(u64::MAX);
        let until = clock.monotonic_nanos().saturating_add(nanos);
        Self { model, clock, until, names: rows.names().to_vec() }
    }

    /// The names of the classes; empty for regression, and for tensors, which do not say.
    pub(super) fn classes(&self) -> &[String] {
        match self.model {
            Loaded::Rows(model) => &model.signature().classes,
            Loaded::Tensors(_) => &[],
        }
    }

    /// The position of a class. Models of tensors do not name theirs; they are counted from 0.
    ///
    /// # Errors
    /// `InvalidInput` that lists the classes.
    pub(super) fn class(&self, name: &str) -> Result<usize> {
        let unknown = |hint: String| Error::invalid(format!("there is no class '{name}'")).hint(hint);
        if matches!(self.model, Loaded::Tensors(_)) {
            return name.parse().map_err(|_| unknown("the model names no classes: give the place of one".to_owned()));
        }
        let classes = self.classes();
        classes.iter().position(|class| class == name).ok_or_else(|| match classes {
            [] => unknown("the model predicts a number: leave the class out".to_owned()),
            _ => unknown(format!("the classes are: {}", classes.join(", "))),
        })
    }

    /// The time that is left.
    ///
    /// # Errors
    /// `DeadlineExceeded` when there is none.
    pub(super) fn left(&self) -> Result<Duration> {
        let left = self.until.saturating_sub(self.clock.monotonic_nanos());
        if left == 0 {
            return Err(Error::new(
                ErrorCode::DeadlineExceeded,
                "the explanation takes longer than the endpoint's time",
            )
            .hint("send fewer rows, lower budget or max_rows, or raise timeout_ms of the endpoint"));
        }
        Ok(Duration::from_nanos(left))
    }

    /// The model's scores for rows with the columns that it is asked with.
    ///
    /// # Errors
    /// `DeadlineExceeded`, `InvalidData` when a model of tensors gives no numbers a row, and what the model fails with.
    pub(super) fn scores(&self, rows: &Table) -> Result<Predictions> {
        self.left()?;
        let model = match self.model {
            Loaded::Rows(model) => return model.predict(rows),
            Loaded::Tensors(model) => model,
        };
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let rows = rows.select(&names)?;
        let mut all = Predictions::default();
        for start in (0..rows.rows()).step_by(TENSOR_ROWS) {
            let some: Vec<usize> = (start..rows.rows().min(start + TENSOR_ROWS)).collect();
            let inputs = columns::tensors(model.signature(), &rows.take(&some))?;
            model.signature().check(&inputs)?;
            let outputs = model.run(&inputs, None, self.left()?)?;
            let numbers = headline(&outputs, 0).filter(|output| output.rows() == some.len());
            let numbers = numbers.ok_or_else(|| {
                Error::new(
                    ErrorCode::InvalidData,
                    "the model gives no numbers for each row, so that nothing is explained",
                )
            })?;
            all.width = numbers.row_len();
            all.scores.extend((0..some.len() * all.width).map(|at| numbers.number(at)));
        }
        Ok(all)
    }

    /// The score of one class for each row: of the last one where `class` is `None`.
    ///
    /// # Errors
    /// As [`Self::scores`]; `InvalidInput` for a class that is not there, `InvalidData` for a score that is no number.
    pub(super) fn score(&self, rows: &Table, class: Option<usize>) -> Result<Vec<f64>> {
        let predictions = self.scores(rows)?;
        let place = class.unwrap_or(predictions.width.saturating_sub(1));
        if place >= predictions.width {
            return Err(Error::invalid(format!("there is no class {place}"))
                .hint(format!("the model gives {} scores, counted from 0", predictions.width)));
        }
        let scores: Vec<f64> = predictions.scores.chunks_exact(predictions.width).map(|row| row[place]).collect();
        if scores.iter().any(|score| !score.is_finite()) {
            return Err(Error::new(ErrorCode::InvalidData, "the model answers a mixture of known rows with no number")
                .hint("give background rows that it can answer"));
        }
        Ok(scores)
    }
}
