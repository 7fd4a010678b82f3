//! What recommendations are beside right: varied, new, surprising, personal, and not all of the same few items.
//!
//! Lists hold item numbers, best first; only the best `k` of each are looked at. Items have feature vectors of equal
//! length, and counts of how often they were chosen in the past.

use crate::summary::{mean, ratio};

/// Cosine of the angle between two vectors; `None` if one has no length.
fn cosine(left: &[f64], right: &[f64]) -> Option<f64> {
    let product = |left: &[f64], right: &[f64]| left.iter().zip(right).map(|(l, r)| l * r).sum::<f64>();
    ratio(product(left, right), (product(left, left) * product(right, right)).sqrt())
}

fn best(list: &[usize], k: usize) -> &[usize] {
    &list[..k.min(list.len())]
}

/// Mean over users of the mean 1 − cosine between the items of a list (Smyth & McClave 2001). Lists of fewer than two
/// known items are left out; `None` without any other.
pub fn diversity(lists: &[Vec<usize>], features: &[Vec<f64>], k: usize) -> Option<f64> {
    let of_list = |list: &Vec<usize>| {
        let items: Vec<&Vec<f64>> = best(list, k).iter().filter_map(|&item| features.get(item)).collect();
        let pairs =
            items.iter().enumerate().flat_map(|(at, left)| items[at + 1..].iter().map(move |right| (left, right)));
        mean(&pairs.filter_map(|(left, right)| Some(1.0 - cosine(left, right)?)).collect::<Vec<f64>>())
    };
    mean(&lists.iter().filter_map(of_list).collect::<Vec<f64>>())
}

/// Mean over users of the mean −log₂ of the share of the past users who chose an item (Zhou et al. 2010): how unlikely
/// the shown items are to be known. Items that nobody chose count as chosen by one.
pub fn novelty(lists: &[Vec<usize>], chosen: &[f64], past_users: f64, k: usize) -> Option<f64> {
    if past_users.is_nan() || past_users <= 0.0 {
        return None;
    }
    let of_item = |&item: &usize| chosen.get(item).map(|count| -(count.max(1.0) / past_users).min(1.0).log2());
    let of_list = |list: &Vec<usize>| mean(&best(list, k).iter().filter_map(of_item).collect::<Vec<f64>>());
    mean(&lists.iter().filter_map(of_list).collect::<Vec<f64>>())
}

/// Mean over users of how far each shown item that was relevant is from what the user chose before: 1 − mean cosine to
/// the items of the history, 0 for an item that was not relevant (Kaminskas & Bridge 2016). Users without a history or a
/// list are left out; `None` if lengths differ or none is left.
pub fn serendipity(
    lists: &[Vec<usize>],
    relevant: &[Vec<bool>],
    histories: &[Vec<usize>],
    features: &[Vec<f64>],
    k: usize,
) -> Option<f64> {
    if lists.len() != relevant.len() || lists.len() != histories.len() {
        return None;
    }
    let of_user = |((list, relevant), history): ((&Vec<usize>, &Vec<bool>), &Vec<usize>)| {
        let known: Vec<&Vec<f64>> = history.iter().filter_map(|&item| features.get(item)).collect();
        let of_item = |(&item, &relevant): (&usize, &bool)| {
            let own = features.get(item)?;
            let near = mean(&known.iter().filter_map(|other| cosine(own, other)).collect::<Vec<f64>>())?;
            Some(if relevant { 1.0 - near } else { 0.0 })
        };
        mean(&best(list, k).iter().zip(relevant).filter_map(of_item).collect::<Vec<f64>>())
    };
    mean(&lists.iter().zip(relevant).zip(histories).filter_map(of_user).collect::<Vec<f64>>())
}

/// How often each item stands among the best `k` of a list.
fn shown(lists: &[Vec<usize>], items: usize, k: usize) -> Vec<f64> {
    let mut counts = vec![0.0; items];
    for &item in lists.iter().flat_map(|list| best(list, k)) {
        if let Some(count) = counts.get_mut(item) {
            *count += 1.0;
        }
    }
    counts
}

/// 1 − the mean share of items that two users' lists have in common: 0 when everybody is shown the same. Counted by item,
/// not by pair of users, so its work grows with the lists alone. `None` for fewer than two lists, or k = 0.
pub fn personalisation(lists: &[Vec<usize>], items: usize, k: usize) -> Option<f64> {
    let users = lists.len() as f64;
    let pairs = users * (users - 1.0) / 2.0;
    let common: f64 = shown(lists, items, k).iter().map(|count| count * (count - 1.0) / 2.0).sum();
    Some(1.0 - ratio(common, pairs * k as f64).filter(|_| pairs > 0.0)?)
}

/// How much recommendations lean to popular items.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Popularity {
    /// Average recommendation popularity: mean over users of the mean past count of the shown items (Yin et al. 2012).
    pub average: f64,
    /// Share of all items that anybody is shown.
    pub coverage: f64,
    /// Gini coefficient of how often items are shown: 0 when all alike, near 1 when few items are all that is shown.
    pub gini: f64,
}

