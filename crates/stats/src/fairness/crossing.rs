//! Groups by several columns at once.

use std::collections::HashMap;

/// The combinations of several groupings that occur.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crossing {
    /// For each row its combination, below `groups.len()`.
    pub codes: Vec<u32>,
    /// For each combination the code in each column, in the order of first appearance.
    pub groups: Vec<Vec<u32>>,
}

/// Crosses the codes of several columns. `None` without columns, or when their lengths differ.
pub fn cross(columns: &[&[u32]]) -> Option<Crossing> {
    let (first, rest) = columns.split_first()?;
    if rest.iter().any(|column| column.len() != first.len()) {
        return None;
    }
    let mut groups: Vec<Vec<u32>> = Vec::new();
    let mut codes: Vec<u32> = vec![0; first.len()];
    let mut seen: HashMap<u32, u32> = HashMap::new();
    for (code, &own) in codes.iter_mut().zip(*first) {
        *code = *seen.entry(own).or_insert_with(|| {
            groups.push(vec![own]);
            groups.len() as u32 - 1
        });
    }
    // One column at a time, so that a key is always a pair.
    for column in rest {
        let mut joined: Vec<Vec<u32>> = Vec::new();
        let mut seen: HashMap<(u32, u32), u32> = HashMap::new();
        for (code, &own) in codes.iter_mut().zip(*column) {
            *code = *seen.entry((*code, own)).or_insert_with(|| {
                joined.push([groups[*code as usize].as_slice(), &[own]].concat());
                joined.len() as u32 - 1
            });
        }
        groups = joined;
    }
    Some(Crossing { codes, groups })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_combinations_that_occur_are_groups() {
        let crossing = cross(&[&[7, 7, 1, 7], &[0, 2, 0, 0], &[5, 5, 5, 5]]).unwrap();
        assert_eq!(crossing.groups, [vec![7, 0, 5], vec![7, 2, 5], vec![1, 0, 5]]);
        assert_eq!(crossing.codes, [0, 1, 2, 0]);
        assert_eq!((cross(&[]), cross(&[&[1], &[]])), (None, None));
        assert_eq!(cross(&[&[]]).unwrap().groups.len(), 0);
    }
}
