//! Do scores become better probabilities when they are calibrated? NannyML's rule, with its splits.

use super::Isotonic;
use crate::classification::roc_auc;
use crate::mersenne::Mersenne;
use crate::summary::mean;

/// Number of splits.
const SPLITS: usize = 10;
/// Share of the rows that a split keeps for the test.
const TEST_SHARE: f64 = 0.1;
/// Seed of the splits.
const SEED: u32 = 42;
/// Number of bins, of equally many rows, for the calibration error.
const BINS: usize = 10;
/// Classes that are told apart better than this leave nothing to calibrate.
const SEPARATED: f64 = 0.999;

/// Calibration errors on rows that were not used for fitting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CalibrationCheck {
    /// Of the scores as they are.
    pub before: f64,
    /// Of the calibrated scores.
    pub after: f64,
}

impl CalibrationCheck {
    /// Whether calibration helps.
    pub fn helps(&self) -> bool {
        self.before > self.after
    }
}

/// Expected calibration errors with and without isotonic regression, over ten stratified splits. `None` where there is
/// nothing to learn or to judge by: one class, classes that the scores separate, too few rows of a class, a NaN.
pub fn check_calibration(y: &[bool], scores: &[f64]) -> Option<CalibrationCheck> {
    if roc_auc(y, scores)? > SEPARATED {
        return None;
    }
    let classes = [false, true].map(|class| (0..y.len()).filter(|&row| y[row] == class).collect::<Vec<_>>());
    let test_rows = (TEST_SHARE * y.len() as f64).ceil() as usize;
    let train_rows = y.len() - test_rows;
    if classes.iter().any(|rows| rows.len() < 2) || test_rows < 2 || train_rows < 2 {
        return None;
    }
    let mut draws = Mersenne::numpy(SEED);
    let (mut truth, mut before, mut after) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..SPLITS {
        let (train, test) = split(&classes, train_rows, test_rows, &mut draws);
        let of = |rows: &[usize]| -> (Vec<f64>, Vec<bool>) { rows.iter().map(|&row| (scores[row], y[row])).unzip() };
        let (train_scores, train_y) = of(&train);
        let curve = Isotonic::fit(&train_scores, &train_y)?;
        for row in test {
            truth.push(y[row]);
            before.push(scores[row]);
            after.push(curve.at(scores[row])?);
        }
    }
    Some(CalibrationCheck { before: calibration_error(&truth, &before)?, after: calibration_error(&truth, &after)? })
}

/// Rows for fitting and for the test with the classes in proportion, as scikit-learn's `StratifiedShuffleSplit` draws them.
fn split(
    classes: &[Vec<usize>; 2],
    train_rows: usize,
    test_rows: usize,
    draws: &mut Mersenne,
) -> (Vec<usize>, Vec<usize>) {
    let sizes = [classes[0].len(), classes[1].len()];
    let for_train = in_proportion(sizes, train_rows, draws);
    let for_test = in_proportion([sizes[0] - for_train[0], sizes[1] - for_train[1]], test_rows, draws);
    let (mut train, mut test) = (Vec::new(), Vec::new());
    for (class, rows) in classes.iter().enumerate() {
        let order = draws.permutation(rows.len());
        let (first, rest) = order.split_at(for_train[class]);
        train.extend(first.iter().map(|&place| rows[place]));
        test.extend(rest.iter().take(for_test[class]).map(|&place| rows[place]));
    }
    // The order within each part is drawn too; nothing depends on it but the draws that follow.
    draws.permutation(train.len());
    draws.permutation(test.len());
    (train, test)
}

/// The most likely numbers of rows per class when `rows` are drawn; which class gets one that cannot be halved is drawn.
fn in_proportion(sizes: [usize; 2], rows: usize, draws: &mut Mersenne) -> [usize; 2] {
    let total = (sizes[0] + sizes[1]) as f64;
    let shares = sizes.map(|size| size as f64 / total * rows as f64);
    let mut counts = shares.map(|share| share.floor() as usize);
    let missing = rows - (counts[0] + counts[1]).min(rows);
    let remainders = [shares[0] - shares[0].floor(), shares[1] - shares[1].floor()];
    if missing > 0 && remainders[0] == remainders[1] {
        for class in draws.permutation(2).into_iter().take(missing) {
            counts[class] += 1;
        }
    } else if missing > 0 {
        let larger = usize::from(remainders[1] > remainders[0]);
        counts[larger] += 1;
        counts[1 - larger] += missing - 1;
    }
    counts
}

/// Mean distance of the mean score from the share of positives, over bins of equally many rows in the order of the scores.
fn calibration_error(y: &[bool], scores: &[f64]) -> Option<f64> {
    let rows = y.len();
    let bins = if rows <= 2 * BINS { rows / 2 } else { BINS };
    if bins < 2 {
        return None;
    }
    let mut order: Vec<usize> = (0..rows).collect();
    order.sort_by(|&left, &right| scores[left].total_cmp(&scores[right]));
    let width = rows / bins;
    // Where the rows are no multiple of the width, NannyML cuts one bin more and moves its end to the last row.
    let cuts = rows / width;
    let mut error = 0.0;
    for bin in 0..cuts {
        let end = if bin + 1 == cuts { rows } else { (bin + 1) * width };
        let members = &order[bin * width..end];
        let expected = mean(&members.iter().map(|&row| scores[row]).collect::<Vec<_>>())?;
        let positives = members.iter().filter(|&&row| y[row]).count() as f64;
        error += members.len() as f64 / rows as f64 * (expected - positives / members.len() as f64).abs();
    }
    Some(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overconfident_scores_need_calibration_and_separated_or_single_classes_do_not() {
        // Scores that say 0.05 and 0.95 where 30 % and 70 % come true.
        let y: Vec<bool> = (0..400).map(|row| if row % 2 == 0 { row % 20 < 6 } else { row % 20 < 14 }).collect();
        let scores: Vec<f64> = (0..400).map(|row| if row % 2 == 0 { 0.05 } else { 0.95 }).collect();
        let check = check_calibration(&y, &scores).unwrap();
        assert!(check.helps() && check.before > 0.15 && check.after < 0.1, "{check:?}");
        assert_eq!(check_calibration(&[true; 50], &[0.5; 50]), None);
        let separated: Vec<f64> = y.iter().map(|&y| if y { 0.9 } else { 0.1 }).collect();
        assert_eq!(check_calibration(&y, &separated), None);
        assert_eq!(check_calibration(&[true, false, true], &[0.1, 0.2, 0.05]), None);
    }
}
