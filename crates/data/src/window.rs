//! Slices of a table by time, and the classes of a label.

use flyball_core::{Column, Error, ErrorCode, Result, Table, Timestamp};

/// The rows whose `time_column` lies in `from..to` (the end excluded), in the table's order; rows without a time are in
/// no window. A column that does not exist or is not a time is an error.
pub fn rows_in(table: &Table, time_column: &str, from: Timestamp, to: Timestamp) -> Result<Vec<usize>> {
    match table.column(time_column)? {
        Column::Time(times) => Ok((0..times.len())
            .filter(|&row| (from.0..to.0).contains(&times[row]) && !is_missing(times[row]))
            .collect()),
        other => Err(Error::new(
            ErrorCode::InvalidData,
            format!("the column '{time_column}' is {} and not a time", other.kind().as_str()),
        )
        .hint("turn it into a timestamp in the dataset's SQL")),
    }
}

fn is_missing(time: i64) -> bool {
    time == flyball_core::table::MISSING_INT
}

/// The distinct values of a column as text, sorted: numbers and times by size, text by its bytes, false before true.
/// Missing values are no class.
pub fn classes(table: &Table, column: &str) -> Result<Vec<String>> {
    let column = table.column(column)?;
    Ok(match column {
        Column::Text(text) => {
            let mut used = vec![false; text.levels.len()];
            text.codes.iter().for_each(|&code| used.iter_mut().skip(code as usize).take(1).for_each(|u| *u = true));
            let mut classes: Vec<String> =
                text.levels.iter().zip(used).filter(|(_, used)| *used).map(|(level, _)| level.to_string()).collect();
            classes.sort_unstable();
            classes
        }
        numbers => {
            let mut rows: Vec<usize> = (0..numbers.len()).filter(|&row| !numbers.is_missing(row)).collect();
            rows.sort_by(|&a, &b| numbers.number(a).total_cmp(&numbers.number(b)));
            rows.dedup_by(|a, b| numbers.value(*a) == numbers.value(*b));
            rows.into_iter().filter_map(|row| numbers.value(row).text()).collect()
        }
    })
}

#[cfg(test)]
mod tests {
    use flyball_core::TextColumn;
    use flyball_core::table::MISSING_INT;

    use super::*;

    #[test]
    fn a_window_holds_its_beginning_and_not_its_end() {
        let table = Table::new(vec![("at".into(), Column::Time(vec![10, 20, MISSING_INT, 30, 15]))]).unwrap();
        assert_eq!(rows_in(&table, "at", Timestamp(10), Timestamp(20)).unwrap(), [0, 4]);
        assert_eq!(rows_in(&table, "at", Timestamp(i64::MIN), Timestamp(i64::MAX)).unwrap(), [0, 1, 3, 4]);
        assert!(rows_in(&table, "when", Timestamp(0), Timestamp(1)).is_err());
    }

    #[test]
    fn classes_are_sorted_and_only_those_in_use() {
        let text = TextColumn::from_texts([Some("no"), None, Some("maybe"), Some("no")]);
        let taken = Column::Text(text).take(&[0, 1, 3]);
        let table = Table::new(vec![("late".into(), taken), ("n".into(), Column::Int(vec![10, 9, 10]))]).unwrap();
        assert_eq!(classes(&table, "late").unwrap(), ["no"]);
        assert_eq!(classes(&table, "n").unwrap(), ["9", "10"]);
    }
}
