//! The label column as numbers.

use flyball_core::{Column, Error, ErrorCode, Result, Table, Task};

/// The label of each row: 0 or 1 for a classifier, the value for a regressor.
pub(crate) struct Target {
    pub(crate) values: Vec<f64>,
    /// The two classes, the positive one second; empty for regression.
    pub(crate) classes: Vec<String>,
}

impl Target {
    /// Reads the label of the training rows.
    pub(crate) fn read(rows: &Table, label: &str, task: Task) -> Result<Self> {
        let column = rows.column(label)?;
        if column.is_empty() {
            return Err(Error::new(ErrorCode::EmptyWindow, "there are no rows to train on")
                .hint("widen the training window, or check that its rows have labels"));
        }
        let classes = match task {
            Task::Regression => Vec::new(),
            Task::Classification => classes(column, label)?,
        };
        let values = values(column, label, &classes)?;
        Ok(Self { values, classes })
    }

    /// Reads the label of other rows with the classes of the training rows.
    pub(crate) fn read_with(rows: &Table, label: &str, classes: &[String]) -> Result<Vec<f64>> {
        values(rows.column(label)?, label, classes)
    }
}

/// The names of the two classes in order: numbers by value, texts by their letters.
fn classes(column: &Column, label: &str) -> Result<Vec<String>> {
    let mut names: Vec<String> = match column {
        Column::Bool(values) => [0, 1].iter().filter(|v| values.contains(v)).map(|v| (*v == 1).to_string()).collect(),
        Column::Text(text) => {
            let mut used: Vec<u32> = text.codes.clone();
            used.sort_unstable();
            used.dedup();
            used.iter().filter_map(|&c| text.levels.get(c as usize)).map(ToString::to_string).collect()
        }
        other => {
            let mut numbers: Vec<f64> = other.numbers().into_iter().filter(|x| !x.is_nan()).collect();
            numbers.sort_unstable_by(f64::total_cmp);
            numbers.dedup();
            numbers.iter().map(ToString::to_string).collect()
        }
    };
    if matches!(column, Column::Text(_)) {
        names.sort_unstable();
    }
    match names.len() {
        2 => Ok(names),
        0 | 1 => Err(Error::new(
            ErrorCode::ClassVanished,
            format!("the label '{label}' has only the class '{}' in the training rows", names.join("")),
        )
        .hint("widen the training window until it holds both classes")),
        count => Err(Error::new(
            ErrorCode::InvalidData,
            format!("the label '{label}' has {count} classes, the built-in trainers learn two"),
        )
        .hint(
            "make it two classes in the SQL, set `task: regression`, or train with `run:` and a library of your own",
        )),
    }
}

fn values(column: &Column, label: &str, classes: &[String]) -> Result<Vec<f64>> {
    let positive = |row: usize| column.value(row).text().and_then(|text| classes.iter().position(|c| *c == text));
    let value = |row: usize| match (column, classes.is_empty()) {
        (Column::Text(_), true) => None,
        (_, true) => Some(column.number(row)).filter(|x| x.is_finite()),
        (_, false) => positive(row).map(|class| class as f64),
    };
    (0..column.len())
        .map(|row| {
            value(row).ok_or_else(|| {
                let found = column.value(row).text().unwrap_or_else(|| "missing".into());
                Error::new(ErrorCode::InvalidData, format!("the label '{label}' of row {row} is {found}"))
                    .hint("leave rows without a usable label out of the training data")
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use flyball_core::TextColumn;

    use super::*;

    fn target(column: Column) -> Result<Target> {
        Target::read(&Table::new(vec![("y".into(), column)]).unwrap(), "y", Task::Classification)
    }

    #[test]
    fn the_second_class_in_order_is_the_positive_one() {
        let text = TextColumn::from_texts([Some("no"), Some("late"), Some("no")]);
        let read = target(Column::Text(text)).unwrap();
        assert_eq!((read.classes, read.values), (vec!["late".into(), "no".into()], vec![1.0, 0.0, 1.0]));
        let read = target(Column::Int(vec![10, 9, 9])).unwrap();
        assert_eq!((read.classes, read.values), (vec!["9".into(), "10".into()], vec![1.0, 0.0, 0.0]));
        let read = target(Column::Bool(vec![0, 1])).unwrap();
        assert_eq!((read.classes, read.values), (vec!["false".into(), "true".into()], vec![0.0, 1.0]));
    }

    #[test]
    fn labels_without_two_classes_are_refused() {
        assert_eq!(target(Column::Bool(vec![1, 1])).err().unwrap().code(), ErrorCode::ClassVanished);
        assert_eq!(target(Column::Int(vec![0, 1, 2])).err().unwrap().code(), ErrorCode::InvalidData);
        assert_eq!(target(Column::Int(vec![])).err().unwrap().code(), ErrorCode::EmptyWindow);
        assert_eq!(target(Column::Float(vec![0.0, 1.0, f64::NAN])).err().unwrap().code(), ErrorCode::InvalidData);
    }
}
