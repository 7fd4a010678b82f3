//! Which rows a training learns from, and which are held out to judge it.

use std::collections::BTreeMap;

use flyball_core::{Column, Digest, Duration, Error, ErrorCode, Result, Table, Task, Timestamp};

/// How the rows of a training are chosen.
#[derive(Clone, Debug)]
pub struct SplitPlan<'a> {
    /// The task.
    pub task: Task,
    /// The column to predict.
    pub label: &'a str,
    /// The column of event times; without one the rows' order stands for time and `window` is not used.
    pub time: Option<&'a str>,
    /// The column that names a row.
    pub key: Option<&'a str>,
    /// Rows whose event is not older than this before `end`; all when `None`.
    pub window: Option<Duration>,
    /// The newest part is held out.
    pub holdout: Holdout,
    /// Only rows whose event is before this moment exist for the training.
    pub end: Timestamp,
}

/// How much of the newest rows is held out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Holdout {
    /// The rows of the last so much event time.
    Span(Duration),
    /// This share of the rows (0 to 1).
    Share(f64),
}

/// The rows of a training.
#[derive(Clone, Debug)]
pub struct TrainingSet {
    /// All rows, oldest first: those to learn from, then those to judge with.
    pub all: Table,
    /// How many rows are there to learn from.
    pub cut: usize,
    /// The event times: from (inclusive) and to (exclusive).
    pub window: Option<(Timestamp, Timestamp)>,
    /// The digest of the keys of all rows, in order.
    pub rows_digest: Digest,
}

impl TrainingSet {
    /// The rows to learn from. Each call makes them anew: they are as large as the data and not needed for long.
    pub fn learn(&self) -> Table {
        self.all.take(&(0..self.cut).collect::<Vec<_>>())
    }

    /// The rows to judge with.
    pub fn holdout(&self) -> Table {
        self.all.take(&(self.cut..self.all.rows()).collect::<Vec<_>>())
    }
}

/// Chooses the rows: labelled, inside the window, oldest first; the newest are held out. An empty part is
/// `EmptyWindow`; a part that lacks a class is `ClassVanished`.
pub fn split(table: &Table, plan: &SplitPlan<'_>) -> Result<TrainingSet> {
    let label = table.column(plan.label)?;
    let times = plan.time.map(|name| event_times(table, name)).transpose()?;
    let end = plan.end;
    let from = plan.window.map(|span| end - span);
    let inside = |row: usize| {
        let Some(times) = &times else { return true };
        let at = times[row];
        at != flyball_core::table::MISSING_INT && at < end.0 && from.is_none_or(|from| at >= from.0)
    };
    let mut rows: Vec<usize> = (0..table.rows()).filter(|&row| !label.is_missing(row) && inside(row)).collect();
    if let Some(times) = &times {
        rows.sort_by_key(|&row| (times[row], row));
    }
    if rows.is_empty() {
        return Err(empty(table, plan, from));
    }
    let cut = match (plan.holdout, &times) {
        (Holdout::Span(span), Some(times)) => rows.partition_point(|&row| times[row] < (end - span).0),
        (Holdout::Share(share), _) => ((1.0 - share) * rows.len() as f64).round() as usize,
        (Holdout::Span(_), None) => {
            return Err(Error::invalid("a holdout in time needs the dataset's `time` column")
                .hint("declare `time:` on the dataset, or give the holdout as a share such as 20%"));
        }
    };
    let (learn, holdout) = rows.split_at(cut.min(rows.len()));
    for (part, name) in [(learn, "training"), (holdout, "holdout")] {
        if part.is_empty() {
            return Err(empty(table, plan, from).context(format!("no {name} rows")));
        }
        if plan.task == Task::Classification {
            both_classes(label, part, name, plan.label)?;
        }
    }
    let window = times.as_ref().map(|times| {
        let first = rows.first().map_or(end.0, |&row| times[row]);
        (from.map_or(Timestamp(first), |from| from), end)
    });
    Ok(TrainingSet {
        all: table.take(&rows),
        cut: learn.len(),
        window,
        rows_digest: digest_of(table, plan.key, &rows)?,
    })
}

/// The moment up to which events exist and have their labels: `now` less the label delay, and never past the newest
/// event of the dataset, so that a window counts back from the data's own end when the data is old.
pub fn training_end(table: &Table, time: Option<&str>, now: Timestamp, label_delay: Duration) -> Result<Timestamp> {
    let known = now - label_delay;
    let Some(name) = time else { return Ok(known) };
    let newest = event_times(table, name)?.into_iter().max().unwrap_or(known.0);
    Ok(known.min(Timestamp(newest.saturating_add(1))))
}

