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

/// Up to so many possible combinations are looked up in a table of four bytes each (4 MiB), beyond by hash.
const DENSE: u64 = 1 << 20;

/// Crosses the codes of several columns. `None` without columns, or when their lengths differ.
pub fn cross(columns: &[&[u32]]) -> Option<Crossing> {
    let rows = columns.first()?.len();
    if columns.iter().any(|column| column.len() != rows) {
        return None;
    }
    let mut crossing = Crossing { codes: vec![0; rows], groups: vec![Vec::new()] };
    // One column at a time, so that a key is always a pair.
    for column in columns {
        let width = u64::from(column.iter().copied().max().unwrap_or(0)) + 1;
        let mut places = Places::new(crossing.groups.len() as u64 * width);
        let mut joined: Vec<Vec<u32>> = Vec::new();
        for (code, &own) in crossing.codes.iter_mut().zip(*column) {
            let place = places.of(u64::from(*code) * width + u64::from(own));
            if *place == UNSEEN {
                *place = joined.len() as u32;
                joined.push([crossing.groups[*code as usize].as_slice(), &[own]].concat());
            }
            *code = *place;
        }
        crossing.groups = joined;
    }
    Some(crossing)
}

/// The place of a key that was not met yet.
const UNSEEN: u32 = u32::MAX;

/// Where the combinations stand in the list of groups.
enum Places {
    Dense(Vec<u32>),
    Sparse(HashMap<u64, u32>),
}

impl Places {
    fn new(keys: u64) -> Self {
        if keys <= DENSE { Self::Dense(vec![UNSEEN; keys as usize]) } else { Self::Sparse(HashMap::new()) }
    }

    fn of(&mut self, key: u64) -> &mut u32 {
        match self {
            Self::Dense(places) => &mut places[key as usize],
            Self::Sparse(places) => places.entry(key).or_insert(UNSEEN),
        }
    }
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
        let far = cross(&[&[u32::MAX, 0, u32::MAX], &[1, 1, 1]]).unwrap();
        assert_eq!((far.codes, far.groups.len()), (vec![0, 1, 0], 2));
    }
}
