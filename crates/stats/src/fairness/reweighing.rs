//! Reweighing (Kamiran & Calders 2012): weights under which group and label are independent in the training rows.

/// The weight of each combination of group and label, and what they change.
#[derive(Debug, Clone, PartialEq)]
pub struct Reweighing {
    /// For each group the weight of its negative and of its positive rows: rows expected if group and label were
    /// independent over rows found; `None` where there are none. What rows weigh already is multiplied by it.
    pub weights: Vec<[Option<f64>; 2]>,
    /// Share of positives of each group before; `None` without rows.
    pub before: Vec<Option<f64>>,
    /// Share of positives of each group under the weights: that of all rows, unless a group has but one label.
    pub after: Vec<Option<f64>>,
}

impl Reweighing {
    /// The weight of each row.
    pub fn rows(&self, y: &[bool], codes: &[u32]) -> Vec<f64> {
        let of = |(&truth, &code): (&bool, &u32)| self.weights.get(code as usize)?[usize::from(truth)];
        y.iter().zip(codes).map(|row| of(row).unwrap_or(1.0)).collect()
    }
}

/// Finds the weights. `codes` holds an index below `groups` for each row; `own` how much each row counts already, all the
/// same if absent. `None` without rows, if lengths differ, or an index is too high.
pub fn reweigh(y: &[bool], codes: &[u32], groups: usize, own: Option<&[f64]>) -> Option<Reweighing> {
    if y.is_empty() || y.len() != codes.len() || own.is_some_and(|own| own.len() != y.len()) {
        return None;
    }
    let mut counts = vec![[0.0_f64; 2]; groups];
    for (row, (&truth, &code)) in y.iter().zip(codes).enumerate() {
        counts.get_mut(code as usize)?[usize::from(truth)] += own.map_or(1.0, |own| own[row]);
    }
    let rows: f64 = counts.iter().flatten().sum();
    let with_label = [0, 1].map(|label| counts.iter().map(|own| own[label]).sum::<f64>());
    let weigh = |own: &[f64; 2]| {
        let group = own[0] + own[1];
        [0, 1].map(|label| (own[label] > 0.0).then(|| group * with_label[label] / (rows * own[label])))
    };
    let share = |own: [f64; 2]| crate::summary::ratio(own[1], own[0] + own[1]);
    let weights: Vec<[Option<f64>; 2]> = counts.iter().map(weigh).collect();
    let weighted = |(own, weights): (&[f64; 2], &[Option<f64>; 2])| {
        share([0, 1].map(|label| own[label] * weights[label].unwrap_or(0.0)))
    };
    Some(Reweighing {
        before: counts.iter().map(|own| share(*own)).collect(),
        after: counts.iter().zip(&weights).map(weighted).collect(),
        weights,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn group_and_label_are_independent_under_the_weights() {
        let y: Vec<bool> = [[true; 6], [false; 6], [false; 6]].concat();
        let codes: Vec<u32> = [[0; 6], [0, 0, 1, 1, 1, 1], [1; 6]].concat();
        let mut y = y;
        y[9] = true;
        let found = reweigh(&y, &codes, 3, None).unwrap();
        let overall = 7.0 / 18.0;
        assert_eq!(found.before, [Some(0.75), Some(0.1), None]);
        for after in &found.after[..2] {
            assert!((after.unwrap() - overall).abs() < 1e-15, "{found:?}");
        }
        let weights = found.rows(&y, &codes);
        assert!((weights.iter().sum::<f64>() - 18.0).abs() < 1e-12);
        assert_eq!(found.weights[2], [None, None]);
        // A row that counts twice is as two rows.
        let twice: Vec<f64> = (0..18).map(|row| if row == 9 { 2.0 } else { 1.0 }).collect();
        let (longer, more) = ([y.as_slice(), &[y[9]]].concat(), [codes.as_slice(), &[codes[9]]].concat());
        assert_eq!(reweigh(&y, &codes, 3, Some(&twice)), reweigh(&longer, &more, 3, None));
        assert_eq!(reweigh(&y, &codes, 3, Some(&[1.0])), None);
        assert_eq!(reweigh(&y, &codes, 1, None), None);
        assert_eq!(reweigh(&[], &[], 1, None), None);
    }
}
