//! The groups of one column: its values, or ranges of its numbers.

use flyball_core::{Column, Error, Kind, Result, Table, Timestamp};

use crate::grouping::Grouping;

/// A column with more groups than this is not sliced.
pub const SLICE_GROUPS: usize = 200;
/// Numbers with more distinct values than this are sliced by ranges: each value alone would have few rows.
const NUMBERS: usize = 20;
/// Ranges of a column of numbers, each with as many rows as the others.
const RANGES: usize = 5;
/// Significant digits of the ends of ranges: enough to tell them apart, few enough to read.
const DIGITS: i32 = 3;
/// What a row without a number belongs to.
const MISSING: &str = "(missing)";

/// The groups of a column: ranges with equal numbers of rows for a column of many numbers, else its values.
///
/// # Errors
/// `NotFound` for an unknown column; `InvalidInput` for more than [`SLICE_GROUPS`] groups.
pub fn groups_of(rows: &Table, name: &str) -> Result<Grouping> {
    let column = rows.column(name)?;
    if matches!(column.kind(), Kind::Float | Kind::Int | Kind::Time) && distinct(column) > NUMBERS {
        return Ok(ranges(column, name));
    }
    let grouping = Grouping::of(rows, &[name.to_owned()])?;
    if grouping.names.len() > SLICE_GROUPS {
        let message =
            format!("the column '{name}' has {} groups; at most {SLICE_GROUPS} can be compared", grouping.names.len());
        return Err(
            Error::invalid(message).hint("compare by a column with fewer values, or make a coarser one in the SQL")
        );
    }
    Ok(grouping)
}

/// How many different numbers there are, counted up to one more than [`NUMBERS`].
fn distinct(column: &Column) -> usize {
    let mut seen = Vec::with_capacity(NUMBERS + 1);
    for number in (0..column.len()).map(|row| column.number(row)).filter(|number| !number.is_nan()) {
        if !seen.contains(&number) {
            seen.push(number);
            if seen.len() > NUMBERS {
                break;
            }
        }
    }
    seen.len()
}

/// Ranges between quantiles, closed below; the rows without a number come last.
fn ranges(column: &Column, name: &str) -> Grouping {
    let numbers = column.numbers();
    let mut sorted: Vec<f64> = numbers.iter().copied().filter(|number| !number.is_nan()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let cut = |range: usize| {
        let cut = sorted[sorted.len() * range / RANGES];
        if column.kind() == Kind::Time { cut } else { rounded(cut) }
    };
    let mut cuts: Vec<f64> =
        (1..RANGES).map(cut).filter(|cut| sorted.first().is_some_and(|least| least < cut)).collect();
    cuts.dedup();
    let shown = |cut: f64| match column.kind() {
        Kind::Time => Timestamp(cut as i64).to_string(),
        _ => cut.to_string(),
    };
    let mut names: Vec<String> =
        cuts.windows(2).map(|ends| format!("{} to {}", shown(ends[0]), shown(ends[1]))).collect();
    if let (Some(&first), Some(&last)) = (cuts.first(), cuts.last()) {
        names.insert(0, format!("below {}", shown(first)));
        names.push(format!("{} and above", shown(last)));
    } else {
        names.push("any number".to_owned());
    }
    let missing = names.len() as u32;
    let code = |number: &f64| {
        if number.is_nan() { missing } else { cuts.partition_point(|cut| cut <= number) as u32 }
    };
    let codes: Vec<u32> = numbers.iter().map(code).collect();
    if codes.contains(&missing) {
        names.push(MISSING.to_owned());
    }
    Grouping { columns: vec![name.to_owned()], names, codes }
}

/// A number with few digits, near the given one.
fn rounded(number: f64) -> f64 {
    if number == 0.0 || !number.is_finite() {
        return number;
    }
    let places = DIGITS - 1 - number.abs().log10().floor() as i32;
    let text = format!("{number:.*}", places.max(0) as usize);
    let fine = text.parse().unwrap_or(number);
    if places >= 0 { fine } else { (number / 10_f64.powi(-places)).round() * 10_f64.powi(-places) }
}

#[cfg(test)]
mod tests {
    use flyball_core::TextColumn;

    use super::*;

    #[test]
    fn many_numbers_become_ranges_of_equal_weight() {
        let distance: Vec<f64> = (0..1000).map(|row| if row == 7 { f64::NAN } else { f64::from(row) * 2.5 }).collect();
        let table = Table::new(vec![("distance".into(), Column::Float(distance))]).unwrap();
        let groups = groups_of(&table, "distance").unwrap();
        assert_eq!(
            groups.names,
            ["below 500", "500 to 1000", "1000 to 1500", "1500 to 2000", "2000 and above", "(missing)"]
        );
        let sizes: Vec<usize> = groups.members().iter().map(Vec::len).collect();
        assert!(sizes[..5].iter().all(|&size| (190..=210).contains(&size)) && sizes[5] == 1, "{sizes:?}");
    }

    #[test]
    fn few_numbers_and_texts_are_groups_of_their_own_and_one_value_has_one_range() {
        let hours = Column::Int((0..100).map(|row| row % 3).collect());
        let mostly_zero = Column::Float((0..100).map(|row| if row < 75 { 0.0 } else { f64::from(row) }).collect());
        let table = Table::new(vec![("hour".into(), hours), ("delay".into(), mostly_zero)]).unwrap();
        assert_eq!(groups_of(&table, "hour").unwrap().names, ["0", "1", "2"]);
        assert_eq!(groups_of(&table, "delay").unwrap().names, ["below 80", "80 and above"]);
        assert!(groups_of(&table, "nobody").is_err());
    }

    #[test]
    fn too_many_values_are_refused_with_a_way_out() {
        let texts: Vec<String> = (0..=SLICE_GROUPS).map(|id| id.to_string()).collect();
        let ids = TextColumn::from_texts(texts.iter().map(|text| Some(text.as_str())));
        let table = Table::new(vec![("id".into(), Column::Text(ids))]).unwrap();
        let error = groups_of(&table, "id").unwrap_err();
        assert!(error.to_string().contains("201 groups") && error.next_step().is_some(), "{error}");
    }

    #[test]
    fn numbers_are_rounded_to_what_is_read() {
        for (number, short) in [(0.123_456, 0.123), (98_765.0, 98_800.0), (-2.0, -2.0), (0.0, 0.0), (1e-7, 1e-7)] {
            assert!((rounded(number) - short).abs() <= 1e-12 * short.abs(), "{number}");
        }
    }
}
