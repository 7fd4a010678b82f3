//! Rows by the values of one or several columns.

use std::collections::HashMap;

use flyball_core::{Column, Error, Result, Table, TextColumn};
use flyball_stats::fairness::cross;

/// More groups than this cannot be compared in a way that a person reads.
pub const GROUPS: usize = 2000;
/// What a row without a value belongs to.
const MISSING: &str = "(missing)";

/// A group for each row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grouping {
    /// The columns that are crossed.
    pub columns: Vec<String>,
    /// The groups: the values of the columns, joined by commas; ascending.
    pub names: Vec<String>,
    /// For each row the position of its group.
    pub codes: Vec<u32>,
}

impl Grouping {
    /// Groups rows by the combinations of values that occur.
    ///
    /// # Errors
    /// `NotFound` for an unknown column, `InvalidInput` without a column or for more than [`GROUPS`] groups.
    pub fn of(rows: &Table, columns: &[String]) -> Result<Self> {
        let named = columns.iter().map(|name| Ok(levels(rows.column(name)?))).collect::<Result<Vec<_>>>()?;
        let codes: Vec<&[u32]> = named.iter().map(|(codes, _)| codes.as_slice()).collect();
        let crossing = cross(&codes).ok_or_else(|| Error::invalid("a grouping needs a column"))?;
        if crossing.groups.len() > GROUPS {
            let found = crossing.groups.len();
            let message =
                format!("by {} there are {found} groups; at most {GROUPS} can be compared", columns.join(", "));
            return Err(
                Error::invalid(message).hint("compare by columns with fewer values, or make coarser ones in the SQL")
            );
        }
        let name = |codes: &Vec<u32>| {
            let values = codes.iter().zip(&named).map(|(code, (_, levels))| levels[*code as usize].as_str());
            values.collect::<Vec<&str>>().join(", ")
        };
        let mut sorted: Vec<(String, u32)> = crossing.groups.iter().map(name).zip(0..).collect();
        sorted.sort();
        let mut place = vec![0; sorted.len()];
        for (position, (_, code)) in (0..).zip(&sorted) {
            place[*code as usize] = position;
        }
        Ok(Self {
            columns: columns.to_vec(),
            names: sorted.into_iter().map(|(name, _)| name).collect(),
            codes: crossing.codes.iter().map(|code| place[*code as usize]).collect(),
        })
    }

    /// The rows of each group, in their order.
    pub fn members(&self) -> Vec<Vec<usize>> {
        let mut members = vec![Vec::new(); self.names.len()];
        for (row, code) in self.codes.iter().enumerate() {
            members[*code as usize].push(row);
        }
        members
    }
}

/// A code for each row, and the text of each code.
fn levels(column: &Column) -> (Vec<u32>, Vec<String>) {
    if let Column::Text(TextColumn { codes, levels }) = column {
        // Whatever code a missing text has, it is beyond the levels.
        let missing = levels.len() as u32;
        let mut names: Vec<String> = levels.iter().map(|level| level.to_string()).collect();
        names.push(MISSING.to_owned());
        return (codes.iter().map(|code| (*code).min(missing)).collect(), names);
    }
    let mut names: Vec<String> = Vec::new();
    let mut seen: HashMap<u64, u32> = HashMap::new();
    let code = |row: usize| {
        // Equal numbers have equal bits, but for the two zeros, and a missing one is always the same NaN here.
        let number = column.number(row);
        let bits = if number.is_nan() { f64::NAN.to_bits() } else { (number + 0.0).to_bits() };
        *seen.entry(bits).or_insert_with(|| {
            names.push(column.value(row).text().unwrap_or_else(|| MISSING.to_owned()));
            names.len() as u32 - 1
        })
    };
    let codes = (0..column.len()).map(code).collect();
    (codes, names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let origin = TextColumn::from_texts([Some("JFK"), Some("EWR"), None, Some("JFK"), Some("EWR")]);
        let age = Column::Float(vec![1.0, 0.0, f64::NAN, 1.0, -0.0]);
        Table::new(vec![("origin".into(), Column::Text(origin)), ("age".into(), age)]).unwrap()
    }

    #[test]
    fn groups_are_the_values_that_occur_in_order() {
        let by =
            |names: &[&str]| Grouping::of(&table(), &names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        let one = by(&["origin"]).unwrap();
        assert_eq!((one.names.join("|"), one.codes.clone()), ("(missing)|EWR|JFK".to_owned(), vec![2, 1, 0, 2, 1]));
        assert_eq!(one.members(), [vec![2], vec![1, 4], vec![0, 3]]);
        let crossed = by(&["origin", "age"]).unwrap();
        assert_eq!(crossed.names, ["(missing), (missing)", "EWR, 0", "JFK, 1"]);
        assert_eq!(crossed.codes, [2, 1, 0, 2, 1]);
        assert!(by(&["nobody"]).is_err() && by(&[]).is_err());
    }

    #[test]
    fn too_many_groups_are_refused_with_a_way_out() {
        let ids = Column::Int((0..=GROUPS as i64).collect());
        let table = Table::new(vec![("id".into(), ids)]).unwrap();
        let error = Grouping::of(&table, &["id".to_owned()]).unwrap_err();
        assert!(error.to_string().contains("2001 groups") && error.next_step().is_some(), "{error}");
    }
}