/// The event times of a table in milliseconds; an error when the column is not of times.
pub fn event_times(table: &Table, name: &str) -> Result<Vec<i64>> {
    match table.column(name)? {
        Column::Time(times) => Ok(times.clone()),
        other => Err(Error::new(
            ErrorCode::InvalidData,
            format!("the time column '{name}' holds {} values, not times", other.kind().as_str()),
        )
        .hint("cast it in the SQL, for example to_timestamp(...)")),
    }
}

fn empty(table: &Table, plan: &SplitPlan<'_>, from: Option<Timestamp>) -> Error {
    let span = match from {
        Some(from) => format!("no labelled row has its event between {from} and {}", plan.end),
        None => format!("no labelled row has its event before {}", plan.end),
    };
    let newest = plan.time.and_then(|name| event_times(table, name).ok()).and_then(|times| {
        let known = times.into_iter().filter(|&t| t != flyball_core::table::MISSING_INT);
        Some((known.clone().min()?, known.max()?))
    });
    let hint = match newest {
        Some((first, last)) => {
            format!("the dataset's events reach from {} to {}; widen train.window", Timestamp(first), Timestamp(last))
        }
        None => "check that the label column has values".to_owned(),
    };
    Error::new(ErrorCode::EmptyWindow, span).hint(hint)
}

fn both_classes(label: &Column, rows: &[usize], part: &str, name: &str) -> Result<()> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for &row in rows {
        *counts.entry(label.value(row).text().unwrap_or_default()).or_default() += 1;
        if counts.len() > 1 {
            return Ok(());
        }
    }
    let only = counts.keys().next().cloned().unwrap_or_default();
    Err(Error::new(
        ErrorCode::ClassVanished,
        format!("all {} {part} rows have {name} = {only}; a class has vanished", rows.len()),
    )
    .hint("check the label's definition in the SQL, or widen train.window"))
}

fn digest_of(table: &Table, key: Option<&str>, rows: &[usize]) -> Result<Digest> {
    let keys: Vec<String> = match key {
        Some(name) => {
            let column = table.column(name)?;
            rows.iter().map(|&row| column.value(row).text().unwrap_or_default()).collect()
        }
        None => rows.iter().map(usize::to_string).collect(),
    };
    Ok(Digest::of_parts(keys.iter().map(String::as_bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(days: &[i64], late: &[u8]) -> Table {
        Table::new(vec![
            ("at".into(), Column::Time(days.iter().map(|d| d * 86_400_000).collect())),
            ("late".into(), Column::Bool(late.to_vec())),
        ])
        .unwrap()
    }

    fn plan(end_day: i64, window: i64, holdout: i64) -> SplitPlan<'static> {
        SplitPlan {
            task: Task::Classification,
            label: "late",
            time: Some("at"),
            key: None,
            window: Some(Duration::days(window)),
            holdout: Holdout::Span(Duration::days(holdout)),
            end: Timestamp(end_day * 86_400_000),
        }
    }

    #[test]
    fn the_newest_labelled_rows_are_held_out() {
        let table = table(&[9, 1, 2, 3, 4, 5, 6, 7, 8], &[2, 0, 1, 0, 1, 0, 1, 0, 1]);
        let set = split(&table, &plan(9, 6, 2)).unwrap();
        assert_eq!((set.learn().rows(), set.holdout().rows()), (4, 2));
        assert_eq!(set.window, Some((Timestamp(3 * 86_400_000), Timestamp(9 * 86_400_000))));
    }

    #[test]
    fn empty_windows_and_vanished_classes_say_so() {
        let data = table(&[1, 2, 3, 4], &[0, 0, 0, 1]);
        let error = split(&data, &plan(40, 6, 2)).unwrap_err();
        assert_eq!(error.code(), ErrorCode::EmptyWindow);
        assert!(error.next_step().unwrap().contains("1970-01-05"), "{error:?}");
        let error = split(&data, &plan(5, 6, 1)).unwrap_err();
        assert_eq!(error.code(), ErrorCode::ClassVanished);
        assert!(error.message().contains("late = false"), "{error:?}");
    }

    #[test]
    fn old_data_counts_back_from_its_own_end() {
        let data = table(&[1, 2, 3, 4], &[0, 1, 0, 1]);
        let now = Timestamp(1_000 * 86_400_000);
        let end = training_end(&data, Some("at"), now, Duration::days(1)).unwrap();
        assert_eq!(end, Timestamp(4 * 86_400_000 + 1));
    }
}