/// The popularity bias of lists, with `chosen` the past count of each item. `None` without items, or if nothing is shown.
pub fn popularity(lists: &[Vec<usize>], chosen: &[f64], k: usize) -> Option<Popularity> {
    let of_list = |list: &Vec<usize>| {
        mean(&best(list, k).iter().filter_map(|&item| chosen.get(item).copied()).collect::<Vec<f64>>())
    };
    let mut counts = shown(lists, chosen.len(), k);
    counts.sort_unstable_by(f64::total_cmp);
    let (items, total) = (counts.len() as f64, counts.iter().sum::<f64>());
    let ranked: f64 = counts.iter().zip(1..).map(|(count, rank)| count * f64::from(rank)).sum();
    Some(Popularity {
        average: mean(&lists.iter().filter_map(of_list).collect::<Vec<f64>>())?,
        coverage: ratio(counts.iter().filter(|count| **count > 0.0).count() as f64, items)?,
        gini: ratio(2.0 * ranked, items * total)? - (items + 1.0) / items,
    })
}

/// The share of each value of an attribute among what is shown, beside its share among what was chosen in the past: the
/// item bias (values of the items) or user bias (values of the users, each shown row counting once). Values are numbered;
/// pairs are (shown, past), `None` where there is nothing to take a share of.
pub fn share_of_values(shown: &[usize], past: &[usize], values: usize) -> Vec<(Option<f64>, Option<f64>)> {
    let shares = |rows: &[usize]| -> Vec<Option<f64>> {
        let mut counts = vec![0.0; values];
        let mut total = 0.0;
        for &value in rows {
            if let Some(count) = counts.get_mut(value) {
                *count += 1.0;
                total += 1.0;
            }
        }
        counts.into_iter().map(|count| ratio(count, total)).collect()
    };
    shares(shown).into_iter().zip(shares(past)).collect()
}

/// Mean over users of the entropy (natural logarithm) of their scores among the best `k`, normalised by a softmax: low when
/// the model is sure of one item, ln k when it knows none better than another. Lists with a score that is not finite are
/// left out; `None` without others.
pub fn entropy_of_scores(scores: &[Vec<f64>], k: usize) -> Option<f64> {
    let of_list = |scores: &Vec<f64>| {
        let mut sorted = scores.clone();
        sorted.sort_unstable_by(|left, right| right.total_cmp(left));
        sorted.truncate(k);
        let largest = *sorted.first().filter(|_| sorted.iter().all(|score| score.is_finite()))?;
        let powers: Vec<f64> = sorted.iter().map(|score| (score - largest).exp()).collect();
        let total: f64 = powers.iter().sum();
        Some(powers.iter().filter(|power| **power > 0.0).map(|power| -power / total * (power / total).ln()).sum())
    };
    mean(&scores.iter().filter_map(of_list).collect::<Vec<f64>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features() -> Vec<Vec<f64>> {
        vec![vec![1.0, 0.0], vec![0.0, 1.0], vec![2.0, 0.0], vec![0.0, 0.0]]
    }

    #[test]
    fn variety_is_what_the_definitions_say() {
        // Items 0 and 2 point the same way, 1 is at right angles.
        let lists = [vec![0, 1], vec![0, 2], vec![3]];
        assert_eq!(diversity(&lists, &features(), 2), Some(0.5));
        assert_eq!(diversity(&lists, &features(), 1), None);
        assert_eq!(novelty(&[vec![0, 1]], &[8.0, 2.0], 8.0, 2), Some(1.0));
        assert_eq!(novelty(&[vec![0]], &[8.0], 0.0, 2), None);
        let surprise = serendipity(&[vec![1, 2]], &[vec![true, true]], &[vec![0]], &features(), 2);
        assert_eq!(surprise, Some(0.5));
        assert_eq!(serendipity(&[vec![1]], &[vec![true]], &[vec![]], &features(), 2), None);
    }

    #[test]
    fn personal_lists_differ_and_popular_ones_repeat() {
        assert_eq!(personalisation(&[vec![0, 1], vec![0, 1]], 4, 2), Some(0.0));
        assert_eq!(personalisation(&[vec![0, 1], vec![2, 3]], 4, 2), Some(1.0));
        assert_eq!(personalisation(&[vec![0, 1], vec![1, 2], vec![2, 0]], 4, 2), Some(0.5));
        assert_eq!(personalisation(&[vec![0]], 4, 1), None);
        let bias = popularity(&[vec![0, 1], vec![0, 1]], &[10.0, 2.0, 1.0, 1.0], 2).unwrap();
        assert_eq!((bias.average, bias.coverage, bias.gini), (6.0, 0.5, 0.5));
        let even = popularity(&[vec![0], vec![1]], &[1.0, 1.0], 1).unwrap();
        assert_eq!((even.coverage, even.gini), (1.0, 0.0));
        assert_eq!(popularity(&[vec![]], &[1.0], 1), None);
    }

    #[test]
    fn shares_and_entropy_are_undefined_where_nothing_is_shown() {
        let shares = share_of_values(&[0, 0, 1, 9], &[], 2);
        assert_eq!(shares, [(Some(2.0 / 3.0), None), (Some(1.0 / 3.0), None)]);
        assert!((entropy_of_scores(&[vec![3.0, 3.0]], 2).unwrap() - 2.0_f64.ln()).abs() < 1e-12);
        assert_eq!(entropy_of_scores(&[vec![f64::NAN]], 1), None);
    }
}
