//! Changed copies of rows: noise, gaps, other units, unknown categories, typing errors.

use flyball_core::rng::Rng;
use flyball_core::{Column, Result, Table, TextColumn};

/// At most so many rows, drawn at random, in their order.
pub(super) fn sample(table: &Table, most: usize, rng: &mut Rng) -> Table {
    let mut rows: Vec<usize> = (0..table.rows()).collect();
    if rows.len() > most {
        rng.shuffle(&mut rows);
        rows.truncate(most);
        rows.sort_unstable();
    }
    table.take(&rows)
}

/// The table with another column in place of one.
pub(super) fn with(table: &Table, name: &str, column: Column) -> Result<Table> {
    let mut column = Some(column);
    let swap = |(own, old): (&str, &Column)| {
        let new = if own == name { column.take() } else { None };
        (own.to_owned(), new.unwrap_or_else(|| old.clone()))
    };
    Table::new(table.columns().map(swap).collect())
}

/// The numbers of a column changed, in its own type where it can hold them. Whole numbers are rounded and kept in
/// range.
pub(super) fn map(column: &Column, mut change: impl FnMut(usize, f64) -> f64) -> Column {
    let rows = 0..column.len();
    let mut number = |row: usize| change(row, column.number(row));
    match column {
        Column::Float(_) => Column::Float(rows.map(number).collect()),
        Column::Int(_) => Column::Int(rows.map(|row| whole(number(row))).collect()),
        Column::Time(_) => Column::Time(rows.map(|row| whole(number(row))).collect()),
        Column::Bool(_) => {
            let of =
                |value: f64| if value.is_nan() { flyball_core::table::MISSING_BOOL } else { u8::from(value > 0.5) };
            Column::Bool(rows.map(|row| of(number(row))).collect())
        }
        Column::Text(_) => column.clone(),
    }
}

/// A whole number, missing for NaN; the cast keeps what is too large at the ends of the range.
fn whole(value: f64) -> i64 {
    if value.is_nan() { flyball_core::table::MISSING_INT } else { (value.round() as i64).max(i64::MIN + 1) }
}

/// The column with the chosen rows missing.
pub(super) fn gaps(column: &Column, mut missing: impl FnMut() -> bool) -> Column {
    match column {
        Column::Text(texts) => {
            let code = |code: &u32| if missing() { flyball_core::table::MISSING_CODE } else { *code };
            Column::Text(TextColumn { codes: texts.codes.iter().map(code).collect(), levels: texts.levels.clone() })
        }
        numbers => map(numbers, |_, value| if missing() { f64::NAN } else { value }),
    }
}

/// The texts of a column changed; missing ones stay missing.
pub(super) fn retext(column: &Column, mut change: impl FnMut(&str) -> String) -> Column {
    let text = |row| column.value(row).text();
    let texts: Vec<Option<String>> = (0..column.len()).map(|row| text(row).map(|text| change(&text))).collect();
    Column::Text(TextColumn::from_texts(texts.iter().map(Option::as_deref)))
}

/// A number of the standard normal distribution (Box and Muller 1958).
pub(super) fn normal(rng: &mut Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.unit()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.unit()).cos()
}

/// A text with one typing error: two letters swapped, one left out, one doubled, or another case.
pub(super) fn typo(text: &str, rng: &mut Rng) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    if letters.len() < 2 {
        return text.to_owned();
    }
    let at = rng.below(letters.len() - 1);
    match rng.below(4) {
        0 => letters.swap(at, at + 1),
        1 => drop(letters.remove(at)),
        2 => letters.insert(at, letters[at]),
        _ => return if text == text.to_uppercase() { text.to_lowercase() } else { text.to_uppercase() },
    }
    letters.into_iter().collect()
}
