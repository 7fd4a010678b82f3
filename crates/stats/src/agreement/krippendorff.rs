//! Krippendorff's alpha: any number of annotators, gaps, and every level of measurement.

/// What the values of ratings mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Classes without order.
    Nominal,
    /// Classes in order.
    Ordinal,
    /// Numbers whose differences mean something.
    Interval,
    /// Numbers with a true zero.
    Ratio,
}

/// Krippendorff's alpha (Krippendorff, *Content Analysis*, chapter 11). Items with fewer than two ratings say nothing
/// about agreement and are left out. `None` when no item has two ratings, all ratings are one value, or one is NaN.
pub fn krippendorff_alpha(ratings: &[Vec<Option<f64>>], level: Level) -> Option<f64> {
    let mut items: Vec<Vec<f64>> = ratings.iter().map(|item| item.iter().flatten().copied().collect()).collect();
    items.retain(|item| item.len() > 1);
    if items.iter().flatten().any(|value| value.is_nan()) {
        return None;
    }
    if level == Level::Ordinal {
        items = mid_ranks(items);
    }
    let mut pool: Vec<f64> = items.concat();
    pool.sort_by(f64::total_cmp);
    let total = pool.len() as f64;
    let expected = disagreement(&pool, level) / (total - 1.0);
    let within = |item: &mut Vec<f64>| {
        item.sort_by(f64::total_cmp);
        disagreement(item, level) / (item.len() as f64 - 1.0)
    };
    let observed: f64 = items.iter_mut().map(within).sum();
    (expected > 0.0).then(|| 1.0 - observed / expected)
}

/// The distances of all ordered pairs of sorted values, summed up.
fn disagreement(sorted: &[f64], level: Level) -> f64 {
    let count = sorted.len() as f64;
    match level {
        Level::Nominal => {
            let same = |run: &[f64]| (run.len() as f64).powi(2);
            count * count - sorted.chunk_by(|one, other| one == other).map(same).sum::<f64>()
        }
        // The pairwise squares add up to the spread around the mean.
        Level::Ordinal | Level::Interval => {
            let mean = sorted.iter().sum::<f64>() / count;
            2.0 * count * sorted.iter().map(|value| (value - mean).powi(2)).sum::<f64>()
        }
        Level::Ratio => {
            let runs: Vec<(f64, f64)> =
                sorted.chunk_by(|one, other| one == other).map(|run| (run[0], run.len() as f64)).collect();
            let mut sum = 0.0;
            for (at, (one, ones)) in runs.iter().enumerate() {
                for (other, others) in &runs[at + 1..] {
                    let together = one + other;
                    let distance = if together == 0.0 { 0.0 } else { (one - other) / together };
                    sum += 2.0 * ones * others * distance * distance;
                }
            }
            sum
        }
    }
}

/// Each value as the middle of the ranks that it takes in the pool: the ordinal distance of two values is the distance of
/// these.
fn mid_ranks(items: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let mut pool: Vec<f64> = items.concat();
    pool.sort_by(f64::total_cmp);
    let middle = |value: f64| {
        let below = pool.partition_point(|other| *other < value);
        let up_to = pool.partition_point(|other| *other <= value);
        (below + up_to) as f64 / 2.0
    };
    items.into_iter().map(|item| item.into_iter().map(middle).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_ratings_say_nothing_and_one_value_is_undefined() {
        let both = |one: f64, other: f64| vec![Some(one), Some(other), None];
        for level in [Level::Nominal, Level::Ordinal, Level::Interval, Level::Ratio] {
            assert_eq!(krippendorff_alpha(&[], level), None);
            assert_eq!(krippendorff_alpha(&[vec![Some(1.0), None]], level), None);
            assert_eq!(krippendorff_alpha(&[both(1.0, 1.0), both(1.0, 1.0)], level), None);
            assert_eq!(krippendorff_alpha(&[both(1.0, f64::NAN)], level), None);
            assert_eq!(krippendorff_alpha(&[both(1.0, 1.0), both(2.0, 2.0)], level), Some(1.0));
            let with_single = [both(1.0, 1.0), both(2.0, 2.0), vec![Some(9.0), None, None]];
            assert_eq!(krippendorff_alpha(&with_single, level), Some(1.0));
        }
    }
}
