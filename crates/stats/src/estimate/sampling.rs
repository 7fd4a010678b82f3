//! Sampling errors of classification metrics, from the reference, as NannyML finds them.

use super::reference::population_deviation;

/// Number of resamples for the average precision: the deviation is known to 5 %.
const RESAMPLES: usize = 200;
/// A resample has at most so many rows; more make the deviation no better known.
const LARGEST_RESAMPLE: usize = 50_000;

/// Standard deviation of rows that count 1 for a hit and else 0; `None` without relevant rows.
pub(super) fn deviation_of_share(hits: f64, relevant: f64) -> Option<f64> {
    let share = crate::summary::ratio(hits, relevant)?;
    Some((share * (1.0 - share)).sqrt())
}

/// For the ROC AUC: the deviation over the rows of the rarer class of the share of the other class that each leaves
/// behind, and the share of the rarer class. Undefined with one class. Ties count half, where
/// NannyML leaves them as its sort does; a row at the very first rank counts among the others, as it does there.
pub(super) fn deviation_of_placements(y: &[bool], scores: &[f64]) -> (Option<f64>, f64) {
    let positives = y.iter().filter(|&&y| y).count();
    if positives == 0 || positives == y.len() {
        return (None, 0.0);
    }
    let rarer = 2 * positives <= y.len();
    let members = if rarer { positives } else { y.len() - positives };
    let others = (y.len() - members) as f64;
    let sign = if rarer { 1.0 } else { -1.0 };
    let mut order: Vec<usize> = (0..y.len()).collect();
    order.sort_unstable_by(|&left, &right| (sign * scores[left]).total_cmp(&(sign * scores[right])));
    let mut placements = Vec::with_capacity(members);
    let mut behind = 0.0;
    for group in order.chunk_by(|&left, &right| scores[left] == scores[right]) {
        let first_of_all = behind == 0.0 && placements.is_empty() && group.len() == 1;
        let in_group = if first_of_all { 0 } else { group.iter().filter(|&&row| y[row] == rarer).count() };
        let others_in_group = (group.len() - in_group) as f64;
        placements.extend(std::iter::repeat_n((behind + others_in_group / 2.0) / others, in_group));
        behind += others_in_group;
    }
    (population_deviation(&placements), members as f64 / y.len() as f64)
}

/// For the average precision: its deviation over resamples of half the reference, and the fraction that makes it one per
/// row. Resamples without a positive row are left out.
pub(super) fn bootstrap_of_average_precision(
    y: &[bool],
    scores: &[f64],
    mut below: impl FnMut(usize) -> usize,
) -> (Option<f64>, f64) {
    let size = (y.len() / 2).min(LARGEST_RESAMPLE);
    if size == 0 || !y.contains(&true) {
        return (None, 0.0);
    }
    let mut order: Vec<usize> = (0..y.len()).collect();
    order.sort_unstable_by(|&left, &right| scores[right].total_cmp(&scores[left]));
    let mut drawn = vec![0_u32; y.len()];
    let mut values = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        drawn.fill(0);
        for _ in 0..size {
            drawn[below(y.len()).min(y.len() - 1)] += 1;
        }
        values.extend(average_precision_of(&order, &drawn, y, scores));
    }
    (population_deviation(&values), 1.0 / size as f64)
}

/// Average precision of rows that were drawn so often, given their order from the highest score down.
fn average_precision_of(order: &[usize], drawn: &[u32], y: &[bool], scores: &[f64]) -> Option<f64> {
    let (mut positives, mut selected, mut sum) = (0.0, 0.0, 0.0);
    for group in order.chunk_by(|&left, &right| scores[left] == scores[right]) {
        let hits: f64 = group.iter().filter(|&&row| y[row]).map(|&row| f64::from(drawn[row])).sum();
        selected += group.iter().map(|&row| f64::from(drawn[row])).sum::<f64>();
        positives += hits;
        if hits > 0.0 {
            sum += hits * positives / selected;
        }
    }
    crate::summary::ratio(sum, positives)
}
