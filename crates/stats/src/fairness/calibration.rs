//! Do probabilities mean the same in every group?

use crate::summary::ratio;

/// Bins of equal width in [0, 1] by which calibration is judged.
const BINS: usize = 10;

/// How the probabilities of a group fit what happened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GroupCalibration {
    /// Rows of the group.
    pub rows: usize,
    /// Mean probability; `None` without rows.
    pub mean_score: Option<f64>,
    /// Share of positives; `None` without rows.
    pub base_rate: Option<f64>,
    /// Expected calibration error over ten bins of equal width: the mean |share of positives − mean probability| of the
    /// bins, weighted by their rows. `None` without rows.
    pub expected_calibration_error: Option<f64>,
}

#[derive(Clone, Copy, Default)]
struct Bin {
    rows: f64,
    scores: f64,
    positives: f64,
}

/// The calibration of each group, in one pass. `codes` holds an index below `groups` for each row. `None` if lengths
/// differ, an index is too high, or a probability is outside [0, 1].
pub fn group_calibration(y: &[bool], p: &[f64], codes: &[u32], groups: usize) -> Option<Vec<GroupCalibration>> {
    if y.len() != p.len() || y.len() != codes.len() {
        return None;
    }
    let mut bins = vec![[Bin::default(); BINS]; groups];
    for ((&truth, &score), &code) in y.iter().zip(p).zip(codes) {
        if !(0.0..=1.0).contains(&score) {
            return None;
        }
        // A probability of 1 belongs to the last bin.
        let bin = &mut bins.get_mut(code as usize)?[((score * BINS as f64) as usize).min(BINS - 1)];
        bin.rows += 1.0;
        bin.scores += score;
        bin.positives += f64::from(u8::from(truth));
    }
    Some(bins.iter().map(|bins| of_group(bins)).collect())
}

fn of_group(bins: &[Bin]) -> GroupCalibration {
    let sum = |part: fn(&Bin) -> f64| bins.iter().map(part).sum::<f64>();
    let rows = sum(|bin| bin.rows);
    GroupCalibration {
        rows: rows as usize,
        mean_score: ratio(sum(|bin| bin.scores), rows),
        base_rate: ratio(sum(|bin| bin.positives), rows),
        expected_calibration_error: ratio(sum(|bin| (bin.positives - bin.scores).abs()), rows),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_group_is_judged_by_its_own_rows() {
        let y = [true, false, true, true];
        let found = group_calibration(&y, &[0.5, 0.5, 0.2, 1.0], &[0, 0, 1, 1], 3).unwrap();
        assert_eq!(found[0].expected_calibration_error, Some(0.0));
        assert_eq!((found[1].rows, found[1].mean_score, found[1].base_rate), (2, Some(0.6), Some(1.0)));
        assert!((found[1].expected_calibration_error.unwrap() - 0.4).abs() < 1e-15);
        assert_eq!((found[2].rows, found[2].expected_calibration_error), (0, None));
        assert_eq!(group_calibration(&y, &[0.5, 0.5, f64::NAN, 1.0], &[0; 4], 1), None);
        assert_eq!(group_calibration(&y, &[0.5; 4], &[0, 0, 0, 1], 1), None);
    }
}
