//! Agreement on classes beyond chance.

/// How far apart two classes are, for ordered classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// Every disagreement counts alike.
    None,
    /// By the distance of the classes.
    Linear,
    /// By the square of the distance.
    Quadratic,
}

impl Weights {
    fn of(self, one: usize, other: usize) -> f64 {
        let distance = one.abs_diff(other) as f64;
        match self {
            Weights::None => f64::from(u8::from(one != other)),
            Weights::Linear => distance,
            Weights::Quadratic => distance * distance,
        }
    }
}

/// The share of pairs of answers to the same item that agree, over all items. With two annotators it is the share of
/// items on which they agree. `None` when no item has two answers.
pub fn percent_agreement(ratings: &[Vec<Option<usize>>]) -> Option<f64> {
    let (mut agreeing, mut pairs) = (0_u64, 0_u64);
    for item in ratings {
        let mut answers: Vec<usize> = item.iter().flatten().copied().collect();
        answers.sort_unstable();
        let count = answers.len() as u64;
        pairs += count * count.saturating_sub(1) / 2;
        agreeing += answers
            .chunk_by(|one, other| one == other)
            .map(|same| same.len() as u64 * (same.len() as u64 - 1) / 2)
            .sum::<u64>();
    }
    (pairs > 0).then(|| agreeing as f64 / pairs as f64)
}

/// Cohen's kappa of two annotators over items that both rated, classes as numbers below `classes` (Cohen 1960; weighted,
/// 1968). `None` for no items, a class out of range, or when chance alone explains all (both use one class only).
pub fn cohen_kappa(one: &[usize], other: &[usize], classes: usize, weights: Weights) -> Option<f64> {
    let in_range = |answers: &[usize]| answers.iter().all(|&class| class < classes);
    if one.is_empty() || one.len() != other.len() || !in_range(one) || !in_range(other) {
        return None;
    }
    let margin = |answers: &[usize]| {
        let mut counts = vec![0.0; classes];
        answers.iter().for_each(|&class| counts[class] += 1.0);
        counts
    };
    let (rows, columns) = (margin(one), margin(other));
    let observed: f64 = one.iter().zip(other).map(|(&one, &other)| weights.of(one, other)).sum();
    let mut expected = 0.0;
    for (row, share) in rows.iter().enumerate().filter(|(_, share)| **share > 0.0) {
        expected += columns.iter().enumerate().map(|(at, count)| weights.of(row, at) * share * count).sum::<f64>();
    }
    expected /= one.len() as f64;
    (expected > 0.0).then(|| 1.0 - observed / expected)
}

/// Fleiss' kappa (1971) of a table with one row per item and one count per class; every item has the same number of
/// answers. `None` for uneven or fewer than two answers, and when all answers are one class.
pub fn fleiss_kappa(counts: &[Vec<usize>]) -> Option<f64> {
    let first = counts.first()?;
    let answers: usize = first.iter().sum();
    let even = counts.iter().all(|item| item.len() == first.len() && item.iter().sum::<usize>() == answers);
    if !even || answers < 2 {
        return None;
    }
    let (items, per_item) = (counts.len() as f64, answers as f64);
    let agreeing = |item: &Vec<usize>| {
        let squares: f64 = item.iter().map(|&count| (count * count) as f64).sum();
        (squares - per_item) / (per_item * (per_item - 1.0))
    };
    let observed = counts.iter().map(agreeing).sum::<f64>() / items;
    let share = |class: usize| counts.iter().map(|item| item[class] as f64).sum::<f64>() / (items * per_item);
    let expected: f64 = (0..first.len()).map(|class| share(class).powi(2)).sum();
    (expected < 1.0).then(|| (observed - expected) / (1.0 - expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agreement_of_nothing_is_undefined_and_of_everything_is_one() {
        assert_eq!(percent_agreement(&[vec![Some(1), None], vec![None, None]]), None);
        assert_eq!(percent_agreement(&[vec![Some(1), Some(1), None], vec![Some(0), Some(2), Some(2)]]), Some(0.5));
        assert_eq!(cohen_kappa(&[0, 1], &[0, 1], 2, Weights::None), Some(1.0));
        assert_eq!(cohen_kappa(&[0, 0], &[0, 0], 2, Weights::None), None);
        assert_eq!(cohen_kappa(&[0, 3], &[0, 1], 2, Weights::None), None);
        assert_eq!(cohen_kappa(&[], &[], 2, Weights::Linear), None);
        assert_eq!(fleiss_kappa(&[vec![2, 0], vec![0, 2]]), Some(1.0));
        assert_eq!(fleiss_kappa(&[vec![2, 0], vec![0, 1]]), None);
        assert_eq!(fleiss_kappa(&[vec![2, 0], vec![2, 0]]), None);
    }
}
