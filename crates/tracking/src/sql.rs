//! Small helps for SQL texts.

use std::fmt::Write;

use flyball_store::{DatabaseKind, Param};

/// `$first, …` for a list of values, padded to a power of two with its last value: so a statement has few texts, all of
/// which stay prepared.
pub(crate) fn list(first: usize, values: &[Param], params: &mut Vec<Param>) -> String {
    let mut text = String::new();
    let count = values.len().next_power_of_two();
    for place in 0..count {
        let comma = if place == 0 { "" } else { ", " };
        let _infallible = write!(text, "{comma}${}", first + place);
        params.extend(values.get(place).or(values.last()).cloned());
    }
    text
}

/// The test that a column holds one of some numbers, which are one parameter, `$place`: however many there are, the
/// statement stays the same and is prepared once.
pub(crate) fn among(kind: DatabaseKind, column: &str, place: usize, numbers: &[i64]) -> (String, Param) {
    let list = numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
    match kind {
        DatabaseKind::Sqlite => {
            (format!("{column} IN (SELECT value FROM json_each(${place}))"), format!("[{list}]").into())
        }
        DatabaseKind::Postgres => {
            (format!("{column} = ANY (CAST(CAST(${place} AS TEXT) AS BIGINT[]))"), format!("{{{list}}}").into())
        }
    }
}

/// Most values of one list: far under what a statement may hold, and enough to make statements rare.
pub(crate) const LIST: usize = 1_024;
